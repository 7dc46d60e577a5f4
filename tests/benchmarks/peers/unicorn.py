"""unicorn-binance-websocket-api: a manager with threads of its own, and a callback for whatever its stream brings.

Its `return_response=True` begins to wait after it has sent, and waits for ever where the answer was faster; so answers
are matched here.
"""

from __future__ import annotations

import itertools
from concurrent.futures import Future
from typing import Any

from unicorn_binance_websocket_api import BinanceWebSocketApiManager

from tests.benchmarks.operations import KEY, SECRET

__all__ = ["Peer"]


class Peer:
    """The manager with one stream, and a dictionary of futures.

    Owner: shared; single operations on a dictionary are atomic.
    """

    methods = ("time", "order.place", "depth")

    def __init__(self, url: str, ca_file: str | None) -> None:
        self._waiting: dict[str, Future[Any]] = {}
        self._serials = itertools.count(1)
        self._manager = BinanceWebSocketApiManager(
            exchange="binance.com", websocket_api_base_uri=url + "/", warn_on_update=False
        )
        self._stream = self._manager.create_stream(
            api=True, api_key=KEY, api_secret=SECRET, output="dict", process_stream_data=self._on_data
        )
        self._manager.wait_till_stream_has_started(self._stream)

    def _on_data(self, answer: Any, **_: Any) -> None:
        waiting = self._waiting.pop(answer.get("id"), None)
        if waiting is not None:
            waiting.set_result(answer["result"])

    def call(self, method: str, params: dict[str, Any] | None) -> Any:
        """Ask once and wait for the answer."""
        spot = self._manager.api.spot
        key = f"bench{next(self._serials)}"
        reply = self._waiting[key] = Future()
        if method == "time":
            spot.get_server_time(stream_id=self._stream, request_id=key)
        elif method == "order.place":
            spot.create_order(
                stream_id=self._stream,
                request_id=key,
                symbol="BTCUSDT",
                side="BUY",
                order_type="LIMIT",
                time_in_force="GTC",
                quantity=10.0,
                price=0.1,
            )
        else:
            spot.get_order_book(stream_id=self._stream, request_id=key, symbol="BTCUSDT", limit=100)
        return reply.result(10)

    def close(self) -> None:
        """End the connection."""
        self._manager.stop_manager()
