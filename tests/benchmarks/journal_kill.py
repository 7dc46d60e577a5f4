"""Kills a program with 200 orders in flight, again and again, and settles what it left by its journal.

    python -m tests.benchmarks.journal_kill --rounds 50 --seed 1

Each round kills (SIGKILL) at another moment, with answers late, orders executed late, and in every second round most
orders still waiting for their turn. Then a session starts with the same journal, and each order that it finds open is
resolved and held against the exchange's own books. Exit status 1 if one outcome is wrong, or an order has no record.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crypto_ws_sync import ConnectionLost, CryptoWSError, UnresolvedOrder, UserWSSession
from crypto_ws_sync.session.journal_file import read_journal
from crypto_ws_sync.session.journal_lines import Contents
from crypto_ws_sync.simulator import ManualClock, SimulatedExchange

PROGRAM = Path(__file__).with_name("journal_program.py")
ROOT = Path(__file__).parents[2]
LIMIT = 30.0
ORDERS = 200
TURNS = 40
"""Orders in ten seconds, where most are to wait for their turn."""


@dataclass
class Round:
    """What one round came to.

    Owner: the main thread.
    """

    seed: int
    recorded: int = 0
    executed: int = 0
    left_open: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


class Pace:
    """Moves a manual clock as real time goes, until it is stopped; from then on it can be leapt with.

    Owner: the main thread.
    """

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        last = time.monotonic()
        while not self._over.wait(0.005):
            now = time.monotonic()
            self._clock.advance(now - last)
            last = now

    def __enter__(self) -> Pace:
        self._thread.start()
        return self

    def __exit__(self, *ignored: object) -> None:
        self._over.set()
        self._thread.join()


def run_round(seed: int, folder: Path) -> Round:
    """Kill a program in one way, and settle what it left.

    Args:
        seed: Of the moment and of what goes wrong.
        folder: Where the journal is made.
    """
    randomness = random.Random(seed)
    found = Round(seed)
    journal = folder / f"orders {seed}.journal"
    clock = ManualClock()
    are_waiting = seed % 2 == 1
    limits = {
        "REQUEST_WEIGHT": 10_000_000,
        "CONNECTIONS": 10_000,
        "ORDERS": TURNS if are_waiting else 1_000_000,
    }
    with SimulatedExchange(
        seed=seed, symbols=["BTCUSDT"], balances={"USDT": 10_000_000}, rate_limits=limits, clock=clock
    ) as exchange:
        with Pace(clock):
            kill(exchange, journal, randomness, TURNS if are_waiting else ORDERS)
        exchange.faults.clear()
        before = read_journal(journal)
        with UserWSSession(
            exchange.api_key,
            exchange.api_secret,
            endpoint=exchange.endpoint,
            journal=journal,
            recv_window=1000,
            clock=clock,
        ) as session:
            open_orders = session.unresolved()
            outcomes = {each.client_order_id: resolve(each, clock) for each in open_orders}
            if session.unresolved():
                found.wrong.append(f"still open: {session.unresolved()}")
        judge(found, before, outcomes, {each["clientOrderId"]: each for each in exchange.orders()})
        after = read_journal(journal)
        if after.left_open:
            found.wrong.append(f"left open in the journal: {after.left_open}")
    return found


def kill(exchange: SimulatedExchange, journal: Path, randomness: random.Random, most: int) -> None:
    """Let a program place its orders, and kill it in the middle."""
    faults = exchange.faults
    # "exchangeInfo" is not asked for, so the program learns the limits by the first answer.
    seen = faults.delay(0.0, moment="before", method="order.place", times=None)
    faults.delay(
        0.0,
        spread=0.4,
        moment="before",
        method="order.place",
        probability=0.3,
        seed=randomness.randrange(2**32),
    )
    faults.delay(
        0.05,
        spread=0.5,
        moment="after",
        method="order.place",
        probability=0.7,
        seed=randomness.randrange(2**32),
    )
    faults.swallow("after", method="order.place", probability=0.05, seed=randomness.randrange(2**32))
    program = subprocess.Popen(
        [
            *(sys.executable, str(PROGRAM), exchange.endpoint, exchange.api_key, exchange.api_secret),
            *(str(journal), "k"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])},
    )
    assert program.stdin is not None
    assert program.stdout is not None
    try:
        assert program.stdout.readline() == b"started\n"
        program.stdin.write(b"go\n")
        program.stdin.flush()
        strikes = randomness.choice([1, randomness.randint(1, most), most])
        if not seen.wait(LIMIT, strikes=strikes):
            raise RuntimeError(f"only {seen.strikes} of {strikes} orders have come")
        deadline = time.monotonic() + LIMIT
        while not exchange.orders():
            if time.monotonic() > deadline:
                raise RuntimeError("no order has been executed")
        # A moment that has nothing to do with what the exchange sees.
        threading.Event().wait(
            randomness.choice([0.0, randomness.random() * 0.02, randomness.random() * 0.4])
        )
    finally:
        program.kill()
        program.wait()
        program.stdin.close()
        program.stdout.close()


def resolve(order: UnresolvedOrder, clock: ManualClock) -> Any:
    """Return what became of an order, moving the clock while that is not known."""
    told: list[Any] = []

    def ask() -> None:
        try:
            told.append(order.resolve(LIMIT))
        except CryptoWSError as error:
            told.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    asking.join(0.05)
    while asking.is_alive():
        clock.advance(0.2)
        asking.join(0.02)
    return told[0]


def judge(found: Round, journal: Contents, outcomes: dict[str | None, Any], books: dict[str, Any]) -> None:
    """Hold the journal and what was resolved against the exchange's books."""
    recorded = {record.question.client_order_id: record for record in journal.records.values()}
    found.recorded, found.executed, found.left_open = len(recorded), len(books), len(outcomes)
    found.wrong += [f"{name} stands at the exchange and has no record" for name in books.keys() - recorded]
    for name, record in recorded.items():
        settled = journal.settled.get(record.number)
        is_there = name in books
        if settled is not None:
            found.outcomes[f"had been {settled.verdict}"] += 1
            if (settled.verdict == "executed") is not is_there:
                found.wrong.append(f"{name} was noted as {settled.verdict}; at the exchange: {is_there}")
            continue
        outcome = outcomes.get(name)
        if isinstance(outcome, dict):
            found.outcomes["found executed"] += 1
            if not is_there or outcome["orderId"] != books[str(name)]["orderId"]:
                found.wrong.append(f"{name} was called executed: {outcome}")
        elif isinstance(outcome, ConnectionLost):
            found.outcomes["found not executed"] += 1
            if is_there:
                found.wrong.append(f"{name} was called not executed, and stands at the exchange")
        else:
            found.wrong.append(f"{name} was left without an outcome: {outcome!r}")


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1, help="of the first round; each has its own")
    options = parser.parse_args()
    totals: Counter[str] = Counter()
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(options.seed, options.seed + options.rounds):
            found = run_round(seed, Path(folder))
            totals.update(found.outcomes)
            wrong += len(found.wrong)
            print(
                f"seed {seed:4}: {found.recorded:3} recorded, {found.executed:3} stand, {found.left_open:3} left open; "
                + ", ".join(f"{count} {kind}" for kind, count in sorted(found.outcomes.items())),
                flush=True,
            )
            for problem in found.wrong:
                print("WRONG", problem)
    print(", ".join(f"{count} {kind}" for kind, count in sorted(totals.items())))
    print(f"{wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
