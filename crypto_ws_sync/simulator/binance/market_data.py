"""Prices, books, trades, klines and tickers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..market import (
    aggregate_trades,
    average_price_row,
    book_row,
    historical_trades,
    klines,
    price_row,
    recent_trades,
    ticker_24hr,
    ticker_trading_day,
    ticker_window,
    window_length,
    zone_offset,
)
from ..matching import format_amount
from .paging import read_times
from .refusals import Refusal, bad_symbol, not_valid
from .request import Request

__all__ = ["HANDLERS"]

_MOST_SYMBOLS = 200


def depth(request: Request) -> dict[str, Any]:
    """The best levels of a book."""
    venue, symbol = request.venue, request.args["symbol"]
    venue.floor.check_symbol(symbol, request.args.get("symbolStatus"))
    venue.advance(request.now_us)
    update_id, bids, asks = venue.floor.engine.depth(symbol, request.args.get("limit", 100))
    return {
        "lastUpdateId": update_id,
        "bids": [[format_amount(price), format_amount(quantity)] for price, quantity in bids],
        "asks": [[format_amount(price), format_amount(quantity)] for price, quantity in asks],
    }


def trades_of_late(request: Request) -> Any:
    """The newest trades."""
    record = request.venue.floor.record_of(request.args["symbol"])
    request.venue.advance(request.now_us)
    return recent_trades(record, limit=request.args.get("limit", 500), per_unit=request.divisor)


def trades_of_old(request: Request) -> Any:
    """Trades from an id on."""
    record = request.venue.floor.record_of(request.args["symbol"])
    request.venue.advance(request.now_us)
    return historical_trades(
        record,
        from_id=request.args.get("fromId"),
        limit=request.args.get("limit", 500),
        per_unit=request.divisor,
    )


def trades_put_together(request: Request) -> Any:
    """Trades of one taker at one price as one."""
    args = request.args
    record = request.venue.floor.record_of(args["symbol"])
    start_us, end_us = read_times(args)
    request.venue.advance(request.now_us)
    return aggregate_trades(
        record,
        from_id=args.get("fromId"),
        start_us=start_us,
        end_us=end_us,
        limit=args.get("limit", 500),
        per_unit=request.divisor,
    )


def candles(request: Request) -> Any:
    """Open, high, low, close and volumes by intervals."""
    args = request.args
    record = request.venue.floor.record_of(args["symbol"])
    start_us, end_us = read_times(args)
    now_us = request.venue.advance(request.now_us)
    return klines(
        record,
        args["interval"],
        now_us,
        start_us=start_us,
        end_us=end_us,
        limit=args.get("limit", 500),
        offset_us=_zone(request),
        per_unit=request.divisor,
    )


def average_price(request: Request) -> Any:
    """The volume-weighted price of the last minutes."""
    record = request.venue.floor.record_of(request.args["symbol"])
    now_us = request.venue.advance(request.now_us)
    return average_price_row(record, now_us, per_unit=request.divisor)


def price_ticker(request: Request) -> Any:
    """The last price of one symbol, or of several."""
    records = request.venue.floor.market.records
    return _for_symbols(request, lambda symbol, now_us: price_row(records[symbol]))


def book_ticker(request: Request) -> Any:
    """The best bid and ask of one symbol, or of several."""
    market = request.venue.floor.market
    return _for_symbols(request, lambda symbol, now_us: book_row(symbol, market.top(symbol)))


def day_ticker(request: Request) -> Any:
    """The last 24 hours of one symbol, or of several."""
    market, is_mini = request.venue.floor.market, request.args.get("type") == "MINI"
    return _for_symbols(
        request,
        lambda symbol, now_us: ticker_24hr(
            market.records[symbol], now_us, market.top(symbol), is_mini=is_mini, per_unit=request.divisor
        ),
    )


def trading_day_ticker(request: Request) -> Any:
    """The running day of one symbol, or of several."""
    records, is_mini = request.venue.floor.market.records, request.args.get("type") == "MINI"
    offset_us = _zone(request)
    return _for_symbols(
        request,
        lambda symbol, now_us: ticker_trading_day(
            records[symbol], now_us, offset_us=offset_us, is_mini=is_mini, per_unit=request.divisor
        ),
    )


def window_ticker(request: Request) -> Any:
    """A chosen window of one symbol, or of several."""
    records, is_mini = request.venue.floor.market.records, request.args.get("type") == "MINI"
    length_us = window_length(request.args.get("windowSize", "1d"))
    return _for_symbols(
        request,
        lambda symbol, now_us: ticker_window(
            records[symbol], now_us, length_us, is_mini=is_mini, per_unit=request.divisor
        ),
    )


def _for_symbols(request: Request, view: Callable[[str, int], Any]) -> Any:
    """An object for `symbol`, an array for `symbols` or, where neither is sent, for every symbol.

    A symbol in another state than the one asked for is refused alone, and left out of an array.
    """
    args, floor = request.args, request.venue.floor
    now_us = request.venue.advance(request.now_us)
    status = args.get("symbolStatus")
    if "symbol" in args:
        floor.check_symbol(args["symbol"], status)
        return view(args["symbol"], now_us)
    names = args.get("symbols")
    if names is None:
        names = list(floor.listings)
    elif len(names) > _MOST_SYMBOLS:
        raise Refusal(400, -1101, "Too many parameters sent for this endpoint.")
    elif any(name not in floor.listings for name in names):
        raise bad_symbol()
    return [
        view(name, now_us) for name in names if status is None or floor.listings[name]["status"] == status
    ]


def _zone(request: Request) -> int:
    try:
        return zone_offset(request.args.get("timeZone", "0"))
    except ValueError:
        raise not_valid("timeZone") from None


def block_trades(request: Request) -> Any:
    """Trades off the book, from an id on."""
    args, floor = request.args, request.venue.floor
    floor.check_symbol(args["symbol"])
    now_us = request.venue.advance(request.now_us)
    blocks = floor.market.block_trades[args["symbol"]]
    return blocks.rows(args["fromId"], args.get("limit", 500), now_us, request.divisor)


HANDLERS: dict[str, Callable[[Request], Any]] = {
    "depth": depth,
    "trades.recent": trades_of_late,
    "trades.historical": trades_of_old,
    "trades.aggregate": trades_put_together,
    "klines": candles,
    "uiKlines": candles,
    "avgPrice": average_price,
    "ticker.price": price_ticker,
    "ticker.book": book_ticker,
    "ticker.24hr": day_ticker,
    "ticker.tradingDay": trading_day_ticker,
    "ticker": window_ticker,
    "blockTrades.historical": block_trades,
}
