"""Smart order routing: one order that takes from the best of several books, quote assets one for one."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from typing import TYPE_CHECKING

from . import rejections
from .book import Level
from .market import Market
from .orders import NewOrder, Order
from .price_range import PriceLimits
from .rejections import Rejection, new_order, not_required

if TYPE_CHECKING:
    from .action import Action

SOR, EXCHANGE = "SOR", "EXCHANGE"


def check_composition(order: NewOrder, pool: tuple[Market, ...] | None) -> None:
    """Raise unless the order may be routed, and its symbol belongs to a pool."""
    if order.type not in ("LIMIT", "MARKET"):
        raise Rejection(rejections.INVALID_ORDER_TYPE, "Invalid orderType.")
    if order.quote_order_quantity:
        raise not_required("quoteOrderQty")
    if order.peg_price_type:
        raise new_order("This order type may not use pegged price.")
    if pool is None:
        raise Rejection(rejections.UNSUPPORTED_OPERATION, "This operation is not supported.")


def open_ones(pool: tuple[Market, ...]) -> tuple[Market, ...]:
    """Return the markets of a pool that trade now; the first is the order's own."""
    return tuple(market for market in pool if market is pool[0] or market.rules.status == "TRADING")


def levels(pool: tuple[Market, ...], is_buy: bool, limit: int) -> Iterator[Level]:
    """Yield the levels of all books that an order may take from, best first, of equal ones its own first."""
    sign = 1 if is_buy else -1
    return merge(
        *(market.side(not is_buy).within(limit) for market in pool), key=lambda level: sign * level.price
    )


def match(action: Action, taker: Order, limit: int, bounds: PriceLimits | None) -> None:
    """Let an order take from whichever book is the best at each moment."""
    sides = [market.side(not taker.is_buy) for market in action.pool]
    # prices with the side's sign: the best one has the largest key
    worst = -limit if taker.is_buy else limit
    while taker.is_open:
        open_sides = [side for side in sides if side.keys]
        if not open_sides:
            return
        best = max(open_sides, key=lambda side: side.keys[-1])
        key = best.keys[-1]
        if (limit and key < worst) or not action.meet(taker, best.levels[key], bounds):
            return


def exchange(action: Action, taker: Order, maker: Order, quote: int) -> None:
    """Put on record that the exchange gives one quote asset for the other, where the two sides' differ."""
    taken, given = taker.desk.quote.asset, maker.desk.quote.asset
    if taken == given:
        return
    if not taker.is_buy:
        quote = -quote
    exchanged = action.outcome.exchanged
    exchanged[taken] = exchanged.get(taken, 0) + quote
    exchanged[given] = exchanged.get(given, 0) - quote


def allocate(action: Action, taker: Order, maker: Order, quote: int) -> tuple[int, int]:
    """Note where a fill of a routed order came from; return the taker's order id there and an allocation id.

    On the order's own book it is a trade like any other (-1). On another book the exchange trades for the
    account, under an order id of its own, and exchanges one quote asset for the other.
    """
    home, market = taker.desk.market, maker.desk.market
    if market is home:
        taker.working_floor = EXCHANGE
        return taker.order_id, -1
    taker.working_floor = SOR
    if market not in action.routed_ids:
        action.routed_ids[market] = market.order_id
        market.order_id += 1
    exchange(action, taker, maker, quote)
    allocation_id = home.allocation_id
    home.allocation_id += 1
    return action.routed_ids[market], allocation_id
