"""One rate limit's window of the moment: an upper bound of what the exchange has counted in it.

The exchange tells its count with most answers. Such a reading is the truth of the moment at which that request was
executed, somewhere between its sending and its answer; what was executed later is not in it. So three things are
told apart:

- the latest reading that surely belongs to this window (`base`);
- what was spent without such a reading (`unseen`): answers without counts, lost answers, requests that an edge
  passed while they were under way, which may have been counted on either side of it;
- what is in flight, which the ledger keeps.

A reading whose request was sent after a moment includes all that was settled before that moment. This, and nothing
else, allows to forget what is unseen, and to believe that an order count has gone down (fills lower it): such a
reading and all readings since that moment replace what was known before.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["EDGE_MARGIN", "LOST_GRACE", "Bucket", "Limit", "Reading", "Usage", "Window"]

EDGE_MARGIN = 0.004
"""Seconds after its edge, beyond the clock's error, at which a window is taken to have opened."""

LOST_GRACE = 1.0
"""Seconds for which a request may still be executed after its connection is gone."""


class Bucket(enum.Enum):
    """What a limit counts."""

    WEIGHT = "weight"
    ORDERS = "orders"
    CONNECTIONS = "connections"


class Limit(NamedTuple):
    """So many of a thing in each window of so many seconds."""

    bucket: Bucket
    seconds: int
    limit: int


class Reading(NamedTuple):
    """What an answer says of one window: its limit, and the count used after this request.

    Without a count, only the limit is told.
    """

    bucket: Bucket
    seconds: int
    limit: int
    used: int | None


class Usage(NamedTuple):
    """One window as `status()` shows it; `resets_at` in epoch seconds."""

    bucket: str
    seconds: int
    limit: int
    used: int
    resets_at: float


class Window:
    """One limit's count in the window of the moment.

    Times are the exchange's epoch seconds as believed here. `serial` counts reservations: a greater one was made
    later, whatever corrections the clock has had in between.

    Owner: loop thread.
    """

    __slots__ = (
        "_carried",
        "_carried_to",
        "_error",
        "_late",
        "_share",
        "base",
        "blurred_from",
        "bucket",
        "closes_at",
        "counted",
        "fresh",
        "fresh_unseen",
        "index",
        "is_confirmed",
        "limit",
        "lost_until",
        "mark",
        "may_fall",
        "opened",
        "opens_at",
        "room",
        "seconds",
        "unseen",
    )

    def __init__(self, limit: Limit, share: float) -> None:
        self.bucket = limit.bucket
        self.seconds = limit.seconds
        self.is_confirmed = False
        self.index = -1
        self.counted = 0
        self._share = share
        self.may_fall = limit.bucket is Bucket.ORDERS
        self.base = self.unseen = self.fresh = self.fresh_unseen = self._carried = 0
        self._carried_to = self.opened = self.mark = -1
        self.lost_until = float("-inf")
        self._error = 0.0
        self.set_limit(limit.limit)
        self.set_error(0.0)

    def set_limit(self, limit: int) -> None:
        """Take another limit for this window."""
        self.limit = limit
        self.room = int(limit * self._share + 1e-9)

    def set_share(self, share: float) -> None:
        """Take another part of the limit that may be used."""
        self._share = share
        self.set_limit(self.limit)

    def set_error(self, seconds: float) -> None:
        """Say by how much the believed time may be wrong."""
        self.lost_until += max(0.0, seconds - self._error)
        self._error = seconds
        self._late = seconds + EDGE_MARGIN
        self._set_bounds()

    def _set_bounds(self) -> None:
        edge = (self.index + 1) * self.seconds
        self.opens_at: float = edge - self.seconds + self._late
        self.closes_at: float = edge + self._late
        # From here on the exchange may be in its next window already.
        self.blurred_from = edge - self._error

    def roll(self, now: float, serial: int) -> None:
        """Go to the window that is open now."""
        index = int((now - self._late) // self.seconds)
        if index > self.index:
            carried = self._carried if index <= self._carried_to else 0
            if index >= self._carried_to:
                self._carried = 0
            self.base, self.unseen = 0, carried
        elif index < self.index and int((now + self._error) // self.seconds) < self.index:
            # The belief about the time was wrong by more than its error: what was counted stays counted.
            self._carried = 0
        else:
            return
        self.index = index
        self.fresh = self.fresh_unseen = 0
        self.opened = self.mark = serial
        self._set_bounds()
        self.counted = self.base + self.unseen

    def spend(self, amount: int, now: float, grace: float = 0.0) -> None:
        """Count what no reading tells; with a grace, what may be executed until that much later."""
        self.unseen += amount
        self.fresh_unseen += amount
        if grace:
            # The clock may be corrected from one end of its error to the other before that is over.
            self.lost_until = max(self.lost_until, now + grace + 2 * self._error)
        if now + grace >= self.blurred_from:
            self.carry(amount, now + grace)
        self.counted = self.base + self.unseen

    def carry(self, amount: int, now: float) -> None:
        """Count for the next window, too, what the exchange may have counted there."""
        self._carried += amount
        self._carried_to = max(self._carried_to, int((now + self._error) // self.seconds))

    def begin(self, reading: Reading, same: Iterable[Window], now: float, serial: int) -> None:
        """Begin a window that is told of for the first time.

        Args:
            reading: What was told.
            same: Windows of the same bucket: what they have counted, or wait for in vain, is in here, too, as far as
                anyone knows.
            now: When it was told.
            serial: The latest serial.
        """
        self.is_confirmed = True
        counted = used = reading.used or 0
        for window in same:
            counted = max(counted, window.counted)
            self.lost_until = max(self.lost_until, window.lost_until)
        self.carry(counted, now)
        self.roll(now, serial)
        self.base, self.unseen = used, counted - used

    def counted_at(self, now: float) -> tuple[int, int]:
        """Return the index of the window that is open at a moment and its count, and change nothing."""
        index = int((now - self._late) // self.seconds)
        if index <= self.index:
            return self.index, self.counted
        return index, self._carried if index <= self._carried_to else 0

    def end(self, index: int) -> float:
        """Return when the window after `index` opens."""
        return (index + 1) * self.seconds + self._late
