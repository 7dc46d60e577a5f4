"""The account's events: how to have them told, how that ends, and what one says of an open write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from crypto_ws_sync.errors import ApiError
from crypto_ws_sync.exchanges.binance import lookups
from crypto_ws_sync.exchanges.binance.lookups.views import was_since
from crypto_ws_sync.protocol.dialect import Outcome, Reply
from crypto_ws_sync.protocol.outcome import Finding, FindingKind, Question

__all__ = [
    "ends_subscription",
    "is_subscribed_already",
    "settles",
    "subscribe_method",
    "subscription_id",
    "unsubscribe_params",
]

_ALREADY_ACTIVE = -2035

_ENDED = frozenset({"FILLED", "CANCELED", "EXPIRED", "EXPIRED_IN_MATCH", "REJECTED"})
_TAKES_AT_ONCE = frozenset({"LIMIT", "MARKET"})
"""Types that may trade in the moment they are placed, so that a first event is not yet the answer."""

_TEXTS = ("e", "s", "S", "o", "x", "X", "c", "C")
"""Letters of an executionReport that hold text."""

_STATUS_FIELDS: Mapping[str, str] = {
    "symbol": "s",
    "orderId": "i",
    "orderListId": "g",
    "price": "p",
    "origQty": "q",
    "executedQty": "z",
    "origQuoteOrderQty": "Q",
    "cummulativeQuoteQty": "Z",
    "status": "X",
    "timeInForce": "f",
    "type": "o",
    "side": "S",
    "stopPrice": "P",
    "icebergQty": "F",
    "trailingDelta": "d",
    "trailingTime": "D",
    "strategyId": "j",
    "strategyType": "J",
    "time": "O",
    "updateTime": "T",
    "isWorking": "w",
    "workingTime": "W",
    "selfTradePreventionMode": "V",
    "preventedMatchId": "v",
    "preventedQuantity": "A",
    "usedSor": "uS",
    "workingFloor": "k",
    "pegPriceType": "gP",
    "pegOffsetType": "gOT",
    "pegOffsetValue": "gOV",
    "peggedPrice": "gp",
    "expiryReason": "eR",
}
"""Field of an order's state -> its letter in an executionReport."""


def subscribe_method(is_logged_on: bool) -> str:
    """Return the method that begins a subscription.

    On a connection that is not (or no longer) logged on, the request brings key and signature itself.
    """
    return "userDataStream.subscribe" if is_logged_on else "userDataStream.subscribe.signature"


def unsubscribe_params(subscription: str | int | None) -> dict[str, Any]:
    """Return the parameters that end one subscription; all of the connection where its id is not known."""
    return {} if subscription is None else {"subscriptionId": subscription}


def subscription_id(result: Any) -> str | int | None:
    """Return the id in the answer to a subscription; None where there is none."""
    found = result.get("subscriptionId") if isinstance(result, dict) else None
    return found if type(found) is int or type(found) is str else None


def is_subscribed_already(error: ApiError) -> bool:
    """Tell whether a refusal says that the account's events are being told on this connection already."""
    return error.code == _ALREADY_ACTIVE


def ends_subscription(body: Mapping[str, Any]) -> bool:
    """Tell whether an event is the last one of its subscription: after log-out, unsubscribing or a key's end."""
    return body.get("e") == "eventStreamTerminated"


def settles(question: Question, body: Mapping[str, Any]) -> Finding | None:
    """Return what an event says of a write whose outcome is open; None where it settles nothing.

    An event that only shows the first moments of an order (accepted, and maybe about to trade), or one part of what the
    caller is owed (a fill, a leg), is left to the look-ups, which find all of it.
    """
    settle = _SETTLED_BY.get(question.method)
    if any(not isinstance(body.get(letter, ""), str) for letter in _TEXTS):
        return None
    # Ids may have been used before, so what happened earlier says nothing.
    if settle is None or body.get("e") != "executionReport" or not was_since(question, body.get("T")):
        return None
    return settle(question, body)


def _settles_placement(question: Question, body: Mapping[str, Any]) -> Finding | None:
    if question.client_order_id != _order_name(body) or not _is_conclusive(body):
        return None
    return _judged(question, body)


def _settles_cancel(question: Question, body: Mapping[str, Any]) -> Finding | None:
    params = question.params
    if body.get("s") != params.get("symbol"):
        return None
    if "orderId" in params:
        if str(body.get("i")) != str(params["orderId"]):
            return None
    elif params.get("origClientOrderId") != _order_name(body):
        return None
    finding = _judged(question, body)
    if finding is not None and finding.kind is FindingKind.DONE and body.get("x") == "CANCELED":
        return replace(finding, result={**finding.result, "clientOrderId": body.get("c")})
    return finding


def _settles_amendment(question: Question, body: Mapping[str, Any]) -> Finding | None:
    if body.get("x") != "REPLACED" or body.get("c") != question.params.get("newClientOrderId"):
        return None
    amendment = {
        "executionId": body.get("I"),
        "origClientOrderId": body.get("C") or body.get("c"),
        "newClientOrderId": body.get("c"),
        "newQty": body.get("q"),
        "time": body.get("T"),
    }
    return _judged(question, body, [amendment])


_SETTLED_BY: Mapping[str, Callable[[Question, Mapping[str, Any]], Finding | None]] = MappingProxyType(
    {
        "order.place": _settles_placement,
        "sor.order.place": _settles_placement,
        "order.cancel": _settles_cancel,
        "order.amend.keepPriority": _settles_amendment,
    }
)


def _judged(question: Question, body: Mapping[str, Any], *more: Any) -> Finding | None:
    """Judge an event as a look-up that found the order so; None where a look-up would ask for more than that."""
    order = {name: body[letter] for name, letter in _STATUS_FIELDS.items() if letter in body}
    order["clientOrderId"] = _order_name(body)
    replies = [Reply(0, Outcome.OK, answer) for answer in (order, *more)]
    if lookups.next_questions(question, replies):
        return None  # the answer would have told more: fills, or the other legs of a list
    finding = lookups.judge(question, replies, is_last=False)
    return finding if finding.kind in (FindingKind.DONE, FindingKind.REFUSED) else None


def _order_name(body: Mapping[str, Any]) -> Any:
    """Return the order's client order id: of a cancelled one `c` names the cancel."""
    return body.get("C") if body.get("x") == "CANCELED" and body.get("C") else body.get("c")


def _is_conclusive(body: Mapping[str, Any]) -> bool:
    """Tell whether the answer to a placement could have shown this state of the order."""
    return body.get("X") in _ENDED or body.get("o") not in _TAKES_AT_ONCE or body.get("m") is True
