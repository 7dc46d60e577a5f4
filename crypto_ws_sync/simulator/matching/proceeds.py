"""One pays the other: what a working purchase brings in, kept for the pending orders that sell it."""

from __future__ import annotations

from . import filters, funds
from .accounts import Holding
from .amounts import UNIT
from .commissions import DISCOUNT_ASSET
from .market import Market
from .orders import Order, OrderList
from .rejections import Rejection


def keep(buyer: Order, quantity: int, commission: int, paid_from: Holding) -> None:
    """Lock what a fill of a working order brought in, so that it can be neither traded nor withdrawn.

    The commission comes out of what else is free, if that is enough and what is bought is not BNB; then the
    pending orders get the whole quantity.
    """
    order_list = buyer.order_list
    if order_list is None or not order_list.passes_on or buyer is not order_list.working:
        return
    base = buyer.desk.base
    if paid_from is base:
        # The fill is in the free balance already, and its commission out of it.
        free_before = base.free - quantity + commission
        if base.asset == DISCOUNT_ASSET or free_before < commission:
            quantity -= commission
    base.free -= quantity
    base.locked += quantity
    order_list.proceeds += quantity


def release(order_list: OrderList) -> None:
    """Free what a working order brought in."""
    if order_list.proceeds:
        base = order_list.desk.base
        base.locked -= order_list.proceeds
        base.free += order_list.proceeds
        order_list.proceeds = 0


def hand_over(market: Market, order_list: OrderList, now: int) -> str:
    """Give the pending orders the quantity that the working order brought in, cut to whole lots.

    Returns why they cannot have it; "" if they can. What they do not take is free again.
    """
    quantity = order_list.proceeds
    symbol_filters = market.rules.filters
    lots = [symbol_filters.lot_size]
    if any(order.type == "MARKET" for order in order_list.pending):
        lots.append(symbol_filters.market_lot_size)
    for lot in lots:
        if lot is not None:
            if lot.max_quantity:
                quantity = min(quantity, lot.max_quantity)
            if lot.step_size:
                quantity -= quantity % lot.step_size
    release(order_list)
    for order in order_list.pending:
        order.quantity = quantity
    reason = _refusal(market, order_list, quantity, now)
    if not reason:
        if order_list.pair:
            funds.share(order_list, quantity)
        else:
            funds.lock(order_list.pending[0], quantity)
    return reason


def _refusal(market: Market, order_list: OrderList, quantity: int, now: int) -> str:
    if not quantity:
        return "FILTER_FAILURE_LOT_SIZE"
    for order in order_list.pending:
        try:
            filters.check_quantity(market, order, quantity, now)
            filters.check_own(market, order, now)
        except Rejection as refusal:
            return refusal.as_reason()
        if order.iceberg_quantity >= quantity:
            return "ICEBERGQTY_EXCEEDS_QTY"
        if order.price and order.price * quantity < UNIT:
            return "PRICE_*_QTY_IS_ZERO_OR_LESS"
    return ""
