"""An order's state, as `order.status` tells it, in the shapes of other answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, TypeGuard, TypeVar

from crypto_ws_sync.errors import ApiError
from crypto_ws_sync.protocol.outcome import Question

__all__ = [
    "as_amended",
    "as_cancelled",
    "as_placed",
    "has_ended",
    "is_equal",
    "is_open",
    "is_smaller",
    "is_traded",
    "is_whole",
    "may_be_made_by",
    "may_be_of",
    "may_be_older",
    "refusal",
    "response_type",
    "was_since",
]

_OPEN = frozenset({"NEW", "PARTIALLY_FILLED", "PENDING_NEW", "PENDING_CANCEL"})
_ENDED_UNFILLED = frozenset({"CANCELED", "EXPIRED", "EXPIRED_IN_MATCH"})
_ACKNOWLEDGED = ("symbol", "orderId", "orderListId", "clientOrderId")
_ONLY_IN_STATUS = frozenset({"time", "updateTime", "isWorking", "preventedMatchId", "cancelledBy"})
_NOT_OF_A_CANCEL = frozenset({"workingTime", "expiryReason", "preventedQuantity"})
_LEFT_OUT_WHEN_ZERO = frozenset({"stopPrice", "icebergQty"})
_FULL_BY_DEFAULT = frozenset({"LIMIT", "MARKET"})
_AMENDED_NAMES = {
    "orderId": "orderId",
    "orderListId": "orderListId",
    "origClientOrderId": "origClientOrderId",
    "clientOrderId": "clientOrderId",
    "price": "price",
    "origQty": "qty",
    "executedQty": "executedQty",
    "preventedQuantity": "preventedQty",
    "origQuoteOrderQty": "quoteOrderQty",
    "cummulativeQuoteQty": "cumulativeQuoteQty",
    "status": "status",
    "timeInForce": "timeInForce",
    "type": "type",
    "side": "side",
    "workingTime": "workingTime",
    "selfTradePreventionMode": "selfTradePreventionMode",
}
"""Field of an order's state -> its name in the answer to an amendment."""

_Error = TypeVar("_Error", bound=ApiError)


def is_open(order: Mapping[str, Any]) -> bool:
    """Tell whether an order may still trade."""
    return order.get("status") in _OPEN


def has_ended(order: Mapping[str, Any]) -> bool:
    """Tell whether an order ended without having been filled."""
    return order.get("status") in _ENDED_UNFILLED


def is_traded(order: Mapping[str, Any]) -> bool:
    """Tell whether an order has been filled at least in part."""
    return not is_equal(order.get("executedQty", "0"), "0")


def is_equal(sent: Any, kept: Any) -> bool:
    """Tell whether two texts are the same number."""
    try:
        return Decimal(str(sent)) == Decimal(str(kept))
    except InvalidOperation:
        return False


def is_smaller(kept: Any, sent: Any) -> bool:
    """Tell whether a text is a number below another."""
    try:
        return Decimal(str(kept)) < Decimal(str(sent))
    except InvalidOperation:
        return False


def may_be_of(question: Question, stamp: Any) -> bool:
    """Tell whether something of this time can come from the write.

    The exchange accepts a request up to a second before its timestamp ("timestamp < serverTime + 1000"), which
    happens where its machines do not show the same time. To overlook an order that stands is worse than to take
    one for another that was placed under the same id within that second.
    """
    return was_since(question, stamp, early=1.0)


def may_be_made_by(question: Question, order: Mapping[str, Any]) -> bool:
    """Tell whether an order can have been made by the write.

    Where the time leaves that open, the number tells: those of a symbol ascend, so one that is not above the latest
    that was known when the write was composed is older.
    """
    stamp, number, latest = order.get("time"), order.get("orderId"), question.latest_order
    if not may_be_of(question, stamp):
        return False
    is_known = is_whole(number) and latest is not None and number <= latest
    return not (is_known and may_be_older(question, stamp))


