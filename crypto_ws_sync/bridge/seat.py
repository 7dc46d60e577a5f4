"""Where a blocking caller waits for its answer: a count in the kernel, of which a session has a few."""

from __future__ import annotations

import os
import select
from collections import deque
from collections.abc import Callable
from functools import partial
from weakref import ref

__all__ = ["Seat", "Seats"]

_MOST = 8
"""Seats of one session. Each takes two file descriptors, which a program with hundreds of threads has no room for; and
of many threads that are woken together nearly all stand in line for the interpreter anyhow: with 32 seats the orders of
128 threads took a tenth longer."""


class Seat(partial[None]):
    """A place of one waiting thread, which is woken by calling this.

    A lock is released by a loop that holds the interpreter: the thread wakes, finds that taken, and falls asleep again
    until the loop lets go. A write lets go of it first: 3.2 changes of threads a request instead of 4.6, and round
    trips of nine tenths (on one core).

    Whoever sat here before may be woken late, so a thread that wakes looks whether it was meant.

    Attributes:
        wait: Waits for at most `timeout` seconds, in a way that Ctrl-C can end.

    Owner: shared; the kernel orders what is written.
    """

    wait: Callable[..., object]
    _close: Callable[[], object] = bool  # does nothing

    def __new__(cls) -> Seat:
        count = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        try:
            # Told once of each write, nobody needs to read the count.
            rung = select.epoll()
            rung.register(count, select.EPOLLIN | select.EPOLLET)
            seat = super().__new__(cls, os.eventfd_write, count, 1)
        except BaseException:
            os.close(count)
            raise
        seat._close = partial(os.close, count)
        seat.wait = rung.poll
        return seat

    def __del__(self) -> None:
        # Not before: while somebody may still be about to wake it, the number must not be another file's.
        self._close()


class Seats:
    """The places of one session's callers, made when they are needed and kept for those that come later.

    Attributes:
        free: Those that are made and empty.
        has_more: Another may be had where none is free.

    Owner: shared; single operations on a deque are atomic.
    """

    def __init__(self, number: int = _MOST) -> None:
        self.free: deque[Seat] = deque()
        has_counts = hasattr(os, "eventfd") and hasattr(select, "epoll")
        self._number = number if has_counts else 0
        # Those that an interrupt kept from being put back are neither here nor free.
        self._made: set[ref[Seat]] = set()
        self.has_more = self._number > 0

    def another(self) -> Seat | None:
        """Return one more; None where a lock has to do."""
        if len(self._made) >= self._number:
            self.has_more = False
            return None
        try:
            seat = Seat()
        except OSError:
            # The process has no file descriptors left.
            return None
        self._made.add(ref(seat, self._on_gone))
        return seat

    def _on_gone(self, seat: ref[Seat]) -> None:
        self._made.discard(seat)
        self.has_more = self._number > 0

    def close(self) -> None:
        """Make and keep no more of them."""
        self._number = 0
        self.has_more = False
        self._made.clear()
        self.free = deque(maxlen=0)
