"""What the answers of a chaos run are held against: the exchange's own books."""

from __future__ import annotations

from collections import Counter
from typing import Any

from crypto_ws_sync import (
    ApiError,
    CancelRejected,
    ConnectionLost,
    OutcomeUnknown,
    PartialFailure,
    RequestTimeout,
)
from crypto_ws_sync.simulator import SimulatedExchange
from tests.benchmarks.chaos_trading import Call, Tally

__all__ = ["judge_all"]

_Books = dict[str, dict[str, Any]]

_PLACING = ("order.place", "order.cancelReplace", "orderList.place.oco", "order.amend.keepPriority")
_PROVES_NO_EFFECT = (-1021, -1003, -1015)


def judge_all(exchange: SimulatedExchange, tally: Tally) -> None:
    """Add what is wrong to a tally."""
    books: _Books = {}
    counts: Counter[str] = Counter()
    for order in exchange.orders():
        books[order["clientOrderId"]] = order
        counts[order["clientOrderId"]] += 1
    tally.wrong += [f"{name} executed {count} times" for name, count in counts.items() if count > 1]
    sent = Counter(
        (seen.method, str(seen.params.get("newClientOrderId") or seen.params.get("listClientOrderId")))
        for seen in exchange.requests()
        if seen.method in _PLACING and seen.code not in _PROVES_NO_EFFECT
    )
    tally.wrong += [f"{key} was sent {count} times" for key, count in sent.items() if count > 1]
    numbers = {order["orderId"] for order in books.values()}
    for call in tally.calls:
        if call.method == "order.amend.keepPriority" and call.names[0] in books:
            # Asked for under its old name before.
            books.setdefault(call.params["origClientOrderId"], books[call.names[0]])
    for call in tally.calls:
        problem = _judge(call, books, numbers)
        if problem is not None:
            tally.wrong.append(f"{call.method} {call.names}: {problem} ({call.outcome!r:.150})")


def _agrees(order: dict[str, Any] | None, call: Call, is_told_cancelled: bool) -> bool:
    """Tell whether an order was cancelled when a call ended, or was not, as the call told.

    Another call, made right afterwards, may have cancelled it since; the books tell whole milliseconds.
    """
    ended_at = call.ended_at * 1000
    is_cancelled = order is not None and order["status"] == "CANCELED"
    if order is None or not is_cancelled:
        return not is_told_cancelled
    cancelled_at: int = order["updateTime"]
    return cancelled_at <= ended_at if is_told_cancelled else cancelled_at + 1 > ended_at


def _judge(call: Call, books: _Books, numbers: set[int]) -> str | None:
    """Return what is wrong with a call's answer; None where it agrees with the truth."""
    outcome, method, is_done = call.outcome, call.method, call.is_done
    if isinstance(outcome, OutcomeUnknown):
        return "left unresolved"
    if not is_done and not isinstance(outcome, ConnectionLost | RequestTimeout | ApiError):
        return "no such end was to be expected"
    name = call.names[0]
    if method == "order.place":
        if is_done:
            # An amendment since then may have given it another name.
            return None if outcome["orderId"] in numbers else "not there"
        return "denied, but it stands" if name in books else None
    if method == "order.amend.keepPriority":
        return None if (name in books) is is_done else f"amended: {name in books}"
    if method == "order.cancelReplace":
        return _judge_replacement(call, books)
    if method == "orderList.place.oco":
        legs = [f"{name}a" in books, f"{name}b" in books]
        return None if legs == [is_done] * 2 else f"legs stand: {legs}"
    if isinstance(outcome, CancelRejected):
        is_open = books[name]["status"] in ("NEW", "PARTIALLY_FILLED")
        return "cancel refused of an open order" if is_open else None
    named = [f"{name}a", f"{name}b"] if method == "orderList.cancel" else call.names
    if all(_agrees(books.get(each), call, is_done) for each in named):
        return None
    return f"of orders that are {[books[each]['status'] for each in named]}"


def _judge_replacement(call: Call, books: _Books) -> str | None:
    old, outcome = books[call.params["cancelOrigClientOrderId"]], call.outcome
    said = (False, False)
    if call.is_done or isinstance(outcome, PartialFailure):
        data = outcome if call.is_done else outcome.data
        said = (data["cancelResult"] == "SUCCESS", data["newOrderResult"] == "SUCCESS")
    if _agrees(old, call, said[0]) and (call.names[0] in books) is said[1]:
        return None
    return f"said {said}, but the old one is {old['status']}, the new one is there: {call.names[0] in books}"
