"""The clients that can be measured, each with the same few methods; what one needs is imported when it is chosen.

`floor` is bare websocket-client in one thread: `json.dumps`, `send`, `recv`, `json.loads`. `matcher` is the forty lines
that people write by hand to share one connection between threads. `session` is this package.
"""

from __future__ import annotations

import collections
import hashlib
import hmac
import importlib
import json
import ssl
import threading
import time
from concurrent.futures import Future
from typing import Any, Protocol

from tests.benchmarks.operations import KEY, SECRET

__all__ = ["Client", "open_client", "signed"]

Params = dict[str, Any] | None


class Client(Protocol):
    """What the rig asks of a client; one that lacks `batch`, `window` or `events` has no such rows."""

    def call(self, method: str, params: Params) -> Any:
        """Ask once and wait for the answer."""

    def close(self) -> None:
        """End the connection."""


def signed(params: dict[str, Any], serial: int) -> dict[str, Any]:
    """Return an order's parameters as the exchange wants them: with id, key, timestamp and signature."""
    made = {**params, "newClientOrderId": f"floor{serial}", "apiKey": KEY}
    made["timestamp"] = int(time.time() * 1000)
    text = "&".join(f"{name}={made[name]}" for name in sorted(made))
    made["signature"] = hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
    return made


def _request(serial: int, method: str, params: Params) -> str:
    request: dict[str, Any] = {"id": serial, "method": method}
    if method == "order.place":
        assert params is not None
        request["params"] = signed(params, serial)
    elif params is not None:
        request["params"] = params
    return json.dumps(request)


def _connected(url: str, ca_file: str | None) -> Any:
    import websocket

    options: Any = {"sslopt": {"context": ssl.create_default_context(cafile=ca_file)}} if ca_file else {}
    return websocket.create_connection(url, skip_utf8_validation=True, enable_multithread=False, **options)


class Floor:
    """What one thread can do with the bare library.

    Owner: its caller's thread.
    """

    def __init__(self, url: str, ca_file: str | None) -> None:
        self._socket = _connected(url, ca_file)
        self._serial = 0

    def call(self, method: str, params: Params) -> Any:
        """Ask once and wait for the answer; signs orders as the session does."""
        self._serial += 1
        self._socket.send(_request(self._serial, method, params))
        return json.loads(self._socket.recv())

    def events(self, count: int) -> None:
        """Have some events sent, and read them."""
        self.call("events", {"count": count})
        for _ in range(count):
            assert "event" in json.loads(self._socket.recv())

    def close(self) -> None:
        """End the connection."""
        self._socket.close()


class Matcher:
    """A lock around `send`, a thread that reads, and a future for each request: the usual way by hand.

    Owner: shared, guarded by self._lock.
    """

    def __init__(self, url: str, ca_file: str | None) -> None:
        self._socket = _connected(url, ca_file)
        self._lock = threading.Lock()
        self._serial = 0
        self._waiting: dict[int, Future[Any]] = {}
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        import websocket

        try:
            while True:
                answer = json.loads(self._socket.recv())
                self._waiting.pop(answer["id"]).set_result(answer)
        except (OSError, websocket.WebSocketException):
            return

    def call(self, method: str, params: Params) -> Any:
        """Ask once and wait for the answer."""
        reply: Future[Any] = Future()
        with self._lock:
            self._serial += 1
            serial = self._serial
            self._waiting[serial] = reply
        text = _request(serial, method, params)
        with self._lock:
            self._socket.send(text)
        return reply.result(60)["result"]

    def close(self) -> None:
        """End the connection."""
        self._socket.shutdown()


class Session:
    """This package.

    Owner: shared, never changed.
    """

    def __init__(self, url: str, ca_file: str | None) -> None:
        from crypto_ws_sync import UserWSSession

        context = ssl.create_default_context(cafile=ca_file) if ca_file else None
        self._session = UserWSSession(KEY, SECRET, endpoint=url, ssl_context=context, timeout=60.0).start()
        self._stream: Any = None

    def call(self, method: str, params: Params) -> Any:
        """Ask once and wait for the answer."""
        answer = self._session.handle_request(method, params)
        assert answer is not None
        return answer

    def batch(self, method: str, params: Params, size: int) -> None:
        """Ask many times in one hand-over."""
        answers = self._session.handle_requests([(method, params)] * size)
        assert all(isinstance(answer, dict) for answer in answers), answers[0]

    def window(self, method: str, params: Params, count: int, width: int) -> None:
        """Ask many times, so many in flight."""
        flying: collections.deque[Any] = collections.deque()
        for _ in range(count):
            flying.append(self._session.submit(method, params))
            if len(flying) >= width:
                flying.popleft().result()
        while flying:
            flying.popleft().result()

    def events(self, count: int) -> None:
        """Have some events sent, and read them."""
        if self._stream is None:
            self._stream = self._session.user_data(maxsize=100_000).__enter__()
        self._session.submit("events", {"count": count})
        for _ in range(count):
            assert next(self._stream)["e"] == "executionReport"

    def close(self) -> None:
        """End the session."""
        self._session.stop()


_HERE: dict[str, Any] = {"floor": Floor, "matcher": Matcher, "session": Session}


def open_client(name: str, url: str, ca_file: str | None) -> Any:
    """Return one of these, or one of the peers', connected.

    Raises:
        ImportError: It is not installed here.
    """
    if name in _HERE:
        return _HERE[name](url, ca_file)
    return importlib.import_module(f"tests.benchmarks.peers.{name}").Peer(url, ca_file)
