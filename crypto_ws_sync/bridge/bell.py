"""A bell that any thread may ring and the loop answers at once: one byte through a pair of sockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

__all__ = ["Bell"]

_AT_ONCE = 4096


class Bell:
    """Has a function called on a loop whenever a thread rings.

    `run_coroutine_threadsafe` does the same with a future, a chain of callbacks and a coroutine for each call, which is
    right for what somebody waits for. For requests, whose answers come another way, it took a fifth of a round trip.

    Owner: shared; the kernel orders what is written.
    """

    def __init__(self) -> None:
        self._heard, self._rung = socket.socketpair()
        self._heard.setblocking(False)
        self._rung.setblocking(False)
        self._answer: Callable[[], object] | None = None

    def hang(self, loop: asyncio.AbstractEventLoop, answer: Callable[[], object]) -> None:
        """Have `answer` called on the loop after every ring, once for any number of rings before it.

        Called on the loop's thread.
        """
        self._answer = answer
        loop.add_reader(self._heard, self._on_ring)

    def take_down(self, loop: asyncio.AbstractEventLoop) -> None:
        """Answer no more; whoever rings now hears of it by OSError. Called on the loop's thread."""
        loop.remove_reader(self._heard)
        self.close()

    def ring(self) -> None:
        """Have the loop answer; from any thread.

        Raises:
            OSError: Nobody answers any more.
        """
        try:
            self._rung.send(b"\0")
        except BlockingIOError:
            # So many rings wait to be answered that the loop is sure to hear of this one.
            return

    def close(self) -> None:
        """Close both ends."""
        self._heard.close()
        self._rung.close()

    def _on_ring(self) -> None:
        try:
            self._heard.recv(_AT_ONCE)
        except (BlockingIOError, InterruptedError):
            return
        assert self._answer is not None
        self._answer()
