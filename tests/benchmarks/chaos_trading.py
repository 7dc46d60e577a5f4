"""What the threads of a chaos run do: place, cancel, replace, amend, each order under a name of its own."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from crypto_ws_sync import CryptoWSError, OutcomeUnknown, UserWSSession

__all__ = ["SWEPT", "TRADED", "Call", "Sweeper", "Tally", "Trader"]

TRADED, SWEPT = "BTCUSDT", "ETHUSDT"
RESOLVE_WITHIN = 60.0
STANDING = 6
"""Orders that one thread leaves open at most."""
DONE = (dict, list)


@dataclass
class Call:
    """One write: what was asked, what came of it, when it ended and how long it took."""

    method: str
    params: dict[str, Any]
    names: tuple[str, ...]
    outcome: Any = None
    seconds: float = 0.0
    ended_at: float = 0.0
    had_to_resolve: bool = False

    @property
    def is_done(self) -> bool:
        """Whether the answer says that all of it was done."""
        return isinstance(self.outcome, DONE)


@dataclass
class Tally:
    """What a run found.

    Owner: shared, guarded by self.lock.
    """

    orders: int
    lock: threading.Lock = field(default_factory=threading.Lock)
    calls: list[Call] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    begun: int = 0

    def take(self) -> bool:
        """Begin one more; False when there have been enough."""
        with self.lock:
            self.begun += 1
            return self.begun <= self.orders

    def add(self, call: Call) -> None:
        """Keep a call that has ended."""
        with self.lock:
            self.calls.append(call)


class _Caller:
    """One thread's calls.

    Owner: its own thread.
    """

    def __init__(self, number: int, session: UserWSSession, tally: Tally, seed: int, price: int) -> None:
        self._tag = f"t{number}n"
        self._price = price
        self._session = session
        self._tally = tally
        self._random = random.Random(f"{seed} {number}")
        self._serial = 0
        self._standing: list[str] = []

    def _name(self) -> str:
        self._serial += 1
        return f"{self._tag}{self._serial}"

    def _limit(self, symbol: str, quantity: str) -> dict[str, Any]:
        price = self._random.randrange(self._price * 6 // 10, self._price * 7 // 10)
        return {
            "symbol": symbol,
            "side": "BUY",
            "type": "LIMIT",
            "timeInForce": "GTC",
            "quantity": quantity,
            "price": str(price),
        }

    def _call(self, method: str, params: dict[str, Any], *names: str) -> Call:
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
        call.ended_at = time.time()
        self._tally.add(call)
        return call


class Trader(_Caller):
    """One thread that trades, each order under a name of its own.

    Owner: its own thread.
    """

    def run(self) -> None:
        """Trade until the run has had its orders."""
        while self._tally.take():
            choice = self._random.random()
            if len(self._standing) >= STANDING:
                # The venue allows only so many open orders on a symbol.
                choice = 0.55 + 0.4 * choice
            if choice < 0.55 or not self._standing:
                self._place()
                continue
            name = self._standing.pop(self._random.randrange(len(self._standing)))
            if choice < 0.8:
                self._cancel(name)
            elif choice < 0.88:
                self._replace(name)
            elif choice < 0.93:
                self._amend(name)
            else:
                self._cancel(name)
                self._pair()

    def _place(self) -> None:
        name = self._name()
        if self._random.random() < 0.2:
            params = {
                "symbol": TRADED,
                "side": self._random.choice(["BUY", "SELL"]),
                "type": "MARKET",
                "quantity": "0.001",
            }
        else:
            params = self._limit(TRADED, "0.002")
        call = self._call("order.place", {**params, "newClientOrderId": name}, name)
        if isinstance(call.outcome, dict) and call.outcome["status"] == "NEW":
            self._standing.append(name)

    def _cancel(self, name: str) -> None:
        call = self._call("order.cancel", {"symbol": TRADED, "origClientOrderId": name}, name)
        if not call.is_done:
            self._standing.append(name)

    def _replace(self, old: str) -> None:
        new = self._name()
        params = {
            **self._limit(TRADED, "0.002"),
            "cancelReplaceMode": self._random.choice(["STOP_ON_FAILURE", "ALLOW_FAILURE"]),
            "cancelOrigClientOrderId": old,
            "newClientOrderId": new,
        }
        call = self._call("order.cancelReplace", params, new)
        data = call.outcome if call.is_done else getattr(call.outcome, "data", None) or {}
        if data.get("cancelResult") != "SUCCESS":
            self._standing.append(old)
        if data.get("newOrderResult") == "SUCCESS":
            self._standing.append(new)

    def _amend(self, old: str) -> None:
        new = self._name()
        params = {"symbol": TRADED, "origClientOrderId": old, "newClientOrderId": new, "newQty": "0.001"}
        call = self._call("order.amend.keepPriority", params, new)
        # What was amended once is cancelled next, as it cannot be made smaller again.
        self._cancel(new if call.is_done else old)

    def _pair(self) -> None:
        name = self._name()
        params = {
            "symbol": TRADED,
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
        while call.is_done:
            ended = self._call("orderList.cancel", {"symbol": TRADED, "listClientOrderId": name}, name)
            if ended.is_done:
                return


class Sweeper(_Caller):
    """One thread that has a symbol to itself, places a few orders there and cancels them all at once.

    Owner: its own thread.
    """

    def run(self) -> None:
        """Sweep until the run has had its orders."""
        while self._tally.take():
            if len(self._standing) < self._random.randint(1, 4):
                name = self._name()
                params = {**self._limit(SWEPT, "0.05"), "newClientOrderId": name}
                if self._call("order.place", params, name).is_done:
                    self._standing.append(name)
            else:
                call = self._call("openOrders.cancelAll", {"symbol": SWEPT}, *self._standing)
                if call.is_done:
                    self._standing.clear()
