"""The journal's text: what was written is read, and nothing else is, whatever has become of the file."""

from __future__ import annotations

import io
import json
import math
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto_ws_sync.protocol.outcome import Question
from crypto_ws_sync.session.journal_lines import (
    LONGEST_LINE,
    Contents,
    Settled,
    opening_line,
    read_lines,
    record_line,
    verdict_line,
)

MARK = "0123456789abcdef"


def question(number: int, **changes: Any) -> Question:
    params = {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "MARKET",
        "quantity": "0.5",
        "newClientOrderId": "id",
    }
    asked = Question(number, "order.place", params, f"id{number}", 1.7e9 + number, 1.7e9 + number, 0.01, True)
    given = {name: getattr(asked, name) for name in Question.__slots__}
    return Question(**{**given, **changes})


def read(data: bytes) -> Contents:
    return read_lines(io.BytesIO(data))


JOURNAL = b"".join(
    [
        opening_line(4711, 1.7e9),
        record_line(question(1), 1.7e9 + 10, 5.0, MARK),
        record_line(question(2, latest_order=9, params={"symbol": '币安USDT\n"}'}), math.inf, 5.0, MARK),
        verdict_line(1, Settled("refused", 1.7e9 + 2, -2010)),
        record_line(question(3, client_order_id=None), 1.7e9 + 13, 0.5, MARK),
    ]
)
WHOLE = read(JOURNAL)


def test_what_was_written_is_read() -> None:
    assert WHOLE.skipped == 0
    assert WHOLE.pid == 4711
    assert WHOLE.last_number == 3
    assert WHOLE.is_whole
    assert not WHOLE.is_foreign
    assert WHOLE.settled == {1: Settled("refused", 1.7e9 + 2, -2010)}
    assert [record.number for record in WHOLE.left_open] == [2, 3]
    first, second, third = WHOLE.records.values()
    assert (first.latest, first.window, first.account) == (1.7e9 + 10, 5.0, MARK)
    assert first.question == question(1, accepted_until=1.7e9 + 15)
    assert (second.latest, second.window) == (math.inf, 5.0)
    assert second.question.params == {"symbol": '币安USDT\n"}'}
    assert third.question.client_order_id is None
    assert third.question.accepted_until == 1.7e9 + 13.5


def test_each_line_is_json_and_none_is_more_than_one_line() -> None:
    lines = JOURNAL.splitlines()
    assert len(lines) == 5
    assert all(len(json.loads(line)["crc"]) == 8 for line in lines)


def with_sum(fields: dict[str, Any]) -> bytes:
    """Return a line that bears the right checksum, whatever it says."""
    body = json.dumps(fields).encode()[:-1]
    return b'%b,"crc":"%08x"}\n' % (body, zlib.crc32(body))


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(
    number=st.integers(1, 2**63),
    params=st.dictionaries(
        texts, st.one_of(texts, st.integers(), st.booleans(), st.lists(texts)), max_size=5
    ),
    method=texts,
    client_order_id=st.none() | texts,
    latest=st.floats(0, 1e10) | st.just(math.inf),
    window=st.floats(0, 60),
    is_placement=st.booleans(),
)
def test_any_write_comes_back(
    number: int,
    params: dict[str, Any],
    method: str,
    client_order_id: str | None,
    latest: float,
    window: float,
    is_placement: bool,
) -> None:
    asked = Question(number, method, params, client_order_id, 1.7e9, 0.0, 0.5, is_placement)
    line = record_line(asked, latest, window, MARK)
    contents = read(line)
    assert contents.skipped == 0
    (record,) = contents.left_open
    last = latest if latest < math.inf else 1.7e9
    assert record.question == asked.open_until(last + window, asked.clock_error)
    assert (record.latest, record.account, record.line) == (latest, MARK, line)
    assert record.window == pytest.approx(window, abs=1e-5)


def test_a_line_has_room_for_a_hundred_orders_and_no_more_than_memory_has() -> None:
    largest = {f"pendingAboveParameter{number}": "x" * 36 for number in range(60)}
    line = record_line(question(2**53, params=largest, client_order_id="x" * 36), 1.7e9 + 10, 60.0, MARK)
    assert 100 * len(line) < LONGEST_LINE <= 2**20


def test_cut_at_every_byte_of_its_last_record_all_the_others_are_there() -> None:
    start = JOURNAL.rindex(b'{"n":3')
    others = read(JOURNAL[:start])
    for end in range(start, len(JOURNAL) + 1):
        contents = read(JOURNAL[:end])
        is_there = end >= len(JOURNAL) - 1  # its line's end may be missing
        assert contents.records == (WHOLE.records if is_there else others.records), end
        assert contents.settled == WHOLE.settled
        assert contents.skipped == (0 if is_there or end == start else 1), end
        assert contents.is_whole == (end in (start, len(JOURNAL)))
        assert not contents.is_foreign


