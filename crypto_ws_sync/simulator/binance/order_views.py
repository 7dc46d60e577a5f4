"""Orders as the exchange shows them: in replies to placements and cancels, and when asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..matching.amounts import format_amount
from ..matching.orders import Order
from ..matching.records import Fill, PreventedMatch

__all__ = [
    "ack_view",
    "allocation_view",
    "cancel_view",
    "full_view",
    "result_view",
    "status_view",
    "trade_view",
]


def ack_view(order: Order, time: int, divisor: int) -> dict[str, Any]:
    """The shortest reply to a placement: which order, and when."""
    return {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": order.order_list_id,
        "clientOrderId": order.client_order_id,
        "transactTime": time // divisor,
    }


def result_view(order: Order, time: int, divisor: int) -> dict[str, Any]:
    """A placement's reply with the state of the order."""
    view = ack_view(order, time, divisor)
    _add_state(view, order)
    _add_conditions(view, order, divisor)
    view["workingTime"] = _moment(order.working_time, divisor)
    view["selfTradePreventionMode"] = order.stp_mode
    _add_prevention(view, order)
    _add_ending(view, order)
    return view


def full_view(
    order: Order,
    time: int,
    divisor: int,
    fills: Sequence[Fill],
    prevented: Sequence[PreventedMatch],
) -> dict[str, Any]:
    """A placement's reply with the state of the order and its fills."""
    view = ack_view(order, time, divisor)
    _add_state(view, order)
    _add_conditions(view, order, divisor)
    view["workingTime"] = _moment(order.working_time, divisor)
    view["fills"] = [_fill_view(fill) for fill in fills]
    if prevented:
        view["preventedMatches"] = [_prevented_view(match) for match in prevented]
    view["selfTradePreventionMode"] = order.stp_mode
    if prevented and prevented[0].trade_group_id != -1:
        view["tradeGroupId"] = prevented[0].trade_group_id
    if order.prevented:
        view["preventedQuantity"] = format_amount(order.prevented)
    _add_ending(view, order)
    return view


def cancel_view(order: Order, cancel_id: str, time: int, divisor: int) -> dict[str, Any]:
    """The reply to a cancel: the order under its old and the cancel's own client id."""
    view: dict[str, Any] = {
        "symbol": order.symbol,
        "origClientOrderId": order.client_order_id,
        "orderId": order.order_id,
        "orderListId": order.order_list_id,
        "clientOrderId": cancel_id,
        "transactTime": time // divisor,
    }
    _add_state(view, order)
    _add_conditions(view, order, divisor)
    view["selfTradePreventionMode"] = order.stp_mode
    _add_prevention(view, order)
    return view


def status_view(order: Order, divisor: int) -> dict[str, Any]:
    """An order as order.status, openOrders.status and allOrders tell of it."""
    view: dict[str, Any] = {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": order.order_list_id,
        "clientOrderId": order.client_order_id,
        "price": format_amount(order.sent_price),
        "origQty": format_amount(order.quantity),
        "executedQty": format_amount(order.executed),
        "cummulativeQuoteQty": format_amount(order.executed_quote),
        "status": order.status,
        "timeInForce": order.time_in_force,
        "type": order.type,
        "side": order.side,
        "stopPrice": format_amount(order.stop_price),
    }
    if order.trailing_delta:
        view["trailingDelta"] = order.trailing_delta
        view["trailingTime"] = _moment(order.trailing_time, divisor)
    view["icebergQty"] = format_amount(order.iceberg_quantity)
    view["time"] = order.time // divisor
    view["updateTime"] = order.update_time // divisor
    view["isWorking"] = order.is_working
    view["workingTime"] = _moment(order.working_time, divisor)
    view["origQuoteOrderQty"] = format_amount(order.quote_order_quantity)
    _add_strategy(view, order)
    _add_routing(view, order)
    view["selfTradePreventionMode"] = order.stp_mode
    _add_prevention(view, order)
    _add_ending(view, order)
    return view


def trade_view(fill: Fill, divisor: int) -> dict[str, Any]:
    """One of an account's own trades as myTrades tells of it."""
    return {
        "symbol": fill.symbol,
        "id": fill.trade_id,
        "orderId": fill.order_id,
        "orderListId": fill.order_list_id,
        "price": format_amount(fill.price),
        "qty": format_amount(fill.quantity),
        "quoteQty": format_amount(fill.quote_quantity),
        "commission": format_amount(fill.commission),
        "commissionAsset": fill.commission_asset,
        "time": fill.time // divisor,
        "isBuyer": fill.is_buyer,
        "isMaker": fill.is_maker,
        "isBestMatch": True,
    }


