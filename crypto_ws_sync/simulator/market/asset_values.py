"""What an asset is worth at any moment, worked out from the seed alone.

The value is a random walk built from the top down (Paul Levy's construction of Brownian motion): long
tents over years, shorter ones on top of them, down to days; each day is a bridge over its 24 hours, and
each hour carries tents down to a quarter of a minute. So any moment costs the same few steps, however far
away it is. Everything is integer arithmetic, because floating point may differ from machine to machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from types import MappingProxyType

from crypto_ws_sync.simulator.market.seeded import seeded_bytes, seeded_steps, seeded_words

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
E8 = 10**8

# Around these values, in USDT, the named assets move; another asset gets a value of its own from the seed.
TYPICAL_VALUES: Mapping[str, int] = MappingProxyType(
    {"USDT": 1 * E8, "USDC": 1 * E8, "BTC": 64_000 * E8, "ETH": 3_200 * E8, "BNB": 600 * E8}
)

# Of these one is worth one of any other, always: orders may be routed between their books.
INTERCHANGEABLE = frozenset({"USDT", "USDC"})

# Heights of the tents with half widths of 1, 2, 4 ... 2048 days, in millionths of the value: a volatility
# of 1.8 % a day, with the long ones held back so that a value stays within a few times the typical one.
_DAY_TENTS = (22_000, 31_100, 44_000, 62_200, 88_000, 124_500, 176_000, 249_000, *[350_000] * 4)
# The same within an hour: half widths of 1/2, 1/4 ... 1/256 hour.
_HOUR_TENTS = (3_200, 2_260, 1_600, 1_130, 800, 566, 400, 283)
_HOUR_LEVELS = tuple(
    (HOUR_US >> level, HOUR_US >> level + 1, height, (HOUR_US >> level + 1) * 1_000_000 << 15)
    for level, height in enumerate(_HOUR_TENTS)
)
_TENTS_AN_HOUR = (1 << len(_HOUR_TENTS)) - 1
# Largest single step of the bridge over a day, in millionths: 0.37 % an hour as a standard deviation.
_HOUR_STEP = 6_400
_MILLION = 1_000_000
_BLOCK = 256
_KEPT_BLOCKS = 256
_KEPT_DAYS = 64


class AssetValue:
    """The value of one asset in USDT, as integers of 1e-8 USDT; a constant for dollars.

    Owner: loop thread (of the simulated exchange).
    """

    def __init__(self, seed: int, asset: str) -> None:
        """Take the asset's typical value, or for an unknown asset one between 0.5 and 500 USDT."""
        self._seed = seed
        self._asset = asset
        self._is_constant = asset in INTERCHANGEABLE
        typical = TYPICAL_VALUES.get(asset)
        if typical is None:
            first, second = seeded_words(2, seed, asset, "typical value")
            typical = (first + 6_554) * 10 ** (second % 3) * E8 // 13_108
        self.typical = typical
        self._blocks: dict[tuple[int, int], bytes] = {}
        self._days: dict[int, tuple[int, ...]] = {}
        self._hour = (-1, -1)
        self._tents: tuple[int, ...] = ()

    def at(self, time_us: int) -> int:
        """Return the value at a moment, in 1e-8 USDT."""
        if self._is_constant:
            return self.typical
        day, in_day = divmod(time_us, DAY_US)
        hour, in_hour = divmod(in_day, HOUR_US)
        if self._hour != (day, hour):
            self._hour = (day, hour)
            self._tents = seeded_steps(_TENTS_AN_HOUR, self._seed, self._asset, "hour", day, hour)
        hours, tents = self.hours(day), self._tents
        value = hours[hour] + (hours[hour + 1] - hours[hour]) * in_hour // HOUR_US
        first = 0
        for width, half, height, divisor in _HOUR_LEVELS:
            tent, inside = divmod(in_hour, width)
            share = inside if inside < half else width - inside
            value += value * height * tents[first + tent] * share // divisor
            first = 2 * first + 1
        return value

    def hours(self, day: int) -> tuple[int, ...]:
        """Return the 25 values at the full hours of a day (counted from 1970), both midnights included."""
        known = self._days.get(day)
        if known is None:
            if len(self._days) >= _KEPT_DAYS:
                self._days.clear()
            known = self._days[day] = self._bridge(day)
        return known

    def _bridge(self, day: int) -> tuple[int, ...]:
        """Join the values at both midnights by a random bridge over the hours."""
        if self._is_constant:
            return (self.typical,) * 25
        first, last = self._midnight(day), self._midnight(day + 1)
        walk = list(accumulate(seeded_steps(24, self._seed, self._asset, "hours", day), initial=0))
        end = walk[24]
        scale = 24 * _MILLION << 15
        return tuple(
            (first + (last - first) * hour // 24) * (scale + (24 * at - end * hour) * _HOUR_STEP) // scale
            for hour, at in enumerate(walk)
        )

    def _midnight(self, day: int) -> int:
        """Return the value at the midnight that begins a day."""
        value = self.typical
        for level, height in enumerate(_DAY_TENTS):
            half = 1 << level
            tent, inside = divmod(day, 2 * half)
            if inside:
                share = inside if inside < half else 2 * half - inside
                value += value * height * self._noise(level, tent) * share // (half * _MILLION << 15)
        return value

    def _noise(self, level: int, index: int) -> int:
        """Return the random height of one tent, from -32768 to 32767."""
        number, place = divmod(index, _BLOCK)
        block = self._blocks.get((level, number))
        if block is None:
            if len(self._blocks) >= _KEPT_BLOCKS:
                self._blocks.clear()
            block = seeded_bytes(2 * _BLOCK, self._seed, self._asset, "tents", level, number)
            self._blocks[level, number] = block
        return int.from_bytes(block[2 * place : 2 * place + 2], "little", signed=True)
