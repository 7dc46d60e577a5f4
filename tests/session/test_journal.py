"""The journal on disk: what is kept, who may have it, and what is refused."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from journals import OpenJournal, draft, keep, numbers_left

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
from crypto_ws_sync.session.journal import account_mark
from crypto_ws_sync.session.journal_file import JournalFile, read_journal

ROOT = Path(__file__).parents[2]


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


def test_a_file_system_that_cannot_lock_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(handle: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(journal_file, "_lock", refuse)
    with pytest.raises(ConfigError, match="No locks available"):
        UserWSSession(endpoint="ws://127.0.0.1:9", journal=path).start()


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


@pytest.mark.parametrize(
    ("verdict", "told"),
    [
        (
            Verdict(VerdictKind.REFUSED, error=PartialFailure(status=409, code=-2021)),
            ("partly executed", -2021),
        ),
        (Verdict(VerdictKind.REFUSED, error=OrderRejected(status=400, code=-2010)), ("refused", -2010)),
        (Verdict(VerdictKind.NOT_EXECUTED), ("not executed", None)),
    ],
    ids=["partly", "refused", "not executed"],
)
def test_what_was_found_out_is_noted_in_its_own_words(
    path: Path, open_journal: OpenJournal, verdict: Verdict, told: tuple[str, int | None]
) -> None:
    journal = open_journal()
    record = draft(journal)
    journal.keep([record])
    journal.judged(record.question, verdict)
    journal.judged(record.question, verdict)
    journal.stop(5)
    settled = read_journal(path).settled[record.number]
    assert (settled.verdict, settled.code) == told
