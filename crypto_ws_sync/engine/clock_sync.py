"""Asking the exchange for its time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from crypto_ws_sync.engine.connecting import Unreachable
from crypto_ws_sync.engine.context import Context
from crypto_ws_sync.protocol.method import Request
from crypto_ws_sync.protocol.server_clock import ClockSample

__all__ = ["take_sample"]


async def take_sample(context: Context, ask: Callable[[Request], Awaitable[Any]]) -> None:
    """Take one sample of the exchange's clock; the limits learn how far it may be wrong.

    Raises:
        Unreachable: The answer holds no time.
    """
    monotonic = context.time.monotonic
    sent = monotonic()
    result = await ask(context.dialect.time_request())
    received = monotonic()
    try:
        told = context.dialect.server_time(result)
    except ValueError as error:
        raise Unreachable(str(error), is_passing=True) from None
    context.clock.add(ClockSample(sent, received, told))
    context.ledger.set_clock_error(context.clock.error(received))
