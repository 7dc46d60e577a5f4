"""A box in the middle that forwards bytes, until it drops them without a word to either side."""

from __future__ import annotations

import selectors
import socket
import threading
import time
from types import TracebackType
from urllib.parse import urlsplit

__all__ = ["FreezingProxy"]


class FreezingProxy:
    """Forwards connections to an endpoint; those that are frozen stay open, and nothing passes any more.

    Owner: shared, guarded by self._came.
    """

    def __init__(self, endpoint: str) -> None:
        parts = urlsplit(endpoint)
        assert parts.hostname is not None
        assert parts.port is not None
        self._target = (parts.hostname, parts.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sides: dict[socket.socket, socket.socket] = {}
        self._frozen: set[socket.socket] = set()
        self._came = threading.Condition()
        self._count = 0
        self._is_over = False
        self.endpoint = f"ws://127.0.0.1:{self._listener.getsockname()[1]}{parts.path}"
        self._thread = threading.Thread(target=self._run, name="freezing proxy", daemon=True)

    def __enter__(self) -> FreezingProxy:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._is_over = True
        self._thread.join(5)
        for each in (self._listener, *self._sides):
            each.close()

    def freeze(self) -> None:
        """Let nothing pass any more on the connections there are; new ones work."""
        with self._came:
            self._frozen |= set(self._sides)

    def wait_for_connections(self, count: int, limit: float) -> float:
        """Return the monotonic time at which connection number `count` was there."""
        deadline = time.monotonic() + limit
        with self._came:
            while self._count < count:
                left = deadline - time.monotonic()
                assert left > 0, f"{self._count} connections came, not {count}"
                self._came.wait(left)
        return time.monotonic()

    @property
    def connections(self) -> int:
        """How many connections have come."""
        with self._came:
            return self._count

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            while not self._is_over:
                for key, _ in selector.select(0.05):
                    assert isinstance(key.fileobj, socket.socket)
                    if key.fileobj is self._listener:
                        self._accept(selector)
                    else:
                        self._pass_on(selector, key.fileobj)

    def _accept(self, selector: selectors.BaseSelector) -> None:
        client, _ = self._listener.accept()
        server = socket.create_connection(self._target)
        with self._came:
            for one, other in ((client, server), (server, client)):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._sides[one] = other
                selector.register(one, selectors.EVENT_READ)
            self._count += 1
            self._came.notify_all()

    def _pass_on(self, selector: selectors.BaseSelector, side: socket.socket) -> None:
        try:
            data = side.recv(65536)
        except OSError:
            data = b""
        with self._came:
            is_frozen = side in self._frozen
        other = self._sides[side]
        if data and not is_frozen:
            other.sendall(data)
        elif not data:
            # A frozen side does not learn that the other one has gone, either.
            selector.unregister(side)
            if not is_frozen:
                try:
                    other.shutdown(socket.SHUT_WR)
                except OSError:
                    return
