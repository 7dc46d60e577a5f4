"""The port to any exchange: what the engine needs to know of one, and the values that cross."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

from crypto_ws_sync.errors import ApiError
from crypto_ws_sync.protocol.limits import Limit, Reading
from crypto_ws_sync.protocol.method import Request
from crypto_ws_sync.protocol.outcome import Finding, Question

NewId: TypeAlias = Callable[[], str]
"""Gives a client order id that was never used."""

__all__ = [
    "Dialect",
    "Event",
    "Fault",
    "Handshake",
    "Ignored",
    "Incoming",
    "LinePolicy",
    "NewId",
    "Notice",
    "NoticeKind",
    "Outcome",
    "Ping",
    "Pong",
    "Reply",
    "Stamp",
]


class Outcome(enum.Enum):
    """What an answer means for the request, whatever the venue's own codes say."""

    OK = "ok"
    PARTIAL = "partial"
    REJECTED = "rejected"
    THROTTLED = "throttled"
    AUTH = "auth"
    CLOCK = "clock"
    UNAVAILABLE = "unavailable"
    """Failed, and surely not done."""
    UNKNOWN = "unknown"
    """Failed, and nobody knows whether it was done."""


class Reply:
    """One answer to one request.

    Attributes:
        key: The request's key on the wire.
        outcome: What it means for the request.
        result: The answer's content where there is one.
        error: What to raise where there is none; method and ids are filled in by the engine.
        readings: Counts of limits that came with it.
        retry_at: The exchange's epoch seconds before which nothing more may be sent, where it said so.
        is_orders_only: A throttling that concerns placements alone.
        is_final: No further reply to the same request will follow.
    """

    __slots__ = ("error", "is_final", "is_orders_only", "key", "outcome", "readings", "result", "retry_at")

    def __init__(
        self,
        key: str | int,
        outcome: Outcome,
        result: Any = None,
        error: ApiError | None = None,
        readings: Sequence[Reading] = (),
        retry_at: float | None = None,
        is_orders_only: bool = False,
        is_final: bool = True,
    ) -> None:
        self.key = key
        self.outcome = outcome
        self.result = result
        self.error = error
        self.readings = readings
        self.retry_at = retry_at
        self.is_orders_only = is_orders_only
        self.is_final = is_final


class Event(NamedTuple):
    """Something the exchange tells unasked, for the user."""

    subscription: str | int | None
    body: Mapping[str, Any]


class NoticeKind(enum.Enum):
    """What the exchange tells the connection's keeper."""

    SHUTDOWN = "shutdown"


class Notice(NamedTuple):
    """Something the exchange tells unasked, for the engine."""

    kind: NoticeKind


class Fault(NamedTuple):
    """An error that belongs to the connection and hits no particular request.

    Attributes:
        outcome: What it means.
        error: The exchange's words.
        retry_at: The exchange's epoch seconds before which nothing more may be sent, where it said so.
    """

    outcome: Outcome
    error: ApiError
    retry_at: float | None = None


class Ping(NamedTuple):
    """A text-level ping, with the text to answer it by."""

    answer: str


class Pong:
    """A text-level pong."""

    __slots__ = ()


class Ignored(NamedTuple):
    """A text that means nothing here, with the reason; it is counted and the connection stays."""

    why: str


Incoming: TypeAlias = Reply | Event | Notice | Fault | Ping | Pong | Ignored


class LinePolicy(NamedTuple):
    """How a venue's connections live, in seconds.

    Attributes:
        ping_after: Silence after which the engine pings.
        give_up_after: Silence after that ping which ends the connection.
        unanswered_after: Age of a request at which the ping is brought forward.
        silent_after_early_ping: Silence after the early ping at which a second connection is opened beside it.
        suspicions_apart: Time between two such second connections.
        maximum_age: Age at which a connection is replaced.
        age_jitter: Time by which it may be replaced earlier, so that sessions do not all reconnect together.
        longest_ban: The longest that the venue holds anybody back, by its documents: what names a later time than
            that is a mistake, and would keep a program out for good.
        ping_text: What to ping with where the venue does not answer WebSocket pings.
    """

    ping_after: float = 10.0
    give_up_after: float = 10.0
    unanswered_after: float = 2.0
    silent_after_early_ping: float = 3.0
    suspicions_apart: float = 30.0
    maximum_age: float = 23 * 3600 + 50 * 60
    age_jitter: float = 300.0
    longest_ban: float = 3 * 86400.0
    ping_text: str | None = None


class Stamp(NamedTuple):
    """What a request is composed with at the moment of sending.

    Attributes:
        timestamp: Epoch seconds to sign with.
        is_logged_on: The connection knows the key already.
    """

    timestamp: float
    is_logged_on: bool = False


