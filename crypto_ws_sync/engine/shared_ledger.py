"""One ledger with the sessions that share it, and the line in which they wait for room."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from crypto_ws_sync.protocol.limits import (
    Bucket,
    Contended,
    Full,
    Granted,
    Ledger,
    Limit,
    Reading,
    Reservation,
)
from crypto_ws_sync.protocol.method import Charge

__all__ = ["PATIENCE", "TURN", "SharedLedger", "Waiter"]

TURN = 16
"""Requests that one session may send before the next that waits has its turn."""
PATIENCE = 0.05
"""Seconds for which a session may leave its turn unused while others wait."""

_BUSY = Contended(Bucket.WEIGHT)


class Waiter(Protocol):
    """A session as its ledgers see it."""

    def be_woken(self) -> None:
        """Have the session look for room; must not wait."""


class SharedLedger:
    """One ledger with those who use it, and the line in which they wait for room.

    Who is first in the line goes first, for TURN requests, then the next. Two sorts of waiting are told apart. A
    session that is held back by requests in flight alone needs the next room that comes free, so nobody may
    overtake it. One that a full window holds back cannot use any room before the window ends: until then others
    may go on, and then it has its place again.

    Attributes:
        is_lasting: What it knows of a ban holds longer than the sessions that use it.
        clock: A session's monotonic clock, and the exchange's time minus it.
        guessed_at: When placements were stopped for a time that the exchange did not tell.

    Owner: shared, guarded by self.lock.
    """

    def __init__(self, limits: Sequence[Limit], *, is_lasting: bool = False) -> None:
        self.is_lasting = is_lasting
        self._limits = limits
        self.line: dict[Waiter, float] = {}
        self.begin()

    def begin(self) -> None:
        """Begin anew, with nobody and nothing counted."""
        self.lock = threading.Lock()
        self.ledger = Ledger(self._limits)
        self.line.clear()
        self._errors: dict[Waiter, float] = {}
        self._headrooms: dict[Waiter, float] = {}
        self._turn_of: Waiter | None = None
        self._left = TURN
        self._touched = 0.0
        self._now = 0.0
        self.clock: tuple[Callable[[], float], float] | None = None
        self.guessed_at: float | None = None

    def begin_in_child(self) -> None:
        """After a fork: another thread may have held the lock, and the counts are the parent's; bans hold on."""
        until = self.ledger.banned_until(0.0)
        self.begin()
        if until is not None:
            self.ledger.ban(until, "the exchange had refused requests before this process began")

    def reserve(self, member: Waiter, charge: Charge, now: float) -> Granted | Contended | Full:
        """Reserve for one of several sessions, or stand it in the line."""
        self._now = max(self._now, now)
        first = self._first(member, now)
        if first is member or first is None:
            verdict = self.ledger.reserve(charge, now)
            if first is member:
                self._touched = now
            if type(verdict) is Granted:
                if first is member:
                    self._count_turn(member)
                return verdict
            obstacle = verdict
        else:
            seen = self.ledger.look(charge, now)
            obstacle = seen if type(seen) is Full else _BUSY
        if len(self._errors) > 1 or self.line:
            self.line[member] = obstacle.until if type(obstacle) is Full else 0.0
        return obstacle

    def believe_counts(self, reservation: Reservation, readings: Sequence[Reading]) -> None:
        """End a guessed stop of placements where counts told since show room: fills give it back."""
        guessed_at = self.guessed_at
        if guessed_at is None or not readings or reservation.sent_at < guessed_at:
            return
        if all(reading.used is not None and reading.used < reading.limit for reading in readings):
            self.guessed_at = None
            self.ledger.lift_orders_ban()

    def leave_line(self, member: Waiter) -> None:
        """Nothing of this session waits for room here any more."""
        if self.line.pop(member, None) is not None and self._turn_of is member:
            self._begin_turn(self._next(self._now))

    def room_came_free(self, member: Waiter) -> None:
        """Wake whoever may use it; `member` looks for itself."""
        first = self._next(self._now)
        if first is not None and first is not member:
            first.be_woken()

    def set_clock_error(self, member: Waiter, seconds: float) -> None:
        # A session that is being stopped may measure once more after it has left.
        if member in self._errors:
            self._errors[member] = seconds
            self.ledger.set_clock_error(max(self._errors.values()))

    def join(self, member: Waiter, headroom: float) -> None:
        self._errors[member] = 0.0
        self._headrooms[member] = headroom
        self.ledger.set_headroom(max(self._headrooms.values()))

    def leave(self, member: Waiter) -> None:
        self.leave_line(member)
        self._errors.pop(member, None)
        self._headrooms.pop(member, None)
        if self._errors:
            self.ledger.set_clock_error(max(self._errors.values()))
            self.ledger.set_headroom(max(self._headrooms.values()))

    def _next(self, now: float) -> Waiter | None:
        """Return who is first of those that room would help now."""
        for gate, asleep_until in self.line.items():
            if asleep_until <= now:
                return gate
        return None

    def _first(self, member: Waiter, now: float) -> Waiter | None:
        """Return whose turn it is while `member` asks, None where nobody waits."""
        first = self._next(now)
        if first is None or first is member:
            if first is not None and first is not self._turn_of:
                self._turn_of, self._left = first, TURN
            return first
        if first is not self._turn_of:
            self._begin_turn(first)
        elif now - self._touched > PATIENCE:
            # It may be stopped in a debugger, or its thread has no processor: nobody waits for it.
            self._to_the_end(first)
            first = self._next(now)
            self._begin_turn(first if first is not member else None)
        return first

    def _count_turn(self, member: Waiter) -> None:
        self._left -= 1
        if self._left <= 0:
            if len(self.line) > 1:
                self._to_the_end(member)
                self._begin_turn(self._next(self._now))
            self._left = TURN

    def _to_the_end(self, member: Waiter) -> None:
        self.line[member] = self.line.pop(member)

    def _begin_turn(self, first: Waiter | None) -> None:
        self._turn_of, self._left, self._touched = first, TURN, self._now
        if first is not None:
            first.be_woken()
