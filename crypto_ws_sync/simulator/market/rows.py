"""Public trades, aggregate trades and order book tops as the exchange writes them."""

from __future__ import annotations

from typing import NamedTuple

from crypto_ws_sync.simulator.market.record import MarketRecord
from crypto_ws_sync.simulator.market.summary import AggregateTrade, PublicTrade
from crypto_ws_sync.simulator.matching.amounts import format_amount

Row = dict[str, object]


class BookTop(NamedTuple):
    """The best prices of an order book with their quantities, in 1e-8; zeros for an empty side."""

    bid_price: int = 0
    bid_quantity: int = 0
    ask_price: int = 0
    ask_quantity: int = 0


def trade_row(trade: PublicTrade, per_unit: int = 1_000) -> Row:
    """Return one entry of `trades.recent` or `trades.historical`."""
    return {
        "id": trade.id,
        "price": format_amount(trade.price),
        "qty": format_amount(trade.quantity),
        "quoteQty": format_amount(trade.quote_quantity),
        "time": trade.time_us // per_unit,
        "isBuyerMaker": trade.is_buyer_maker,
        "isBestMatch": True,
    }


def aggregate_row(trade: AggregateTrade, per_unit: int = 1_000) -> Row:
    """Return one entry of `trades.aggregate`."""
    return {
        "a": trade.id,
        "p": format_amount(trade.price),
        "q": format_amount(trade.quantity),
        "f": trade.first_id,
        "l": trade.last_id,
        "T": trade.time_us // per_unit,
        "m": trade.is_buyer_maker,
        "M": True,
    }


def recent_trades(record: MarketRecord, *, limit: int = 500, per_unit: int = 1_000) -> list[Row]:
    """Return the latest trades, oldest first."""
    return historical_trades(record, from_id=None, limit=limit, per_unit=per_unit)


def historical_trades(
    record: MarketRecord, *, from_id: int | None = None, limit: int = 500, per_unit: int = 1_000
) -> list[Row]:
    """Return trades from an id on, or the latest ones, oldest first."""
    first = max(0, record.next_id - limit if from_id is None else from_id)
    return [trade_row(trade, per_unit) for trade in record.trades(first, first + limit)]


def aggregate_trades(
    record: MarketRecord,
    *,
    from_id: int | None = None,
    start_us: int | None = None,
    end_us: int | None = None,
    limit: int = 500,
    per_unit: int = 1_000,
) -> list[Row]:
    """Return aggregate trades: from an id, or a start on, else the latest up to the end; oldest first.

    Both times are inclusive; `end_us` is the last microsecond wanted, so for an end in milliseconds the last
    one in it.
    """
    stop = record.next_aggregate_id if end_us is None else record.aggregate_at(end_us + 1)
    if from_id is not None:
        first = max(0, from_id)
    elif start_us is not None:
        first = record.aggregate_at(start_us)
    else:
        first = max(0, stop - limit)
    rows = record.aggregates(first, min(stop, first + limit))
    return [aggregate_row(trade, per_unit) for trade in rows]


def price_row(record: MarketRecord) -> Row:
    """Return the answer of `ticker.price` for one symbol."""
    last = record.last
    return {"symbol": record.symbol, "price": format_amount(last.price if last else 0)}


def book_row(symbol: str, top: BookTop) -> Row:
    """Return the answer of `ticker.book` for one symbol."""
    return {
        "symbol": symbol,
        "bidPrice": format_amount(top.bid_price),
        "bidQty": format_amount(top.bid_quantity),
        "askPrice": format_amount(top.ask_price),
        "askQty": format_amount(top.ask_quantity),
    }
