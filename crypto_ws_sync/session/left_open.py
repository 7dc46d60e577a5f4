"""What an earlier program left open, until somebody has been told how it ended."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from crypto_ws_sync.protocol.outcome import Question

if TYPE_CHECKING:
    from pathlib import Path

    from crypto_ws_sync.session.journal_lines import Record

__all__ = ["LeftOpen"]

log = logging.getLogger("crypto_ws_sync.session")

_SHOWN = 20
"""Writes that a record of the log names."""


class LeftOpen:
    """The writes that a journal held open when the session started.

    They are looked up at once, often within milliseconds; each stays in the list until it was resolved, so that nobody
    has to be quick to hear of it.

    Owner: shared; single operations on a dict are atomic.
    """

    def __init__(self) -> None:
        self._waiting: dict[int, Question] = {}
        self._aside: dict[int, Question] = {}

    def add(self, question: Question) -> None:
        """Take in one that is being looked up."""
        self._waiting[question.serial] = question

    def keep_aside(self, records: Sequence[Record], path: Path) -> None:
        """Take in those that this session cannot look up, and tell of all that there are."""
        self._aside = {record.number: record.question for record in records}
        if self._waiting:
            log.warning(
                "an earlier program left %d writes open, which are looked up now: %s",
                len(self._waiting),
                _ids(self._waiting.values()),
                extra={"event": "left_open"},
            )
        if self._aside:
            log.warning(
                "the journal %s holds %d open writes that were recorded with another key or at another endpoint, and "
                "are not looked up: %s",
                path,
                len(self._aside),
                _ids(self._aside.values()),
                extra={"event": "left_open"},
            )

    def told(self, question: Question) -> None:
        """Forget one whose end somebody has heard of."""
        if self._waiting.get(question.serial) == question:
            self._waiting.pop(question.serial, None)

    def with_others(self, questions: Iterable[Question]) -> list[Question]:
        """Return those that wait to be resolved, and then others that are open."""
        waiting = list(self._waiting.values())
        return [*waiting, *(question for question in questions if question not in waiting)]

    def aside(self) -> list[Question]:
        """Return those that this session cannot look up."""
        return list(self._aside.values())


def _ids(questions: Iterable[Question]) -> str:
    names = [f"{question.method} {question.client_order_id}" for question in questions]
    more = [f"and {len(names) - _SHOWN} more"] if len(names) > _SHOWN else []
    return ", ".join(names[:_SHOWN] + more)
