"""What the end or the execution of one order means for the others of its list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import funds, pegging, proceeds
from .orders import LIMIT_TYPES, STOP_TYPES, Order, OrderList
from .triggers import triggers_when_rising

if TYPE_CHECKING:
    from .action import Action


def unshare(order: Order, status: str) -> None:
    """Free what is set aside for a list when one of its orders ends in a state."""
    order_list = order.order_list
    assert order_list is not None
    if order_list.proceeds and order is order_list.working and status != "FILLED":
        proceeds.release(order_list)
    if order_list.shared_lock and order in order_list.pair:
        funds.unshare(order_list)


def before_execution(action: Action, order: Order) -> None:
    """End the other order of a pair because this one is about to execute or was triggered."""
    order_list = order.order_list
    if order_list is None or order not in order_list.pair:
        return
    for sibling in order_list.pair:
        if sibling is not order and sibling.is_open:
            shared = order_list.shared_lock
            funds.unshare(order_list)
            funds.lock(order, min(shared, funds.need(order, order.desk.market.last_price)))
            action.expire(sibling, "OCO_TRIGGER")


def after_end(action: Action, order: Order) -> None:
    """Draw the consequences of an order's end for its list."""
    order_list = order.order_list
    if order_list is None:
        return
    if order is order_list.working:
        if order.status == "FILLED":
            action.activations.append(order_list)
        else:
            for pending in order_list.pending:
                if pending.is_open:
                    action.expire(pending, "OTO_PHASE_ONE_EXPIRED")
    elif order.status in ("EXPIRED_IN_MATCH", "REJECTED"):
        for sibling in order_list.pair:
            if sibling.is_open:
                action.expire(sibling, "OCO_TRIGGER")
    finish(action, order_list)


def finish(action: Action, order_list: OrderList) -> None:
    """Mark a list as done once none of its orders is open, and tell so."""
    if order_list.is_open and not any(order.is_open for order in order_list.orders):
        order_list.list_status_type = order_list.list_order_status = "ALL_DONE"
        order_list.transaction_time = action.now
        order_list.desk.account.closed_list(order_list)
        action.report_list(order_list)


def cancel(action: Action, order_list: OrderList, client_order_id: str) -> None:
    """End every open order of a list at its owner's wish."""
    for order in order_list.orders:
        if order.is_open:
            action.cancel(order, client_order_id)
    finish(action, order_list)


def activate(action: Action, order_list: OrderList) -> None:
    """Send the pending orders of a list to market, its working order having filled."""
    waiting = [order for order in order_list.pending if order.is_open]
    market, now = order_list.desk.market, action.now
    reason = proceeds.hand_over(market, order_list, now) if order_list.passes_on else ""
    reason = reason or pegging.settle_pending(market, order_list, now) or refusal(action, order_list)
    if reason:
        for order in waiting:
            action.refuse(order, reason)
        finish(action, order_list)
        return
    for order in waiting:
        order.status = "NEW"
        order.update_time = action.now
    for order in waiting:
        action.start(order)


def refusal(action: Action, order_list: OrderList) -> str:
    """Return why the pending orders of a list cannot go to market now; "" if they can."""
    market = order_list.desk.market
    if order_list.pair and not prices_relate(order_list.pair, market.last_price):
        return "OCO_BAD_PRICES"
    for order in order_list.pending:
        if order.type == "LIMIT_MAKER" and market.side(not order.is_buy).crosses(order.price):
            return "WOULD_MATCH_IMMEDIATELY"
        if would_trigger(order, market.last_price):
            return "STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY"
        if order.type == "MARKET" and order.is_buy and not action.can_afford(order):
            return "INSUFFICIENT_BALANCES"
    return ""


def would_trigger(order: Order, last_price: int) -> bool:
    """Whether the last price already meets an order's stop price."""
    if not order.stop_price or not last_price:
        return False
    if triggers_when_rising(order.type, order.is_buy):
        return order.stop_price <= last_price
    return order.stop_price >= last_price


def prices_relate(pair: tuple[Order, ...], last_price: int) -> bool:
    """Whether the last price (0: none yet) lies between the prices of a pair.

    The stop loss of a purchase stands above the market, that of a sale below.
    """
    first, second = pair
    is_second_above = second.type.startswith("STOP_LOSS") == second.is_buy
    above, below = (second, first) if is_second_above else (first, second)
    upper, lower = _deciding_price(above), _deciding_price(below)
    if upper and lower and upper <= lower:
        return False
    if not last_price:
        return True
    return (not upper or upper > last_price) and (not lower or lower < last_price)


def _deciding_price(order: Order) -> int:
    """The price at which a leg begins to execute; 0 for one that only trails, or that the book prices."""
    if order.type in LIMIT_TYPES and order.type not in STOP_TYPES:
        return 0 if order.peg_price_type else order.price
    return order.stop_price
