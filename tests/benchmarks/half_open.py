"""A box in the middle drops every byte: how long until the connection is replaced, and are calls answered meanwhile?

    python -m tests.benchmarks.half_open

With the times that a session really uses. First with no traffic: another connection must be there within 25 s. Then
with calls of the default timeout, made as soon as the line is dead: each must be answered. Exit status 1 otherwise.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import wait

from crypto_ws_sync import UserWSSession
from crypto_ws_sync.simulator import SimulatedExchange
from tests.wire.freezing_proxy import FreezingProxy

WITHIN = 25.0
CALLS = 50


def without_traffic(exchange: SimulatedExchange) -> float:
    """Return the seconds after which an idle session has another connection."""
    with FreezingProxy(exchange.endpoint) as proxy:
        session = UserWSSession(exchange.api_key, exchange.api_secret, endpoint=proxy.endpoint)
        with session:
            proxy.freeze()
            began = time.monotonic()
            return proxy.wait_for_connections(2, 2 * WITHIN) - began


def with_calls(exchange: SimulatedExchange) -> tuple[int, float]:
    """Return how many calls were answered, and the seconds that the slowest took."""
    with FreezingProxy(exchange.endpoint) as proxy:
        session = UserWSSession(exchange.api_key, exchange.api_secret, endpoint=proxy.endpoint)
        with session:
            proxy.freeze()
            began = time.monotonic()
            futures = [session.submit("time") for _ in range(CALLS)]
            wait(futures)
            slowest = time.monotonic() - began
            return sum(future.exception() is None for future in futures), slowest


def main() -> int:
    """Run from the command line."""
    with SimulatedExchange() as exchange:
        seconds = without_traffic(exchange)
        print(f"no traffic: another connection after {seconds:.1f} s")
        answered, slowest = with_calls(exchange)
        print(f"calls: {answered} of {CALLS} answered, the slowest after {slowest:.1f} s")
    return 0 if seconds <= WITHIN and answered == CALLS else 1


if __name__ == "__main__":
    sys.exit(main())
