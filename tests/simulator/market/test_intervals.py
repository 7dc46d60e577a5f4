"""Where intervals begin: calendar edges, weeks, time zones."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from market_samples import DAY, HOUR, MINUTE, moment

from crypto_ws_sync.simulator.market.intervals import (
    FIXED_INTERVALS,
    INTERVALS,
    interval_start,
    moved_start,
    zone_offset,
)

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
zones = st.integers(-12 * 60, 14 * 60).map(lambda minutes: minutes * MINUTE)
times = st.integers(0, moment("2100-01-01T00:00:00"))


def local(time_us: int, offset_us: int) -> datetime:
    return EPOCH + timedelta(microseconds=time_us + offset_us)


@given(st.sampled_from(INTERVALS), times, zones)
def test_every_moment_lies_in_exactly_one_interval(interval: str, time_us: int, offset_us: int) -> None:
    start = interval_start(interval, time_us, offset_us)
    stop = moved_start(interval, start, 1, offset_us)
    assert start <= time_us < stop
    assert interval_start(interval, start, offset_us) == start
    assert interval_start(interval, stop - 1, offset_us) == start
    assert interval_start(interval, stop, offset_us) == stop
    assert moved_start(interval, stop, -1, offset_us) == start


@given(times, zones)
def test_days_weeks_and_months_begin_at_local_midnight(time_us: int, offset_us: int) -> None:
    for interval in ("1d", "3d", "1w", "1M"):
        begins = local(interval_start(interval, time_us, offset_us), offset_us)
        assert (begins.hour, begins.minute, begins.second, begins.microsecond) == (0, 0, 0, 0)
    assert local(interval_start("1w", time_us, offset_us), offset_us).weekday() == 0
    month = local(interval_start("1M", time_us, offset_us), offset_us)
    now = local(time_us, offset_us)
    assert (month.year, month.month, month.day) == (now.year, now.month, 1)


@given(st.integers(-300, 300))
def test_months_are_counted_over_years(count: int) -> None:
    start = moment("2024-02-01T00:00:00")
    months = 2024 * 12 + 1 + count
    moved = local(moved_start("1M", start, count), 0)
    assert (moved.year, moved.month, moved.day) == (months // 12, months % 12 + 1, 1)


def test_known_edges() -> None:
    assert interval_start("1w", moment("2026-03-18T13:47:21")) == moment("2026-03-16T00:00:00")
    assert interval_start("1M", moment("2024-02-29T23:59:59")) == moment("2024-02-01T00:00:00")
    assert moved_start("1M", moment("2024-02-01T00:00:00"), 1) == moment("2024-03-01T00:00:00")
    assert moved_start("1M", moment("2025-12-01T00:00:00"), 1) == moment("2026-01-01T00:00:00")
    tokyo = zone_offset("9")
    assert interval_start("1d", moment("2026-03-18T16:00:00"), tokyo) == moment("2026-03-18T15:00:00")
    assert interval_start("1M", moment("2026-02-28T15:00:00"), tokyo) == moment("2026-02-28T15:00:00")
    assert interval_start("1h", moment("2026-03-18T13:47:21"), zone_offset("5:45")) == moment(
        "2026-03-18T13:15:00"
    )


@pytest.mark.parametrize(
    ("text", "offset_us"),
    [
        ("0", 0),
        ("8", 8 * HOUR),
        ("-1:00", -HOUR),
        ("05:45", 5 * HOUR + 45 * MINUTE),
        ("-12:00", -12 * HOUR),
        ("14:00", 14 * HOUR),
        ("-0:30", -30 * MINUTE),
    ],
)
def test_time_zones_are_read(text: str, offset_us: int) -> None:
    assert zone_offset(text) == offset_us


@pytest.mark.parametrize("text", ["", "UTC", "14:01", "-12:01", "15", "1:5", "1:60", "1:000", "+-1", " 0"])
def test_other_time_zones_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="time zone"):
        zone_offset(text)


def test_the_catalogue_of_intervals_is_the_documented_one() -> None:
    assert " ".join(INTERVALS) == "1s 1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M"
    assert all(DAY % length == 0 or length % DAY == 0 for length in FIXED_INTERVALS.values())
