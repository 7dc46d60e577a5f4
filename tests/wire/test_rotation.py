"""Connections that are replaced: on purpose without a call noticing, and when their line falls silent."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from bytes_server import LIMIT, Wire
from freezing_proxy import FreezingProxy
from hostile_exchange import Call, HostileExchange
from quick_session import quick_session

from crypto_ws_sync import StreamGap, UserWSSession
from crypto_ws_sync.protocol.dialect import LinePolicy
from crypto_ws_sync.simulator import SimulatedExchange

PLENTY = {"REQUEST_WEIGHT": 10_000_000, "CONNECTIONS": 10_000}
READERS = 8
ROTATIONS = 5

QUICK = LinePolicy(
    ping_after=0.3,
    give_up_after=0.3,
    unanswered_after=0.2,
    silent_after_early_ping=0.3,
    suspicions_apart=30.0,
)
SILENT_ONLY = LinePolicy(unanswered_after=0.2, silent_after_early_ping=0.3, suspicions_apart=1.0)


@pytest.fixture
def simulated() -> Iterator[SimulatedExchange]:
    with SimulatedExchange() as exchange:
        yield exchange


def _session(kind: type[UserWSSession], exchange: Any, **options: Any) -> UserWSSession:
    account = (exchange.api_key, exchange.api_secret)
    return kind(*account, **{"endpoint": exchange.endpoint, **options})


def _opened(session: UserWSSession) -> tuple[float, float]:
    """Return between which monotonic seconds the connection that serves was opened; long ago where none serves."""
    earliest = time.monotonic()
    age = session.status().connection_age
    latest = time.monotonic()
    age = math.inf if age is None else age
    return earliest - age, latest - age


def _wait_for_another(session: UserWSSession, opened: tuple[float, float]) -> None:
    """Return once a connection serves that was certainly opened after `opened`, however long each look took."""
    deadline = time.monotonic() + LIMIT
    while _opened(session)[0] <= opened[1] or not session.operational_status:
        assert time.monotonic() < deadline, session.status()


class Readers:
    """Threads that read without pause until told to end; any failed call is kept."""

    def __init__(self, session: UserWSSession) -> None:
        self._session = session
        self._over = threading.Event()
        self._pool = ThreadPoolExecutor(READERS)
        self._barrier = threading.Barrier(READERS + 1)

    def __enter__(self) -> Readers:
        self._futures = [self._pool.submit(self._read) for _ in range(READERS)]
        self._barrier.wait()
        return self

    def __exit__(self, *ignored: object) -> None:
        self._over.set()
        self._pool.shutdown()

    @property
    def answered(self) -> int:
        """How many calls were answered; raises what any call raised."""
        return sum(future.result() for future in self._futures)

    def _read(self) -> int:
        self._barrier.wait()
        answered = 0
        while not self._over.is_set():
            assert self._session.handle_request("time", on_limit="raise")["serverTime"] > 0
            answered += 1
        return answered


@pytest.mark.timeout(30)  # eight threads that read without pause, on however few cores
def test_no_read_fails_through_shutdown_notices() -> None:
    with SimulatedExchange(rate_limits=PLENTY) as exchange, _session(UserWSSession, exchange) as session:
        session.handle_request("exchangeInfo", {"symbol": "BTCUSDT"})
        with Readers(session) as readers:
            for _ in range(ROTATIONS):
                opened = _opened(session)
                session.ping()
                exchange.faults.announce_shutdown()
                _wait_for_another(session, opened)
        assert readers.answered > 0
        assert session.status().reconnects == {"server shutdown": ROTATIONS}


@pytest.mark.timeout(30)  # eight threads that read without pause, on however few cores
def test_no_read_fails_through_connections_of_a_great_age() -> None:
    kind = quick_session(LinePolicy(maximum_age=0.2, age_jitter=0.1))
    with SimulatedExchange(rate_limits=PLENTY) as exchange, _session(kind, exchange) as session:
        session.handle_request("exchangeInfo", {"symbol": "BTCUSDT"})
        with Readers(session) as readers:
            for _ in range(ROTATIONS):
                _wait_for_another(session, _opened(session))
        assert readers.answered > 0
        assert set(session.status().reconnects) == {"age"}


def test_the_new_connection_is_logged_on_and_subscribed_before_the_old_is_left(
    simulated: SimulatedExchange,
) -> None:
    account = simulated.add_account("ed25519")
    session = UserWSSession(account.api_key, account.api_secret, endpoint=simulated.endpoint)
    with session, session.user_data(timeout=5) as events:
        first = {seen.connection for seen in simulated.requests()}
        again = simulated.faults.delay(0.0, method="userDataStream.subscribe", times=1)
        simulated.faults.announce_shutdown()
        while not again.wait(0.0):
            session.handle_request("account.status")
        simulated.deposit("BTC", 1, account)
        assert not isinstance(next(events), StreamGap)
        seen = [each for each in simulated.requests() if each.connection not in first]
    methods = [each.method for each in seen]
    assert methods[:2] == ["time", "session.logon"]
    assert "userDataStream.subscribe" in methods
    assert all("signature" not in each.params for each in seen if each.method == "account.status")
    assert {each.status for each in seen} == {200}


def test_a_notice_in_the_first_moment_of_a_connection_is_heeded() -> None:
    exchange = HostileExchange()
    announced = '{"event":{"e":"serverShutdown","E":1}}'

    def announce(call: Call) -> None:
        call.wire.send_text(announced)
        call.answer()

    exchange.once("time", announce)
    with exchange.server, UserWSSession(*exchange.credentials, endpoint=exchange.url) as session:
        exchange.wire(2)
        assert session.ping() == {}
        assert session.status().reconnects == {"server shutdown": 1}


def test_the_first_goes_on_where_no_second_can_be_had(simulated: SimulatedExchange) -> None:
    with _session(UserWSSession, simulated) as session:
        refused = simulated.faults.refuse_handshake(503, times=None)
        simulated.faults.announce_shutdown()
        assert refused.wait(5, strikes=2)
        for _ in range(10):
            assert session.ping() == {}
        (first,) = {seen.connection for seen in simulated.requests()}
        refused.cancel()
        deadline = time.monotonic() + LIMIT
        while {seen.connection for seen in simulated.requests()} == {first}:
            assert time.monotonic() < deadline
            session.ping()


def test_a_connection_that_is_lost_while_its_next_is_refused_is_replaced_without_a_pause(
    simulated: SimulatedExchange,
) -> None:
    """The pauses between attempts grow while there is no hurry; the end of the line ends the pause."""
    with _session(UserWSSession, simulated) as session:
        refused = simulated.faults.refuse_handshake(503, times=None)
        simulated.faults.announce_shutdown()
        assert refused.wait(9, strikes=5)
        refused.cancel()
        simulated.faults.drop_all()
        assert session.handle_request("ping", timeout=2.0) == {}


def test_the_end_of_a_short_outage_is_noticed_soon(simulated: SimulatedExchange) -> None:
    """Pauses grow by chance up to many seconds, but never beyond what the outage has lasted."""
    with _session(UserWSSession, simulated) as session:
        refused = simulated.faults.refuse_handshake(503, times=None)
        began = time.monotonic()
        simulated.faults.drop_all()
        assert refused.wait(9, strikes=6)
        refused.cancel()
        lasted = time.monotonic() - began
        assert session.wait_operational(max(1.0, lasted) + 1.0)


# -- a line that falls silent -------------------------------------------------------------------------------


def test_a_silent_line_is_replaced_by_one_opened_beside_it(simulated: SimulatedExchange) -> None:
    with _session(quick_session(SILENT_ONLY), simulated) as session:
        simulated.faults.stall_all()
        assert session.ping() == {}
        assert session.status().reconnects == {"silent": 1}


def test_a_silent_line_takes_nothing_with_it(simulated: SimulatedExchange) -> None:
    """Reads are asked again, and an order that was executed without an answer is found."""
    with _session(quick_session(SILENT_ONLY), simulated) as session:
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
        stalled = simulated.faults.stall("after", method="order.place")
        placed = session.submit("order.place", order)
        assert stalled.wait(5)
        reads = [session.submit("time") for _ in range(5)]
        assert all(read.result(5)["serverTime"] > 0 for read in reads)
        assert placed.result(5)["status"] == "FILLED"
    assert len(simulated.orders()) == 1


class Mute:
    """A connection's thread that stops for a while: it reads nothing, and answers no ping."""

    def __init__(self) -> None:
        self.over = threading.Event()

    def __call__(self, call: Call) -> None:
        assert self.over.wait(LIMIT)
        call.answer()


