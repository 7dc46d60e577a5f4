"""An order's state, as `order.status` tells it, in the shapes of other answers."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from crypto_ws_sync.errors import ApiError
from crypto_ws_sync.protocol.outcome import Finding, FindingKind, Question

__all__ = [
    "MISSING",
    "as_amended",
    "as_cancelled",
    "as_placed",
    "has_ended",
    "is_equal",
    "is_open",
    "may_be_of",
    "refusal",
    "was_since",
]

MISSING = Finding(FindingKind.MISSING)

_OPEN = frozenset({"NEW", "PARTIALLY_FILLED", "PENDING_NEW", "PENDING_CANCEL"})
_ENDED_UNFILLED = frozenset({"CANCELED", "EXPIRED", "EXPIRED_IN_MATCH"})
_ONLY_IN_STATUS = frozenset({"time", "updateTime", "isWorking"})
_LEFT_OUT_WHEN_ZERO = frozenset({"stopPrice", "icebergQty"})
_AMENDED_NAMES = {
    "origQty": "qty",
    "cummulativeQuoteQty": "cumulativeQuoteQty",
    "origQuoteOrderQty": "quoteOrderQty",
}

_Error = TypeVar("_Error", bound=ApiError)


def is_open(order: Mapping[str, Any]) -> bool:
    """Tell whether an order may still trade."""
    return order.get("status") in _OPEN


def has_ended(order: Mapping[str, Any]) -> bool:
    """Tell whether an order ended without having been filled."""
    return order.get("status") in _ENDED_UNFILLED


def is_equal(sent: Any, kept: Any) -> bool:
    """Tell whether two texts are the same number."""
    try:
        return Decimal(str(sent)) == Decimal(str(kept))
    except InvalidOperation:
        return False


def may_be_of(question: Question, stamp: Any) -> bool:
    """Tell whether something of this time can come from the write.

    The exchange accepts a request up to a second before its timestamp ("timestamp < serverTime + 1000"), which
    happens where its machines do not show the same time. To overlook an order that stands is worse than to take
    one for another that was placed under the same id within that second.
    """
    return was_since(question, stamp, early=1.0)


def was_since(question: Question, stamp: Any, early: float = 0.0) -> bool:
    """Tell whether a time of the exchange is not before the write was signed, or `early` seconds before it."""
    if not isinstance(stamp, int):
        return False
    seconds = stamp / 1e6 if stamp > 10**14 else stamp / 1e3
    # A timestamp is aimed not to be ahead of the exchange; a millisecond is lost to rounding.
    return seconds >= question.timestamp - question.clock_error - 0.002 - early


def _kept(order: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in order.items()
        if name not in _ONLY_IN_STATUS and not (name in _LEFT_OUT_WHEN_ZERO and is_equal(value, "0"))
    }


def as_placed(order: Mapping[str, Any]) -> dict[str, Any]:
    """Return an order in the shape of the answer to its placement."""
    return {**_kept(order), "transactTime": order.get("time")}


def as_cancelled(order: Mapping[str, Any], new_client_order_id: Any = None) -> dict[str, Any]:
    """Return an order in the shape of the answer to its cancel."""
    reply = _kept(order)
    reply.pop("workingTime", None)
    reply["origClientOrderId"] = order.get("clientOrderId")
    reply["clientOrderId"] = new_client_order_id or order.get("clientOrderId")
    reply["transactTime"] = order.get("updateTime")
    return reply


def as_amended(order: Mapping[str, Any], orig_client_order_id: Any) -> dict[str, Any]:
    """Return an order in the shape of the answer to its amendment."""
    amended = {_AMENDED_NAMES.get(name, name): value for name, value in _kept(order).items()}
    amended.setdefault("preventedQty", "0.00000000")
    amended["origClientOrderId"] = orig_client_order_id
    return {"transactTime": order.get("updateTime"), "amendedOrder": amended}


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
