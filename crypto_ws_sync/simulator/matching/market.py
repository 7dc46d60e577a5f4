"""The state of one symbol: its book, waiting orders, last and average price, and counters of ids."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from .book import BookSide
from .orders import Order
from .price_range import PriceLimits, PriceRange
from .reference_price import ReferencePrice
from .symbols import SymbolRules
from .triggers import TriggerBook

_MINUTE_US = 60_000_000


class Market:
    """One symbol.

    Owner: the engine's thread.
    """

    __slots__ = (
        "_notional_sum",
        "_quantity_sum",
        "_trades",
        "_window_us",
        "allocation_id",
        "asks",
        "bids",
        "execution_id",
        "fired",
        "had_reference",
        "last_price",
        "order_id",
        "prevented_match_id",
        "price_range",
        "reference",
        "rules",
        "trade_id",
        "triggers",
    )

    def __init__(self, rules: SymbolRules, last_price: int, first_order_id: int, first_trade_id: int) -> None:
        self.rules = rules
        self.bids = BookSide(is_bid=True)
        self.asks = BookSide(is_bid=False)
        self.triggers = TriggerBook()
        self.fired: deque[Order] = deque()
        self.last_price = last_price
        # each holds the next id to give out
        self.order_id = first_order_id
        self.trade_id = first_trade_id
        self.prevented_match_id = 0
        self.allocation_id = 0
        self.execution_id = 0
        self.price_range: PriceRange | None = None
        self.reference: ReferencePrice | None = None
        self.had_reference = False
        self._trades: deque[tuple[int, int, int]] = deque()
        self._quantity_sum = 0
        self._notional_sum = 0
        filters = rules.filters
        averaging = (
            filters.percent_price,
            filters.percent_price_by_side,
            filters.min_notional,
            filters.notional,
        )
        minutes = max((rule.average_minutes for rule in averaging if rule is not None), default=0)
        self._window_us = max(5, minutes) * _MINUTE_US

    def side(self, is_buy: bool) -> BookSide:
        """Return the bids or the asks."""
        return self.bids if is_buy else self.asks

    def remember(self, trades: Iterable[tuple[int, int, int]]) -> None:
        """Take in past trades (time, price, quantity), oldest first, for the last and the average price."""
        for time, price, quantity in trades:
            self.traded(time, price, quantity)

    def traded(self, time: int, price: int, quantity: int) -> None:
        """Note a trade for the last and the average price."""
        self.last_price = price
        trades = self._trades
        notional = price * quantity
        trades.append((time, quantity, notional))
        self._quantity_sum += quantity
        self._notional_sum += notional
        self._forget_before(time - self._window_us)
        if self.reference is not None:
            self.reference.observe(time, price)

    def refer_to(self, reference: ReferencePrice | None) -> None:
        """Take the reference price from elsewhere; a mean takes in the trades of the last minutes."""
        self.had_reference = self.has_had_reference_price()
        self.reference = reference
        if reference is not None:
            for time, quantity, notional in self._trades:
                reference.observe(time, notional // quantity)

    def has_had_reference_price(self) -> bool:
        """Whether there has been a reference price at all."""
        return self.had_reference or (self.reference is not None and self.reference.was_ever_set)

    def reference_price(self, now: int) -> int | None:
        """Return the reference price; `None` if the symbol has none now."""
        return None if self.reference is None else self.reference.price_at(now)

    def taker_limits(self, is_buy: bool, now: int) -> PriceLimits | None:
        """Return where an order that begins to take may trade until it rests or ends; `None` if anywhere."""
        if self.price_range is None:
            return None
        return self.price_range.limits(is_buy, self.reference_price(now))

    def price_for_filters(self, minutes: int, now: int) -> int:
        """Return what filters compare prices with: the reference price, else the average of the last minutes."""
        if self.reference is not None:
            price = self.reference.price_at(now)
            if price is not None:
                return price
        return self.average_price(minutes, now)

    def average_price(self, minutes: int, now: int) -> int:
        """Return the volume-weighted price of the last `minutes`; the last price if 0 or without trades."""
        if not minutes:
            return self.last_price
        self._forget_before(now - self._window_us)
        quantity_sum, notional_sum = self._quantity_sum, self._notional_sum
        if minutes * _MINUTE_US < self._window_us:
            quantity_sum = notional_sum = 0
            since = now - minutes * _MINUTE_US
            for time, quantity, notional in reversed(self._trades):
                if time <= since:
                    break
                quantity_sum += quantity
                notional_sum += notional
        return notional_sum // quantity_sum if quantity_sum else self.last_price

    def _forget_before(self, time: int) -> None:
        trades = self._trades
        while trades and trades[0][0] <= time:
            _, quantity, notional = trades.popleft()
            self._quantity_sum -= quantity
            self._notional_sum -= notional
