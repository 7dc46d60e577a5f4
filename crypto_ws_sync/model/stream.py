"""What a stream of events says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone

__all__ = ["StreamGap"]


@dataclass(frozen=True, slots=True)
class StreamGap:
    """The place in a stream of events where some may be missing.

    After one, ask for what you keep track of (open orders, balances) anew: the exchange does not repeat events.

    Attributes:
        since: Epoch seconds after which events may be missing.
        until: Epoch seconds from which they are complete again.
        missed: How many were dropped because the reader was too slow; None where that cannot be known, because
            the connection was lost.
    """

    since: float
    until: float
    missed: int | None = None

    def __str__(self) -> str:
        what = "events may be missing" if self.missed is None else f"{self.missed} events were dropped"
        seconds = self.until - self.since
        return f"{what} between {_clock(self.since)} and {_clock(self.until)} UTC ({seconds:.3f} s)"

    def _repr_html_(self) -> str:
        """Return the same words for a notebook; they are made of numbers alone, so nothing needs escaping."""
        return f"<b>Gap:</b> {self}"


def _clock(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
