"""Binance Spot behind the port: requests composed and signed, texts sorted, look-ups judged."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn, TypeGuard

from crypto_ws_sync.errors import ApiError, AuthError, InvalidParameter, PartialFailure, RateLimited
from crypto_ws_sync.exchanges.binance import events
from crypto_ws_sync.exchanges.binance.client_ids import LOOKUP_ID, PLACED_IDS
from crypto_ws_sync.exchanges.binance.codes import error_class, is_outcome_known
from crypto_ws_sync.exchanges.binance.envelope import (
    decode,
    encode,
    encode_params,
    readings,
    redact,
    signature_text,
)
from crypto_ws_sync.exchanges.binance.latest_orders import LatestOrders
from crypto_ws_sync.exchanges.binance.log_on import LogOn
from crypto_ws_sync.exchanges.binance.methods import CATALOGUE
from crypto_ws_sync.model.numbers import render
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
    Reply,
    Stamp,
)
from crypto_ws_sync.protocol.limits import Bucket, Limit, Reading
from crypto_ws_sync.protocol.method import Kind, MethodSpec, Request
from crypto_ws_sync.protocol.outcome import Finding, Question
from crypto_ws_sync.signing.signer import Signer

__all__ = ["BinanceDialect"]

DEFAULT_RECV_WINDOW = 5000
_LONGEST_RECV_WINDOW = 60.0
"""Seconds. Source: Binance WS API docs, 'Timing security'."""
_LIMITS = (
    Limit(Bucket.WEIGHT, 60, 6000),
    Limit(Bucket.ORDERS, 10, 50),
    Limit(Bucket.ORDERS, 86400, 160_000),
    Limit(Bucket.CONNECTIONS, 300, 300),
)
_VERSION = re.compile(r"v\d+/")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9._/]+")
_HALF_A_PAIR = re.compile("[\ud800-\udfff]")
_OWN_PARAMETERS = ("apiKey", "timestamp", "signature")
_OWN = frozenset(_OWN_PARAMETERS)
_OF_ORDERS = frozenset({"orderId", "newOrderResponse", "orderListId"})
"""What tells that an answer is of orders."""
_MARKS_OF_SIGNED = frozenset({"timestamp", "signature"})
_NO_TIME_FROM = 10**18
_MICROSECONDS_FROM = 10**14
"""A time of this size or more is in microseconds."""


class BinanceDialect:
    """Binance Spot's WebSocket API, version 3.

    Owner: shared; all that changes is the count of serials, and on the loop thread the latest orders.
    """

    name = "binance"
    policy = LinePolicy()
    limits: Sequence[Limit] = _LIMITS
    connect_weight = 2
    tells_limits = frozenset({"exchangeInfo", "account.rateLimits.orders"})
    tells_orders = frozenset({"account.rateLimits.orders"})

    def __init__(
        self,
        api_key: str | None = None,
        signer: Signer | None = None,
        *,
        recv_window: float = DEFAULT_RECV_WINDOW,
        log_on: bool = True,
    ) -> None:
        self._api_key = api_key
        self._signer = signer
        self._recv_window = recv_window
        self._accepted_for = _accepted_for(recv_window)
        self._recv_window_text = render(int(recv_window) if recv_window == int(recv_window) else recv_window)
        self._logs_on = log_on and signer is not None and signer.key_type == "ed25519"
        self.signs_slowly = signer is not None and signer.is_slow
        # Slow keys sign on another thread than quick ones compose on: drawing from a count is one step.
        self._serials = itertools.count(1)
        self._latest = LatestOrders()

    @property
    def has_key(self) -> bool:
        """Whether it can sign."""
        return self._signer is not None

    def request(
        self, method: str, params: Mapping[str, Any] | None, api_key: bool, signed: bool, new_id: NewId
    ) -> Request:
        """Return a request from a caller's words.

        Raises:
            InvalidParameter: It certainly cannot be right.
        """
        spec = CATALOGUE.get(method) if type(method) is str else None
        if spec is not None:
            return self.typed_request(spec, spec.name, params or {}, False, new_id)
        if type(method) is not str or not method or not (method.isascii() or _is_encodable(method)):
            raise InvalidParameter("the method must be a name such as 'order.place'", method=str(method))
        prefix = _VERSION.match(method)
        name = method[prefix.end() :] if prefix else method
        spec = CATALOGUE.get(name)
        if spec is None:
            meant = next((known.name for known in CATALOGUE.values() if known.python_name == name), None)
            if meant is not None:
                raise InvalidParameter(
                    f"there is no method {name!r}: ask for {meant!r}, or call session.{name}(...)",
                    method=name,
                )
            # One that a caller has signed, or that a logged-on connection would take as signed, may trade as well.
            is_write = signed or (isinstance(params, Mapping) and not _MARKS_OF_SIGNED.isdisjoint(params))
            spec = MethodSpec(
                name,
                is_signed=signed,
                is_always_signed=False,
                kind=Kind.WRITE if is_write else Kind.READ,
                is_known=False,
            )
        return self.typed_request(spec, method, params or {}, api_key and not spec.is_known, new_id)

    def typed_request(
        self, spec: MethodSpec, method: str, params: Mapping[str, Any], sends_key: bool, new_id: NewId
    ) -> Request:
        """Return a request for a method whose facts are known."""
        wire = self._rendered(spec, params)
        is_signed = spec.is_signed and not ("signature" in wire and _OWN.issubset(wire))
        if is_signed:
            if self._signer is None or self._api_key is None:
                raise InvalidParameter(
                    f"{spec.name} needs a key: give the session api_key and api_secret", method=spec.name
                )
            if not _OWN.isdisjoint(wire):
                self._refuse_own(spec, wire)
            if (
                "recvWindow" not in wire
                and self._recv_window != DEFAULT_RECV_WINDOW
                and self._may_widen(spec)
            ):
                wire["recvWindow"] = self._recv_window_text
        elif sends_key and self._api_key is None:
            raise InvalidParameter(
                f"{spec.name} was to carry a key, and the session has none", method=spec.name
            )
        if spec.check is not None:
            spec.check(wire)
        client_order_id = self._named(spec, wire, new_id) if spec.kind is Kind.WRITE else None
        return Request(spec, method, wire, sends_key, is_signed, client_order_id, spec.charge(wire))

    def _rendered(self, spec: MethodSpec, params: Mapping[str, Any]) -> dict[str, Any]:
        wire: dict[str, Any] = {}
        try:
            items = params.items()
        except AttributeError:
            raise InvalidParameter(
                f"{spec.name}: params must be a mapping of names to values, not a {type(params).__name__}",
                method=spec.name,
            ) from None
        for name, value in items:
            if value is None:
                continue
            if type(name) is not str or not (name.isascii() or _is_encodable(name)):
                raise InvalidParameter(f"{spec.name}: {name!r} is not a parameter name", method=spec.name)
            if type(value) is str and value.isascii():
                wire[name] = value  # as `render` would, for nearly all values
                continue
            try:
                wire[name] = render(value)
            except ValueError as error:
                raise InvalidParameter(
                    f"{spec.name}: {name}: {error}", method=spec.name, parameter=name
                ) from None
        return wire

    def _refuse_own(self, spec: MethodSpec, wire: Mapping[str, Any]) -> NoReturn:
        name = next(name for name in _OWN_PARAMETERS if name in wire)
        raise InvalidParameter(
            f"{spec.name}: leave {name} out, the session sets it at the moment of sending "
            "(or give apiKey, timestamp and signature all three)",
            method=spec.name,
            parameter=name,
        )

    def _may_widen(self, spec: MethodSpec) -> bool:
        return not spec.is_known or any(parameter.wire == "recvWindow" for parameter in spec.parameters)

    def _named(self, spec: MethodSpec, wire: dict[str, Any], new_id: NewId) -> str | None:
        """Give a write its client order ids; return the one by which it is looked up."""
        placed = PLACED_IDS.get(spec.name)
        if placed is not None:
            for name in placed:
                if name in wire:
                    _usable_id(spec, name, wire)
                else:
                    wire[name] = new_id()
            return str(wire[placed[0]])
        if spec.name == "order.amend.keepPriority" and "newClientOrderId" not in wire:
            wire["newClientOrderId"] = wire.get("origClientOrderId") or new_id()
        for name in LOOKUP_ID.get(spec.name, ()):
            if name in wire:
                return _usable_id(spec, name, wire)
        return None

    def compose(self, request: Request, stamp: Stamp) -> tuple[int | str, str]:
        """Return a request's key and text, signed over exactly what goes out."""
        key = next(self._serials)
        params = request.params
        if request.is_signed:
            params = {**params, "timestamp": math.floor(stamp.timestamp * 1000)}
            if not stamp.is_logged_on or request.spec.is_always_signed:
                assert self._signer is not None
                params["apiKey"] = self._api_key
                params["signature"] = self._signer.sign(signature_text(params).encode("utf-8"))
        elif request.sends_key:
            params = {**params, "apiKey": self._api_key}
        method, spec = request.method, request.spec
        if (method is not spec.name or not spec.is_known) and not _PLAIN_NAME.fullmatch(method):
            method = encode(method)[1:-1]
        if not params:
            return key, f'{{"id":{key},"method":"{method}"}}'
        return key, f'{{"id":{key},"method":"{method}","params":{encode_params(params)}}}'

    def composes_slowly(self, request: Request, stamp: Stamp) -> bool:
        """Tell whether a slow key has to sign."""
        if not self.signs_slowly or not request.is_signed:
            return False
        return not stamp.is_logged_on or request.spec.is_always_signed

    def classify(self, text: str) -> Sequence[Incoming]:
        """Return what a text says."""
        try:
            said = decode(text)
        except (ValueError, RecursionError) as error:
            return (Ignored(f"not JSON: {error}"),)
        if type(said) is not dict:
            return (Ignored("not an object"),)
        status = said.get("status")
        if type(status) is int:
            return (self._reply(said, status),)
        event = said.get("event")
        if type(event) is dict:
            if event.get("e") == "serverShutdown":
                return (Notice(NoticeKind.SHUTDOWN),)
            if event.get("e") == "executionReport":
                self._latest.note(event.get("s"), event.get("i"))
            subscription = said.get("subscriptionId")
            return (Event(subscription if _is_key(subscription) else None, event),)
        return (Ignored("neither an answer nor an event"),)

    def _reply(self, said: dict[str, Any], status: int) -> Incoming:
        key = said.get("id")
        if status == 200:
            if type(key) is str or (type(key) is int and -(2**63) <= key < 2**63):
                counts = readings(said.get("rateLimits"))
                result = said.get("result")
                if type(result) is dict:
                    if type(result.get("code")) is int and "msg" in result:
                        # A reference price that was never set comes as an error inside a good answer.
                        error, _ = self._error({"error": result}, status)
                        return Reply(key, _outcome(error), None, error, counts)
                    if not _OF_ORDERS.isdisjoint(result):
                        self._latest.note_answer(result)
                elif result is None and type(said.get("error")) is dict:
                    error, _ = self._error(said, status)
                    return Reply(key, _outcome(error), None, error, counts)
                return Reply(key, Outcome.OK, result, None, counts)
            return Ignored("an answer without a usable id")
        error, retry_at = self._error(said, status)
        if key is None:
            if status in (418, 429) and error.code == -1003:
                return Fault(Outcome.THROTTLED, error, retry_at)
            return Fault(Outcome.AUTH if status == 401 else Outcome.REJECTED, error)
        if not _is_key(key):
            return Ignored("an answer without a usable id")
        counts = readings(said.get("rateLimits"))
        is_orders_only = status == 429 and error.code == -1015
        return Reply(key, _outcome(error), None, error, counts, retry_at, is_orders_only)

    def _error(self, said: dict[str, Any], status: int) -> tuple[ApiError, float | None]:
        body = said.get("error")
        body = body if type(body) is dict else {}
        code, msg, data = body.get("code"), body.get("msg"), body.get("data")
        code = code if type(code) is int else None
        msg = msg if type(msg) is str else ""
        kind = error_class(status, code, msg, data)
        retry_at = None
        if type(data) is dict and _is_stamp(data.get("retryAfter")):
            retry_at = _seconds(data["retryAfter"])
        return kind(status=status, code=code, msg=msg, data=data), retry_at

    def redact(self, text: str) -> str:
        """Return a text without its keys and signatures."""
        return redact(text)

    def handshake(self) -> LogOn | None:
        """Return the log-on, where the key allows one."""
        return LogOn(self) if self._logs_on else None

    def logs_off(self, request: Request) -> bool:
        """Tell whether a request, once answered, has unbound the key from its connection."""
        return request.spec.name == "session.logout"

    def time_request(self) -> Request:
        """Return the question for the time."""
        return self.request("time", None, False, False, str)

    def server_time(self, result: Any) -> float:
        """Return epoch seconds from its answer.

        Raises:
            ValueError: It holds none.
        """
        stamp = result.get("serverTime") if isinstance(result, dict) else None
        if not _is_stamp(stamp):
            raise ValueError("the exchange's answer to 'time' holds no serverTime")
        return _seconds(stamp)

    def limits_told(self, result: Any) -> Sequence[Reading]:
        """Return the limits that `exchangeInfo` or `account.rateLimits.orders` tells."""
        return readings(result.get("rateLimits") if type(result) is dict else result)

    def order_counts_request(self) -> Request | None:
        """Return the question for the account's order counts."""
        if self._signer is None:
            return None
        return self.request("account.rateLimits.orders", None, True, True, str)

    def question(self, request: Request, timestamp: float, clock_error: float, serial: int) -> Question:
        """Return what must be looked up if a sent write's answer is lost."""
        params = request.params
        seconds = _accepted_for(params["recvWindow"]) if "recvWindow" in params else self._accepted_for
        if "signature" in params:
            params = {name: value for name, value in params.items() if name not in _OWN_PARAMETERS}
        return Question(
            serial,
            request.spec.name,
            params,
            request.client_order_id,
            timestamp,
            timestamp + seconds,
            clock_error,
            request.spec.name in PLACED_IDS,
            self._latest.numbers.get(str(request.params.get("symbol"))),
        )

    def lookups(
        self, question: Question, replies: Sequence[Reply], is_last: bool = False
    ) -> Sequence[Request]:
        """Return what to ask next of a write in one round; nothing when the round can be judged."""
        from crypto_ws_sync.exchanges.binance import lookups

        asked = lookups.next_questions(question, replies, is_last)
        return [self.request(method, params, False, False, str) for method, params in asked]

    def judge(self, question: Question, replies: Sequence[Reply], is_last: bool) -> Finding:
        """Return what one round of look-ups says."""
        from crypto_ws_sync.exchanges.binance import lookups

        return lookups.judge(question, replies, is_last)

    def surveys(self, questions: Sequence[Question]) -> Sequence[tuple[Request, Sequence[Question]]]:
        """Return requests of which each may settle many open writes at once, with the writes that it concerns."""
        from crypto_ws_sync.exchanges.binance import lookups

        return [
            (self.request(method, params, False, False, str), group)
            for (method, params), group in lookups.surveys(questions)
        ]

    def judge_survey(self, question: Question, reply: Reply) -> Finding:
        """Return what the answer to a survey says of one write."""
        from crypto_ws_sync.exchanges.binance import lookups

        return lookups.judge_survey(question, reply)

    def names_of(self, question: Question) -> frozenset[str]:
        """Return what a write names."""
        from crypto_ws_sync.exchanges.binance import evidence

        return evidence.names_of(question)

    def named_in(self, body: Mapping[str, Any]) -> frozenset[str]:
        """Return what an event names."""
        from crypto_ws_sync.exchanges.binance import evidence

        return evidence.named_in(body)

    def settles(self, question: Question, told: Iterable[Mapping[str, Any]]) -> Finding | None:
        """Return what the latest events say of a write whose outcome is open."""
        from crypto_ws_sync.exchanges.binance import evidence

        return evidence.settles(question, told)

    def subscribe(self, is_logged_on: bool) -> Request:
        """Return the request that has a connection tell the account's events.

        Raises:
            InvalidParameter: There is no key.
        """
        if self._signer is None or self._api_key is None:
            raise InvalidParameter(
                "user data needs a key: give the session api_key and api_secret",
                method="userDataStream.subscribe.signature",
            )
        return self.request(events.subscribe_method(is_logged_on), None, False, False, str)

    def unsubscribe(self, subscription: str | int | None) -> Request:
        """Return the request that ends a subscription."""
        params = events.unsubscribe_params(subscription)
        return self.request("userDataStream.unsubscribe", params, False, False, str)

    def subscription(self, result: Any) -> str | int | None:
        """Return the id that events of a subscription bear."""
        return events.subscription_id(result)

    def is_subscribed_already(self, error: ApiError) -> bool:
        """Tell whether a refusal says that the connection tells the events already."""
        return events.is_subscribed_already(error)

    def ends_subscription(self, body: Mapping[str, Any]) -> bool:
        """Tell whether an event is the last one of its subscription."""
        return events.ends_subscription(body)


