"""order.cancelReplace, order.amend.keepPriority and order.amendments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..matching import Outcome, Rejection, format_amount
from .refusals import Refusal
from .request import Request
from .trading import cancellation_view, new_order, placement_view, refused

__all__ = ["HANDLERS"]


def cancel_replace(request: Request) -> dict[str, Any]:
    """Cancel one order and place another; each half ends on its own."""
    args, venue = request.args, request.venue
    account_id = request.account.account_id
    mode = args["cancelReplaceMode"]
    new = new_order(request, args)
    try:
        venue.check_order_count(account_id, 1)
    except Refusal as exceeded:
        if args.get("orderRateLimitExceededMode") != "CANCEL_ONLY":
            raise
        return _cancel_only(request, mode, exceeded)
    now_us = venue.advance(request.now_us)
    try:
        cancelled, placed = venue.floor.engine.cancel_replace(
            account_id,
            new,
            now_us,
            mode=mode,
            cancel_order_id=args.get("cancelOrderId"),
            cancel_client_order_id=args.get("cancelOrigClientOrderId"),
            cancel_new_client_order_id=args.get("cancelNewClientOrderId") or venue.make_client_order_id(),
            restrictions=args.get("cancelRestrictions"),
        )
    except Rejection as rejection:
        raise refused(rejection) from None
    # Counted even where the new order was not attempted.
    venue.count_orders(account_id, 1)
    cancel_view = (
        cancellation_view(cancelled, request.divisor)
        if isinstance(cancelled, Outcome)
        else _failure(cancelled)
    )
    place_view = (
        placement_view(placed, args.get("newOrderRespType"), request.divisor)
        if isinstance(placed, Outcome)
        else None
        if placed is None
        else _failure(placed)
    )
    for outcome in (cancelled, placed):
        if isinstance(outcome, Outcome):
            venue.apply(outcome)
    return _both_halves(
        isinstance(cancelled, Outcome),
        None if placed is None else isinstance(placed, Outcome),
        cancel_view,
        place_view,
    )


def _cancel_only(request: Request, mode: str, exceeded: Refusal) -> dict[str, Any]:
    """Cancel although the count of orders does not allow the new one."""
    args, venue = request.args, request.venue
    now_us = venue.settle(request.now_us)
    failure = {"code": exceeded.code, "msg": exceeded.msg}
    try:
        cancelled = venue.floor.engine.cancel(
            request.account.account_id,
            args["symbol"],
            now_us,
            order_id=args.get("cancelOrderId"),
            client_order_id=args.get("cancelOrigClientOrderId"),
            new_client_order_id=args.get("cancelNewClientOrderId") or venue.make_client_order_id(),
            restrictions=args.get("cancelRestrictions"),
        )
    except Rejection as rejection:
        stops = mode == "STOP_ON_FAILURE"
        return _both_halves(False, None if stops else False, _failure(rejection), None if stops else failure)
    view = cancellation_view(cancelled, request.divisor)
    venue.apply(cancelled)
    return _both_halves(True, False, view, failure)


def _failure(rejection: Rejection) -> dict[str, Any]:
    return {"code": rejection.code, "msg": rejection.msg}


def _both_halves(
    is_cancelled: bool, is_placed: bool | None, cancel_view: dict[str, Any], place_view: dict[str, Any] | None
) -> dict[str, Any]:
    """The reply with both halves; anything but a success of both is an error that carries them."""
    both = {
        "cancelResult": "SUCCESS" if is_cancelled else "FAILURE",
        "newOrderResult": {None: "NOT_ATTEMPTED", True: "SUCCESS", False: "FAILURE"}[is_placed],
        "cancelResponse": cancel_view,
        "newOrderResponse": place_view,
    }
    if is_cancelled and is_placed:
        return both
    if is_cancelled or is_placed:
        raise Refusal(409, -2021, "Order cancel-replace partially failed.", both)
    raise Refusal(400, -2022, "Order cancel-replace failed.", both)


def amend(request: Request) -> dict[str, Any]:
    """Lower an order's quantity without losing its place in the queue."""
    args, venue = request.args, request.venue
    now_us = venue.settle(request.now_us)
    try:
        outcome = venue.floor.engine.amend(
            request.account.account_id,
            args["symbol"],
            now_us,
            order_id=args.get("orderId"),
            client_order_id=args.get("origClientOrderId"),
            new_quantity=args["newQty"],
            new_client_order_id=args.get("newClientOrderId") or venue.make_client_order_id(),
        )
    except Rejection as rejection:
        raise refused(rejection) from None
    view = _amend_view(outcome, request)
    if outcome.order.status == "EXPIRED":
        request.weight_on_success = 0
    venue.apply(outcome)
    return view


def _amend_view(outcome: Outcome, request: Request) -> dict[str, Any]:
    order, amendment = outcome.order, outcome.amendment
    assert amendment is not None
    view: dict[str, Any] = {
        "transactTime": request.time(outcome.time),
        "executionId": amendment.execution_id,
        "amendedOrder": {
            "symbol": order.symbol,
            "orderId": order.order_id,
            "orderListId": order.order_list_id,
            "origClientOrderId": amendment.orig_client_order_id,
            "clientOrderId": amendment.new_client_order_id,
            "price": format_amount(order.sent_price),
            "qty": format_amount(order.quantity),
            "executedQty": format_amount(order.executed),
            "preventedQty": format_amount(order.prevented),
            "quoteOrderQty": format_amount(order.quote_order_quantity),
            "cumulativeQuoteQty": format_amount(order.executed_quote),
            "status": order.status,
            "timeInForce": order.time_in_force,
            "type": order.type,
            "side": order.side,
            "workingTime": request.time(order.working_time),
            "selfTradePreventionMode": order.stp_mode,
        },
    }
    order_list, status = outcome.order_list, outcome.list_status
    if order_list is not None and status is not None:
        view["listStatus"] = {
            "orderListId": order_list.order_list_id,
            "contingencyType": order_list.contingency_type,
            "listOrderStatus": status.list_order_status,
            "listClientOrderId": order_list.list_client_order_id,
            "symbol": order_list.symbol,
            "orders": [
                {"symbol": order_list.symbol, "orderId": order_id, "clientOrderId": client_order_id}
                for order_id, client_order_id in status.legs
            ],
        }
    return view


def amendments(request: Request) -> list[dict[str, Any]]:
    """What was changed of one order, oldest first."""
    args, venue = request.args, request.venue
    symbol = args["symbol"]
    venue.floor.check_symbol(symbol)
    venue.settle(request.now_us)
    found = venue.floor.engine.desk(request.account.account_id, symbol).amendments.get(args["orderId"], [])
    first = args.get("fromExecutionId", 0)
    return [
        {
            "symbol": each.symbol,
            "orderId": each.order_id,
            "executionId": each.execution_id,
            "origClientOrderId": each.orig_client_order_id,
            "newClientOrderId": each.new_client_order_id,
            "origQty": format_amount(each.orig_quantity),
            "newQty": format_amount(each.new_quantity),
            "time": request.time(each.time),
        }
        for each in found
        if each.execution_id >= first
    ][: args.get("limit", 500)]


HANDLERS: dict[str, Callable[[Request], Any]] = {
    "order.cancelReplace": cancel_replace,
    "order.amend.keepPriority": amend,
    "order.amendments": amendments,
}
