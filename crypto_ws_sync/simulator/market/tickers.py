"""Price statistics over a day, a trading day or a chosen window, equal to the trades of that time."""

from __future__ import annotations

import re

from crypto_ws_sync.simulator.market.intervals import DAY_US, HOUR_US, MINUTE_US, interval_start
from crypto_ws_sync.simulator.market.record import MarketRecord
from crypto_ws_sync.simulator.market.rows import BookTop, Row
from crypto_ws_sync.simulator.market.summary import Summary
from crypto_ws_sync.simulator.matching.amounts import UNIT, format_amount

AVERAGE_MINUTES = 5
_MS_US = 1_000
_WINDOW = re.compile(r"([1-9][0-9]?)([mhd])", re.ASCII)
_WINDOW_UNITS = {"m": (MINUTE_US, 59), "h": (HOUR_US, 23), "d": (DAY_US, 7)}


def window_length(text: str) -> int:
    """Return a window such as "15m", "4h" or "7d" in microseconds: 1m to 59m, 1h to 23h, 1d to 7d.

    Raises:
        ValueError: Any other text.
    """
    match = _WINDOW.fullmatch(text)
    if match is None:
        raise ValueError(f"not a window size: {text!r}")
    unit, most = _WINDOW_UNITS[match[2]]
    if int(match[1]) > most:
        raise ValueError(f"window size out of range: {text!r}")
    return int(match[1]) * unit


def ticker_24hr(
    record: MarketRecord, now_us: int, top: BookTop, *, is_mini: bool = False, per_unit: int = 1_000
) -> Row:
    """Return the answer of `ticker.24hr` for one symbol: the 24 hours up to now, to the millisecond."""
    open_us = now_us // _MS_US * _MS_US - DAY_US
    first, part = _trades_of(record, open_us, now_us + 1)
    times = open_us // per_unit, now_us // per_unit
    if is_mini:
        return _mini(record, first, part, times)
    before, last = record.last_before(first), record.last
    row = _full(record, first, part, times)
    fresh: Row = {
        "prevClosePrice": format_amount(before.price if before else 0),
        "lastPrice": row.pop("lastPrice"),
        "lastQty": format_amount(last.quantity if last else 0),
        "bidPrice": format_amount(top.bid_price),
        "bidQty": format_amount(top.bid_quantity),
        "askPrice": format_amount(top.ask_price),
        "askQty": format_amount(top.ask_quantity),
    }
    head = {key: row.pop(key) for key in ("symbol", "priceChange", "priceChangePercent", "weightedAvgPrice")}
    return {**head, **fresh, **row}


def ticker_window(
    record: MarketRecord, now_us: int, length_us: int, *, is_mini: bool = False, per_unit: int = 1_000
) -> Row:
    """Return the answer of `ticker` for one symbol: from the full minute at the window's start up to now."""
    open_us = (now_us - length_us) // MINUTE_US * MINUTE_US
    first, part = _trades_of(record, open_us, now_us + 1)
    write = _mini if is_mini else _full
    return write(record, first, part, (open_us // per_unit, now_us // per_unit))


def ticker_trading_day(
    record: MarketRecord, now_us: int, *, offset_us: int = 0, is_mini: bool = False, per_unit: int = 1_000
) -> Row:
    """Return the answer of `ticker.tradingDay` for one symbol: the running day of a zone ahead of UTC."""
    open_us = interval_start("1d", now_us, offset_us)
    first, part = _trades_of(record, open_us, open_us + DAY_US)
    write = _mini if is_mini else _full
    return write(record, first, part, (open_us // per_unit, (open_us + DAY_US) // per_unit - 1))


def average_price(record: MarketRecord, now_us: int, minutes: int = AVERAGE_MINUTES) -> int:
    """Return the price of the last minutes weighted by volume, in 1e-8; without trades the last price."""
    _, part = _trades_of(record, now_us - minutes * MINUTE_US, now_us + 1)
    if part is not None:
        return part.quote_volume * UNIT // part.volume
    last = record.last
    return last.price if last else 0


def average_price_row(record: MarketRecord, now_us: int, *, per_unit: int = 1_000) -> Row:
    """Return the answer of `avgPrice`; its close time is that of the last trade."""
    last = record.last
    return {
        "mins": AVERAGE_MINUTES,
        "price": format_amount(average_price(record, now_us)),
        "closeTime": (last.time_us if last else now_us) // per_unit,
    }


def _trades_of(record: MarketRecord, start_us: int, stop_us: int) -> tuple[int, Summary | None]:
    """Return the id at which a span of time begins, and what its trades come to."""
    first = record.id_at(start_us)
    return first, record.summary(first, record.id_at(stop_us))


def _mini(record: MarketRecord, first: int, part: Summary | None, times: tuple[int, int]) -> Row:
    """Return the short form of price statistics."""
    if part is None:
        before = record.last_before(first)
        prices = (before.price if before else 0, 0, 0, before.price if before else 0)
        volumes, ids = (0, 0), (-1, -1, 0)
    else:
        prices = part.open, part.high, part.low, part.close
        volumes, ids = (part.volume, part.quote_volume), (part.first_id, part.last_id, part.trades)
    return {
        "symbol": record.symbol,
        "openPrice": format_amount(prices[0]),
        "highPrice": format_amount(prices[1]),
        "lowPrice": format_amount(prices[2]),
        "lastPrice": format_amount(prices[3]),
        "volume": format_amount(volumes[0]),
        "quoteVolume": format_amount(volumes[1]),
        "openTime": times[0],
        "closeTime": times[1],
        "firstId": ids[0],
        "lastId": ids[1],
        "count": ids[2],
    }


def _full(record: MarketRecord, first: int, part: Summary | None, times: tuple[int, int]) -> Row:
    """Return the long form of price statistics: the short one with the change and the weighted average."""
    row = _mini(record, first, part, times)
    change, percent, average = 0, 0, 0
    if part is not None:
        change = part.close - part.open
        percent = _rounded(change * 100_000, part.open)
        average = _rounded(part.quote_volume * UNIT, part.volume)
    sign = "-" if percent < 0 else ""
    return {
        "symbol": row.pop("symbol"),
        "priceChange": format_amount(change),
        "priceChangePercent": f"{sign}{abs(percent) // 1000}.{abs(percent) % 1000:03d}",
        "weightedAvgPrice": format_amount(average),
        **row,
    }


def _rounded(part: int, whole: int) -> int:
    """Return a quotient rounded to the nearest integer, halves away from zero."""
    quotient = (2 * abs(part) + whole) // (2 * whole)
    return quotient if part >= 0 else -quotient
