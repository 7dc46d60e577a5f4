"""What a journal costs an order: without one, with one, and with one that waits for the disk.

    python -m tests.benchmarks.journal_cost [--rounds 5] [--count 1000] [--folder WHERE]

The same orders go to the same server (in a process of its own) in three ways, by turns, several rounds; figures are
ratios to the way without a journal. Then the calls of functions that an order takes in all threads together, which no
busy machine changes, and what the disk alone takes for a sync: have the journal made where yours will be.
"""

from __future__ import annotations

import argparse
import collections
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from crypto_ws_sync import UserWSSession
from tests.benchmarks.bare_server import bare_server
from tests.benchmarks.call_counts import measured
from tests.benchmarks.operations import KEY, ORDER, SECRET

__all__ = ["WAYS"]

WAYS: dict[str, dict[str, Any]] = {
    "without": {},
    "with": {"journal": "plain.journal"},
    "with sync": {"journal": "synced.journal", "journal_sync": True},
}
SYNCED_SHARE = 4
"""The way that waits for the disk makes a fourth of the calls."""
BATCH = 32


def place(session: UserWSSession) -> None:
    """Place one order."""
    answer = session.handle_request("order.place", ORDER)
    assert answer is not None


def place_many(session: UserWSSession) -> None:
    """Place a batch of orders."""
    answers = session.handle_requests([("order.place", ORDER)] * BATCH)
    assert all(isinstance(answer, dict) for answer in answers), answers[0]


def rate(work: Callable[[], None], threads: int, count: int) -> float:
    """Return how often a second many threads together do some work."""
    barrier = threading.Barrier(threads + 1)

    def repeat() -> None:
        barrier.wait()
        for _ in range(max(1, count // threads)):
            work()

    pool = [threading.Thread(target=repeat) for _ in range(threads)]
    for thread in pool:
        thread.start()
    barrier.wait()
    began = time.perf_counter()
    for thread in pool:
        thread.join()
    return max(1, count // threads) * threads / (time.perf_counter() - began)


def one_round(
    sessions: dict[str, UserWSSession], count: int, rows: dict[tuple[str, str], list[float]]
) -> None:
    """Measure everything once; where it is one thread, order by order, so that what else runs here hits all alike."""
    taken: dict[str, list[float]] = collections.defaultdict(list)
    spent: dict[str, list[float]] = collections.defaultdict(list)
    for number in range(count):
        for name, session in sessions.items():
            if name != "with sync" or number % SYNCED_SHARE == 0:
                before, began = time.process_time(), time.perf_counter()
                place(session)
                taken[name].append(time.perf_counter() - began)
                spent[name].append(time.process_time() - before)
    for name, session in sessions.items():
        many = count // (SYNCED_SHARE if name == "with sync" else 1)
        rows["p50, one thread", name].append(statistics.median(taken[name]))
        rows["CPU per order, one thread", name].append(statistics.median(spent[name]))
        for threads in (8, 32):
            figure = rate(lambda session=session: place(session), threads, many)  # type: ignore[misc]  # bound now
            rows[f"a second, {threads} threads", name].append(figure)
        figure = rate(lambda session=session: place_many(session), 1, many // BATCH)  # type: ignore[misc]  # bound now
        rows[f"a second, handle_requests of {BATCH}", name].append(figure)


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


def settings_of(way: str, folder: Path) -> dict[str, Any]:
    """Return what makes a session of one way."""
    settings = dict(WAYS[way])
    if "journal" in settings:
        settings["journal"] = folder / settings["journal"]
    return settings


def measure(folder: Path, rounds: int, count: int) -> None:
    """Measure the times, and print them."""
    rows: dict[tuple[str, str], list[float]] = collections.defaultdict(list)
    with ExitStack() as stack:
        url = f"ws://127.0.0.1:{stack.enter_context(bare_server())}/ws-api/v3"
        sessions = {}
        for name in WAYS:
            session = UserWSSession(KEY, SECRET, endpoint=url, timeout=60.0, **settings_of(name, folder))
            sessions[name] = stack.enter_context(session)
            for _ in range(100):
                place(session)
        for _ in range(rounds):
            one_round(sessions, count, rows)
    print(f"{'orders; ratio to without (least, most)':40}" + "".join(f"{name:>24}" for name in WAYS))
    for what in dict.fromkeys(what for what, _ in rows):
        shown = f"{what:40}"
        for name in WAYS:
            ratios = [own / base for own, base in zip(rows[what, name], rows[what, "without"], strict=True)]
            shown += f"{statistics.median(ratios):8.2f} ({min(ratios):5.2f}, {max(ratios):6.2f})"
        print(shown)
    p50 = {name: statistics.median(rows["p50, one thread", name]) * 1e6 for name in WAYS}
    print("p50: " + ", ".join(f"{name} {figure:.0f} us" for name, figure in p50.items()))


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--count", type=int, default=1000, help="orders for one figure")
    parser.add_argument("--folder", type=Path, help="where the journals are made; a temporary one by default")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as made:
        folder = Path(made)
        measure(folder, options.rounds, options.count)
        alone = disk_alone(folder)
        print(f"the disk alone takes {alone * 1e6:.0f} us for a record and its sync")
        print("calls for one order: of the package, of the library, of functions written in C")
        for way in WAYS:
            with measured("order.place single", **settings_of(way, folder)) as costs:
                for cost in costs:
                    print(f"{way:10} {cost.own():6.1f} {cost.library():6.1f} {cost.builtin():6.1f}")


if __name__ == "__main__":
    main()
