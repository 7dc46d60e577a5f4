"""The least of an exchange that a session can start on, with a book that is the ground truth.

What a request does and what is answered are apart, so a test can lose, delay, double or bend either.
"""

from __future__ import annotations

import json
import random
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bytes_server import LIMIT, BytesServer, Script, Wire

from crypto_ws_sync import UserWSSession
from crypto_ws_sync.simulator import ManualClock

__all__ = ["Call", "Hook", "HostileExchange", "Open", "Shuffler", "refusal"]

API_KEY = "kEyOfTheHostileExchange0123456789abcdefghijklmnopqrstuvwxyzABCDE"
API_SECRET = "sEcReTnObOdYmAySeE0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJ"

WEIGHT_LIMIT = {
    "rateLimitType": "REQUEST_WEIGHT",
    "interval": "MINUTE",
    "intervalNum": 1,
    "limit": 1_000_000,
    "count": 1,
}
ORDER_LIMITS = [
    {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 1_000_000, "count": 1},
    {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 1_000_000, "count": 1},
]


@dataclass(frozen=True)
class Call:
    """One request that reached the exchange."""

    exchange: HostileExchange
    wire: Wire
    id: Any
    method: str
    params: Mapping[str, Any]
    text: str

    def execute(self) -> dict[str, Any]:
        """Do what the request asks; return the answer without sending it."""
        return self.exchange.execute(self)

    def answer(self, said: Any = None) -> None:
        """Send an answer: what executing the request gives unless told otherwise."""
        self.wire.send_text(self.execute() if said is None else said)

    def refuse(self, status: int, code: int, msg: str = "no", data: Any = None, **more: Any) -> None:
        """Answer with an error, having done nothing."""
        self.wire.send_text({**refusal(self.id, status, code, msg, data), **more})


Open = Callable[..., UserWSSession]
"""Makes and starts a session on the hostile exchange, with any arguments of its own."""

Hook = Callable[[Call], None]
"""Deals with one request, or does nothing at all with it."""


def refusal(request_id: Any, status: int, code: int, msg: str = "no", data: Any = None) -> dict[str, Any]:
    """Return an error answer."""
    error = {"code": code, "msg": msg}
    if data is not None:
        error["data"] = data
    return {"id": request_id, "status": status, "error": error}


