"""The whole market record of one symbol: the computed past and the live trades as one."""

from __future__ import annotations

from collections.abc import Sequence

from crypto_ws_sync.simulator.market.live_trades import LiveTrades
from crypto_ws_sync.simulator.market.past import Past
from crypto_ws_sync.simulator.market.summary import AggregateTrade, PublicTrade, Summary, joined

_FOREVER_US = 1 << 62


class MarketRecord:
    """All public trades of one symbol, from the first of its past to the latest.

    Ids and times run on across the join, and every range may lie on either side of it or on both. Amounts are
    integers of 1e-8, times microseconds.

    Owner: loop thread (of the simulated exchange).
    """

    def __init__(self, past: Past) -> None:
        self._past = past
        self._live = LiveTrades(past.count, past.aggregate_count)
        self._silences: list[tuple[int, int]] = []

    @property
    def symbol(self) -> str:
        """The symbol traded."""
        return self._past.listing.symbol

    @property
    def next_id(self) -> int:
        """The id that the next trade must have; at the beginning the engine's first trade id."""
        return self._live.stop_id

    @property
    def next_aggregate_id(self) -> int:
        """The id that the next aggregate trade will have."""
        return self._live.stop_aggregate

    def add(self, trade: PublicTrade, taker_order_id: int) -> None:
        """Take in the next trade of the engine.

        Raises:
            ValueError: The trade's id is not the next one, or it is older than the trade before it.
        """
        self._live.add(trade, taker_order_id)

    def fall_silent(self, time_us: int) -> None:
        """Generate no klines from a moment on, until `resume`."""
        self.resume(time_us)
        self._silences.append((time_us, _FOREVER_US))

    def resume(self, time_us: int) -> None:
        """Generate klines again from a moment on."""
        if self._silences and self._silences[-1][1] == _FOREVER_US:
            self._silences[-1] = self._silences[-1][0], time_us

    def is_silent(self, start_us: int, stop_us: int) -> bool:
        """Whether no klines were generated in the whole of a time."""
        return any(start <= start_us and stop_us <= stop for start, stop in self._silences)

    def id_at(self, time_us: int) -> int:
        """Return the id of the first trade at a moment or after it, or the id that the next one will have."""
        return self._past.id_at(time_us) if time_us <= self._past.start_us else self._live.id_at(time_us)

    def aggregate_at(self, time_us: int) -> int:
        """Return the id of the first aggregate trade at a moment or after it, or the next one's."""
        if time_us <= self._past.start_us:
            return self._past.aggregate_at(time_us)
        return self._live.aggregate_at(time_us)

    def summary(self, first: int, stop: int) -> Summary | None:
        """Return what the trades with ids from `first` up to, not including, `stop` come to; None if none."""
        if stop <= self._past.count:
            return self._past.summary(first, stop)
        if first >= self._past.count:
            return self._live.summary(first, stop)
        parts = (self._past.summary(first, stop), self._live.summary(first, stop))
        return joined(part for part in parts if part is not None)

    def trades(self, first: int, stop: int) -> Sequence[PublicTrade]:
        """Return the trades with ids from `first` up to, not including, `stop`, oldest first."""
        return self._past.trades(first, stop) + self._live.trades(first, stop)

    def aggregates(self, first: int, stop: int) -> Sequence[AggregateTrade]:
        """Return the aggregate trades with ids from `first` up to, not including, `stop`, oldest first."""
        return self._past.aggregates(first, stop) + self._live.aggregates(first, stop)

    def last_before(self, stop: int) -> PublicTrade | None:
        """Return the trade just before an id; None if it would be the first."""
        found = self.trades(stop - 1, stop)
        return found[0] if found else None

    @property
    def last(self) -> PublicTrade | None:
        """The latest trade; None if there has been none."""
        return self.last_before(self.next_id)