def allocation_view(fill: Fill, divisor: int) -> dict[str, Any]:
    """What smart order routing brought to an order as myAllocations tells of it."""
    return {
        "symbol": fill.symbol,
        "allocationId": fill.allocation_id,
        "allocationType": "SOR",
        "orderId": fill.order_id,
        "orderListId": fill.order_list_id,
        "price": format_amount(fill.price),
        "qty": format_amount(fill.quantity),
        "quoteQty": format_amount(fill.quote_quantity),
        "commission": format_amount(fill.commission),
        "commissionAsset": fill.commission_asset,
        "time": fill.time // divisor,
        "isBuyer": fill.is_buyer,
        "isMaker": fill.is_maker,
        "isAllocator": False,
    }


def _add_state(view: dict[str, Any], order: Order) -> None:
    view["price"] = format_amount(order.sent_price)
    if order.quantity or order.status != "PENDING_NEW":
        # Left out where it is to come from another order's fill.
        view["origQty"] = format_amount(order.quantity)
    view["executedQty"] = format_amount(order.executed)
    view["origQuoteOrderQty"] = format_amount(order.quote_order_quantity)
    view["cummulativeQuoteQty"] = format_amount(order.executed_quote)
    view["status"] = order.status
    view["timeInForce"] = order.time_in_force
    view["type"] = order.type
    view["side"] = order.side


def _add_conditions(view: dict[str, Any], order: Order, divisor: int) -> None:
    """What only some orders have."""
    if order.stop_price:
        view["stopPrice"] = format_amount(order.stop_price)
    if order.trailing_delta:
        view["trailingDelta"] = order.trailing_delta
        view["trailingTime"] = _moment(order.trailing_time, divisor)
    if order.iceberg_quantity:
        view["icebergQty"] = format_amount(order.iceberg_quantity)
    _add_strategy(view, order)
    _add_routing(view, order)


def _add_routing(view: dict[str, Any], order: Order) -> None:
    """What pegged and routed orders have."""
    if order.uses_sor:
        view["workingFloor"] = order.working_floor
        view["usedSor"] = True
    if not order.peg_price_type:
        return
    view["pegPriceType"] = order.peg_price_type
    if order.peg_offset is not None:
        view["pegOffsetType"] = "PRICE_LEVEL"
        view["pegOffsetValue"] = order.peg_offset
    if order.pegged_price:
        view["peggedPrice"] = format_amount(order.pegged_price)


def _add_strategy(view: dict[str, Any], order: Order) -> None:
    if order.strategy_id is not None:
        view["strategyId"] = order.strategy_id
    if order.strategy_type is not None:
        view["strategyType"] = order.strategy_type


def _add_prevention(view: dict[str, Any], order: Order) -> None:
    if order.prevented_match_id >= 0:
        view["preventedMatchId"] = order.prevented_match_id
        view["preventedQuantity"] = format_amount(order.prevented)


def _add_ending(view: dict[str, Any], order: Order) -> None:
    if order.expiry_reason != "NONE":
        view["expiryReason"] = order.expiry_reason


def _fill_view(fill: Fill) -> dict[str, Any]:
    view: dict[str, Any] = {
        "price": format_amount(fill.price),
        "qty": format_amount(fill.quantity),
        "commission": format_amount(fill.commission),
        "commissionAsset": fill.commission_asset,
        "tradeId": fill.trade_id,
    }
    if fill.is_allocation:
        view["matchType"] = "ONE_PARTY_TRADE_REPORT"
        view["allocId"] = fill.allocation_id
    return view


def _prevented_view(match: PreventedMatch) -> dict[str, Any]:
    view: dict[str, Any] = {
        "preventedMatchId": match.prevented_match_id,
        "makerSymbol": match.maker_symbol,
        "makerOrderId": match.maker_order_id,
        "price": format_amount(match.price),
    }
    if match.taker_prevented_quantity:
        view["takerPreventedQuantity"] = format_amount(match.taker_prevented_quantity)
    if match.maker_prevented_quantity:
        view["makerPreventedQuantity"] = format_amount(match.maker_prevented_quantity)
    return view


def _moment(us: int, divisor: int) -> int:
    return us if us < 0 else us // divisor
