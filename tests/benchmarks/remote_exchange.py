"""A simulated exchange in a process of its own, with its faults within reach."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any

from crypto_ws_sync.simulator import SimulatedExchange

__all__ = ["RemoteExchange", "RemoteFaults"]


def _serve(pipe: Connection, options: dict[str, Any]) -> None:
    with SimulatedExchange(**options) as exchange:
        pipe.send((exchange.endpoint, exchange.api_key, exchange.api_secret))
        while True:
            try:
                name, arguments, named = pipe.recv()
            except EOFError:
                return
            getattr(exchange.faults, name)(*arguments, **named)
            pipe.send(None)


class RemoteFaults:
    """The faults of an exchange in another process."""

    def __init__(self, exchange: RemoteExchange) -> None:
        self._exchange = exchange

    def __getattr__(self, name: str) -> Callable[..., None]:
        return partial(self._exchange.fault, name)


class RemoteExchange:
    """A simulated exchange in a process of its own; the options are those of `SimulatedExchange`."""

    def __init__(self, **options: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, options), daemon=True)
        self._process.start()
        theirs.close()
        self.endpoint, self.api_key, self.api_secret = self._pipe.recv()

    @property
    def faults(self) -> RemoteFaults:
        """The exchange's faults by their names; what they return stays there."""
        return RemoteFaults(self)

    def fault(self, name: str, *arguments: Any, **options: Any) -> None:
        """Call one of the exchange's faults, such as "announce_shutdown"."""
        self._pipe.send((name, arguments, options))
        self._pipe.recv()

    def __enter__(self) -> RemoteExchange:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._pipe.close()
        self._process.join(10)
