"""Candles of any interval, worked out from the market record so that they equal the trades."""

from __future__ import annotations

from crypto_ws_sync.simulator.market.intervals import interval_start, moved_start
from crypto_ws_sync.simulator.market.record import MarketRecord
from crypto_ws_sync.simulator.matching.amounts import format_amount

Kline = list[int | str]


def klines(
    record: MarketRecord,
    interval: str,
    now_us: int,
    *,
    start_us: int | None = None,
    end_us: int | None = None,
    limit: int = 500,
    offset_us: int = 0,
    per_unit: int = 1_000,
) -> list[Kline]:
    """Return klines as the exchange writes them, oldest first: from the first trade on, up to now.

    `start_us` and `end_us` bound the opening times, both inclusive: with a start the oldest from there, else
    the newest up to the end. An interval without trades is flat at the price before it; there is none for one
    in which no klines were generated. `offset_us` is the
    zone of the intervals (times stay UTC), `per_unit` the microseconds in a unit of the times written.
    """
    opens = _openings(record, interval, now_us, start_us, end_us, limit, offset_us)
    if not opens:
        return []
    edges = [*opens, moved_start(interval, opens[-1], 1, offset_us)]
    ids = [record.id_at(edge) for edge in edges]
    before = record.last_before(ids[0])
    close = before.price if before is not None else 0
    rows: list[Kline] = []
    for open_us, end, first, stop in zip(edges, edges[1:], ids, ids[1:], strict=False):
        part = record.summary(first, stop) if first < stop else None
        if part is None:
            prices, figures = [format_amount(close)] * 4, (0, 0, 0, 0, 0)
        else:
            close = part.close
            prices = [format_amount(price) for price in (part.open, part.high, part.low, part.close)]
            figures = part.volume, part.quote_volume, part.trades, part.taker_volume, part.taker_quote_volume
        volume, quote, count, taker, taker_quote = figures
        rows.append(
            [
                open_us // per_unit,
                *prices,
                format_amount(volume),
                end // per_unit - 1,
                format_amount(quote),
                count,
                format_amount(taker),
                format_amount(taker_quote),
                "0",
            ]
        )
    return rows


def _openings(
    record: MarketRecord,
    interval: str,
    now_us: int,
    start_us: int | None,
    end_us: int | None,
    limit: int,
    offset_us: int,
) -> list[int]:
    """Return the opening times of the klines that were asked for."""
    trades = record.trades(0, 1)
    if not trades:
        return []
    earliest = interval_start(interval, trades[0].time_us, offset_us)
    latest = interval_start(interval, now_us, offset_us)
    if end_us is not None and end_us < latest:
        latest = interval_start(interval, max(end_us, 0), offset_us)
    if start_us is None:
        opens = latest
        found: list[int] = []
        while opens >= earliest and len(found) < limit:
            if not record.is_silent(opens, moved_start(interval, opens, 1, offset_us)):
                found.append(opens)
            opens = moved_start(interval, opens, -1, offset_us)
        return found[::-1]
    opens = earliest
    if start_us > earliest:
        if start_us > latest:
            return []
        opens = interval_start(interval, start_us, offset_us)
        if opens < start_us:
            opens = moved_start(interval, opens, 1, offset_us)
    found = []
    while opens <= latest and len(found) < limit:
        after = moved_start(interval, opens, 1, offset_us)
        if not record.is_silent(opens, after):
            found.append(opens)
        opens = after
    return found
