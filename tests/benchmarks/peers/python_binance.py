"""python-binance: a client for asyncio that has the WebSocket API beside REST."""

from __future__ import annotations

from typing import Any

from binance.async_client import AsyncClient
from binance.ws.websocket_api import WebsocketAPI

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
        self._client = AsyncClient(KEY, SECRET)
        self._client.ws_api = WebsocketAPI(url=url)

    def call(self, method: str, params: dict[str, Any] | None) -> Any:
        """Ask once and wait for the answer."""
        client = self._client
        if method == "time":
            return self._loop.run(client.ws_get_time())
        assert params is not None
        if method == "order.place":
            return self._loop.run(client.ws_create_order(**params))
        return self._loop.run(client.ws_get_order_book(**params))

    def close(self) -> None:
        """End the connection."""
        self._loop.run(self._client.close_connection())
