"""What is known of one write whose answer did not come.

A write can still be accepted until the exchange's clock has passed its timestamp plus its receive window; after that
only the exchange's caches lag. So a write is surely not executed when two look-ups in a row have not found it, the
last one asked after that moment and a margin for the caches. Found at any time, it is settled at once.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

from crypto_ws_sync.errors import ApiError

__all__ = ["CACHE_MARGIN", "Finding", "FindingKind", "OutcomeSearch", "Question", "Verdict", "VerdictKind"]

CACHE_MARGIN = 3.0
"""Seconds for which the exchange's caches may lag behind its engine."""

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 1.0
MISSES_NEEDED = 2


_Facts: TypeAlias = tuple[
    int, str, Mapping[str, Any], str | None, float, float, float, bool, int | None
]  # fmt: skip


class Question:
    """One write whose outcome is open: all that is needed to look it up, and nothing secret; never changed once made.

    Attributes:
        serial: Number of the write within its session.
        method: The write's wire name.
        params: Its parameters as sent, without key, timestamp and signature.
        client_order_id: The id by which it can be found.
        timestamp: Epoch seconds it was signed with.
        accepted_until: The exchange's epoch seconds after which it can no longer be accepted.
        clock_error: Seconds by which the timestamp may differ from the exchange's clock.
        is_placement: It makes orders, of which the client order id is the name.
        latest_order: Number of the latest order of its symbol that was known when it was signed; None: none was.
    """

    __slots__ = (
        "accepted_until",
        "client_order_id",
        "clock_error",
        "is_placement",
        "latest_order",
        "method",
        "params",
        "serial",
        "timestamp",
    )

    def __init__(
        self,
        serial: int,
        method: str,
        params: Mapping[str, Any],
        client_order_id: str | None,
        timestamp: float,
        accepted_until: float,
        clock_error: float,
        is_placement: bool = False,
        latest_order: int | None = None,
    ) -> None:
        self.serial = serial
        self.method = method
        self.params = params
        self.client_order_id = client_order_id
        self.timestamp = timestamp
        self.accepted_until = accepted_until
        self.clock_error = clock_error
        self.is_placement = is_placement
        self.latest_order = latest_order

    def __repr__(self) -> str:
        # Without its parameters, which are the caller's own.
        return f"<Question {self.serial} of {self.method} {self.client_order_id or ''}>"

    def __eq__(self, other: object) -> bool:
        return self._facts() == other._facts() if isinstance(other, Question) else NotImplemented

    def _facts(self) -> _Facts:
        """Return all of it, in the order of the arguments."""
        return (
            self.serial,
            self.method,
            self.params,
            self.client_order_id,
            self.timestamp,
            self.accepted_until,
            self.clock_error,
            self.is_placement,
            self.latest_order,
        )

    def __reduce__(self) -> tuple[type[Question], _Facts]:
        """Return what a pickle of any protocol keeps: an open question may travel to another process."""
        return Question, self._facts()

    def open_until(self, accepted_until: float, clock_error: float) -> Question:
        """Return the same question with another end, and another error of the clock."""
        changed = Question(*self._facts())
        changed.accepted_until, changed.clock_error = accepted_until, clock_error
        return changed


class FindingKind(enum.Enum):
    """What one look-up says."""

    DONE = "done"
    """The write was executed; `result` is what its answer would have held."""
    REFUSED = "refused"
    """The write was refused; `error` is what its answer would have raised."""
    MISSING = "missing"
    """Nothing is there (yet)."""
    NOTHING = "nothing"
    """The look-up itself failed and says nothing."""


class Finding(NamedTuple):
    """What one look-up says of a write."""

    kind: FindingKind
    result: Any = None
    error: ApiError | None = None


class VerdictKind(enum.Enum):
    """How a search ended."""

    EXECUTED = "executed"
    REFUSED = "refused"
    NOT_EXECUTED = "not executed"
    UNKNOWN = "unknown"
    """No look-up exists, and its own answer cannot come any more: nobody will ever know from here."""


class Verdict(NamedTuple):
    """The outcome of a write."""

    kind: VerdictKind
    result: Any = None
    error: ApiError | None = None


class OutcomeSearch:
    """The state of one search: when to ask next, and what the answers come to.

    Owner: loop thread.
    """

    __slots__ = ("_asked_at", "_misses", "_next", "_pause", "_surely_after", "lookups", "verdict")

    def __init__(self, question: Question, now: float) -> None:
        self.verdict: Verdict | None = None
        self.lookups = 0
        self._surely_after = question.accepted_until + question.clock_error + CACHE_MARGIN
        self._misses = 0
        self._pause = FIRST_PAUSE
        self._next = now
        self._asked_at = -math.inf

    @property
    def next_lookup(self) -> float:
        """The exchange's epoch seconds at which to ask next."""
        return self._next

    @property
    def is_last_round(self) -> bool:
        """Whether a miss in the round that was asked last would be proof."""
        return self._misses + 1 >= MISSES_NEEDED and self._asked_at > self._surely_after

    def asked(self, now: float) -> None:
        """Note that a look-up leaves at the exchange's time `now`."""
        self.lookups += 1
        self._asked_at = now

    def found(self, finding: Finding, now: float, *, is_crowded: bool = False) -> Verdict | None:
        """Take a look-up's answer in; return the verdict if there is one.

        Args:
            finding: What the answer says.
            now: The exchange's time at which it came.
            is_crowded: Many writes are being looked up: spare the questions whose answers would be no proof.
        """
        if self.verdict is not None:
            return self.verdict
        if finding.kind is FindingKind.DONE:
            self.verdict = Verdict(VerdictKind.EXECUTED, finding.result)
        elif finding.kind is FindingKind.REFUSED:
            self.verdict = Verdict(VerdictKind.REFUSED, error=finding.error)
        elif finding.kind is FindingKind.MISSING:
            self._misses += 1
            if self._misses >= MISSES_NEEDED and self._asked_at > self._surely_after:
                self.verdict = Verdict(VerdictKind.NOT_EXECUTED)
        else:
            self._misses = 0
        self._plan(now, is_crowded)
        return self.verdict

    def answered(self, verdict: Verdict) -> Verdict:
        """Take the write's own late answer in; the first to settle it stays."""
        if self.verdict is None:
            self.verdict = verdict
        return self.verdict

    def _plan(self, now: float, is_crowded: bool) -> None:
        after = now + self._pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
        last = self._surely_after + 0.001
        # The last look-up is aimed at the moment from which a miss is proof.
        self._next = last if now < last and (is_crowded or last < after) else after