def test_a_silent_line_that_speaks_again_stays() -> None:
    exchange, mute, answered = HostileExchange(), Mute(), threading.Event()

    def let_the_first_speak(wire: Wire) -> None:
        wire.read_handshake()
        mute.over.set()
        assert answered.wait(LIMIT)
        wire.send_bytes(wire.acceptance())
        exchange.converse(wire)

    exchange.server.scripts.insert(1, let_the_first_speak)
    exchange.once("test.echo", mute)
    kind = quick_session(SILENT_ONLY)
    with exchange.server, kind(*exchange.credentials, endpoint=exchange.url) as session:
        future = session.submit("test.echo", {"value": 1})
        future.add_done_callback(lambda _: answered.set())
        assert future.result(LIMIT) == {"value": 1}
        # The second one is told goodbye, and the first serves on.
        second = exchange.wire(2)
        deadline = time.monotonic() + LIMIT
        while second.close_code is None:
            assert time.monotonic() < deadline
            assert session.handle_request("test.echo", {"value": 2}) == {"value": 2}
        assert second.close_code == 1000
        assert session.status().reconnects == {}
        assert {call.wire.number for call in exchange.seen("test.echo")} == {1}


@pytest.mark.parametrize("apart", [30.0, 0.0])
def test_second_connections_for_silence_keep_their_distance(apart: float) -> None:
    """Of two silences right after each other the second is not answered by another connection, unless that is due."""
    policy = LinePolicy(unanswered_after=0.1, silent_after_early_ping=0.2, suspicions_apart=apart)
    exchange, mutes = HostileExchange(), [Mute(), Mute()]
    # The first is asked again over the second connection.
    exchange.once("test.echo", mutes[0], Call.answer, mutes[1])
    kind = quick_session(policy)
    with exchange.server, kind(*exchange.credentials, endpoint=exchange.url) as session:
        first = session.submit("test.echo", {"value": 1})
        exchange.wire(2)
        assert first.result(LIMIT) == {"value": 1}
        second = session.submit("test.echo", {"value": 2})
        if apart:
            began = time.monotonic()
            while time.monotonic() - began < 0.8:
                assert not second.done()
                session.status()
            assert len(exchange.server.wires) == 2
            mutes[1].over.set()
        assert second.result(LIMIT) == {"value": 2}
        assert len(exchange.server.wires) == (2 if apart else 3)
        for mute in mutes:
            mute.over.set()


