"""Moments as callers write them -> microseconds since 1970, UTC."""

from __future__ import annotations

import operator
import re
from datetime import date, datetime, timedelta, timezone
from typing import Any

from crypto_ws_sync.protocol.paging import epoch_us

__all__ = ["moment_us"]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)
_TEXT = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)"
    r"(?:[T ](?P<clock>\d\d:\d\d(?::\d\d)?)(?:[.,](?P<fraction>\d{1,9}))? ?(?P<zone>Z|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII | re.IGNORECASE,
)
_HINT = "pass an aware datetime, ISO text with a zone such as '2026-01-31T12:00Z', or integer milliseconds"


def moment_us(value: Any) -> int:
    """Return microseconds since 1970, UTC.

    Args:
        value: A `Moment`; integers of 10**14 or more are microseconds already.

    Raises:
        ValueError: It is none, or says no zone; the message tells what to do.
    """
    if isinstance(value, datetime):
        return _aware_us(value, repr(value))
    if isinstance(value, str):
        return _text_us(value)
    if isinstance(value, date):
        return moment_us(value.isoformat())
    if isinstance(value, bool):
        raise ValueError(f"{value!r} is no moment: {_HINT}")
    try:
        number = operator.index(value)
    except TypeError:
        raise ValueError(f"{value!r} is no moment: {_HINT}") from None
    if number < 0:
        raise ValueError(f"{value!r} lies before 1970: {_HINT}")
    return epoch_us(number)


def _aware_us(value: datetime, said: str) -> int:
    if value.utcoffset() is None:
        raise ValueError(
            f"{said} has no time zone: add one, such as datetime(..., tzinfo=timezone.utc), or 'Z' in text for UTC"
        )
    return (value - _EPOCH) // _MICROSECOND


def _text_us(text: str) -> int:
    found = _TEXT.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no moment: {_HINT}")
    try:
        if found["clock"] is None:
            return _aware_us(datetime.fromisoformat(found["date"]).replace(tzinfo=timezone.utc), text)
        zone = "" if found["zone"] is None else _zone(found["zone"].upper())
        whole = datetime.fromisoformat(f"{found['date']}T{found['clock']}{zone}")
    except ValueError as error:
        raise ValueError(f"{text!r} is no moment ({error}): {_HINT}") from None
    fraction = (found["fraction"] or "").ljust(6, "0")[:6]
    return _aware_us(whole, repr(text)) + int(fraction)


def _zone(said: str) -> str:
    """Return an offset as every Python reads it: "Z", "+1", "+0130" -> "+00:00", "+01:00", "+01:30"."""
    if said == "Z":
        return "+00:00"
    digits = said[1:].replace(":", "").ljust(4, "0")
    return f"{said[0]}{digits[:2]}:{digits[2:]}"
