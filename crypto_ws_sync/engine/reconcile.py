"""Finding out what became of writes whose answers did not come."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from crypto_ws_sync.engine.context import Context
from crypto_ws_sync.engine.requests import Sink
from crypto_ws_sync.errors import ConnectionLost, CryptoWSError, OutcomeUnknown, SessionClosed
from crypto_ws_sync.protocol.dialect import Reply
from crypto_ws_sync.protocol.method import Request
from crypto_ws_sync.protocol.outcome import OutcomeSearch, Question, Verdict, VerdictKind

__all__ = ["OpenWrite", "OutcomeBook", "Reconciler"]

log = logging.getLogger("crypto_ws_sync.engine")

_REMEMBERED = 10_000
"""Verdicts kept for callers that may still ask."""
_EVENTS_KEPT = 256
"""Events kept for writes whose answers are missed only after them."""


class OpenWrite:
    """One write whose outcome is, or was, open.

    Owner: loop thread.
    """

    __slots__ = ("answer", "question", "search", "task", "waiters")

    def __init__(self, question: Question, now: float, answer: CryptoWSError | None) -> None:
        self.question = question
        self.search = OutcomeSearch(question, now)
        self.waiters: list[tuple[Sink, float]] = []
        self.answer = answer
        self.task: asyncio.Task[None] | None = None

    def settle(self, waiter: Sink) -> None:
        """Tell one waiter the verdict."""
        verdict = self.search.verdict
        assert verdict is not None
        if waiter.done():
            return
        if verdict.kind is VerdictKind.EXECUTED:
            waiter.set_result(verdict.result)
        elif verdict.kind is VerdictKind.REFUSED and verdict.error is not None:
            waiter.set_exception(verdict.error)
        else:
            waiter.set_exception(self._not_executed())

    def _not_executed(self) -> CryptoWSError:
        question = self.question
        if self.answer is not None:
            return self.answer
        return ConnectionLost(
            f"{question.method} had no effect: its answer was lost, and the exchange does not know it",
            method=question.method,
            client_order_id=question.client_order_id,
        )


_Key: TypeAlias = tuple[int, str, str | None, float]


def _key(question: Question) -> _Key:
    """Return what no two writes share: each run of each session numbers its own from 1."""
    return question.serial, question.method, question.client_order_id, question.timestamp


class OutcomeBook:
    """The writes of one session whose outcome was ever open; outlives its engines.

    Owner: loop thread.
    """

    def __init__(self) -> None:
        self._open: dict[_Key, OpenWrite] = {}
        self._settled: OrderedDict[_Key, OpenWrite] = OrderedDict()

    def __len__(self) -> int:
        return len(self._open)

    def open_writes(self) -> list[OpenWrite]:
        """Return the writes that are open, oldest first."""
        return list(self._open.values())

    def find(self, question: Question) -> OpenWrite | None:
        """Return what is known of a write, settled or not."""
        key = _key(question)
        found = self._open.get(key) or self._settled.get(key)
        return found if found is not None and found.question == question else None

    def has_open(self, client_order_id: str) -> bool:
        """Tell whether a write with this client order id is open."""
        return any(write.question.client_order_id == client_order_id for write in self._open.values())

    def add(self, write: OpenWrite) -> None:
        """Take a write in."""
        self._open[_key(write.question)] = write

    def close(self, write: OpenWrite) -> None:
        """Move a write to the settled ones."""
        key = _key(write.question)
        self._open.pop(key, None)
        self._settled[key] = write
        if len(self._settled) > _REMEMBERED:
            self._settled.popitem(last=False)


class Reconciler:
    """Asks for open writes until each is settled.

    Owner: loop thread.
    """

    def __init__(
        self, context: Context, book: OutcomeBook, ask: Callable[[Request], Awaitable[Reply]]
    ) -> None:
        self._context = context
        self._book = book
        self._ask = ask
        self._recent: deque[Mapping[str, Any]] = deque(maxlen=_EVENTS_KEPT)

    def resume(self) -> None:
        """Take up what an earlier engine left open."""
        for write in self._book.open_writes():
            self._begin(write)

    def open(
        self,
        question: Question,
        waiter: Sink | None,
        *,
        answer: CryptoWSError | None = None,
        deadline: float = math.inf,
    ) -> OpenWrite:
        """Begin, or go on with, the search for a write; `waiter` gets what the call would have.

        Args:
            question: The write.
            waiter: Gets the result or the error; None where nobody waits.
            answer: What to raise if it was not executed, where the exchange has answered "unknown".
            deadline: Monotonic seconds until which `waiter` waits.
        """
        write = self._book.find(question)
        if write is None:
            write = OpenWrite(question, self._context.server_now(), answer)
            self._book.add(write)
        if answer is not None:
            write.answer = answer
        if write.search.verdict is not None:
            if waiter is not None:
                write.settle(waiter)
            return write
        if waiter is not None and all(known is not waiter for known, _ in write.waiters):
            write.waiters.append((waiter, deadline))
        for body in self._recent:
            self._read(write, body)
        if write.search.verdict is None:
            self._begin(write)
        return write

    def knows(self, question: Question) -> bool:
        """Tell whether a write is, or was, looked up."""
        return self._book.find(question) is not None

    def can_look_up(self, question: Question) -> bool:
        """Tell whether the exchange can be asked what became of a write."""
        return bool(self._context.dialect.lookups(question, ()))

    def answered(self, question: Question, verdict: Verdict, *, is_asked_for: bool = False) -> bool:
        """Take a write's own late answer in; return whether its outcome was open.

        Args:
            question: The write.
            verdict: What its answer says.
            is_asked_for: Its caller has gone with an OutcomeUnknown, and may come back to resolve it.
        """
        write = self._book.find(question)
        if write is None and is_asked_for:
            write = OpenWrite(question, self._context.server_now(), None)
        if write is None or write.search.verdict is not None:
            return False
        write.search.answered(verdict)
        self._close(write)
        return True

    def told(self, body: Mapping[str, Any]) -> None:
        """Take an event in: it may settle open writes before any look-up does, or one that opens soon."""
        self._recent.append(dict(body))  # readers may change theirs
        if len(self._book):
            for write in self._book.open_writes():
                self._read(write, body)

    def _read(self, write: OpenWrite, body: Mapping[str, Any]) -> None:
        if write.search.verdict is None:
            finding = self._context.dialect.settles(write.question, body)
            if finding is not None and write.search.found(finding, self._context.server_now()) is not None:
                self._close(write)

    def expire(self, now: float) -> None:
        """Tell those whose time is up; the searches go on."""
        for write in self._book.open_writes():
            if any(now >= deadline for _, deadline in write.waiters):
                for waiter, deadline in write.waiters:
                    if now >= deadline and not waiter.done():
                        waiter.set_exception(self.unknown(write.question))
                write.waiters = [pair for pair in write.waiters if now < pair[1]]

    def stop(self) -> None:
        """End the searches; what is open stays in the book."""
        for write in self._book.open_writes():
            if write.task is not None:
                write.task.cancel()
                write.task = None
            waiters, write.waiters = write.waiters, []
            for waiter, _ in waiters:
                if not waiter.done():
                    error = self.unknown(write.question)
                    error.__cause__ = SessionClosed("the session was stopped")
                    waiter.set_exception(error)

    def unknown(self, question: Question) -> OutcomeUnknown:
        """Return the error for a caller that can wait no longer."""
        return OutcomeUnknown(
            f"{question.method} may have been executed: do not repeat it, call resolve()",
            method=question.method,
            client_order_id=question.client_order_id,
            question=question,
            resolver=self._context.resolver,
        )

    def _begin(self, write: OpenWrite) -> None:
        if write.task is not None and not write.task.done():
            return
        if not self._context.dialect.lookups(write.question, ()):
            self._give_up(write)
            return
        write.task = asyncio.get_running_loop().create_task(self._search(write))

    def _give_up(self, write: OpenWrite) -> None:
        """No look-up exists: only the write's own answer can still settle it."""
        waiters, write.waiters = write.waiters, []
        for waiter, _ in waiters:
            if not waiter.done():
                error = self.unknown(write.question)
                error.args = (f"{write.question.method} may have been executed, and no look-up can tell",)
                waiter.set_exception(error)

    async def _search(self, write: OpenWrite) -> None:
        context, search = self._context, write.search
        log.info(
            "looking up %s %s",
            write.question.method,
            write.question.client_order_id,
            extra={"event": "lookup"},
        )
        while search.verdict is None:
            pause = search.next_lookup - context.server_now()
            if pause > 0:
                # A manual clock may be moved at any moment, so its waits are looked at again and again.
                await asyncio.sleep(0.01 if context.time.is_manual else pause)
                continue
            search.asked(context.server_now())
            try:
                replies = await self._round(write.question)
            except SessionClosed:
                return
            finding = context.dialect.judge(write.question, replies, search.is_last_round)
            search.found(finding, context.server_now())
        self._close(write)

    async def _round(self, question: Question) -> list[Reply]:
        """Ask all that one round of look-ups takes, stage by stage."""
        replies: list[Reply] = []
        while True:
            requests = self._context.dialect.lookups(question, replies)
            if not requests:
                return replies
            self._context.counters.lookups += len(requests)
            replies += await asyncio.gather(*map(self._ask, requests))

    def _close(self, write: OpenWrite) -> None:
        verdict = write.search.verdict
        assert verdict is not None
        self._book.close(write)
        self._context.counters.verdicts[verdict.kind.value] += 1
        log.info(
            "%s %s: %s",
            write.question.method,
            write.question.client_order_id,
            verdict.kind.value,
            extra={"event": "verdict"},
        )
        waiters, write.waiters = write.waiters, []
        for waiter, _ in waiters:
            write.settle(waiter)
        if write.task is not None and write.task is not asyncio.current_task():
            write.task.cancel()