def test_a_half_open_connection_is_replaced_with_no_traffic(simulated: SimulatedExchange) -> None:
    with FreezingProxy(simulated.endpoint) as proxy:
        kind = quick_session(QUICK)
        with _session(kind, simulated, endpoint=proxy.endpoint) as session:
            proxy.freeze()
            frozen_at = time.monotonic()
            # Until the ping, and as long again until it is given up; a machine under load takes its time.
            assert proxy.wait_for_connections(2, LIMIT) - frozen_at < 8, (
                "the exchange's own policy gives it 20 s"
            )
            assert session.ping() == {}
            assert session.status().reconnects == {"1006": 1}


def test_calls_over_a_half_open_connection_are_answered(simulated: SimulatedExchange) -> None:
    with FreezingProxy(simulated.endpoint) as proxy:
        session = _session(quick_session(SILENT_ONLY), simulated, endpoint=proxy.endpoint)
        with session:
            proxy.freeze()
            order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
            calls = [session.submit("time") for _ in range(20)]
            # Dropped on the way, so looked up over the next connection and not there.
            lost = session.submit("order.place", {**order, "recvWindow": 500})
            assert all(call.result(9)["serverTime"] > 0 for call in calls)
            assert lost.exception(9) is not None
            assert session.handle_request("order.place", order)["status"] == "FILLED"
    assert len(simulated.orders()) == 1
