"""Prices, books, trades, klines and tickers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..matching.amounts import format_amount
from .refusals import bad_symbol
from .request import Request

__all__ = ["HANDLERS"]

_NOTHING = "0.00000000"
_AVERAGE_MINUTES = 5


def depth(request: Request) -> dict[str, Any]:
    """The best levels of a book."""
    floor = request.venue.floor
    symbol = request.args["symbol"]
    floor.check_symbol(symbol, request.args.get("symbolStatus"))
    floor.advance(request.now_us)
    update_id, bids, asks = floor.engine.depth(symbol, request.args.get("limit", 100))
    return {
        "lastUpdateId": update_id,
        "bids": [[format_amount(price), format_amount(quantity)] for price, quantity in bids],
        "asks": [[format_amount(price), format_amount(quantity)] for price, quantity in asks],
    }


def average_price(request: Request) -> dict[str, Any]:
    """The volume-weighted price of the last minutes."""
    floor = request.venue.floor
    symbol = request.args["symbol"]
    floor.check_symbol(symbol)
    floor.advance(request.now_us)
    price = floor.engine.average_price(symbol, _AVERAGE_MINUTES, request.now_us)
    return {
        "mins": _AVERAGE_MINUTES,
        "price": format_amount(price),
        "closeTime": request.time(floor.last_trade_us(symbol)),
    }


def price_ticker(request: Request) -> Any:
    """The last price of one symbol, or of several."""
    floor = request.venue.floor

    def view(symbol: str) -> dict[str, Any]:
        return {"symbol": symbol, "price": format_amount(floor.engine.last_price(symbol))}

    return for_symbols(request, view)


def book_ticker(request: Request) -> Any:
    """The best bid and ask of one symbol, or of several."""
    floor = request.venue.floor

    def view(symbol: str) -> dict[str, Any]:
        bid, ask = floor.engine.best(symbol)
        return {
            "symbol": symbol,
            "bidPrice": format_amount(bid[0]) if bid else _NOTHING,
            "bidQty": format_amount(bid[1]) if bid else _NOTHING,
            "askPrice": format_amount(ask[0]) if ask else _NOTHING,
            "askQty": format_amount(ask[1]) if ask else _NOTHING,
        }

    return for_symbols(request, view)


def for_symbols(request: Request, view: Callable[[str], dict[str, Any]]) -> Any:
    """An object for `symbol`, an array for `symbols` or, where neither is sent, for every symbol.

    A symbol in another state than the one asked for is refused alone, and left out of an array.
    """
    args, floor = request.args, request.venue.floor
    floor.advance(request.now_us)
    status = args.get("symbolStatus")
    if "symbol" in args:
        floor.check_symbol(args["symbol"], status)
        return view(args["symbol"])
    names = args.get("symbols")
    if names is None:
        names = list(floor.listings)
    elif any(name not in floor.listings for name in names):
        raise bad_symbol()
    return [view(name) for name in names if status is None or floor.listings[name]["status"] == status]


def block_trades(request: Request) -> list[dict[str, Any]]:
    """Trades off the book: there are none here."""
    request.venue.floor.check_symbol(request.args["symbol"])
    return []


HANDLERS: dict[str, Callable[[Request], Any]] = {
    "depth": depth,
    "avgPrice": average_price,
    "ticker.price": price_ticker,
    "ticker.book": book_ticker,
    "blockTrades.historical": block_trades,
}
