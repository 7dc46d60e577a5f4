"""The share of the weight limit that look-ups may use, so that finding out leaves room for trading."""

from __future__ import annotations

import asyncio
import math

from crypto_ws_sync.engine.context import Context
from crypto_ws_sync.protocol.limits import Bucket
from crypto_ws_sync.protocol.window import EDGE_MARGIN

__all__ = ["SHARE", "LookupBudget"]

SHARE = 0.1
"""Part of every weight limit that all look-ups of a session together may take."""

_MANUAL_STEP = 0.01


class LookupBudget:
    """Lets look-ups go first come, first served, as the windows of the weight limit have room for them.

    Owner: loop thread.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._turn = asyncio.Lock()
        self._spent: dict[int, tuple[int, int]] = {}
        """Length of a window -> the number of the window that is counted, and the weight spent in it."""

    async def spend(self, weight: int) -> None:
        """Return once so much weight may be used."""
        async with self._turn:
            while (wait := self._wait(weight)) > 0:
                # A manual clock may be moved at any moment, so its waits are looked at again and again.
                await asyncio.sleep(_MANUAL_STEP if self._context.time.is_manual else wait)

    def _wait(self, weight: int) -> float:
        """Take the weight and return 0, or return the seconds until there is room for it."""
        context = self._context
        # As for all limits, a window opens late by what the clock may be wrong.
        late = context.clock.error(context.time.monotonic()) + EDGE_MARGIN
        now = context.server_now() - late
        counts: dict[int, tuple[int, int]] = {}
        wait = 0.0
        for usage in context.ledger.usage(context.server_now()):
            if usage.bucket != Bucket.WEIGHT.value:
                continue
            seconds, number = usage.seconds, math.floor(now / usage.seconds)
            counted, spent = self._spent.get(seconds, (number, 0))
            if counted != number:
                spent = 0
            # However small the limit, one look-up at a time must be possible.
            if spent and spent + weight > usage.limit * SHARE:
                wait = max(wait, (number + 1) * seconds - now + 0.001)
            counts[seconds] = number, spent + weight
        if not wait:
            self._spent.update(counts)
        return wait
