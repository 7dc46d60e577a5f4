"""What the account's events prove of an open write: they answer the questions that its look-up would ask.

A question that they do not answer, or not for certain yet, leaves the write to its look-ups. The same event may come
twice, over two connections, and then each connection tells its own in order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from crypto_ws_sync.exchanges.binance import lookups
from crypto_ws_sync.exchanges.binance.lookups.views import is_whole, was_since
from crypto_ws_sync.protocol.dialect import Outcome, Reply
from crypto_ws_sync.protocol.outcome import Finding, FindingKind, Question

__all__ = ["named_in", "names_of", "settles"]

_ENDED = frozenset({"FILLED", "CANCELED", "EXPIRED", "EXPIRED_IN_MATCH", "REJECTED"})
_ENDED_UNFILLED = _ENDED - {"FILLED"}
_TAKES_AT_ONCE = frozenset({"LIMIT", "MARKET"})
"""Types that may trade in the moment they are placed, so that a first event is not yet the answer."""
_FIRST_MOMENTS = frozenset({"NEW", "TRADE"})
"""What may be told in that moment."""

_TEXTS = ("s", "S", "o", "x", "X", "c", "C")
"""Letters of an executionReport that hold text."""
_NUMBERS = frozenset({"orderId", "cancelOrderId", "orderListId"})
_MALFORMED = (ArithmeticError, AttributeError, KeyError, TypeError, ValueError)

_STATUS_FIELDS: Mapping[str, str] = MappingProxyType(
    {
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
)
"""Field of an order's state -> its letter in an executionReport."""

_TRADE_FIELDS: Mapping[str, str] = MappingProxyType(
    {"id": "t", "price": "L", "qty": "l", "commission": "n", "commissionAsset": "N"}
)
"""The same for a trade."""

_Body = Mapping[str, Any]


def names_of(question: Question) -> frozenset[str]:
    """Return what a write names: client order ids and numbers."""
    names = [
        str(value)
        for name, value in question.params.items()
        if name in _NUMBERS or name.endswith("lientOrderId")
    ]
    return frozenset([*names, str(question.client_order_id)])


def named_in(body: _Body) -> frozenset[str]:
    """Return what an event names, so that it may be part of the proof of a write that names the same."""
    kind = body.get("e")
    if kind == "executionReport":
        said = [body.get(letter) for letter in "cCig"]
    elif kind == "listStatus":
        legs = body.get("O")
        said = [body.get("C"), body.get("g")]
        said += [leg.get("c") for leg in legs if isinstance(leg, dict)] if isinstance(legs, list) else []
    else:
        return frozenset()
    return frozenset(str(each) for each in said if each is not None)


def settles(question: Question, told: Iterable[_Body]) -> Finding | None:
    """Return what events say of a write whose outcome is open; None where they settle nothing.

    Args:
        question: The write.
        told: The latest events, oldest first; each may stand there twice.
    """
    try:
        heard = _Heard(question, told)
        replies: list[Reply] = []
        while asked := lookups.next_questions(question, replies):
            for method, params in asked:
                answer = heard.answer(method, params)
                if answer is None:
                    return None
                replies.append(Reply(0, Outcome.OK, answer))
        finding = lookups.judge(question, replies, is_last=False)
    except _MALFORMED:
        return None
    return finding if finding.kind in (FindingKind.DONE, FindingKind.REFUSED) else None


