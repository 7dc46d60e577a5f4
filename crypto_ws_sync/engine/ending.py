"""What becomes of the requests under way when a session ends."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from crypto_ws_sync.engine.admission import Admission
from crypto_ws_sync.engine.answers import Answers
from crypto_ws_sync.engine.context import Context
from crypto_ws_sync.engine.deadlines import Deadlines
from crypto_ws_sync.engine.outcome_book import OutcomeBook
from crypto_ws_sync.engine.reconcile import Reconciler
from crypto_ws_sync.engine.requests import Entry
from crypto_ws_sync.engine.rotation import Rotation
from crypto_ws_sync.errors import SessionClosed

__all__ = ["Ending", "fail_closed"]

log = logging.getLogger("crypto_ws_sync.engine")


def fail_closed(entries: Sequence[Entry]) -> None:
    """Tell callers that the session was stopped."""
    for entry in entries:
        entry.fail(SessionClosed("the session was stopped", method=entry.request.method))


class Ending:
    """Ends what is under way: reads and what is unsent at once, sent writes with their outcome open.

    Owner: loop thread.
    """

    def __init__(
        self,
        context: Context,
        admission: Admission,
        rotation: Rotation,
        answers: Answers,
        reconciler: Reconciler,
        deadlines: Deadlines,
        book: OutcomeBook,
    ) -> None:
        self._context = context
        self._admission = admission
        self._rotation = rotation
        self._answers = answers
        self._reconciler = reconciler
        self._deadlines = deadlines
        self._book = book

    def sent_writes(self) -> list[Entry]:
        """Return the sent writes that somebody still waits for."""
        return [
            entry
            for connection in self._rotation.connections()
            for entry in connection.pending
            if entry.question is not None and not entry.is_over
        ]

    def fail_unsent_and_reads(self) -> None:
        """Tell the callers of all that cannot have done anything that the session was stopped."""
        unsent = [*self._admission.room, *self._answers.unclocked, *self._admission.composing]
        fail_closed(unsent)
        self._admission.room.discard(unsent)
        for connection in self._rotation.connections():
            reads = [entry for entry in connection.pending if entry.question is None]
            fail_closed(reads)
            for entry in reads:
                if entry.key is not None:
                    connection.pending.drop(entry.key)
                if entry.reservation is not None:
                    self._context.ledger.forfeit(entry.reservation, self._context.server_now())

    def end_writes(self) -> None:
        """Tell the callers of sent writes that their outcome is open, and look no more."""
        for entry in self.sent_writes():
            self._answers.search(entry)
        self._reconciler.stop()
        self._deadlines.stop()
        self._rotation.stop()

    def warn_of_open_writes(self) -> None:
        """Log what is left open."""
        if len(self._book):
            log.warning(
                "stopped with %d writes whose outcome is open: %s",
                len(self._book),
                ", ".join(str(write.question.client_order_id) for write in self._book.open_writes()),
                extra={"event": "left_open"},
            )
