"""Ending what nobody waits for any more, and looking after what waits too long: one tick over the tables."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from crypto_ws_sync.engine.admission import Admission
from crypto_ws_sync.engine.answers import Answers
from crypto_ws_sync.engine.connection import Connection
from crypto_ws_sync.engine.context import Context
from crypto_ws_sync.engine.outcome_book import OutcomeBook
from crypto_ws_sync.engine.reconcile import Reconciler
from crypto_ws_sync.engine.requests import Entry, unsent_error
from crypto_ws_sync.engine.rotation import Rotation
from crypto_ws_sync.errors import RequestTimeout, ServerError
from crypto_ws_sync.protocol.dialect import Outcome, Reply
from crypto_ws_sync.protocol.outcome import Question

__all__ = ["Deadlines"]

TICK = 0.1
UNANSWERED_WRITE = 2.0
"""Seconds after which a write without an answer is looked up, on a live line too."""
UNANSWERED_LOOKUP = 3.0
"""Seconds after which a question of our own is taken for lost, and asked again by whoever needs it."""
ABANDONED_KEPT = 60.0
"""Seconds for which an answer that nobody waits for any more is still expected."""


class Deadlines:
    """The tick, armed only while the tables hold something.

    Owner: loop thread.
    """

    def __init__(
        self,
        context: Context,
        admission: Admission,
        rotation: Rotation,
        answers: Answers,
        reconciler: Reconciler,
        book: OutcomeBook,
        *,
        on_change: Callable[[], None],
        on_withdrawn: Callable[[Entry], None],
    ) -> None:
        self._context = context
        self._admission = admission
        self._rotation = rotation
        self._answers = answers
        self._reconciler = reconciler
        self._book = book
        self._on_change = on_change
        self._on_withdrawn = on_withdrawn
        self._loop = asyncio.get_running_loop()
        self._tick: asyncio.TimerHandle | None = None
        self._wake: asyncio.TimerHandle | None = None
        self._wakes_at = 0.0

    def arm(self) -> None:
        """Arm the tick while the tables hold something, and the timer for a window's end."""
        admission = self._admission
        if self._tick is None and self._is_anything_there():
            self._tick = self._loop.call_later(TICK, self._on_tick)
        wake_at = admission.wake_at
        if wake_at is not None and not self._context.time.is_manual:
            wake = self._wake
            if wake is not None and wake_at < self._wakes_at:
                wake.cancel()
                wake = None
            if wake is None:
                wait = max(0.0, wake_at - self._context.time.monotonic())
                self._wake, self._wakes_at = self._loop.call_later(wait, self._on_wake), wake_at

    def look_up_abandoned(self) -> None:
        """Begin to look up the sent writes whose callers have gone; the tick would in a moment."""
        for connection in self._rotation.connections():
            for entry in connection.pending:
                if entry.is_abandoned and entry.question is not None:
                    self._look_up_abandoned(entry)

    def stop(self) -> None:
        """Tick no more."""
        for timer in (self._tick, self._wake):
            if timer is not None:
                timer.cancel()

    def _is_anything_there(self) -> bool:
        current = self._admission.connection
        if current is not None and len(current.pending):
            return True
        waiting = self._admission.room or self._admission.composing or self._answers.unclocked
        return bool(waiting or self._rotation.draining or len(self._book))

    def _on_wake(self) -> None:
        self._wake = None
        self._on_change()

    def _on_tick(self) -> None:
        self._tick = None
        now = time.monotonic()
        self._end_waiting(now)
        self._reconciler.expire(now)
        for connection in self._rotation.connections():
            connection.check(now, self._end_in_flight(connection, now))
        self._rotation.close_drained()
        self._on_change()

    def _is_over(self, entry: Entry, now: float) -> bool:
        """End a request that waits unsent, if nobody waits for it any more; return whether that is so."""
        if entry.is_abandoned:
            self._on_withdrawn(entry)
            return True
        if now < entry.deadline:
            return False
        offset = self._context.time.wall() - self._context.server_now()
        entry.fail(unsent_error(entry, self._admission.connection is not None, offset))
        return True

    def _end_waiting(self, now: float) -> None:
        gone = [entry for entry in self._admission.room if self._is_over(entry, now)]
        self._admission.room.discard(gone)
        self._answers.unclocked = [
            entry for entry in self._answers.unclocked if not self._is_over(entry, now)
        ]
        for entry in self._admission.composing:
            # Behind many others that a slow key has to sign; it is taken back when its turn has come.
            if not entry.is_over:
                self._is_over(entry, now)

    def _end_in_flight(self, connection: Connection, now: float) -> float | None:
        """End what nobody waits for; return since when the oldest wanted answer is due."""
        oldest: float | None = None
        for entry in connection.pending:
            question, age = entry.question, now - entry.sent_at
            if entry.is_over:
                self._look_after_abandoned(connection, entry, age)
                continue
            if oldest is None or entry.sent_at < oldest:
                oldest = entry.sent_at
            if now >= entry.deadline:
                self._end_late(entry)
            elif entry.is_internal:
                if age >= UNANSWERED_LOOKUP and not entry.is_bound:
                    self._end_lost_question(connection, entry)
            elif (
                question is not None and age >= UNANSWERED_WRITE and self._is_to_be_looked_up(entry, question)
            ):
                self._answers.search(entry)
        return oldest

    def _is_to_be_looked_up(self, entry: Entry, question: Question) -> bool:
        """Tell whether a write that is waited for has reached the exchange, perhaps, and can be asked for."""
        if not entry.may_have_left:
            # It has not left. If the line ends it goes over the next, and a search would look for the wrong one.
            return False
        return self._book.find(question) is None and self._reconciler.can_look_up(question)

    def _end_lost_question(self, connection: Connection, entry: Entry) -> None:
        assert entry.key is not None
        connection.pending.drop(entry.key)
        if entry.reservation is not None:
            self._context.ledger.forfeit(entry.reservation, self._context.server_now())
        error = ServerError(f"{entry.request.method} was not answered", method=entry.request.method)
        entry.finish(Reply(entry.key, Outcome.UNKNOWN, None, error))

    def _look_up_abandoned(self, entry: Entry) -> None:
        if entry.question is not None and self._book.find(entry.question) is None:
            self._answers.search(entry)

    def _look_after_abandoned(self, connection: Connection, entry: Entry, age: float) -> None:
        self._look_up_abandoned(entry)
        if age > ABANDONED_KEPT and entry.key is not None:
            connection.pending.drop(entry.key)
            self._context.counters.requests[entry.request.spec.name, "unanswered"] += 1
            if entry.reservation is not None:
                self._context.ledger.forfeit(entry.reservation, self._context.server_now())
            if entry.question is not None:
                self._reconciler.end_unanswered(entry.question)

    def _end_late(self, entry: Entry) -> None:
        entry.claimed = True
        if entry.question is not None:
            self._answers.search(entry)
            entry.fail(self._reconciler.unknown(entry.question))
        else:
            entry.fail(
                RequestTimeout(
                    f"{entry.request.method} was not answered in time",
                    method=entry.request.method,
                    request_id=entry.key,
                )
            )
