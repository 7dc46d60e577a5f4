"""Trades while everything breaks, then holds each call's answer against the exchange's own books.

    python -m tests.benchmarks.chaos --orders 10000 --threads 16 --seed 1
    python -m tests.benchmarks.chaos --orders 10000 --threads 16 --seed 1 --server rule-breaking

Connections are dropped before and after execution, answers swallowed, delayed past the callers' time, cut into pieces
or turned into 5xx executed and not, shutdowns announced. The second server breaks the rules beyond that: wrong, doubled
and late ids, garbage between, frames that end in the middle. Exit status 1 if one answer disagrees with the truth.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack
from typing import Any

from crypto_ws_sync import UserWSSession
from crypto_ws_sync.simulator import SimulatedExchange
from tests.benchmarks.chaos_trading import SWEPT, TRADED, Sweeper, Tally, Trader
from tests.benchmarks.chaos_verdicts import judge_all
from tests.benchmarks.rule_breaker import RuleBreaker

WRITES = [
    "order.place",
    "order.cancel",
    "order.cancelReplace",
    "order.amend.keepPriority",
    "orderList.*",
    "openOrders.cancelAll",
]
READS = ["order.status", "orderList.status", "order.amendments", "allOrders", "openOrders.status"]
PLENTY = {"REQUEST_WEIGHT": 100_000_000, "ORDERS": 100_000_000, "CONNECTIONS": 1_000_000}
BALANCES = {"BTC": 1000, "USDT": 100_000_000, "BNB": 10, "ETH": 10}
NOTICES = 3


def plan_faults(faults: Any, seed: int, rate: float) -> None:
    """Plan what goes wrong; `rate` is the probability of each kind for one write.

    Args:
        faults: Those of an exchange, or of one in another process.
        seed: The same one plans the same faults.
        rate: The probability.
    """
    for place, method in enumerate(WRITES):
        base = 100 * seed + place * 10
        faults.drop("before", method=method, probability=rate, seed=base + 1)
        faults.drop("after", method=method, probability=rate, seed=base + 2)
        faults.swallow("before", method=method, probability=rate / 2, seed=base + 3)
        faults.swallow("after", method=method, probability=rate / 2, seed=base + 4)
        faults.unavailable(executed=True, status=504, method=method, probability=rate, seed=base + 5)
        faults.unavailable(executed=False, status=504, method=method, probability=rate, seed=base + 6)
        faults.delay(3.0, spread=9.0, method=method, probability=rate / 4, seed=base + 7, times=None)
        faults.delay(
            0.2, spread=1.0, moment="before", method=method, probability=rate, seed=base + 8, times=None
        )
        faults.split_frames(7, method=method, probability=rate, seed=base + 9)
    # Look-ups are no better off than what they look for.
    faults.swallow("after", method=READS, probability=rate, seed=seed)
    faults.drop("after", method=READS, probability=rate, seed=seed + 1)


def run(
    orders: int,
    threads: int,
    seed: int,
    rate: float,
    *,
    breaks_rules: bool = False,
    recv_window: float = 1500,
    timeout: float = 10.0,
    listens: bool = False,
) -> Tally:
    """Trade through chaos and judge each answer.

    Args:
        orders: How many writes.
        threads: By how many threads.
        seed: The same one plans the same faults.
        rate: Probability of each kind of fault for one write.
        breaks_rules: Put a server between that breaks the rules, too.
        recv_window: Milliseconds for which an order may still be accepted.
        timeout: Seconds for which a caller waits.
        listens: Have a stream open, so that events settle writes, too.
    """
    tally = Tally(orders)
    with ExitStack() as stack:
        exchange = stack.enter_context(
            SimulatedExchange(seed=seed, rate_limits=PLENTY, symbols=[TRADED, SWEPT], balances=BALANCES)
        )
        endpoint = exchange.endpoint
        breaker = stack.enter_context(RuleBreaker(endpoint, seed, 0.0)) if breaks_rules else None
        session = UserWSSession(
            exchange.api_key,
            exchange.api_secret,
            endpoint=breaker.endpoint if breaker is not None else endpoint,
            recv_window=recv_window,
            timeout=timeout,
            on_limit="wait",
        )
        with session:
            if listens:
                stack.enter_context(session.user_data())
            session.handle_request("exchangeInfo")
            prices = [
                int(float(session.handle_request("ticker.price", {"symbol": symbol})["price"]))
                for symbol in (TRADED, SWEPT)
            ]
            plan_faults(exchange.faults, seed, rate)
            if breaker is not None:
                breaker.rate = rate
            callers: list[Trader | Sweeper] = [Sweeper(0, session, tally, seed, prices[1])]
            callers += [Trader(number, session, tally, seed, prices[0]) for number in range(1, threads)]
            pool = [threading.Thread(target=caller.run, daemon=True) for caller in callers]
            for thread in pool:
                thread.start()
            _announce(exchange, tally, pool)
            for thread in pool:
                thread.join()
            exchange.faults.clear()
            open_writes = session.unresolved()
            if open_writes:
                tally.wrong.append(f"unresolved at the end: {open_writes}")
            print(session.status())
        if breaker is not None:
            print(f"{breaker.breaches} answers with a breach of the rules")
        judge_all(exchange, tally)
    return tally


def _announce(exchange: SimulatedExchange, tally: Tally, pool: list[threading.Thread]) -> None:
    """Announce shutdowns spread over the run."""
    due = [tally.orders * (number + 1) // (NOTICES + 1) for number in range(NOTICES)]
    while due and any(thread.is_alive() for thread in pool):
        if tally.begun >= due[0]:
            due.pop(0)
            exchange.faults.announce_shutdown()
        pool[0].join(0.05)


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=0.004, help="probability of each kind of fault")
    parser.add_argument("--recv-window", type=float, default=1500, help="milliseconds")
    parser.add_argument("--timeout", type=float, default=10.0, help="seconds for which a caller waits")
    parser.add_argument(
        "--stream", action="store_true", help="have a stream open: its events settle writes, too"
    )
    parser.add_argument("--server", choices=("simulated", "rule-breaking"), default="simulated")
    options = parser.parse_args()
    began = time.monotonic()
    tally = run(
        options.orders,
        options.threads,
        options.seed,
        options.rate,
        breaks_rules=options.server == "rule-breaking",
        recv_window=options.recv_window,
        timeout=options.timeout,
        listens=options.stream,
    )
    kinds = Counter(
        (call.method, "answered" if call.is_done else type(call.outcome).__name__) for call in tally.calls
    )
    for (method, kind), count in sorted(kinds.items()):
        print(f"{count:6} {method:28} {kind}")
    resolved = sum(call.had_to_resolve for call in tally.calls)
    slowest = max(call.seconds for call in tally.calls)
    print(
        f"{len(tally.calls)} writes in {time.monotonic() - began:.0f} s, {resolved} needed resolve(), "
        f"the slowest took {slowest:.1f} s"
    )
    for problem in tally.wrong[:50]:
        print("WRONG", problem)
    print(f"{len(tally.wrong)} wrong")
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
