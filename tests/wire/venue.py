"""A simulated exchange, a session, and the one clock of both."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any

from writes import Desk

from crypto_ws_sync import UserWSSession
from crypto_ws_sync.simulator import ManualClock, SeenRequest, SimulatedExchange

__all__ = ["OpenVenue", "Venue"]

_tags = itertools.count(1)


class Venue:
    """A simulated exchange, a session, and the one clock of both."""

    def __init__(self, exchange: SimulatedExchange, session: UserWSSession, clock: ManualClock) -> None:
        self.exchange = exchange
        self.session = session
        self.clock = clock

    def desk(self) -> Desk:
        """Return where writes are prepared."""
        return Desk(self.session, f"t{next(_tags)}n")

    def settle(self, *futures: Future[Any], step: float = 0.25) -> float:
        """Move the clock until all futures are done; return by how much."""
        moved = 0.0
        while wait(futures, 0.004).not_done:
            self.clock.advance(step)
            moved += step
        return moved

    def seen(self, *methods: str) -> list[SeenRequest]:
        """Return the requests of some methods that reached the exchange."""
        return [seen for seen in self.exchange.requests() if seen.method in methods]


OpenVenue = Callable[..., Venue]
"""Makes a venue; the arguments are those of `SimulatedExchange`, and `session` those of the session."""
