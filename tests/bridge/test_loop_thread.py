"""What is handed over in the moment in which the loop ends has its turn, or is refused."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from tearing import each_line

from crypto_ws_sync.bridge.bell import Bell
from crypto_ws_sync.bridge.loop_thread import LoopThread, wait_done
from crypto_ws_sync.errors import SessionClosed

LIMIT = 30.0
MOMENT = 0.3
"""Seconds for which two threads stay where each may wait for the other."""


def make_door() -> LoopThread:
    return LoopThread("door", on_ring=int, at_fork=lambda: None, at_end=lambda: None, on_closed=lambda: None)


async def answer() -> str:
    return "done"


def test_what_is_handed_over_while_the_loop_ends_is_not_left_pending(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that hands over is held up between its look at the loop and the handing over."""
    looked, emptied, handed_over = threading.Event(), threading.Event(), threading.Event()
    hand_over, take_down = asyncio.run_coroutine_threadsafe, Bell.take_down

    def late(coroutine: Coroutine[Any, Any, Any], loop: asyncio.AbstractEventLoop) -> Future[Any]:
        looked.set()
        emptied.wait(MOMENT)
        try:
            return hand_over(coroutine, loop)
        finally:
            handed_over.set()

    def end(bell: Bell, loop: asyncio.AbstractEventLoop) -> None:
        # All tasks have ended, and the loop is about to be closed.
        emptied.set()
        handed_over.wait(LIMIT)
        take_down(bell, loop)

    monkeypatch.setattr(asyncio, "run_coroutine_threadsafe", late)
    monkeypatch.setattr(Bell, "take_down", end)
    door = LoopThread("door", on_ring=int, at_fork=lambda: None, at_end=lambda: None, on_closed=lambda: None)
    door.start()

    async def work() -> str:
        return "done"

    found: list[Future[Any]] = []
    thread = threading.Thread(target=lambda: found.append(door.submit(work())))
    thread.start()
    assert looked.wait(LIMIT)
    assert door.stop(LIMIT)
    thread.join(LIMIT)
    assert wait_done(found[0], LIMIT)


def test_a_thread_that_cannot_be_started_refuses_what_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    def nothing() -> None:
        return

    async def answer() -> int:
        return 42

    door = LoopThread("door", on_ring=nothing, at_fork=nothing, at_end=nothing, on_closed=nothing)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="start new thread"):
            door.start()
    with pytest.raises(SessionClosed):
        door.submit(answer())
    with pytest.raises(SessionClosed):
        door.ring()


def test_a_thread_that_was_stopped_before_it_was_started_never_begins() -> None:
    """As where one thread stops a session in the very moment in which another one starts it."""
    door = make_door()
    assert door.stop(LIMIT)
    with pytest.raises(SessionClosed):
        door.start()
    with pytest.raises(SessionClosed):
        door.submit(answer())
    assert door.stop(LIMIT)


def test_a_thread_that_was_stopped_while_it_was_started_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """After an interrupt in between, who stops it cannot tell whether it runs."""
    begin, begun = threading.Thread.start, []

    def delay(thread: threading.Thread) -> None:
        begun.append(thread)
        raise KeyboardInterrupt

    door = make_door()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", delay)
        with pytest.raises(KeyboardInterrupt):
            door.start()
    assert door.stop(LIMIT)
    begin(begun[0])
    begun[0].join(LIMIT)
    assert not begun[0].is_alive()
    with pytest.raises(SessionClosed):
        door.ring()


def test_a_timeout_that_a_handler_raises_ends_the_wait_of_its_thread() -> None:
    """It must not be taken for the end of one of the parts that a wait is made of."""

    def run_out() -> None:
        raise TimeoutError("of a handler")

    def look(error: BaseException | None) -> None:
        assert isinstance(error, TimeoutError)

    def counts(path: str, name: str) -> bool:
        return name == "wait_done" or (Path(path).name == "_base.py" and name in ("exception", "result"))

    never: Future[None] = Future()
    assert each_line(lambda: wait_done(never, 0.01), run_out, counts, after=look) > 5


def test_a_wait_sees_a_future_that_is_done_cancelled_or_neither() -> None:
    never: Future[None] = Future()
    assert not wait_done(never, 0.01)
    assert never.cancel()
    assert wait_done(never, 0)
    later: Future[None] = Future()
    threading.Timer(0.01, later.cancel).start()
    assert wait_done(later, LIMIT)
