"""The bell: whoever rings is heard, however many ring and however slow the loop is."""

from __future__ import annotations

import asyncio
import os
import threading

import pytest

from crypto_ws_sync.bridge.bell import Bell
from crypto_ws_sync.bridge.loop_thread import LoopThread
from crypto_ws_sync.errors import SessionClosed


def test_every_ring_is_followed_by_an_answer() -> None:
    """What a thread puts down before it rings is found by the answer to that ring, or by an earlier one."""
    put: list[int] = []
    found: set[int] = set()
    everything = threading.Event()

    def answer() -> None:
        while put:
            found.add(put.pop())
        if len(found) == 4000:
            everything.set()

    door = LoopThread(
        "door", on_ring=answer, at_fork=lambda: None, at_end=lambda: None, on_closed=lambda: None
    )
    door.start()

    def work(first: int) -> None:
        for number in range(first, first + 1000):
            put.append(number)
            door.ring()

    threads = [threading.Thread(target=work, args=(first,)) for first in range(0, 4000, 1000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert everything.wait(5)
    assert door.stop(5)
    with pytest.raises(SessionClosed):
        door.ring()


def test_more_rings_than_the_system_keeps_hold_nobody_up() -> None:
    bell = Bell()
    for _ in range(100_000):
        bell.ring()

    async def hear() -> int:
        heard = 0
        quiet = asyncio.Event()

        def answer() -> None:
            nonlocal heard
            heard += 1
            quiet.set()

        loop = asyncio.get_running_loop()
        bell.hang(loop, answer)
        await quiet.wait()
        bell.take_down(loop)
        return heard

    assert asyncio.run(hear()) >= 1
    with pytest.raises(OSError, match=r".*"):
        bell.ring()


def test_a_ring_before_the_bell_hangs_is_heard() -> None:
    bell = Bell()
    bell.ring()

    async def hear() -> None:
        answered = asyncio.Event()
        loop = asyncio.get_running_loop()
        bell.hang(loop, answered.set)
        await asyncio.wait_for(answered.wait(), 5)
        bell.take_down(loop)

    asyncio.run(hear())


def test_a_system_without_counts_in_its_kernel_rings_through_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "eventfd", raising=False)
    test_every_ring_is_followed_by_an_answer()
    test_more_rings_than_the_system_keeps_hold_nobody_up()
    test_a_ring_before_the_bell_hangs_is_heard()
