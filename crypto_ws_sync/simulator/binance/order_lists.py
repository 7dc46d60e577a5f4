"""orderList.* : pairs and chains of orders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..matching import NewOrder, NewOrderList, Rejection
from .catalogue import Arguments
from .list_views import cancelled_list_view, list_view, placed_list_view
from .refusals import Refusal, missing, not_needed
from .request import Request
from .trading import refused

__all__ = ["HANDLERS"]


def place_oco(request: Request) -> dict[str, Any]:
    """A pair of which one ends the other."""
    args = request.args
    side, quantity = args["side"], args["quantity"]
    legs = tuple(_leg(request, name, side, quantity) for name in ("above", "below"))
    return _place(request, "OCO", legs)


def place_oco_of_old(request: Request) -> dict[str, Any]:
    """The deprecated form of a pair: a limit order and a stop, the stop coming first in replies."""
    args = request.args
    is_limit = "stopLimitPrice" in args
    if is_limit and "stopLimitTimeInForce" not in args:
        raise Refusal(
            400,
            -1102,
            "Mandatory parameter 'stopLimitTimeInForce' was not sent, was empty/null, or malformed.",
        )
    if not is_limit and "stopLimitTimeInForce" in args:
        raise not_needed("stopLimitTimeInForce")
    mode = args.get("selfTradePreventionMode", "")
    stop = NewOrder(
        args["symbol"],
        args["side"],
        "STOP_LOSS_LIMIT" if is_limit else "STOP_LOSS",
        args.get("stopClientOrderId") or request.venue.make_client_order_id(),
        quantity=args["quantity"],
        price=args.get("stopLimitPrice", 0),
        time_in_force=args.get("stopLimitTimeInForce", ""),
        stop_price=args.get("stopPrice", 0),
        trailing_delta=args.get("trailingDelta", 0),
        iceberg_quantity=args.get("stopIcebergQty", 0),
        strategy_id=args.get("stopStrategyId"),
        strategy_type=args.get("stopStrategyType"),
        stp_mode=mode,
    )
    limit = NewOrder(
        args["symbol"],
        args["side"],
        "LIMIT_MAKER",
        args.get("limitClientOrderId") or request.venue.make_client_order_id(),
        quantity=args["quantity"],
        price=args["price"],
        iceberg_quantity=args.get("limitIcebergQty", 0),
        strategy_id=args.get("limitStrategyId"),
        strategy_type=args.get("limitStrategyType"),
        stp_mode=mode,
    )
    return _place(request, "OCO", (stop, limit), is_above_first=args["side"] == "BUY")


def place_oto(request: Request) -> dict[str, Any]:
    """A working order, and one that waits for it to fill."""
    args = request.args
    working = _leg(request, "working", args["workingSide"], args["workingQuantity"])
    pending = _leg(request, "pending", args["pendingSide"], args["pendingQuantity"])
    return _place(request, "OTO", (working, pending))


def place_otoco(request: Request) -> dict[str, Any]:
    """A working order, and a pair that waits for it to fill."""
    args = request.args
    working = _leg(request, "working", args["workingSide"], args["workingQuantity"])
    side, quantity = args["pendingSide"], args["pendingQuantity"]
    if "pendingBelowType" not in args:
        return _place(request, "OTO", (working, _leg(request, "pendingAbove", side, quantity)))
    pair = tuple(_leg(request, name, side, quantity) for name in ("pendingAbove", "pendingBelow"))
    return _place(request, "OTOCO", (working, *pair))


def place_opo(request: Request) -> dict[str, Any]:
    """A working purchase, and an order that sells what it has bought."""
    args = request.args
    working = _leg(request, "working", args["workingSide"], args["workingQuantity"])
    return _place(request, "OPO", (working, _leg(request, "pending", args["pendingSide"], 0)))


def place_opoco(request: Request) -> dict[str, Any]:
    """A working purchase, and a pair that sells what it has bought."""
    args = request.args
    working = _leg(request, "working", args["workingSide"], args["workingQuantity"])
    side = args["pendingSide"]
    if "pendingBelowType" not in args:
        return _place(request, "OPO", (working, _leg(request, "pendingAbove", side, 0)))
    pair = tuple(_leg(request, name, side, 0) for name in ("pendingAbove", "pendingBelow"))
    return _place(request, "OPOCO", (working, *pair))


def _leg(request: Request, name: str, side: str, quantity: int) -> NewOrder:
    """One order of a list, from the parameters that begin with its name."""
    args = request.args
    _check_peg(args, name)
    if args.get(f"{name}StrategyType", 1_000_000) < 1_000_000:
        raise Refusal(400, -1134, "strategyType was less than 1000000.")
    return NewOrder(
        args["symbol"],
        side,
        args[f"{name}Type"],
        args.get(f"{name}ClientOrderId") or request.venue.make_client_order_id(),
        quantity=quantity,
        price=args.get(f"{name}Price", 0),
        time_in_force=args.get(f"{name}TimeInForce", ""),
        stop_price=args.get(f"{name}StopPrice", 0),
        trailing_delta=args.get(f"{name}TrailingDelta", 0),
        iceberg_quantity=args.get(f"{name}IcebergQty", 0),
        strategy_id=args.get(f"{name}StrategyId"),
        strategy_type=args.get(f"{name}StrategyType"),
        stp_mode=args.get("selfTradePreventionMode", ""),
        peg_price_type=args.get(f"{name}PegPriceType", ""),
        peg_offset=args.get(f"{name}PegOffsetValue"),
    )


def _check_peg(args: Arguments, name: str) -> None:
    """Refuse half of an offset, or one that is to nothing."""
    kind, value = f"{name}PegOffsetType", f"{name}PegOffsetValue"
    if (kind in args) is not (value in args):
        raise Refusal(400, -1128, f"Fields ['{kind}', '{value}'] must be sent together or omitted entirely.")
    if kind in args and f"{name}PegPriceType" not in args:
        raise missing(f"{name}PegPriceType")


def _place(
    request: Request, kind: str, legs: tuple[NewOrder, ...], *, is_above_first: bool = True
) -> dict[str, Any]:
    args, venue = request.args, request.venue
    account_id = request.account.account_id
    venue.check_order_count(account_id, len(legs))
    now_us = venue.advance(request.now_us)
    new = NewOrderList(
        kind,
        args["symbol"],
        args.get("listClientOrderId") or venue.make_client_order_id(),
        legs,
        is_above_first,
    )
    try:
        outcome = venue.floor.engine.place_list(account_id, new, now_us)
    except Rejection as rejection:
        refusal = refused(rejection)
        if refusal.engine_refused:
            venue.count_orders(account_id, len(legs))
        raise refusal from None
    venue.count_orders(account_id, len(legs))
    view = placed_list_view(outcome, args.get("newOrderRespType"), request.divisor)
    venue.apply(outcome)
    return view


def cancel(request: Request) -> dict[str, Any]:
    """Cancel every open order of a list."""
    args, venue = request.args, request.venue
    now_us = venue.settle(request.now_us)
    try:
        outcome = venue.floor.engine.cancel_list(
            request.account.account_id,
            args["symbol"],
            now_us,
            order_list_id=args.get("orderListId"),
            list_client_order_id=args.get("listClientOrderId"),
            new_client_order_id=args.get("newClientOrderId") or venue.make_client_order_id(),
        )
    except Rejection as rejection:
        raise refused(rejection) from None
    view = cancelled_list_view(outcome, request.divisor, by_list=True)
    venue.apply(outcome)
    return view


def ask(request: Request) -> dict[str, Any]:
    """One list, open or closed; its client id wins over its number."""
    args, venue = request.args, request.venue
    venue.settle(request.now_us)
    try:
        found = venue.floor.engine.find_list(
            request.account.account_id,
            order_list_id=args.get("orderListId"),
            list_client_order_id=args.get("origClientOrderId"),
        )
    except Rejection as rejection:
        raise refused(rejection) from None
    return list_view(found, request.divisor)


def ask_open(request: Request) -> list[dict[str, Any]]:
    """The open lists."""
    request.venue.settle(request.now_us)
    lists = request.venue.floor.engine.open_lists(request.account.account_id)
    return [list_view(each, request.divisor) for each in lists]


HANDLERS: dict[str, Callable[[Request], Any]] = {
    "orderList.place": place_oco_of_old,
    "orderList.place.oco": place_oco,
    "orderList.place.oto": place_oto,
    "orderList.place.otoco": place_otoco,
    "orderList.place.opo": place_opo,
    "orderList.place.opoco": place_opoco,
    "orderList.cancel": cancel,
    "orderList.status": ask,
    "openOrderLists.status": ask_open,
}
