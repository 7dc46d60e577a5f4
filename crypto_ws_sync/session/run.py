"""One run of a session, from start to stop: its thread, its engine, and the hand-over to them."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from crypto_ws_sync.bridge.asking import Asking
from crypto_ws_sync.bridge.loop_thread import LONGEST_WAIT, LoopThread, wait_done
from crypto_ws_sync.bridge.reply import CallbackThread, OneAnswer
from crypto_ws_sync.bridge.seat import Seats
from crypto_ws_sync.bridge.signing_thread import SigningThread
from crypto_ws_sync.engine.context import Context
from crypto_ws_sync.engine.engine import Engine
from crypto_ws_sync.engine.outcome_book import OutcomeBook
from crypto_ws_sync.engine.requests import Entry, Inbox, unsent_error
from crypto_ws_sync.errors import (
    ConnectionFailed,
    CryptoWSError,
    OutcomeUnknown,
    RequestTimeout,
    SessionClosed,
)
from crypto_ws_sync.exchanges.binance.client_ids import FreshIds
from crypto_ws_sync.model.log_events import guard_loggers

__all__ = ["Run"]

LATER = "crypto_ws_sync.exchanges.binance.evidence"
"""What a lost answer needs. It is there before anybody can send anything, and not loaded when it is needed: then the
process may have no file descriptor left for it, or another version's files, or be in the middle of loading it below a
signal's handler."""
RETRYING = "tenacity"
"""What a second try to connect needs, which takes a quarter as long to load as the session itself; so it is loaded
while there is time to wait for the exchange, else for that second try. A first try needs none of it, so a session that
cannot load it reconnects all the same, a try a second."""
NEAREST, NEAR = 0.005, 0.05
"""Seconds for which the exchange is awaited before the one, or the other, is loaded. Loading takes turns with whoever
connects: beside each other they take longer than one after the other, unless there is time to wait for the network."""

