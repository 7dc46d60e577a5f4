"""Looking up what became of a write: which questions to ask, and what the answers mean.

One round of a look-up may take several stages, as the first answer tells what else to ask (a list's legs, an order's
trades). Nothing is concluded from a round in which a question itself failed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from crypto_ws_sync.errors import NotFound
from crypto_ws_sync.exchanges.binance.lookups import changes, lists, orders
from crypto_ws_sync.exchanges.binance.lookups.inquiry import NOTHING, Answer, Ask, Inquiry, run
from crypto_ws_sync.exchanges.binance.lookups.views import is_whole
from crypto_ws_sync.protocol.dialect import Outcome, Reply
from crypto_ws_sync.protocol.outcome import Finding, FindingKind, Question

__all__ = ["FEW", "Ask", "judge", "judge_survey", "next_questions", "surveys"]

FEW = 10
"""Open placements on a symbol up to which each is asked for by itself."""

_PLACED_ONE = frozenset({"order.place", "sor.order.place"})

_TEXTS = ("symbol", "status", "side", "type", "clientOrderId", "listOrderStatus")
_NUMBERS = ("orderId", "orderListId", "time", "updateTime")
_LEG = frozenset({"symbol", "orderId"})

_INQUIRIES: Mapping[str, Inquiry] = MappingProxyType(
    {
        "order.place": orders.placement,
        "sor.order.place": orders.placement,
        "order.cancel": orders.cancel,
        "openOrders.cancelAll": orders.cancel_all,
        "order.cancelReplace": changes.replacement,
        "order.amend.keepPriority": changes.amendment,
        "orderList.place": lists.list_placement,
        "orderList.place.oco": lists.list_placement,
        "orderList.place.oto": lists.list_placement,
        "orderList.place.otoco": lists.list_placement,
        "orderList.place.opo": lists.list_placement,
        "orderList.place.opoco": lists.list_placement,
        "orderList.cancel": lists.list_cancel,
    }
)


def next_questions(question: Question, replies: Sequence[Reply], is_last: bool = False) -> Sequence[Ask]:
    """Return what to ask next in one round; nothing when the round can be judged."""
    inquiry = _INQUIRIES.get(question.method)
    if inquiry is None or any(_has_failed(reply) for reply in replies):
        return ()
    step = run(inquiry, question, [_answer(reply) for reply in replies], is_last)
    return () if isinstance(step, Finding) else step


def judge(question: Question, replies: Sequence[Reply], is_last: bool) -> Finding:
    """Return what one round says.

    Args:
        question: The write.
        replies: The answers to all that was asked, in order.
        is_last: The write can no longer be accepted, so what is half done stays so.
    """
    inquiry = _INQUIRIES.get(question.method)
    if inquiry is None or not replies or any(_has_failed(reply) for reply in replies):
        return NOTHING
    step = run(inquiry, question, [_answer(reply) for reply in replies], is_last)
    return step if isinstance(step, Finding) else NOTHING


def surveys(questions: Sequence[Question]) -> Sequence[tuple[Ask, Sequence[Question]]]:
    """Return what to ask where many placements on a symbol are open: its open orders, for all of them at once."""
    groups: dict[str, list[Question]] = {}
    for question in questions:
        if question.method in _PLACED_ONE:
            groups.setdefault(str(question.params.get("symbol")), []).append(question)
    return [
        (("openOrders.status", {"symbol": symbol}), group)
        for symbol, group in groups.items()
        if len(group) > FEW
    ]


def judge_survey(question: Question, reply: Reply) -> Finding:
    """Return what the open orders say of a placement: there, or nothing."""
    found = reply.result if reply.outcome is Outcome.OK else None
    for order in found if isinstance(found, list) else ():
        if isinstance(order, dict) and order.get("clientOrderId") == question.client_order_id:
            finding = judge(question, [Reply(reply.key, Outcome.OK, order)], is_last=False)
            if finding.kind in (FindingKind.DONE, FindingKind.REFUSED):
                return finding
    return NOTHING


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
