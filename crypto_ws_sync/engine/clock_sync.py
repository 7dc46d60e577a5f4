"""Asking the exchange for its time."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from typing import Any

from crypto_ws_sync.engine.connecting import Unreachable
from crypto_ws_sync.engine.context import Context
from crypto_ws_sync.protocol.method import Request
from crypto_ws_sync.protocol.server_clock import ClockSample

__all__ = ["ClockKeeper", "take_sample"]

log = logging.getLogger("crypto_ws_sync.engine")

LOOK = 1.0
"""Seconds between two looks at this machine's clocks."""
DRIFT_NOTICED = 1.0
ASK_AGAIN = 600.0
"""Seconds after which the exchange is asked again."""
ANSWER_WITHIN = 10.0
LEAP = 1.0
"""Seconds of a manual clock that pass between a question and its answer only where somebody moved it."""
QUESTIONS = 10
"""Questions at most until a manual clock stands still during one: a leap leaves the time uncertain by half of it."""


async def take_sample(context: Context, ask: Callable[[Request], Awaitable[Any]]) -> None:
    """Take one sample of the exchange's clock; the limits learn how far it may be wrong until the next one.

    Raises:
        Unreachable: The answer holds no time.
    """
    monotonic, clock = context.time.monotonic, context.clock
    for _ in range(QUESTIONS if context.time.is_manual else 1):
        sent = monotonic()
        result = await ask(context.dialect.time_request())
        received = monotonic()
        if received - sent <= LEAP:
            break
    try:
        told = context.dialect.server_time(result)
    except ValueError as error:
        raise Unreachable(str(error), is_passing=True) from None
    clock.add(ClockSample(sent, received, told))
    context.clock_asked_at = received
    context.ledger.set_clock(monotonic, clock.offset, clock.error(received + ASK_AGAIN))


class ClockKeeper:
    """Asks for the time again every ten minutes, and at once where this machine's clocks have drifted apart.

    A machine that slept shows in that way: its wall clock went on, its monotonic clock stood still.

    Owner: loop thread.
    """

    def __init__(
        self, context: Context, ask: Callable[[Request], Awaitable[Any]], on_drift: Callable[[], None]
    ) -> None:
        """Begin to watch.

        Args:
            context: What the engine's parts share.
            ask: Asks the exchange; returns the result.
            on_drift: Called when the clocks have drifted apart: the line may be dead.
        """
        self._context = context
        self._ask = ask
        self._on_drift = on_drift
        self._seen = self._look()

    def _look(self) -> tuple[float, float]:
        moment = self._context.time
        return moment.wall(), moment.monotonic()

    async def keep(self) -> None:
        """Watch for ever."""
        context = self._context
        while True:
            await context.time.look_again(LOOK)
            (wall, monotonic), (wall_before, before) = self._look(), self._seen
            self._seen = wall, monotonic
            drift = (wall - wall_before) - (monotonic - before)
            if abs(drift) > DRIFT_NOTICED:
                log.info("the clocks drifted apart by %.1f s", drift, extra={"event": "clock_drift"})
                context.clock.forget()
                context.clock_asked_at = -math.inf
                self._on_drift()
            if monotonic - context.clock_asked_at >= ASK_AGAIN:
                await self._ask_again()

    async def _ask_again(self) -> None:
        context = self._context
        if context.ledger.held_until(context.dialect.time_request().charge, context.server_now()):
            return
        try:
            await asyncio.wait_for(take_sample(context, self._ask), ANSWER_WITHIN)
        except asyncio.TimeoutError:
            log.info(
                "the exchange did not tell its time in %.0f s",
                ANSWER_WITHIN,
                extra={"event": "clock_unknown"},
            )
        except Unreachable as error:
            log.info("the exchange would not tell its time: %s", error, extra={"event": "clock_unknown"})
