"""Lowering an order's quantity where it stands in the queue."""

from __future__ import annotations

from . import filters, funds, rejections
from .action import Action
from .market import Market
from .orders import Order, OrderList
from .records import Amendment
from .rejections import Rejection


def amend(market: Market, order: Order, new_quantity: int, new_client_order_id: str, now: int) -> Action:
    """Lower an open order's quantity, and that of the other order of its pair.

    A quantity that is already executed ends the order as EXPIRED.

    Raises:
        Rejection: The amendment was refused; the order is as it was.
    """
    _check(market, order, new_quantity, new_client_order_id, now)
    action = Action(market, now)
    action.outcome.orders.append(order)
    action.outcome.order_list = order.order_list
    if new_quantity <= order.executed + order.prevented:
        old_id = order.client_order_id
        execution_id = action.expire(order, "NONE")
        action.outcome.amendment = Amendment(
            order.symbol, order.order_id, execution_id, old_id, old_id, order.quantity, order.quantity, now
        )
        return action
    order_list = order.order_list
    is_renamed = new_client_order_id != order.client_order_id
    action.outcome.amendment = _change(action, order, new_quantity, new_client_order_id)
    if order_list is not None:
        if order in order_list.pair:
            _follow(action, order, order_list)
        if is_renamed:
            order_list.list_status_type = "UPDATED"
            order_list.transaction_time = now
            action.report_list(order_list)
    return action


def _follow(action: Action, order: Order, order_list: OrderList) -> None:
    """Let the other order of a pair have the same quantity, and free what the two no longer need."""
    for sibling in order_list.pair:
        if sibling is not order and sibling.is_open:
            _change(action, sibling, order.quantity, sibling.client_order_id)
    if order_list.shared_lock:
        last_price = action.market.last_price
        funds.unshare(order_list, max(funds.need(leg, last_price) for leg in order_list.pair))


def _check(market: Market, order: Order, new_quantity: int, new_client_order_id: str, now: int) -> None:
    if not market.rules.amend_allowed:
        raise _refused("Order amend is not supported for this symbol.")
    order_list = order.order_list
    if order_list is not None and order_list.passes_on:
        working = order_list.working
        if working is not order and working is not None and working.status != "FILLED":
            raise _refused("Order amend (pending OPO order) is not supported.")
    if new_quantity <= 0:
        raise rejections.missing("newQty")
    if new_quantity > order.quantity:
        raise _refused(rejections.QUANTITY_INCREASE)
    if new_quantity == order.quantity:
        raise _refused(rejections.NO_STATE_CHANGE)
    limit = market.rules.filters.max_num_order_amends
    if limit is not None and order.amend_count >= limit:
        raise _refused("Filter failure: MAX_NUM_ORDER_AMENDS")
    try:
        filters.check_quantity(market, order, new_quantity, now)
    except Rejection as refusal:
        raise _refused(refusal.msg) from refusal
    known = order.desk.by_client_id.get(new_client_order_id)
    if known is not None and known is not order and known.is_open:
        raise _refused(rejections.DUPLICATE_ORDER)


def _change(action: Action, order: Order, new_quantity: int, new_client_order_id: str) -> Amendment:
    market, desk = action.market, order.desk
    old_quantity, old_id = order.quantity, order.client_order_id
    if order.level is not None:
        market.side(order.is_buy).shrink(order, new_quantity - order.executed - order.prevented)
    order.quantity = new_quantity
    if order.locked:
        funds.lower(order, funds.need(order, market.last_price))
    if new_client_order_id != old_id:
        desk.renamed(order, new_client_order_id)
    order.amend_count += 1
    order.update_time = action.now
    execution_id = action.report(
        order, "REPLACED", new_client_order_id, old_id, is_on_book=order.level is not None
    )
    amendment = Amendment(
        order.symbol,
        order.order_id,
        execution_id,
        old_id,
        new_client_order_id,
        old_quantity,
        new_quantity,
        action.now,
    )
    if desk.is_observed:
        desk.amendments.setdefault(order.order_id, []).append(amendment)
    return amendment


def _refused(msg: str) -> Rejection:
    return Rejection(rejections.ORDER_AMEND_REJECTED, msg)
