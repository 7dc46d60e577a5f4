"""The live session on its loop: takes requests in, keeps a connection, hands answers out."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Any

from crypto_ws_sync.engine.admission import Admission
from crypto_ws_sync.engine.clock_sync import take_sample
from crypto_ws_sync.engine.connecting import Connector, Unreachable
from crypto_ws_sync.engine.connection import Connection
from crypto_ws_sync.engine.context import Context
from crypto_ws_sync.engine.reconcile import OutcomeBook, Reconciler
from crypto_ws_sync.engine.requests import RAISE, WAIT, Entry, Sink, unsent_error
from crypto_ws_sync.engine.subscriptions import EventSink, Subscriptions
from crypto_ws_sync.errors import (
    ApiError,
    ConnectionFailed,
    InvalidParameter,
    RateLimited,
    RequestTimeout,
    SessionClosed,
)
from crypto_ws_sync.model.status import LimitUsage, SessionStatus
from crypto_ws_sync.ownership import Owner
from crypto_ws_sync.protocol.dialect import Event, Fault, Notice, NoticeKind, Outcome, Reply
from crypto_ws_sync.protocol.lifecycle import Lifecycle, State
from crypto_ws_sync.protocol.limits import Bucket, Full, Granted
from crypto_ws_sync.protocol.method import Charge, Kind, Request
from crypto_ws_sync.protocol.outcome import Question, Verdict, VerdictKind
from crypto_ws_sync.transport.port import LineLost

__all__ = ["Engine"]

log = logging.getLogger("crypto_ws_sync.engine")

TICK = 0.1
UNANSWERED_WRITE = 2.0
"""Seconds after which a write without an answer is looked up, on a live line too."""
ABANDONED_KEPT = 60.0
"""Seconds for which an answer that nobody waits for any more is still expected."""
PLACEMENTS_KEPT = 1000
_PING = Charge(1)
_PLACEMENT = Charge(1, 1)


class Engine:
    """One run of a session, from `start` to `stop`.

    Owner: loop thread.
    """

    def __init__(self, context: Context, book: OutcomeBook, waiting: dict[Any, None]) -> None:
        self.owner = Owner("the session's engine")
        self._context = context
        self._loop = asyncio.get_running_loop()
        self.owner.claim()
        self._lifecycle = Lifecycle()
        self._admission = Admission(context, self._on_withdrawn)
        self._connector = Connector(context, self, self._make_ready)
        self._book = book
        self._waiting = waiting
        self._reconciler = Reconciler(context, book, self._ask)
        self._subscriptions = Subscriptions(context, lambda: self._admission.connection, self._reply_on)
        self._draining: list[Connection] = []
        self._needed = asyncio.Event()
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._tick: asyncio.TimerHandle | None = None
        self._wake: asyncio.TimerHandle | None = None
        self._keepalive: asyncio.TimerHandle | None = None
        self._unclocked: list[Entry] = []
        self._placing: dict[str, Entry] = {}
        self._is_starting = False
        self._starter: asyncio.Task[Any] | None = None
        self._flushing = False

    # -- life ---------------------------------------------------------------------------------------------------

    async def start(self, timeout: float) -> None:
        """Connect; return once requests can be served.

        Raises:
            ConnectionFailed: No connection could be had within `timeout` seconds.
            ApiError: The exchange refused the log-on.
        """
        self.owner.check()
        self._lifecycle.move(State.CONNECTING)
        self._is_starting = True
        self._starter = asyncio.current_task()
        try:
            connection = await self._connector.connect(is_start=True, deadline=time.monotonic() + timeout)
        finally:
            self._is_starting = False
            self._starter = None
        self._install(connection)
        self._reconciler.resume()
        self._spawn(self._supervise())

    async def stop(self, timeout: float) -> None:
        """End everything: reads and unsent requests at once, sent writes after half of `timeout`."""
        self.owner.check()
        if self._lifecycle.state in (State.STOPPING, State.STOPPED):
            return
        self._lifecycle.move(State.STOPPING)
        for task in [*self._tasks, *([self._starter] if self._starter is not None else [])]:
            task.cancel()
        self._subscriptions.stop()
        self._fail_unsent_and_reads()
        lines = [c.line for c in self._connections()]
        deadline = time.monotonic() + timeout / 2
        while self._sent_writes() and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        for entry in self._sent_writes():
            if entry.question is not None:
                self._search(entry)
        self._reconciler.stop()
        if len(self._book):
            log.warning(
                "stopped with %d writes whose outcome is open: %s",
                len(self._book),
                ", ".join(str(w.question.client_order_id) for w in self._book.open_writes()),
                extra={"event": "left_open"},
            )
        for timer in (self._tick, self._wake, self._keepalive):
            if timer is not None:
                timer.cancel()
        wait = min(1.0, timeout / 4)
        for line in lines:
            line.close(1000, "the session was stopped", wait)
        deadline = time.monotonic() + wait
        while any(line.is_open for line in lines) and time.monotonic() < deadline:
            await asyncio.sleep(0.005)
        for line in lines:
            line.abort("the session was stopped")
        self._lifecycle.move(State.STOPPED)

    async def _supervise(self) -> None:
        """Keep a connection: whenever one is needed, get one."""
        while True:
            await self._needed.wait()
            try:
                connection = await self._connector.connect(is_start=False, deadline=None)
            except (ConnectionFailed, ApiError) as error:
                log.error("cannot reconnect: %s", error, extra={"event": "connect_failed"})
                await asyncio.sleep(1.0)
                continue
            self._install(connection)

    def _install(self, connection: Connection) -> None:
        self._needed.clear()
        if not connection.line.is_open:
            self._needed.set()
            return
        self._admission.connection = connection
        self._lifecycle.move(State.READY)
        log.info("connected to %s", self._context.target.url.split("?")[0], extra={"event": "connected"})
        self._arm_keepalive()
        self._announce()
        self._pump()
        self._subscriptions.on_connected()

    async def _make_ready(self, connection: Connection) -> None:
        """Ask the time, then log on where the key allows it."""
        context = self._context
        await take_sample(context, lambda request: self._ask_on(connection, request))
        try:
            await self._log_on(connection)
        except ApiError as error:
            if isinstance(error, RateLimited) or error.status >= 500:
                raise Unreachable(f"the log-on was not answered: {error}", is_passing=True) from None
            if self._is_starting:
                raise
            self._degrade(error)

    async def _log_on(self, connection: Connection) -> None:
        context = self._context
        handshake = context.dialect.handshake()
        if handshake is None:
            return
        text = handshake.begin(context.clock.timestamp(context.time.monotonic()))
        if text is None:
            return
        context.ledger.spend(Bucket.WEIGHT, handshake.charge_weight, context.server_now())
        connection.handshake = handshake
        connection.ready = self._loop.create_future()
        connection.line.send_text(text)
        connection.line.flush()
        try:
            await connection.ready
        finally:
            connection.handshake = None
            connection.ready = None
        connection.is_logged_on = True
        context.auth_failure = None

    def _degrade(self, error: ApiError) -> None:
        """Serve without the key: signed requests fail at once, others go on."""
        log.warning("the exchange refuses the log-on: %s", error, extra={"event": "degraded"})
        kind, words, status, code, msg = type(error), str(error), error.status, error.code, error.msg
        self._context.auth_failure = lambda: kind(words, status=status, code=code, msg=msg)

    # -- requests -----------------------------------------------------------------------------------------------

    async def submit(self, entry: Entry) -> None:
        """Take one request in; never suspends. The last of those handed over together flushes for all."""
        try:
            self.admit(entry)
        except Exception as error:
            log.exception("a request could not be taken in")
            entry.fail(error)
        finally:
            waiting = self._waiting
            waiting.pop(entry, None)
            if waiting:
                self._flush_soon()
            else:
                self._flush()

    async def submit_many(self, entries: Sequence[Entry]) -> None:
        """Take many requests in, for one flush."""
        for entry in entries:
            try:
                self.admit(entry)
            except Exception as error:
                log.exception("a request could not be taken in")
                entry.fail(error)
            finally:
                self._waiting.pop(entry, None)
        self._flush()

    def admit(self, entry: Entry) -> None:
        """Let one request through the gate."""
        state = self._lifecycle.state
        if state in (State.STOPPING, State.STOPPED):
            entry.fail(SessionClosed("the session was stopped", method=entry.request.method))
            return
        client_order_id = entry.request.client_order_id
        if client_order_id is not None and entry.request.is_write and self._is_taken(client_order_id, entry):
            return
        self._admission.enter(entry)
        self._arm()

    def _flush(self) -> None:
        """Hand over what has gathered on every line."""
        self._flushing = False
        connection = self._admission.connection
        if connection is not None:
            connection.line.flush()

    def _flush_soon(self) -> None:
        """Arm a flush behind the callbacks that are due now."""
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _is_taken(self, client_order_id: str, entry: Entry) -> bool:
        """Refuse a placement under an id that the session has itself in flight or unresolved."""
        if not entry.request.charge.orders:
            return False
        known = self._placing.get(client_order_id)
        if known is None or not self._is_open(known):
            if len(self._placing) >= 2 * PLACEMENTS_KEPT:
                self._placing = {key: old for key, old in self._placing.items() if self._is_open(old)}
            self._placing[client_order_id] = entry
            return False
        entry.fail(
            InvalidParameter(
                f"{entry.request.method}: the client order id {client_order_id!r} is in flight or unresolved "
                "in this session: wait for its outcome, or choose another",
                method=entry.request.method,
                client_order_id=client_order_id,
            )
        )
        return True

    def _is_open(self, entry: Entry) -> bool:
        """Tell whether a placement is under way or its outcome unknown."""
        if not entry.reply.done():
            return True
        if not entry.sent or entry.question is None:
            return False
        write = self._book.find(entry.question)
        if write is not None:
            return write.search.verdict is None
        return entry.is_abandoned and entry.connection is not None and entry in entry.connection.pending

    def _pump(self) -> None:
        self._admission.pump()
        self._flush()
        self._arm()

    def _on_withdrawn(self, entry: Entry) -> None:
        """A caller went away before its request was sent: nothing happened."""
        self._context.counters.requests[entry.request.spec.name, "withdrawn"] += 1

    async def _ask(self, request: Request) -> Reply:
        """Ask something of the engine's own, over whatever connection there is, ahead of new requests."""
        answer: asyncio.Future[Reply] = self._loop.create_future()
        self._admission.enter(Entry(request, answer, float("inf"), WAIT, is_internal=True))
        self._flush()
        self._arm()
        return await answer

    async def _ask_on(self, connection: Connection, request: Request) -> Any:
        """Ask something over one connection, before it serves anybody; return the result."""
        reply = await self._reply_on(connection, request)
        if reply.outcome is not Outcome.OK:
            wait = 0.0
            if reply.outcome is Outcome.THROTTLED and reply.retry_at is not None:
                wait = max(0.0, reply.retry_at - self._context.server_now())
            raise Unreachable(f"the exchange answered {reply.error}", is_passing=True, wait=wait)
        return reply.result

    async def _reply_on(self, connection: Connection, request: Request) -> Reply:
        """Ask something over one connection; return the answer, whatever it says."""
        context = self._context
        verdict = context.ledger.reserve(request.charge, context.server_now())
        if not isinstance(verdict, Granted):
            wait = verdict.until - context.server_now() if isinstance(verdict, Full) else 0.1
            raise Unreachable("the rate limit is used up", is_passing=True, wait=max(0.0, wait))
        answer: asyncio.Future[Reply] = self._loop.create_future()
        entry = Entry(request, answer, float("inf"), RAISE, is_internal=True)
        entry.is_bound = True
        self._admission.send(entry, connection, verdict.reservation)
        connection.line.flush()
        self._arm()
        return await answer

    # -- what connections bring ---------------------------------------------------------------------------------

    def on_reply(self, connection: Connection, entry: Entry, reply: Reply) -> None:
        """Settle the limits by an answer, then the request."""
        context, request = self._context, entry.request
        outcome = reply.outcome
        if entry.reservation is not None:
            spent = None if outcome is not Outcome.OK else request.spec.spent(request.charge)
            context.ledger.settle(entry.reservation, reply.readings, context.server_now(), spent)
        context.counters.requests[request.spec.name, outcome.value] += 1
        if entry.is_abandoned and not entry.is_internal:
            context.counters.late += 1
        if outcome is Outcome.THROTTLED:
            self._on_throttled(entry, reply)
        elif outcome is Outcome.CLOCK and not entry.is_clock_repaired and not entry.is_bound:
            self._repair_clock(entry)
        elif entry.is_internal:
            entry.finish(reply)
        elif outcome is Outcome.OK:
            if request.spec.kind is Kind.CONNECTION and context.dialect.logs_off(request):
                connection.is_logged_on = False
            if entry.question is not None:
                self._reconciler.answered(entry.question, Verdict(VerdictKind.EXECUTED, reply.result))
            entry.finish(reply.result)
        else:
            self._on_error(entry, reply)

    def _on_error(self, entry: Entry, reply: Reply) -> None:
        error = self._named(entry, reply)
        question = entry.question
        if question is None:
            entry.fail(error)
        elif reply.outcome is Outcome.UNKNOWN:
            self._search(entry, error)
        else:
            self._reconciler.answered(question, Verdict(VerdictKind.REFUSED, error=error))
            entry.fail(error)

    def _search(self, entry: Entry, answer: ApiError | None = None) -> None:
        """Find out what became of a write; its caller waits on, until its own deadline."""
        assert entry.question is not None
        waiter = None if entry.is_abandoned else entry.reply
        self._reconciler.open(entry.question, waiter, answer=answer, deadline=entry.deadline)
        self._arm()

    def _named(self, entry: Entry, reply: Reply) -> ApiError:
        error, request = reply.error, entry.request
        assert error is not None
        error.method = request.spec.name
        error.request_id = reply.key
        error.client_order_id = request.client_order_id
        error.args = (f"{request.spec.name}: {error.msg} (status {error.status}, code {error.code})",)
        return error

    def _on_throttled(self, entry: Entry, reply: Reply) -> None:
        """A refusal for too many requests: certainly not executed; everybody holds back, who waits is sent again."""
        context = self._context
        now = context.server_now()
        context.counters.throttled += 1
        bucket = Bucket.ORDERS if reply.is_orders_only else Bucket.WEIGHT
        until = reply.retry_at if reply.retry_at is not None else context.ledger.window_end(bucket, now)
        reason = "too many orders" if reply.is_orders_only else "too many requests"
        context.ledger.ban(until, f"the exchange answered: {reason}", orders_only=reply.is_orders_only)
        log.warning("%s: held back for %.1f s", reason, until - now, extra={"event": "throttled"})
        self._announce()
        if entry.is_bound:
            reply.retry_at = until
            entry.finish(reply)
            return
        error = self._named(entry, reply)
        if isinstance(error, RateLimited):
            error.retry_at = context.local_wall(until)
        waits = entry.on_limit == WAIT and not entry.is_abandoned
        if waits and context.time.monotonic() + (until - now) <= entry.deadline:
            self._put_back(entry)
            self._pump()
        elif entry.is_internal:
            entry.finish(reply)
        else:
            if entry.question is not None:
                self._reconciler.answered(entry.question, Verdict(VerdictKind.REFUSED, error=error))
            entry.fail(error)

    def _put_back(self, entry: Entry) -> None:
        entry.sent = False
        entry.key = None
        entry.connection = None
        entry.reservation = None
        self._admission.room.put_back(entry)

    def _repair_clock(self, entry: Entry) -> None:
        """A refused timestamp: certainly not executed; ask the time and send once more with a new one."""
        self._context.counters.clock_repairs += 1
        entry.is_clock_repaired = True
        self._unclocked.append(entry)
        if len(self._unclocked) == 1:
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
            log.warning("the exchange would not tell its time: %s", error)
        finally:
            entries, self._unclocked = self._unclocked, []
            for entry in reversed(entries):
                self._put_back(entry)
        self._pump()

    def on_stray_reply(self, connection: Connection, reply: Reply) -> None:
        """Count an answer that nobody waits for; its limits still tell something."""
        context = self._context
        context.counters.duplicate = sum(c.pending.duplicate for c in self._connections())
        context.counters.unknown = sum(c.pending.unknown for c in self._connections())
        context.ledger.read(reply.readings, context.server_now())

    def on_event(self, connection: Connection, event: Event) -> None:
        """Let an event settle what it can, and hand it on."""
        self._context.counters.events += 1
        self._reconciler.told(event.body)
        self._subscriptions.on_event(connection, event)

    def on_notice(self, connection: Connection, notice: Notice) -> None:
        """The exchange is about to end this connection: let it finish, and get another."""
        if notice.kind is NoticeKind.SHUTDOWN:
            self._retire(connection, "server shutdown")

    def on_fault(self, connection: Connection, fault: Fault) -> None:
        """The key went: signed reads fail, signed writes are settled first, and the log-on is tried once more."""
        if fault.outcome is not Outcome.AUTH:
            log.warning("the exchange reports: %s", fault.error)
            return
        log.warning("the exchange no longer knows the key: %s", fault.error, extra={"event": "key_gone"})
        for entry in connection.pending:
            if not entry.request.is_signed or entry.is_internal:
                continue
            assert entry.key is not None
            connection.pending.drop(entry.key)
            if entry.reservation is not None:
                self._context.ledger.forfeit(entry.reservation, self._context.server_now())
            error = type(fault.error)(
                status=fault.error.status,
                code=fault.error.code,
                msg=fault.error.msg,
                method=entry.request.spec.name,
                request_id=entry.key,
                client_order_id=entry.request.client_order_id,
            )
            if entry.question is not None:
                self._search(entry, error)
            else:
                entry.fail(error)
        if connection.is_logged_on:
            connection.is_logged_on = False
            self._retire(connection, "key gone")

    def on_ignored(self, connection: Connection, why: str) -> None:
        """Count a text that means nothing."""
        self._context.counters.ignored += 1
        log.debug("ignored a text: %s", why)

    def on_handshake_text(self, connection: Connection, text: str) -> None:
        """Feed the log-on."""
        handshake, ready, context = connection.handshake, connection.ready, self._context
        if handshake is None or ready is None or ready.done():
            return
        try:
            more = handshake.feed(text, context.clock.timestamp(context.time.monotonic()))
        except ApiError as error:
            ready.set_exception(error)
            return
        if more is not None:
            connection.line.send_text(more)
            connection.line.flush()
        elif handshake.is_done:
            ready.set_result(None)

    def on_read(self, connection: Connection) -> None:
        """Room may have come free."""
        if self._admission.room:
            self._pump()

    def on_lost(self, connection: Connection, lost: LineLost) -> None:
        """Sort what was in flight: unsent and reads wait for the next connection, writes are looked up."""
        context = self._context
        handed = connection.line.handed_over()
        if connection.ready is not None and not connection.ready.done():
            connection.ready.set_exception(
                Unreachable(f"the connection ended: {lost.reason}", is_passing=True)
            )
        again = []
        for entry in connection.pending.take_all():
            left = entry.end_offset <= handed
            if entry.reservation is not None:
                if left:
                    context.ledger.forfeit(entry.reservation, context.server_now())
                else:
                    context.ledger.release(entry.reservation)
            if entry.is_bound:
                entry.fail(Unreachable(f"the connection ended: {lost.reason}", is_passing=True))
            elif left and entry.question is not None:
                self._search(entry)
            elif not entry.is_abandoned or entry.is_internal:
                again.append(entry)
        for entry in reversed(again):
            self._put_back(entry)
        if connection in self._draining:
            self._draining.remove(connection)
        elif connection is self._admission.connection:
            cause = str(lost.code)
            context.counters.reconnects[cause] += 1
            log.info("the connection ended (%s): %s", lost.code, lost.reason, extra={"event": "lost"})
            self._part_from_current()
        self._subscriptions.on_lost(connection, lost)
        self._fail_if_stopping(again)

    def _fail_if_stopping(self, entries: Sequence[Entry]) -> None:
        if self._lifecycle.state in (State.STOPPING, State.STOPPED):
            for entry in entries:
                entry.fail(SessionClosed("the session was stopped", method=entry.request.method))

    def _retire(self, connection: Connection, cause: str) -> None:
        """Let a connection finish what it has in flight, and get another for what comes."""
        if connection is self._admission.connection:
            self._context.counters.reconnects[cause] += 1
            self._draining.append(connection)
            log.info("replacing the connection: %s", cause, extra={"event": "retired"})
            self._part_from_current()
            self._arm()

    def _part_from_current(self) -> None:
        self._admission.connection = None
        if self._lifecycle.state is State.READY:
            self._lifecycle.move(State.RECONNECTING)
            self._needed.set()
        self._announce()
        self._arm()

    # -- time ---------------------------------------------------------------------------------------------------

    def _arm(self) -> None:
        """Arm the tick while the tables hold something, and the timer for a window's end."""
        admission = self._admission
        if self._tick is None and (admission.room or self._is_anything_in_flight() or len(self._book)):
            self._tick = self._loop.call_later(TICK, self._on_tick)
        if admission.wake_at is not None and self._wake is None and not self._context.time.is_manual:
            wait = max(0.0, admission.wake_at - self._context.time.monotonic())
            self._wake = self._loop.call_later(wait, self._on_wake)

    def _on_wake(self) -> None:
        self._wake = None
        self._announce()
        self._pump()

    def _on_tick(self) -> None:
        self._tick = None
        now = time.monotonic()
        self._end_waiting(now)
        self._reconciler.expire(now)
        for connection in self._connections():
            connection.check(now, self._end_in_flight(connection, now))
        for connection in list(self._draining):
            if not len(connection.pending) and not self._subscriptions.holds(connection):
                connection.line.close(1000, "replaced", 1.0)
        self._pump()

    def _end_waiting(self, now: float) -> None:
        gone = []
        for entry in self._admission.room:
            if entry.is_abandoned:
                gone.append(entry)
                self._on_withdrawn(entry)
            elif now >= entry.deadline:
                gone.append(entry)
                offset = self._context.time.wall() - self._context.server_now()
                entry.fail(unsent_error(entry, self._admission.connection is not None, offset))
        self._admission.room.discard(gone)

    def _end_in_flight(self, connection: Connection, now: float) -> float | None:
        """End what nobody waits for; return since when the oldest wanted answer is due."""
        oldest: float | None = None
        for entry in connection.pending:
            question, age = entry.question, now - entry.sent_at
            if entry.is_abandoned:
                if question is not None and self._book.find(question) is None:
                    self._reconciler.open(question, None)
                if age > ABANDONED_KEPT and entry.key is not None:
                    connection.pending.drop(entry.key)
                    if entry.reservation is not None:
                        self._context.ledger.forfeit(entry.reservation, self._context.server_now())
                continue
            if oldest is None or entry.sent_at < oldest:
                oldest = entry.sent_at
            if now >= entry.deadline:
                self._end_late(entry)
            elif question is not None and age >= UNANSWERED_WRITE and self._book.find(question) is None:
                self._search(entry)
        return oldest

    def _end_late(self, entry: Entry) -> None:
        entry.claimed = True
        if entry.question is not None:
            self._reconciler.open(entry.question, None)
            entry.fail(self._reconciler.unknown(entry.question))
        else:
            entry.fail(
                RequestTimeout(
                    f"{entry.request.method} was not answered in time",
                    method=entry.request.method,
                    request_id=entry.key,
                )
            )

    def _arm_keepalive(self) -> None:
        connection = self._admission.connection
        if self._keepalive is not None:
            self._keepalive.cancel()
        if connection is not None:
            now = time.monotonic()
            wait = max(0.0, connection.next_check(now) - now)
            self._keepalive = self._loop.call_later(wait, self._on_keepalive)

    def _on_keepalive(self) -> None:
        connection, now = self._admission.connection, time.monotonic()
        if connection is None:
            return
        if now - connection.opened_at >= self._context.dialect.policy.maximum_age:
            self._retire(connection, "age")
            return
        connection.check(now, None)
        self._arm_keepalive()

    # -- what others ask ----------------------------------------------------------------------------------------

    async def open_questions(self) -> list[Question]:
        """Return the writes whose outcome is open, oldest first."""
        return [write.question for write in self._book.open_writes()]

    @property
    def is_connected(self) -> bool:
        """Whether a connection serves requests; may be asked from any thread."""
        return self._admission.connection is not None

    async def open_stream(self, stream: EventSink, timeout: float) -> None:
        """Return once a stream hears the account's events; see `Subscriptions.open`."""
        self.owner.check()
        await self._subscriptions.open(stream, timeout)

    async def close_stream(self, stream: EventSink) -> None:
        """Let a stream hear nothing more."""
        self.owner.check()
        await self._subscriptions.close(stream)

    def let_go(self) -> None:
        """End every stream and every line at once: the loop is about to close."""
        self._subscriptions.stop()
        for connection in self._connections():
            connection.line.abort("the session was left")

    def forsake(self) -> None:
        """In a forked child: let go of the sockets, which are the parent's, and of nothing else."""
        for connection in self._connections():
            connection.line.forsake()

    async def resolve(self, question: Question, waiter: Sink) -> None:
        """Give `waiter` what the write's call would have had, once it is known."""
        self._reconciler.open(question, waiter)
        self._arm()

    async def wait_operational(self, orders: bool, deadline: float) -> bool:
        """Wait until requests (or orders) would be served; False when the deadline comes first."""
        while not self.is_operational(orders=orders):
            self._changed.clear()
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            until = self._context.ledger.held_until(
                _PLACEMENT if orders else _PING, self._context.server_now()
            )
            pause = max(0.0, until - self._context.server_now()) if until else 1.0
            pause = 0.02 if self._context.time.is_manual else min(pause + 0.002, 1.0)
            try:
                await asyncio.wait_for(self._changed.wait(), min(left, pause))
            except asyncio.TimeoutError:
                continue
        return True

    def is_operational(self, *, orders: bool = False) -> bool:
        """Tell whether a request (or an order) would be sent now; may be called from any thread."""
        context = self._context
        if self._admission.connection is None:
            return False
        if orders and context.auth_failure is not None:
            return False
        return not context.ledger.held_until(_PLACEMENT if orders else _PING, context.server_now())

    async def status(self) -> SessionStatus:
        """Return one look at everything."""
        context, counters = self._context, self._context.counters
        connection, now = self._admission.connection, context.server_now()
        full = context.ledger.look(_PING, now)
        held = full if isinstance(full, Full) else None
        monotonic = context.time.monotonic()
        degraded = str(context.auth_failure()) if context.auth_failure is not None else None
        return SessionStatus(
            state=self._lifecycle.state.value,
            endpoint=context.target.url.split("?")[0],
            operational=self.is_operational(),
            order_handling=self.is_operational(orders=True),
            logged_on=connection is not None and connection.is_logged_on,
            degraded=degraded,
            connection_age=time.monotonic() - connection.opened_at if connection is not None else None,
            in_flight=sum(len(c.pending) for c in self._connections()),
            waiting=len(self._admission.room),
            unresolved=len(self._book),
            out_of_service=held.reason if held else None,
            retry_at=context.local_wall(held.until) if held else None,
            clock_offset=now - context.time.wall() if context.clock.is_synchronised else None,
            clock_error=context.clock.error(monotonic) if context.clock.is_synchronised else None,
            limits=tuple(
                LimitUsage(u.bucket, u.seconds, u.used, u.limit, context.local_wall(u.resets_at))
                for u in context.ledger.usage(now)
            ),
            reconnects=dict(counters.reconnects),
            requests={f"{method} {outcome}": n for (method, outcome), n in counters.requests.items()},
            counters={
                "late": counters.late,
                "duplicate": counters.duplicate,
                "unknown": counters.unknown,
                "ignored": counters.ignored,
                "lookups": counters.lookups,
                "clock_repairs": counters.clock_repairs,
                "throttled": counters.throttled,
                "events": counters.events,
            },
        )

    # -- small steps --------------------------------------------------------------------------------------------

    def _connections(self) -> list[Connection]:
        current = self._admission.connection
        return [*self._draining, current] if current is not None else list(self._draining)

    def _is_anything_in_flight(self) -> bool:
        current = self._admission.connection
        return bool(self._draining) or (current is not None and len(current.pending) > 0)

    def _sent_writes(self) -> list[Entry]:
        return [
            entry
            for connection in self._connections()
            for entry in connection.pending
            if entry.question is not None and not entry.is_abandoned
        ]

    def _fail_unsent_and_reads(self) -> None:
        self._fail_if_stopping(list(self._admission.room))
        self._fail_if_stopping(self._unclocked)
        self._admission.room.discard(list(self._admission.room))
        for connection in self._connections():
            reads = [entry for entry in connection.pending if entry.question is None]
            self._fail_if_stopping(reads)
            for entry in reads:
                if entry.key is not None:
                    connection.pending.drop(entry.key)

    def _announce(self) -> None:
        self._changed.set()

    def _spawn(self, coroutine: Any) -> None:
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._on_task_done)

    def _on_task_done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("the engine failed", exc_info=task.exception(), extra={"event": "engine_failed"})
