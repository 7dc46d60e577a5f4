"""Handing work to the loop's thread while that ends."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tearing import each_line

from crypto_ws_sync.bridge.loop_thread import LoopThread, wait_done
from crypto_ws_sync.errors import SessionClosed

SOON = 5.0


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


def test_a_thread_that_was_stopped_before_it_was_started_never_begins() -> None:
    """As where one thread stops a session in the very moment in which another one starts it."""
    door = make_door()
    assert door.stop(SOON)
    with pytest.raises(SessionClosed):
        door.start()
    with pytest.raises(SessionClosed):
        door.submit(answer())
    assert door.stop(SOON)


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
    assert door.stop(SOON)
    begin(begun[0])
    begun[0].join(SOON)
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
    assert wait_done(later, SOON)
