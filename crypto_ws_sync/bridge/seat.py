"""Where a blocking caller waits for its answer: a count in the kernel, of which a session has a few."""

from __future__ import annotations

import os
import select
from collections import deque
from collections.abc import Callable
from contextlib import suppress
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
        rung: What is waited for there.

    Owner: shared; the kernel orders what is written.
    """

    wait: Callable[..., object]
    rung: select.epoll
    _kept: object

    def __new__(cls) -> Seat:
        # Closed by what goes with the seat, and not before: while somebody may still be about to wake it, the number
        # must not be another file's. No step of Python's is in between, nor a `__del__`: what a signal's handler raises
        # there would lose the file.
        kept = next(map(select.epoll.fromfd, map(os.eventfd, (0,), (os.EFD_NONBLOCK | os.EFD_CLOEXEC,))))
        rung = select.epoll()
        # Told once of each write, nobody needs to read the count.
        rung.register(kept, select.EPOLLIN | select.EPOLLET)
        seat = super().__new__(cls, os.eventfd_write, kept.fileno(), 1)
        seat._kept = kept
        seat.rung = rung
        seat.wait = rung.poll
        return seat


class Seats:
    """The places of one session's callers, made when they are needed and kept for those that come later.

    Attributes:
        free: Those that are made and empty.
        made: All that there are. Those that an interrupt kept from being put back go, and make room for others.
        number: How many there may be.

    Owner: shared; single operations on a deque and on a set are atomic.
    """

    def __init__(self, number: int = _MOST) -> None:
        self.free: deque[Seat] = deque()
        self.made: set[ref[Seat]] = set()
        has_counts = hasattr(os, "eventfd") and hasattr(select, "epoll")
        self.number = number if has_counts else 0

    def another(self) -> Seat | None:
        """Return one more; None where a lock has to do."""
        if len(self.made) >= self.number:
            return None
        try:
            seat = Seat()
        except OSError:
            # The process has no file descriptors left.
            return None
        # No function of ours: what a signal's handler raises in one that is called for a lost object is lost, too.
        self.made.add(ref(seat, self.made.discard))
        return seat

    def after_fork(self) -> None:
        """In a forked child: leave to those who wait in the parent what wakes them.

        Both share what a seat waits for, which tells one of them of each write. Whoever forked in a signal's handler
        comes back to wait in the child, too; there nothing comes.
        """
        for made in list(self.made):
            seat = made()
            if seat is not None:
                # Under its number, by which it may be waited for already.
                with suppress(OSError), select.epoll() as alone:
                    os.dup2(alone.fileno(), seat.rung.fileno(), inheritable=False)

    def close(self) -> None:
        """Make and keep no more of them."""
        self.number = 0
        self.made.clear()
        self.free = deque(maxlen=0)
