"""The journal's file by itself: what is in it, how much that is, and whose it is, whatever the system does."""

from __future__ import annotations

import errno
import fcntl
import importlib.util
import os
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from journals import Disk

from crypto_ws_sync.errors import ConfigError
from crypto_ws_sync.protocol.outcome import Question
from crypto_ws_sync.session import journal_file
from crypto_ws_sync.session.journal_file import JournalFile, read_journal
from crypto_ws_sync.session.journal_lines import LONGEST_LINE, opening_line, record_line

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


@pytest.fixture
def file(path: Path) -> Iterator[JournalFile]:
    """An open file, still empty."""
    file = JournalFile(path)
    file.open()
    yield file
    file.close()


def assert_holds(file: JournalFile, data: bytes) -> None:
    """It has this content, knows how much that is, and nobody else can have it."""
    assert file.path.read_bytes() == data
    assert file.size == len(data)
    assert not file.is_displaced()
    with pytest.raises(ConfigError, match="in use"):
        JournalFile(file.path).open()


def _raises(error: BaseException) -> Callable[..., Any]:
    def refuse(*args: Any, **options: Any) -> Any:
        raise error

    return refuse


# -- opening ------------------------------------------------------------------------------------------------


def test_a_file_is_not_open_before_it_is_opened_nor_after_it_is_closed(path: Path) -> None:
    before = handles()
    file = JournalFile(path)
    assert (file.is_open, file.size, file.path) == (False, 0, path)
    assert file.is_displaced(), "there is none"
    with pytest.raises(OSError):
        file.append(line(1))
    assert not path.exists()
    assert not file.open().records
    assert file.is_open
    file.append(OPENED + line(1))
    for _ in range(2):
        file.close()
        assert not file.is_open
        assert file.is_displaced()
        with pytest.raises(OSError):
            file.append(line(2))
    assert handles() == before
    assert file.open().records.keys() == {1}
    assert_holds(file, OPENED + line(1))
    file.forsake()
    assert handles() == before


@pytest.mark.parametrize("ending", [b"", b'{"n":3,"to'])
def test_what_is_added_to_a_file_begins_a_line_of_its_own(path: Path, ending: bytes) -> None:
    path.write_bytes(OPENED + line(1) + ending)
    file = JournalFile(path)
    file.open()
    try:
        file.append(line(4))
        file.append(line(5))
        assert_holds(file, OPENED + line(1) + ending + b"\n" * bool(ending) + line(4) + line(5))
    finally:
        file.close()
    assert read_journal(path).records.keys() == {1, 4, 5}


@pytest.mark.parametrize("kind", ["foreign", "folder", "locked", "name"])
def test_a_file_that_cannot_be_had_is_let_go(path: Path, kind: str) -> None:
    holder = JournalFile(path)
    if kind == "foreign":
        path.write_text("my own notes\n", encoding="utf-8")
    elif kind == "folder":
        path.mkdir()
    elif kind == "locked":
        holder.open()
    before = handles()
    file = JournalFile(path.with_name("a\0b") if kind == "name" else path)
    with pytest.raises(ConfigError):
        file.open()
    assert handles() == before
    assert not file.is_open
    holder.close()


