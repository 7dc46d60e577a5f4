"""Has threads meet in every order that chance finds: does anything break?

    python -m tests.benchmarks.schedules --rounds 1000

Each round plays scenarios in which threads call, stop, start, cancel, listen and trade at the same time, and holds what
they were told against the exchange's books. The interpreter changes threads as often as it can, and at the seams where
threads meet (the door, the inbox, replies, streams, ledgers) each line may give way to others, by the round's seed.
Exit status 1 if something does not hold in one round; `--seed` and `--only` play that one again.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, TypeAlias

import crypto_ws_sync
from crypto_ws_sync.simulator import SimulatedExchange
from tests.benchmarks.schedule_scenarios import SCENARIOS, Stage

__all__ = ["run"]

TraceFunction: TypeAlias = Callable[[FrameType, str, Any], Any]

PACKAGE = Path(crypto_ws_sync.__file__).parent
SEAMS = (
    "bridge/event_stream.py",
    "bridge/loop_thread.py",
    "bridge/reply.py",
    "engine/admission.py",
    "engine/answers.py",
    "engine/engine.py",
    "engine/ledgers.py",
    "engine/requests.py",
    "engine/shared_ledger.py",
    "session/run.py",
    "session/user_data.py",
    "session/user_ws_session.py",
)
"""Where callers' threads and the loop's meet."""
PLENTY = {"REQUEST_WEIGHT": 100_000_000, "ORDERS": 100_000_000, "CONNECTIONS": 1_000_000}
BALANCES = {"BTC": 1000, "USDT": 100_000_000}
AT_ONCE = 10
"""Rounds on one exchange, which keeps every order."""


class Perturber:
    """Gives way to other threads at the seams, now and then, and sometimes for longer.

    Owner: shared; each thread has randomness of its own.
    """

    def __init__(self, seed: str, share: float) -> None:
        self.yields = 0
        self._seed = seed
        self._share = share
        self._local = threading.local()
        self._pause = threading.Event()
        self._seams = frozenset(str(PACKAGE / name) for name in SEAMS)

    def __call__(self, frame: FrameType, event: str, argument: Any) -> TraceFunction | None:
        """Say whether a function that is entered lies at a seam; if so, each of its lines may give way."""
        return self._step if frame.f_code.co_filename in self._seams else None

    def _step(self, frame: FrameType, event: str, argument: Any) -> TraceFunction:
        chance = getattr(self._local, "chance", None)
        if chance is None:
            name = threading.current_thread().name
            chance = self._local.chance = random.Random(f"{self._seed} {name}")
        drawn = chance.random()
        if drawn < self._share:
            self.yields += 1
            # Now and then for long, else for as long as another thread needs to take over.
            self._pause.wait(chance.random() * (0.003 if drawn < self._share / 20 else 0.0002))
        return self._step


@contextmanager
def perturbed(seed: str, share: float) -> Iterator[Perturber]:
    """Change threads as often as can be, and at the seams by chance."""
    perturber, interval = Perturber(seed, share), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    threading.settrace(perturber)
    sys.settrace(perturber)
    try:
        yield perturber
    finally:
        sys.settrace(None)
        threading.settrace(None)
        sys.setswitchinterval(interval)


def run(rounds: int, seed: int, share: float, only: str | None = None) -> tuple[list[str], int]:
    """Play rounds; return what went wrong, and how often threads gave way.

    Args:
        rounds: How many.
        seed: Of the first; each round has one more.
        share: Part of the steps at a seam at which a thread gives way.
        only: One scenario; all by default.
    """
    wrong: list[str] = []
    yields = 0
    with SimulatedExchange(seed=seed, rate_limits=PLENTY, symbols=["BTCUSDT"], balances=BALANCES) as exchange:
        for number in range(seed, seed + rounds):
            for name, scenario in SCENARIOS.items():
                if only not in (None, name):
                    continue
                stage = Stage(exchange, f"{number} {name}")
                with perturbed(f"{number} {name}", share) as perturber:
                    try:
                        scenario(stage)
                    except Exception as error:
                        stage.wrong.append(f"it raised {error!r}")
                yields += perturber.yields
                wrong += [f"{name}, seed {number}: {each}" for each in stage.wrong]
    return wrong, yields


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--share", type=float, default=0.02, help="part of the steps at which a thread gives way"
    )
    parser.add_argument("--jobs", type=int, default=8, help="processes; most of a round is waiting")
    parser.add_argument("--only", choices=sorted(SCENARIOS))
    options = parser.parse_args()
    began, failed, yields, played = time.monotonic(), 0, 0, 0
    starts = range(options.seed, options.seed + options.rounds, AT_ONCE)
    with ProcessPoolExecutor(options.jobs, multiprocessing.get_context("spawn")) as pool:
        runs = {}
        for first in starts:
            count = min(AT_ONCE, options.seed + options.rounds - first)
            runs[pool.submit(run, count, first, options.share, options.only)] = count
        for done in as_completed(runs):
            wrong, given = done.result()
            played, failed, yields = played + runs[done], failed + len(wrong), yields + given
            for each in wrong:
                print("WRONG", each, flush=True)
            if played % 100 == 0:
                print(f"{played} rounds, {time.monotonic() - began:.0f} s", flush=True)
    print(f"{options.rounds} rounds, threads gave way {yields} times in {time.monotonic() - began:.0f} s")
    print(f"{failed} wrong")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
