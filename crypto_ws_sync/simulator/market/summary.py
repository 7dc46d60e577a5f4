"""What a run of consecutive trades comes to: the figures of a kline or a ticker."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class PublicTrade(NamedTuple):
    """One trade as everybody sees it: amounts as integers of 1e-8, time in microseconds."""

    id: int
    price: int
    quantity: int
    quote_quantity: int
    time_us: int
    is_buyer_maker: bool


class AggregateTrade(NamedTuple):
    """The trades of one taker order at one price, in the units of `PublicTrade`."""

    id: int
    price: int
    quantity: int
    first_id: int
    last_id: int
    time_us: int
    is_buyer_maker: bool


class Summary(NamedTuple):
    """A run of at least one trade: prices, volumes and quote volumes as integers of 1e-8."""

    first_id: int
    trades: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    quote_volume: int
    taker_volume: int
    taker_quote_volume: int

    @property
    def last_id(self) -> int:
        """The id of the last trade in the run."""
        return self.first_id + self.trades - 1


def joined(parts: Iterable[Summary]) -> Summary | None:
    """Return the summary of adjoining runs, given in order; None if there is none."""
    rest = iter(parts)
    first = next(rest, None)
    if first is None:
        return None
    first_id, trades, open_, high, low, close, volume, quote, taker, taker_quote = first
    for part in rest:
        trades += part[1]
        if part[3] > high:
            high = part[3]
        if part[4] < low:
            low = part[4]
        close = part[5]
        volume += part[6]
        quote += part[7]
        taker += part[8]
        taker_quote += part[9]
    return Summary(first_id, trades, open_, high, low, close, volume, quote, taker, taker_quote)
