"""The synthetic traders: what they quote and take, worked out from the seed and the time alone.

They do not look at the book: where they quote follows from the fair price, and when from a fixed beat, so
what they do between two moments is the same however often they are asked, and whoever else trades.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from crypto_ws_sync.simulator.market.asset_values import HOUR_US
from crypto_ws_sync.simulator.market.fair_price import FairPrice
from crypto_ws_sync.simulator.market.past import Past
from crypto_ws_sync.simulator.market.seeded import seeded_words

# Quotes on each side of a symbol's book.
SLOTS = 100
# Microseconds from one beat of a symbol's traders to the next, and for the symbols not named.
BEATS_US: Mapping[str, int] = MappingProxyType(
    {"BTCUSDT": 3_000_000, "ETHUSDT": 4_000_000, "BNBUSDT": 6_000_000}
)
OTHER_BEAT_US = 12_000_000

_MILLION = 1_000_000
# The slots next to the fair price move before somebody takes, the others in turn, on one side at a time: a
# near one at every beat, a far one at every other pair of beats. What the price has run over moves at once.
_NEAR = 20
_FAR_TURN = 2
# A taker goes no further than this from the fair price, in millionths.
_TAKER_REACH = 10_000
_WORDS = 8
_BLOCK = 64
# As in the past: lots of a taker's order come often in fives and rarely in hundreds.
_LOT_SCALE = 6 * 65_536
_LOT_SHIFT = 1_400


class Quote(NamedTuple):
    """One slot of the book is to hold this limit order, instead of what rests there."""

    time_us: int
    symbol: str
    is_buy: bool
    slot: int
    price: int
    quantity: int


class Take(NamedTuple):
    """A taker's limit order that fills what it can at once (IOC)."""

    time_us: int
    symbol: str
    is_buy: bool
    price: int
    quantity: int


