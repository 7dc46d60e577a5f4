"""An hour of trades in relative terms: the pattern from which the hours of the past are made.

An hour of the past is a template moved to the hour's opening price, with its offsets and its quantities
multiplied by whole numbers. All sums move along exactly (the sum of (P + s*d) * m*q is m * (P * sum(q) +
s * sum(d*q))), so the figures of years follow from those of a few hundred templates, and still agree with
every single trade.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate, compress
from math import isqrt
from operator import mul
from typing import NamedTuple

from crypto_ws_sync.simulator.market.asset_values import HOUR_US
from crypto_ws_sync.simulator.market.seeded import seeded_longs, seeded_steps, seeded_words

# In each group of this many trades one goes on with the taker order before it.
GROUP = 8
# Standard deviation of a number drawn evenly from -32768 to 32767.
_STEP_DEVIATION = 18_918
# Heavy-tailed lots: the smallest of five lots and a few more come often, fifty times as many rarely.
_LOT_SCALE = 6 * 65_536
_LOT_SHIFT = 1_400


class Outline(NamedTuple):
    """The figures of a run of trades in a template: prices as offsets in ticks, quantities in lots."""

    trades: int
    open: int
    high: int
    low: int
    close: int
    lots: int
    weighted: int
    taker_lots: int
    taker_weighted: int


class HourTemplate:
    """A fixed pattern of trades over one hour.

    `times` are microseconds into the hour, `offsets` ticks from the hour's opening price, `lots` quantities,
    `takes` is 1 where the taker bought; `firsts` are the places at which an aggregate trade begins.

    Owner: frozen once made.
    """

    __slots__ = ("firsts", "lots", "offsets", "outline", "takes", "times")

    def __init__(self, count: int, net: int, deviation: int, *key: object) -> None:
        """Draw `count` trades (a multiple of GROUP) whose price moves by about `net` ticks.

        `deviation` is the standard deviation in ticks of the walk around that move.
        """
        self.times = array(
            "L", sorted(moment * HOUR_US >> 32 for moment in seeded_longs(count, *key, "times"))
        )
        walk = list(accumulate(seeded_steps(count, *key, "steps")))
        end, scale = walk[-1], count * _STEP_DEVIATION * isqrt(count)
        sides = seeded_words(count, *key, "sides")
        self.takes = bytes(side & 1 for side in sides)
        self.offsets = array(
            "i",
            (
                ((at * count - end * place) * deviation // scale) + net * place // count + 2 * (side & 1) - 1
                for place, (at, side) in enumerate(zip(walk, sides, strict=True), 1)
            ),
        )
        self.lots = array(
            "i", (_LOT_SCALE // (word + _LOT_SHIFT) for word in seeded_words(count, *key, "lots"))
        )
        self.firsts = self._continue_some(sides)
        self.outline = self.figures(0, count)

    def _continue_some(self, sides: tuple[int, ...]) -> array[int]:
        """Make one trade of each group a further fill of the order before it; return the first fills."""
        takes = bytearray(self.takes)
        firsts = array("H")
        for start in range(0, len(sides), GROUP):
            continued = start + 1 + (sides[start] >> 1) % (GROUP - 1)
            self.times[continued] = self.times[continued - 1]
            self.offsets[continued] = self.offsets[continued - 1]
            takes[continued] = takes[continued - 1]
            firsts.extend(place for place in range(start, start + GROUP) if place != continued)
        self.takes = bytes(takes)
        return firsts

    def index_at(self, in_hour_us: int) -> int:
        """Return how many trades come before a moment of the hour."""
        return bisect_left(self.times, in_hour_us)

    def figures(self, first: int, stop: int) -> Outline:
        """Return the figures of the trades from `first` up to, not including, `stop`; at least one."""
        offsets, lots, takes = self.offsets[first:stop], self.lots[first:stop], self.takes[first:stop]
        weights = list(map(mul, offsets, lots))
        return Outline(
            stop - first,
            offsets[0],
            max(offsets),
            min(offsets),
            offsets[-1],
            sum(lots),
            sum(weights),
            sum(compress(lots, takes)),
            sum(compress(weights, takes)),
        )

    def rows(self, first: int, stop: int) -> Iterator[tuple[int, int, int, int]]:
        """Return time, offset, lots and whether the taker bought, of the trades from `first` to `stop`."""
        columns = (self.times, self.offsets, self.lots, self.takes)
        return zip(*(column[first:stop] for column in columns), strict=True)
