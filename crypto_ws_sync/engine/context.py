"""What the parts of one engine share: the language, the clocks, the limits and the counts."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from crypto_ws_sync.engine.ledgers import Gate
from crypto_ws_sync.errors import ApiError, OutcomeResolver
from crypto_ws_sync.model.status import Counters
from crypto_ws_sync.protocol.dialect import Dialect
from crypto_ws_sync.protocol.server_clock import ServerClock
from crypto_ws_sync.transport.port import Target, Transport

__all__ = ["Context", "ManualTime", "TimeSource"]


class ManualTime(Protocol):
    """A clock that a test moves."""

    def now(self) -> float:
        """Return epoch seconds."""


class TimeSource:
    """Monotonic and wall seconds; both from one manual clock where a test brings one."""

    __slots__ = ("is_manual", "monotonic", "wall")

    def __init__(self, clock: ManualTime | None = None) -> None:
        self.is_manual = clock is not None
        self.monotonic = time.monotonic if clock is None else clock.now
        self.wall = time.time if clock is None else clock.now


@dataclass(slots=True)
class Context:
    """What the parts of one engine share.

    Owner: loop thread.
    """

    dialect: Dialect
    transport: Transport
    target: Target
    time: TimeSource
    ledger: Gate
    clock: ServerClock
    counters: Counters
    resolver: OutcomeResolver | None = None
    auth_failure: Callable[[], ApiError] | None = field(default=None)
    offload: Callable[[Callable[[], Any], Callable[[Any], None]], None] | None = None

    def server_now(self) -> float:
        """Return the exchange's time in epoch seconds."""
        return self.clock.server_time(self.time.monotonic())

    def local_wall(self, server_time: float) -> float:
        """Return the exchange's `server_time` as what the local wall clock will show then."""
        return server_time - self.server_now() + self.time.wall()
