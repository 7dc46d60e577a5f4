"""Trades while everything breaks, then holds each call's answer against the exchange's own books.

    python -m tests.benchmarks.chaos --orders 10000 --threads 16 --seed 1

Connections are dropped before and after execution, answers swallowed, delayed, cut into pieces or turned into 5xx
executed and not, shutdowns announced. Exit status 1 if one answer disagrees with the truth.
"""

from __future__ import annotations

import argparse
import random
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from crypto_ws_sync import (
    ApiError,
    CancelRejected,
    ConnectionLost,
    CryptoWSError,
    OutcomeUnknown,
    PartialFailure,
    RequestTimeout,
    UserWSSession,
)
from crypto_ws_sync.simulator import SimulatedExchange

SYMBOL = "BTCUSDT"
WRITES = ["order.place", "order.cancel", "order.cancelReplace", "order.amend.keepPriority", "orderList.*"]
PLENTY = {"REQUEST_WEIGHT": 100_000_000, "ORDERS": 100_000_000, "CONNECTIONS": 100_000}
RESOLVE_WITHIN = 60.0
STANDING = 8
"""Orders that one thread leaves open at most."""


@dataclass
class Call:
    """One write: what was asked, what came of it, how long it took."""

    method: str
    params: dict[str, Any]
    names: str
    outcome: Any = None
    seconds: float = 0.0
    had_to_resolve: bool = False


