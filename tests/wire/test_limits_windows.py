"""Many threads against a server that counts honestly: nothing is refused, and nearly all that is allowed is used."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import pytest
from counting_server import CountingServer, Rule, weight

from crypto_ws_sync import UserWSSession

THREADS = 64
SECONDS = 2
"""Length of a window here."""
WINDOWS = 2
"""Whole windows that are to be used well; the one in which the test begins is not whole."""
MOST_WINDOWS = 12
"""Whole windows until which that is to be so: while a busy machine stands still, none is used."""
WELL = 0.9
"""Part of what a window allows that a client uses that does not hold back for nothing."""
PATIENCE = 30.0
"""Timeout of each call: several windows."""

Call = tuple[str, dict[str, Any]]
LIGHT: list[Call] = [("ping", {})]
MIXED: list[Call] = [
    ("ping", {}),
    ("avgPrice", {"symbol": "BTCUSDT"}),
    ("depth", {"symbol": "BTCUSDT"}),
    ("depth", {"symbol": "BTCUSDT", "limit": 500}),
    ("depth", {"symbol": "BTCUSDT", "limit": 1000}),
    ("ticker.24hr", {}),
]
"""Weights 1, 2, 5, 25, 50 and 80."""

# Two whole windows of two seconds, the rest of one before them, and up to one in which the last are answered;
# more of them on a busy machine.
pytestmark = pytest.mark.timeout(60)


def hammer(server: CountingServer, rule: Rule, sessions: int, calls: Sequence[Call]) -> int:
    """Call from many threads until some windows have been used well, or many have passed.

    Returns:
        How many of those that were hammered from edge to edge were used well.
    """
    failed: list[BaseException] = []
    with ExitStack() as stack:
        crowd = [
            stack.enter_context(UserWSSession(endpoint=server.url, timeout=PATIENCE, on_limit="wait"))
            for _ in range(sessions)
        ]
        ready = threading.Barrier(THREADS + 1)
        over = threading.Event()

        def work(number: int) -> None:
            chance, session = random.Random(number), crowd[number % sessions]
            ready.wait()
            try:
                while not over.is_set():
                    method, params = chance.choice(calls)
                    session.handle_request(method, params)
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
        for thread in threads:
            thread.start()
        ready.wait()
        first = int(server.now() // rule.seconds) + 1
        well = 0
        for window in range(first, first + MOST_WINDOWS):
            over.wait((window + 1) * rule.seconds - server.now())
            well = sum(server.use(rule).get(index, 0.0) >= WELL for index in range(first, window + 1))
            if well >= WINDOWS or failed:
                break
        over.set()
        for thread in threads:
            thread.join()
    assert not failed, failed[0]
    return well


@pytest.mark.parametrize(
    ("sessions", "calls", "limit", "delays"),
    [
        (1, LIGHT, 600, ((0.0, 0.0), (0.0, 0.0))),
        (2, MIXED, 1600, ((0.0, 0.02), (0.0, 0.12))),
    ],
    ids=["one session", "two sessions, mixed weights, late answers out of order"],
)
def test_nothing_is_refused_and_the_windows_are_used(
    sessions: int, calls: Sequence[Call], limit: int, delays: tuple[tuple[float, float], tuple[float, float]]
) -> None:
    rule = weight(SECONDS, limit)
    with CountingServer([rule], delays=delays) as server:
        assert hammer(server, rule, sessions, calls) >= WINDOWS
        assert not server.refused()
        assert max(server.use(rule).values()) <= 1.0


def test_another_program_costs_no_more_refusals_than_were_in_flight() -> None:
    rule = weight(SECONDS, 600)
    with CountingServer([rule], delays=((0.0, 0.01), (0.0, 0.03))) as server:
        server.others = 0.5
        assert hammer(server, rule, 1, LIGHT) >= WINDOWS
        refused = Counter(int(seen.at // SECONDS) for seen in server.refused())
        assert refused, "the other program has not struck"
        # Each thread has one request under way at most, and none sends another before the window has ended.
        assert max(refused.values()) <= THREADS
