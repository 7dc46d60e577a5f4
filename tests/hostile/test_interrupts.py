"""Ctrl-C, errors of signal handlers and calls within handlers, at every line of a call in turn."""

from __future__ import annotations

import asyncio
import os
import select
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bytes_server import LIMIT
from hostile_exchange import HostileExchange, Open
from tearing import AtLine, each_line

from crypto_ws_sync import ConnectionFailed, ConnectionLost, OutcomeUnknown, RequestTimeout, UserWSSession

ASKED = {"value": 1}
ORDER = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "1",
    "price": "100",
}
DOOR = ("run.py", "reply.py", "asking.py", "bell.py", "loop_thread.py")
"""Files with the steps of a call from its hand-over to its answer."""
PLACES: dict[str, Callable[[UserWSSession], Any]] = {
    "one": lambda session: session.handle_request("order.place", ORDER),
    "a batch": lambda session: session.handle_requests([("order.place", ORDER)] * 2),
}


def interrupt() -> None:
    raise KeyboardInterrupt


def counts(path: str, name: str) -> bool:
    return path.endswith(DOOR)


@pytest.mark.timeout(30)  # a hundred orders, each interrupted elsewhere
@pytest.mark.parametrize("kind", PLACES)
def test_no_order_is_out_of_sight_wherever_its_call_was_interrupted(
    exchange: HostileExchange, session: UserWSSession, kind: str
) -> None:
    """What the exchange saw is named on the interrupt, or is in the list of open writes."""
    known: set[str] = set()

    def look(error: BaseException | None) -> None:
        assert isinstance(error, KeyboardInterrupt)
        assert session.handle_request("test.echo", ASKED) == ASKED
        told = " ".join(getattr(error, "__notes__", ()))
        told += " ".join(str(each.client_order_id) for each in session.unresolved())
        new = {call.params["newClientOrderId"] for call in exchange.seen("order.place")} - known
        known.update(new)
        # Errors bear notes from Python 3.11 on.
        assert sys.version_info < (3, 11) or all(name in told for name in new), (new, told)

    assert each_line(lambda: PLACES[kind](session), interrupt, counts, after=look) > 20
    assert known


def test_a_caller_interrupted_while_it_waits_leaves_its_seat_to_the_next(
    exchange: HostileExchange, session: UserWSSession
) -> None:
    run = session._run
    assert run is not None
    assert session.handle_request("test.echo", ASKED) == ASKED
    # More than there are seats, and fewer than the orders that are remembered.
    for _ in range(12):
        free = list(run.seats.free)
        with AtLine(1, interrupt, lambda path, name: name == "wait"), pytest.raises(KeyboardInterrupt):
            session.handle_request("order.place", ORDER)
        assert list(run.seats.free) == free
    assert len(free) == (hasattr(os, "eventfd") and hasattr(select, "epoll"))


class _NearTheEnd:
    """Makes a call with little room left on the stack."""

    def __init__(self, call: Callable[[], object]) -> None:
        self._call = call

    def with_room_for(self, frames: int) -> None:
        used, frame = 0, sys._getframe()
        while frame.f_back is not None:
            used, frame = used + 1, frame.f_back
        self._go_down(sys.getrecursionlimit() - used - frames)

    def _go_down(self, frames: int) -> None:
        if frames > 0:
            self._go_down(frames - 1)
        else:
            self._call()


@pytest.mark.parametrize("kind", PLACES)
def test_a_caller_at_the_end_of_its_stack_leaves_the_session_hearing(
    exchange: HostileExchange, session: UserWSSession, kind: str
) -> None:
    """It may fail anywhere on the way, also between saying that it rings for all and ringing."""
    caller = _NearTheEnd(lambda: PLACES[kind](session))
    failed = 0
    for room in range(4, 60):
        try:
            caller.with_room_for(room)
        except RecursionError:
            failed += 1
        assert session.handle_request("test.echo", ASKED, timeout=2.0) == ASKED
    assert 3 < failed < 50


