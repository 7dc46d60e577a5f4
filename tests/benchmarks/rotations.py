"""Reads without pause while the connection is replaced again and again: does any call notice?

    python -m tests.benchmarks.rotations --rounds 5

In each round 8 threads read for a while undisturbed, then through 20 shutdown notices, then through 20 connections
that are replaced for their age. No call may fail, and the 99th percentile may be at most three times as long as
undisturbed, in the same round. The exchange has a process of its own. Exit status 1 where that does not hold.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Callable

from crypto_ws_sync import CryptoWSError, UserWSSession
from crypto_ws_sync.exchanges.binance.dialect import BinanceDialect
from crypto_ws_sync.protocol.dialect import LinePolicy
from tests.benchmarks.remote_exchange import RemoteExchange

PLENTY = {"REQUEST_WEIGHT": 1_000_000_000, "ORDERS": 1_000_000, "CONNECTIONS": 1_000_000}
READERS = 8
ROTATIONS = 20
APART = 0.15
"""Seconds between two rotations."""
BOUND = 3.0


class _Ageing(BinanceDialect):
    policy = LinePolicy(maximum_age=APART, age_jitter=0.0)


class _AgeingSession(UserWSSession):
    _dialect_kind = _Ageing


def read_through(session: UserWSSession, disturb: Callable[[], object]) -> tuple[list[float], list[str]]:
    """Read in all threads until `disturb` returns; return how long each call took, and what failed."""
    over = threading.Event()
    times: list[list[float]] = [[] for _ in range(READERS)]
    failures: list[str] = []

    def read(mine: list[float]) -> None:
        while not over.is_set():
            began = time.perf_counter()
            try:
                session.handle_request("time", on_limit="raise")
            except CryptoWSError as error:
                failures.append(repr(error))
            mine.append(time.perf_counter() - began)

    threads = [threading.Thread(target=read, args=(mine,), daemon=True) for mine in times]
    for thread in threads:
        thread.start()
    disturb()
    over.set()
    for thread in threads:
        thread.join()
    return [each for mine in times for each in mine], failures


def percentile(values: list[float], part: float) -> float:
    """Return the value that this part of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def _opened_at(session: UserWSSession) -> float:
    return time.monotonic() - (session.status().connection_age or 0.0)


def _rotate(session: UserWSSession, begin: Callable[[], None]) -> None:
    """See so many connections replaced, each after `begin`."""
    pause = threading.Event()
    for _ in range(ROTATIONS):
        opened_at = _opened_at(session)
        pause.wait(max(0.0, opened_at + APART - time.monotonic()))
        begin()
        while _opened_at(session) < opened_at + 0.02:
            pause.wait(0.002)


def run(rounds: int) -> int:
    """Measure; return how many rounds did not hold."""
    bad, pause = 0, threading.Event()
    with RemoteExchange(rate_limits=PLENTY) as exchange:
        account = exchange.api_key, exchange.api_secret
        for number in range(1, rounds + 1):
            with UserWSSession(*account, endpoint=exchange.endpoint) as session:
                session.handle_request("exchangeInfo", {"symbol": "BTCUSDT"})
                quiet, failed = read_through(session, lambda: pause.wait(ROTATIONS * APART))
                noticed, failed_then = read_through(
                    session, lambda: _rotate(session, lambda: exchange.fault("announce_shutdown"))
                )
                failed += failed_then
                assert session.status().reconnects == {"server shutdown": ROTATIONS}
            with _AgeingSession(*account, endpoint=exchange.endpoint) as ageing:
                ageing.handle_request("exchangeInfo", {"symbol": "BTCUSDT"})
                forced, failed_then = read_through(ageing, lambda: _rotate(ageing, lambda: None))
                failed += failed_then
                assert set(ageing.status().reconnects) == {"age"}
            base = percentile(quiet, 0.99)
            ratios = [percentile(each, 0.99) / base for each in (noticed, forced)]
            print(
                f"round {number}: {len(quiet) + len(noticed) + len(forced)} calls, {len(failed)} failed; "
                f"p99 {base * 1e3:.2f} ms undisturbed, x {ratios[0]:.2f} with notices, x {ratios[1]:.2f} with "
                f"age; slowest call {max(quiet) * 1e3:.1f}, {max(noticed) * 1e3:.1f}, {max(forced) * 1e3:.1f} ms",
                flush=True,
            )
            for failure in failed[:5]:
                print("FAILED", failure)
            bad += bool(failed) or max(ratios) > BOUND
    return bad


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    bad = run(parser.parse_args().rounds)
    print(f"{bad} rounds do not hold")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
