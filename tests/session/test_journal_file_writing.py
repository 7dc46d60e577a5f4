"""The journal's file when it is written to: all of it or nothing, whatever the system does."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from journals import OPENED, Disk, assert_holds, handles, line, raises

from crypto_ws_sync.session import journal_file
from crypto_ws_sync.session.journal_file import JournalFile


@pytest.fixture
def in_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system takes seven bytes at a time."""
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: write(handle, data[:7]))


@pytest.mark.usefixtures("in_bits")
def test_a_system_that_takes_little_at_a_time_gets_all_of_it(file: JournalFile) -> None:
    file.append(OPENED)
    file.append(line(1))
    assert_holds(file, OPENED + line(1))
    file.rewrite([OPENED, line(2), line(3)])
    assert_holds(file, OPENED + line(2) + line(3))
    file.append(line(4))
    assert_holds(file, OPENED + line(2) + line(3) + line(4))


def test_nothing_can_be_added_at_no_cost(file: JournalFile) -> None:
    file.append(b"")
    file.append(OPENED)
    assert_holds(file, OPENED)


@pytest.mark.parametrize("error", [OSError(errno.EIO, "failed"), KeyboardInterrupt()], ids=repr)
def test_what_was_added_in_part_is_taken_back(
    file: JournalFile, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    file.append(OPENED)
    write, calls = os.write, []

    def fail_later(handle: int, data: bytes) -> int:
        calls.append(data)
        if len(calls) == 3:
            raise error
        return write(handle, data[:7])

    with monkeypatch.context() as system:
        system.setattr(os, "write", fail_later)
        with pytest.raises(type(error)):
            file.append(line(1))
    assert len(calls) == 3
    assert_holds(file, OPENED)
    file.append(line(2))
    assert_holds(file, OPENED + line(2))


def test_what_cannot_be_taken_back_spoils_nothing_that_comes_after_it(file: JournalFile, disk: Disk) -> None:
    file.append(OPENED)
    disk.room, disk.cannot_cut = 10, True
    with pytest.raises(OSError, match="No space"):
        file.append(line(1))
    torn = line(1)[:10]
    disk.room = float("inf")
    file.append(line(2))
    file.append(line(3))
    assert file.path.read_bytes() == OPENED + torn + b"\n" + line(2) + line(3)
    file.rewrite([OPENED, line(2)])
    file.append(line(4))
    assert_holds(file, OPENED + line(2) + line(4))


@pytest.mark.parametrize("is_cleared", [True, False])
def test_after_it_was_emptied_or_made_anew_nothing_is_torn_any_more(
    file: JournalFile, disk: Disk, is_cleared: bool
) -> None:
    disk.room, disk.cannot_cut = 10, True
    with pytest.raises(OSError):
        file.append(line(1))
    disk.room, disk.cannot_cut = float("inf"), False
    if is_cleared:
        file.clear()
        assert_holds(file, b"")
    else:
        file.rewrite([])
    file.append(line(2))
    assert_holds(file, line(2))


def test_a_file_that_was_emptied_takes_what_comes_at_its_beginning(file: JournalFile) -> None:
    file.append(OPENED + line(1))
    file.clear()
    assert_holds(file, b"")
    file.append(line(2))
    assert_holds(file, line(2))


# -- made anew ----------------------------------------------------------------------------------------------


def test_a_new_file_reaches_the_disk_before_it_replaces_the_old_one_and_its_name_after_that(
    file: JournalFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash at any moment leaves one or the other, whole."""
    done: list[Any] = []
    replace = os.replace

    def reach_disk(handle: int) -> None:
        done.append(os.fstat(handle).st_ino)

    def noted(source: Path, target: Path) -> None:
        done.append(("replace", source.read_bytes(), target))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", reach_disk)
    monkeypatch.setattr(os, "replace", noted)
    file.append(line(1))
    file.rewrite([OPENED, line(2)])
    assert done == [
        file.path.stat().st_ino,
        ("replace", OPENED + line(2), file.path),
        file.path.parent.stat().st_ino,
    ]


def test_a_flush_takes_the_file_of_the_moment_to_the_disk(
    file: JournalFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda handle: flushed.append(os.fstat(handle).st_ino))
    file.flush()
    first = file.path.stat().st_ino
    file.rewrite([OPENED])
    flushed.clear()
    file.flush()
    assert flushed == [file.path.stat().st_ino]
    assert flushed != [first]


def test_a_file_made_anew_any_number_of_times_leaves_nothing_behind(file: JournalFile) -> None:
    before = handles()
    leftover = file.path.with_name(f".{file.path.name}.made-anew")
    leftover.write_text("from a program that was killed", encoding="utf-8")
    for number in range(5):
        file.rewrite([OPENED, line(number)])
        assert_holds(file, OPENED + line(number))
    assert handles() == before
    assert os.listdir(file.path.parent) == [file.path.name]
    assert file.path.stat().st_mode & 0o777 == 0o600
    file.close()
    assert handles() == before - 1


@pytest.mark.parametrize("step", ["_lock", "write", "_flush", "replace"])
@pytest.mark.parametrize("error", [OSError(errno.EIO, "failed"), KeyboardInterrupt()], ids=repr)
def test_whatever_fails_while_it_is_made_anew_the_old_one_stays(
    file: JournalFile, monkeypatch: pytest.MonkeyPatch, step: str, error: BaseException
) -> None:
    file.append(OPENED + line(1))
    before = handles()
    with monkeypatch.context() as system:
        system.setattr(journal_file if step.startswith("_") else os, step, raises(error))
        with pytest.raises(type(error)):
            file.rewrite([OPENED])
    assert handles() == before
    assert os.listdir(file.path.parent) == [file.path.name]
    assert_holds(file, OPENED + line(1))
    file.append(line(2))
    assert_holds(file, OPENED + line(1) + line(2))


@pytest.mark.parametrize("step", ["open", "fsync"])
def test_a_folder_that_cannot_be_brought_to_the_disk_is_no_failure(
    file: JournalFile, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Nor does it leave a handle open."""
    before, folder, system_s = handles(), file.path.parent, getattr(os, step)

    def refuse(what: Any, *args: Any) -> Any:
        if what == folder or (step == "fsync" and os.path.samestat(os.fstat(what), folder.stat())):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return system_s(what, *args)

    with monkeypatch.context() as system:
        system.setattr(os, step, refuse)
        file.rewrite([OPENED, line(1)])
    assert handles() == before
    assert_holds(file, OPENED + line(1))


def test_an_interrupt_once_the_new_file_stands_leaves_that(
    file: JournalFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.append(OPENED + line(1))
    before, folder = handles(), file.path.parent.stat()

    def interrupt(handle: int) -> None:
        if os.path.samestat(os.fstat(handle), folder):
            raise KeyboardInterrupt

    with monkeypatch.context() as system:
        system.setattr(os, "fsync", interrupt)
        with pytest.raises(KeyboardInterrupt):
            file.rewrite([OPENED, line(2)])
    assert handles() == before
    assert file.path.read_bytes() == OPENED + line(2)
    assert not file.is_displaced()
    file.append(line(3))
    assert file.path.read_bytes() == OPENED + line(2) + line(3)


# -- kept aside ---------------------------------------------------------------------------------------------


def test_a_file_as_it_is_is_kept_aside_and_takes_the_place_of_an_earlier_one(file: JournalFile) -> None:
    for number in range(2):
        file.rewrite([OPENED, line(number)])
        aside = file.keep_aside()
        assert aside == file.path.with_name(f"{file.path.name}.unreadable")
        file.rewrite([OPENED])
        assert aside.read_bytes() == OPENED + line(number)
        assert_holds(file, OPENED)


def test_where_nothing_can_be_kept_aside_that_is_said(
    file: JournalFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", raises(OSError(errno.EPERM, os.strerror(errno.EPERM))))
    assert file.keep_aside() is None
    assert_holds(file, b"")
