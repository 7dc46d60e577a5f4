"""A server that counts weight honestly in fixed windows, refuses what is over, and remembers all it was sent.

It knows the client's rules from the exchange's documents only: each request is charged when it is executed, a window
of n seconds begins where the server's time is a multiple of n, and what is over is refused with 429.
"""

from __future__ import annotations

import asyncio
import http
import json
import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

__all__ = ["API_KEY", "API_SECRET", "CountingServer", "Hook", "Rule", "Seen", "orders", "weight"]

API_KEY = "kEyOfTheCountingServer0123456789abcdefghijklmnopqrstuvwxyzABCDEF"
API_SECRET = "sEcReTnObOdYkNoWs0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJK"

_INTERVALS = ((86400, "DAY"), (3600, "HOUR"), (60, "MINUTE"), (1, "SECOND"))
_WEIGHT, _ORDERS = "REQUEST_WEIGHT", "ORDERS"
_PLACEMENTS = ("order.place",)
LIMIT = 30.0
"""Seconds that a test waits for something to happen here."""


@dataclass(frozen=True)
class Rule:
    """So many of a kind in each window of so many seconds."""

    kind: str
    seconds: int
    limit: int

    def told(self, count: int | None) -> dict[str, Any]:
        """Return it as answers tell it; without a count as exchangeInfo does."""
        length, interval = next(pair for pair in _INTERVALS if self.seconds % pair[0] == 0)
        told = {
            "rateLimitType": self.kind,
            "interval": interval,
            "intervalNum": self.seconds // length,
            "limit": self.limit,
        }
        return told if count is None else {**told, "count": count}


def weight(seconds: int, limit: int) -> Rule:
    """Return a limit of request weight."""
    return Rule(_WEIGHT, seconds, limit)


def orders(seconds: int, limit: int) -> Rule:
    """Return a limit of unfilled orders."""
    return Rule(_ORDERS, seconds, limit)


@dataclass(frozen=True)
class Seen:
    """One request as it was executed: by the server's time, and by the monotonic clock."""

    at: float
    monotonic: float
    connection: int
    method: str
    params: Mapping[str, Any]
    status: int
    weight: int


Hook = Callable[[Any, Mapping[str, Any]], "dict[str, Any] | None"]
"""Answers a request (id, params) in another way; None: not at all."""


