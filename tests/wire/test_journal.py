"""Sessions that keep a journal: what a program leaves open when it ends, the next one settles."""

from __future__ import annotations

import logging
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from journal_kill import run_round
from venue import OpenVenue, Venue
from writes import SYMBOL, WRITES, shape

from crypto_ws_sync import (
    AuthError,
    ConfigError,
    ConnectionLost,
    InvalidParameter,
    OrderRejected,
    OutcomeUnknown,
    RequestTimeout,
    UserWSSession,
)
from crypto_ws_sync.protocol.outcome import Question
from crypto_ws_sync.session.journal import account_mark
from crypto_ws_sync.session.journal_file import JournalFile, read_journal
from crypto_ws_sync.session.journal_lines import record_line
from crypto_ws_sync.session.run import Run
from crypto_ws_sync.simulator import SimulatedExchange

ROOT = Path(__file__).parents[2]
WINDOW, MARGIN = 1.5, 3.0
"""Seconds for which an order may be accepted, and for which the exchange's caches may lag behind its engine."""
AHEAD = 1.0
"""Seconds by which a timestamp may be ahead of the exchange."""

KINDS = [
    "a limit order",
    "a market order",
    "a cancel",
    "a cancel of a leg",
    "a replacement",
    "a replacement under the same name",
    "an amendment",
    "a pair",
    "a chain",
    "a cancel of a list",
]
"""Writes that do not touch one another, and that may all stand at once."""

Restart = Callable[..., UserWSSession]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "orders.journal"


@pytest.fixture
def kept(open_venue: OpenVenue, path: Path) -> Venue:
    """An exchange, and a session that keeps a journal."""
    return open_venue(session={"journal": path})


@pytest.fixture
def restart(kept: Venue, path: Path) -> Iterator[Restart]:
    """End the session without waiting for answers, and start another one with its journal."""
    made: list[UserWSSession] = []

    def restart(**options: Any) -> UserWSSession:
        for session in (kept.session, *made):
            session.stop(0.02)
        settings = {"endpoint": kept.exchange.endpoint, "clock": kept.clock, "recv_window": 1500}
        key, secret = kept.exchange.api_key, kept.exchange.api_secret
        made.append(UserWSSession(key, secret, **{**settings, "journal": path, **options}))
        return made[-1].start()

    yield restart
    for session in made:
        session.stop(0.1)


def leave_open(
    kept: Venue, params: dict[str, Any], moment: Any = "after", method: str = "order.place"
) -> None:
    """Send a write that is executed (or not), and whose answer never comes."""
    swallowed = kept.exchange.faults.swallow(moment, method=method)
    kept.session.submit(method, params)
    assert swallowed.wait(5)


def outcome(kept: Venue, ask: Callable[[], Any]) -> Any:
    """Return what asking comes to, with the clock moving on meanwhile."""
    told: list[Any] = []

    def work() -> None:
        try:
            told.append(ask())
        except Exception as error:
            told.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    while thread.is_alive():
        thread.join(0.02)
        kept.clock.advance(0.25)
    return told[0]


# -- what is left open, and how it is settled ---------------------------------------------------------------


@pytest.mark.timeout(30)  # two programs start, are killed, and leave some hundred orders to be resolved
@pytest.mark.parametrize("seed", [5, 6])
def test_killed_in_the_middle_of_200_orders_every_one_is_settled_by_the_next_start(
    tmp_path: Path, seed: int
) -> None:
    found = run_round(seed, tmp_path)
    assert not found.wrong
    assert found.recorded >= found.executed > 0