@pytest.mark.parametrize("is_batch", [False, True], ids=["one", "a batch"])
def test_an_error_of_a_signal_handler_is_not_taken_for_the_orders_own(
    exchange: HostileExchange, session: UserWSSession, is_batch: bool
) -> None:
    """A handler that asks something else, and fails, must not say of the order that it had no effect."""
    exchange.on("order.place", lambda call: None)

    def fail() -> None:
        exchange.wait_for("order.place")
        raise ConnectionLost("of something else: certainly no effect")

    def is_waiting(path: str, name: str) -> bool:
        return path.endswith("reply.py") and name == "wait"

    with AtLine(1, fail, is_waiting):
        if is_batch:
            [told] = session.handle_requests([("order.place", ORDER)])
        else:
            with pytest.raises(OutcomeUnknown) as caught:
                session.handle_request("order.place", ORDER)
            told = caught.value
    assert isinstance(told, OutcomeUnknown)
    assert isinstance(told.__cause__, ConnectionLost)
    assert told.client_order_id == exchange.wait_for("order.place").params["newClientOrderId"]
    assert [each.client_order_id for each in session.unresolved()] == [told.client_order_id]


@pytest.mark.parametrize("has_journal", [False, True], ids=["plain", "journal"])
@pytest.mark.timeout(30)  # a hundred orders, each with another one inside
def test_a_handler_may_place_an_order_wherever_its_thread_places_one(
    open_session: Open, tmp_path: Path, has_journal: bool
) -> None:
    """As one that flattens positions on SIGTERM does: the lock, or the ring, that it needs may be its own thread's."""
    session = open_session(journal=tmp_path / "journal" if has_journal else None, timeout=LIMIT)
    slowest = 0.0

    def order() -> None:
        nonlocal slowest
        begun = time.monotonic()
        assert session.handle_request("order.place", ORDER)["status"] == "NEW"
        slowest = max(slowest, time.monotonic() - begun)

    def look(error: BaseException | None) -> None:
        assert error is None

    def counts(path: str, name: str) -> bool:
        return path.endswith((*DOOR, "journal.py", "journaled_run.py", "journal_file.py"))

    assert each_line(order, order, counts, after=look) > 20
    assert slowest < LIMIT


@pytest.mark.timeout(30)  # a hundred orders, each interrupted elsewhere
@pytest.mark.parametrize("is_synced", [False, True], ids=["plain", "synced"])
def test_a_timeout_that_a_handler_raises_is_taken_for_nothing_else(
    open_session: Open, tmp_path: Path, is_synced: bool
) -> None:
    """As from `signal.alarm`. It is an OSError as well, like that of a bell that is gone or a disk that fails."""
    session = open_session(journal=tmp_path / "journal", journal_sync=is_synced)

    def run_out() -> None:
        raise TimeoutError("of a handler")

    def look(error: BaseException | None) -> None:
        assert isinstance(error, TimeoutError)
        assert error.args == ("of a handler",)
        assert session.handle_request("order.place", ORDER)["status"] == "NEW"

    def counts(path: str, name: str) -> bool:
        if path.endswith(DOOR):
            return True
        return name in ("keep", "_sync", "flush") and path.endswith(("journal.py", "journal_file.py"))

    assert each_line(lambda: PLACES["one"](session), run_out, counts, after=look) > 20


@pytest.mark.timeout(30)  # hundreds of calls, each interrupted elsewhere
def test_an_interrupt_within_a_lock_of_the_standard_library_leaves_the_session_hearing(
    session: UserWSSession,
) -> None:
    """A future's lock that a caller was torn away from would be waited for by the loop, which gives it its result."""

    def look(error: BaseException | None) -> None:
        assert isinstance(error, KeyboardInterrupt)
        assert session.handle_request("test.echo", ASKED, timeout=2.0) == ASKED

    def counts(path: str, name: str) -> bool:
        return Path(path).name in ("threading.py", "_base.py") and name in (
            "__exit__",
            "wait",
            "exception",
            "result",
        )

    for body in session.status, session.unresolved:
        each_line(body, interrupt, counts, after=look)


def _threads_of(session: UserWSSession) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith(session._name)]


def _is_over(session: UserWSSession) -> None:
    """See that nothing of a session runs any more."""
    for thread in _threads_of(session):
        thread.join(LIMIT)
    assert not _threads_of(session)


