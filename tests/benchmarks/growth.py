"""How cost grows: with requests in flight, with sessions in one process, with the pages of a history.

    python -m tests.benchmarks.growth [--only PATTERN ...] [--rounds 3]

Told are CPU microseconds of this process for one unit (a request, a page), the least of some rounds, and their ratio to
the cheapest unit of a smaller size: about 1 all the way down is linear growth of the whole. Memory is what a unit adds
to the process. Each line is measured in new processes. Exit status 1 if a ratio is over 2.
"""

from __future__ import annotations

import argparse
import fnmatch
import gc
import importlib.util
import multiprocessing
import platform
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from crypto_ws_sync import UserWSSession
from tests.benchmarks.bare_server import MINUTE, bare_server
from tests.benchmarks.operations import KEY, OPERATIONS, SECRET

IN_FLIGHT = (1, 10, 100, 1000, 10_000)
SESSIONS = (1, 2, 5, 10, 20, 50)
PAGES = (1, 10, 100, 1000)
ROWS_A_PAGE = 50
WORSE = 2.0


@dataclass(frozen=True)
class Cost:
    """CPU seconds of one unit, and bytes that it adds; None where that is not looked at."""

    cpu: float
    size: float | None = None


def resident() -> int:
    """Return the bytes of memory that this process holds for itself."""
    with open("/proc/self/smaps_rollup", encoding="ascii") as lines:
        return sum(int(line.split()[1]) for line in lines if line.startswith("Private")) * 1024


def cpu_of(work: Callable[[], object], units: int) -> float:
    """Return CPU seconds for one unit, both threads together."""
    began = time.process_time()
    work()
    return (time.process_time() - began) / units


@contextmanager
def opened(port: int, number: int = 1) -> Iterator[list[UserWSSession]]:
    """Give some running sessions."""
    endpoint = f"ws://127.0.0.1:{port}/ws-api/v3"
    with ExitStack() as stack:
        yield [
            stack.enter_context(UserWSSession(KEY, SECRET, endpoint=endpoint, timeout=120.0))
            for _ in range(number)
        ]


