"""The journal on disk: who may have it, what is refused, and what a damaged one comes to."""

from __future__ import annotations

import errno
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crypto_ws_sync import (
    ConfigError,
    ConnectionLost,
    OrderRejected,
    OutcomeUnknown,
    PartialFailure,
    SessionClosed,
    UserWSSession,
)
from crypto_ws_sync.protocol.outcome import Question, Verdict, VerdictKind
from crypto_ws_sync.session import journal as journal_module
from crypto_ws_sync.session import journal_file
from crypto_ws_sync.session.journal import Journal, account_mark
from crypto_ws_sync.session.journal_file import JournalFile, read_journal
from crypto_ws_sync.session.journal_lines import Record

ROOT = Path(__file__).parents[2]
MARK = account_mark("here:1", "key")

OpenJournal = Callable[..., Journal]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "orders.journal"


@pytest.fixture(autouse=True)
def _no_wait_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let hundreds of journals be opened in a moment: no test here pulls the plug."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture
def open_journal(path: Path) -> Iterator[OpenJournal]:
    """Open journals; they are closed at the end."""
    made: list[Journal] = []

    def open_journal(at: Path = path, account: str = MARK, *, is_synced: bool = False) -> Journal:
        made.append(Journal(at, account, is_synced=is_synced, name="a journal"))
        return made[-1]

    yield open_journal
    for journal in made:
        journal.stop(5)


def draft(journal: Journal, **changes: Any) -> Record:
    """Return the record of an order that is about to be sent."""
    number = journal.next_number()
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


# -- what is kept -------------------------------------------------------------------------------------------


def test_what_is_not_settled_is_there_the_next_time_and_what_is_settled_is_gone(
    path: Path, open_journal: OpenJournal
) -> None:
    journal = open_journal()
    numbers = keep(journal, 3)
    journal.settle(numbers[1], "executed")
    journal.stop(5)
    assert [each.number for each in read_journal(path).left_open] == [1, 3]
    again = open_journal()
    assert numbers_left(again) == [1, 3]
    assert read_journal(path).records.keys() == {1, 3}
    assert not read_journal(path).settled
    assert keep(again) == [4]


def test_a_file_that_is_only_ever_settled_does_not_grow(path: Path, open_journal: OpenJournal) -> None:
    sizes = []
    for _ in range(3):
        journal = open_journal()
        for number in keep(journal, 20):
            journal.settle(number, "executed")
        journal.stop(5)
        sizes.append(path.stat().st_size)
    assert max(sizes) < 1.2 * min(sizes)


def test_a_long_run_drops_what_is_settled_on_its_way(
    path: Path, open_journal: OpenJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "REWRITTEN_AT", 20_000)
    journal = open_journal()
    (staying,) = keep(journal)
    largest = 0
    written = threading.Event()
    rewrite = journal._rewrite

    def noted() -> None:
        rewrite()
        written.set()

    monkeypatch.setattr(journal, "_rewrite", noted)
    for _ in range(3):
        written.clear()
        while not written.is_set():
            for number in keep(journal, 10):
                journal.settle(number, "executed")
            largest = max(largest, path.stat().st_size)
    after = keep(journal, 2)
    journal.stop(5)
    assert {each.number for each in read_journal(path).left_open} == {staying, *after}
    assert not read_journal(path).skipped


def _reply(outcome: Any) -> Future[Any]:
    reply: Future[Any] = Future()
    if outcome is None:
        reply.cancel()
    elif isinstance(outcome, BaseException):
        reply.set_exception(outcome)
    else:
        reply.set_result(outcome[0])
    return reply


@pytest.mark.parametrize(
    ("outcome", "verdict", "code"),
    [
        (({"orderId": 1},), "executed", None),
        (([],), "executed", None),
        ((None,), "not executed", None),
        (None, "not executed", None),
        (ConnectionLost("gone"), "not executed", None),
        (SessionClosed("stopped"), "not executed", None),
        (OrderRejected(status=400, code=-2010), "refused", -2010),
        (PartialFailure(status=409, code=-2021), "partly executed", -2021),
        (OutcomeUnknown("open"), None, None),
        (RuntimeError("our own mistake"), None, None),
    ],
    ids=repr,
)
def test_what_the_caller_was_told_is_noted_if_it_was_the_end(
    path: Path, open_journal: OpenJournal, outcome: Any, verdict: str | None, code: int | None
) -> None:
    journal = open_journal()
    (number,) = keep(journal)
    journal.done(number, True, _reply(outcome))
    journal.stop(5)
    contents = read_journal(path)
    assert (number in contents.settled) is (verdict is not None)
    if verdict is not None:
        assert (contents.settled[number].verdict, contents.settled[number].code) == (verdict, code)