class _Heard:
    """What was told since a write was signed: ids may have been used before, so what happened earlier says nothing.

    Owner: loop thread.
    """

    def __init__(self, question: Question, told: Iterable[_Body]) -> None:
        self._reports: list[tuple[int, _Body]] = []
        """Place in the order of arrival, and an executionReport; in the order in which they happened."""
        self._lists: list[_Body] = []
        self._positions: list[tuple[int, int]] = []
        """Place in the order of arrival, and the time of an account's position."""
        known: set[tuple[Any, Any]] = set()
        for place, body in enumerate(told):
            kind, stamp = body.get("e"), body.get("T")
            if kind == "executionReport" and was_since(question, stamp) and _is_sound(body):
                same = body["s"], body["I"]
                if same not in known:
                    known.add(same)
                    self._reports.append((place, body))
            elif kind == "listStatus" and was_since(question, stamp):
                self._lists.append(body)
            elif kind == "outboundAccountPosition" and is_whole(body.get("u")):
                self._positions.append((place, body["u"]))
        self._reports.sort(key=lambda each: (each[1]["T"], each[1]["I"]))

    def answer(self, method: str, params: Mapping[str, Any]) -> Any:
        """Return what a question would be answered; None where that has not been told."""
        if method == "order.status":
            return self._order(params)
        if method == "orderList.status":
            return self._order_list(params)
        if method == "myTrades":
            return self._trades(params)
        if method == "order.amendments":
            return self._amendments(params)
        return None

    def _of(self, params: Mapping[str, Any]) -> list[tuple[int, _Body]]:
        """Return what was told of one order, oldest first."""
        of_symbol = [each for each in self._reports if each[1]["s"] == params.get("symbol")]
        number = params.get("orderId")
        if number is None:
            name = params.get("origClientOrderId")
            named = [body["i"] for _, body in of_symbol if name in _names(body)]
            if not named:
                return []
            number = named[-1]
        return [each for each in of_symbol if str(each[1]["i"]) == str(number)]

    def _order(self, params: Mapping[str, Any]) -> dict[str, Any] | None:
        reports = self._of(params)
        if not reports or self._may_go_on(*reports[-1]):
            return None
        body = reports[-1][1]
        order = {name: body[letter] for name, letter in _STATUS_FIELDS.items() if letter in body}
        order["clientOrderId"] = _names(body)[0]
        order.setdefault("workingTime", -1)  # told once it works
        if body["x"] == "CANCELED" and body.get("c"):
            order["cancelledBy"] = body["c"]
        return order

    def _may_go_on(self, place: int, body: _Body) -> bool:
        """Tell whether an order may be in its first moments: more of what its placement led to is about to come.

        When that is over, the account's position is told.
        """
        if body["X"] in _ENDED or body["o"] not in _TAKES_AT_ONCE or body.get("m") is True:
            return False
        if body["x"] not in _FIRST_MOMENTS or body["X"] == "PENDING_NEW":
            return False
        return not any(at > place and time >= body["T"] for at, time in self._positions)

    def _order_list(self, params: Mapping[str, Any]) -> dict[str, Any] | None:
        letter, wanted = ("g", params["orderListId"]) if "orderListId" in params else ("C", None)
        wanted = params.get("origClientOrderId") if wanted is None else wanted
        found = [body for body in self._lists if str(body.get(letter)) == str(wanted)]
        if not found:
            return None
        body = found[-1]
        if body["L"] != "ALL_DONE" and self._is_about_to_end(body["O"]):
            return None
        return {
            "orderListId": body["g"],
            "contingencyType": body["c"],
            "listStatusType": body["l"],
            "listOrderStatus": body["L"],
            "listClientOrderId": body["C"],
            "transactionTime": body["T"],
            "symbol": body["s"],
            "orders": [
                {"symbol": leg["s"], "orderId": leg["i"], "clientOrderId": leg["c"]} for leg in body["O"]
            ],
        }

    def _is_about_to_end(self, legs: Sequence[Mapping[str, Any]]) -> bool:
        """Tell whether the end of a list follows from its legs': each has ended, or one otherwise than filled."""
        states = [self._state(leg) for leg in legs]
        return all(state in _ENDED for state in states) or not _ENDED_UNFILLED.isdisjoint(states)

    def _state(self, leg: Mapping[str, Any]) -> str | None:
        reports = self._of({"symbol": leg["s"], "orderId": leg["i"]})
        return reports[-1][1]["X"] if reports else None

    def _trades(self, params: Mapping[str, Any]) -> list[dict[str, Any]] | None:
        """Return an order's trades if all of them were told: they add up to what it has executed."""
        reports = [body for _, body in self._of(params)]
        trades = [body for body in reports if body["x"] == "TRADE"]
        executed = sum((Decimal(body["l"]) for body in trades), Decimal(0))
        if not reports or executed != Decimal(reports[-1]["z"]) or any(body["N"] is None for body in trades):
            return None
        return [{name: body[letter] for name, letter in _TRADE_FIELDS.items()} for body in trades]

    def _amendments(self, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        reports = [body for _, body in self._of(params)]
        before: Sequence[_Body | None] = [None, *reports]
        return [
            {
                "executionId": body["I"],
                "origClientOrderId": body.get("C") or body["c"],
                "newClientOrderId": body["c"],
                "origQty": None if old is None else old["q"],
                "newQty": body["q"],
                "time": body["T"],
            }
            for old, body in zip(before, reports, strict=False)
            if body["x"] == "REPLACED"
        ]


def _is_sound(body: _Body) -> bool:
    """Tell whether an executionReport has what all of them have."""
    return (
        all(isinstance(body.get(letter, ""), str) for letter in _TEXTS)
        and all(letter in body for letter in ("s", "x", "X", "o", "c"))
        and is_whole(body.get("i"))
        and is_whole(body.get("I"))
    )


def _names(body: _Body) -> tuple[Any, ...]:
    """Return an order's client order id, then the one it had before where it has another now.

    Of a cancelled one `c` names the cancel.
    """
    if body["x"] == "CANCELED" and body.get("C"):
        return (body["C"],)
    if body["x"] == "REPLACED" and body.get("C"):
        return body["c"], body["C"]
    return (body["c"],)
