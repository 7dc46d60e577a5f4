"""Any history of requests, put to the ledger and to an exchange that counts honestly by its own clock.

The client's clock is off by anything up to its stated error. A request is executed at any moment between sending
and answer, answers come in any order, with counts or without, or not at all (then it may still be executed a
little later). Whatever happens, what the exchange counts stays within its limits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto_ws_sync.protocol.limits import (
    LOST_GRACE,
    Bucket,
    Contended,
    Granted,
    Ledger,
    Limit,
    Reading,
    Reservation,
)
from crypto_ws_sync.protocol.method import Charge

NOON = 1_700_000_040.0
LIMITS = (
    Limit(Bucket.WEIGHT, 10, 8),
    Limit(Bucket.WEIGHT, 20, 13),
    Limit(Bucket.ORDERS, 10, 4),
    Limit(Bucket.ORDERS, 20, 7),
)
CHARGES = (
    (Charge(1),),
    (Charge(1), Charge(2), Charge(4)),
    (Charge(0, 1), Charge(0, 1), Charge(0, 2)),
    (Charge(1), Charge(2, 1), Charge(1, 2), Charge(4)),
)


@dataclass
class Sent:
    """A request under way: what it will really cost, and how far it got."""

    reservation: Reservation
    cost: Charge
    has_readings: bool
    readings: list[Reading] | None = None
    lost_at: float = 0.0


@dataclass
class HonestExchange:
    """Counts in fixed aligned windows by its own clock, ours and others'; fills lower the order count."""

    counts: dict[tuple[Limit, int], int] = field(default_factory=dict)
    shared: set[tuple[Limit, int]] = field(default_factory=set)

    def count(self, limit: Limit, amount: int, now: float) -> tuple[Limit, int]:
        """Add to a window of the moment; return which that is."""
        key = limit, int(now // limit.seconds)
        self.counts[key] = max(0, self.counts.get(key, 0) + amount)
        return key

    def execute(self, cost: Charge, now: float) -> list[Reading]:
        """Count a request and return what its answer tells."""
        told = []
        for limit in LIMITS:
            amount = cost.weight if limit.bucket is Bucket.WEIGHT else cost.orders
            key = self.count(limit, amount, now)
            assert not amount or key in self.shared or self.counts[key] <= limit.limit, f"{limit} is overrun"
            if limit.bucket is Bucket.WEIGHT or cost.orders:
                told.append(Reading(limit.bucket, limit.seconds, limit.limit, self.counts[key]))
        return told

    def let_others_spend(self, amount: int, now: float) -> None:
        """Count what another program spends: from then on nobody can promise anything for this window."""
        self.shared |= {self.count(limit, amount, now) for limit in LIMITS}

    def fill(self, amount: int, now: float) -> None:
        """Lower the order counts."""
        for limit in LIMITS:
            if limit.bucket is Bucket.ORDERS:
                self.count(limit, -amount, now)


class History:
    """Requests, answers, losses, fills, bans, other programs and steps of time, drawn at random."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.time = NOON
        self.skew = 0.0
        self.exchange = HonestExchange()
        self.ledger = Ledger(LIMITS)
        self.sent: list[Sent] = []
        self.lost: list[Sent] = []
        self.banned_until = self.orders_banned_until = 0.0
        self.has_others = random.random() < 0.2
        self.errors = random.choice([(0.0,), (0.0,), (0.05,), (0.4,), (1.0,), (0.0, 0.05, 0.4, 1.0), (12.0,)])
        self.charges = random.choice(CHARGES)
        self.learn_time()
        common = [self.ask, self.ask, self.execute, self.execute, self.answer, self.answer]
        self.steps = common + random.sample([self.wait, self.wait, self.approach_edge, self.lose], 3)
        self.rare_steps = [self.learn_time, self.withdraw, self.lose, self.execute_lost, self.fill, self.ban]

    @property
    def now(self) -> float:
        """The exchange's time as the client believes it."""
        return self.time + self.skew

    def step(self) -> None:
        """Do something."""
        steps = self.rare_steps if self.random.random() < 0.15 else self.steps
        self.random.choice(steps)()

    def learn_time(self) -> None:
        """Take another sample of the clock: another error, and another truth within it."""
        error = self.random.choice(self.errors)
        self.skew = error * self.random.choice([-1, -0.5, 0, 0.5, 1])
        self.ledger.set_clock_error(error)

    def wait(self) -> None:
        self.time += self.random.choice([0.0005, 0.1, 0.5, 3.0]) * self.random.random()

    def approach_edge(self) -> None:
        """Go to a moment close to a window's edge, where errors would show."""
        edge = (self.time // 10 + 1) * 10
        self.time = max(
            self.time, edge + self.random.choice([0.002, 0.05, 0.5, 1.2]) * self.random.uniform(-1, 1)
        )

    def ask(self) -> None:
        """Ask, once or for as much as there is."""
        random = self.random
        charge = random.choice(self.charges)
        for _ in range(random.choice([1, 3, 20])):
            verdict = self.ledger.reserve(charge, self.now)
            if isinstance(verdict, Granted):
                assert self.time >= self.banned_until
                assert not charge.orders or self.time >= self.orders_banned_until
                weight = 0 if charge.orders and random.random() < 0.5 else charge.weight
                cost = Charge(weight, charge.orders)
                self.sent.append(Sent(verdict.reservation, cost, random.random() < 0.8))
            elif isinstance(verdict, Contended):
                assert self.sent, "nothing is in flight that could be in the way"
                assert self.ledger.held_until(charge, self.now) == 0
                return
            else:
                assert verdict.until > self.now
                assert self.ledger.held_until(charge, self.now) == verdict.until
                return

    def execute(self) -> None:
        waiting = [request for request in self.sent if request.readings is None]
        for request in self.random.sample(waiting, self.random.randint(0, len(waiting))):
            request.readings = self.exchange.execute(request.cost, self.time)

    def answer(self) -> None:
        waiting = [request for request in self.sent if request.readings is not None]
        for request in self.random.sample(waiting, self.random.randint(0, len(waiting))):
            self.settle(request)

    def settle(self, request: Sent) -> None:
        self.sent.remove(request)
        readings = request.readings if request.has_readings and request.readings else []
        self.ledger.settle(request.reservation, readings, self.now, request.cost)

    def lose(self) -> None:
        """No answers will come; what was not executed yet may still be, for a little while."""
        for request in self.random.sample(self.sent, self.random.randint(0, len(self.sent))):
            self.sent.remove(request)
            self.ledger.forfeit(request.reservation, self.now)
            if request.readings is None:
                request.lost_at = self.time
                self.lost.append(request)

    def execute_lost(self) -> None:
        for request in self.lost:
            if self.time < request.lost_at + LOST_GRACE:
                self.exchange.execute(request.cost, self.time)
        self.lost = []

    def withdraw(self) -> None:
        for request in [request for request in self.sent if request.readings is None]:
            self.sent.remove(request)
            self.ledger.release(request.reservation)

    def fill(self) -> None:
        self.exchange.fill(self.random.randint(1, 5), self.time)
        if self.has_others:
            self.exchange.let_others_spend(self.random.randint(1, 6), self.time)

    def ban(self) -> None:
        until, orders_only = self.time + self.random.random() * 3, self.random.random() < 0.5
        self.ledger.ban(until, "the exchange said so", orders_only=orders_only)
        if orders_only:
            self.orders_banned_until = max(self.orders_banned_until, until)
        else:
            self.banned_until = max(self.banned_until, until)

    def end(self) -> None:
        """Answer all; then whatever fits an empty window is granted after a while: nobody starves."""
        for request in list(self.sent):
            if request.readings is None:
                request.readings = self.exchange.execute(request.cost, self.time)
            self.settle(request)
        charge = Charge(self.random.randint(0, 8), self.random.randint(0, 4))
        for _ in range(6):
            verdict = self.ledger.look(charge, self.now)
            assert not isinstance(verdict, Contended), "nothing is in flight"
            if verdict is None:
                return
            assert verdict.until > self.now
            self.time += verdict.until - self.now + 1e-6
        raise AssertionError(f"{charge} is never granted: {verdict}")


@pytest.mark.timeout(60)  # some hundred thousand steps
@settings(max_examples=1000)
@given(seed=st.integers(0, 2**64), steps=st.integers(1, 200))
def test_an_honest_exchange_never_counts_more_than_its_limits(seed: int, steps: int) -> None:
    history = History(Random(seed))
    for _ in range(steps):
        history.step()
    history.end()
