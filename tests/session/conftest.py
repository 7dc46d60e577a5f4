"""Journals that are closed when their test ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from journals import MARK, Disk, OpenJournal

from crypto_ws_sync.session.journal import Journal
from crypto_ws_sync.session.journal_file import JournalFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a journal is, or will be."""
    return tmp_path / "orders.journal"


@pytest.fixture
def open_journal(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenJournal]:
    """Open journals; they are closed at the end."""
    # Hundreds are opened in a moment, and no test here pulls the plug.
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    made: list[Journal] = []

    def open_journal(at: Path = path, account: str = MARK, *, is_synced: bool = False) -> Journal:
        made.append(Journal(at, account, is_synced=is_synced, name="a journal"))
        return made[-1]

    yield open_journal
    for journal in made:
        journal.stop(5)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """A disk that can be full, or fail."""
    return Disk(monkeypatch)


@pytest.fixture
def file(path: Path) -> Iterator[JournalFile]:
    """A journal's file that is open, and still empty."""
    file = JournalFile(path)
    file.open()
    yield file
    file.close()