class SymbolTraders:
    """The traders of one symbol, one beat after the other.

    Memory is the price of each slot and the random numbers of 64 beats, however long they trade.

    Owner: loop thread (of the simulated exchange).
    """

    def __init__(self, seed: int, past: Past, fair: FairPrice) -> None:
        """Set up the traders of the symbol of `past`; they begin where it ends."""
        self.symbol = past.listing.symbol
        self._key = (seed, self.symbol, "traders")
        self._past, self._fair = past, fair
        self._tick, self._lot = past.tick, past.lot
        self._lowest, self._highest = past.lowest_price, past.highest_price
        self._beat_us = BEATS_US.get(self.symbol, OTHER_BEAT_US)
        self._beat = 0
        self._words: tuple[int, ...] = ()
        self._bids = [0] * SLOTS
        self._asks = [0] * SLOTS
        self._last_fair = fair.at(past.start_us)
        takes_an_hour = past.trades_per_hour * self._beat_us * 65_536 // HOUR_US
        self._chances = tuple(min(65_536, takes_an_hour * quarters // 4) for quarters in (2, 3, 4, 6))
        self.next_us = self._moment()

    def opening(self) -> list[Quote]:
        """Return the quotes that fill an empty book at the start."""
        time_us = self._past.start_us
        fair = self._last_fair
        words = iter(seeded_words(4 * SLOTS, *self._key, "opening"))
        return [
            self._quote(time_us, is_buy, slot, fair, next(words), next(words))
            for slot in range(SLOTS)
            for is_buy in (True, False)
        ]

    def reopening(self, time_us: int) -> list[Quote]:
        """Return quotes for every slot of a book that was left alone for a while."""
        fair = min(max(self._fair.at(time_us), self._lowest), self._highest)
        words = iter(seeded_words(4 * SLOTS, *self._key, "reopening", time_us))
        return [
            self._quote(time_us, is_buy, slot, fair, next(words), next(words))
            for slot in range(SLOTS)
            for is_buy in (True, False)
        ]

    def beat(self) -> list[Quote | Take]:
        """Return what the traders do at their next beat, in order."""
        time_us = self.next_us
        words = self._beat_words()
        fair = min(max(self._fair.at(time_us), self._lowest), self._highest)
        busy = self._past.busy(time_us)
        has_take = words[1] < self._chances[busy]
        actions: list[Quote | Take] = []
        for is_buy, slot in self._slots_to_move(fair, has_take):
            spread, size = words[(slot + is_buy) % _WORDS], words[(slot + is_buy + 3) % _WORDS]
            actions.append(self._quote(time_us, is_buy, slot, fair, spread, size))
        if has_take:
            actions.append(self._take(time_us, fair, busy, words))
        self._last_fair = fair
        self._beat += 1
        self.next_us = self._moment()
        return actions

    def _slots_to_move(self, fair: int, has_take: bool) -> list[tuple[bool, int]]:
        """Return the slots to quote anew: first those the price ran over, lest the others trade with them."""
        is_bids_turn, turn = self._beat % 2 == 0, self._beat // 2
        rest = [(is_bids_turn, 1 + turn % (_NEAR - 1))]
        if turn % _FAR_TURN == 0:
            rest.append((is_bids_turn, _NEAR + turn // _FAR_TURN % (SLOTS - _NEAR)))
        if has_take:
            rest += [(True, 0), (False, 0)]
        bids, asks = self._bids, self._asks
        moves: list[tuple[bool, int]] = []
        if max(bids) >= fair:
            moves += [(True, slot) for slot, price in enumerate(bids) if price >= fair]
        if min(asks) <= fair:
            moves += [(False, slot) for slot, price in enumerate(asks) if price <= fair]
        return moves + [each for each in rest if each not in moves]

    def _quote(self, time_us: int, is_buy: bool, slot: int, fair: int, spread: int, size: int) -> Quote:
        """Quote a slot around the fair price: further out the further the slot, and more of it."""
        # 20 millionths for the first slot, 3 % for the last; each between 3/4 and 5/4 of that
        away = (20 + slot * 30 + slot * slot * 27 // 10) * (49_152 + spread // 2) // 65_536
        if is_buy:
            price = max(fair * (_MILLION - away) // (_MILLION * self._tick) * self._tick, self._tick)
            self._bids[slot] = price
        else:
            price = -(-fair * (_MILLION + away) // (_MILLION * self._tick)) * self._tick
            self._asks[slot] = price
        lots = 120 + 6 * slot + slot * slot // 4 + size % (160 + 4 * slot)
        return Quote(time_us, self.symbol, is_buy, slot, price, min(lots, self._past.most_lots) * self._lot)

    def _take(self, time_us: int, fair: int, busy: int, words: Sequence[int]) -> Take:
        """Take from the book, more often in the direction in which the fair price has moved."""
        follows = words[2] < 45_000
        is_buy = follows if fair >= self._last_fair else not follows
        reach = _TAKER_REACH if is_buy else -_TAKER_REACH
        price = max(fair * (_MILLION + reach) // (_MILLION * self._tick), 1) * self._tick
        lots = _LOT_SCALE // (words[3] + _LOT_SHIFT) * (1 + busy + words[4] % 3)
        return Take(time_us, self.symbol, is_buy, price, min(lots, self._past.most_lots) * self._lot)

    def _beat_words(self) -> Sequence[int]:
        """Return the random numbers of the beat that is due."""
        place = self._beat % _BLOCK
        if place == 0:
            self._words = seeded_words(_WORDS * _BLOCK, *self._key, self._beat // _BLOCK)
        return self._words[_WORDS * place : _WORDS * (place + 1)]

    def _moment(self) -> int:
        """Return when the beat that is due falls: one in each stretch of time, not quite regularly."""
        jitter = (self._beat * 40_503 + 9_973) % 65_536
        return self._past.start_us + self._beat * self._beat_us + jitter * self._beat_us // 65_536 + 1


class SyntheticTraders:
    """The traders of all symbols, in the order in which they act.

    Owner: loop thread (of the simulated exchange).
    """

    def __init__(self, traders: Sequence[SymbolTraders]) -> None:
        self._traders = tuple(traders)
        self._due = [(each.next_us, place) for place, each in enumerate(self._traders)]
        heapq.heapify(self._due)

    @property
    def next_us(self) -> int:
        """When somebody acts next."""
        return self._due[0][0]

    def due(self, now_us: int) -> Iterator[Quote | Take]:
        """Yield what is done from the last call up to `now_us`, in order of time; go through all of it.

        Nothing is worked out ahead, so the memory does not grow with the time to catch up with.
        """
        while self._due[0][0] <= now_us:
            place = self._due[0][1]
            actions = self._traders[place].beat()
            heapq.heapreplace(self._due, (self._traders[place].next_us, place))
            yield from actions
