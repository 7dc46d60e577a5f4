"""The journal's file on systems that lock, replace and flush in ways of their own."""

from __future__ import annotations

import errno
import fcntl
import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from journals import OPENED, handles, line, raises

from crypto_ws_sync.errors import ConfigError
from crypto_ws_sync.session import journal_file
from crypto_ws_sync.session.journal_file import JournalFile


def test_where_fsync_is_not_enough_more_is_asked_for(
    file: JournalFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int]] = []
    with monkeypatch.context() as system:
        system.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
        system.setattr(fcntl, "fcntl", lambda handle, what: asked.append((os.fstat(handle).st_ino, what)))
        system.setattr(os, "fsync", raises(AssertionError("that is not enough")))
        system.setattr(sys, "platform", "darwin")
        file.flush()
    assert asked == [(file.path.stat().st_ino, 51)]


class Windows:
    """What Windows does otherwise: bytes are locked and not files, and what is open cannot be replaced.

    Owner: the test's thread.
    """

    LK_NBLCK = 2

    def __init__(self) -> None:
        self._locked: dict[int, tuple[os.stat_result, range]] = {}
        self._replace = os.replace
        self.flushed: list[int] = []
        self.is_in_use = False
        """Some other program has the file open, to look through it."""

    def locking(self, handle: int, mode: int, count: int) -> None:
        """Lock bytes from the place on which the handle stands."""
        assert mode == self.LK_NBLCK, "nobody waits for a lock"
        place, this = os.lseek(handle, 0, os.SEEK_CUR), os.fstat(handle)
        assert place > 2**32, "a locked byte can be read by nobody else"
        for other, (known, bytes_) in list(self._locked.items()):
            if other != handle and self._is_open(other, known) and os.path.samestat(known, this):
                assert place in bytes_
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        self._locked[handle] = this, range(place, place + count)
        assert count == 1

    def fsync(self, handle: int) -> None:
        """Note that something is brought to the disk."""
        self.flushed.append(os.fstat(handle).st_ino)

    def replace(self, source: Path, target: Path) -> None:
        """Refuse where either file is open."""
        for known in (source.stat(), target.stat()):
            if self.is_in_use or any(self._is_open(int(name), known) for name in os.listdir("/dev/fd")):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        self._replace(source, target)

    @staticmethod
    def _is_open(handle: int, known: os.stat_result) -> bool:
        try:
            return os.path.samestat(os.fstat(handle), known)
        except OSError:
            return False


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> Windows:
    """The calls of a system as Windows is."""
    windows = Windows()
    monkeypatch.setattr(os, "replace", windows.replace)
    monkeypatch.setattr(os, "fsync", windows.fsync)
    monkeypatch.setitem(sys.modules, "fcntl", None)  # there is none: it cannot be imported
    monkeypatch.setitem(sys.modules, "msvcrt", windows)
    monkeypatch.setattr(sys, "platform", "win32")
    return windows


@pytest.fixture
def elsewhere(windows: Windows, path: Path) -> Iterator[Any]:
    """A file as it is where the module was imported on Windows."""
    spec = journal_file.__spec__
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made: list[JournalFile] = []

    def open_file() -> JournalFile:
        made.append(module.JournalFile(path))
        made[-1].open()
        return made[-1]

    yield open_file
    for file in made:
        file.close()


def test_on_windows_a_file_is_locked_and_made_anew(elsewhere: Any, windows: Windows, path: Path) -> None:
    before = handles()
    file = elsewhere()
    with pytest.raises(ConfigError, match="in use by another program"):
        elsewhere()
    file.append(OPENED + line(1))
    file.flush()
    assert windows.flushed == [path.stat().st_ino]
    for number in (2, 3):
        file.rewrite([OPENED, line(number)])
        assert windows.flushed[-1] == path.stat().st_ino
        with pytest.raises(ConfigError, match=r"in use by another program \(process 1\)"):
            elsewhere()
        file.append(line(9))
        assert path.read_bytes() == OPENED + line(number) + line(9)
        assert handles() == before + 1
    assert os.listdir(path.parent) == [path.name]
    file.close()
    assert elsewhere().size == len(OPENED + line(3) + line(9))


def test_on_windows_what_cannot_be_replaced_stays_and_can_be_written_to(
    elsewhere: Any, windows: Windows, path: Path
) -> None:
    file = elsewhere()
    file.append(OPENED + line(1))
    before = handles()
    windows.is_in_use = True
    for _ in range(2):
        with pytest.raises(PermissionError):
            file.rewrite([OPENED])
    assert os.listdir(path.parent) == [path.name]
    assert handles() == before
    file.append(line(2))
    assert path.read_bytes() == OPENED + line(1) + line(2)
    with pytest.raises(ConfigError, match="in use"):
        elsewhere()
    windows.is_in_use = False
    file.rewrite([OPENED])
    assert path.read_bytes() == OPENED
