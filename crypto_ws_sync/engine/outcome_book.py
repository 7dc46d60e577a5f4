"""The writes whose outcome is, or was, open: what is known of each, and who waits for it."""

from __future__ import annotations

import asyncio
import copy
from collections import Counter, OrderedDict
from concurrent.futures import InvalidStateError
from typing import Any, TypeAlias

from crypto_ws_sync.engine.requests import Sink
from crypto_ws_sync.errors import ConnectionLost, CryptoWSError
from crypto_ws_sync.protocol.outcome import OutcomeSearch, Question, VerdictKind

__all__ = ["OpenWrite", "OutcomeBook", "key_of", "tell"]

_REMEMBERED = 10_000
"""Verdicts kept for callers that may still ask."""
_TOLD_REMEMBERED = 1_000
"""Verdicts kept that somebody has been told: who asks again has them looked up again, at worst."""

_Key: TypeAlias = tuple[int, str, str | None, float]


def key_of(question: Question) -> _Key:
    """Return what tells a write from every other."""
    # Every session, and every run of one, numbers its writes from 1.
    return question.serial, question.method, question.client_order_id, question.timestamp


def tell(waiter: Sink, outcome: Any) -> bool:
    """Hand a waiter its result or error; return whether it still waited."""
    try:
        if isinstance(outcome, BaseException):
            waiter.set_exception(outcome)
        else:
            waiter.set_result(outcome)
    except (InvalidStateError, asyncio.InvalidStateError):
        return False
    return True


class OpenWrite:
    """One write whose outcome is, or was, open.

    Owner: loop thread.
    """

    __slots__ = ("answer", "events_read", "names", "question", "search", "survey", "task", "waiters")

    def __init__(self, question: Question, now: float, answer: CryptoWSError | None) -> None:
        self.question = question
        self.search = OutcomeSearch(question, now)
        self.waiters: list[tuple[Sink, float]] = []
        self.answer = answer
        self.names: frozenset[str] = frozenset()
        """What it names, and events about it as well."""
        self.events_read = 0
        """How many of the next events are read for it although they do not name it."""
        self.task: asyncio.Task[None] | None = None
        self.survey: asyncio.Task[None] | None = None

    @property
    def key(self) -> _Key:
        """What tells this write from every other, those of other sessions included."""
        return key_of(self.question)

    def settle(self, waiter: Sink) -> bool:
        """Tell one waiter the verdict; return whether it still waited."""
        verdict = self.search.verdict
        assert verdict is not None
        if verdict.kind is VerdictKind.EXECUTED:
            return tell(waiter, verdict.result)
        if verdict.kind is VerdictKind.REFUSED and verdict.error is not None:
            return tell(waiter, copy.copy(verdict.error))
        return tell(waiter, self._not_executed())

    def _not_executed(self) -> CryptoWSError:
        question = self.question
        if self.answer is not None:
            return copy.copy(self.answer)
        return ConnectionLost(
            f"{question.method} had no effect: its answer was lost, and the exchange does not know it",
            method=question.method,
            client_order_id=question.client_order_id,
        )


class OutcomeBook:
    """The writes of one session whose outcome was ever open; outlives its engines.

    Owner: loop thread.
    """

    def __init__(self) -> None:
        self._open: dict[_Key, OpenWrite] = {}
        self._placed: Counter[str] = Counter()
        """Client order id -> open placements under it."""
        self._settled: OrderedDict[_Key, OpenWrite] = OrderedDict()
        """What nobody has been told yet."""
        self._told: OrderedDict[_Key, OpenWrite] = OrderedDict()

    def __len__(self) -> int:
        return len(self._open)

    @property
    def kept(self) -> int:
        """How many verdicts are kept; never more than both bounds together."""
        return len(self._settled) + len(self._told)

    def open_writes(self) -> list[OpenWrite]:
        """Return the writes that are open, oldest first."""
        return list(self._open.values())

    def find(self, question: Question) -> OpenWrite | None:
        """Return what is known of a write, settled or not."""
        key = key_of(question)
        return self._open.get(key) or self._settled.get(key) or self._told.get(key)

    def has_placed(self, client_order_id: str) -> bool:
        """Tell whether a placement under this client order id is open."""
        return client_order_id in self._placed

    def add(self, write: OpenWrite) -> None:
        """Take a write in."""
        if write.key not in self._open and (name := _placed_name(write)) is not None:
            self._placed[name] += 1
        self._open[write.key] = write

    def close(self, write: OpenWrite) -> None:
        """Move a write to the settled ones."""
        if self._open.pop(write.key, None) is not None and (name := _placed_name(write)) is not None:
            self._placed[name] -= 1
            if not self._placed[name]:
                del self._placed[name]
        self._settled[write.key] = write
        if len(self._settled) > _REMEMBERED:
            self._settled.popitem(last=False)

    def note_told(self, write: OpenWrite) -> None:
        """Somebody has been told the verdict, which need not be kept for as long any more."""
        if self._settled.pop(write.key, None) is not None:
            self._told[write.key] = write
            if len(self._told) > _TOLD_REMEMBERED:
                self._told.popitem(last=False)


def _placed_name(write: OpenWrite) -> str | None:
    return write.question.client_order_id if write.question.is_placement else None
