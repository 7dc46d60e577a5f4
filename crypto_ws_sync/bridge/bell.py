"""A bell that any thread may ring and the loop answers at once: a count in the kernel, or a byte through sockets."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Callable
from io import FileIO
from typing import Any

__all__ = ["Bell"]

_STROKE = (1).to_bytes(8, sys.byteorder)
"""What adds one to a count in the kernel, and is as good as anything for a pair of sockets."""
_AT_ONCE = 4096


class Bell:
    """Has a function called on a loop whenever a thread rings.

    `run_coroutine_threadsafe` does the same with a future, a chain of callbacks and a coroutine for each call, which is
    right for what somebody waits for. For requests, whose answers come another way, it took a fifth of a round trip.

    A loop that can be asked to looks before it sleeps whether it was rung; while it is awake nothing goes through the
    kernel. A caller says that it rang before it looks whether the loop sleeps, the loop says that it sleeps before it
    looks whether somebody rang; so one of them always sees the other, without a lock.

    Attributes:
        on_ring: What a ring has the loop call.
        is_rung: Somebody rang since it was called last; of a loop that is asked to look.
        is_asleep: The loop may not look by itself.

    Owner: shared; the kernel orders what is written.
    """

    def __init__(self) -> None:
        self.is_rung = False
        self.is_asleep = True
        self._heard: Any
        self._rung: Any
        if hasattr(os, "eventfd"):
            # Half of what a pair of sockets costs. As a file object it tells whoever rings late that it is closed; a
            # bare number might belong to somebody else by then.
            count = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
            self._heard = self._rung = FileIO(count, "r+")
            self._strike, self._hear = self._rung.write, self._heard.read
        else:
            self._heard, self._rung = socket.socketpair()
            self._heard.setblocking(False)
            self._rung.setblocking(False)
            self._strike, self._hear = self._rung.send, self._heard.recv
        self.on_ring: Callable[[], object] = bool  # does nothing

    def hang(self, loop: asyncio.AbstractEventLoop, answer: Callable[[], object]) -> None:
        """Have `answer` called on the loop after every ring, once for any number of rings before it.

        Called on the loop's thread.
        """
        self.on_ring = answer
        attend = getattr(loop, "attend", None)
        if attend is not None and self._heard is self._rung:
            # It looks whether it was rung, and needs only to wake; a count can go on for ever, nobody has to read it.
            loop.add_reader(self._heard, bool)
            attend(self, self._heard.fileno())
        else:
            loop.add_reader(self._heard, self._on_ring)

    def take_down(self, loop: asyncio.AbstractEventLoop) -> None:
        """Answer no more; whoever rings now hears of it by OSError. Called on the loop's thread."""
        loop.remove_reader(self._heard)
        self.is_asleep = True
        self.close()

    def ring(self) -> None:
        """Have the loop answer; from any thread.

        Raises:
            OSError: Nobody answers any more.
        """
        self.is_rung = True
        if not self.is_asleep:
            return
        try:
            self._strike(_STROKE)
        except BlockingIOError:
            # So many rings wait to be answered that the loop is sure to hear of this one.
            return
        except ValueError:
            raise OSError("nobody answers any more") from None

    def close(self) -> None:
        """Close both ends."""
        self._heard.close()
        self._rung.close()

    def _on_ring(self) -> None:
        try:
            self._hear(_AT_ONCE)
        except (BlockingIOError, InterruptedError):
            return
        self.on_ring()
