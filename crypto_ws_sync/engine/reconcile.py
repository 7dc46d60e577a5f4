"""Finding out what became of writes whose answers did not come."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from crypto_ws_sync.engine.context import Context
from crypto_ws_sync.engine.lookup_budget import LookupBudget
from crypto_ws_sync.engine.outcome_book import OpenWrite, OutcomeBook, key_of, tell
from crypto_ws_sync.engine.requests import Sink
from crypto_ws_sync.errors import CryptoWSError, OutcomeUnknown, SessionClosed
from crypto_ws_sync.protocol.dialect import Reply
from crypto_ws_sync.protocol.method import Request
from crypto_ws_sync.protocol.outcome import FindingKind, Question, Verdict, VerdictKind

__all__ = ["Reconciler"]

log = logging.getLogger("crypto_ws_sync.engine")

_EVENTS_KEPT = 256
"""Events kept for writes whose answers are missed only after them."""
_EVENTS_READ = 16
"""Events after one that names a write in which the rest of its proof may come without naming it."""
MANY = 10
"""Open writes from which on each is asked for only as often as its verdict needs."""


def _tell_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("a look-up failed", exc_info=task.exception(), extra={"event": "engine_failed"})


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
        self._budget = LookupBudget(context)
        self._recent: deque[Mapping[str, Any]] = deque(maxlen=_EVENTS_KEPT)
        self._named: deque[frozenset[str]] = deque(maxlen=_EVENTS_KEPT)
        """What each of them names, but for the latest `_unnamed`."""
        self._unnamed = 0

    def resume(self) -> None:
        """Take up what an earlier engine left open."""
        for write in self._book.open_writes():
            self._begin(write, may_be_answered=False)

    def open(
        self,
        question: Question,
        waiter: Sink | None,
        *,
        answer: CryptoWSError | None = None,
        deadline: float = math.inf,
        may_be_answered: bool = False,
    ) -> OpenWrite:
        """Begin, or go on with, the search for a write; `waiter` gets what the call would have.

        Args:
            question: The write.
            waiter: Gets the result or the error; None where nobody waits.
            answer: What to raise if it was not executed, where the exchange has answered "unknown".
            deadline: Monotonic seconds until which `waiter` waits.
            may_be_answered: The write's own answer may still come.
        """
        write = self._book.find(question)
        if write is None:
            write = OpenWrite(question, self._context.server_now(), answer)
            self._book.add(write)
        write.names = write.names or self._context.dialect.names_of(question)
        if answer is not None:
            write.answer = answer
        if write.search.verdict is not None:
            if waiter is not None:
                self._settle(write, waiter)
            return write
        if waiter is not None and all(known is not waiter for known, _ in write.waiters):
            write.waiters.append((waiter, deadline))
        if not all(write.names.isdisjoint(named) for named in self._names_told()):
            write.events_read = _EVENTS_READ
            self._read(write)
        if write.search.verdict is None:
            self._begin(write, may_be_answered=may_be_answered)
        return write

    def answered(self, question: Question, verdict: Verdict, *, is_asked_for: bool = False) -> bool:
        """Take a write's own answer in; return whether its outcome was open.

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
        self._answer_with(write, verdict)
        return True

    @property
    def is_any_open(self) -> bool:
        """Whether the outcome of any write is open."""
        return len(self._book) > 0

    def knows(self, question: Question) -> bool:
        """Tell whether a write is, or was, looked up."""
        return self._book.find(question) is not None

    def can_look_up(self, question: Question) -> bool:
        """Tell whether the exchange can be asked what became of a write."""
        return bool(self._context.dialect.lookups(question, ()))

    def told(self, body: Mapping[str, Any]) -> None:
        """Take an event in: it may settle open writes before any look-up does, or one that opens soon."""
        self._recent.append(dict(body))  # readers may change theirs
        self._unnamed += 1
        if len(self._book):
            named = self._names_told()[-1]
            for write in self._book.open_writes():
                if not write.names.isdisjoint(named):
                    write.events_read = _EVENTS_READ
                    self._read(write)
                elif write.events_read:
                    write.events_read -= 1
                    self._read(write)

    def _names_told(self) -> deque[frozenset[str]]:
        """Return what each of the latest events names; made up for those that came while nothing was open."""
        if self._unnamed:
            latest = list(self._recent)[-self._unnamed :]
            self._named.extend(map(self._context.dialect.named_in, latest))
            self._unnamed = 0
        return self._named

    def _read(self, write: OpenWrite) -> None:
        if write.search.verdict is None:
            finding = self._context.dialect.settles(write.question, self._recent)
            if finding is not None and write.search.found(finding, self._context.server_now()) is not None:
                self._close(write)

    def expire(self, now: float) -> None:
        """Tell those whose time is up; the searches go on."""
        for write in self._book.open_writes():
            if any(now >= deadline for _, deadline in write.waiters):
                for waiter, deadline in write.waiters:
                    if now >= deadline:
                        tell(waiter, self.unknown(write.question))
                write.waiters = [pair for pair in write.waiters if now < pair[1]]

    def stop(self) -> None:
        """End the searches; what is open stays in the book."""
        for write in self._book.open_writes():
            if write.task is not None:
                write.task.cancel()
                write.task = None
            write.survey = None
            waiters, write.waiters = write.waiters, []
            for waiter, _ in waiters:
                error = self.unknown(write.question)
                error.__cause__ = SessionClosed("the session was stopped")
                tell(waiter, error)

    def unknown(self, question: Question) -> OutcomeUnknown:
        """Return the error for a caller that can wait no longer."""
        return OutcomeUnknown(
            f"{question.method} may have been executed: do not repeat it, call resolve()",
            method=question.method,
            client_order_id=question.client_order_id,
            question=question,
            resolver=self._context.resolver,
        )

    def end_unanswered(self, question: Question) -> None:
        """The write's own answer can come no more: where that alone could have settled it, nothing ever will."""
        write = self._book.find(question)
        if write is not None and write.search.verdict is None and not self.can_look_up(question):
            self._give_up(write, may_be_answered=False)

    def _begin(self, write: OpenWrite, *, may_be_answered: bool) -> None:
        if write.task is not None and not write.task.done():
            return
        if not self.can_look_up(write.question):
            self._give_up(write, may_be_answered=may_be_answered)
            return
        write.task = asyncio.get_running_loop().create_task(self._search(write))
        write.task.add_done_callback(_tell_failure)

    def _give_up(self, write: OpenWrite, *, may_be_answered: bool) -> None:
        """No look-up exists: only the write's own answer can still settle it, if it may come at all."""
        if not may_be_answered:
            self._answer_with(write, Verdict(VerdictKind.UNKNOWN))
            return
        waiters, write.waiters = write.waiters, []
        for waiter, _ in waiters:
            tell(waiter, self._unknowable(write.question))

    def _unknowable(self, question: Question) -> OutcomeUnknown:
        error = self.unknown(question)
        error.args = (f"{question.method} may have been executed, and no look-up can tell",)
        return error

    def _answer_with(self, write: OpenWrite, verdict: Verdict) -> None:
        write.search.answered(verdict)
        self._close(write)

    def _settle(self, write: OpenWrite, waiter: Sink) -> None:
        """Tell one waiter the verdict."""
        verdict = write.search.verdict
        if verdict is not None and verdict.kind is VerdictKind.UNKNOWN:
            is_told = tell(waiter, self._unknowable(write.question))
        else:
            is_told = write.settle(waiter)
        if is_told:
            self._book.note_told(write)

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
            if write.survey is None or not write.survey.done():
                await self._surveyed(write)
            search.asked(context.server_now())
            replies = await self._round(write.question, search.is_last_round)
            finding = context.dialect.judge(write.question, replies, search.is_last_round)
            search.found(finding, context.server_now(), is_crowded=len(self._book) > MANY)
        self._close(write)

    async def _round(self, question: Question, is_last: bool) -> list[Reply]:
        """Ask all that one round of look-ups takes, stage by stage."""
        replies: list[Reply] = []
        while True:
            requests = self._context.dialect.lookups(question, replies, is_last)
            if not requests:
                return replies
            replies += await asyncio.gather(*map(self._asked, requests))

    async def _asked(self, request: Request) -> Reply:
        """Ask one thing, as soon as the share of the limits that look-ups may use has room for it."""
        await self._budget.spend(request.charge.weight)
        self._context.counters.lookups += 1
        return await self._ask(request)

    # -- many at once -------------------------------------------------------------------------------------------

    async def _surveyed(self, write: OpenWrite) -> None:
        """Where many writes are open, let one question settle what it can before each is asked for by itself."""
        # Those that were lost together are told of in one turn of the loop: let all of them be known first.
        await asyncio.sleep(0)
        if write.survey is None:
            fresh = {each.key: each for each in self._book.open_writes() if each.survey is None}
            groups = self._context.dialect.surveys([each.question for each in fresh.values()])
            for request, questions in groups:
                group = [fresh[key_of(question)] for question in questions]
                survey = asyncio.get_running_loop().create_task(self._survey(request, group))
                survey.add_done_callback(_tell_failure)
                for each in group:
                    each.survey = survey
        if write.survey is not None:
            # Waited for, but not cancelled with the search that waits: others wait for it, too.
            await asyncio.wait([write.survey])

    async def _survey(self, request: Request, group: Sequence[OpenWrite]) -> None:
        reply = await self._asked(request)
        for write in group:
            if write.search.verdict is None:
                finding = self._context.dialect.judge_survey(write.question, reply)
                if finding.kind in (FindingKind.DONE, FindingKind.REFUSED):
                    write.search.found(finding, self._context.server_now())
                    self._close(write)

    # -- the end ------------------------------------------------------------------------------------------------

    def _close(self, write: OpenWrite) -> None:
        verdict = write.search.verdict
        assert verdict is not None
        self._book.close(write)
        self._context.counters.verdicts[verdict.kind.value] += 1
        if self._context.on_verdict is not None:
            self._context.on_verdict(write.question, verdict)
        log.info(
            "%s %s: %s",
            write.question.method,
            write.question.client_order_id,
            verdict.kind.value,
            extra={"event": "verdict"},
        )
        waiters, write.waiters = write.waiters, []
        for waiter, _ in waiters:
            self._settle(write, waiter)
        if write.task is not None and write.task is not asyncio.current_task():
            write.task.cancel()