def is_whole(value: Any) -> TypeGuard[int]:
    """Tell whether a value is a whole number of 64 bits, as ids and times are."""
    return type(value) is int and -(2**63) <= value < 2**63


def may_be_older(question: Question, stamp: Any) -> bool:
    """Tell whether something of this time can be older than the write: the clocks leave that open for a moment."""
    return not was_since(question, stamp, early=-3 * question.clock_error - 0.004)


def was_since(question: Question, stamp: Any, early: float = 0.0) -> bool:
    """Tell whether a time of the exchange is not before the write was signed, or `early` seconds before it."""
    if not is_whole(stamp):
        return False
    seconds = stamp / 1e6 if stamp >= 10**14 else stamp / 1e3
    # A timestamp is aimed not to be ahead of the exchange; a millisecond is lost to rounding.
    return seconds >= question.timestamp - question.clock_error - 0.002 - early


def response_type(question: Question) -> str:
    """Return how much the answer to a placement tells: ACK, RESULT or FULL.

    Source: Binance WS API docs, 'newOrderRespType'.
    """
    params = question.params
    if "newOrderRespType" in params:
        return str(params["newOrderRespType"])
    if question.method.startswith("orderList."):
        return "RESULT"
    return "FULL" if params.get("type") in _FULL_BY_DEFAULT else "ACK"


def as_placed(
    order: Mapping[str, Any], how: str, fills: Sequence[Any] = (), prevented: Sequence[Any] = ()
) -> dict[str, Any]:
    """Return an order in the shape of the answer to its placement.

    Args:
        order: Its state.
        how: ACK, RESULT or FULL.
        fills: Its fills, for FULL.
        prevented: Matches with itself that were prevented, for FULL.
    """
    reply = {name: order.get(name) for name in _ACKNOWLEDGED}
    reply["transactTime"] = order.get("time")
    if how == "ACK":
        return reply
    reply.update(_kept(order))
    if order.get("status") == "PENDING_NEW" and is_equal(order.get("origQty"), "0"):
        # Another order's fill is to give it its quantity, which the answer leaves out until then.
        del reply["origQty"]
    if how == "FULL":
        reply["fills"] = list(fills)
        if prevented:
            reply["preventedMatches"] = list(prevented)
    return reply


def as_cancelled(order: Mapping[str, Any], new_client_order_id: Any = None) -> dict[str, Any]:
    """Return an order in the shape of the answer to its cancel.

    Args:
        order: Its state; what an event has told of it also says by what id it was cancelled.
        new_client_order_id: The id that the cancel was given.
    """
    reply = {name: value for name, value in _kept(order).items() if name not in _NOT_OF_A_CANCEL}
    reply["origClientOrderId"] = order.get("clientOrderId")
    reply["clientOrderId"] = new_client_order_id or order.get("cancelledBy") or order.get("clientOrderId")
    reply["transactTime"] = order.get("updateTime")
    return reply


def as_amended(order: Mapping[str, Any], amendment: Mapping[str, Any]) -> dict[str, Any]:
    """Return an order in the shape of the answer to its amendment."""
    state = {"preventedQuantity": "0.00000000", **order}
    state["origClientOrderId"] = amendment.get("origClientOrderId")
    amended = {"symbol": order.get("symbol")}
    amended.update({name: state[own] for own, name in _AMENDED_NAMES.items() if own in state})
    return {
        "transactTime": amendment.get("time"),
        "executionId": amendment.get("executionId"),
        "amendedOrder": amended,
    }


def refusal(
    kind: type[_Error], question: Question, code: int, msg: str, *, status: int = 400, data: Any = None
) -> _Error:
    """Return the error that the write's own answer would have been."""
    return kind(
        f"{question.method}: {msg} (found by looking the order up)",
        status=status,
        code=code,
        msg=msg,
        data=data,
        method=question.method,
        client_order_id=question.client_order_id,
    )


def _kept(order: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in order.items()
        if name not in _ONLY_IN_STATUS and not (name in _LEFT_OUT_WHEN_ZERO and is_equal(value, "0"))
    }