class Handshake(Protocol):
    """What a fresh connection must say before it serves requests; eats its own replies."""

    def begin(self, timestamp: float) -> str | None:
        """Return the first text to send; None: nothing to say, ready."""

    def feed(self, text: str, timestamp: float) -> str | None:
        """Take a text in; return the next text to send, or None.

        Raises:
            ApiError: The exchange refused.
        """

    @property
    def is_done(self) -> bool:
        """Tell whether requests may follow."""

    @property
    def charge_weight(self) -> int:
        """Weight that the next text costs."""

    @property
    def answer(self) -> Reply | None:
        """Return the answer that it has eaten, for what that tells of limits."""


class Dialect(Protocol):
    """One exchange's language, without I/O or state but for the keys it mints."""

    name: str
    policy: LinePolicy
    limits: Sequence[Limit]
    connect_weight: int
    tells_limits: frozenset[str]
    """Methods whose answers have limits as their content; others may carry counts beside it."""
    tells_orders: frozenset[str]
    """Those of them that tell the account's order counts."""

    @property
    def has_key(self) -> bool:
        """Whether it can sign; without that no order can be placed."""

    signs_slowly: bool
    """Some requests compose slowly, see `composes_slowly`."""

    def request(
        self, method: str, params: Mapping[str, Any] | None, api_key: bool, signed: bool, new_id: NewId
    ) -> Request:
        """Return a request from a caller's words.

        Args:
            method: Any method name.
            params: The exchange's own parameter names and any values.
            api_key: The caller wants the key sent.
            signed: The caller wants it signed.
            new_id: Gives an unused client order id, for a placement that names none.

        Raises:
            InvalidParameter: It certainly cannot be right.
        """

    def compose(self, request: Request, stamp: Stamp) -> tuple[int | str, str]:
        """Return a request's key and text, signed over exactly what goes out."""

    def composes_slowly(self, request: Request, stamp: Stamp) -> bool:
        """Tell whether composing takes so long that it is better done on a thread of its own."""

    def classify(self, text: str) -> Sequence[Incoming]:
        """Return what a text from the exchange says; never raises."""

    def redact(self, text: str) -> str:
        """Return a text as it may be logged: without keys and signatures."""

    def handshake(self) -> Handshake | None:
        """Return what a fresh connection must say; None: nothing."""

    def logs_off(self, request: Request) -> bool:
        """Tell whether a request, once answered, has unbound the key from its connection."""

    def time_request(self) -> Request:
        """Return the request that asks for the exchange's clock."""

    def server_time(self, result: Any) -> float:
        """Return epoch seconds from the answer to `time_request`."""

    def limits_told(self, result: Any) -> Sequence[Reading]:
        """Return the limits in the result of one of the methods in `tells_limits`."""

    def order_counts_request(self) -> Request | None:
        """Return the request that asks for the account's order counts; None: there is none, or no key."""

    def question(self, request: Request, timestamp: float, clock_error: float, serial: int) -> Question:
        """Return what must be looked up if a sent write's answer is lost."""

    def lookups(
        self, question: Question, replies: Sequence[Reply], is_last: bool = False
    ) -> Sequence[Request]:
        """Return what to ask next of a write in one round of look-ups.

        Nothing with no replies: the venue has no look-up for it. Nothing with replies: the round can be judged.

        Args:
            question: The write.
            replies: The answers of the round so far, in order.
            is_last: As in `judge`.
        """

    def judge(self, question: Question, replies: Sequence[Reply], is_last: bool) -> Finding:
        """Return what one round of look-ups says of a write.

        Args:
            question: The write.
            replies: The answers of the round, in order.
            is_last: The write can no longer be accepted, so what is half done stays so.
        """

    def surveys(self, questions: Sequence[Question]) -> Sequence[tuple[Request, Sequence[Question]]]:
        """Return requests of which each may settle many open writes at once, with the writes that it concerns.

        Nothing where they are too few for that, or where the venue has no such request.
        """

    def judge_survey(self, question: Question, reply: Reply) -> Finding:
        """Return what the answer to a survey says of one write; what it does not settle is asked for by itself."""

    def names_of(self, question: Question) -> frozenset[str]:
        """Return what a write names; events that name some of it may be part of the proof of its outcome."""

    def named_in(self, body: Mapping[str, Any]) -> frozenset[str]:
        """Return what an event names."""

    def settles(self, question: Question, told: Iterable[Mapping[str, Any]]) -> Finding | None:
        """Return what the latest events say of a write whose outcome is open; None: they settle nothing.

        Args:
            question: The write.
            told: Events, oldest first. What came over two connections is there twice.
        """

    def subscribe(self, is_logged_on: bool) -> Request:
        """Return the request that has a connection tell the account's events.

        Raises:
            InvalidParameter: The session has no key; says what to do.
        """

    def unsubscribe(self, subscription: str | int | None) -> Request:
        """Return the request that ends a subscription; None: whatever the connection has."""

    def subscription(self, result: Any) -> str | int | None:
        """Return the name that events of a subscription bear, from the answer to `subscribe`; None: no name."""

    def is_subscribed_already(self, error: ApiError) -> bool:
        """Tell whether a refusal of `subscribe` says that the connection tells the events already."""

    def ends_subscription(self, body: Mapping[str, Any]) -> bool:
        """Tell whether an event is the last one of its subscription."""
