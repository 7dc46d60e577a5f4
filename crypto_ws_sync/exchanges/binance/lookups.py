"""Looking up what became of a write: which question to ask, and what its answer means."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from crypto_ws_sync.errors import CancelRejected, NotFound, OrderRejected
from crypto_ws_sync.protocol.dialect import Outcome, Reply
from crypto_ws_sync.protocol.outcome import Finding, FindingKind, Question

__all__ = ["judge", "lookup_params"]

_MISSING = Finding(FindingKind.MISSING)
_NOTHING = Finding(FindingKind.NOTHING)

_PLACEMENTS = frozenset({"order.place", "sor.order.place"})
_OPEN = frozenset({"NEW", "PARTIALLY_FILLED", "PENDING_NEW", "PENDING_CANCEL"})
_ENDED_UNFILLED = frozenset({"CANCELED", "EXPIRED", "EXPIRED_IN_MATCH"})
_ONLY_IN_STATUS = frozenset({"time", "updateTime", "isWorking"})
_LEFT_OUT_WHEN_ZERO = frozenset({"stopPrice", "icebergQty"})


def lookup_params(question: Question) -> tuple[str, dict[str, Any]] | None:
    """Return method and parameters of the look-up for a write; None where there is none."""
    params, symbol = question.params, question.params.get("symbol")
    if question.method in _PLACEMENTS:
        return "order.status", {"symbol": symbol, "origClientOrderId": question.client_order_id}
    if question.method == "order.cancel":
        name = "orderId" if "orderId" in params else "origClientOrderId"
        return "order.status", {"symbol": symbol, name: params.get(name)}
    return None


def judge(question: Question, reply: Reply) -> Finding:
    """Return what the answer to a look-up says."""
    if reply.outcome is not Outcome.OK:
        return _MISSING if isinstance(reply.error, NotFound) else _NOTHING
    order = reply.result
    if not isinstance(order, dict):
        return _NOTHING
    if question.method in _PLACEMENTS:
        return _judge_placement(question, order)
    return _judge_cancel(question, order)


def _judge_placement(question: Question, order: Mapping[str, Any]) -> Finding:
    if not _is_the_one(question, order):
        return _MISSING
    if order.get("status") == "REJECTED":
        return Finding(
            FindingKind.REFUSED, error=_refusal(OrderRejected, question, -2010, "Order was rejected.")
        )
    reply = _as_placed(order)
    return Finding(FindingKind.DONE, [reply] if question.method == "sor.order.place" else reply)


def _is_the_one(question: Question, order: Mapping[str, Any]) -> bool:
    """Tell whether an order is the one placed: ids may be used again, so an older order may bear the same."""
    params = question.params
    if any(order.get(name) != params.get(name) for name in ("symbol", "side", "type") if name in params):
        return False
    for sent, kept in (("quantity", "origQty"), ("quoteOrderQty", "origQuoteOrderQty")):
        if sent in params and not _is_equal(params[sent], order.get(kept)):
            return False
    created = order.get("time")
    if not isinstance(created, int):
        return False
    # The timestamp is aimed not to be ahead of the exchange; a millisecond is lost to rounding.
    return _seconds(created) >= question.timestamp - question.clock_error - 0.002


def _is_equal(sent: Any, kept: Any) -> bool:
    try:
        return Decimal(str(sent)) == Decimal(str(kept))
    except InvalidOperation:
        return False


def _seconds(stamp: int) -> float:
    return stamp / 1e6 if stamp > 10**14 else stamp / 1e3


def _as_placed(order: Mapping[str, Any]) -> dict[str, Any]:
    """Return an order's state in the shape of the answer to its placement."""
    reply = {name: value for name, value in order.items() if not _is_left_out(name, value)}
    reply["transactTime"] = order.get("time")
    return reply


def _judge_cancel(question: Question, order: Mapping[str, Any]) -> Finding:
    status = order.get("status")
    if status in _ENDED_UNFILLED:
        return Finding(FindingKind.DONE, _as_cancelled(order, question))
    if status in _OPEN:
        return _MISSING
    return Finding(
        FindingKind.REFUSED, error=_refusal(CancelRejected, question, -2011, "Unknown order sent.")
    )


def _as_cancelled(order: Mapping[str, Any], question: Question) -> dict[str, Any]:
    reply = {name: value for name, value in order.items() if not _is_left_out(name, value)}
    reply.pop("workingTime", None)
    reply["origClientOrderId"] = order.get("clientOrderId")
    reply["clientOrderId"] = question.params.get("newClientOrderId", order.get("clientOrderId"))
    reply["transactTime"] = order.get("updateTime")
    return reply


def _is_left_out(name: str, value: Any) -> bool:
    return name in _ONLY_IN_STATUS or (name in _LEFT_OUT_WHEN_ZERO and _is_equal(value, "0"))


def _refusal(
    kind: type[OrderRejected] | type[CancelRejected], question: Question, code: int, msg: str
) -> OrderRejected | CancelRejected:
    return kind(
        f"{question.method}: {msg} (found by looking the order up)",
        status=400,
        code=code,
        msg=msg,
        method=question.method,
        client_order_id=question.client_order_id,
    )
