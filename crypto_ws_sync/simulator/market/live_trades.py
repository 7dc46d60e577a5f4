"""The trades of one symbol since the exchange began, kept small and summed up as they come."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from itertools import compress, pairwise

from crypto_ws_sync.simulator.market.summary import AggregateTrade, PublicTrade, Summary, joined

CHUNK = 1_024


class _Chunk:
    """Up to CHUNK consecutive trades in columns; about 40 bytes a trade.

    Owner: loop thread (of the simulated exchange).
    """

    __slots__ = ("first_id", "prices", "quantities", "quotes", "summary", "takes", "times")

    def __init__(self, first_id: int) -> None:
        self.first_id = first_id
        self.times = array("q")
        self.prices = array("q")
        self.quantities = array("q")
        self.quotes = array("q")
        self.takes = bytearray()
        self.summary: Summary | None = None

    def figures(self, first: int, stop: int) -> Summary:
        """Return what the trades at the places `first` to `stop` come to; at least one."""
        prices, takes = self.prices[first:stop], self.takes[first:stop]
        quantities, quotes = self.quantities[first:stop], self.quotes[first:stop]
        return Summary(
            self.first_id + first,
            stop - first,
            prices[0],
            max(prices),
            min(prices),
            prices[-1],
            sum(quantities),
            sum(quotes),
            sum(compress(quantities, takes)),
            sum(compress(quotes, takes)),
        )


class LiveTrades:
    """The trades of one symbol since the exchange began; taking one in costs the same however many there are.

    Ids go on where the past ended. All are kept, so that paging by id works for ever: about 50 bytes a trade.

    Owner: loop thread (of the simulated exchange).
    """

    def __init__(self, first_id: int, first_aggregate: int) -> None:
        self.first_id = first_id
        self.first_aggregate = first_aggregate
        self.stop_id = first_id
        self._chunks = [_Chunk(first_id)]
        self._chunk_times = array("q")
        self._firsts = array("q")
        self._last_taker = -1
        self._last: tuple[int, int] = (0, 0)

    @property
    def stop_aggregate(self) -> int:
        """The id that the next aggregate trade will have."""
        return self.first_aggregate + len(self._firsts)

    def add(self, trade: PublicTrade, taker_order_id: int) -> None:
        """Take in the next trade.

        Fills of one taker order at one price and moment make one aggregate trade.

        Raises:
            ValueError: The trade's id is not the next one, or it is older than the trade before it.
        """
        number, price, quantity, quote, time_us, is_buyer_maker = trade
        if number != self.stop_id:
            raise ValueError(f"trade {number} came where {self.stop_id} was due")
        if time_us < self._last[1]:
            raise ValueError(f"trade {number} is older than the one before it")
        chunk = self._chunks[-1]
        if len(chunk.times) == CHUNK:
            chunk.summary = chunk.figures(0, CHUNK)
            chunk = _Chunk(number)
            self._chunks.append(chunk)
        if not chunk.times:
            self._chunk_times.append(time_us)
        chunk.times.append(time_us)
        chunk.prices.append(price)
        chunk.quantities.append(quantity)
        chunk.quotes.append(quote)
        chunk.takes.append(not is_buyer_maker)
        if taker_order_id != self._last_taker or self._last != (price, time_us):
            self._firsts.append(number)
            self._last_taker = taker_order_id
        self._last = (price, time_us)
        self.stop_id = number + 1

    def id_at(self, time_us: int) -> int:
        """Return the id of the first trade at a moment or after it, or the id that the next one will have."""
        place = bisect_left(self._chunk_times, time_us) - 1
        if place < 0:
            return self.first_id
        chunk = self._chunks[place]
        return chunk.first_id + bisect_left(chunk.times, time_us)

    def aggregate_at(self, time_us: int) -> int:
        """Return the id of the first aggregate trade at a moment or after it, or the next one's."""
        return self.first_aggregate + bisect_left(self._firsts, self.id_at(time_us))

    def summary(self, first: int, stop: int) -> Summary | None:
        """Return what the trades with ids from `first` up to, not including, `stop` come to; None if none."""
        return joined(
            chunk.summary if chunk.summary is not None and j - i == CHUNK else chunk.figures(i, j)
            for chunk, i, j in self._slices(first, stop)
        )

    def trades(self, first: int, stop: int) -> list[PublicTrade]:
        """Return the trades with ids from `first` up to, not including, `stop`."""
        return [
            PublicTrade(
                chunk.first_id + place,
                chunk.prices[place],
                chunk.quantities[place],
                chunk.quotes[place],
                chunk.times[place],
                not chunk.takes[place],
            )
            for chunk, i, j in self._slices(first, stop)
            for place in range(i, j)
        ]

    def aggregates(self, first: int, stop: int) -> list[AggregateTrade]:
        """Return the aggregate trades with ids from `first` up to, not including, `stop`."""
        first, stop = max(first, self.first_aggregate), min(stop, self.stop_aggregate)
        if first >= stop:
            return []
        starts = [*self._firsts[first - self.first_aggregate : stop + 1 - self.first_aggregate]]
        if stop == self.stop_aggregate:
            starts.append(self.stop_id)
        trades = self.trades(starts[0], starts[-1])
        found = []
        for number, (start, end) in enumerate(pairwise(starts), first):
            fills = trades[start - starts[0] : end - starts[0]]
            quantity = sum(fill.quantity for fill in fills)
            _, price, _, _, time_us, is_buyer_maker = fills[0]
            found.append(AggregateTrade(number, price, quantity, start, end - 1, time_us, is_buyer_maker))
        return found

    def _slices(self, first: int, stop: int) -> Iterator[tuple[_Chunk, int, int]]:
        """Yield each chunk that holds trades of a range of ids, with the places in it."""
        first, stop = max(first, self.first_id), min(stop, self.stop_id)
        while first < stop:
            chunk = self._chunks[(first - self.first_id) // CHUNK]
            end = min(stop - chunk.first_id, CHUNK)
            yield chunk, first - chunk.first_id, end
            first = chunk.first_id + end
