"""Journals to be tried: their records, and the disks that they are on."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Any

import pytest

from crypto_ws_sync.protocol.outcome import Question
from crypto_ws_sync.session import journal_file
from crypto_ws_sync.session.journal import Journal, account_mark
from crypto_ws_sync.session.journal_lines import Record

__all__ = ["MARK", "Disk", "OpenJournal", "draft", "keep", "numbers_left"]

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
