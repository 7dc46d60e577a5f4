"""A second exchange's language, as unlike the first as the port allows.

Frames are arrays of messages; an accepted order is answered twice, first as "heard"; errors may have no owner; pings
are texts; who comes must say hello. It keeps the first exchange out of the engine.

    -> ["k1", "buy", {"name": "mine", "amount": 2}]       <- [["heard", "k1"]]   then   [["ok", "k1", {...}]]
    -> ["hello", "secret"]                                <- [["welcome"]]  or  [["no", "hello", "stranger", "..."]]
    -> ["ping"]                                           <- [["pong"]]     and the other way round
                                                          <- [["wrong", "too much noise"], ["event", {...}], ["bye"]]
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from crypto_ws_sync.errors import (
    ApiError,
    AuthError,
    BadRequest,
    OrderRejected,
    RateLimited,
    ServerError,
    TimestampError,
)
from crypto_ws_sync.protocol.dialect import (
    Event,
    Fault,
    Ignored,
    Incoming,
    LinePolicy,
    NewId,
    Notice,
    NoticeKind,
    Outcome,
    Ping,
    Pong,
    Reply,
    Stamp,
)
from crypto_ws_sync.protocol.limits import Bucket, Limit, Reading
from crypto_ws_sync.protocol.method import Kind, MethodSpec, Request
from crypto_ws_sync.protocol.outcome import Finding, FindingKind, Question

__all__ = ["WINDOW", "ToyDialect"]

WINDOW = 2.0
"""Seconds for which the exchange accepts an order after its moment."""

SPECS = {
    "buy": MethodSpec("buy", is_signed=True, orders=1, kind=Kind.WRITE, settles_by="find"),
    "find": MethodSpec("find", is_signed=True),
    "listen": MethodSpec("listen", is_signed=True, kind=Kind.CONNECTION),
    "clock": MethodSpec("clock"),
}

_REFUSALS: Mapping[str, tuple[Outcome, type[ApiError]]] = {
    "unknown name": (Outcome.REJECTED, BadRequest),
    "too dear": (Outcome.REJECTED, OrderRejected),
    "stranger": (Outcome.AUTH, AuthError),
    "slow down": (Outcome.THROTTLED, RateLimited),
    "late": (Outcome.CLOCK, TimestampError),
    "dizzy": (Outcome.UNKNOWN, ServerError),
}


class _Hello:
    """Says hello, and waits to be welcome.

    Owner: loop thread.
    """

    charge_weight = 0
    answer: Reply | None = None

    def __init__(self, token: str) -> None:
        self._token = token
        self.is_done = False

    def begin(self, timestamp: float) -> str | None:
        return json.dumps(["hello", self._token])

    def feed(self, text: str, timestamp: float) -> str | None:
        for said in json.loads(text):
            if said[0] == "no":
                raise AuthError(status=0, msg=said[3])
            self.is_done = self.is_done or said[0] == "welcome"
        return None


class ToyDialect:
    """Speaks to the toy exchange.

    Owner: loop thread, but for `request`.
    """

    name = "toy"
    limits: Sequence[Limit] = (Limit(Bucket.WEIGHT, 60, 10_000), Limit(Bucket.ORDERS, 60, 10_000))
    connect_weight = 0
    signs_slowly = False
    tells_limits: frozenset[str] = frozenset()
    tells_orders: frozenset[str] = frozenset()
    has_key = True

    def __init__(self, token: str, policy: LinePolicy | None = None) -> None:
        self.policy = policy if policy is not None else LinePolicy(ping_text='["ping"]')
        self._token = token
        self._keys = itertools.count(1)

    # -- requests ---------------------------------------------------------------------------------------------

    def request(
        self, method: str, params: Mapping[str, Any] | None, api_key: bool, signed: bool, new_id: NewId
    ) -> Request:
        spec = SPECS.get(method) or MethodSpec(method, is_signed=signed)
        wire = dict(params or {})
        name = None
        if spec.kind is Kind.WRITE:
            name = str(wire.setdefault("name", new_id()))
        return Request(spec, method, wire, False, spec.is_signed, name, spec.charge(wire))

    def compose(self, request: Request, stamp: Stamp) -> tuple[int | str, str]:
        key = f"k{next(self._keys)}"
        params = dict(request.params)
        if request.is_signed:
            params["moment"] = stamp.timestamp
            if not stamp.is_logged_on:
                params["token"] = self._token
        return key, json.dumps([key, request.method, params])

    def composes_slowly(self, request: Request, stamp: Stamp) -> bool:
        return False

    def redact(self, text: str) -> str:
        return text.replace(self._token, "***")

    def handshake(self) -> _Hello | None:
        return _Hello(self._token)

    def logs_off(self, request: Request) -> bool:
        return False

    def time_request(self) -> Request:
        return self.request("clock", None, False, False, str)

    def server_time(self, result: Any) -> float:
        return float(result)

    def limits_told(self, result: Any) -> Sequence[Reading]:
        return ()

    def order_counts_request(self) -> Request | None:
        return None

    # -- what comes -------------------------------------------------------------------------------------------

    def classify(self, text: str) -> Sequence[Incoming]:
        try:
            frame = json.loads(text)
        except ValueError:
            return (Ignored("not JSON"),)
        return [self._said(said) for said in frame]

    def _said(self, said: list[Any]) -> Incoming:
        kind, *rest = said
        if kind == "heard":
            return Reply(rest[0], Outcome.OK, is_final=False)
        if kind == "ok":
            return Reply(rest[0], Outcome.OK, rest[1])
        if kind == "no":
            outcome, error = _REFUSALS[rest[1]]
            retry_at = rest[3] if len(rest) > 3 else None
            return Reply(rest[0], outcome, None, error(status=0, msg=rest[2]), (), retry_at)
        if kind == "wrong":
            return Fault(Outcome.REJECTED, BadRequest(status=0, msg=rest[0]))
        if kind == "who are you":
            return Fault(Outcome.AUTH, AuthError(status=0, msg="the key has gone"))
        if kind == "event":
            return Event(None, rest[0])
        if kind == "bye":
            return Notice(NoticeKind.SHUTDOWN)
        if kind == "ping":
            return Ping('["pong"]')
        return Pong() if kind == "pong" else Ignored(f"{kind} means nothing")

    # -- outcomes ---------------------------------------------------------------------------------------------

    def question(self, request: Request, timestamp: float, clock_error: float, serial: int) -> Question:
        return Question(
            serial,
            request.method,
            dict(request.params),
            request.client_order_id,
            timestamp,
            timestamp + WINDOW,
            clock_error,
            request.method == "buy",
        )

    def lookups(
        self, question: Question, replies: Sequence[Reply], is_last: bool = False
    ) -> Sequence[Request]:
        if replies or question.method != "buy":
            return ()
        return (self.request("find", {"name": question.client_order_id}, False, True, str),)

    def judge(self, question: Question, replies: Sequence[Reply], is_last: bool) -> Finding:
        if replies[0].outcome is not Outcome.OK:
            return Finding(FindingKind.NOTHING)
        found = replies[0].result
        return Finding(FindingKind.MISSING if found is None else FindingKind.DONE, found)

    def surveys(self, questions: Sequence[Question]) -> Sequence[tuple[Request, Sequence[Question]]]:
        return ()

    def judge_survey(self, question: Question, reply: Reply) -> Finding:
        return Finding(FindingKind.NOTHING)

    # -- events -----------------------------------------------------------------------------------------------

    def names_of(self, question: Question) -> frozenset[str]:
        return frozenset([str(question.client_order_id)])

    def named_in(self, body: Mapping[str, Any]) -> frozenset[str]:
        return frozenset([str(body.get("bought"))])

    def settles(self, question: Question, told: Iterable[Mapping[str, Any]]) -> Finding | None:
        found = [body["order"] for body in told if body.get("bought") == question.client_order_id]
        return Finding(FindingKind.DONE, found[-1]) if found else None

    def subscribe(self, is_logged_on: bool) -> Request:
        return self.request("listen", {"on": True}, False, True, str)

    def unsubscribe(self, subscription: str | int | None) -> Request:
        return self.request("listen", {"on": False}, False, True, str)

    def subscription(self, result: Any) -> str | int | None:
        return None

    def is_subscribed_already(self, error: ApiError) -> bool:
        return False

    def ends_subscription(self, body: Mapping[str, Any]) -> bool:
        return False
