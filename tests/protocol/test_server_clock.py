"""The exchange's clock: the stated error holds, timestamps are never ahead, and jumps are noticed."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto_ws_sync.protocol.server_clock import DRIFT, ClockSample, ServerClock

NOON = 1_700_000_040.0
RECV_WINDOW = 5.0
AHEAD_ALLOWED = 1.0
"""Seconds by which the exchange lets a timestamp be ahead of its clock."""

TINY = 1e-6
"""What epoch seconds lose as floats."""

DELAYS = st.floats(0, 0.4)
OFFSETS = st.sampled_from([-40.0, -0.3, 0.0, 7.0, 40.0])


class Exchange:
    """A clock that runs a little wrong, may jump, and tells whole milliseconds."""

    def __init__(self, offset: float, drift: float) -> None:
        self.offset = offset
        self.drift = drift

    def time(self, monotonic: float) -> float:
        return NOON + self.offset + monotonic * (1 + self.drift)

    def sample(self, sent: float, there: float, back: float) -> ClockSample:
        """Ask for the time, with these delays."""
        told = math.floor(self.time(sent + there) * 1000) / 1000
        return ClockSample(sent, sent + there + back, told)

    def accepts(self, timestamp: float, monotonic: float) -> bool:
        """Apply the exchange's rule to a timestamp that arrives now."""
        now = self.time(monotonic)
        return timestamp < now + AHEAD_ALLOWED and now - timestamp <= RECV_WINDOW


@given(
    offset=OFFSETS,
    drift=st.floats(-DRIFT * 0.9, DRIFT * 0.9),
    samples=st.lists(st.tuples(st.floats(0.1, 600), DELAYS, DELAYS), min_size=1, max_size=8),
    later=st.floats(0, 600),
    delay=DELAYS,
)
def test_timestamps_are_never_ahead_and_always_in_time(
    offset: float, drift: float, samples: list[tuple[float, float, float]], later: float, delay: float
) -> None:
    exchange, clock, now = Exchange(offset, drift), ServerClock(NOON, 0.0), 0.0
    for pause, there, back in samples:
        sample = exchange.sample(now + pause, there, back)
        clock.add(sample)
        for now in (sample.received, sample.received + later):
            truth, timestamp = exchange.time(now), clock.timestamp(now)
            assert timestamp <= truth + TINY
            assert abs(clock.server_time(now) - truth) <= clock.error(now) + TINY
            assert exchange.accepts(timestamp, now + delay)


@given(offset=OFFSETS, there=DELAYS, back=DELAYS, delay=DELAYS)
def test_the_first_signed_request_is_accepted(offset: float, there: float, back: float, delay: float) -> None:
    exchange, clock = Exchange(offset, 0.0), ServerClock(NOON, 0.0)
    sample = exchange.sample(1.0, there, back)
    clock.add(sample)
    assert exchange.accepts(clock.timestamp(sample.received), sample.received + delay)


@given(jump=st.sampled_from([-3600.0, -7.0, 7.0, 3600.0]), first=DELAYS, there=DELAYS, back=DELAYS)
def test_a_jump_is_noticed_however_rough_the_new_sample_is(
    jump: float, first: float, there: float, back: float
) -> None:
    exchange, clock = Exchange(0.0, 0.0), ServerClock(NOON, 0.0)
    clock.add(exchange.sample(1.0, first / 10, first / 10))
    exchange.offset += jump
    sample = exchange.sample(600.0, there, back)
    clock.add(sample)
    truth = exchange.time(sample.received)
    assert abs(clock.server_time(sample.received) - truth) <= clock.error(sample.received) + TINY
    assert exchange.accepts(clock.timestamp(sample.received), sample.received)


def test_the_sample_with_the_smallest_round_trip_is_kept() -> None:
    exchange, clock = Exchange(0.0, 0.0), ServerClock(NOON, 0.0)
    clock.add(exchange.sample(1.0, 0.01, 0.01))
    clock.add(exchange.sample(2.0, 0.3, 0.0))
    assert clock.error(2.3) < 0.011
    clock.add(exchange.sample(3.0, 0.001, 0.001))
    assert clock.error(3.002) < 0.002


def test_an_old_sample_gives_way_when_it_has_become_worse_than_a_new_one() -> None:
    exchange, clock = Exchange(0.0, 0.0), ServerClock(NOON, 0.0)
    clock.add(exchange.sample(1.0, 0.001, 0.001))
    clock.add(exchange.sample(601.0, 0.01, 0.01))
    # Half a round trip of 20 ms, the grain, and the drift since its middle.
    assert clock.error(601.02) == pytest.approx(0.0105 + 0.01 * 50e-6)


def test_samples_of_whole_milliseconds_do_not_look_like_jumps() -> None:
    exchange, clock = Exchange(0.0, 0.0), ServerClock(NOON, 0.0)
    best = exchange.sample(0.0009, 0.00001, 0.00001)
    clock.add(best)
    clock.add(exchange.sample(0.0500, 0.0001, 0.0001))
    assert clock.offset == best.offset


def test_a_refused_timestamp_makes_the_next_sample_count() -> None:
    exchange, clock = Exchange(0.0, 0.0), ServerClock(NOON, 0.0)
    clock.add(exchange.sample(1.0, 0.001, 0.001))
    clock.forget()
    assert not clock.is_synchronised
    assert clock.error(2.0) == 1.0
    assert abs(clock.server_time(2.0) - exchange.time(2.0)) < 0.01
    rough = exchange.sample(3.0, 0.4, 0.4)
    clock.add(rough)
    assert clock.is_synchronised
    assert clock.offset == rough.offset


def test_before_the_exchange_was_asked_the_local_clock_stands_in() -> None:
    clock = ServerClock(NOON, 100.0)
    assert not clock.is_synchronised
    assert clock.timestamp(103.0) == clock.server_time(103.0) == NOON + 3
    assert clock.error(103.0) == 1.0
    clock.forget()
    assert clock.server_time(103.0) == NOON + 3


@pytest.mark.parametrize("monotonic", [0.0, 1e3, 1e7])
def test_how_long_the_machine_has_run_changes_nothing(monotonic: float) -> None:
    """Only what has passed since the sample adds to its error."""
    clock = ServerClock(NOON, monotonic)
    clock.add(ClockSample(monotonic, monotonic + 0.1, NOON))
    for since in (0.1, 0.2, 5.0, 600.0):
        now = monotonic + since
        assert clock.error(now) == pytest.approx(0.05 + 0.0005 + (since - 0.05) * DRIFT, abs=TINY)
        assert clock.timestamp(now) == pytest.approx(clock.server_time(now) - clock.error(now), abs=TINY)
    assert clock.timestamp(monotonic) == pytest.approx(clock.server_time(monotonic) - 0.0505, abs=1e-5)
