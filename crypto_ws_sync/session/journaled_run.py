"""One run of a session that keeps a journal: each write is recorded before it is handed over."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial

from crypto_ws_sync.bridge.reply import OneAnswer
from crypto_ws_sync.engine.context import Context
from crypto_ws_sync.engine.outcome_book import OutcomeBook
from crypto_ws_sync.engine.requests import Entry
from crypto_ws_sync.errors import ConfigError, CryptoWSError, InvalidParameter, OutcomeUnknown
from crypto_ws_sync.protocol.method import Kind
from crypto_ws_sync.protocol.outcome import Question
from crypto_ws_sync.session.journal import Journal, is_of
from crypto_ws_sync.session.journal_lines import Record
from crypto_ws_sync.session.left_open import LeftOpen
from crypto_ws_sync.session.run import Run

__all__ = ["JournaledRun"]

_WRITE = Kind.WRITE

AHEAD = 1.0
"""Seconds by which a timestamp may be ahead of the exchange's clock and still be accepted."""
CLOCK_MAY_JUMP = 600.0
"""Seconds by which the exchange's clock may turn out to be ahead of what it was taken for, while a call is under way.

A write whose timestamp is refused for that is sent again with a better one; beyond this it is not.
"""


class JournaledRun(Run):
    """One run of a session that keeps a journal.

    Owner: shared; what is mutable is set by `start` before anybody else sees it.
    """

    def __init__(
        self,
        make_context: Callable[[Callable[[], None]], Context],
        book: OutcomeBook,
        name: str,
        journal: Journal,
        left_open: LeftOpen,
    ) -> None:
        super().__init__(make_context, book, name)
        self._journal = journal
        self._left_open = left_open
        self.context.on_verdict = journal.judged

    # -- life ---------------------------------------------------------------------------------------------------

    async def _begin(self, timeout: float) -> None:
        await super()._begin(timeout)
        engine = self.engine
        assert engine is not None
        ours, elsewhere = self._journal.left_open()
        # What this session itself left open when it was stopped is in its book, and is being looked up again.
        known = [write.question for write in self._book.open_writes()]
        for record in ours:
            if any(question.serial == record.number and is_of(record, question) for question in known):
                continue
            question = self._as_left(record)
            try:
                engine.take_up(question)
            except InvalidParameter:
                elsewhere.append(record)
            else:
                self._left_open.add(question)
        self._left_open.keep_aside(elsewhere, self._journal.path)

    def _as_left(self, record: Record) -> Question:
        """Return what has to be looked up, now that the program that may have sent it has surely ended.

        It can have sent nothing later than now, however much time the call had.
        """
        clock, now = self.context.clock, self.context.time.monotonic()
        error = max(record.question.clock_error, clock.error(now))
        last = min(record.latest, clock.server_time(now) + error + AHEAD)
        return record.question.open_until(last + record.window, error)

    def stop(self, timeout: float) -> None:
        """End everything within `timeout` seconds or little more."""
        try:
            super().stop(timeout)
        finally:
            if not self.door.is_forked:
                self._journal.stop(0.5)

    def _on_closed(self) -> None:
        super()._on_closed()
        self._journal.end()

    # -- requests -----------------------------------------------------------------------------------------------

    def hand_over(self, entry: Entry) -> None:
        """Record a write, then give it to the loop.

        Raises:
            ConfigError: The record cannot be written; nothing was sent.
        """
        if entry.request.spec.kind is _WRITE:
            try:
                self._keep((entry,))
            except BaseException as error:
                entry.claimed = True
                self.give_up((entry,))
                if isinstance(error, ConfigError):
                    raise self._named(error, entry) from error.__cause__
                raise
        super().hand_over(entry)

    def hand_over_many(self, entries: Sequence[Entry]) -> None:
        """Record the writes among them, then give all to the loop; those that cannot be recorded have failed."""
        writes = [entry for entry in entries if entry.request.is_write]
        if writes:
            try:
                self._keep(writes)
            except CryptoWSError as error:
                for entry in writes:
                    entry.claimed = True
                    entry.fail(self._named(error, entry))
                entries = [entry for entry in entries if not entry.request.is_write]
        super().hand_over_many(entries)

    def _keep(self, entries: Sequence[Entry]) -> None:
        """Write what has to be known of writes if the program ends while they are under way."""
        context, journal = self.context, self._journal
        clock, now = context.clock, context.time.monotonic()
        offset, error = clock.offset, clock.error(now)
        timestamp = offset + now - error
        if context.time.is_manual:
            offset = math.inf  # it may leap while a call waits, whose own timeout stays real
        offset += CLOCK_MAY_JUMP
        records = []
        for entry in entries:
            entry.serial = number = next(journal.numbers)
            entry.latest = latest = offset + entry.deadline
            question = context.dialect.question(entry.request, timestamp, error, number)
            records.append(journal.draft(question, latest))
        journal.keep(records)
        for entry in entries:
            reply, note = entry.reply, partial(journal.done, entry.serial, entry.request.spec.is_known)
            if isinstance(reply, OneAnswer):
                reply.on_done = note
            else:
                assert isinstance(reply, Future)
                # The base class's own: a callback of a user's future would be called on the thread for those.
                Future.add_done_callback(reply, note)

    def _named(self, error: CryptoWSError, entry: Entry) -> CryptoWSError:
        """Return the error for one of the writes that it concerns."""
        request = entry.request
        named = type(error)(
            f"{request.method}: {error}", method=request.method, client_order_id=request.client_order_id
        )
        named.__cause__ = error.__cause__
        return named

    def give_up(self, entries: Sequence[Entry]) -> None:
        """Wait no more for any of these: what has not been sent will not be."""
        super().give_up(entries)
        for entry in entries:
            if not entry.sent:
                self._journal.settle(entry.serial, "not executed")

    def _expired(self, entry: Entry) -> CryptoWSError:
        error = super()._expired(entry)
        if not isinstance(error, OutcomeUnknown):
            # Surely not sent: it has been taken back before the loop came to it.
            self._journal.settle(entry.serial, "not executed")
        return error
