"""What the parts of one engine share: the language, the clocks, the limits and the counts."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from crypto_ws_sync.engine.ledgers import Gate
from crypto_ws_sync.engine.requests import Wakes
from crypto_ws_sync.errors import ApiError, OutcomeResolver
from crypto_ws_sync.model.counters import Counters
from crypto_ws_sync.protocol.dialect import Dialect
from crypto_ws_sync.protocol.outcome import Question, Verdict
from crypto_ws_sync.protocol.server_clock import ServerClock
from crypto_ws_sync.transport.port import Target, Transport

__all__ = ["Context", "ManualTime", "TimeSource"]

MANUAL_LOOK = 0.05
"""Seconds after which a manual clock is looked at again, since one that cannot tell of its moves may be brought."""
ROUND_TRIPS_KEPT = 1024


class ManualTime(Protocol):
    """A clock that a test moves."""

    def now(self) -> float:
        """Return epoch seconds."""


class TimeSource:
    """Monotonic and wall seconds; both from one manual clock where a test brings one.

    Owner: loop thread, but for `monotonic`, `wall` and `on_move`.
    """

    __slots__ = ("_clock", "_sleepers", "is_manual", "monotonic", "wall")

    def __init__(self, clock: ManualTime | None = None) -> None:
        self.is_manual = clock is not None
        self.monotonic = time.monotonic if clock is None else clock.now
        self.wall = time.time if clock is None else clock.now
        self._clock = clock
        self._sleepers: set[asyncio.Future[None]] = set()

    def on_move(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Have a listener called whenever the manual clock moves, on the thread that moves it.

        Returns:
            What ends that.
        """
        subscribe = getattr(self._clock, "on_advance", None)
        if subscribe is None:
            return lambda: None
        forget: Callable[[], None] = subscribe(listener)
        return forget

    def moved(self) -> None:
        """Let those who sleep by the manual clock look at it."""
        for sleeper in self._sleepers:
            if not sleeper.done():
                sleeper.set_result(None)

    async def look_again(self, seconds: float) -> None:
        """Return after so many seconds at most, or when the manual clock has moved."""
        if not self.is_manual:
            await asyncio.sleep(seconds)
            return
        moved: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.add(moved)
        try:
            await asyncio.wait_for(moved, MANUAL_LOOK)
        except asyncio.TimeoutError:
            pass
        finally:
            self._sleepers.discard(moved)

    async def pause(self, seconds: float, hurry: asyncio.Event | None = None) -> None:
        """Let time pass that only spreads the load: by the machine's clock, or by a manual one that gets there first.

        Args:
            seconds: How long.
            hurry: Ends it.
        """
        ended = asyncio.Event() if hurry is None else hurry
        until, deadline = self.monotonic() + seconds, time.monotonic() + seconds
        while not ended.is_set() and self.monotonic() < until and (left := deadline - time.monotonic()) > 0:
            if self.is_manual:
                await self.look_again(left)
                continue
            try:
                await asyncio.wait_for(ended.wait(), left)
            except asyncio.TimeoutError:
                return

    async def sleep(self, seconds: float) -> None:
        """Sleep by this clock."""
        until = self.monotonic() + seconds
        while (left := until - self.monotonic()) > 0:
            await self.look_again(left)


class Context:
    """What the parts of one engine share.

    Owner: loop thread.
    """

    __slots__ = (
        "auth_failure",
        "clock",
        "clock_asked_at",
        "counters",
        "dialect",
        "has_placed",
        "ledger",
        "offload",
        "on_verdict",
        "resolver",
        "round_trips",
        "target",
        "time",
        "transport",
        "wakes",
    )

    def __init__(
        self,
        *,
        dialect: Dialect,
        transport: Transport,
        target: Target,
        time: TimeSource,
        ledger: Gate,
        clock: ServerClock,
        counters: Counters,
        resolver: OutcomeResolver | None = None,
    ) -> None:
        self.dialect = dialect
        self.transport = transport
        self.target = target
        self.time = time
        self.ledger = ledger
        self.clock = clock
        self.counters = counters
        self.resolver = resolver
        self.auth_failure: Callable[[], ApiError] | None = None
        self.round_trips: deque[float] = deque(maxlen=ROUND_TRIPS_KEPT)
        self.clock_asked_at = -math.inf
        self.has_placed = False
        self.wakes = Wakes()
        self.on_verdict: Callable[[Question, Verdict], None] | None = None
        self.offload: Callable[[Callable[[], Any], Callable[[Any], None]], None] | None = None

    def server_now(self) -> float:
        """Return the exchange's time in epoch seconds."""
        return self.clock.offset + self.time.monotonic()

    def local_wall(self, server_time: float) -> float:
        """Return the exchange's `server_time` as what the local wall clock will show then."""
        return server_time - self.server_now() + self.time.wall()

    def retry_at(self, until: float) -> float | None:
        """Return the same of the end of a limit; None where it has no end."""
        return self.local_wall(until) if math.isfinite(until) else None
