"""One run of a session, from start to stop: its thread, its engine, and the hand-over to them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from importlib import import_module
from typing import Any

from crypto_ws_sync.bridge.loop_thread import LONGEST_WAIT, LoopThread, wait_done
from crypto_ws_sync.bridge.reply import CallbackThread, OneAnswer
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
from crypto_ws_sync.model.log_events import guard_loggers

__all__ = ["Run"]

LATER = ("tenacity", "crypto_ws_sync.exchanges.binance.evidence")
"""Modules that a first answer does not need, but a lost connection or a lost answer does. They are loaded while the
exchange is awaited, and not when they are needed: then the process may have no file descriptor left for it, or another
version's files."""

AT_EXIT = 0.5
"""Seconds for which the end of a program that has not stopped its session waits for the loop."""


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
        self.door = LoopThread(
            name,
            on_ring=self._take_in,
            at_fork=self._forsake,
            at_end=self._let_go,
            on_closed=self._on_closed,
        )
        self.signing = SigningThread(f"{name} signing", self.door.call)
        self.context = make_context(self._on_room)
        self.context.offload = self.signing.offload
        self.wakes = self.context.wakes
        self._book = book
        self._is_stopping = False
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
        self.door.start()
        self._forget_clock = self.context.time.on_move(self._on_time)
        try:
            started = self.door.submit(self._begin(timeout))
            began = time.monotonic()
            for name in LATER:
                import_module(name)
            # The engine keeps the limit itself; a little more is left for it to say why.
            if not wait_done(started, max(0.0, began + timeout + 1.0 - time.monotonic())):
                raise ConnectionFailed(f"no connection within {timeout:.1f} s")
            if started.cancelled():
                raise SessionClosed("the session was stopped while it was starting")
            error = started.exception()
            if error is not None:
                raise error
        except BaseException:
            self.stop(1.0)
            raise

    async def _begin(self, timeout: float) -> None:
        self.engine = engine = Engine(self.context, self._book, self.inbox)
        await engine.start(timeout)

    def stop(self, timeout: float) -> None:
        """End everything within `timeout` seconds or little more."""
        self._is_stopping = True
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
        if self._is_stopping or door.is_closed:
            raise SessionClosed("the session was stopped: start() it again")

    def hand_over(self, entry: Entry) -> None:
        """Give the loop one request."""
        inbox = self.inbox
        try:
            inbox.entries.append(entry)
            if not inbox.is_armed:
                self._wake()
        except BaseException:
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
            # A Ctrl-C in between: others may rely on this ring already.
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

    def call(self, entry: Entry, reply: OneAnswer) -> Any:
        """Give the loop one request, and wait for its answer.

        Raises:
            Whatever became of the request.
        """
        try:
            self.hand_over(entry)
            is_there = reply.wait(entry.deadline - time.monotonic(), LONGEST_WAIT)
        except CryptoWSError:
            raise
        except BaseException as interrupt:
            # Wherever between these two a Ctrl-C comes, the request may be on its way.
            self.give_up((entry,))
            _note(interrupt, entry)
            raise
        return reply.take() if is_there else self._outcome(entry, reply, is_there)

    def wait(self, entry: Entry, reply: OneAnswer) -> Any:
        """Wait for the answer of a request that was handed over, until the entry's deadline.

        Raises:
            Whatever became of the request.
        """
        try:
            is_there = reply.wait(entry.deadline - time.monotonic(), LONGEST_WAIT)
        except BaseException as interrupt:
            self.give_up((entry,))
            _note(interrupt, entry)
            raise
        return self._outcome(entry, reply, is_there)

    def _outcome(self, entry: Entry, reply: OneAnswer, is_there: bool) -> Any:
        if not is_there:
            # From here on the loop sends it no more; it may have answered in between.
            entry.claimed = True
            if not reply.done():
                raise self._expired(entry)
        return reply.take()

    def give_up(self, entries: Sequence[Entry]) -> None:
        """Wait no more for any of these: what has not been sent will not be."""
        for entry in entries:
            entry.claimed = True
            entry.reply.cancel()

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
        return OutcomeUnknown(
            f"{request.method} may have been executed: do not repeat it, call resolve()",
            method=request.method,
            request_id=entry.key,
            client_order_id=request.client_order_id,
            question=entry.question,
            resolver=context.resolver,
        )

    def ask(self, coroutine: Any, timeout: float) -> Any:
        """Run one of the engine's coroutines and return its result.

        Raises:
            SessionClosed: The session was stopped meanwhile.
            RequestTimeout: The loop did not come to it in time.
        """
        future = self.door.submit(coroutine)
        if not wait_done(future, timeout):
            future.cancel()
            raise RequestTimeout("the session did not answer in time")
        if future.cancelled():
            raise SessionClosed("the session was stopped")
        return future.result(0)


def _note(error: BaseException, entry: Entry) -> None:
    """Leave on a Ctrl-C what it interrupted."""
    add_note = getattr(error, "add_note", None)
    if add_note is not None:
        request = entry.request
        sent = "was sent and" if entry.sent else "was not sent, and"
        what = f"{request.method} (request id {entry.key}, client order id {request.client_order_id})"
        add_note(f"{what} {sent} is no longer waited for; unresolved() lists open writes")
