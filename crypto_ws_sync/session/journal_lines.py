"""The journal's text: one line of JSON for each thing told, with a checksum at its end.

A line that was cut off, or of which a byte has changed, has no right checksum or is no JSON; it is told from the others
and left out, so that what it held is lost, but nothing is read that was not written.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from crypto_ws_sync.exchanges.binance.envelope import decode, encode
from crypto_ws_sync.protocol.outcome import Question

__all__ = [
    "LONGEST_LINE",
    "Contents",
    "Record",
    "Settled",
    "opening_line",
    "read_lines",
    "record_line",
    "verdict_line",
]

LONGEST_LINE = 2**20
"""Bytes of one line; no order takes a hundredth of it, and a file of something else must not fill memory."""
SHOWN = 3
"""Lines that could not be read of which the beginning is kept, to be shown."""
_MARKS = (b'{"opened":', b'"crc":"')
"""What a line of a journal holds, so that a damaged one holds at least one of them."""
_SUM_LENGTH = len(',"crc":"00000000"}')


@dataclass(slots=True)  # not frozen: one is made for every write, and that would cost it three times as much
class Record:
    """One write as it stands in the journal; never changed once made.

    Attributes:
        question: What has to be looked up; its serial is the number in the journal, its timestamp the first that the
            write can have been sent with, and `accepted_until` counts from the last.
        latest: The last timestamp that it can have been sent with, epoch seconds; infinite where nothing limits it.
        account: Stands for the venue and the key that it was recorded with.
        line: The record as it is in the file.
    """

    question: Question
    latest: float
    account: str
    line: bytes = field(repr=False)

    @property
    def number(self) -> int:
        """The number by which the verdict names it."""
        return self.question.serial

    @property
    def window(self) -> float:
        """Seconds after its timestamp for which the exchange can still accept it."""
        question = self.question
        return question.accepted_until - (self.latest if math.isfinite(self.latest) else question.timestamp)


@dataclass(frozen=True, slots=True)
class Settled:
    """How one write ended, as it stands in the journal.

    Attributes:
        verdict: "executed", "refused", "partly executed", "not executed"; or "unknown", where nothing can tell.
        at: When that was noted, epoch seconds of this machine.
        code: The exchange's error code, where it gave one.
    """

    verdict: str
    at: float
    code: int | None = None


@dataclass(slots=True)
class Contents:
    """What a journal's file holds.

    Attributes:
        records: Every write by its number, settled or not.
        settled: How those ended of which that is known.
        skipped: How many lines could not be read.
        shown: The first of those, to be shown.
        last_number: The greatest number that occurs.
        pid: Process that opened it last; 0 where none is noted.
        is_whole: The last line has its end.
        is_foreign: There is something, and nothing of it looks like a line of a journal.

    Owner: whoever reads.
    """

    records: dict[int, Record] = field(default_factory=dict)
    settled: dict[int, Settled] = field(default_factory=dict)
    skipped: int = 0
    shown: list[bytes] = field(default_factory=list)
    last_number: int = 0
    pid: int = 0
    is_whole: bool = True
    is_foreign: bool = False

    @property
    def left_open(self) -> list[Record]:
        """The writes whose end is not told, oldest first."""
        return [record for number, record in self.records.items() if number not in self.settled]


def _line(fields: Mapping[str, Any]) -> bytes:
    body = encode(fields)[:-1].encode("utf-8")
    return b'%b,"crc":"%08x"}\n' % (body, zlib.crc32(body))


def record_line(question: Question, latest: float, window: float, account: str) -> bytes:
    """Return the line of a write that is about to be handed over.

    Args:
        question: As in `Record`.
        latest: As in `Record`.
        window: Seconds after its timestamp for which the exchange can still accept it.
        account: As in `Record`.
    """
    return _line(
        {
            "n": question.serial,
            "account": account,
            "at": question.timestamp,
            "error": question.clock_error,
            "latest": latest if latest < math.inf else None,
            "window": window,
            "method": question.method,
            "id": question.client_order_id,
            "places": question.is_placement,
            "after": question.latest_order,
            "params": question.params,
        }
    )


def verdict_line(number: int, settled: Settled) -> bytes:
    """Return the line that tells how a write ended."""
    fields: dict[str, Any] = {"n": number, "verdict": settled.verdict, "at": settled.at}
    if settled.code is not None:
        fields["code"] = settled.code
    return _line(fields)


def opening_line(pid: int, at: float) -> bytes:
    """Return the line that tells which process has opened the journal."""
    return _line({"opened": at, "pid": pid})


def read_lines(lines: Iterable[bytes]) -> Contents:
    """Return what a journal's lines say, whatever has become of them."""
    contents = Contents()
    is_ours = False
    for raw in lines:
        line = raw.removesuffix(b"\n")
        contents.is_whole = len(line) < len(raw)
        if not line:
            continue
        try:
            _take(contents, _fields(line), line + b"\n")
            is_ours = True
        except (ValueError, KeyError, TypeError, RecursionError):
            is_ours = is_ours or any(mark in line for mark in _MARKS) or _MARKS[0].startswith(line)
            contents.skipped += 1
            if len(contents.shown) < SHOWN:
                contents.shown.append(line[:400])
    contents.is_foreign = contents.skipped > 0 and not is_ours
    return contents


def _fields(line: bytes) -> Mapping[str, Any]:
    """Return what one line holds.

    Raises:
        ValueError: It is not as it was written.
    """
    body = line[:-_SUM_LENGTH]
    if line[-_SUM_LENGTH:] != b',"crc":"%08x"}' % zlib.crc32(body):
        raise ValueError("the checksum is wrong")
    # What ends with a checksum and a brace is an object, if it is JSON at all.
    fields: Mapping[str, Any] = decode(str(line, "utf-8"))
    return fields


def _take(contents: Contents, fields: Mapping[str, Any], line: bytes) -> None:
    """Add one line's content.

    Raises:
        KeyError, TypeError, ValueError: Something is missing, or is not what it should be.
    """
    if "opened" in fields:
        contents.pid = _whole(fields["pid"])
        return
    number = _whole(fields["n"])
    if "verdict" in fields:
        code = None if fields.get("code") is None else _whole(fields["code"])
        contents.settled[number] = Settled(_text(fields["verdict"]), _seconds(fields["at"]), code)
    else:
        contents.records[number] = _record(number, fields, line)
    contents.last_number = max(contents.last_number, number)


def _record(number: int, fields: Mapping[str, Any], line: bytes) -> Record:
    at, error, window = (_seconds(fields[name]) for name in ("at", "error", "window"))
    latest = math.inf if fields["latest"] is None else _seconds(fields["latest"])
    client_order_id, params, latest_order = fields["id"], fields["params"], fields["after"]
    if client_order_id is not None:
        _text(client_order_id)
    if latest_order is not None:
        _whole(latest_order)
    if type(params) is not dict or type(fields["places"]) is not bool:
        raise TypeError("not a record's fields")
    last = latest if latest < math.inf else at
    question = Question(
        number,
        _text(fields["method"]),
        params,
        client_order_id,
        at,
        last + window,
        error,
        fields["places"],
        latest_order,
    )
    return Record(question, latest, _text(fields["account"]), line)


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise TypeError("not a whole number")
    return value


def _seconds(value: Any) -> float:
    if type(value) not in (int, float) or not 0 <= value <= 1e11:
        raise TypeError("not a number of seconds")
    return float(value)


def _text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError("not a text")
    return value