class CountingServer:
    """A venue with nothing but limits, on a thread of its own.

    Attributes:
        rules: The limits; may be changed between requests.
        tells_limits: Answers carry `rateLimits`.
        tells_retry_after: Refusals carry `retryAfter`.
        others: Part of each weight limit that another program uses up, when this one has used the rest.
        delays: Seconds, from and to, that each message takes on its way here, and then back; drawn for each, so
            that answers overtake each other.
        skew: Seconds by which this clock is ahead of the true one.

    Owner: shared, guarded by self._changed.
    """

    def __init__(
        self,
        rules: Iterable[Rule],
        *,
        now: Callable[[], float] = time.time,
        delays: tuple[tuple[float, float], tuple[float, float]] = ((0.0, 0.0), (0.0, 0.0)),
        seed: int = 1,
    ) -> None:
        self.rules = tuple(rules)
        self.tells_limits = True
        self.tells_retry_after = True
        self.others = 0.0
        self.delays = delays
        self.skew = 0.0
        self.seen: list[Seen] = []
        self.attempts: list[float] = []
        self.counts: dict[tuple[Rule, int], int] = {}
        self.hooks: dict[str, Hook] = {}
        self.refusals: list[tuple[int, str | None]] = []
        self.banned_until = 0.0
        self.orders: dict[str, dict[str, Any]] = {}
        self._now = now
        self._random = random.Random(seed)
        self._struck: set[tuple[Rule, int]] = set()
        self._changed = threading.Condition()
        self._connections: dict[int, ServerConnection] = {}
        self._numbers = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Event | None = None
        self._port = 0
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="counting server")

    # -- for tests --------------------------------------------------------------------------------------------

    def __enter__(self) -> CountingServer:
        self._thread.start()
        self.wait(lambda: self._port != 0)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._loop is not None
        assert self._ended is not None
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()

    @property
    def url(self) -> str:
        """Where clients connect to."""
        return f"ws://127.0.0.1:{self._port}/ws-api/v3"

    def now(self) -> float:
        """The server's time in epoch seconds."""
        return self._now() + self.skew

    def wait(self, predicate: Callable[[], bool], limit: float = LIMIT) -> None:
        """Wait until something holds; it is looked at whenever something has come."""
        with self._changed:
            assert self._changed.wait_for(predicate, limit), "the server waited in vain"

    def of(self, *methods: str) -> list[Seen]:
        """Return the requests of some methods so far."""
        with self._changed:
            return [seen for seen in self.seen if seen.method in methods]

    def refused(self) -> list[Seen]:
        """Return the requests that were refused for a limit or a ban."""
        with self._changed:
            return [seen for seen in self.seen if seen.status in (418, 429)]

    def use(self, rule: Rule) -> dict[int, float]:
        """Return which part of a limit each window saw used: window index -> part of one."""
        with self._changed:
            return {index: count / rule.limit for (each, index), count in self.counts.items() if each == rule}

    def drop_all(self) -> None:
        """End every connection without a goodbye."""

        def abort() -> None:
            for each in self._connections.values():
                each.transport.abort()

        self._call(abort)

    def say(self, text: str) -> None:
        """Send a text to every connection."""

        def send() -> None:
            for each in self._connections.values():
                _write(each, _frame(text.encode()))

        self._call(send)

    def _call(self, work: Callable[[], object]) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(work)

    # -- serving ----------------------------------------------------------------------------------------------

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        async with serve(
            self._converse,
            "127.0.0.1",
            0,
            process_request=self._shake_hands,
            compression=None,
            ping_interval=None,
            close_timeout=0.2,
        ) as server:
            with self._changed:
                self._port = next(iter(server.sockets)).getsockname()[1]
                self._changed.notify_all()
            await self._ended.wait()

    def _shake_hands(self, connection: ServerConnection, request: Request) -> Response | None:
        with self._changed:
            self.attempts.append(self.now())
            refusal = self.refusals.pop(0) if self.refusals else None
            self._changed.notify_all()
        if refusal is None:
            for rule in self.rules:
                self._charge(rule, {"CONNECTIONS": 1, _WEIGHT: 2}.get(rule.kind, 0), self.now())
            return None
        status, retry_after = refusal
        headers = Headers({"Content-Length": "0", "Connection": "close"})
        if retry_after is not None:
            headers["Retry-After"] = retry_after
        return Response(status, http.HTTPStatus(status).phrase if status != 418 else "Teapot", headers, b"")

    async def _converse(self, connection: ServerConnection) -> None:
        with self._changed:
            self._numbers += 1
            number = self._numbers
            self._connections[number] = connection
        there = self.delays[0]
        loop = asyncio.get_running_loop()
        try:
            async for text in connection:
                wait = self._random.uniform(*there)
                if wait:
                    loop.call_later(wait, self._execute, connection, number, str(text))
                else:
                    self._execute(connection, number, str(text))
        except ConnectionClosed:
            pass
        finally:
            with self._changed:
                del self._connections[number]

    def _execute(self, connection: ServerConnection, number: int, text: str) -> None:
        said = json.loads(text)
        method, params = said["method"], said.get("params", {})
        with self._changed:
            now = self.now()
            status, answer, cost = self._answer(said["id"], method, params, now)
            self.seen.append(Seen(now, time.monotonic(), number, method, params, status, cost))
            self._changed.notify_all()
        if answer is None:
            return
        wait = self._random.uniform(*self.delays[1])
        frame = _frame(json.dumps(answer).encode())
        if wait:
            asyncio.get_running_loop().call_later(wait, _write, connection, frame)
        else:
            _write(connection, frame)

    def _answer(
        self, key: Any, method: str, params: Mapping[str, Any], now: float
    ) -> tuple[int, dict[str, Any] | None, int]:
        """Count and execute one request; return status, answer and weight."""
        cost = _weight_of(method, params)
        placed = 1 if method in _PLACEMENTS else 0
        if now < self.banned_until:
            data = {"serverTime": int(now * 1000), "retryAfter": round(self.banned_until * 1000)}
            return 418, _error(key, 418, -1003, data), cost
        over: tuple[Rule, int] | None = None
        for rule in self.rules:
            amount = cost if rule.kind == _WEIGHT else placed if rule.kind == _ORDERS else 0
            index = self._charge(rule, amount, now)
            if amount and self.counts[rule, index] > rule.limit and over is None:
                over = rule, index
        if over is not None:
            return self._refuse(key, over, now, placed)
        hook = self.hooks.get(method)
        answer = hook(key, params) if hook is not None else self._result(key, method, params, now)
        if answer is not None and answer["status"] == 200 and placed:
            # A placement that succeeds costs no weight.
            for rule in self.rules:
                if rule.kind == _WEIGHT:
                    self.counts[rule, int(now // rule.seconds)] -= cost
        if answer is not None and self.tells_limits and "rateLimits" not in answer:
            answer["rateLimits"] = self._told(now, placed)
        return (answer or {"status": 0})["status"], answer, cost

    def _refuse(
        self, key: Any, over: tuple[Rule, int], now: float, placed: int
    ) -> tuple[int, dict[str, Any], int]:
        rule, index = over
        self.counts[rule, index] = max(self.counts[rule, index], rule.limit)
        data = {"serverTime": int(now * 1000), "retryAfter": (index + 1) * rule.seconds * 1000}
        code = -1015 if rule.kind == _ORDERS else -1003
        answer = _error(key, 429, code, data if self.tells_retry_after else None)
        if self.tells_limits:
            answer["rateLimits"] = self._told(now, placed)
        return 429, answer, 0

    def _charge(self, rule: Rule, amount: int, now: float) -> int:
        """Count in the window of now, where the other program may have been before; return its index."""
        index = int(now // rule.seconds)
        key = rule, index
        if key not in self.counts:
            self.counts[key] = 0
        # At the worst moment: the client is at full speed, and what it has left is less than what is taken.
        is_others_turn = self.others and rule.kind == _WEIGHT and key not in self._struck
        if is_others_turn and self.counts[key] + amount >= (1.0 - self.others) * rule.limit:
            self._struck.add(key)
            self.counts[key] += int(rule.limit * self.others)
        self.counts[key] += amount
        return index

    def _told(self, now: float, placed: int) -> list[dict[str, Any]]:
        return [
            rule.told(self.counts.get((rule, int(now // rule.seconds)), 0))
            for rule in self.rules
            if rule.kind == _WEIGHT or (placed and rule.kind == _ORDERS)
        ]

    def _result(self, key: Any, method: str, params: Mapping[str, Any], now: float) -> dict[str, Any]:
        if "timestamp" in params:
            age = now - params["timestamp"] / 1000
            if not -1.0 < age <= float(params.get("recvWindow", 5000)) / 1000:
                return _error(key, 400, -1021)
        result: Any = {}
        if method == "time":
            result = {"serverTime": int(now * 1000)}
        elif method == "exchangeInfo":
            result = {"rateLimits": [rule.told(None) for rule in self.rules]}
        elif method == "account.rateLimits.orders":
            result = [
                rule.told(self.counts.get((rule, int(now // rule.seconds)), 0))
                for rule in self.rules
                if rule.kind == _ORDERS
            ]
        elif method == "order.place":
            result = self._place(params, now)
        elif method == "order.status":
            order = self.orders.get(params.get("origClientOrderId", ""))
            if order is None:
                return _error(key, 400, -2013)
            result = order
        return {"id": key, "status": 200, "result": result}

    def _place(self, params: Mapping[str, Any], now: float) -> dict[str, Any]:
        stamp = int(now * 1000)
        order = {
            "symbol": params["symbol"],
            "orderId": len(self.orders) + 1,
            "orderListId": -1,
            "clientOrderId": params["newClientOrderId"],
            "transactTime": stamp,
            "time": stamp,
            "updateTime": stamp,
            "price": params.get("price", "0"),
            "origQty": params.get("quantity", "0"),
            "executedQty": "0",
            "cummulativeQuoteQty": "0",
            "status": "NEW",
            "timeInForce": params.get("timeInForce", "GTC"),
            "type": params["type"],
            "side": params["side"],
        }
        self.orders[params["newClientOrderId"]] = order
        return order


def _weight_of(method: str, params: Mapping[str, Any]) -> int:
    """Return the documented weight of the requests that tests send here."""
    if method == "depth":
        limit = params.get("limit", 100)
        return 5 if limit <= 100 else 25 if limit <= 500 else 50 if limit <= 1000 else 250
    if method == "ticker.24hr":
        return 2 if "symbol" in params else 80
    weights = {"avgPrice": 2, "klines": 2, "exchangeInfo": 20, "account.rateLimits.orders": 40}
    return {**weights, "order.status": 4, "account.status": 20, "openOrders.status": 6}.get(method, 1)


def _error(key: Any, status: int, code: int, data: Mapping[str, Any] | None = None) -> dict[str, Any]:
    error: dict[str, Any] = {"code": code, "msg": "refused"}
    if data is not None:
        error["data"] = data
    return {"id": key, "status": status, "error": error}


def _frame(payload: bytes) -> bytes:
    """Return a text frame from the server; writing it by hand keeps the order in which answers fall due."""
    size = len(payload)
    if size < 126:
        return bytes([0x81, size]) + payload
    return b"\x81\x7e" + size.to_bytes(2, "big") + payload


def _write(connection: ServerConnection, frame: bytes) -> None:
    if not connection.transport.is_closing():
        connection.transport.write(frame)