def test_an_unknown_method_may_answer_with_nothing(path: Path, open_journal: OpenJournal) -> None:
    journal = open_journal()
    (number,) = keep(journal)
    journal.done(number, False, _reply((None,)))
    journal.stop(5)
    assert read_journal(path).settled[number].verdict == "executed"


@pytest.mark.parametrize(
    ("changes", "is_its"),
    [
        ({}, True),
        ({"timestamp": 1.7e9 + 4}, True),
        ({"client_order_id": "another"}, False),
        ({"params": {"symbol": "ETHUSDT"}}, False),
        ({"method": "order.cancel"}, False),
        ({"timestamp": 1.7e9 - 60}, False),
    ],
)
def test_a_verdict_on_a_write_of_another_session_settles_nothing_here(
    path: Path, open_journal: OpenJournal, changes: dict[str, Any], is_its: bool
) -> None:
    journal = open_journal()
    record = draft(journal)
    journal.keep([record])
    fields = {name: getattr(record.question, name) for name in Question.__slots__}
    journal.judged(Question(**{**fields, **changes}), Verdict(VerdictKind.NOT_EXECUTED))
    journal.stop(5)
    assert bool(read_journal(path).settled) is is_its


def test_what_another_key_left_stays_and_is_not_ours(path: Path, open_journal: OpenJournal) -> None:
    theirs = open_journal(account=account_mark("here:1", "another key"))
    keep(theirs, 2)
    theirs.stop(5)
    journal = open_journal()
    ours, others = journal.left_open()
    assert ours == []
    assert [record.number for record in others] == [1, 2]
    keep(journal)
    journal.stop(5)
    assert len(read_journal(path).left_open) == 3


def test_the_account_mark_tells_venues_and_keys_apart_and_nothing_else() -> None:
    marks = {account_mark(venue, key) for venue in ("a", "b") for key in ("k" * 64, "l" * 64, None)}
    assert len(marks) == 6
    assert not any("k" * 4 in mark for mark in marks)


# -- who may have it ----------------------------------------------------------------------------------------


def test_it_is_readable_by_its_owner_alone_before_and_after_it_is_made_anew(
    path: Path, open_journal: OpenJournal
) -> None:
    before = os.umask(0)
    try:
        journal = open_journal()
        assert path.stat().st_mode & 0o777 == 0o600
        keep(journal)
        journal.stop(5)
        open_journal()
        assert path.stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(before)
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_second_one_is_refused_and_disturbs_nothing(path: Path, open_journal: OpenJournal) -> None:
    journal = open_journal()
    keep(journal)
    before = path.read_bytes()
    for _ in range(2):
        with pytest.raises(ConfigError, match="in use by another session of this program"):
            open_journal()
    assert path.read_bytes() == before
    keep(journal)
    journal.stop(5)
    assert numbers_left(open_journal()) == [1, 2]


