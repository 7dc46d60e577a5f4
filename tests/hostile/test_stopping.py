"""stop(): every blocked caller is told in time and told right, nothing is left, and it can be said twice."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from bytes_server import LIMIT, Wire
from hostile_exchange import Call, HostileExchange

from crypto_ws_sync import OutcomeUnknown, SessionClosed, UserWSSession
from crypto_ws_sync.simulator.certificates import Certificates

ORDER = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "1",
    "price": "100",
}


def _ignore(call: Call) -> None:
    """Neither do nor answer anything."""


def _in_thread(work: Callable[[], Any]) -> Future[tuple[Any, float]]:
    """Run something in a thread; the future's result is what it returned or raised, and when."""
    found: Future[tuple[Any, float]] = Future()

    def run() -> None:
        try:
            result = work()
        except BaseException as error:
            result = error
        found.set_result((result, time.monotonic()))

    threading.Thread(target=run, daemon=True).start()
    return found


def test_stop_wakes_every_blocked_caller(exchange: HostileExchange, session: UserWSSession) -> None:
    exchange.on("*", _ignore)
    exchange.on("order.place", lambda call: call.execute() and None)
    reads = [_in_thread(lambda: session.handle_request("test.echo", timeout=60)) for _ in range(5)]
    many = _in_thread(lambda: session.handle_requests([("test.echo", None)] * 5, timeout=60))
    submitted = session.submit("test.echo", timeout=60)
    write = _in_thread(
        lambda: session.handle_request("order.place", {**ORDER, "newClientOrderId": "one"}, timeout=60)
    )
    exchange.wait_for("test.echo", 11)
    exchange.wait_for("order.place")
    begun = time.monotonic()
    session.stop(6.0)
    assert time.monotonic() - begun < 6.0
    for read in [*reads, many]:
        found, at = read.result(LIMIT)
        errors = found if read is many else [found]
        assert [type(each) for each in errors] == [SessionClosed] * len(errors)
        assert at - begun < 2.9, "before the writes"
    assert isinstance(submitted.exception(LIMIT), SessionClosed)
    error, at = write.result(LIMIT)
    assert isinstance(error, OutcomeUnknown)
    assert isinstance(error.__cause__, SessionClosed)
    assert 2.9 < at - begun < 5.9, "a sent write has half of the limit"
    with pytest.raises(SessionClosed):
        error.resolve()
    exchange.on("*", Call.answer)
    session.start()
    assert error.resolve()["clientOrderId"] == "one"


def test_a_sent_write_may_be_answered_while_stopping(
    exchange: HostileExchange, session: UserWSSession
) -> None:
    held: list[Call] = []
    exchange.on("order.place", held.append)
    write = session.submit("order.place", {**ORDER, "newClientOrderId": "one"})
    exchange.wait_for("order.place")
    read = session.submit("test.hold")
    exchange.wait_for("test.hold")
    stopping = _in_thread(lambda: session.stop(6))
    assert not write.done()
    read.exception(LIMIT)
    held[0].answer()
    assert write.result(LIMIT)["clientOrderId"] == "one"
    assert stopping.result(LIMIT)[0] is None


def test_stop_wakes_who_waits_for_a_connection(exchange: HostileExchange, session: UserWSSession) -> None:
    exchange.server.scripts.insert(1, Wire.park)
    exchange.wire(1).cut()
    exchange.wire(2)
    waiting = [
        _in_thread(lambda: session.handle_request("test.echo", timeout=60)),
        _in_thread(lambda: session.handle_request("order.place", ORDER, timeout=60)),
        _in_thread(lambda: session.wait_operational(60)),
    ]
    while session.status().waiting < 2:
        session.wait_operational(0.01)
    begun = time.monotonic()
    session.stop(6.0)
    assert time.monotonic() - begun < 5.0
    for each in waiting:
        error, at = each.result(LIMIT)
        assert isinstance(error, SessionClosed), error
        assert at - begun < 5.0
    assert not exchange.seen("order.place")


def test_stop_wakes_who_waits_for_an_outcome(exchange: HostileExchange, session: UserWSSession) -> None:
    exchange.on("order.place", lambda call: call.execute() and None)
    exchange.on("order.status", _ignore)
    with pytest.raises(OutcomeUnknown) as caught:
        session.handle_request("order.place", ORDER, timeout=0.1)
    resolving = _in_thread(lambda: caught.value.resolve(60))
    exchange.wait_for("order.status")
    begun = time.monotonic()
    session.stop(6.0)
    error, at = resolving.result(LIMIT)
    assert isinstance(error, OutcomeUnknown)
    assert isinstance(error.__cause__, SessionClosed)
    assert at - begun < 6.0


