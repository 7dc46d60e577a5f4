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
    body = json.dumps(fields).encode()[:-1]
    line = b'%b,"crc":"%08x"}\n' % (body, zlib.crc32(body))
    contents = read(JOURNAL + line)
    assert contents.skipped == 1
    assert contents.records == WHOLE.records


def test_of_many_unreadable_lines_the_first_are_shown() -> None:
    contents = read(JOURNAL + b"x" * 1000 + b"\n" + b"y\n" * 50)
    assert contents.skipped == 51
    assert contents.shown == [b"x" * 400, b"y", b"y"]
    assert contents.records == WHOLE.records