def _all_left_open(kept: Venue, restart: Restart, moment: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the answers to every kind of write, and what the next program finds out where the answers were lost."""
    desk = kept.desk()
    direct = {}
    for kind in KINDS:
        direct[kind] = kept.session.handle_request(WRITES[kind].method, WRITES[kind].prepare(desk))
    kept.session.handle_request("openOrders.cancelAll", {"symbol": SYMBOL})
    kept.clock.advance(20)
    prepared = [(WRITES[kind].method, WRITES[kind].prepare(desk)) for kind in KINDS]
    kept.clock.advance(20)
    before = kept.exchange.orders()
    for method, params in prepared:
        leave_open(kept, params, moment, method)
    left = restart().unresolved()
    assert [each.method for each in left] == [method for method, _ in prepared]
    found = {kind: outcome(kept, each.resolve) for kind, each in zip(KINDS, left, strict=True)}
    assert (kept.exchange.orders() == before) is (moment == "before")
    return direct, found


def test_writes_of_every_kind_are_found_in_the_shapes_of_their_answers(kept: Venue, restart: Restart) -> None:
    direct, found = _all_left_open(kept, restart, "after")
    assert {kind: shape(each) for kind, each in found.items()} == {
        kind: shape(each) for kind, each in direct.items()
    }


def test_writes_of_every_kind_that_were_not_executed_are_told_so(kept: Venue, restart: Restart) -> None:
    _, found = _all_left_open(kept, restart, "before")
    assert {kind: type(each) for kind, each in found.items()} == dict.fromkeys(KINDS, ConnectionLost)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_cancel_of_all(kept: Venue, restart: Restart, moment: Any) -> None:
    params = WRITES["a cancel of all"].prepare(kept.desk())
    kept.clock.advance(2)
    leave_open(kept, params, moment, "openOrders.cancelAll")
    (left,) = restart().unresolved()
    assert isinstance(outcome(kept, left.resolve), list if moment == "after" else ConnectionLost)


def test_an_order_that_is_executed_after_the_program_has_ended_is_found(
    kept: Venue, restart: Restart
) -> None:
    late = kept.exchange.faults.delay(WINDOW - 0.1, moment="before", method="order.place", times=1)
    kept.session.submit("order.place", kept.desk().limit())
    assert late.wait(5)
    looked = kept.exchange.faults.delay(0.0, method="order.status", times=None)
    (left,) = restart().unresolved()
    assert looked.wait(5)
    kept.clock.advance(WINDOW - 0.2)
    assert not kept.exchange.orders()
    kept.clock.advance(0.12)
    while not kept.exchange.orders():
        looked.wait(0.01, strikes=1_000_000)
    (order,) = kept.exchange.orders()
    assert outcome(kept, left.resolve)["orderId"] == order["orderId"]


def _record(
    kept: Venue, params: dict[str, Any], *, ago: float, waits: float, method: str = "order.place"
) -> bytes:
    """Return the record of an order that a program was to send within `waits` seconds, a while ago."""
    now = kept.clock.now() - ago
    asked = Question(7, method, params, params["newClientOrderId"], now, now + WINDOW, 0.01, True)
    mark = account_mark(kept.exchange.endpoint.split("/")[2], kept.exchange.api_key)
    return record_line(asked, now + waits, WINDOW, mark)


@pytest.mark.parametrize(
    ("ago", "waits", "not_before", "by"),
    [
        (60.0, 10.0, 0.0, WINDOW + MARGIN),
        (20.0, 18.0, WINDOW + MARGIN - 2.0, 60.0),
        (1.0, 3600.0, WINDOW + MARGIN + AHEAD, 60.0),
    ],
    ids=["long over", "just over", "for an hour to come"],
)
def test_an_order_that_was_never_sent_is_told_once_none_can_be_accepted_any_more(
    kept: Venue, restart: Restart, path: Path, ago: float, waits: float, not_before: float, by: float
) -> None:
    """Its call may have had an hour, but the program that would have sent it has ended."""
    params = kept.desk().limit()
    kept.session.stop()
    with path.open("ab") as file:
        file.write(_record(kept, params, ago=ago, waits=waits))
    looked = kept.exchange.faults.delay(0.0, method="order.status", times=None)
    begun = kept.clock.now()
    (left,) = restart().unresolved()
    told: list[Exception] = []

    def ask() -> None:
        try:
            left.resolve(9)
        except ConnectionLost as error:
            told.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    assert looked.wait(5)
    if not_before:
        kept.clock.advance(not_before - 0.5)
        count = looked.strikes
        while looked.strikes <= count:
            kept.clock.advance(0.002)
            thread.join(0.01)
        assert not told
        assert kept.clock.now() - begun < not_before
    while thread.is_alive():
        kept.clock.advance(0.02)
        thread.join(0.01)
    assert told
    assert not_before <= kept.clock.now() - begun < by


def test_what_is_settled_in_the_background_is_listed_until_somebody_has_heard_of_it(
    kept: Venue, restart: Restart, path: Path
) -> None:
    params = kept.desk().limit()
    leave_open(kept, params)
    session = restart()
    deadline = time.monotonic() + 5
    while session.status().counters["verdict_executed"] < 1:
        assert time.monotonic() < deadline
    assert session.status().unresolved == 0
    assert [each.client_order_id for each in session.unresolved()] == [params["newClientOrderId"]]
    (left,) = session.unresolved()
    assert left.resolve()["clientOrderId"] == params["newClientOrderId"]
    assert session.unresolved() == []
    session.stop()
    assert not read_journal(path).left_open
    assert restart().unresolved() == []


def test_nothing_is_placed_again_and_no_name_that_is_open_can_be_used(kept: Venue, restart: Restart) -> None:
    there, absent = kept.desk().limit(), kept.desk().limit()
    leave_open(kept, there)
    leave_open(kept, absent, "before")
    session = restart()
    with pytest.raises(InvalidParameter, match="unresolved"):
        session.handle_request("order.place", absent)
    results = [outcome(kept, each.resolve) for each in session.unresolved()]
    assert results[0]["clientOrderId"] == there["newClientOrderId"]
    assert isinstance(results[1], ConnectionLost)
    assert len(kept.exchange.orders()) == 1
    assert session.handle_request("order.place", absent)["status"] == "NEW"


def test_a_second_crash_while_the_first_is_being_settled_loses_nothing(kept: Venue, restart: Restart) -> None:
    names = []
    for moment in ("before", "after", "before"):
        params = kept.desk().limit()
        names.append(params["newClientOrderId"])
        leave_open(kept, params, moment)
    kept.exchange.faults.swallow("before", method=["order.status", "openOrders.status"], times=None)
    for _ in range(3):
        assert [each.client_order_id for each in restart().unresolved()] == names
    kept.exchange.faults.clear()
    session = restart()
    results = [outcome(kept, each.resolve) for each in session.unresolved()]
    assert [type(result) for result in results] == [ConnectionLost, dict, ConnectionLost]


def test_the_same_session_started_again_lists_each_once(kept: Venue, path: Path) -> None:
    params = kept.desk().limit()
    leave_open(kept, params, "before")
    kept.session.stop(0.02)
    assert len(kept.session.unresolved()) == 1
    kept.session.start()
    (left,) = kept.session.unresolved()
    assert isinstance(outcome(kept, left.resolve), ConnectionLost)
    assert not kept.session.unresolved()
    kept.session.stop()
    assert not read_journal(path).left_open


def test_a_write_that_no_look_up_can_tell_of_is_listed_once(
    kept: Venue, restart: Restart, path: Path
) -> None:
    kept.session.stop()
    with path.open("ab") as file:
        file.write(_record(kept, {"newClientOrderId": "far"}, ago=1, waits=5, method="order.teleport"))
    session = restart()
    (left,) = session.unresolved()
    with pytest.raises(OutcomeUnknown, match="no look-up can tell"):
        left.resolve(2)
    assert session.unresolved() == []
    session.stop()
    assert [each.verdict for each in read_journal(path).settled.values()] == ["unknown"]
    assert restart().unresolved() == []


def test_what_another_key_recorded_is_not_looked_up_with_this_one(
    kept: Venue, restart: Restart, caplog: pytest.LogCaptureFixture
) -> None:
    """Asked with another account's key the exchange would say that there is no such order."""
    params = kept.desk().limit()
    leave_open(kept, params)
    kept.session.stop(0.02)
    other = kept.exchange.add_account()
    seen = len(kept.seen("order.status"))
    with caplog.at_level(logging.WARNING):
        kept.session.stop()
        stranger = UserWSSession(
            other.api_key,
            other.api_secret,
            endpoint=kept.exchange.endpoint,
            clock=kept.clock,
            journal=kept.session._journal,
        )
        with stranger:
            (left,) = stranger.unresolved()
            assert left.client_order_id == params["newClientOrderId"]
            with pytest.raises(OutcomeUnknown, match="another key or endpoint"):
                left.resolve()
    assert "recorded with another key" in caplog.text
    assert len(kept.seen("order.status")) == seen
    (left,) = restart().unresolved()
    assert left.resolve(5)["clientOrderId"] == params["newClientOrderId"]


# -- what is recorded ---------------------------------------------------------------------------------------


def test_every_way_to_write_is_recorded_and_no_way_to_read(kept: Venue, path: Path) -> None:
    session, desk = kept.session, kept.desk()
    session.handle_request("order.place", desk.limit())
    session.submit("order.place", desk.limit()).result(5)
    session.handle_requests([("order.place", desk.limit()), ("ping", None), ("order.place", desk.limit())])
    session.order_place(symbol=SYMBOL, side="BUY", type="MARKET", quantity="0.001")
    session.handle_request("openOrders.status", {"symbol": SYMBOL})
    session.open_orders_cancel_all(symbol=SYMBOL)
    contents = read_journal(path)
    methods = [record.question.method for record in contents.records.values()]
    assert methods == ["order.place"] * 5 + ["openOrders.cancelAll"]
    with pytest.raises(OrderRejected):
        session.handle_request("order.place", desk.limit(quantity="900"))
    session.stop()
    settled = read_journal(path).settled.values()
    assert Counter(each.verdict for each in settled) == {"executed": 6, "refused": 1}


def test_it_is_recorded_before_it_is_sent_and_nothing_secret_is(
    kept: Venue, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen_when_recorded = []
    append = JournalFile.append

    def noted(file: JournalFile, data: bytes) -> None:
        append(file, data)
        seen_when_recorded.append(len(kept.seen("order.place")))

    monkeypatch.setattr(JournalFile, "append", noted)
    begun = kept.clock.now()
    params = kept.desk().limit()
    kept.session.handle_request("order.place", params)
    assert seen_when_recorded[0] == 0
    assert len(kept.seen("order.place")) == 1
    text = path.read_text(encoding="utf-8")
    (record,) = read_journal(path).records.values()
    assert record.question.params == {**params, "recvWindow": 1500}
    assert abs(record.question.timestamp - begun) < 0.1
    signature = kept.seen("order.place")[0].params["signature"]
    for hidden in (kept.exchange.api_key, kept.exchange.api_secret, signature):
        assert hidden not in text


def test_a_request_that_carries_its_own_key_and_signature_leaves_neither(kept: Venue, path: Path) -> None:
    signed = {"symbol": SYMBOL, "side": "BUY", "type": "MARKET", "quantity": "1"}
    own = {"apiKey": "k" * 64, "timestamp": int(kept.clock.now() * 1000), "signature": "s" * 64}
    with pytest.raises(AuthError):
        kept.session.handle_request("order.place", {**signed, **own})
    text = path.read_text(encoding="utf-8")
    assert '"quantity":"1"' in text
    assert "k" * 64 not in text
    assert "s" * 64 not in text


def test_real_time_limits_what_may_still_be_sent(path: Path) -> None:
    with SimulatedExchange(symbols=[SYMBOL]) as exchange:
        session = UserWSSession(
            exchange.api_key, exchange.api_secret, endpoint=exchange.endpoint, journal=path
        )
        with session:
            params = {"symbol": SYMBOL, "side": "BUY", "type": "MARKET", "quantity": "0.001"}
            before = time.time()
            session.handle_request("order.place", params, timeout=7)
            (record,) = read_journal(path).records.values()
            assert before + 6 < record.latest < time.time() + 8
            # The exchange's clock leaps beyond that, so the timestamp of the order is refused, and renewed too late.
            exchange.faults.skew_clock(30)
            with pytest.raises(RequestTimeout, match="not sent"):
                session.handle_request("order.place", params, timeout=7)
            assert len(exchange.orders()) == 1
            assert session.handle_request("order.place", params, timeout=7)["status"] == "FILLED"
        assert not read_journal(path).left_open


def test_with_a_clock_that_leaps_nothing_limits_it(kept: Venue, path: Path) -> None:
    kept.session.handle_request("order.place", kept.desk().limit())
    (record,) = read_journal(path).records.values()
    assert record.latest == math.inf


def test_what_is_taken_back_unsent_is_noted_as_not_executed(kept: Venue, path: Path) -> None:
    desk = kept.desk()
    refused = kept.exchange.faults.refuse_handshake(503, times=None)
    kept.exchange.faults.drop_all()
    assert refused.wait(5)
    future = kept.session.submit("order.place", desk.limit())
    assert future.cancel()
    with pytest.raises(ConnectionLost):
        kept.session.handle_request("order.place", desk.limit(), timeout=0.05)
    with pytest.raises(ConnectionLost):
        kept.session.submit("order.place", desk.limit(), timeout=0.05).result(5)
    refused.cancel()
    assert kept.session.wait_operational(8)
    kept.session.stop()
    contents = read_journal(path)
    assert [each.verdict for each in contents.settled.values()] == ["not executed"] * 3
    assert not contents.left_open


def test_an_outcome_that_was_looked_up_is_noted(kept: Venue, path: Path) -> None:
    dropped = kept.exchange.faults.drop("after", method="order.place")
    future = kept.session.submit("order.place", kept.desk().limit())
    assert dropped.wait(5)
    kept.settle(future)
    kept.exchange.faults.swallow("after", method="order.place")
    with pytest.raises(OutcomeUnknown) as unknown:
        kept.session.handle_request("order.place", kept.desk().limit(), timeout=0.1)
    assert unknown.value.resolve(5)["status"] == "NEW"
    kept.session.stop()
    assert [each.verdict for each in read_journal(path).settled.values()] == ["executed"] * 2


# -- what cannot be recorded is not sent --------------------------------------------------------------------

LIMITED = """
import resource, sys
from crypto_ws_sync import *
order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.001"}
path = sys.argv[4]
session = UserWSSession(sys.argv[2], sys.argv[3], endpoint=sys.argv[1], journal=path).start()
import os
resource.setrlimit(resource.RLIMIT_FSIZE, (os.stat(path).st_size + 1000, resource.RLIM_INFINITY))
# Never answered, so that there is always something in the journal that is needed.
session.submit("order.place", {**order, "newClientOrderId": "open"})
placed, failed = 1, 0
for number in range(12):
    try:
        session.handle_request("order.place", {**order, "newClientOrderId": f"one{number}"})
        placed += 1
    except ConfigError as error:
        assert "nothing was sent" in str(error) and "File too large" in str(error), error
        assert error.method == "order.place" and error.client_order_id == f"one{number}"
        failed += 1
try:
    session.submit("order.place", order)
except ConfigError:
    failed += 1
answers = session.handle_requests([("order.place", order), ("ping", None), ("order.place", order)])
assert [type(answer) for answer in answers] == [ConfigError, dict, ConfigError], answers
assert session.ping() == {}
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
session.handle_request("order.place", order)
print(placed, failed)
session.stop(0.1)
"""


def _run(text: str, *arguments: str) -> str:
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", text, *arguments],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout


def test_an_order_whose_record_has_no_room_is_not_sent(path: Path) -> None:
    with SimulatedExchange(symbols=[SYMBOL]) as exchange:
        exchange.faults.swallow("after", method="order.place", times=1)
        exchange.faults.swallow("after", method="order.status", times=None)
        out = _run(LIMITED, exchange.endpoint, exchange.api_key, exchange.api_secret, str(path))
        placed, failed = map(int, out.split())
        assert placed in (2, 3)
        assert failed == 14 - placed
        assert len(exchange.orders()) == placed + 1
    contents = read_journal(path)
    assert contents.skipped == 0
    assert [record.question.client_order_id for record in contents.left_open] == ["open"]


def test_a_program_that_does_not_stop_its_session_leaves_nothing_open(path: Path) -> None:
    text = """
import sys
from crypto_ws_sync import *
session = UserWSSession(sys.argv[2], sys.argv[3], endpoint=sys.argv[1], journal=sys.argv[4]).start()
session.order_place(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.001")
ENDING
"""
    with SimulatedExchange(symbols=[SYMBOL]) as exchange:
        for count, ending in enumerate(["", "del session; import gc; gc.collect()"], 1):
            _run(
                text.replace("ENDING", ending),
                exchange.endpoint,
                exchange.api_key,
                exchange.api_secret,
                str(path),
            )
            assert not read_journal(path).left_open
            assert len(exchange.orders()) == count


# -- processes ----------------------------------------------------------------------------------------------

FORKING = """
import os, subprocess, sys
from crypto_ws_sync import *
session = UserWSSession(sys.argv[2], sys.argv[3], endpoint=sys.argv[1], journal=sys.argv[4]).start()
session.order_place(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.001")
CHILD
session.order_place(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.001")
os.write(1, b"ready\\n")
sys.stdin.read()
"""
CHILDREN = {
    "forked": """
if os.fork() == 0:
    held = [name for name in os.listdir("/proc/self/fd") if ".journal" in os.path.realpath(f"/proc/self/fd/{name}")]
    os.write(1, f"child {held}\\n".encode())
    sys.stdin.read()
    os._exit(0)
""",
    "another program": """
code = "import os, sys; os.write(1, b'child []' + bytes([10])); sys.stdin.read()"
child = subprocess.Popen([sys.executable, "-c", code], close_fds=False)
""",
}


@pytest.mark.timeout(20)  # two interpreters start one after the other
@pytest.mark.parametrize("kind", CHILDREN)
def test_a_child_that_outlives_its_killed_parent_does_not_hold_the_journal(path: Path, kind: str) -> None:
    with SimulatedExchange(symbols=[SYMBOL]) as exchange:
        arguments = [exchange.endpoint, exchange.api_key, exchange.api_secret, str(path)]
        program = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", FORKING.replace("CHILD", CHILDREN[kind]), *arguments],
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert program.stdout is not None
        assert program.stdin is not None
        try:
            assert {program.stdout.readline(), program.stdout.readline()} == {"ready\n", "child []\n"}
            settings: dict[str, Any] = {"endpoint": exchange.endpoint, "journal": path}
            with pytest.raises(ConfigError, match=rf"in use by another program \(process {program.pid}\)"):
                UserWSSession(exchange.api_key, exchange.api_secret, **settings).start()
            program.kill()
            program.wait()
            # The child lives on: it has the other end of the pipe.
            with UserWSSession(exchange.api_key, exchange.api_secret, **settings) as session:
                for left in session.unresolved():
                    assert left.resolve()["status"] == "FILLED"
                assert len(exchange.orders()) == 2
        finally:
            program.kill()
            program.stdin.close()
            program.stdout.close()
            program.wait()


def test_ctrl_c_between_record_and_hand_over_sends_nothing(
    kept: Venue, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = JournalFile.append

    def interrupted(file: JournalFile, data: bytes) -> None:
        append(file, data)
        if threading.current_thread() is threading.main_thread():
            signal.raise_signal(signal.SIGINT)

    session, params = kept.session, kept.desk().limit(newClientOrderId=None)
    with monkeypatch.context() as patched:
        patched.setattr(JournalFile, "append", interrupted)
        for call in (
            lambda: session.handle_request("order.place", params),
            lambda: session.submit("order.place", params),
            lambda: session.handle_requests([("order.place", params)]),
        ):
            with pytest.raises(KeyboardInterrupt):
                call()
    assert kept.session.ping() == {}
    assert not kept.seen("order.place")
    kept.session.stop()
    assert len(read_journal(path).records) == 3


# -- what it costs ------------------------------------------------------------------------------------------


def _calls_of_orders(exchange: SimulatedExchange, **options: Any) -> tuple[Counter[str], type[Run]]:
    """Return which Python functions of the package run in the caller's thread for ten orders, and the kind of run."""
    calls: Counter[str] = Counter()

    def count(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call" and "crypto_ws_sync" in frame.f_code.co_filename:
            calls[f"{Path(frame.f_code.co_filename).name}:{frame.f_code.co_name}"] += 1

    order = {"symbol": SYMBOL, "side": "BUY", "type": "MARKET", "quantity": "0.001"}
    session = UserWSSession(exchange.api_key, exchange.api_secret, endpoint=exchange.endpoint, **options)
    with session:
        session.handle_request("order.place", order)
        before = sys.getprofile()
        sys.setprofile(count)
        try:
            for _ in range(10):
                session.handle_request("order.place", order)
        finally:
            sys.setprofile(before)
        kind = type(session._run)
    assert kind is not None
    return calls, kind  # type: ignore[return-value]  # a started session has a run


def test_without_a_journal_none_of_it_runs(path: Path) -> None:
    with SimulatedExchange(symbols=[SYMBOL]) as exchange:
        without, kind = _calls_of_orders(exchange)
        kept, _ = _calls_of_orders(exchange, journal=path)
    assert kind is Run
    journals = {"journal.py", "journal_file.py", "journal_lines.py", "journaled_run.py", "writer_thread.py"}
    assert not [name for name in without if name.partition(":")[0] in journals]
    # Beside the journal's own there is what makes the record: a question as a look-up would need it, as text.
    added = {name for name in kept - without if name.partition(":")[0] not in journals}
    assert "dialect.py:question" in added
    assert {name.partition(":")[0] for name in added} <= {
        "dialect.py",
        "envelope.py",
        "latest_orders.py",
        "method.py",
        "server_clock.py",
    }
    assert not without - kept