def test_one_that_is_interrupted_while_it_opens_lets_go(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = handles()
    with monkeypatch.context() as system:
        system.setattr(journal_file, "read_journal", _raises(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            JournalFile(path).open()
    assert handles() == before


def test_a_file_that_cannot_be_locked_at_all_is_let_go(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = handles()
    file = JournalFile(path)
    with monkeypatch.context() as system:
        system.setattr(journal_file, "_lock", _raises(OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))))
        with pytest.raises(ConfigError, match=f"{path} cannot be opened: No locks available"):
            file.open()
    assert handles() == before
    file.open()
    assert_holds(file, b"")
    file.close()


@pytest.mark.parametrize("number", [errno.EACCES, errno.EAGAIN, errno.EDEADLK])
@pytest.mark.parametrize(
    ("holder", "words"),
    [
        (SOMEBODY, r"by another program \(process 1\): give"),
        (os.getpid(), "by another session of this program: give"),
        (None, "by another program: give"),
    ],
)
def test_whoever_has_it_is_named_as_far_as_that_is_known(
    path: Path, monkeypatch: pytest.MonkeyPatch, number: int, holder: int | None, words: str
) -> None:
    """Systems differ in how they refuse a lock; and a file may be made and not yet written to."""
    path.write_bytes(opening_line(holder, 1.7e9) if holder is not None else b"")
    monkeypatch.setattr(journal_file, "_lock", _raises(OSError(number, os.strerror(number))))
    with pytest.raises(ConfigError, match=words):
        JournalFile(path).open()


def test_whoever_has_what_cannot_be_read_is_another_program(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_file, "_lock", _raises(BlockingIOError(errno.EAGAIN, "taken")))
    monkeypatch.setattr(journal_file, "read_journal", _raises(ConfigError("cannot be read")))
    with pytest.raises(ConfigError, match="by another program: give"):
        JournalFile(path).open()


def test_a_file_that_is_removed_before_it_is_locked_is_made_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, lock = handles(), journal_file._lock
    locked: list[int] = []

    def late(handle: int) -> None:
        if not locked:
            path.unlink()
        locked.append(handle)
        lock(handle)

    file = JournalFile(path)
    with monkeypatch.context() as system:
        system.setattr(journal_file, "_lock", late)
        file.open()
    assert len(locked) == 2
    assert handles() == before + 1, "the removed one is let go"
    assert_holds(file, b"")
    file.close()


def test_a_file_that_is_moved_while_it_is_added_to_takes_what_was_added(file: JournalFile) -> None:
    file.append(OPENED)
    aside = file.path.with_name("aside")
    file.path.rename(aside)
    assert file.is_displaced()
    file.append(line(1))
    assert aside.read_bytes() == OPENED + line(1)
    file.path.write_bytes(b"")
    assert file.is_displaced()


def test_another_handle_that_shortens_the_file_leaves_no_hole(file: JournalFile) -> None:
    """Whatever is added goes to the end that the file has then."""
    file.append(OPENED + line(1))
    os.truncate(file.path, len(OPENED))
    file.append(line(2))
    assert file.path.read_bytes() == OPENED + line(2)


# -- reading ------------------------------------------------------------------------------------------------


def test_what_is_not_there_cannot_be_read(path: Path) -> None:
    with pytest.raises(ConfigError, match=f"{path} cannot be read: No such file or directory"):
        read_journal(path)


def test_a_pipe_in_a_journal_s_place_is_refused_before_anybody_waits_for_it(path: Path) -> None:
    os.mkfifo(path)
    with pytest.raises(ConfigError, match="is no file"):
        read_journal(path)


def test_a_pipe_that_comes_into_its_place_at_the_last_moment_holds_nobody_up(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody writes to it: opened as a file is, it would be waited for without end."""
    check = journal_file._check_kind

    def change(at: Path) -> None:
        if not path.exists():
            os.mkfifo(path)
            return
        check(at)

    monkeypatch.setattr(journal_file, "_check_kind", change)
    with pytest.raises(ConfigError):
        JournalFile(path).open()


def test_a_huge_file_of_one_line_does_not_fill_memory(path: Path) -> None:
    with path.open("wb") as huge:
        huge.truncate(64 * LONGEST_LINE)
    tracemalloc.start()
    try:
        contents = read_journal(path)
        assert tracemalloc.get_traced_memory()[1] < 8 * LONGEST_LINE
    finally:
        tracemalloc.stop()
    assert contents.is_foreign


def test_the_longest_line_is_read_and_what_follows_a_longer_one_is_read_too(path: Path) -> None:
    longest = line(1, "x" * (LONGEST_LINE - len(line(1))))
    assert len(longest) == LONGEST_LINE
    path.write_bytes(longest + b"x" * 3 * LONGEST_LINE + b"\n" + line(2))
    assert read_journal(path).records.keys() == {1, 2}


# -- writing ------------------------------------------------------------------------------------------------


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
        system.setattr(journal_file if step.startswith("_") else os, step, _raises(error))
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
    monkeypatch.setattr(os, "link", _raises(OSError(errno.EPERM, os.strerror(errno.EPERM))))
    assert file.keep_aside() is None
    assert_holds(file, b"")


# -- other systems ------------------------------------------------------------------------------------------


def test_where_fsync_is_not_enough_more_is_asked_for(
    file: JournalFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int]] = []
    with monkeypatch.context() as system:
        system.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
        system.setattr(fcntl, "fcntl", lambda handle, what: asked.append((os.fstat(handle).st_ino, what)))
        system.setattr(os, "fsync", _raises(AssertionError("that is not enough")))
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
