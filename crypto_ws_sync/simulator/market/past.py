"""The trades of one symbol before the exchange began, worked out from the seed when asked for."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import accumulate, pairwise
from math import gcd, lcm
from types import MappingProxyType
from typing import NamedTuple

from crypto_ws_sync.simulator.market.asset_values import DAY_US, E8, HOUR_US, AssetValue
from crypto_ws_sync.simulator.market.hour_template import GROUP, HourTemplate, Outline
from crypto_ws_sync.simulator.market.listings import Listing
from crypto_ws_sync.simulator.market.seeded import seeded_bytes, seeded_words
from crypto_ws_sync.simulator.market.summary import AggregateTrade, PublicTrade, Summary, joined

# Trade 0 of every symbol is the first one after this moment: 2020-01-01 UTC.
LISTED_SINCE_US = 1_577_836_800_000_000

# Trades in an hour of middling activity; the count of any hour is 2, 3, 4 or 6 quarters of it.
TRADES_PER_HOUR: Mapping[str, int] = MappingProxyType({"BTCUSDT": 640, "ETHUSDT": 480, "BNBUSDT": 320})
OTHER_TRADES_PER_HOUR = 160
_QUARTERS = (2, 3, 4, 6)

# Kinds of days: how busy (0 to 3) each UTC hour is.
_DAY_KINDS = (
    "111000001122222333332211",
    "110000011112222233322111",
    "100000001111112222211110",
    "221110011222233333333221",
    "110001112221112222111111",
    "000000011111111222111000",
    "211100000112223333222111",
    "111111222222211111112222",
)
# Lots are worth about this much (USDT, in 1e-8) at the typical price; a trade has five of them or more.
_LOT_WORTH = 20 * E8
# An hour's price moves by 0.37 % as a standard deviation.
_HOUR_DEVIATION_PER_MILLION = 3_700
# A symbol whose hourly deviation has this many ticks can afford templates of a quarter of the size.
_FINE_TICKS = 400
_NETS = 64
_KEPT_PLANS = 64
_KEPT_DAYS = 4_096


class _Hour(NamedTuple):
    """One hour of the past: which template (by its move and activity), moved where and multiplied by what.

    Named and not held, since most hours of a day are counted and never looked into.
    """

    start_us: int
    first_id: int
    template: tuple[int, int]
    price: int
    tick: int
    lot: int


class Past:
    """The public trades of one symbol from 2020 to the moment the exchange began.

    Trade ids run from 0 without a hole; so do the ids of aggregate trades. Any moment, id or range of ids is
    found without a scan, and what was asked before makes no difference. Amounts are integers of 1e-8.

    Memory is bounded: the templates (at most 256, about 2 MB), the figures of the days of eleven years and
    the plans of the last few days asked for.

    `tick` and `lot` are what prices and quantities are multiples of, in 1e-8; `most_lots` fit in one order.

    Owner: loop thread (of the simulated exchange).
    """

    def __init__(
        self, seed: int, listing: Listing, base: AssetValue, quote: AssetValue, start_us: int
    ) -> None:
        """Describe the past of `listing` up to `start_us`; no more than the trades are counted yet."""
        self._key = (seed, listing.symbol)
        self._base, self._quote = base, quote
        self.listing = listing
        self.start_us = start_us
        self.tick = _units(listing.tick_size)
        typical = base.typical * E8 // (quote.typical * self.tick)
        deviation = typical * _HOUR_DEVIATION_PER_MILLION // 1_000_000
        self._scale_unit = 0
        if deviation >= _FINE_TICKS:
            self._scale_unit, deviation = typical // 4, deviation // 4
        self._deviation = max(1, deviation)
        self._nets = _nets(self._deviation)
        self._lowest = _units(listing.min_price) // self.tick + 10 + 8 * self._deviation
        self._highest = _units(listing.max_price) // self.tick * 9 // 10
        self.lowest_price, self.highest_price = self._lowest * self.tick, self._highest * self.tick
        self.lot = _lot(self.tick, _units(listing.step_size), base.typical)
        self.most_lots = max(1, _units(listing.max_quantity) // self.lot)
        self.trades_per_hour = TRADES_PER_HOUR.get(listing.symbol, OTHER_TRADES_PER_HOUR)
        self._counts = tuple(self.trades_per_hour * quarters // 4 for quarters in _QUARTERS)
        self._first_day = LISTED_SINCE_US // DAY_US
        days = max(0, start_us // DAY_US + 1 - self._first_day)
        self._kinds = self._kinds_of(days)
        sizes = [sum(self._counts[int(busy)] for busy in kind) for kind in _DAY_KINDS]
        self._day_ids = list(accumulate((sizes[kind] for kind in self._kinds), initial=0))
        self._templates: dict[tuple[int, int], HourTemplate] = {}
        self._plans: dict[int, tuple[_Hour, ...]] = {}
        self._days: dict[int, Summary] = {}
        self.count = self._day_ids[-1]
        self.aggregate_count = _aggregates_before(self.count)
        self.count = self.id_at(start_us)
        self.aggregate_count = self.aggregate_at(start_us)

    def id_at(self, time_us: int) -> int:
        """Return how many trades come before a moment: the id of the first trade at it or after it."""
        found = self._place_at(time_us)
        return self.count if found is None else min(self.count, found[0].first_id + found[1])

    def aggregate_at(self, time_us: int) -> int:
        """Return the id of the first aggregate trade at a moment or after it."""
        found = self._place_at(time_us)
        if found is None:
            return self.aggregate_count
        hour, index = found
        return _aggregates_before(hour.first_id) + bisect_left(self._template(hour).firsts, index)

    def busy(self, time_us: int) -> int:
        """Return how busy the hour of a moment is, from 0 to 3; after the past as in it."""
        day = max(0, time_us // DAY_US - self._first_day)
        if day >= len(self._kinds):
            self._kinds = self._kinds_of(day + 1)
        return int(_DAY_KINDS[self._kinds[day]][time_us % DAY_US // HOUR_US])

    def summary(self, first: int, stop: int) -> Summary | None:
        """Return what the trades with ids from `first` up to, not including, `stop` come to; None if none."""
        return joined(self._parts(max(0, first), min(stop, self.count)))

    def trades(self, first: int, stop: int) -> list[PublicTrade]:
        """Return the trades with ids from `first` up to, not including, `stop`."""
        return [
            PublicTrade(
                number,
                price := hour.price + offset * hour.tick,
                quantity := lots * hour.lot,
                price * quantity // E8,
                hour.start_us + in_hour,
                not take,
            )
            for hour, i, j in self._slices(max(0, first), min(stop, self.count))
            for number, (in_hour, offset, lots, take) in enumerate(
                self._template(hour).rows(i, j), hour.first_id + i
            )
        ]

    def aggregates(self, first: int, stop: int) -> list[AggregateTrade]:
        """Return the aggregate trades with ids from `first` up to, not including, `stop`."""
        first, stop = max(0, first), min(stop, self.aggregate_count)
        if first >= stop:
            return []
        first_id = self._first_id_of(first)
        stop_id = self.count if stop == self.aggregate_count else self._first_id_of(stop)
        found: list[AggregateTrade] = []
        number = first
        for hour, i, j in self._slices(first_id, stop_id):
            template = self._template(hour)
            firsts = template.firsts
            rows = list(template.rows(i, j))
            starts = [*firsts[bisect_left(firsts, i) : bisect_left(firsts, j)], j]
            for start, end in pairwise(starts):
                in_hour, offset, _, take = rows[start - i]
                lots = sum(row[2] for row in rows[start - i : end - i])
                found.append(
                    AggregateTrade(
                        number,
                        hour.price + offset * hour.tick,
                        lots * hour.lot,
                        hour.first_id + start,
                        hour.first_id + end - 1,
                        hour.start_us + in_hour,
                        not take,
                    )
                )
                number += 1
        return found

    def _kinds_of(self, days: int) -> bytes:
        """Return the kind of each of the first days; more days only add to it."""
        return bytes(kind & 7 for kind in seeded_bytes(days, *self._key, "kinds of days"))

    def _first_id_of(self, aggregate: int) -> int:
        """Return the id of the first trade in an aggregate trade."""
        day = bisect_right(self._day_ids, aggregate, key=_aggregates_before) - 1
        hours = self._plan(day)
        hour = hours[bisect_right(hours, aggregate, key=lambda hour: _aggregates_before(hour.first_id)) - 1]
        return hour.first_id + self._template(hour).firsts[aggregate - _aggregates_before(hour.first_id)]

    def _place_at(self, time_us: int) -> tuple[_Hour, int] | None:
        """Return the hour of a moment and how many of its trades come before; None outside of the past."""
        time_us = max(time_us, LISTED_SINCE_US)
        day = time_us // DAY_US - self._first_day
        if time_us > self.start_us or day >= len(self._day_ids) - 1:
            return None
        hour = self._plan(day)[time_us % DAY_US // HOUR_US]
        return hour, self._template(hour).index_at(time_us % HOUR_US)

    def _parts(self, first: int, stop: int) -> Iterator[Summary]:
        """Yield the summaries of whole days where the range covers them, of hours and less elsewhere."""
        while first < stop:
            day = bisect_right(self._day_ids, first) - 1
            day_first, day_stop = self._day_ids[day : day + 2]
            if first == day_first and stop >= day_stop:
                yield self._day(day)
            else:
                for hour, i, j in self._slices(first, min(stop, day_stop)):
                    template = self._template(hour)
                    is_whole = j - i == len(template.lots)
                    yield _moved(
                        hour, hour.first_id + i, template.outline if is_whole else template.figures(i, j)
                    )
            first = day_stop

    def _slices(self, first: int, stop: int) -> Iterator[tuple[_Hour, int, int]]:
        """Yield each hour that holds trades of a range of ids, with the places in it."""
        while first < stop:
            day = bisect_right(self._day_ids, first) - 1
            hours = self._plan(day)
            for hour in hours[bisect_right(hours, first, key=lambda hour: hour.first_id) - 1 :]:
                end = min(stop - hour.first_id, self._counts[hour.template[1]])
                if end <= 0:
                    return
                yield hour, first - hour.first_id, end
                first = hour.first_id + end

    def _day(self, day: int) -> Summary:
        """Return the figures of a whole day."""
        known = self._days.get(day)
        if known is None:
            if len(self._days) >= _KEPT_DAYS:
                self._days.clear()
            known = joined(
                _moved(hour, hour.first_id, self._template(hour).outline) for hour in self._plan(day)
            )
            if known is None:
                raise LookupError(f"day {day} has no hours")
            self._days[day] = known
        return known

    def _plan(self, day: int) -> tuple[_Hour, ...]:
        """Return the hours of a day, counted from the first one."""
        known = self._plans.get(day)
        if known is None:
            if len(self._plans) >= _KEPT_PLANS:
                self._plans.clear()
            known = self._plans[day] = tuple(self._hours(day))
        return known

    def _hours(self, day: int) -> Iterator[_Hour]:
        """Yield the hours of a day: each opens at the assets' values and moves as they do until the next."""
        number = self._first_day + day
        tick, scale_unit, nets = self.tick, self._scale_unit, self._nets
        values = zip(self._base.hours(number), self._quote.hours(number), strict=True)
        opens = [min(max(base * E8 // (quote * tick), self._lowest), self._highest) for base, quote in values]
        words = seeded_words(24, *self._key, "volumes", number)
        start_us, first_id = number * DAY_US, self._day_ids[day]
        for hour, busy in enumerate(map(int, _DAY_KINDS[self._kinds[day]])):
            price = opens[hour]
            scale = max(1, price // scale_unit) if scale_unit else 1
            wanted = (opens[hour + 1] - price) // scale
            net = min(max(1, bisect_left(nets, wanted)), _NETS - 1)
            if wanted - nets[net - 1] < nets[net] - wanted:
                net -= 1
            lot = self.lot * (1 + busy + words[hour] % 3)
            yield _Hour(start_us + hour * HOUR_US, first_id, (net, busy), price * tick, scale * tick, lot)
            first_id += self._counts[busy]

    def _template(self, hour: _Hour) -> HourTemplate:
        """Return the template of an hour, making it the first time."""
        known = self._templates.get(hour.template)
        if known is None:
            net, busy = hour.template
            known = self._templates[hour.template] = HourTemplate(
                self._counts[busy], self._nets[net], self._deviation, *self._key, net, busy
            )
        return known


def _moved(hour: _Hour, first_id: int, part: Outline) -> Summary:
    """Return the figures of a part of a template at the place and in the size of an hour."""
    trades, open_, high, low, close, lots, weighted, taker_lots, taker_weighted = part
    _, _, _, price, tick, lot = hour
    return Summary(
        first_id,
        trades,
        price + open_ * tick,
        price + high * tick,
        price + low * tick,
        price + close * tick,
        lots * lot,
        (price * lots + weighted * tick) * lot // E8,
        taker_lots * lot,
        (price * taker_lots + taker_weighted * tick) * lot // E8,
    )


def _aggregates_before(first_id: int) -> int:
    """Return how many aggregate trades come before a trade that begins an hour: one less in each group."""
    return first_id // GROUP * (GROUP - 1)


def _nets(deviation: int) -> list[int]:
    """Return the moves that hours can make, in ticks, spread about as a bell curve is."""
    odd = range(1 - _NETS, _NETS, 2)
    return [deviation * (1_500 * u + 1_300 * u**3 // _NETS**2) // (_NETS * 1_000) for u in odd]


def _lot(tick: int, step: int, base_value: int) -> int:
    """Return a quantity worth about 20 USDT whose price, at any tick, is a whole number of 1e-8 units."""
    exact = lcm(step, E8 // gcd(tick, E8))
    return exact * max(1, _LOT_WORTH * E8 // (base_value * exact))


def _units(amount: Decimal) -> int:
    """Return a decimal amount as an integer of 1e-8."""
    return int(f"{amount:.8f}".replace(".", ""))