@pytest.mark.timeout(30)  # dozens of starts, each interrupted elsewhere
def test_a_start_that_was_interrupted_leaves_nothing_running(exchange: HostileExchange) -> None:
    session = UserWSSession(endpoint=exchange.url)

    def look(error: BaseException | None) -> None:
        assert isinstance(error, KeyboardInterrupt)
        if session._run is None:
            _is_over(session)
        with session:
            assert session.handle_request("test.echo", ASKED) == ASKED
        _is_over(session)

    def counts(path: str, name: str) -> bool:
        return name == "start" and "crypto_ws_sync" in path

    assert each_line(session.start, interrupt, counts, after=look) > 10
    session.stop()


@pytest.mark.parametrize("name", ["the loop's", "the journal's"])
def test_an_interrupt_right_after_a_thread_has_begun_does_not_leave_it_running(
    exchange: HostileExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    session = UserWSSession(endpoint=exchange.url, journal=tmp_path / "journal")
    wanted = session._name + (" journal" if name == "the journal's" else "")
    begin = threading.Thread.start

    def start(thread: threading.Thread) -> None:
        begin(thread)
        if thread.name == wanted:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        with pytest.raises(KeyboardInterrupt):
            session.start()
    _is_over(session)
    with session:
        assert session.handle_request("test.echo", ASKED) == ASKED


def test_a_session_that_cannot_have_a_thread_says_so_and_leaves_nothing(
    exchange: HostileExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = UserWSSession(endpoint=exchange.url, journal=tmp_path / "journal")
    begin = threading.Thread.start

    def start(thread: threading.Thread) -> None:
        if thread.name == session._name:
            raise RuntimeError("can't start new thread")
        begin(thread)

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        with pytest.raises(ConnectionFailed, match="thread cannot be started"):
            session.start()
    _is_over(session)
    with session:
        assert session.handle_request("test.echo", ASKED) == ASKED


@pytest.mark.timeout(30)  # dozens of stops, each interrupted elsewhere
def test_a_session_whose_stop_was_interrupted_starts_again(exchange: HostileExchange) -> None:
    session = UserWSSession(endpoint=exchange.url)

    def stop() -> None:
        session.start()
        session.stop()

    def look(error: BaseException | None) -> None:
        assert isinstance(error, KeyboardInterrupt)
        with session:
            assert session.handle_request("test.echo", ASKED) == ASKED

    def counts(path: str, name: str) -> bool:
        return name == "stop" and "crypto_ws_sync" in path

    assert each_line(stop, interrupt, counts, after=look) > 10


def test_what_has_begun_on_the_loop_is_ended_there_after_an_interrupt(
    session: UserWSSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Ctrl-C between the hand-over and the wait: whatever is closed from here is closed under the loop."""
    run = session._run
    assert run is not None
    begun = threading.Event()
    ended_on: list[int] = []

    async def ask() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended_on.append(threading.get_ident())

    hand_over = run.door.hand_over

    def interrupted(function: Callable[[], object]) -> None:
        hand_over(function)
        assert begun.wait(LIMIT)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(run.door, "hand_over", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run.ask(ask, LIMIT)
    assert session.handle_request("test.echo", ASKED) == ASKED
    assert not ended_on
    loop_thread = run.door.ident
    session.stop()
    assert ended_on == [loop_thread]


def test_what_the_loop_does_not_come_to_in_time_is_not_begun_later(session: UserWSSession) -> None:
    run = session._run
    assert run is not None
    held, is_free = threading.Event(), threading.Event()
    begun: list[str] = []

    async def ask() -> None:
        begun.append("late")

    run.door.hand_over(lambda: (held.set(), is_free.wait(LIMIT)))
    assert held.wait(LIMIT)
    with pytest.raises(RequestTimeout):
        run.ask(ask, 0.01)
    is_free.set()
    assert session.handle_request("test.echo", ASKED) == ASKED
    assert not begun


def test_what_is_not_done_in_time_is_cancelled(session: UserWSSession) -> None:
    run = session._run
    assert run is not None
    cancelled = threading.Event()

    async def ask() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    with pytest.raises(RequestTimeout):
        run.ask(ask, 0.01)
    assert cancelled.wait(LIMIT)
    assert session.handle_request("test.echo", ASKED) == ASKED
