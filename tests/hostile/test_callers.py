"""Who may call, from where: notebooks, timers, pools, callbacks; never the session's own thread."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from typing import Any

import pytest
from bytes_server import LIMIT, Wire
from hostile_exchange import Call, HostileExchange

from crypto_ws_sync import ConfigError, OutcomeUnknown, RequestTimeout, SessionClosed, UserWSSession

ASKED = {"value": 1}
ORDER = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "1",
    "price": "100",
}


def test_a_notebook_with_a_running_loop(session: UserWSSession) -> None:
    async def cell() -> Any:
        loop = asyncio.get_running_loop()
        found = session.handle_request("test.echo", ASKED)
        assert asyncio.get_running_loop() is loop
        return found, await asyncio.wrap_future(session.submit("test.echo", ASKED))

    assert asyncio.run(cell()) == (ASKED, ASKED)


def test_a_session_that_starts_and_stops_inside_a_running_loop(exchange: HostileExchange) -> None:
    async def cell() -> Any:
        with UserWSSession(endpoint=exchange.url) as session:
            return session.handle_request("test.echo", ASKED)

    assert asyncio.run(cell()) == ASKED


def test_async_code_that_gives_up_waiting(exchange: HostileExchange, session: UserWSSession) -> None:
    exchange.on("test.echo", lambda call: None)

    async def cell() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.wrap_future(session.submit("test.echo", ASKED)), 0.1)

    asyncio.run(cell())
    exchange.on("test.echo", Call.answer)
    assert session.handle_request("test.echo", ASKED) == ASKED


def test_a_timer_and_a_pool(session: UserWSSession) -> None:
    found: Future[Any] = Future()
    timer = threading.Timer(0, lambda: found.set_result(session.handle_request("test.echo", ASKED)))
    timer.start()
    assert found.result(LIMIT) == ASKED
    timer.join()
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: session.handle_request("test.echo", ASKED), range(20))) == [ASKED] * 20


def _on_the_loop(session: UserWSSession, work: Callable[[], object]) -> Any:
    """Run something on the session's own thread; return what it raised."""

    async def task() -> Any:
        try:
            work()
        except BaseException as error:
            return error
        return None

    run = session._run
    assert run is not None
    return run.door.submit(task()).result(LIMIT)


OWN_THREAD: dict[str, Callable[[UserWSSession], object]] = {
    "handle_request": lambda session: session.handle_request("test.echo"),
    "handle_requests": lambda session: session.handle_requests([("test.echo", None)]),
    "submit": lambda session: session.submit("test.echo"),
    "typed": lambda session: session.ping(),
    "start": lambda session: session.start(),
    "stop": lambda session: session.stop(),
    "status": lambda session: session.status(),
    "wait_operational": lambda session: session.wait_operational(orders=True, timeout=60),
    "unresolved": lambda session: session.unresolved(),
    "resolve": lambda session: OutcomeUnknown("x").resolve(session=session),
}


@pytest.mark.parametrize("name", OWN_THREAD)
def test_a_call_on_the_sessions_own_thread_is_refused(session: UserWSSession, name: str) -> None:
    begun = time.monotonic()
    error = _on_the_loop(session, lambda: OWN_THREAD[name](session))
    assert isinstance(error, SessionClosed), error
    assert "own thread" in str(error)
    assert time.monotonic() - begun < 8, "a call that waits has 20 s"
    assert session.handle_request("test.echo", ASKED) == ASKED


def test_callbacks_may_call_the_session(session: UserWSSession) -> None:
    found: Future[Any] = Future()
    session.submit("test.echo").add_done_callback(
        lambda _: found.set_result(
            (session.handle_request("test.echo", ASKED), threading.current_thread().name)
        )
    )
    answer, thread = found.result(LIMIT)
    assert answer == ASKED
    assert "callbacks" in thread


def test_a_callback_that_raises_harms_nobody(
    session: UserWSSession, caplog: pytest.LogCaptureFixture
) -> None:
    found: Future[Any] = Future()
    future = session.submit("test.echo")
    future.add_done_callback(lambda _: 1 / 0)
    future.add_done_callback(found.set_result)
    assert found.result(LIMIT) is future
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(
    "error", [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError(), GeneratorExit()]
)
def test_a_callback_that_wants_to_end_the_program_ends_no_other_callback(
    session: UserWSSession, error: BaseException
) -> None:
    def leave(_: object) -> None:
        raise error

    session.submit("test.echo").add_done_callback(leave)
    found: Future[Any] = Future()
    future = session.submit("test.echo", ASKED)
    future.add_done_callback(found.set_result)
    assert found.result(LIMIT) is future


class _Raising(logging.Handler, logging.Filter):
    """Whoever listens, with a mistake of its own."""

    def emit(self, record: logging.LogRecord) -> None:
        raise LookupError("a mistake of the listener's")

    def filter(self, record: logging.LogRecord) -> bool:
        raise LookupError("a mistake of the listener's")


