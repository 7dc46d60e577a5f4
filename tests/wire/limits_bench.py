"""A counting server on a clock that the test moves, and sessions on both."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from counting_server import API_KEY, API_SECRET, CountingServer, Rule, orders, weight

from crypto_ws_sync import UserWSSession
from crypto_ws_sync.simulator import ManualClock

__all__ = ["A_WHILE", "NOON", "PLACEMENT", "SOON", "Bench", "eventually"]

NOON = 1_767_268_800.0
"""2026-01-01 12:00:00 UTC, where every window begins."""
SOON = 20.0
"""Seconds after which something that is about to come will not come any more."""
A_WHILE = 0.2
"""Seconds of real time in which a client that does not hold back would show it."""
PLACEMENT = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "1",
    "price": "1",
}


def eventually(predicate: Callable[[], bool]) -> None:
    """Ask a session again and again, each time through its own loop, until something holds."""
    deadline = time.monotonic() + SOON
    while not predicate():
        assert time.monotonic() < deadline, "it never came about"


class Bench:
    """A counting server and its sessions, all on one manual clock.

    Owner: the test's thread.
    """

    def __init__(self, *rules: Rule, at: float = NOON + 1.0) -> None:
        self.clock = ManualClock(at)
        self.server = CountingServer(rules or (weight(60, 6000), orders(10, 50)), now=self.clock.now)
        self._stack = ExitStack()

    def __enter__(self) -> Bench:
        self._stack.enter_context(self.server)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def make(self, **more: Any) -> UserWSSession:
        """Return a session that has not been started; it is stopped at the end."""
        options = {"endpoint": self.server.url, "clock": self.clock, "timeout": SOON, "on_limit": "raise"}
        session = UserWSSession(API_KEY, API_SECRET, **{**options, **more})
        self._stack.callback(session.stop, 0.5)
        return session

    def open(self, **more: Any) -> UserWSSession:
        """Return a session that has started."""
        return self.make(**more).start()

    def traffic(self) -> tuple[int, int]:
        """Return how many requests and connection attempts have come."""
        return len(self.server.seen), len(self.server.attempts)

    def use_up(self, rule: Rule, *, all_but: int = 0) -> None:
        """Let the window of the moment be used, as other programs could."""
        self.server.counts[rule, int(self.clock.now() // rule.seconds)] = rule.limit - all_but
