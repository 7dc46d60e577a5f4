"""The reference price of a symbol: worked out of its own trades, or set from outside."""

from __future__ import annotations

from collections import deque
from typing import Protocol


class ReferencePrice(Protocol):
    """Where a symbol's reference price comes from."""

    def observe(self, time: int, price: int) -> None:
        """Take notice of a trade."""

    def price_at(self, now: int) -> int | None:
        """Return the price at a moment, `None` while there is none. `now` must not run backwards."""

    @property
    def was_ever_set(self) -> bool:
        """Whether there has been a price at all."""


class ExternalPrice:
    """A price that somebody else works out, by the method with this id; 0 is by hand.

    Owner: the engine's thread.
    """

    def __init__(self, calculation_id: int = 0) -> None:
        self.calculation_id = calculation_id
        self._price: int | None = None
        self._was_set = False

    def set(self, price: int | None) -> None:
        """Set the price, or leave the symbol without one."""
        self._price = price
        self._was_set = self._was_set or price is not None

    def observe(self, time: int, price: int) -> None:
        """Take notice of a trade, which changes nothing here."""

    def price_at(self, now: int) -> int | None:
        """Return the price that was set last."""
        return self._price

    @property
    def was_ever_set(self) -> bool:
        """Whether there has been a price at all."""
        return self._was_set


class ArithmeticMean:
    """The mean of the trade prices in a moving window of whole buckets, the oldest counted in part.

    `bucket_count` buckets of `bucket_width_us` microseconds, aligned to the clock, make the window. Each has
    the number of its trades and the sum of their prices. A bucket that straddles the window's start counts with
    the part that lies inside; the price is the sum over all buckets divided by the number, cut to whole units.

    Owner: the engine's thread.
    """

    def __init__(self, bucket_count: int, bucket_width_us: int) -> None:
        if bucket_count < 1 or bucket_width_us < 1000 or bucket_width_us % 1000:
            raise ValueError("a window needs a bucket at least, of whole milliseconds")
        self.bucket_count = bucket_count
        self.bucket_width_us = bucket_width_us
        self._buckets: deque[list[int]] = deque()
        self._count = 0
        self._sum = 0
        self._was_set = False

    def observe(self, time: int, price: int) -> None:
        """Count a trade in; `time` must not run backwards."""
        opened = time - time % self.bucket_width_us
        if not self._buckets or self._buckets[-1][0] != opened:
            self._buckets.append([opened, 0, 0])
            self._forget(time)
        bucket = self._buckets[-1]
        bucket[1] += 1
        bucket[2] += price
        self._count += 1
        self._sum += price
        self._was_set = True

    def price_at(self, now: int) -> int | None:
        """Return the mean over the window that ends now; `None` without a trade in it."""
        cutoff = self._forget(now)
        if not self._buckets:
            return None
        opened, count, total = self._buckets[0]
        width, expired = self.bucket_width_us, max(cutoff - opened, 0)
        # parts of a bucket are counted in units of one microsecond of its width, so that nothing is rounded
        return (self._sum * width - total * expired) // (self._count * width - count * expired)

    @property
    def was_ever_set(self) -> bool:
        """Whether there has been a price at all."""
        return self._was_set

    def _forget(self, now: int) -> int:
        """Drop the buckets that closed before the window, and return where the window begins."""
        width = self.bucket_width_us
        cutoff = now - self.bucket_count * width
        buckets = self._buckets
        while buckets and buckets[0][0] + width <= cutoff:
            _, count, total = buckets.popleft()
            self._count -= count
            self._sum -= total
        return cutoff