_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""What the system says when it lets no more files be opened. (What a signal's handler raises has no number.)"""

AT_EXIT = 0.5
"""Seconds for which the end of a program that has not stopped its session waits for the loop."""
_SHOWN = 100
"""Writes of a batch that an interrupt names."""


class Run:
    """One run of a session.

    Owner: shared; what is mutable is set by `start` before anybody else sees it.
    """

    def __init__(
        self, make_context: Callable[[Callable[[], None]], Context], book: OutcomeBook, name: str
    ) -> None:
        guard_loggers()
        self.engine: Engine | None = None
        self.begun: Future[None] = Future()
        """Done when `start` has ended, one way or the other."""
        self.callbacks = CallbackThread(f"{name} callbacks")
        self.inbox = Inbox()
        self.seats = Seats()
        # Those of this run, which a forked child never goes on with.
        self.new_id = FreshIds(os.urandom)
        try:
            self.door = LoopThread(
                name,
                on_ring=self._take_in,
                at_fork=self._forsake,
                at_end=self._let_go,
                on_closed=self._on_closed,
            )
        except OSError as error:
            raise ConnectionFailed(f"the session's loop cannot be made: {error}") from error
        self.signing = SigningThread(f"{name} signing", self.door.call)
        self.context = make_context(self._on_room)
        self.context.offload = self.signing.offload
        self.wakes = self.context.wakes
        self.ask = Asking(self.door, self.wakes).ask
        self._book = book
        self.is_stopping = False
        """`stop` was called, and may not have come to its end."""
        self._is_program_over = False
        self._forget_clock: Callable[[], None] = lambda: None
        self._is_time_told = False

    # -- life ---------------------------------------------------------------------------------------------------

    def start(self, timeout: float) -> None:
        """Start the thread and connect; on failure nothing is left running.

        Raises:
            ConnectionFailed: No connection within `timeout` seconds.
            SessionClosed: `stop` was called meanwhile.
        """
        try:
            try:
                self.door.start()
            except RuntimeError as refusal:
                # No more threads may begin.
                raise ConnectionFailed(f"the session's thread cannot be started: {refusal}") from refusal
            self._forget_clock = self.context.time.on_move(self._on_time)
            started = self.door.submit(self._begin(timeout))
            began = time.monotonic()
            is_there = wait_done(started, min(NEAREST, timeout))
            import_module(LATER)
            if not is_there and not wait_done(started, min(NEAR, timeout)):
                import_module(RETRYING)
            # The engine keeps the limit itself; a little more is left for it to say why.
            if not wait_done(started, max(0.0, began + timeout + 1.0 - time.monotonic())):
                host = urlsplit(self.context.target.url).hostname
                raise ConnectionFailed(f"no connection with {host} within {timeout:.1f} s")
            if started.cancelled():
                raise SessionClosed("the session was stopped while it was starting")
            error = started.exception()
            if error is not None:
                raise error
        except BaseException as error:
            self.stop(1.0)
            if isinstance(error, OSError) and error.errno in _NO_ROOM:
                # As any other reason for which there is no session; a module could not be read.
                raise ConnectionFailed(f"the session cannot be started: {error}") from error
            raise

    async def _begin(self, timeout: float) -> None:
        self.engine = engine = Engine(self.context, self._book, self.inbox)
        await engine.start(timeout)

    def stop(self, timeout: float) -> None:
        """End everything within `timeout` seconds or little more."""
        self.is_stopping = True
        engine, door = self.engine, self.door
        if door.is_forked:
            return
        deadline = time.monotonic() + timeout
        try:
            if engine is not None and not door.is_closed:
                wait_done(door.submit(engine.stop(timeout)), timeout + 1.0)
        except SessionClosed:
            pass
        except BaseException:
            # An impatient Ctrl-C: end now, and wait for nothing.
            door.signal_stop()
            raise
        door.stop(max(0.5, deadline - time.monotonic()))
        self.signing.stop(0.5)
        self.callbacks.stop(0.5)

    def abandon(self) -> None:
        """Signal the end: the session was forgotten, which is waited for by nobody, or the program ends."""
        if self.door.is_forked:
            return
        # At the end of the program nobody is told: threads that still wait would only print the error.
        self._is_program_over = not threading.main_thread().is_alive()
        if self._is_program_over:
            # A thread that comes back for the interpreter while that is being taken down may crash it.
            self.door.stop(AT_EXIT)
        else:
            self.door.signal_stop()

    def _on_room(self) -> None:
        if self.engine is not None:
            self.door.call(self.engine.on_room)

    def _on_time(self) -> None:
        # However often the clock is moved, the loop is told once for all that it has not seen yet.
        if self.engine is not None and not self._is_time_told:
            self._is_time_told = True
            self.door.call(self._tell_time)

    def _tell_time(self) -> None:
        self._is_time_told = False
        if self.engine is not None:
            self.engine.on_time()

    def _let_go(self) -> None:
        self._forget_clock()
        if self.engine is not None:
            self.engine.let_go(tells_callers=not self._is_program_over)
        self.context.ledger.close()

    def _forsake(self) -> None:
        self.seats.after_fork()
        if self.engine is not None:
            self.engine.forsake()

    # -- requests -----------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Refuse calls that cannot be served.

        Raises:
            SessionClosed: Stopped, forked, or called on the session's own thread.
        """
        door = self.door
        if door.is_forked:
            raise SessionClosed(
                "this session belongs to the parent process: make a new UserWSSession after the fork"
            )
        if threading.get_ident() == door.ident:
            raise SessionClosed(
                "a blocking call on the session's own thread would wait for itself: call from another thread"
            )
        if self.is_stopping or door.is_closed:
            raise SessionClosed("the session was stopped: start() it again")

    def hand_over(self, entry: Entry) -> None:
        """Give the loop one request."""
        inbox = self.inbox
        try:
            inbox.entries.append(entry)
            if not inbox.is_armed:
                self._wake()
        except BaseException:
            # As `give_up` does, which a caller at the end of its stack cannot call any more.
            entry.claimed = True
            self.give_up((entry,))
            raise

    def hand_over_many(self, entries: Sequence[Entry]) -> None:
        """Give the loop many requests at once."""
        inbox = self.inbox
        inbox.entries.extend(entries)
        if not inbox.is_armed:
            self._wake()

    def _wake(self) -> None:
        inbox = self.inbox
        try:
            inbox.is_armed = True
            self.door.ring()
        except SessionClosed:
            self._on_closed()
        except BaseException:
            # A Ctrl-C in between: others may rely on this ring already. Where there is no room on the stack for
            # another try either, the next caller rings.
            inbox.is_armed = False
            with suppress(SessionClosed):
                self.door.ring()
            raise

    def _take_in(self) -> None:
        engine = self.engine
        if engine is not None:
            engine.take_in()

    def _on_closed(self) -> None:
        if self._is_program_over:
            return
        self.inbox.fail_all(lambda: SessionClosed("the session was stopped"))
        self.signing.end()
        self.callbacks.end()
        self.seats.close()

    def call(self, entry: Entry, reply: OneAnswer, *, is_handed_over: bool = False) -> Any:
        """Give the loop one request, unless it has it, and wait for its answer until the entry's deadline.

        Raises:
            Whatever became of the request.
        """
        try:
            if not is_handed_over:
                self.hand_over(entry)
            until, soon = entry.deadline, time.monotonic() + LONGEST_WAIT
            is_there = reply.wait(until if until < soon else soon, LONGEST_WAIT)
            if not is_there:
                is_there = self._waited_on(reply, until)
            reply.leave()
            if is_there and reply.error is None:
                return reply.value
            late = None if is_there else self._late(entry, reply)
        except BaseException as interrupt:
            # Wherever between these a Ctrl-C comes, the request may be on its way, or done.
            entry.claimed = True
            self._interrupted(entry, reply, interrupt)
            raise
        if late is None:
            return reply.take()
        try:
            raise late
        finally:
            del late

    def _waited_on(self, reply: OneAnswer, until: float) -> bool:
        """Wait on, when the first time has passed."""
        if self.inbox.entries:
            # Whoever was to ring for it may be held up before that: by a signal's handler that waits here, say.
            self._wake()
        return reply.wait(until, LONGEST_WAIT)

    def _late(self, entry: Entry, reply: OneAnswer) -> CryptoWSError | None:
        """Return what to tell a caller whose time is up; None where the answer has come in between."""
        # From here on the loop sends it no more.
        entry.claimed = True
        return None if reply.done() else self._expired(entry)

    def _interrupted(self, entry: Entry, reply: OneAnswer, stray: BaseException) -> None:
        """Take back a request whose caller was torn away, and leave word of it.

        Raises:
            OutcomeUnknown: It was an error of ours, which a signal handler raised that had asked for something else:
                of this write it would say what is not so.
        """
        self.give_up((entry,))
        # Whoever remembers the request would keep it taken.
        reply.leave()
        if not isinstance(stray, CryptoWSError):
            _note(stray, entry, is_answered=reply.done())
        elif entry.sent and entry.request.is_write:
            raise self._unknown(entry) from stray

    def give_up(self, entries: Sequence[Entry]) -> None:
        """Wait no more for any of these: what has not been sent will not be."""
        for entry in entries:
            entry.claimed = True
            entry.reply.cancel()

    def give_up_all(self, entries: Sequence[Entry], interrupt: BaseException) -> None:
        """Wait no more for any of a batch, and leave word on the interrupt of what may have been done by then."""
        self.give_up(entries)
        writes = [entry.request for entry in entries if entry.sent and entry.request.is_write]
        if writes and not isinstance(interrupt, CryptoWSError):
            shown = [f"{request.method} {request.client_order_id}" for request in writes[:_SHOWN]]
            more = f" and {len(writes) - _SHOWN} more" if len(writes) > _SHOWN else ""
            _add_note(interrupt, f"{len(writes)} writes of the batch were sent: {', '.join(shown)}{more}")

    def _expired(self, entry: Entry) -> CryptoWSError:
        context, engine, request = self.context, self.engine, entry.request
        assert engine is not None
        if not entry.sent:
            is_connected = engine.is_connected
            offset = context.time.wall() - context.server_now()
            return unsent_error(entry, is_connected, offset)
        if not request.is_write:
            return RequestTimeout(
                f"{request.method} was not answered in time", method=request.method, request_id=entry.key
            )
        return self._unknown(entry)

    def _unknown(self, entry: Entry) -> OutcomeUnknown:
        request = entry.request
        return OutcomeUnknown(
            f"{request.method} may have been executed: do not repeat it, call resolve()",
            method=request.method,
            request_id=entry.key,
            client_order_id=request.client_order_id,
            question=entry.question,
            resolver=self.context.resolver,
        )


def _note(error: BaseException, entry: Entry, *, is_answered: bool) -> None:
    """Leave on a Ctrl-C what it interrupted."""
    request = entry.request
    what = f"{request.method} (request id {entry.key}, client order id {request.client_order_id})"
    if is_answered:
        _add_note(error, f"{what} was answered, and the answer not told any more")
        return
    sent = "was sent and" if entry.sent else "was not sent, and"
    _add_note(error, f"{what} {sent} is no longer waited for; unresolved() lists open writes")


def _add_note(error: BaseException, note: str) -> None:
    add_note = getattr(error, "add_note", None)  # from Python 3.11 on
    if add_note is not None:
        add_note(note)
