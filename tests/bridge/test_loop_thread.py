"""What is handed over in the moment in which the loop ends has its turn, or is refused."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any

import pytest

from crypto_ws_sync.bridge.bell import Bell
from crypto_ws_sync.bridge.loop_thread import LoopThread, wait_done
from crypto_ws_sync.errors import SessionClosed

LIMIT = 8.0
MOMENT = 0.3
"""Seconds for which two threads stay where each may wait for the other."""


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
