"""A simulated exchange in a process of its own, with its faults within reach."""

from __future__ import annotations

import multiprocessing
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any

from crypto_ws_sync.simulator import SimulatedExchange

__all__ = ["RemoteExchange"]


def _serve(pipe: Connection, options: dict[str, Any]) -> None:
    with SimulatedExchange(**options) as exchange:
        pipe.send((exchange.endpoint, exchange.api_key, exchange.api_secret))
        while True:
            try:
                name, arguments = pipe.recv()
            except EOFError:
                return
            getattr(exchange.faults, name)(*arguments)
            pipe.send(None)


class RemoteExchange:
    """A simulated exchange in a process of its own; the options are those of `SimulatedExchange`."""

    def __init__(self, **options: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, options), daemon=True)
        self._process.start()
        theirs.close()
        self.endpoint, self.api_key, self.api_secret = self._pipe.recv()

    def fault(self, name: str, *arguments: Any) -> None:
        """Call one of the exchange's faults, such as "announce_shutdown"."""
        self._pipe.send((name, arguments))
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
