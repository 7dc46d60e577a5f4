"""Moments: what callers may write, and what is refused with a hint."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto_ws_sync.session.moments import moment_us

NOON = 1_769_860_800_000_000
"""2026-01-31 12:00 UTC."""


class Index:
    """Something that counts as an integer without being one, as numpy's integers do."""

    def __index__(self) -> int:
        return NOON // 1000


@pytest.mark.parametrize(
    "value",
    [
        "2026-01-31T12:00Z",
        "2026-01-31T12:00:00Z",
        "2026-01-31 12:00:00z",
        "2026-01-31T12:00:00.000Z",
        "2026-01-31T12:00:00,0+00:00",
        "2026-01-31T13:00:00+01:00",
        "2026-01-31T13:00+01",
        "2026-01-31T08:30-0330",
        " 2026-01-31T12:00 +00:00 ",
        NOON // 1000,
        NOON,
        Index(),
        datetime(2026, 1, 31, 12, tzinfo=timezone.utc),
        datetime(2026, 1, 31, 17, 45, tzinfo=timezone(timedelta(hours=5, minutes=45))),
    ],
)
def test_one_moment_in_many_words(value: Any) -> None:
    assert moment_us(value) == NOON


@pytest.mark.parametrize("value", ["2026-01-31", date(2026, 1, 31)])
def test_a_bare_date_is_its_midnight(value: Any) -> None:
    assert moment_us(value) == NOON - 12 * 3600 * 1_000_000


@pytest.mark.parametrize(
    ("text", "more"),
    [
        ("12:00:00.5", 500_000),
        ("12:00:00.000001", 1),
        ("12:00:00.123456789", 123_456),
        ("12:00:01", 1_000_000),
    ],
)
def test_fractions_of_seconds(text: str, more: int) -> None:
    assert moment_us(f"2026-01-31T{text}Z") == NOON + more


@pytest.mark.parametrize("value", [datetime(2026, 1, 31, 12), "2026-01-31T12:00", "2026-01-31 12:00:00.5"])
def test_a_moment_without_a_zone_is_refused_with_a_hint(value: Any) -> None:
    with pytest.raises(ValueError, match="has no time zone: add one"):
        moment_us(value)


@pytest.mark.parametrize(
    "value",
    ["soon", "", "2026-13-01", "2026-01-31T25:00Z", "2026-01-31T12:00+99:00", "1769860800000", "31.01.2026",
     1.5, True, None, [], -1, b"2026-01-31", "\uff12\uff10\uff12\uff16-01-31"],
)  # fmt: skip
def test_what_is_no_moment_is_refused_with_a_hint(value: Any) -> None:
    with pytest.raises(ValueError, match="pass an aware datetime, ISO text with a zone"):
        moment_us(value)


@given(st.integers(0, 4_000_000_000_000_000))
def test_every_aware_datetime_keeps_its_microseconds(time_us: int) -> None:
    moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=time_us)
    assert moment_us(moment) == time_us
    assert moment_us(moment.isoformat()) == time_us


@given(st.text())
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="pass an aware datetime"):
        moment_us(text + "!")