@dataclass
class Tally:
    """What a run found.

    Owner: shared, guarded by self.lock.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    calls: list[Call] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    begun: int = 0


class Trader:
    """One thread that places, cancels, replaces and amends, each order under a name of its own.

    Owner: its own thread.
    """

    def __init__(
        self, number: int, session: UserWSSession, tally: Tally, orders: int, seed: int, price: int
    ) -> None:
        self._number = number
        self._price = price
        self._session = session
        self._tally = tally
        self._orders = orders
        self._random = random.Random(f"{seed} {number}")
        self._serial = 0
        self._standing: list[str] = []

    def run(self) -> None:
        """Trade until the run has had its orders."""
        while True:
            with self._tally.lock:
                if self._tally.begun >= self._orders:
                    return
                self._tally.begun += 1
            self._step()

    def _name(self) -> str:
        self._serial += 1
        return f"t{self._number}n{self._serial}"

    def _limit(self) -> dict[str, Any]:
        price = self._random.randrange(self._price * 6 // 10, self._price * 7 // 10)
        return {
            "symbol": SYMBOL,
            "side": "BUY",
            "type": "LIMIT",
            "timeInForce": "GTC",
            "quantity": "0.002",
            "price": str(price),
        }

    def _step(self) -> None:
        choice = self._random.random()
        if len(self._standing) >= STANDING:
            # The venue allows only so many open orders on a symbol.
            choice = 0.55 + 0.4 * choice
        if choice < 0.55 or not self._standing:
            self._place()
        elif choice < 0.8:
            self._cancel(self._standing.pop(self._random.randrange(len(self._standing))))
        elif choice < 0.9:
            self._replace(self._standing.pop())
        elif choice < 0.95:
            self._amend(self._standing.pop())
        else:
            self._pair()

    def _place(self) -> None:
        name = self._name()
        params = {**self._limit(), "newClientOrderId": name}
        if self._random.random() < 0.2:
            params = {
                "symbol": SYMBOL,
                "side": self._random.choice(["BUY", "SELL"]),
                "type": "MARKET",
                "quantity": "0.001",
                "newClientOrderId": name,
            }
        call = self._call("order.place", params, name)
        if isinstance(call.outcome, dict) and call.outcome.get("status") == "NEW":
            self._standing.append(name)

    def _cancel(self, name: str) -> None:
        self._call("order.cancel", {"symbol": SYMBOL, "origClientOrderId": name}, name)

    def _replace(self, old: str) -> None:
        new = self._name()
        params = {
            **self._limit(),
            "cancelReplaceMode": self._random.choice(["STOP_ON_FAILURE", "ALLOW_FAILURE"]),
            "cancelOrigClientOrderId": old,
            "newClientOrderId": new,
        }
        self._call("order.cancelReplace", params, new)

    def _amend(self, old: str) -> None:
        new = self._name()
        params = {"symbol": SYMBOL, "origClientOrderId": old, "newClientOrderId": new, "newQty": "0.001"}
        self._call("order.amend.keepPriority", params, new)

    def _pair(self) -> None:
        name = self._name()
        params = {
            "symbol": SYMBOL,
            "side": "SELL",
            "quantity": "0.001",
            "listClientOrderId": name,
            "aboveType": "LIMIT_MAKER",
            "abovePrice": str(self._price * 3 // 2),
            "aboveClientOrderId": f"{name}a",
            "belowType": "STOP_LOSS",
            "belowStopPrice": str(self._price // 2),
            "belowClientOrderId": f"{name}b",
        }
        call = self._call("orderList.place.oco", params, name)
        if isinstance(call.outcome, dict) and self._random.random() < 0.8:
            self._call("orderList.cancel", {"symbol": SYMBOL, "listClientOrderId": name}, name)

    def _call(self, method: str, params: dict[str, Any], names: str) -> Call:
        call = Call(method, params, names)
        began = time.monotonic()
        try:
            call.outcome = self._session.handle_request(method, params, on_limit="wait")
        except OutcomeUnknown as unknown:
            call.had_to_resolve = True
            try:
                call.outcome = unknown.resolve(timeout=RESOLVE_WITHIN)
            except CryptoWSError as error:
                call.outcome = error
        except CryptoWSError as error:
            call.outcome = error
        call.seconds = time.monotonic() - began
        with self._tally.lock:
            self._tally.calls.append(call)
        return call


def plan_faults(exchange: SimulatedExchange, seed: int, rate: float) -> None:
    """Plan what goes wrong; `rate` is the probability of each kind for one write."""
    faults = exchange.faults
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


def judge(call: Call, orders: dict[str, dict[str, Any]]) -> str | None:
    """Return what is wrong with a call's answer; None where it agrees with the truth."""
    outcome, method = call.outcome, call.method
    if isinstance(outcome, OutcomeUnknown):
        return "left unresolved"
    order = orders.get(call.names)
    is_denied = isinstance(outcome, ConnectionLost | RequestTimeout | ApiError) and not isinstance(
        outcome, PartialFailure
    )
    if method == "order.place":
        if is_denied:
            return "denied, but it stands" if order is not None else None
        # An amendment since then may have given it another name.
        return None if outcome["orderId"] in {each["orderId"] for each in orders.values()} else "not there"
    if method == "order.cancel":
        assert order is not None
        is_gone = order["status"] == "CANCELED"
        if isinstance(outcome, CancelRejected):
            return (
                None
                if order["status"] not in ("NEW", "PARTIALLY_FILLED")
                else "cancel refused of an open order"
            )
        return None if is_gone is not is_denied else f"{outcome!r} of an order that is {order['status']}"
    if method == "order.cancelReplace":
        return _judge_replacement(call, order, orders)
    if method == "order.amend.keepPriority":
        return None if (order is None) is is_denied else f"amend: {outcome!r} with {order}"
    if method == "orderList.place.oco":
        legs = [orders.get(f"{call.names}a"), orders.get(f"{call.names}b")]
        return None if all(leg is None for leg in legs) is is_denied else "list disagrees"
    legs = [orders[f"{call.names}a"], orders[f"{call.names}b"]]
    is_gone = all(leg["status"] == "CANCELED" for leg in legs)
    return None if is_gone is not is_denied else f"list cancel {outcome!r}: {[leg['status'] for leg in legs]}"


