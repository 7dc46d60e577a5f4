"""Handing work to the loop's thread while that ends."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

import pytest

from crypto_ws_sync.bridge.bell import Bell
from crypto_ws_sync.bridge.loop_thread import LoopThread, wait_done
from crypto_ws_sync.errors import SessionClosed

SOON = 30.0
MOMENT = 0.3
"""Seconds for which two threads stay where each may wait for the other."""


@pytest.fixture
def hasty() -> Iterator[None]:
    """Have threads change as often as can be."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def make_door() -> LoopThread:
    def nothing() -> None:
        return

    return LoopThread("door", on_ring=nothing, at_fork=nothing, at_end=nothing, on_closed=nothing)


async def answer() -> int:
    return 42


@pytest.mark.usefixtures("hasty")
def test_what_is_handed_over_while_the_loop_ends_runs_or_is_refused() -> None:
    left: list[Future[Any]] = []
    for _ in range(300):
        door = make_door()
        door.start()

        def hand_over(door: LoopThread = door) -> None:
            with suppress(SessionClosed):
                while wait_done(future := door.submit(answer()), SOON):
                    pass
                left.append(future)

        threads = [threading.Thread(target=hand_over) for _ in range(3)]
        for thread in threads:
            thread.start()
        assert door.stop(SOON)
        for thread in threads:
            thread.join(2 * SOON)
            assert not thread.is_alive()
    assert left == []


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
        handed_over.wait(SOON)
        take_down(bell, loop)

    monkeypatch.setattr(asyncio, "run_coroutine_threadsafe", late)
    monkeypatch.setattr(Bell, "take_down", end)
    door = make_door()
    door.start()
    found: list[Future[Any]] = []
    thread = threading.Thread(target=lambda: found.append(door.submit(answer())))
    thread.start()
    assert looked.wait(SOON)
    assert door.stop(SOON)
    thread.join(SOON)
    assert wait_done(found[0], SOON)


def test_a_thread_that_cannot_be_started_refuses_what_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    door = make_door()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="start new thread"):
            door.start()
    with pytest.raises(SessionClosed):
        door.submit(answer())
    with pytest.raises(SessionClosed):
        door.ring()