def test_stop_ends_a_start(exchange: HostileExchange) -> None:
    exchange.server.scripts = [Wire.park]
    session = UserWSSession(endpoint=exchange.url)
    starting = _in_thread(lambda: session.start(60))
    exchange.wire(1)
    begun = time.monotonic()
    session.stop(6.0)
    error, at = starting.result(LIMIT)
    assert isinstance(error, SessionClosed)
    assert at - begun < 6.0
    exchange.server.scripts = [exchange.serve]
    session.start()
    session.stop()


def test_two_threads_stop_at_once(exchange: HostileExchange, session: UserWSSession) -> None:
    """The second stop must not cut short what the first still owes to a sent write."""
    exchange.on("order.place", lambda call: call.execute() and None)
    exchange.on("order.status", _ignore)
    write = _in_thread(lambda: session.handle_request("order.place", ORDER, timeout=60))
    exchange.wait_for("order.place")
    begun = time.monotonic()
    stops = [_in_thread(lambda: session.stop(5.0)) for _ in range(4)]
    error, at = write.result(LIMIT)
    assert isinstance(error, OutcomeUnknown)
    assert isinstance(error.__cause__, SessionClosed)
    assert 2.4 < at - begun < 5.0
    for stop in stops:
        result, at = stop.result(LIMIT)
        assert result is None
        assert at - begun < 7.0


def test_a_shorter_stop_shortens_a_longer_one(exchange: HostileExchange, session: UserWSSession) -> None:
    exchange.on("order.place", lambda call: call.execute() and None)
    write = _in_thread(lambda: session.handle_request("order.place", ORDER, timeout=60))
    exchange.wait_for("order.place")
    patient = _in_thread(lambda: session.stop(60))
    read = session.submit
    while True:
        try:
            read("test.echo").exception(LIMIT)
        except SessionClosed:
            break
    begun = time.monotonic()
    session.stop(0.4)
    assert time.monotonic() - begun < 10, "and not half of a minute"
    assert isinstance(write.result(LIMIT)[0], OutcomeUnknown)
    assert patient.result(LIMIT)[0] is None


def test_a_server_that_does_not_answer_the_close_holds_nobody_up(exchange: HostileExchange) -> None:
    def deaf(wire: Wire) -> None:
        wire.accept()
        exchange.take(wire, wire.read_text())
        wire.park()

    exchange.server.scripts = [deaf]
    session = UserWSSession(endpoint=exchange.url).start()
    begun = time.monotonic()
    session.stop(30.0)
    assert time.monotonic() - begun < 8.0


def test_stop_says_goodbye(exchange: HostileExchange, session: UserWSSession) -> None:
    session.stop()
    wire = exchange.wire(1)
    assert wire.closed.wait(LIMIT)
    assert wire.close_code == 1000


def _open_files() -> int:
    return len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").is_dir() else 0


@pytest.mark.timeout(20)  # fifty times a TLS handshake and a goodbye
@pytest.mark.parametrize("is_tls", [False, True], ids=["ws", "wss"])
def test_fifty_cycles_leave_no_thread_and_no_file(certificates: Certificates, is_tls: bool) -> None:
    exchange = HostileExchange(tls=certificates.server_context if is_tls else None)
    context = certificates.client_context if is_tls else None

    def cycle(session: UserWSSession) -> None:
        with session:
            session.submit("test.echo").add_done_callback(lambda _: None)
            session.handle_request("test.echo")
        number = len(exchange.server.wires)
        exchange.server.wires[number - 1].cut()

    with exchange.server:
        session = UserWSSession(endpoint=exchange.url, ssl_context=context)
        cycle(session)
        for thread in list(exchange.server._threads):
            thread.join(LIMIT)
        threads, files = set(threading.enumerate()), _open_files()
        for _ in range(50):
            cycle(session)
        for thread in list(exchange.server._threads):
            thread.join(LIMIT)
        assert set(threading.enumerate()) <= threads
        assert _open_files() <= files


def test_fifty_sessions_at_once(exchange: HostileExchange) -> None:
    sessions = [UserWSSession(endpoint=exchange.url) for _ in range(50)]
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda session: session.start(), sessions))
        found = list(
            pool.map(lambda pair: pair[1].handle_request("test.echo", {"n": pair[0]}), enumerate(sessions))
        )
        list(pool.map(lambda session: session.stop(1), sessions))
    assert found == [{"n": number} for number in range(50)]
