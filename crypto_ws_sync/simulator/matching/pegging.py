"""Pegged orders: limit orders that take their price from the book when they go there."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from . import filters, funds, rejections
from .amounts import quote_to_lock
from .market import Market
from .orders import PRIMARY_PEG, STOP_TYPES, NewOrder, Order
from .rejections import Rejection, new_order

if TYPE_CHECKING:
    from .orders import OrderList


def is_due(order: NewOrder) -> bool:
    """Whether an order that goes to the engine now takes its price now; a stop waits for its trigger."""
    return bool(order.peg_price_type) and order.type not in STOP_TYPES


def price_of(market: Market, order: NewOrder | Order) -> int:
    """Return the price that the book gives an order at this moment, never beyond the one that was sent.

    Raises:
        Rejection: The book has no such level.
    """
    is_buy = order.side == "BUY"
    side = market.side(is_buy == (order.peg_price_type == PRIMARY_PEG))
    level = next(islice(side.walk(), order.peg_offset or 0, None), None)
    if level is None:
        raise new_order(rejections.TOO_THIN_TO_PEG)
    limit = order.price if isinstance(order, NewOrder) else order.sent_price
    if not limit:
        return level.price
    return min(level.price, limit) if is_buy else max(level.price, limit)


def at_its_price(market: Market, order: NewOrder) -> NewOrder:
    """Return an order with the price the book gives it, to be checked as any other limit order."""
    return replace(order, price=price_of(market, order))


def fix(market: Market, order: Order) -> None:
    """Give an order its price from the book."""
    order.price = order.pegged_price = price_of(market, order)


def settle(market: Market, order: Order, now: int) -> str:
    """Give an order its price when it is triggered, and set aside what that takes.

    Returns why it cannot go to market; "" if it can.
    """
    try:
        fix(market, order)
        filters.check_again(market, order, now)
    except Rejection as refusal:
        return refusal.as_reason()
    if order.is_buy:
        missing = quote_to_lock(order.price, order.open_quantity) - order.locked
        if missing > funds.holding_of(order).free:
            return "INSUFFICIENT_BALANCES"
        if missing > 0:
            funds.lock(order, missing)
        else:
            funds.lower(order, order.locked + missing)
    return ""


def settle_pending(market: Market, order_list: OrderList, now: int) -> str:
    """Give the pending orders of a list that take their price now theirs; return why not, "" if they can."""
    pair = order_list.pair
    for order in order_list.pending:
        if not order.peg_price_type or order.type in STOP_TYPES:
            continue
        is_in_pair = order in pair
        reason = _settle_in_pair(market, order_list, order, now) if is_in_pair else settle(market, order, now)
        if reason:
            return reason
    return ""


def _settle_in_pair(market: Market, order_list: OrderList, order: Order, now: int) -> str:
    """The same for one of a pair, for which money is set aside in common."""
    try:
        fix(market, order)
        filters.check_again(market, order, now)
    except Rejection as refusal:
        return refusal.as_reason()
    amount = max(funds.need(leg, market.last_price) for leg in order_list.pair)
    missing = amount - order_list.shared_lock
    if missing > funds.holding_of(order).free:
        return "INSUFFICIENT_BALANCES"
    if missing > 0:
        funds.share(order_list, missing)
    else:
        funds.unshare(order_list, amount)
    return ""