def test_a_second_program_is_refused_and_told_by_which(path: Path, open_journal: OpenJournal) -> None:
    open_journal()
    code = (
        "import sys; from pathlib import Path; from crypto_ws_sync.session.journal import Journal\n"
        "try: Journal(Path(sys.argv[1]), '', is_synced=False, name='j')\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("ConfigError the journal")
    assert f"in use by another program (process {os.getpid()})" in done.stdout


def test_a_second_one_is_refused_after_the_file_was_made_anew(path: Path, open_journal: OpenJournal) -> None:
    journal = open_journal()
    with journal._sync_lock, journal._lock:
        journal._rewrite()
    with pytest.raises(ConfigError, match="in use"):
        open_journal()


def test_a_link_is_followed_and_stays(tmp_path: Path, path: Path, open_journal: OpenJournal) -> None:
    link = tmp_path / "link"
    link.symlink_to(path)
    journal = open_journal(link)
    keep(journal)
    with pytest.raises(ConfigError, match="in use"):
        open_journal(path)
    journal.stop(5)
    assert link.is_symlink()
    assert numbers_left(open_journal(path)) == [1]


def test_the_lock_goes_to_whoever_opens_the_file_that_stands_there(
    path: Path, open_journal: OpenJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its holder puts a new file in its place, and goes, between another's opening and locking."""
    first = open_journal()
    keep(first)
    lock = journal_file._lock
    calls = []

    def late(handle: int) -> None:
        calls.append(handle)
        if len(calls) == 1:
            with first._sync_lock, first._lock:
                first._rewrite()
            first.stop(5)
        lock(handle)

    second = JournalFile(path)
    monkeypatch.setattr(journal_file, "_lock", late)
    contents = second.open()
    try:
        assert len(contents.left_open) == 1
        assert not second.is_displaced()
        assert len(calls) == 3, "the second's, the first's new file's, and the second's again"
    finally:
        second.close()


# -- what is refused ----------------------------------------------------------------------------------------


def _make_folder(path: Path) -> None:
    path.mkdir()


def _make_pipe(path: Path) -> None:
    os.mkfifo(path)


def _make_device(path: Path) -> None:
    path.symlink_to("/dev/null")


def _make_no_folder(path: Path) -> None:
    path.parent.rmdir()


def _make_file_of_folder(path: Path) -> None:
    path.parent.rmdir()
    path.parent.write_text("no folder", encoding="utf-8")


def _make_loop(path: Path) -> None:
    path.symlink_to(path)


def _make_text(path: Path) -> None:
    path.write_text("my own notes\nof many lines\n", encoding="utf-8")


REFUSED = {
    "a folder": (_make_folder, "is a folder"),
    "a pipe": (_make_pipe, "is no file"),
    "a device": (_make_device, "is no file"),
    "no folder": (_make_no_folder, "its folder does not exist"),
    "a file in the folder's place": (_make_file_of_folder, "Not a directory"),
    "a link to itself": (_make_loop, "symbolic links"),
    "something else": (_make_text, "something else than a journal"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_a_journal_is_refused_by_start_and_left_alone(tmp_path: Path, kind: str) -> None:
    make, words = REFUSED[kind]
    folder = tmp_path / "folder"
    folder.mkdir()
    path = folder / "orders.journal"
    make(path)
    before = path.read_bytes() if path.is_file() else None
    session = UserWSSession(endpoint="ws://127.0.0.1:9", journal=path)
    with pytest.raises(ConfigError, match=words) as caught:
        session.start()
    assert ("/dev/null" if kind == "a device" else str(path)) in str(caught.value)
    assert session.status().state == "idle"
    if before is not None:
        assert path.read_bytes() == before
    if kind not in ("no folder", "a file in the folder's place"):
        assert os.listdir(folder) == [path.name]


def test_a_folder_that_may_not_be_written_to_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o500)
    session = UserWSSession(endpoint="ws://127.0.0.1:9", journal=folder / "orders.journal")
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    if is_root:
        # Nothing is forbidden to root, so be somebody else for a moment.
        os.seteuid(65534)
    try:
        with pytest.raises(ConfigError, match="Permission denied"):
            session.start()
    finally:
        if is_root:
            os.seteuid(0)
    assert session.status().state == "idle"


@pytest.mark.parametrize("journal", [3, b"orders", "", object()])
def test_what_is_no_path_is_refused_at_once(journal: Any) -> None:
    with pytest.raises(ConfigError, match="journal is"):
        UserWSSession(journal=journal)


def test_a_name_that_no_file_can_have_is_refused_by_start() -> None:
    with pytest.raises(ConfigError, match="embedded null"):
        UserWSSession(endpoint="ws://127.0.0.1:9", journal="a\0b").start()


def test_a_relative_path_is_seen_from_where_the_session_was_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    session = UserWSSession(endpoint="ws://127.0.0.1:9", journal="orders.journal")
    monkeypatch.chdir("/")
    with pytest.raises(ConnectionError):
        session.start(0.05)
    assert os.listdir(tmp_path) == ["orders.journal"]


def test_a_start_that_fails_lets_go_of_the_file(path: Path, open_journal: OpenJournal) -> None:
    session = UserWSSession(endpoint="ws://127.0.0.1:9", journal=path)
    for _ in range(2):
        with pytest.raises(ConnectionError):
            session.start(0.05)
    open_journal()


# -- disks that are full, or fail ---------------------------------------------------------------------------


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


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


@pytest.mark.parametrize("cannot_cut", [False, True])
@pytest.mark.parametrize("room", [0, 1, 100, 300])
def test_a_record_that_does_not_fit_is_refused_and_harms_no_other(
    path: Path, open_journal: OpenJournal, disk: Disk, room: int, cannot_cut: bool
) -> None:
    journal = open_journal()
    keep(journal)
    before = path.read_bytes()
    disk.room, disk.cannot_cut = room, cannot_cut
    with pytest.raises(ConfigError, match="No space left on device"):
        keep(journal, 2)
    if not cannot_cut:
        assert path.read_bytes() == before
    disk.room = float("inf")
    assert keep(journal) == [4], "once there is room again orders are sent again"
    journal.stop(5)
    contents = read_journal(path)
    expected = {1, 4} | ({2} if room == 300 and cannot_cut else set())
    assert contents.records.keys() == expected
    assert contents.skipped == (1 if cannot_cut and room else 0)


def test_verdicts_that_do_not_fit_cost_only_a_look_up(
    path: Path, open_journal: OpenJournal, disk: Disk
) -> None:
    journal = open_journal()
    first, second = keep(journal, 2)
    disk.room = 10
    journal.settle(first, "executed")
    journal.stop(5)
    assert [each.number for each in read_journal(path).left_open] == [first, second]


def test_a_disk_that_its_own_settled_orders_fill_is_no_hindrance(
    path: Path, open_journal: OpenJournal, disk: Disk
) -> None:
    disk.room = 2000
    for _ in range(3):
        journal = open_journal()
        for _ in range(20):
            (number,) = keep(journal)
            journal._write_verdicts([(number, "executed", None)])
        keep(journal)
        journal.stop(5)
        contents = read_journal(path)
        assert len(contents.left_open) == 1
        assert not contents.skipped
        # Somebody hears how that one ended, too.
        journal = open_journal()
        journal.settle(contents.left_open[0].number, "executed")
        journal.stop(5)
        assert not read_journal(path).left_open


def test_a_full_disk_stops_no_start(
    path: Path, open_journal: OpenJournal, disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    journal = open_journal()
    numbers = keep(journal, 5)
    for number in numbers[:4]:
        journal.settle(number, "executed")
    journal.stop(5)
    before = path.read_bytes()
    disk.room = 20
    again = open_journal()
    assert numbers_left(again) == [5]
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]
    assert "could not be made anew" in caplog.text
    with pytest.raises(ConfigError, match="No space"):
        keep(again)
    disk.room = float("inf")
    assert keep(again) == [7]


def test_without_sync_nothing_waits_for_the_disk_and_with_it_every_record_does(
    tmp_path: Path, open_journal: OpenJournal, disk: Disk
) -> None:
    plain = open_journal(tmp_path / "plain")
    disk.flushes = 0
    keep(plain)
    assert disk.flushes == 0
    synced = open_journal(tmp_path / "synced", is_synced=True)
    disk.flushes = 0
    keep(synced)
    keep(synced, 100)
    assert disk.flushes == 2


def test_records_written_together_wait_for_one_sync(
    path: Path, open_journal: OpenJournal, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = open_journal(is_synced=True)
    may_go, are_written = threading.Event(), threading.Semaphore(0)
    flush, append = disk.flush, JournalFile.append
    disk.flushes = 0

    def slow(handle: int) -> None:
        assert may_go.wait(5)
        flush(handle)

    def counted(file: JournalFile, data: bytes) -> None:
        append(file, data)
        are_written.release()

    monkeypatch.setattr(journal_file, "_flush", slow)
    monkeypatch.setattr(JournalFile, "append", counted)
    threads = [threading.Thread(target=keep, args=(journal,)) for _ in range(10)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert are_written.acquire(timeout=5)
    may_go.set()
    for thread in threads:
        thread.join(5)
    assert disk.flushes == 2, "the one under way, and one for all that were written behind it"
    journal.stop(5)
    assert len(read_journal(path).left_open) == 10


def test_after_a_sync_that_failed_no_order_is_sent_until_the_next_start(
    path: Path, open_journal: OpenJournal, disk: Disk
) -> None:
    """The system may forget what it could not write, and call the next sync a success."""
    journal = open_journal(is_synced=True)
    disk.fails_to_flush = True
    with pytest.raises(ConfigError, match="nothing was sent"):
        keep(journal)
    disk.fails_to_flush = False
    with pytest.raises(ConfigError, match="start it again"):
        keep(journal)
    journal.stop(5)
    assert not read_journal(path).left_open
    keep(open_journal(is_synced=True))


@pytest.mark.parametrize("kind", ["removed", "moved", "replaced"])
def test_a_file_that_was_taken_away_is_made_anew(path: Path, open_journal: OpenJournal, kind: str) -> None:
    journal = open_journal()
    first, second = keep(journal, 2)
    if kind == "removed":
        path.unlink()
    else:
        path.rename(path.with_name("moved"))
        if kind == "replaced":
            path.write_text("", encoding="utf-8")
    journal.settle(first, "executed")
    journal.stop(5)
    assert [each.number for each in read_journal(path).left_open] == [second]


def test_without_its_folder_no_order_is_sent_any_more(
    tmp_path: Path, open_journal: OpenJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    journal = open_journal(folder / "orders.journal")
    (number,) = keep(journal)
    is_told = threading.Event()
    monkeypatch.setattr(journal, "_tell_of_failure", lambda error: is_told.set())
    (folder / "orders.journal").unlink()
    folder.rmdir()
    journal.settle(number, "executed")
    assert is_told.wait(5)
    with pytest.raises(ConfigError, match="No such file or directory; stop the session"):
        keep(journal)


def test_what_is_longer_than_any_order_is_refused(open_journal: OpenJournal) -> None:
    journal = open_journal()
    with pytest.raises(ConfigError, match="too long") as caught:
        draft(journal, params={"note": "x" * 2**20})
    assert caught.value.method == "order.place"


def test_a_closed_journal_takes_nothing(open_journal: OpenJournal) -> None:
    journal = open_journal()
    journal.stop(5)
    with pytest.raises(SessionClosed):
        keep(journal)


# -- damage -------------------------------------------------------------------------------------------------


@pytest.fixture
def written(path: Path, open_journal: OpenJournal) -> bytes:
    """A journal of three open orders and a settled one."""
    journal = open_journal()
    numbers = keep(journal, 4)
    journal.settle(numbers[2], "executed")
    journal.stop(5)
    return path.read_bytes()


def test_cut_anywhere_in_its_last_record_it_opens_and_holds_the_others(
    path: Path, written: bytes, open_journal: OpenJournal
) -> None:
    records = {record.number: record for record in read_journal(path).records.values()}
    start = written.index(b'{"n":4')
    end = written.index(b"\n", start)
    for place in range(start, end + 2):
        path.write_bytes(written[:place])
        journal = open_journal()
        left = journal.left_open()[0]
        assert [each.number for each in left] == ([1, 2, 3, 4] if place >= end else [1, 2, 3])
        assert all(each == records[each.number] for each in left)
        assert keep(journal)[0] not in {each.number for each in left}
        journal.stop(5)
        assert not read_journal(path).skipped, "what cannot be read is gone, and what was added is whole"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(place=st.floats(0, 1, exclude_max=True), change=st.integers(1, 255))
def test_with_any_byte_changed_it_opens_and_invents_nothing(
    path: Path, written: bytes, place: float, change: int
) -> None:
    path.write_bytes(written)
    records = read_journal(path).records
    data = bytearray(written)
    data[int(place * len(data))] ^= change
    path.write_bytes(data)
    journal = Journal(path, MARK, is_synced=False, name="a journal")
    try:
        left = journal.left_open()[0]
        assert all(each == records[each.number] for each in left)
        # One byte touches two lines at the most.
        assert len({1, 2, 4} - {each.number for each in left}) <= 2
        assert keep(journal)[0] not in {each.number for each in left}
    finally:
        journal.stop(5)
    assert not read_journal(path).skipped


def test_unreadable_lines_are_counted_and_kept_aside(
    path: Path, written: bytes, open_journal: OpenJournal, caplog: pytest.LogCaptureFixture
) -> None:
    damaged = written.replace(b'"id2"', b'"id9"').replace(b'"id4"', b'"id8"') + b"torn"
    path.write_bytes(damaged)
    with caplog.at_level(logging.WARNING):
        open_journal()
    (record,) = caplog.records
    assert record.getMessage().startswith(f"3 lines of the journal {path} could not be read and were skipped")
    assert '"id9"' in record.getMessage()
    assert path.with_name(path.name + ".unreadable").read_bytes() == damaged
