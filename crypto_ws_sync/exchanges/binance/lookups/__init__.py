"""Looking up what became of a write: which questions to ask, and what the answers mean.

One round of a look-up may take several stages, as the first answer tells what else to ask (a list's legs, an order's
trades). Nothing is concluded from a round in which a question itself failed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from crypto_ws_sync.errors import NotFound
from crypto_ws_sync.exchanges.binance.lookups import lists, orders
from crypto_ws_sync.exchanges.binance.lookups.views import is_whole
from crypto_ws_sync.protocol.dialect import Outcome, Reply
from crypto_ws_sync.protocol.outcome import Finding, FindingKind, Question

__all__ = ["Ask", "judge", "next_questions"]

Ask: TypeAlias = tuple[str, dict[str, Any]]
"""Method and parameters of one question."""

Answer: TypeAlias = Any
"""The result of one question; None where the exchange does not know what was asked for."""


class _Inquiry(NamedTuple):
    stages: Callable[[Question, Sequence[Answer]], Sequence[Ask]]
    judge: Callable[[Question, Sequence[Answer], bool], Finding]


_TEXTS = ("symbol", "status", "side", "type", "clientOrderId", "listOrderStatus")
_NUMBERS = ("orderId", "orderListId", "time", "updateTime")
_LEG = frozenset({"symbol", "orderId"})

_PLACEMENT = _Inquiry(orders.ask_placement, orders.judge_placement)
_LIST_PLACEMENT = _Inquiry(lists.ask_placement, lists.judge_placement)

_INQUIRIES: Mapping[str, _Inquiry] = MappingProxyType(
    {
        "order.place": _PLACEMENT,
        "sor.order.place": _PLACEMENT,
        "order.cancel": _Inquiry(orders.ask_cancel, orders.judge_cancel),
        "order.cancelReplace": _Inquiry(orders.ask_replacement, orders.judge_replacement),
        "order.amend.keepPriority": _Inquiry(orders.ask_amendment, orders.judge_amendment),
        "openOrders.cancelAll": _Inquiry(orders.ask_all, orders.judge_all),
        "orderList.place": _LIST_PLACEMENT,
        "orderList.place.oco": _LIST_PLACEMENT,
        "orderList.place.oto": _LIST_PLACEMENT,
        "orderList.place.otoco": _LIST_PLACEMENT,
        "orderList.place.opo": _LIST_PLACEMENT,
        "orderList.place.opoco": _LIST_PLACEMENT,
        "orderList.cancel": _Inquiry(lists.ask_cancel, lists.judge_cancel),
    }
)


def next_questions(question: Question, replies: Sequence[Reply]) -> Sequence[Ask]:
    """Return what to ask next in one round; nothing when the round can be judged."""
    inquiry = _INQUIRIES.get(question.method)
    if inquiry is None or any(_has_failed(reply) for reply in replies):
        return ()
    return inquiry.stages(question, [_answer(reply) for reply in replies])


def judge(question: Question, replies: Sequence[Reply], is_last: bool) -> Finding:
    """Return what one round says.

    Args:
        question: The write.
        replies: The answers to all that was asked, in order.
        is_last: The write can no longer be accepted, so what is half done stays so.
    """
    inquiry = _INQUIRIES.get(question.method)
    if inquiry is None or not replies or any(_has_failed(reply) for reply in replies):
        return Finding(FindingKind.NOTHING)
    return inquiry.judge(question, [_answer(reply) for reply in replies], is_last)


def _has_failed(reply: Reply) -> bool:
    if reply.outcome is Outcome.OK:
        return not _is_sound(reply.result)
    return not isinstance(reply.error, NotFound)


def _is_sound(result: Any) -> bool:
    """Tell whether an answer holds an order, a list, or several, with fields of the types that they have."""
    if isinstance(result, list):
        return all(isinstance(item, dict) and _is_sound(item) for item in result)
    if not isinstance(result, dict):
        return False
    legs = result.get("orders", [])
    return (
        all(isinstance(result.get(name, ""), str) for name in _TEXTS)
        and all(is_whole(result.get(name, 0)) for name in _NUMBERS)
        and isinstance(legs, list)
        and all(isinstance(leg, dict) and leg.keys() >= _LEG and _is_sound(leg) for leg in legs)
    )


def _answer(reply: Reply) -> Answer:
    return reply.result if reply.outcome is Outcome.OK else None
