"""ccxt (pro): orders over the WebSocket API, for asyncio; it asks neither the time nor the spot book that way."""

from __future__ import annotations

from typing import Any

import ccxt.pro

from tests.benchmarks.operations import KEY, SECRET
from tests.benchmarks.peers.on_a_loop import OnALoop

__all__ = ["Peer"]

MARKET = {
    "id": "BTCUSDT",
    "symbol": "BTC/USDT",
    "base": "BTC",
    "quote": "USDT",
    "baseId": "BTC",
    "quoteId": "USDT",
    "type": "spot",
    "spot": True,
    "margin": False,
    "swap": False,
    "future": False,
    "option": False,
    "contract": False,
    "linear": False,
    "inverse": False,
    "active": True,
    "precision": {"amount": 0.00001, "price": 0.01},
    "limits": {"amount": {}, "price": {}, "cost": {}, "market": {}},
    "info": {"orderTypes": ["LIMIT", "MARKET"]},
}


class Peer:
    """The exchange on a loop of its own.

    Owner: shared, never changed.
    """

    methods = ("order.place",)

    def __init__(self, url: str, ca_file: str | None) -> None:
        self._loop = OnALoop()
        self._loop.run(self._open(url))

    async def _open(self, url: str) -> None:
        # Its limiter spaces requests by time, whatever the exchange counts: off, or it is what would be measured.
        self._exchange = ccxt.pro.binance({"apiKey": KEY, "secret": SECRET, "enableRateLimit": False})
        self._exchange.urls["api"]["ws"]["ws-api"]["spot"] = url
        self._exchange.set_markets([MARKET])

    def call(self, method: str, params: dict[str, Any] | None) -> Any:
        """Ask once and wait for the answer."""
        assert method == "order.place"
        return self._loop.run(self._exchange.create_order_ws("BTC/USDT", "limit", "buy", 10, 0.1))

    def close(self) -> None:
        """End the connection."""
        self._loop.run(self._exchange.close())
