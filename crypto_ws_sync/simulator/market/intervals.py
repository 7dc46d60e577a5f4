"""How klines and trading days cut time: intervals, calendar edges, time zones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US

MONTH = "1M"
# Intervals of a fixed length; the calendar month stands apart.
FIXED_INTERVALS: Mapping[str, int] = MappingProxyType(
    {
        "1s": SECOND_US,
        "1m": MINUTE_US,
        "3m": 3 * MINUTE_US,
        "5m": 5 * MINUTE_US,
        "15m": 15 * MINUTE_US,
        "30m": 30 * MINUTE_US,
        "1h": HOUR_US,
        "2h": 2 * HOUR_US,
        "4h": 4 * HOUR_US,
        "6h": 6 * HOUR_US,
        "8h": 8 * HOUR_US,
        "12h": 12 * HOUR_US,
        "1d": DAY_US,
        "3d": 3 * DAY_US,
        "1w": 7 * DAY_US,
    }
)
INTERVALS = (*FIXED_INTERVALS, MONTH)

# 1970-01-01 was a Thursday; weeks begin on Mondays.
_FIRST_MONDAY_US = 4 * DAY_US
_EPOCH = date(1970, 1, 1).toordinal()
_ZONE = re.compile(r"([+-]?)(\d{1,2})(?::(\d{2}))?", re.ASCII)


def zone_offset(text: str) -> int:
    """Return a time zone such as "0", "-1:00" or "05:45" as microseconds ahead of UTC.

    Raises:
        ValueError: Not of that form, or outside of -12:00 to +14:00.
    """
    match = _ZONE.fullmatch(text)
    if match is None:
        raise ValueError(f"not a time zone: {text!r}")
    sign, hours, minutes = match.groups()
    if int(minutes or 0) > 59:
        raise ValueError(f"not a time zone: {text!r}")
    offset = int(hours) * HOUR_US + int(minutes or 0) * MINUTE_US
    if sign == "-":
        offset = -offset
    if not -12 * HOUR_US <= offset <= 14 * HOUR_US:
        raise ValueError(f"time zone outside of -12:00 to +14:00: {text!r}")
    return offset


def interval_start(interval: str, time_us: int, offset_us: int = 0) -> int:
    """Return when the interval around a moment begins, in a zone `offset_us` ahead of UTC.

    Weeks begin on Mondays, months on the first; spans of three days are counted from 1970.
    """
    local = time_us + offset_us
    if interval == MONTH:
        day = date.fromordinal(_EPOCH + local // DAY_US)
        return (day.toordinal() - day.day + 1 - _EPOCH) * DAY_US - offset_us
    length = FIXED_INTERVALS[interval]
    shift = _FIRST_MONDAY_US if interval == "1w" else 0
    return local - (local - shift) % length - offset_us


def moved_start(interval: str, start_us: int, count: int, offset_us: int = 0) -> int:
    """Return when the interval `count` after (or before) the one that begins at `start_us` begins."""
    if interval != MONTH:
        return start_us + count * FIXED_INTERVALS[interval]
    day = date.fromordinal(_EPOCH + (start_us + offset_us) // DAY_US)
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    if not date.min.year <= year <= date.max.year:
        raise ValueError(f"no such year: {year}")
    return (date(year, month + 1, 1).toordinal() - _EPOCH) * DAY_US - offset_us
