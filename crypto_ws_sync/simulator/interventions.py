"""What faults that strike at once do to the exchange, from any thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .binance.venue import Venue
from .link import Link

__all__ = ["Interventions"]


class Interventions:
    """Reaches into a running exchange on its own thread, and returns when it is done.

    Owner: shared; what it touches belongs to the exchange's loop thread, which does the work.
    """

    def __init__(
        self,
        venue: Venue,
        call: Callable[[Callable[[], Any]], Any],
        links: Callable[[], list[Link]],
    ) -> None:
        self._venue = venue
        self._call = call
        self._links = links

    def now(self) -> float:
        """The exchange's time in epoch seconds."""
        return self._venue.now_us() / 1_000_000

    def ban(self, address: str | None, seconds: float) -> None:
        """Shut an address out for a time, or every one seen so far."""
        self._call(lambda: self._venue.ban(address, seconds))

    def announce_shutdown(self) -> None:
        """Tell every connection that the server is going down."""
        self._call(self._venue.announce_shutdown)

    def skew_clock(self, seconds: float) -> None:
        """Set how far the exchange's clock is ahead."""
        self._call(lambda: self._venue.skew(seconds))

    def revoke(self, api_key: str) -> None:
        """Withdraw a key."""
        self._call(lambda: self._venue.revoke(api_key))

    def drop_all(self, code: int | None, reason: str) -> None:
        """End every connection: broken off, or closed properly with a code."""

        self._each(lambda link: link.abort() if code is None else link.close(code, reason))

    def say(self, message: str | bytes) -> None:
        """Send a frame to every connection."""
        self._each(lambda link: link.send_raw(message))

    def ping(self, payload: bytes) -> None:
        """Ping every connection."""
        self._each(lambda link: link.ping(payload))

    def stall_all(self) -> None:
        """Stop reading and writing on every connection."""
        self._each(lambda link: link.stall())

    def _each(self, work: Callable[[Link], None]) -> None:
        def do() -> None:
            for link in self._links():
                work(link)

        self._call(do)
