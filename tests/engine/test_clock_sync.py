"""What the limits are told of the clock's error holds until the clock is asked again."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from toy_dialect import ToyDialect

from crypto_ws_sync.engine.clock_sync import ASK_AGAIN, take_sample
from crypto_ws_sync.protocol.server_clock import ServerClock


class Told:
    """Keeps what it is told of the clock, as the limits do."""

    error = 0.0

    def set_clock(self, monotonic: Callable[[], float], offset: float, error: float) -> None:
        """Learn how far the clock may be wrong."""
        self.error = error


def test_the_limits_are_told_the_error_that_the_clock_will_have() -> None:
    now = 50.0
    clock, told = ServerClock(1000.0, now), Told()

    def monotonic() -> float:
        return now

    context: Any = SimpleNamespace(
        time=SimpleNamespace(monotonic=monotonic, is_manual=False),
        clock=clock,
        dialect=ToyDialect("token"),
        ledger=told,
        clock_asked_at=0.0,
    )

    async def ask(request: object) -> float:
        nonlocal now
        now += 0.02
        return 1000.0

    taking = take_sample(context, ask)
    with pytest.raises(StopIteration):
        taking.send(None)
    for later in (0.0, ASK_AGAIN / 2, ASK_AGAIN):
        assert told.error >= clock.error(now + later)
    assert told.error < clock.error(now + 2 * ASK_AGAIN), "and no more than that"
