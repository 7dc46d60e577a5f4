"""binance-connector: a thread that reads and one callback; matching answers to threads is left to its user."""

from __future__ import annotations

import itertools
import json
from concurrent.futures import Future
from typing import Any

from binance.websocket.spot.websocket_api import SpotWebsocketAPIClient

from tests.benchmarks.operations import KEY, SECRET

__all__ = ["Peer"]


class Peer:
    """The client, with a dictionary of futures.

    Owner: shared; single operations on a dictionary are atomic.
    """

    methods = ("time", "order.place", "depth")

    def __init__(self, url: str, ca_file: str | None) -> None:
        self._waiting: dict[str, Future[Any]] = {}
        self._serials = itertools.count(1)
        self._client = SpotWebsocketAPIClient(
            stream_url=url, api_key=KEY, api_secret=SECRET, on_message=self._on_message
        )

    def _on_message(self, _: Any, text: str) -> None:
        answer = json.loads(text)
        self._waiting.pop(answer["id"]).set_result(answer["result"])

    def call(self, method: str, params: dict[str, Any] | None) -> Any:
        """Ask once and wait for the answer."""
        key = str(next(self._serials))
        reply = self._waiting[key] = Future()
        if method == "time":
            self._client.server_time(id=key)
        elif method == "order.place":
            assert params is not None
            self._client.new_order(id=key, **params)
        else:
            assert params is not None
            self._client.order_book(id=key, **params)
        return reply.result(10)

    def close(self) -> None:
        """End the connection."""
        self._client.stop()
