"""order.place, order.test, order.status, order.cancel and openOrders.*"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..matching import NewOrder, Order, Outcome, Rejection
from .catalogue import Arguments
from .commissions import commission_of_order
from .list_views import cancelled_list_view
from .order_views import ack_view, cancel_view, full_view, result_view, status_view
from .refusals import Refusal, missing
from .request import Request

__all__ = [
    "HANDLERS",
    "cancellation_view",
    "check_order",
    "new_order",
    "place_order",
    "placement_view",
    "refused",
]

_FULL_BY_DEFAULT = frozenset({"MARKET", "LIMIT"})
_ARCHIVED_AFTER_US = 90 * 86400 * 1_000_000


def refused(rejection: Rejection) -> Refusal:
    """What the exchange answers where its matching engine says no."""
    return Refusal(400, rejection.code, rejection.msg, engine_refused=rejection.code == -2010)


def new_order(request: Request, args: Arguments) -> NewOrder:
    """The order that a request asks for."""
    if "pegOffsetType" in args and "pegPriceType" not in args:
        raise missing("pegPriceType")
    return NewOrder(
        args["symbol"],
        args["side"],
        args["type"],
        args.get("newClientOrderId") or request.venue.make_client_order_id(),
        args.get("quantity", 0),
        args.get("price", 0),
        args.get("timeInForce", ""),
        args.get("quoteOrderQty", 0),
        args.get("stopPrice", 0),
        args.get("trailingDelta", 0),
        args.get("icebergQty", 0),
        args.get("strategyId"),
        args.get("strategyType"),
        args.get("selfTradePreventionMode", ""),
        args.get("pegPriceType", ""),
        args.get("pegOffsetValue"),
    )


def placement_view(outcome: Outcome, response_type: str | None, divisor: int) -> dict[str, Any]:
    """The reply to a placement: ACK, RESULT or FULL, by default FULL for MARKET and LIMIT."""
    order = outcome.order
    if response_type is None:
        response_type = "FULL" if order.type in _FULL_BY_DEFAULT else "ACK"
    if response_type == "FULL":
        return full_view(order, outcome.time, divisor, outcome.fills, outcome.prevented_matches)
    if response_type == "RESULT":
        return result_view(order, outcome.time, divisor)
    return ack_view(order, outcome.time, divisor)


def place(request: Request) -> dict[str, Any]:
    """Place one order."""
    request.venue.check_order_count(request.account.account_id, 1)
    return place_order(request, new_order(request, request.args))


def place_order(request: Request, order: NewOrder) -> dict[str, Any]:
    """Put an order to the matching engine; the reply in the size asked for."""
    venue, account_id = request.venue, request.account.account_id
    now_us = venue.advance(request.now_us)
    try:
        outcome = venue.floor.engine.place(account_id, order, now_us)
    except Rejection as rejection:
        refusal = refused(rejection)
        if refusal.engine_refused:
            venue.count_orders(account_id, 1)
        raise refusal from None
    venue.count_orders(account_id, 1)
    view = placement_view(outcome, request.args.get("newOrderRespType"), request.divisor)
    venue.apply(outcome)
    return view


def check(request: Request) -> dict[str, Any]:
    """Check an order without placing it; on request tell what commission it would pay."""
    return check_order(request, new_order(request, request.args))


def check_order(request: Request, order: NewOrder) -> dict[str, Any]:
    """Put an order to the filters only."""
    venue = request.venue
    now_us = venue.advance(request.now_us)
    try:
        venue.floor.engine.test(request.account.account_id, order, now_us)
    except Rejection as rejection:
        raise refused(rejection) from None
    if request.args.get("computeCommissionRates"):
        account = venue.floor.engine.account(request.account.account_id)
        return commission_of_order(order.symbol, order.side, account)
    return {}


def ask(request: Request) -> dict[str, Any]:
    """One order, open or closed."""
    args, venue = request.args, request.venue
    now_us = venue.settle(request.now_us)
    try:
        order = venue.floor.engine.find_order(
            request.account.account_id,
            args["symbol"],
            order_id=args.get("orderId"),
            client_order_id=args.get("origClientOrderId"),
        )
    except Rejection as rejection:
        raise refused(rejection) from None
    if _is_archived(order, now_us):
        raise Refusal(
            400,
            -2026,
            "Order was canceled or expired with no executed qty over 90 days ago and has been archived.",
        )
    return status_view(order, request.divisor)


def _is_archived(order: Order, now_us: int) -> bool:
    return not order.is_open and not order.executed and now_us - order.update_time > _ARCHIVED_AFTER_US


def ask_open(request: Request) -> list[dict[str, Any]]:
    """The open orders of one symbol or of all."""
    venue, symbol = request.venue, request.args.get("symbol")
    if symbol is not None:
        venue.floor.check_symbol(symbol)
    venue.settle(request.now_us)
    orders = venue.floor.engine.open_orders(request.account.account_id, symbol)
    return [status_view(order, request.divisor) for order in orders]


def cancel(request: Request) -> dict[str, Any]:
    """Cancel one order, and with it the list it belongs to."""
    args, venue = request.args, request.venue
    now_us = venue.settle(request.now_us)
    try:
        outcome = venue.floor.engine.cancel(
            request.account.account_id,
            args["symbol"],
            now_us,
            order_id=args.get("orderId"),
            client_order_id=args.get("origClientOrderId"),
            new_client_order_id=args.get("newClientOrderId") or venue.make_client_order_id(),
            restrictions=args.get("cancelRestrictions"),
        )
    except Rejection as rejection:
        raise refused(rejection) from None
    view = cancellation_view(outcome, request.divisor)
    venue.apply(outcome)
    return view


def cancel_all(request: Request) -> list[dict[str, Any]]:
    """Cancel every open order and list of one symbol."""
    venue = request.venue
    now_us = venue.settle(request.now_us)
    try:
        outcomes = venue.floor.engine.cancel_all(
            request.account.account_id, request.args["symbol"], now_us, venue.make_client_order_id
        )
    except Rejection as rejection:
        raise refused(rejection) from None
    views = [cancellation_view(outcome, request.divisor) for outcome in outcomes]
    for outcome in outcomes:
        venue.apply(outcome)
    return views


def cancellation_view(outcome: Outcome, divisor: int) -> dict[str, Any]:
    """The reply to a cancel: an order, or the whole list where the order belonged to one."""
    if outcome.order_list is not None:
        return cancelled_list_view(outcome, divisor)
    return cancel_view(outcome.order, outcome.client_order_id, outcome.time, divisor)


HANDLERS: dict[str, Callable[[Request], Any]] = {
    "order.place": place,
    "order.test": check,
    "order.status": ask,
    "order.cancel": cancel,
    "openOrders.status": ask_open,
    "openOrders.cancelAll": cancel_all,
}