def test_with_any_byte_changed_nothing_is_read_that_was_not_written() -> None:
    for place in range(len(JOURNAL)):
        line = JOURNAL[:place].count(b"\n")
        for change in (1, 2, 4, 8, 16, 32, 64, 128, 255, JOURNAL[place] ^ 10, JOURNAL[place] ^ 0):
            if not change:
                continue
            data = bytearray(JOURNAL)
            data[place] ^= change
            contents = read(bytes(data))
            lost = {line, line + 1} if JOURNAL[place] == 10 else {line}
            expected = {number for number, own in ((1, 1), (2, 2), (3, 4)) if own not in lost}
            assert expected <= contents.records.keys(), (place, change)
            for number, record in contents.records.items():
                assert record == WHOLE.records[number], (place, change)
            for number, settled in contents.settled.items():
                assert settled == WHOLE.settled[number], (place, change)
            assert contents.skipped or place == len(JOURNAL) - 1 or change == JOURNAL[place] ^ 10
            assert not contents.is_foreign


@given(data=st.binary(max_size=200))
def test_anything_can_be_read(data: bytes) -> None:
    contents = read(data)
    assert not contents.records
    assert contents.skipped or not data.strip(b"\n")


@pytest.mark.parametrize("length", range(len(b'{"opened":1.0,"pid":1')))
def test_a_journal_that_holds_no_whole_line_is_told_from_another_file(length: int) -> None:
    assert not read(opening_line(1, 1.0)[: length + 1]).is_foreign
    assert read(b"#!/bin/sh\necho hello\n"[: length + 1]).is_foreign


@pytest.mark.parametrize(
    "fields",
    [
        {"n": "1", "verdict": "executed", "at": 1.0},
        {"n": 1, "verdict": 2, "at": 1.0},
        {"n": 1, "verdict": "executed", "at": "now"},
        {"n": 1, "verdict": "refused", "at": 1.0, "code": "x"},
        {"n": True, "verdict": "executed", "at": 1.0},
        {"n": 1, "method": "order.place"},
        {"opened": 1.0, "pid": None},
        {},
    ],
)
def test_a_line_of_another_make_is_left_out(fields: dict[str, Any]) -> None:
    contents = read(JOURNAL + with_sum(fields))
    assert contents.skipped == 1
    assert contents.records == WHOLE.records
    assert contents.last_number == 3


RECORD = json.loads(record_line(question(4), 1.7e9 + 10, 5.0, MARK))
del RECORD["crc"]


@pytest.mark.parametrize(
    "changes",
    [
        {"n": 4.0},
        {"account": None},
        {"at": True},
        {"at": "1.7e9"},
        {"at": -1.0},
        {"at": 1.5e11},
        {"at": math.nan},
        {"error": None},
        {"error": [0.01]},
        {"latest": "never"},
        {"latest": -1},
        {"window": False},
        {"method": 1},
        {"id": 5},
        {"places": 1},
        {"places": None},
        {"after": "9"},
        {"after": 9.0},
        {"after": False},
        {"params": None},
        {"params": ["symbol"]},
    ],
    ids=repr,
)
def test_a_record_with_a_field_that_is_not_what_it_should_be_is_left_out(changes: dict[str, Any]) -> None:
    """Its checksum is right, so a program of another make wrote it: nothing is guessed."""
    assert read(with_sum(RECORD)).records.keys() == {4}
    assert not read(with_sum({**RECORD, **changes})).records
    for name in changes:
        assert not read(with_sum({key: value for key, value in RECORD.items() if key != name})).records


def test_a_field_that_is_not_known_is_no_hindrance() -> None:
    assert read(with_sum({**RECORD, "later": [1]})).records.keys() == {4}


@pytest.mark.parametrize("moment", [0, 1e11])
def test_any_moment_that_a_clock_may_show_is_kept(moment: float) -> None:
    (record,) = read(record_line(question(1, timestamp=moment), moment, 5.0, MARK)).left_open
    assert record.question.timestamp == record.latest == moment


def test_an_empty_file_is_a_journal_and_empty_lines_are_no_damage() -> None:
    """A file may be made and never written to; a torn line is parted from what comes after it."""
    for data in (b"", b"\n", b"\n\n"):
        contents = read(data)
        assert (contents.skipped, contents.last_number, contents.pid) == (0, 0, 0)
        assert contents.is_whole
        assert not contents.is_foreign
    contents = read(JOURNAL.replace(b"\n", b"\n\n\n"))
    assert contents.records == WHOLE.records
    assert contents.skipped == 0


def test_a_journal_of_which_every_line_is_damaged_is_one_still() -> None:
    line = record_line(question(1), 1.7e9 + 10, 5.0, MARK)
    for damaged in (line[:-3] + b"?\n", line[30:], line.replace(b"BTC", b"ETH")):
        contents = read(damaged)
        assert contents.skipped == 1
        assert not contents.is_foreign


def test_a_record_shows_nothing_of_its_order() -> None:
    (record, *_) = WHOLE.left_open
    assert "quantity" not in repr(WHOLE.records[1])
    assert "USDT" not in repr(record)


def test_of_many_unreadable_lines_the_first_are_shown() -> None:
    contents = read(JOURNAL + b"x" * 1000 + b"\n" + b"y\n" * 50)
    assert contents.skipped == 51
    assert contents.shown == [b"x" * 400, b"y", b"y"]
    assert contents.records == WHOLE.records
