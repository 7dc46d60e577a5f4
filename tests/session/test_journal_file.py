"""The journal's file by itself: who has it, and what is read of it."""

from __future__ import annotations

import errno
import os
import tracemalloc
from pathlib import Path

import pytest
from journals import OPENED, SOMEBODY, assert_holds, handles, line, raises

from crypto_ws_sync.errors import ConfigError
from crypto_ws_sync.session import journal_file
from crypto_ws_sync.session.journal_file import JournalFile, read_journal
from crypto_ws_sync.session.journal_lines import LONGEST_LINE, opening_line

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


def test_a_closed_file_writes_to_no_other_that_has_got_its_handle(file: JournalFile, tmp_path: Path) -> None:
    file.append(OPENED)
    file.close()
    others = [(tmp_path / f"other {number}").open("wb") for number in range(20)]
    try:
        with pytest.raises(OSError):
            file.append(line(1))
        assert file.is_displaced()
    finally:
        for other in others:
            other.close()
    assert not any(Path(other.name).read_bytes() for other in others)
    assert file.path.read_bytes() == OPENED


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
        system.setattr(journal_file, "read_journal", raises(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            JournalFile(path).open()
    assert handles() == before


def test_a_file_that_cannot_be_locked_at_all_is_let_go(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = handles()
    file = JournalFile(path)
    with monkeypatch.context() as system:
        system.setattr(journal_file, "_lock", raises(OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))))
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
    ids=["another process", "this process", "not known"],
)
def test_whoever_has_it_is_named_as_far_as_that_is_known(
    path: Path, monkeypatch: pytest.MonkeyPatch, number: int, holder: int | None, words: str
) -> None:
    """Systems differ in how they refuse a lock; and a file may be made and not yet written to."""
    path.write_bytes(opening_line(holder, 1.7e9) if holder is not None else b"")
    monkeypatch.setattr(journal_file, "_lock", raises(OSError(number, os.strerror(number))))
    with pytest.raises(ConfigError, match=words):
        JournalFile(path).open()


def test_whoever_has_what_cannot_be_read_is_another_program(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_file, "_lock", raises(BlockingIOError(errno.EAGAIN, "taken")))
    monkeypatch.setattr(journal_file, "read_journal", raises(ConfigError("cannot be read")))
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
