"""Callers that never pause, over many windows: nothing is refused, and nearly all that is allowed is used.

Time is simulated: the exchange counts in windows of two seconds and refuses what is over; requests and answers are
under way for times of their own, so both arrive out of order.
"""

from __future__ import annotations

import heapq
import itertools
from collections import Counter, deque
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto_ws_sync.protocol.limits import (
    Bucket,
    Contended,
    Full,
    Granted,
    Ledger,
    Limit,
    Reading,
    Reservation,
)
from crypto_ws_sync.protocol.method import Charge

NOON = 1_700_000_040.0
SECONDS = 2
WINDOWS = 8
Action = Callable[[], None]


class Traffic:
    """Callers in line before one ledger, and an exchange that refuses what is over its limit."""

    def __init__(self, random: Random, *, limit: int, delay: float, error: float, others: int = 0) -> None:
        self.random = random
        self.limit = limit
        self.delay = delay
        self.skew = error * random.uniform(-1, 1)
        self.others = others
        self.time = NOON
        self.agenda: list[tuple[float, int, Action]] = []
        self.serial = itertools.count()
        self.line: deque[Charge] = deque()
        self.used: Counter[int] = Counter()
        self.ours: Counter[int] = Counter()
        self.refused: Counter[int] = Counter()
        self.in_flight = self.most_in_flight = 0
        # The documented limit is another: the true one is told by answers.
        self.ledger = Ledger([Limit(Bucket.WEIGHT, 60, 6000)])
        self.ledger.set_clock_error(error)
        self.wake_at = float("inf")

    def at(self, moment: float, action: Action) -> None:
        heapq.heappush(self.agenda, (moment, next(self.serial), action))

    def run(self, weights: list[list[int]], until: float) -> None:
        """Let each caller ask for its weights in turn, over and over."""
        for cycle in weights:
            self.line.append(Charge(cycle[0]))
        self.weights = itertools.cycle(itertools.chain(*weights))
        self.pump()
        if self.others:
            self.at(NOON + 0.01, self.others_spend)
        while self.agenda and self.agenda[0][0] < until:
            self.time, _, action = heapq.heappop(self.agenda)
            action()

    def pump(self) -> None:
        """Send of those in line what may be sent, first come, first served."""
        while self.line:
            verdict = self.ledger.reserve(self.line[0], self.time + self.skew)
            if isinstance(verdict, Granted):
                self.send(self.line.popleft(), verdict.reservation)
            elif isinstance(verdict, Contended):
                assert self.in_flight
                return
            else:
                self.sleep(verdict)
                return

    def sleep(self, full: Full) -> None:
        moment = full.until - self.skew
        assert moment > self.time
        if self.wake_at <= self.time or moment < self.wake_at:
            self.wake_at = moment
            self.at(moment, self.pump)

    def send(self, charge: Charge, reservation: Reservation) -> None:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        self.at(self.time + self.random.random() * self.delay, lambda: self.execute(charge, reservation))

    def execute(self, charge: Charge, reservation: Reservation) -> None:
        index = int(self.time // SECONDS)
        is_over = self.used[index] + charge.weight > self.limit
        if is_over:
            self.refused[index] += 1
        else:
            self.used[index] += charge.weight
            self.ours[index] += charge.weight
        reading = Reading(Bucket.WEIGHT, SECONDS, self.limit, self.used[index])
        back = self.time + self.random.random() * self.delay
        self.at(back, lambda: self.answer(reservation, reading, (index + 1) * SECONDS if is_over else None))

    def answer(self, reservation: Reservation, reading: Reading, retry_at: float | None) -> None:
        self.in_flight -= 1
        now = self.time + self.skew
        self.ledger.settle(reservation, [reading], now)
        if retry_at is not None:
            self.ledger.ban(retry_at, "too many requests")
        self.line.append(Charge(next(self.weights)))
        self.pump()

    def others_spend(self) -> None:
        """Another program takes its part of each window in one go, early on, and tells nobody."""
        index = int(self.time // SECONDS)
        self.used[index] += min(self.others, self.limit - self.used[index])
        self.at((index + 1) * SECONDS + 0.01, self.others_spend)


def full_windows() -> range:
    """The windows that lie wholly within a run."""
    first = int(NOON // SECONDS)
    return range(first + 1, first + WINDOWS - 1)


@pytest.mark.timeout(60)  # a hundred thousand simulated requests
@settings(max_examples=30)
@given(
    seed=st.integers(0, 2**64),
    heaviest=st.sampled_from([1, 20, 80]),
    delay=st.sampled_from([0.001, 0.02, 0.15]),
    error=st.sampled_from([0.0, 0.002, 0.02]),
)
def test_windows_are_used_up_and_never_overrun(seed: int, heaviest: int, delay: float, error: float) -> None:
    random = Random(seed)
    # Half of what the callers could send if nothing held them back.
    traffic = Traffic(random, limit=200 * (1 + heaviest), delay=delay, error=error)
    traffic.run([[random.randint(1, heaviest)] for _ in range(64)], NOON + WINDOWS * SECONDS)
    assert not traffic.refused
    for index in full_windows():
        assert 0.9 * traffic.limit <= traffic.ours[index] <= traffic.limit


@settings(max_examples=30)
@given(seed=st.integers(0, 2**64), delay=st.sampled_from([0.001, 0.02, 0.15]))
def test_half_eaten_by_another_program_costs_few_refusals(seed: int, delay: float) -> None:
    random = Random(seed)
    traffic = Traffic(random, limit=4200, delay=delay, error=0.002, others=2100)
    traffic.run([[random.randint(1, 20)] for _ in range(64)], NOON + WINDOWS * SECONDS)
    for index in full_windows():
        assert traffic.used[index] <= traffic.limit
        assert traffic.refused[index] <= traffic.most_in_flight
        assert traffic.used[index] >= 0.9 * traffic.limit