def _judge_replacement(
    call: Call, new: dict[str, Any] | None, orders: dict[str, dict[str, Any]]
) -> str | None:
    old, outcome = orders[call.params["cancelOrigClientOrderId"]], call.outcome
    truth = (old["status"] == "CANCELED", new is not None)
    if isinstance(outcome, dict):
        return None if truth == (True, True) else f"replaced, but {truth}"
    if isinstance(outcome, PartialFailure):
        said = (outcome.data["cancelResult"] == "SUCCESS", outcome.data["newOrderResult"] == "SUCCESS")
        return None if said == truth else f"said {said}, but {truth}"
    return None if truth == (False, False) else f"{outcome!r}, but {truth}"


def run(orders: int, threads: int, seed: int, rate: float, notices: int = 3) -> Tally:
    """Trade through chaos and judge each answer."""
    tally = Tally()
    balances = {"BTC": 1000, "USDT": 100_000_000, "BNB": 10, "ETH": 10}
    with SimulatedExchange(seed=seed, rate_limits=PLENTY, symbols=[SYMBOL], balances=balances) as exchange:
        session = UserWSSession(
            exchange.api_key,
            exchange.api_secret,
            endpoint=exchange.endpoint,
            recv_window=1500,
            on_limit="wait",
        )
        with session:
            session.handle_request("exchangeInfo")
            plan_faults(exchange, seed, rate)
            price = int(float(session.handle_request("ticker.price", {"symbol": SYMBOL})["price"]))
            traders = [Trader(number, session, tally, orders, seed, price) for number in range(threads)]
            pool = [threading.Thread(target=trader.run, daemon=True) for trader in traders]
            for thread in pool:
                thread.start()
            _announce(exchange, tally, orders, notices, pool)
            for thread in pool:
                thread.join()
            exchange.faults.clear()
            open_writes = session.unresolved()
            if open_writes:
                tally.wrong.append(f"unresolved at the end: {open_writes}")
        _judge_all(exchange, tally)
    return tally


def _announce(
    exchange: SimulatedExchange, tally: Tally, orders: int, notices: int, pool: list[threading.Thread]
) -> None:
    """Announce shutdowns spread over the run."""
    due = [orders * (number + 1) // (notices + 1) for number in range(notices)]
    while due and any(thread.is_alive() for thread in pool):
        if tally.begun >= due[0]:
            due.pop(0)
            exchange.faults.announce_shutdown()
        pool[0].join(0.05)


def _judge_all(exchange: SimulatedExchange, tally: Tally) -> None:
    truth: dict[str, dict[str, Any]] = {}
    counts: Counter[str] = Counter()
    for order in exchange.orders():
        truth[order["clientOrderId"]] = order
        counts[order["clientOrderId"]] += 1
    tally.wrong += [f"{name} executed {count} times" for name, count in counts.items() if count > 1]
    sent = Counter(
        (seen.method, str(seen.params.get("newClientOrderId") or seen.params.get("listClientOrderId")))
        for seen in exchange.requests()
        if seen.method
        in ("order.place", "order.cancelReplace", "orderList.place.oco", "order.amend.keepPriority")
        and seen.code not in (-1021, -1003, -1015)
    )
    tally.wrong += [f"{key} was sent {count} times" for key, count in sent.items() if count > 1]
    for call in tally.calls:
        problem = judge(call, truth)
        if problem is not None:
            tally.wrong.append(f"{call.method} {call.names}: {problem} ({call.outcome!r:.150})")


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=0.004, help="probability of each kind of fault")
    options = parser.parse_args()
    began = time.monotonic()
    tally = run(options.orders, options.threads, options.seed, options.rate)
    kinds = Counter(
        (call.method, "answered" if isinstance(call.outcome, dict) else type(call.outcome).__name__)
        for call in tally.calls
    )
    for (method, kind), count in sorted(kinds.items()):
        print(f"{count:6} {method:28} {kind}")
    resolved = sum(call.had_to_resolve for call in tally.calls)
    print(f"{len(tally.calls)} writes in {time.monotonic() - began:.0f} s, {resolved} needed resolve()")
    for problem in tally.wrong[:50]:
        print("WRONG", problem)
    print(f"{len(tally.wrong)} wrong")
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
