"""What a request in flight holds in memory, and what answered ones leave behind, counted.

    python -m tests.benchmarks.held_memory [--number 300] [--lines 15] [--json]

The server keeps its answers back until all requests are in flight. Blocks are those of the interpreter's allocator;
bytes and lines are told by tracemalloc in a second go, because it costs blocks itself.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import sys
import tracemalloc
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

from crypto_ws_sync import UserWSSession
from tests.benchmarks.bare_server import bare_server
from tests.benchmarks.operations import KEY, OPERATIONS, SECRET

__all__ = ["Held", "held_by"]

WARM_UP = 5000
"""Requests before the first measure: what the session remembers of answered ones is bounded, and must be full."""
REPEATS = 3


@dataclass(frozen=True)
class Held:
    """Per request: blocks and bytes while it is in flight, blocks that stay when it is answered."""

    blocks: float
    size: float
    left: float


def _fly(
    session: UserWSSession, method: str, number: int, measure: Callable[[], float]
) -> tuple[float, float]:
    """Return the growth of a measure per request in flight, and what is left of it when all are answered."""
    gc.collect()
    before = measure()
    session.handle_request("hold")
    flying: list[Any] = [session.submit(method, OPERATIONS[method]) for _ in range(number)]
    # Behind all of them on the loop: whoever is told of the state knows that they have been sent.
    in_flight = session.status().in_flight
    while in_flight < number:
        in_flight = session.status().in_flight
    during = measure()
    session.submit("release")
    for each in flying:
        each.result()
    del flying, each
    session.handle_request("time")
    gc.collect()
    return (during - before) / number, (measure() - before) / number


def held_by(session: UserWSSession, method: str, number: int) -> Held:
    """Return what requests of a method hold."""
    blocks = [_fly(session, method, number, lambda: float(sys.getallocatedblocks())) for _ in range(REPEATS)]
    tracemalloc.start()
    try:
        sizes = [_fly(session, method, number, lambda: tracemalloc.get_traced_memory()[0]) for _ in range(2)]
    finally:
        tracemalloc.stop()
    return Held(
        min(held for held, _ in blocks), min(held for held, _ in sizes), min(left for _, left in blocks)
    )


def lines_of(session: UserWSSession, method: str, number: int, top: int) -> str:
    """Return where the blocks of requests in flight were made, most first."""
    shots: list[tracemalloc.Snapshot] = []

    def shoot() -> float:
        shots.append(tracemalloc.take_snapshot())
        return 0.0

    tracemalloc.start()
    try:
        _fly(session, method, number, shoot)
    finally:
        tracemalloc.stop()
    grown = sorted(shots[1].compare_to(shots[0], "lineno"), key=lambda each: -each.count_diff)
    told = []
    for each in grown[:top]:
        frame = each.traceback[0]
        place = "/".join(frame.filename.split("/")[-2:])
        told.append(
            f"  {each.count_diff / number:6.2f} blocks {each.size_diff / number:7.0f} bytes  {place}:{frame.lineno}"
        )
    return "\n".join(told)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--number", type=int, default=300, help="requests in flight together")
    parser.add_argument("--lines", type=int, default=15, help="lines of code to tell of")
    parser.add_argument("--json", action="store_true", help="for a program to read")
    options = parser.parse_args()
    told: dict[str, Any] = {}
    with ExitStack() as stack:
        port = stack.enter_context(bare_server())
        endpoint = f"ws://127.0.0.1:{port}/ws-api/v3"
        session = stack.enter_context(UserWSSession(KEY, SECRET, endpoint=endpoint, timeout=60.0))
        for _ in range(WARM_UP // 500):
            session.handle_requests([("time", None)] * 500)
        for method, params in OPERATIONS.items():
            session.handle_requests([(method, params)] * 500)
            held = held_by(session, method, options.number)
            told[method] = asdict(held)
            if not options.json:
                print(
                    f"{method}: {held.blocks:.1f} blocks, {held.size:.0f} bytes in flight; {held.left:.2f} blocks left"
                )
                print(lines_of(session, method, options.number, options.lines))
    if options.json:
        print(json.dumps(told))
    else:
        print(f"CPython {platform.python_version()}")


if __name__ == "__main__":
    main()