def flown(port: int, method: str, number: int) -> Cost:
    """Cost of a request when so many are in flight together, from `submit` to its result."""
    with opened(port) as (session,):
        _ask(session, 200)

        def fly() -> None:
            session.handle_request("hold")
            flying = [session.submit(method, OPERATIONS[method]) for _ in range(number)]
            session.submit("release")
            for each in flying:
                each.result()

        times = max(1, 300 // number)

        def fly_often() -> None:
            for _ in range(times):
                fly()

        return Cost(min(cpu_of(fly_often, times * number) for _ in range(3)))


def asked_beside(port: int, method: str, number: int) -> Cost:
    """Cost of a call while so many others wait for their answers, and what one of those holds."""
    with opened(port) as (session,):
        _ask(session, 200)
        gc.collect()
        before = resident()
        parked: list[Any] = [session.submit("park") for _ in range(number)]
        cost = min(cpu_of(lambda: _ask(session, 300, method), 300) for _ in range(3))
        size = (resident() - before) / number if number >= 1000 else None
        session.submit("unpark")
        for each in parked:
            each.result()
        return Cost(cost, size)


def shared_out(port: int, method: str, number: int) -> Cost:
    """Cost of a call when so many sessions in one process are asked in turn, and what a session holds."""
    with opened(port) as (first,):
        _ask(first, 20, method)
        before = resident()
        with opened(port, number) as sessions:
            for session in sessions:
                _ask(session, 20, method)
            size = (resident() - before) / number

            def ask_all() -> None:
                for _ in range(600 // number):
                    for session in sessions:
                        _ask(session, 1, method)

            return Cost(min(cpu_of(ask_all, 600 // number * number) for _ in range(3)), size)


def shared_out_at_once(port: int, method: str, number: int) -> Cost:
    """Cost of a call when so many sessions are asked at once, each by a thread of its own."""
    with opened(port, number) as sessions:
        each = 1200 // number

        def ask_all() -> None:
            barrier = threading.Barrier(number)

            def work(session: UserWSSession) -> None:
                barrier.wait()
                _ask(session, each, method)

            pool = [threading.Thread(target=work, args=(session,)) for session in sessions]
            for thread in pool:
                thread.start()
            for thread in pool:
                thread.join()

        return Cost(min(cpu_of(ask_all, each * number) for _ in range(3)))


def paged(port: int, method: str, number: int) -> Cost:
    """Cost of a page of a history that is so many pages long, and what a page leaves in memory."""
    with opened(port) as (session,):
        _ask(session, 200)
        rows = number * ROWS_A_PAGE
        first = 1_600_000_000_000 // MINUTE * MINUTE

        def read() -> None:
            history = session.history(
                method,
                symbol="BTCUSDT",
                interval="1m",
                limit=ROWS_A_PAGE,
                start=first,
                end=first + rows * MINUTE,
            )
            assert sum(1 for _ in history) == rows

        read()
        gc.collect()
        before = resident()
        cost = cpu_of(read, number)
        size = (resident() - before) / number
        return Cost(min(cost, *(cpu_of(read, number) for _ in range(2))), size if number > 1 else None)


def _ask(session: UserWSSession, count: int, method: str = "time") -> None:
    params = OPERATIONS[method]
    for _ in range(count):
        assert session.handle_request(method, params) is not None


TABLES: dict[str, tuple[Callable[[int, str, int], Cost], str, tuple[int, ...]]] = {
    "time, in flight together": (flown, "time", IN_FLIGHT),
    "order.place, in flight together": (flown, "order.place", IN_FLIGHT),
    "time, while others are in flight": (asked_beside, "time", IN_FLIGHT),
    "order.place, while others are in flight": (asked_beside, "order.place", IN_FLIGHT),
    "time, sessions in turn": (shared_out, "time", SESSIONS),
    "order.place, sessions in turn": (shared_out, "order.place", SESSIONS),
    "time, sessions at once": (shared_out_at_once, "time", SESSIONS),
    "klines, pages of a history": (paged, "klines", PAGES),
}


def _apart(measure: Callable[[int, str, int], Cost], port: int, method: str, size: int) -> Cost:
    """Measure in a new process, whose memory nobody has used before."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measure, port, method, size).result()


def _told(port: int, name: str, rounds: int) -> bool:
    """Print one table; return whether nothing grows faster than its size."""
    measure, method, sizes = TABLES[name]
    print(f"\n{name}\n{'size':>8} {'us a unit':>10} {'ratio':>6} {'KB a unit':>10}")
    cheapest, is_good = 0.0, True
    for size in sizes:
        costs = [_apart(measure, port, method, size) for _ in range(rounds)]
        cpu = min(cost.cpu for cost in costs)
        sizes_told = [cost.size for cost in costs if cost.size is not None]
        memory = f"{sorted(sizes_told)[len(sizes_told) // 2] / 1024:10.2f}" if sizes_told else ""
        cheapest = cheapest or cpu
        worse = cpu > WORSE * cheapest
        is_good = is_good and not worse
        words = "  WORSE" if worse else ""
        print(f"{size:8} {cpu * 1e6:10.1f} {cpu / cheapest:6.2f} {memory}{words}".rstrip(), flush=True)
        cheapest = min(cheapest, cpu)
    return is_good


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", action="append", help="tables, such as 'time*'")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    fast = [name for name in ("orjson", "uvloop") if importlib.util.find_spec(name)]
    print(f"CPython {platform.python_version()}, extra speed: {', '.join(fast) or 'not installed'}")
    patterns = options.only or ["*"]
    names = [name for name in TABLES if any(fnmatch.fnmatch(name, each) for each in patterns)]
    with bare_server() as port:
        verdicts = [_told(port, name, options.rounds) for name in names]
    return 0 if all(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
