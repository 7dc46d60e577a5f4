"""Hammer a server that counts honestly, and show what each window saw used and refused.

    python -m tests.benchmarks.limits_hammer                       windows of 10 s, mixed weights, two sessions
    python -m tests.benchmarks.limits_hammer --others 0.5          another program eats half of the limit
    python -m tests.benchmarks.limits_hammer --sessions 1 --light  one session, requests of weight 1

It ends with status 1 if a request was refused (with --others: if more were than there are threads), or if less than
nine tenths of what the whole windows allow were used.
"""

from __future__ import annotations

import argparse
import random
import sys
import threading
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent / "wire")]

from counting_server import CountingServer, Rule, weight  # noqa: E402  # found beside the tests only

from crypto_ws_sync import UserWSSession  # noqa: E402

ENOUGH = 0.9
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("ping", {}),
    ("avgPrice", {"symbol": "BTCUSDT"}),
    ("depth", {"symbol": "BTCUSDT"}),
    ("depth", {"symbol": "BTCUSDT", "limit": 500}),
    ("depth", {"symbol": "BTCUSDT", "limit": 1000}),
    ("ticker.24hr", {}),
]


def options() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=int, default=10, help="length of a window")
    parser.add_argument("--windows", type=int, default=4, help="whole windows to hammer through")
    parser.add_argument("--limit", type=int, default=6000, help="weight allowed in a window")
    parser.add_argument("--threads", type=int, default=64)
    parser.add_argument("--sessions", type=int, default=2)
    parser.add_argument("--light", action="store_true", help="requests of weight 1 only")
    parser.add_argument(
        "--others", type=float, default=0.0, help="part of the limit that another program uses"
    )
    parser.add_argument("--delay", type=float, default=0.1, help="answers take up to so many seconds")
    return parser.parse_args()


def hammer(asked: argparse.Namespace, server: CountingServer, rule: Rule) -> range:
    """Call from all threads until the last window ends; return the windows that were hammered as a whole."""
    calls = CALLS[:1] if asked.light else CALLS
    first = int(server.now() // rule.seconds) + 1
    last = first + asked.windows

    def work(number: int, session: UserWSSession) -> None:
        chance = random.Random(number)
        while server.now() < last * rule.seconds:
            session.handle_request(*chance.choice(calls))

    with ExitStack() as stack:
        crowd = [
            stack.enter_context(
                UserWSSession(endpoint=server.url, timeout=4.0 * rule.seconds, on_limit="wait")
            )
            for _ in range(asked.sessions)
        ]
        threads = [
            threading.Thread(target=work, args=(number, crowd[number % asked.sessions]))
            for number in range(asked.threads)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(crowd[0].status(), end="\n\n")
    return range(first, last)


def main() -> int:
    """Hammer, print, and return the exit status."""
    asked = options()
    rule = weight(asked.seconds, asked.limit)
    with CountingServer([rule], delays=((0.0, asked.delay / 5), (0.0, asked.delay))) as server:
        server.others = asked.others
        windows = hammer(asked, server, rule)
        used = server.use(rule)
        requests = Counter(int(seen.at // rule.seconds) for seen in server.seen)
        refused = Counter(int(seen.at // rule.seconds) for seen in server.refused())
    print("window   requests  used   refused")
    for index in sorted(used):
        whole = "" if index in windows else "  (not whole)"
        print(
            f"{index - windows.start:6}   {requests[index]:8}  {used[index]:6.1%} {refused[index]:7}{whole}"
        )
    part = sum(used.get(index, 0.0) for index in windows) / len(windows)
    most = max(refused.values(), default=0)
    print(f"\nused of {len(windows)} whole windows: {part:.1%}; most refusals in one window: {most}")
    return 0 if part >= ENOUGH and most <= (asked.threads if asked.others else 0) else 1


if __name__ == "__main__":
    sys.exit(main())
