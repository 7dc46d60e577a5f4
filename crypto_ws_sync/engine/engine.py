"""The live session on its loop: takes requests in, keeps a connection, hands answers out."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from crypto_ws_sync.engine.admission import Admission
from crypto_ws_sync.engine.answers import Answers
from crypto_ws_sync.engine.clock_sync import ClockKeeper
from crypto_ws_sync.engine.connecting import Connector, Unreachable
from crypto_ws_sync.engine.connection import Connection
from crypto_ws_sync.engine.context import MANUAL_LOOK, Context
from crypto_ws_sync.engine.deadlines import Deadlines
from crypto_ws_sync.engine.ending import Ending, fail_closed
from crypto_ws_sync.engine.outcome_book import OutcomeBook
from crypto_ws_sync.engine.placements import Placements
from crypto_ws_sync.engine.readying import Readiness
from crypto_ws_sync.engine.reconcile import Reconciler
from crypto_ws_sync.engine.requests import WAIT, Entry, Inbox, Sink
from crypto_ws_sync.engine.rotation import Rotation
from crypto_ws_sync.engine.subscriptions import EventSink, Subscriptions
from crypto_ws_sync.engine.throttling import hold_back
from crypto_ws_sync.errors import OutOfService, RateLimited, SessionClosed
from crypto_ws_sync.ownership import Owner
from crypto_ws_sync.protocol.dialect import Event, Fault, Notice, NoticeKind, Outcome, Reply
from crypto_ws_sync.protocol.lifecycle import Lifecycle, State
from crypto_ws_sync.protocol.method import Charge, Request
from crypto_ws_sync.protocol.outcome import Question
from crypto_ws_sync.transport.port import LineLost

if TYPE_CHECKING:
    from crypto_ws_sync.model.status import SessionStatus

__all__ = ["Engine"]

log = logging.getLogger("crypto_ws_sync.engine")

TAKEN_AT_ONCE = 1000
FIRST_SENT, GROWTH = 8, 3
"""Of many that are taken in together so many are sent at once, then so many times as many, and so on: the exchange has
the first to work on while the others are composed. 32 in one hand-over take 0.85 of the time."""
_PING = Charge(1)
_PLACEMENT = Charge(1, 1)
_ENDED = (State.STOPPING, State.STOPPED)


class Engine:
    """One run of a session, from `start` to `stop`.

    Owner: loop thread.
    """

    def __init__(self, context: Context, book: OutcomeBook, inbox: Inbox) -> None:
        self.owner = Owner("the session's engine")
        self.owner.claim()
        self._context = context
        self._book = book
        self._inbox = inbox
        self._loop = asyncio.get_running_loop()
        self._lifecycle = Lifecycle()
        self._writes_end_at = math.inf
        self._stopped = asyncio.Event()
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._starter: asyncio.Task[Any] | None = None
        self._placements = Placements(book)
        context.ledger.join()
        admission = self._admission = Admission(context, self._on_withdrawn)
        self._readiness = Readiness(context, admission)
        self._reconciler = Reconciler(context, book, self._ask)
        self._answers = Answers(
            context, admission, self._reconciler, ask=self._ask, spawn=self._spawn, on_change=self._on_change
        )
        connector = Connector(context, self, self._readiness.make_ready)
        self._subscriptions = Subscriptions(context, lambda: admission.connection, self._reply_on)
        self._rotation = Rotation(
            context,
            admission,
            connector,
            self._lifecycle,
            is_held=self._subscriptions.holds,
            on_change=self._on_change,
            on_installed=self._on_installed,
        )
        self._clock_keeper = ClockKeeper(context, self._result_of, self._on_drift)
        self._deadlines = Deadlines(
            context,
            admission,
            self._rotation,
            self._answers,
            self._reconciler,
            book,
            on_change=self._on_change,
            on_withdrawn=self._on_withdrawn,
        )
        self._ending = Ending(
            context, admission, self._rotation, self._answers, self._reconciler, self._deadlines, book
        )

    # -- life -------------------------------------------------------------------------------------------

    async def start(self, timeout: float) -> None:
        """Connect; return once requests can be served.

        Raises:
            ConnectionFailed: No connection could be had within `timeout` seconds.
            ApiError: The exchange refused the log-on.
        """
        self.owner.check()
        self._lifecycle.move(State.CONNECTING)
        self._starter = asyncio.current_task()
        self._readiness.is_starting = True
        try:
            await self._rotation.start(timeout)
        finally:
            self._readiness.is_starting = False
            self._starter = None
        if self._lifecycle.state in _ENDED:
            raise SessionClosed("the session was stopped while it was starting")
        self._reconciler.resume()
        self._spawn(self._rotation.supervise())
        self._spawn(self._clock_keeper.keep())

    async def stop(self, timeout: float) -> None:
        """End everything: reads and unsent requests at once, sent writes after half of `timeout`."""
        self.owner.check()
        self._writes_end_at = min(self._writes_end_at, time.monotonic() + timeout / 2)
        if self._lifecycle.state in _ENDED:
            # Another thread's stop is under way: it ends by the shorter of the two limits, and is not cut short.
            await self._stopped.wait()
            return
        self._lifecycle.move(State.STOPPING)
        for task in [*self._tasks, *([self._starter] if self._starter is not None else [])]:
            task.cancel()
        self._subscriptions.stop()
        self._deadlines.look_up_abandoned()
        self._ending.fail_unsent_and_reads()
        self._context.ledger.leave_lines()
        lines = [connection.line for connection in self._rotation.connections()]
        while self._ending.sent_writes() and time.monotonic() < self._writes_end_at:
            await asyncio.sleep(0.01)
        self._ending.end_writes()
        self._ending.warn_of_open_writes()
        wait = min(1.0, timeout / 4)
        for line in lines:
            line.close(1000, "the session was stopped", wait)
        deadline = time.monotonic() + wait
        while any(line.is_open for line in lines) and time.monotonic() < deadline:
            await asyncio.sleep(0.005)
        for line in lines:
            line.abort("the session was stopped")
        self._lifecycle.move(State.STOPPED)
        self._stopped.set()
        log.info("stopped", extra={"event": "stopped"})

    def on_room(self) -> None:
        """It is this session's turn at a ledger that it shares."""
        if self._lifecycle.state not in _ENDED:
            self._on_change()

    def on_time(self) -> None:
        """The manual clock was moved."""
        if self._lifecycle.state not in _ENDED:
            self._context.time.moved()
            self._on_change()

    def let_go(self, *, tells_callers: bool = True) -> None:
        """End everything at once: the loop is about to close, and would leave the rest pending for ever."""
        self._subscriptions.stop()
        if tells_callers and self._lifecycle.state is not State.STOPPED:
            if self._lifecycle.state is not State.STOPPING:
                self._lifecycle.move(State.STOPPING)
            self._ending.fail_unsent_and_reads()
            self._ending.end_writes()
        for connection in self._rotation.connections():
            connection.line.abort("the session was left")

    def forsake(self) -> None:
        """In a forked child: let go of the sockets, which are the parent's, and of nothing else."""
        self._rotation.forsake()

    # -- requests ---------------------------------------------------------------------------------------

    def take_in(self) -> None:
        """Take in what callers have handed over, and send it in one go or, where it is much, in a few."""
        inbox = self._inbox
        inbox.is_armed = False
        entries, enter = inbox.entries, self._admission.enter
        due = FIRST_SENT
        # Callers may go on appending; beyond this many, those that came first should not wait for them.
        for number in range(1, TAKEN_AT_ONCE + 1):
            if not entries:
                break
            entry = entries.popleft()
            try:
                if self._lifecycle.state in _ENDED:
                    entry.fail(SessionClosed("the session was stopped", method=entry.request.method))
                elif not entry.request.charge.orders or self._placements.takes(entry):
                    enter(entry)
            except Exception as error:
                log.exception("a request could not be taken in", extra={"event": "engine_failed"})
                entry.fail(error)
            if number == due:
                due *= GROWTH
                self._flush()
        self._flush()
        self._deadlines.arm()
        if entries and not inbox.is_armed:
            inbox.is_armed = True
            self._loop.call_soon(self.take_in)

    def _flush(self) -> None:
        """Hand over what has gathered."""
        connection = self._admission.connection
        if connection is not None:
            connection.line.flush()

    def _on_withdrawn(self, entry: Entry) -> None:
        """A caller went away before its request was sent: nothing happened."""
        self._context.counters.requests[entry.request.spec.name, "withdrawn"] += 1

    async def _ask(self, request: Request) -> Reply:
        """Ask something of the engine's own, over whatever connection there is, ahead of new requests."""
        answer: asyncio.Future[Reply] = self._loop.create_future()
        self._admission.enter(Entry(request, answer, float("inf"), WAIT, is_internal=True))
        self._flush()
        self._deadlines.arm()
        try:
            return await answer
        except OutOfService as held:
            # It waits for every window, so this is one that has no room for it however long it waits.
            error = RateLimited(str(held), status=429, msg=held.reason or "", method=request.method)
            return Reply(0, Outcome.THROTTLED, None, error)

    async def _reply_on(self, connection: Connection, request: Request) -> Reply:
        """Ask something of the engine's own over one connection."""
        self._loop.call_soon(self._deadlines.arm)
        return await self._readiness.reply_on(connection, request)

    async def _result_of(self, request: Request) -> Any:
        """Ask something of the engine's own; return the result.

        Raises:
            Unreachable: The exchange refused.
        """
        reply = await self._ask(request)
        if reply.outcome is not Outcome.OK:
            raise Unreachable(str(reply.error), is_passing=True)
        return reply.result

    def _on_drift(self) -> None:
        """This machine seems to have slept: see at once whether the line still lives."""
        if self._admission.connection is not None:
            self._admission.connection.ping()

    def _on_installed(self) -> None:
        """Another connection serves: what was lost with the one before leaves the order counts in doubt."""
        self._subscriptions.on_connected()
        context = self._context
        request = context.dialect.order_counts_request() if context.has_placed else None
        if request is None or context.auth_failure is not None:
            return
        if context.ledger.look(request.charge, context.server_now()) is None:
            self._spawn(self._read_order_counts(request))

    async def _read_order_counts(self, request: Request) -> None:
        # The answer is read for its counts wherever it comes.
        await self._ask(request)

    # -- what connections bring -------------------------------------------------------------------------

    def on_reply(self, connection: Connection, entry: Entry, reply: Reply) -> None:
        """Settle a request by its answer."""
        wakes = self._context.wakes
        if wakes.held is None:
            wakes.held = []
        self._answers.take(connection, entry, reply)
        if entry.request.charge.orders:
            self._placements.answered(entry, reply)

    def on_stray_reply(self, connection: Connection, reply: Reply) -> None:
        """Count an answer that nobody waits for; its limits still tell something."""
        context = self._context
        context.ledger.read(reply.readings, context.server_now())
        if not connection.pending.has_settled(reply.key):
            context.counters.unknown += 1
            return
        context.counters.duplicate += 1
        if reply.outcome is Outcome.THROTTLED:
            hold_back(context, reply.retry_at, orders_only=reply.is_orders_only)
            self._on_change()

    def on_event(self, connection: Connection, event: Event) -> None:
        """Let an event settle what it can, and hand it on."""
        self._context.counters.events += 1
        self._reconciler.told(event.body)
        self._subscriptions.on_event(connection, event)

    def on_notice(self, connection: Connection, notice: Notice) -> None:
        """The exchange is about to end this connection: have another first."""
        if notice.kind is NoticeKind.SHUTDOWN:
            self._rotation.retire(connection, "server shutdown")

    def on_fault(self, connection: Connection, fault: Fault) -> None:
        """The key went: fail or settle what was signed, and log on once more on another connection."""
        if fault.outcome is Outcome.THROTTLED:
            hold_back(self._context, fault.retry_at, orders_only=False)
            self._on_change()
            return
        if fault.outcome is not Outcome.AUTH:
            log.warning("the exchange reports: %s", fault.error, extra={"event": "exchange_error"})
            return
        log.warning("the exchange no longer knows the key: %s", fault.error, extra={"event": "key_gone"})
        self._answers.fail_signed(connection, fault.error)
        if connection.is_logged_on:
            connection.is_logged_on = False
            self._rotation.retire(connection, "key gone")

    def on_ignored(self, connection: Connection, why: str) -> None:
        """Count a text that means nothing."""
        self._context.counters.ignored += 1
        log.debug("ignored a text: %s", why)

    def on_handshake_text(self, connection: Connection, text: str) -> None:
        """Feed the log-on."""
        self._readiness.on_handshake_text(connection, text)

    def on_silent(self, connection: Connection) -> None:
        """A line stays silent with requests unanswered."""
        self._rotation.suspect(connection)

    def on_read(self, connection: Connection) -> None:
        """A turn of reading is over: room may have come free, and whoever was answered may wake."""
        if self._admission.room.waiting:
            self._pump()
        wakes = self._context.wakes
        if wakes.held is not None:
            wakes.end()

    def on_lost(self, connection: Connection, lost: LineLost) -> None:
        """Sort what was in flight: unsent and reads wait for the next connection, writes are looked up."""
        self._context.wakes.end()
        context = self._context
        handed = connection.line.handed_over()
        gone = Unreachable(f"the connection ended: {lost.reason}", is_passing=True)
        if connection.ready is not None and not connection.ready.done():
            connection.ready.set_exception(gone)
        again = []
        for entry in connection.pending.take_all():
            has_left = entry.end_offset <= handed
            if entry.reservation is not None:
                if has_left:
                    context.ledger.forfeit(entry.reservation, context.server_now())
                else:
                    context.ledger.release(entry.reservation)
            if entry.is_bound:
                entry.fail(gone)
            elif has_left and entry.question is not None:
                context.counters.requests[entry.request.spec.name, "lost"] += 1
                self._answers.search(entry)
                entry.connection = None  # whoever keeps the entry must not keep all that its connection holds
            elif not entry.is_over:
                again.append(entry)
            elif entry.question is not None:
                self._answers.end_unsent(entry)
            else:
                context.counters.requests[entry.request.spec.name, "lost"] += 1
        for entry in reversed(again):
            self._answers.put_back(entry)
        self._rotation.left(connection, lost)
        self._subscriptions.on_lost(connection, lost)
        if self._lifecycle.state in _ENDED:
            fail_closed(again)
        self._deadlines.arm()

    # -- what others ask --------------------------------------------------------------------------------

    async def open_stream(self, stream: EventSink, timeout: float) -> None:
        """Return once a stream hears the account's events; see `Subscriptions.open`."""
        self.owner.check()
        await self._subscriptions.open(stream, timeout)

    async def close_stream(self, stream: EventSink) -> None:
        """Let a stream hear nothing more."""
        self.owner.check()
        await self._subscriptions.close(stream)

    async def open_questions(self) -> list[Question]:
        """Return the writes whose outcome is open, oldest first."""
        self._deadlines.look_up_abandoned()
        return [write.question for write in self._book.open_writes()]

    async def resolve(self, question: Question, waiter: Sink) -> None:
        """Give `waiter` what the write's call would have had, once it is known."""
        self._reconciler.open(question, waiter)
        self._deadlines.arm()

    def take_up(self, question: Question) -> None:
        """Look up a write that an earlier program left open.

        Raises:
            InvalidParameter: Its parameters do not allow to ask for it.
        """
        self.owner.check()
        self._reconciler.open(question, None)
        self._deadlines.arm()

    async def wait_operational(self, orders: bool, deadline: float) -> bool:
        """Wait until requests (or orders) would be served; False when the deadline comes first."""
        context, charge = self._context, _PLACEMENT if orders else _PING
        if orders and not context.dialect.has_key:
            return False
        while not self.is_operational(orders=orders):
            self._changed.clear()
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            until = context.ledger.held_until(charge, context.server_now())
            pause = max(0.0, until - context.server_now()) if until else 1.0
            pause = MANUAL_LOOK if context.time.is_manual else min(pause + 0.002, 1.0)
            try:
                await asyncio.wait_for(self._changed.wait(), min(left, pause))
            except asyncio.TimeoutError:
                continue
        return True

    @property
    def is_connected(self) -> bool:
        """Whether a connection serves requests; may be asked from any thread."""
        return self._admission.connection is not None

    def is_operational(self, *, orders: bool = False) -> bool:
        """Tell whether a request (or an order) would be sent now; may be called from any thread."""
        context = self._context
        if self._admission.connection is None or (orders and not self._may_sign()):
            return False
        return not context.ledger.held_until(_PLACEMENT if orders else _PING, context.server_now())

    def _may_sign(self) -> bool:
        return self._context.dialect.has_key and self._context.auth_failure is None

    async def status(self) -> SessionStatus:
        """Return one look at everything."""
        # Whoever asks has loaded it.
        from crypto_ws_sync.engine.report import report

        return report(
            self._context,
            self._lifecycle.state,
            self._admission,
            self._rotation,
            open_writes=len(self._book),
            is_operational=self.is_operational(),
            handles_orders=self.is_operational(orders=True),
        )

    # -- small steps ------------------------------------------------------------------------------------

    def _on_change(self) -> None:
        """Something came free: a connection, room in a window, a verdict."""
        self._changed.set()
        self._pump()

    def _pump(self) -> None:
        self._admission.pump()
        self._flush()
        self._deadlines.arm()

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._on_task_done)

    def _on_task_done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("the engine failed", exc_info=task.exception(), extra={"event": "engine_failed"})