@pytest.mark.parametrize("kind", ["handler above", "handler", "filter"])
def test_a_listener_that_raises_harms_nobody(
    exchange: HostileExchange, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    """It would do so on the loop's thread, in the middle of taking note that the connection is lost."""
    listener = _Raising()
    logger = logging.getLogger("crypto_ws_sync" if kind == "handler above" else "crypto_ws_sync.engine")
    add, remove = (
        (logger.addFilter, logger.removeFilter)
        if kind == "filter"
        else (logger.addHandler, logger.removeHandler)
    )
    level = logger.level
    logger.setLevel(logging.DEBUG)
    add(listener)
    try:
        with UserWSSession(endpoint=exchange.url, timeout=5) as session:
            assert session.handle_request("test.echo", ASKED) == ASKED
            exchange.once("test.echo", lambda call: call.wire.finish())
            assert session.handle_request("test.echo", ASKED) == ASKED
            assert session.status().reconnects == {"1006": 1}
    finally:
        remove(listener)
        logger.setLevel(level)
    assert "a mistake of the listener's" in capsys.readouterr().err


def test_a_session_outlives_a_time_without_threads(
    exchange: HostileExchange, session: UserWSSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A system that lets no more threads begin ends the attempt, and not all that are to come."""
    begin, refused = threading.Thread.start, threading.Event()

    def start(thread: threading.Thread) -> None:
        if "connect" in thread.name and not refused.is_set():
            refused.set()
            raise RuntimeError("can't start new thread")
        begin(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    exchange.wire(1).cut()
    assert session.handle_request("test.echo", ASKED) == ASKED
    assert refused.is_set()


def test_a_callback_may_stop_the_session(exchange: HostileExchange) -> None:
    session = UserWSSession(endpoint=exchange.url).start()
    done = threading.Event()

    def stop(_: object) -> None:
        session.stop()
        done.set()

    session.submit("test.echo").add_done_callback(stop)
    assert done.wait(LIMIT)
    with pytest.raises(SessionClosed):
        session.handle_request("test.echo")


def test_a_callback_added_after_the_end_is_called_and_leaves_no_thread(exchange: HostileExchange) -> None:
    session = UserWSSession(endpoint=exchange.url).start()
    future = session.submit("test.echo", ASKED)
    assert future.result(LIMIT) == ASKED
    session.stop()
    before = set(threading.enumerate())
    found: Future[Any] = Future()
    future.add_done_callback(found.set_result)
    assert found.result(LIMIT) is future
    for thread in set(threading.enumerate()) - before:
        thread.join(2)
    assert set(threading.enumerate()) <= before


def test_cancel_succeeds_only_while_unsent(exchange: HostileExchange, session: UserWSSession) -> None:
    held: list[Call] = []
    exchange.on("test.echo", held.append)
    sent = session.submit("test.echo", ASKED)
    exchange.wait_for("test.echo")
    assert not sent.cancel()
    exchange.server.scripts.insert(1, Wire.park)
    exchange.wire(1).cut()
    exchange.wire(2)
    unsent = session.submit("order.place", ORDER)
    assert unsent.cancel()
    with pytest.raises(CancelledError):
        unsent.result(0)
    exchange.on("test.echo", Call.answer)
    exchange.wire(2).cut()
    assert sent.result(LIMIT) == ASKED
    assert not exchange.seen("order.place")
    assert session.status().waiting == 0


def test_a_wait_that_ends_leaves_the_request_unsent(
    exchange: HostileExchange, session: UserWSSession
) -> None:
    """What its caller gave up before it was sent is not sent later, and leaves its name free for the next."""
    order = {**ORDER, "newClientOrderId": "once"}
    exchange.server.scripts.insert(1, Wire.park)
    exchange.wire(1).cut()
    exchange.wire(2)
    with pytest.raises(Exception, match="not sent"):
        session.handle_request("order.place", order, timeout=0.1)
    exchange.wire(2).cut()
    assert session.handle_request("test.echo", ASKED) == ASKED
    assert not exchange.seen("order.place")
    assert session.handle_request("order.place", order)["clientOrderId"] == "once"
    assert len(exchange.seen("order.place")) == 1


def test_timeouts_are_each_callers_own(exchange: HostileExchange, session: UserWSSession) -> None:
    exchange.on("test.echo", lambda call: None)
    begun = time.monotonic()
    with pytest.raises(RequestTimeout):
        session.handle_request("test.echo", timeout=0.2)
    assert 0.2 <= time.monotonic() - begun < 8, "the session's are 20 s"
    futures = [session.submit("test.echo", timeout=seconds) for seconds in (0.2, 3.0)]
    assert wait(futures, LIMIT, FIRST_COMPLETED).done == {futures[0]}
    for future in futures:
        assert isinstance(future.exception(LIMIT), RequestTimeout)


def test_a_forgotten_session_ends(exchange: HostileExchange) -> None:
    before = set(threading.enumerate())
    session = UserWSSession(endpoint=exchange.url).start()
    exchange.on("test.echo", lambda call: None)
    read = session.submit("test.echo")
    done = session.submit("ping")
    done.add_done_callback(lambda _: None)
    done.result(LIMIT)
    exchange.wait_for("test.echo")
    del session
    gc.collect()
    assert isinstance(read.exception(2), SessionClosed)
    for thread in set(threading.enumerate()) - before:
        if "session" in thread.name:
            thread.join(2)
            assert not thread.is_alive()


def test_a_forgotten_sessions_order_may_have_been_executed(exchange: HostileExchange) -> None:
    session = UserWSSession(*exchange.credentials, endpoint=exchange.url).start()
    exchange.on("order.place", lambda call: call.execute() and None)
    future = session.submit("order.place", {**ORDER, "newClientOrderId": "left"})
    exchange.wait_for("order.place")
    del session
    gc.collect()
    error = future.exception(2)
    assert isinstance(error, OutcomeUnknown)
    with UserWSSession(*exchange.credentials, endpoint=exchange.url) as other:
        assert error.resolve(session=other)["clientOrderId"] == "left"


@pytest.mark.timeout(60)  # thirty starts and stops, each waits for the one before; guards for a busy machine
def test_many_start_and_stop_at_once(exchange: HostileExchange) -> None:
    session = UserWSSession(endpoint=exchange.url)
    barrier = threading.Barrier(12)

    def work(number: int) -> None:
        barrier.wait()
        for _ in range(5):
            try:
                session.start(50) if number % 2 else session.stop(1)
                session.handle_request("test.echo", ASKED, timeout=50)
            except SessionClosed:
                pass

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(work, range(12)))
    session.start()
    assert session.handle_request("test.echo", ASKED) == ASKED
    session.stop()


def test_before_start_and_after_stop(exchange: HostileExchange) -> None:
    session = UserWSSession(endpoint=exchange.url)
    with pytest.raises(SessionClosed, match=r"start\(\)"):
        session.handle_request("test.echo")
    assert not session.operational_status
    assert not session.order_handling
    assert session.status().state == "idle"
    session.stop()
    for _ in range(2):
        assert session.start() is session
        assert session.start() is session
        assert session.operational_status
        session.stop()
        session.stop()
        assert not session.operational_status
        with pytest.raises(SessionClosed, match="stopped"):
            session.submit("test.echo")
        assert session.status().state == "stopped"


def test_a_call_made_while_another_thread_starts_waits(exchange: HostileExchange) -> None:
    may_accept = threading.Event()

    def slowly(wire: Wire) -> None:
        wire.read_handshake()
        may_accept.wait(LIMIT)
        wire.send_bytes(wire.acceptance())
        exchange.converse(wire)

    exchange.server.scripts = [slowly]
    session = UserWSSession(endpoint=exchange.url)
    with ThreadPoolExecutor(2) as pool:
        started = pool.submit(session.start)
        exchange.wire(1)
        asked = pool.submit(session.handle_request, "test.echo", ASKED)
        assert not wait([started, asked], 0.1).done
        may_accept.set()
        assert asked.result(LIMIT) == ASKED
        assert started.result(LIMIT) is session
    session.stop()


def test_the_loop_finds_nothing_to_complain_about_in_debug_mode(
    exchange: HostileExchange, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")
    exchange.once("test.echo", lambda call: call.wire.finish())
    with UserWSSession(*exchange.credentials, endpoint=exchange.url) as session:
        assert session.handle_request("test.echo", ASKED) == ASKED
        session.handle_request("order.place", ORDER)
        session.handle_requests([("test.echo", ASKED)] * 200)
    said = [
        record for record in caplog.records if record.name == "asyncio" and "Executing" not in record.message
    ]
    assert not said


def test_an_error_of_a_session_that_is_gone_says_what_to_pass(exchange: HostileExchange) -> None:
    session = UserWSSession(*exchange.credentials, endpoint=exchange.url).start()
    exchange.on("order.place", lambda call: call.execute() and None)
    with pytest.raises(OutcomeUnknown) as caught:
        session.handle_request("order.place", {**ORDER, "newClientOrderId": "left"}, timeout=0.3)
    error = caught.value.with_traceback(None)
    del caught
    session.stop(0.5)
    del session
    gc.collect()
    with pytest.raises(SessionClosed, match=r"resolve\(session=...\)") as gone:
        error.resolve()
    assert (gone.value.method, gone.value.client_order_id) == ("order.place", "left")


@pytest.mark.parametrize("wrong", ["ping", ("ping",), ("ping", None, 1), 5, None])
def test_what_is_no_pair_is_refused_and_nothing_is_sent(
    exchange: HostileExchange, session: UserWSSession, wrong: Any
) -> None:
    before = len(exchange.seen("ping"))
    with pytest.raises(ConfigError, match="pairs of a method and its parameters"):
        session.handle_requests([("ping", None), wrong])
    session.handle_request("test.echo")
    assert len(exchange.seen("ping")) == before
