"""Journals on disks that are full or fail, and journals that are damaged: what is whole is there, and nothing else."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from journals import MARK, Disk, OpenJournal, draft, keep, numbers_left

from crypto_ws_sync import (
    ConfigError,
    SessionClosed,
)
from crypto_ws_sync.session import journal_file
from crypto_ws_sync.session.journal import Journal
from crypto_ws_sync.session.journal_file import JournalFile, read_journal


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
    before = path.read_bytes() + b'{"n":99,"torn'
    path.write_bytes(before)
    neighbour = path.with_name(path.name + ".new")
    neighbour.write_text("somebody else's", encoding="utf-8")
    disk.room = 20
    again = open_journal()
    assert numbers_left(again) == [5]
    assert path.read_bytes() == before
    assert sorted(os.listdir(path.parent)) == [path.name, neighbour.name, path.name + ".unreadable"]
    assert "could not be made anew" in caplog.text
    with pytest.raises(ConfigError, match="No space"):
        keep(again)
    disk.room = float("inf")
    assert keep(again) == [7]
    again.stop(5)
    contents = read_journal(path)
    assert [each.number for each in contents.left_open] == [5, 7]
    assert contents.skipped == 1, "what was torn has spoilt nothing that came after it"


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
