"""Journals to be tried: their records, and the disks that they are on."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Any

import pytest

from crypto_ws_sync.errors import ConfigError
from crypto_ws_sync.protocol.outcome import Question
from crypto_ws_sync.session import journal_file
from crypto_ws_sync.session.journal import Journal, account_mark
from crypto_ws_sync.session.journal_file import JournalFile
from crypto_ws_sync.session.journal_lines import Record, opening_line, record_line

__all__ = [
    "MARK",
    "OPENED",
    "SOMEBODY",
    "Disk",
    "OpenJournal",
    "assert_holds",
    "draft",
    "handles",
    "keep",
    "line",
    "numbers_left",
    "raises",
]

MARK = account_mark("here:1", "key")

OpenJournal = Callable[..., Journal]
"""Opens a journal; the path and the account are optional, `is_synced` as in `Journal`."""


def draft(journal: Journal, **changes: Any) -> Record:
    """Return the record of an order that is about to be sent."""
    number = next(journal.numbers)
    fields: dict[str, Any] = {
        "serial": number,
        "method": "order.place",
        "params": {"symbol": "BTCUSDT", "quantity": "1"},
        "client_order_id": f"id{number}",
        "timestamp": 1.7e9,
        "accepted_until": 1.7e9 + 5,
        "clock_error": 0.01,
        "is_placement": True,
        **changes,
    }
    return journal.draft(Question(**fields), 1.7e9 + 10)


def keep(journal: Journal, count: int = 1) -> list[int]:
    """Record some orders; return their numbers."""
    records = [draft(journal) for _ in range(count)]
    journal.keep(records)
    return [record.number for record in records]


def numbers_left(journal: Journal) -> list[int]:
    """Return the numbers of the writes that were open when the journal was opened."""
    return [record.number for record in journal.left_open()[0]]


SOMEBODY = 1
"""A process that is not this one."""
OPENED = opening_line(SOMEBODY, 1.7e9)


def line(number: int, note: str = "") -> bytes:
    """Return the line of a write."""
    question = Question(number, "order.place", {"note": note}, f"id{number}", 1.7e9, 1.7e9 + 5, 0.01)
    return record_line(question, 1.7e9 + 10, 5.0, "mark")


def handles() -> int:
    """Return how many files this process has open."""
    return len(os.listdir("/dev/fd"))


def raises(error: BaseException) -> Callable[..., Any]:
    """Return a call of the system that fails."""

    def refuse(*args: Any, **options: Any) -> Any:
        raise error

    return refuse


def assert_holds(file: JournalFile, data: bytes) -> None:
    """It has this content, knows how much that is, and nobody else can have it."""
    assert file.path.read_bytes() == data
    assert file.size == len(data)
    assert not file.is_displaced()
    with pytest.raises(ConfigError, match="in use"):
        JournalFile(file.path).open()


class Disk:
    """What the system's calls come to: as much room as there is, then a full disk; or one that fails.

    Owner: the test's thread.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.room: float = float("inf")
        self.fails_to_flush = False
        self.cannot_cut = False
        self.flushes = 0
        self._write, self._cut, self._flush = os.write, os.ftruncate, journal_file._flush
        monkeypatch.setattr(os, "write", self.write)
        monkeypatch.setattr(os, "ftruncate", self.cut)
        monkeypatch.setattr(journal_file, "_flush", self.flush)

    def write(self, handle: int, data: bytes) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fits = data if len(data) <= self.room else data[: int(self.room)]
        self.room -= len(fits)
        return self._write(handle, fits)

    def cut(self, handle: int, length: int) -> None:
        if self.cannot_cut:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self.room += os.fstat(handle).st_size - length
        self._cut(handle, length)

    def flush(self, handle: int) -> None:
        self.flushes += 1
        if self.fails_to_flush:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self._flush(handle)
