"""binance-sdk-spot: the exchange's own generated client, for asyncio."""

from __future__ import annotations

from typing import Any

from binance_common.configuration import ConfigurationWebSocketAPI
from binance_sdk_spot.spot import Spot

from tests.benchmarks.operations import KEY, SECRET
from tests.benchmarks.peers.on_a_loop import OnALoop

__all__ = ["Peer"]


class Peer:
    """The client on a loop of its own.

    Owner: shared, never changed.
    """

    methods = ("time", "order.place", "depth")

    def __init__(self, url: str, ca_file: str | None) -> None:
        self._loop = OnALoop()
        self._loop.run(self._open(url))

    async def _open(self, url: str) -> None:
        settings = ConfigurationWebSocketAPI(
            api_key=KEY, api_secret=SECRET, stream_url=url, timeout=60_000, reconnect_delay=5000
        )
        self._client = Spot(config_ws_api=settings)
        self._connection = await self._client.websocket_api.create_connection()

    async def _ask(self, method: str, params: dict[str, Any] | None) -> Any:
        connection = self._connection
        if method == "time":
            answer = await connection.time()
        elif method == "order.place":
            answer = await connection.order_place(
                symbol="BTCUSDT", side="BUY", type="LIMIT", time_in_force="GTC", quantity=10, price=0.1
            )
        else:
            answer = await connection.depth(symbol="BTCUSDT", limit=100)
        return answer.data()

    def call(self, method: str, params: dict[str, Any] | None) -> Any:
        """Ask once and wait for the answer."""
        return self._loop.run(self._ask(method, params))

    def close(self) -> None:
        """End the connection."""
        self._loop.run(self._connection.close_connection())
