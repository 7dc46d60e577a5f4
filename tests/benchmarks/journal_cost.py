"""What a journal costs an order: without one, with one, and with one that waits for the disk.

    PYTHONPATH=. python tests/benchmarks/journal_cost.py [--rounds 5] [--count 1000] [--folder WHERE]

The same orders go to the same server (in a process of its own) in three ways, in turn, several rounds; figures are
ratios to the way without a journal. Then the calls of Python functions and built-in ones that an order takes in its
caller's thread, which no busy machine changes, and what the disk alone takes for a sync: put the journal where yours
will be.
"""

from __future__ import annotations

import argparse
import collections
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Any

from bare_server import bare_server
from beside_the_floor import KEY, ORDER, SECRET, batch_rate, cpu_per_request, rate, times

from crypto_ws_sync import UserWSSession

WAYS: dict[str, dict[str, Any]] = {
    "without": {},
    "with": {"journal": "plain.journal"},
    "with sync": {"journal": "synced.journal", "journal_sync": True},
}
SYNCED_SHARE = 4
"""The way that waits for the disk makes a fourth of the calls."""


def order_of(session: UserWSSession) -> Callable[[], Any]:
    """Return what places one order."""

    def place() -> Any:
        answer = session.handle_request("order.place", ORDER)
        assert answer is not None
        return answer

    return place


def one_round(
    sessions: dict[str, UserWSSession], count: int, rows: dict[tuple[str, str], list[float]]
) -> None:
    """Measure everything once; where it is one thread, order by order, so that what else runs here hits all alike."""
    taken: dict[str, list[float]] = collections.defaultdict(list)
    spent: dict[str, list[float]] = collections.defaultdict(list)
    places = {name: order_of(session) for name, session in sessions.items()}
    for number in range(count):
        for name, place in places.items():
            if name != "with sync" or number % SYNCED_SHARE == 0:
                spent_before = time.process_time()
                taken[name] += times(place, 1)
                spent[name].append(time.process_time() - spent_before)
    for name, session in sessions.items():
        place, many = places[name], count // (SYNCED_SHARE if name == "with sync" else 1)
        rows["p50, one thread", name].append(statistics.median(taken[name]))
        rows["CPU per order, one thread", name].append(statistics.median(spent[name]))
        for threads in (8, 32):
            rows[f"a second, {threads} threads", name].append(rate(place, threads, many))
        rows["a second, handle_requests of 32", name].append(batch_rate(session, "order.place", ORDER, many))
        rows["CPU per order, 32 threads", name].append(cpu_per_request(place, 32, many))


def calls(session: UserWSSession, orders: int = 20) -> tuple[float, float]:
    """Return how many Python and built-in functions an order calls in its caller's thread."""
    counted: collections.Counter[str] = collections.Counter()

    def count(frame: FrameType, event: str, argument: Any) -> None:
        counted[event] += 1

    place = order_of(session)
    place()
    sys.setprofile(count)
    try:
        for _ in range(orders):
            place()
    finally:
        sys.setprofile(None)
    return counted["call"] / orders, counted["c_call"] / orders


def disk_alone(folder: Path, size: int = 400) -> float:
    """Return the median seconds in which the disk takes a record, and nothing else is done."""
    path = folder / "alone"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        taken = []
        for _ in range(100):
            began = time.perf_counter()
            os.write(handle, b"x" * size)
            os.fsync(handle)
            taken.append(time.perf_counter() - began)
    finally:
        os.close(handle)
        path.unlink()
    return statistics.median(taken)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--count", type=int, default=1000, help="orders for one figure")
    parser.add_argument(
        "--folder", type=Path, help="where the journals are made; a temporary folder by default"
    )
    options = parser.parse_args()
    rows: dict[tuple[str, str], list[float]] = collections.defaultdict(list)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=options.folder)))
        url = f"ws://127.0.0.1:{stack.enter_context(bare_server())}/ws-api/v3"
        sessions = {}
        for name, settings in WAYS.items():
            kept = {**settings, "journal": folder / settings["journal"]} if settings else {}
            sessions[name] = stack.enter_context(
                UserWSSession(KEY, SECRET, endpoint=url, timeout=60.0, **kept)
            )
            times(order_of(sessions[name]), 100)
        for _ in range(options.rounds):
            one_round(sessions, options.count, rows)
        print(
            f"{'orders':36}" + "".join(f"{name:>24}" for name in WAYS) + "   (ratio to without: least, most)"
        )
        for what in dict.fromkeys(what for what, _ in rows):
            shown = f"{what:36}"
            for name in WAYS:
                ratios = [
                    own / base for own, base in zip(rows[what, name], rows[what, "without"], strict=True)
                ]
                median = statistics.median(ratios)
                shown += f"{median:8.2f} ({min(ratios):5.2f}, {max(ratios):6.2f})"
            print(shown)
        for name, session in sessions.items():
            python, built_in = calls(session)
            print(
                f"calls for one order in the caller's thread, {name}: {python:g} Python, {built_in:g} built-in"
            )
        alone = disk_alone(folder)
        p50 = {name: statistics.median(rows["p50, one thread", name]) for name in WAYS}
        print(
            f"p50 {', '.join(f'{name} {seconds * 1e6:.0f} us' for name, seconds in p50.items())}; "
            f"the disk alone takes {alone * 1e6:.0f} us for a record and its sync"
        )


if __name__ == "__main__":
    main()