class HostileExchange:
    """Speaks just enough of Binance's WebSocket API, and does to each request what the test wants.

    Owner: shared, guarded by self._lock.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None, first: Script | None = None) -> None:
        self.server = BytesServer(first or self.serve, self.serve, tls=tls)
        self.clock: ManualClock | None = None
        self.clock_offset = 0.0
        self.limits: list[dict[str, Any]] = [WEIGHT_LIMIT, *ORDER_LIMITS]
        self.orders: dict[str, dict[str, Any]] = {}
        self.calls: list[Call] = []
        self._hooks: dict[str, Hook] = {}
        self._once: dict[str, list[Hook]] = {}
        self._came = threading.Condition()
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """Where clients connect to."""
        return self.server.url

    @property
    def credentials(self) -> tuple[str, str]:
        """Key and HMAC secret of the one account."""
        return API_KEY, API_SECRET

    def now(self) -> float:
        """The exchange's time in epoch seconds."""
        return (time.time() if self.clock is None else self.clock.now()) + self.clock_offset

    def wire(self, number: int = 1) -> Wire:
        """Return connection number `number`, once it has come."""
        return self.server.wait_for_connections(number)

    # -- what the test plans ------------------------------------------------------------------------------

    def on(self, method: str, hook: Hook) -> None:
        """Deal with every request of a method this way ("*": with all that have no way of their own)."""
        self._hooks[method] = hook

    def once(self, method: str, *hooks: Hook) -> None:
        """Deal with the next requests of a method this way, one after the other."""
        with self._lock:
            self._once.setdefault(method, []).extend(hooks)

    def wait_for(self, method: str, count: int = 1, limit: float = LIMIT) -> Call:
        """Return the request of a method that came as number `count`."""
        deadline = time.monotonic() + limit
        with self._came:
            while len(found := [call for call in self.calls if call.method == method]) < count:
                left = deadline - time.monotonic()
                assert left > 0, f"{len(found)} requests of {method} came, not {count}"
                self._came.wait(left)
            return found[count - 1]

    def seen(self, method: str) -> list[Call]:
        """Return the requests of a method so far."""
        with self._came:
            return [call for call in self.calls if call.method == method]

    # -- serving ------------------------------------------------------------------------------------------

    def serve(self, wire: Wire) -> None:
        """Shake hands and deal with requests until the connection ends."""
        wire.accept()
        self.converse(wire)

    def converse(self, wire: Wire) -> None:
        """Deal with requests until the connection ends."""
        while True:
            self.take(wire, wire.read_text())

    def take(self, wire: Wire, text: str) -> None:
        """Deal with one request."""
        said = json.loads(text)
        call = Call(self, wire, said["id"], said["method"], said.get("params", {}), text)
        with self._came:
            self.calls.append(call)
            self._came.notify_all()
        with self._lock:
            planned = self._once.get(call.method)
            hook = planned.pop(0) if planned else None
        hook = hook or self._hooks.get(call.method) or self._hooks.get("*") or Call.answer
        hook(call)

    # -- what requests do ---------------------------------------------------------------------------------

    def execute(self, call: Call) -> dict[str, Any]:
        """Do what a request asks; return its answer."""
        name = "_" + call.method.replace(".", "_")
        result = getattr(self, name, self._echo)(call)
        if isinstance(result, tuple):
            return refusal(call.id, *result)
        return {"id": call.id, "status": 200, "result": result, "rateLimits": self.limits}

    def _echo(self, call: Call) -> Any:
        return dict(call.params)

    def _time(self, call: Call) -> Any:
        return {"serverTime": int(self.now() * 1000)}

    def _ping(self, call: Call) -> Any:
        return {}

    def _session_logon(self, call: Call) -> Any:
        return {"apiKey": call.params["apiKey"], "authorizedSince": 1, "connectedSince": 1}

    def _order_place(self, call: Call) -> Any:
        params, now = call.params, int(self.now() * 1000)
        late = self._lateness(call)
        if late is not None:
            return late
        with self._lock:
            name = params["newClientOrderId"]
            if name in self.orders:
                return 400, -2010, "Duplicate order sent."
            order = {
                "symbol": params["symbol"],
                "orderId": len(self.orders) + 1,
                "orderListId": -1,
                "clientOrderId": name,
                "price": params.get("price", "0"),
                "origQty": params["quantity"],
                "executedQty": "0",
                "status": "NEW",
                "timeInForce": params.get("timeInForce", "GTC"),
                "type": params["type"],
                "side": params["side"],
                "time": now,
                "updateTime": now,
            }
            self.orders[name] = order
        return {**{key: value for key, value in order.items() if "ime" not in key}, "transactTime": now}

    def _order_cancel(self, call: Call) -> Any:
        late = self._lateness(call)
        if late is not None:
            return late
        with self._lock:
            order = self.orders.get(call.params.get("origClientOrderId", ""))
            if order is None or order["status"] != "NEW":
                return 400, -2011, "Unknown order sent."
            order.update(status="CANCELED", updateTime=int(self.now() * 1000))
            return dict(order)

    def _order_status(self, call: Call) -> Any:
        with self._lock:
            order = self.orders.get(call.params.get("origClientOrderId", ""))
            return dict(order) if order is not None else (400, -2013, "Order does not exist.")

    def _lateness(self, call: Call) -> tuple[int, int, str] | None:
        """Return the refusal of a timestamp that is outside its window."""
        age = self.now() * 1000 - call.params.get("timestamp", 0)
        if age < -1000:
            return 400, -1021, "Timestamp for this request was 1000ms ahead of the server's time."
        if age > float(call.params.get("recvWindow", 5000)):
            return 400, -1021, "Timestamp for this request is outside of the recvWindow."
        return None


class Shuffler:
    """Holds answers back and lets them go in another order, as soon as no more requests come.

    Owner: the connection's thread.
    """

    def __init__(self, exchange: HostileExchange, seed: int) -> None:
        self._exchange = exchange
        self._random = random.Random(seed)
        self._held: list[dict[str, Any]] = []
        self.longest = 0

    def serve(self, wire: Wire) -> None:
        """Shake hands and deal with requests until the connection ends."""
        wire.accept()
        while True:
            # A moment without requests: some of the answers go out, others wait on.
            if (self._held and not wire.has_more(0.002)) or len(self._held) >= 200:
                self._let_go(wire)
            elif not self._held or wire.has_more(0):
                self._exchange.take(wire, wire.read_text())

    def hold(self, call: Call) -> None:
        """Execute a request and keep its answer."""
        self._held.append(call.execute())
        self.longest = max(self.longest, len(self._held))

    def _let_go(self, wire: Wire) -> None:
        self._random.shuffle(self._held)
        count = self._random.randint(1, len(self._held))
        gone, self._held = self._held[:count], self._held[count:]
        for said in gone:
            wire.send_text(said)
