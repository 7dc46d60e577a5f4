"""What becomes of a request when its answer comes."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from crypto_ws_sync.engine.admission import Admission
from crypto_ws_sync.engine.clock_sync import take_sample
from crypto_ws_sync.engine.connecting import Unreachable
from crypto_ws_sync.engine.connection import Connection
from crypto_ws_sync.engine.context import Context
from crypto_ws_sync.engine.reconcile import Reconciler
from crypto_ws_sync.engine.requests import WAIT, Entry
from crypto_ws_sync.engine.throttling import hold_back
from crypto_ws_sync.errors import ApiError, RateLimited
from crypto_ws_sync.protocol.dialect import Outcome, Reply
from crypto_ws_sync.protocol.limits import Reading
from crypto_ws_sync.protocol.method import Kind, Request
from crypto_ws_sync.protocol.outcome import Verdict, VerdictKind

__all__ = ["Answers"]

log = logging.getLogger("crypto_ws_sync.engine")

_OK, _CONNECTION = Outcome.OK, Kind.CONNECTION


class Answers:
    """Settles limits, outcomes and callers by the answers that come.

    Owner: loop thread.
    """

    def __init__(
        self,
        context: Context,
        admission: Admission,
        reconciler: Reconciler,
        *,
        ask: Callable[[Request], Awaitable[Reply]],
        spawn: Callable[[Coroutine[Any, Any, None]], None],
        on_change: Callable[[], None],
    ) -> None:
        self.unclocked: list[Entry] = []
        self._context = context
        self._admission = admission
        self._reconciler = reconciler
        self._ask = ask
        self._spawn = spawn
        self._on_change = on_change

    def take(self, connection: Connection, entry: Entry, reply: Reply) -> None:
        """Settle the limits by an answer, then the request."""
        context, request = self._context, entry.request
        outcome, spent, readings = reply.outcome, None, reply.readings
        context.round_trips.append(time.monotonic() - entry.sent_at)
        if outcome is _OK:
            spent = request.spec.fixed_spent
            if request.spec.name in context.dialect.tells_limits:
                readings = self._told(request, reply)
        if entry.reservation is not None:
            context.ledger.settle(entry.reservation, readings, context.server_now(), spent)
        context.counters.requests[request.spec.name, outcome._value_] += 1
        if (entry.claimed or entry.reply.done()) and not entry.is_internal:
            context.counters.late += 1
        if outcome is _OK and entry.question is not None and _says_nothing(request, reply):
            self.search(entry)
        elif outcome is _OK and not entry.is_internal:
            if request.spec.kind is _CONNECTION and context.dialect.logs_off(request):
                connection.is_logged_on = False
            # Most likely none of it, and the cheapest first.
            if entry.question is not None and (
                entry.claimed or self._reconciler.is_any_open or entry.reply.cancelled()
            ):
                verdict = Verdict(VerdictKind.EXECUTED, reply.result)
                self._reconciler.answered(entry.question, verdict, is_asked_for=entry.is_abandoned)
            entry.finish(reply.result)
        elif outcome is Outcome.THROTTLED:
            self._on_throttled(entry, reply)
        elif outcome is Outcome.CLOCK and not entry.is_clock_repaired and self._may_repeat(entry):
            self._repair_clock(entry)
        elif entry.is_internal:
            entry.finish(reply)
        else:
            self._on_error(entry, reply)

    def _told(self, request: Request, reply: Reply) -> Sequence[Reading]:
        """Return the counts of an answer whose content is of limits; those without counts are taken here."""
        told = self._context.dialect.limits_told(reply.result)
        if request.spec.name in self._context.dialect.tells_orders:
            return [*reply.readings, *told]
        self._context.ledger.read(told, self._context.server_now())
        return reply.readings

    def search(self, entry: Entry, answer: ApiError | None = None) -> None:
        """Find out what became of a write; its caller waits on, until its own deadline."""
        assert entry.question is not None
        if entry.is_looked_up and entry.is_over and not self._reconciler.knows(entry.question):
            return  # settled so long ago that its verdict is forgotten
        entry.is_looked_up = True
        waiter = None if entry.is_abandoned else entry.reply
        connection = entry.connection
        self._reconciler.open(
            entry.question,
            waiter,
            answer=answer,
            deadline=entry.deadline,
            may_be_answered=connection is not None and entry.key in connection.pending,
        )

    def put_back(self, entry: Entry) -> None:
        """Let a request that had no effect be sent again, before those that came after it."""
        entry.sent = False
        entry.key = None
        entry.connection = None
        entry.reservation = None
        self._admission.room.put_back(entry)

    def end_unsent(self, entry: Entry) -> None:
        """A write whose caller has gone provably never left: it had no effect."""
        assert entry.question is not None
        self._reconciler.answered(entry.question, Verdict(VerdictKind.NOT_EXECUTED), is_asked_for=True)

    def fail_signed(self, connection: Connection, error: ApiError) -> None:
        """The key went: signed reads fail, signed writes may have gone through before it and are settled first."""
        for entry in connection.pending:
            if not entry.request.is_signed or entry.is_internal:
                continue
            assert entry.key is not None
            connection.pending.drop(entry.key)
            if entry.reservation is not None:
                self._context.ledger.forfeit(entry.reservation, self._context.server_now())
            own = type(error)(
                status=error.status,
                code=error.code,
                msg=error.msg,
                method=entry.request.spec.name,
                request_id=entry.key,
                client_order_id=entry.request.client_order_id,
            )
            if entry.question is not None:
                self.search(entry, own)
            else:
                entry.fail(own)

    def _may_repeat(self, entry: Entry) -> bool:
        """Tell whether a request that was refused without effect may be sent again.

        Not after its caller has gone or been told; and not once its outcome is being looked up, since that search
        is for the request as it was first sent, and might call the second one "not executed".
        """
        if entry.is_bound or entry.is_over:
            return False
        return entry.question is None or not self._reconciler.knows(entry.question)

    def _on_error(self, entry: Entry, reply: Reply) -> None:
        error = self._named(entry, reply)
        question = entry.question
        if question is None:
            entry.fail(error)
        elif reply.outcome is Outcome.UNKNOWN:
            self.search(entry, error)
        else:
            verdict = Verdict(VerdictKind.REFUSED, error=error)
            self._reconciler.answered(question, verdict, is_asked_for=entry.is_abandoned)
            entry.fail(error)

    def _named(self, entry: Entry, reply: Reply) -> ApiError:
        error, request = reply.error, entry.request
        assert error is not None
        error.method = request.spec.name
        error.request_id = reply.key
        error.client_order_id = request.client_order_id
        error.args = (f"{request.spec.name}: {error.msg} (status {error.status}, code {error.code})",)
        return error

    def _on_throttled(self, entry: Entry, reply: Reply) -> None:
        """Certainly not executed: everybody holds back, and who waits is sent again."""
        context = self._context
        until = hold_back(context, reply.retry_at, orders_only=reply.is_orders_only)
        if entry.is_bound:
            reply.retry_at = until
            entry.finish(reply)
            return
        error = self._named(entry, reply)
        if isinstance(error, RateLimited):
            error.retry_at = context.local_wall(until)
        waits = entry.on_limit == WAIT and self._may_repeat(entry)
        resumes_at = context.time.monotonic() + until - context.server_now()
        if waits and (context.time.is_manual or resumes_at <= entry.deadline):
            self.put_back(entry)
        elif entry.is_internal:
            entry.finish(reply)
        else:
            if entry.question is not None:
                self._reconciler.answered(entry.question, Verdict(VerdictKind.REFUSED, error=error))
            entry.fail(error)
        self._on_change()

    def _repair_clock(self, entry: Entry) -> None:
        """A refused timestamp: certainly not executed; ask the time and send once more with a new one."""
        self._context.counters.clock_repairs += 1
        entry.is_clock_repaired = True
        entry.sent = False
        entry.reservation = None
        self.unclocked.append(entry)
        if len(self.unclocked) == 1:
            self._spawn(self._resync())

    async def _resync(self) -> None:
        context = self._context
        context.clock.forget()

        async def ask(request: Request) -> Any:
            reply = await self._ask(request)
            if reply.outcome is not Outcome.OK:
                raise Unreachable(str(reply.error), is_passing=True)
            return reply.result

        try:
            await take_sample(context, ask)
        except Unreachable as error:
            log.warning("the exchange would not tell its time: %s", error, extra={"event": "clock_unknown"})
        finally:
            entries, self.unclocked = self.unclocked, []
            for entry in reversed(entries):
                self.put_back(entry)
        self._on_change()


def _says_nothing(request: Request, reply: Reply) -> bool:
    """Tell whether a good answer to a write shows nothing of what was done; None would mean that nothing was sent."""
    return request.spec.is_known and not (isinstance(reply.result, dict | list) and reply.result)