def _outcome(error: ApiError) -> Outcome:
    if not is_outcome_known(error.status, error.code, error.msg, error.data):
        return Outcome.UNKNOWN
    if isinstance(error, PartialFailure):
        return Outcome.PARTIAL
    if isinstance(error, RateLimited):
        return Outcome.THROTTLED
    if error.code == -1021:
        return Outcome.CLOCK
    if isinstance(error, AuthError):
        return Outcome.AUTH
    return Outcome.REJECTED


def _usable_id(spec: MethodSpec, name: str, wire: Mapping[str, Any]) -> str:
    """Return a client order id by which a write can be looked up.

    Raises:
        InvalidParameter: It is blank.
    """
    client_order_id = str(wire[name])
    if not client_order_id.strip():
        raise InvalidParameter(
            f"{spec.name}: {name} is blank: leave it out, and one is chosen", method=spec.name, parameter=name
        )
    return client_order_id


def _is_encodable(text: str) -> bool:
    """Tell whether a text can be sent: half of a surrogate pair cannot."""
    return _HALF_A_PAIR.search(text) is None


def _is_key(value: Any) -> TypeGuard[int | str]:
    """Tell whether a value can be a request's or a subscription's id: text, or a whole number of 64 bits."""
    return type(value) is str or (type(value) is int and -(2**63) <= value < 2**63)


def _is_stamp(value: Any) -> TypeGuard[int]:
    """Tell whether a value can be a time: a whole number, and not one beyond all calendars."""
    return type(value) is int and 0 <= value < _NO_TIME_FROM


def _seconds(stamp: int) -> float:
    return stamp / 1e6 if stamp >= _MICROSECONDS_FROM else stamp / 1e3


def _accepted_for(recv_window: Any) -> float:
    """Return for how many seconds a request can be accepted: the longest time where the exchange will refuse it."""
    try:
        seconds = float(recv_window) / 1000
    except (TypeError, ValueError, OverflowError):
        return _LONGEST_RECV_WINDOW
    return seconds if 0 <= seconds <= _LONGEST_RECV_WINDOW else _LONGEST_RECV_WINDOW
