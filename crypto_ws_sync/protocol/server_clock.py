"""The exchange's clock as seen from here: offset, error, and the timestamp to sign with.

Everything is measured against a monotonic clock, so that a step of the local wall clock changes nothing.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["ClockSample", "ServerClock"]

DRIFT = 50e-6
"""Seconds per second by which a sample's truth may wander."""

GRAIN = 1e-3
"""Seconds that an answer leaves out at most, as it tells whole milliseconds."""

UNKNOWN_ERROR = 1.0
"""Seconds by which the local clock is taken to be wrong before the exchange was asked."""


class ClockSample(NamedTuple):
    """One question for the time: monotonic seconds when sent and received, and the answer in epoch seconds."""

    sent: float
    received: float
    server_time: float

    @property
    def offset(self) -> float:
        """Server time minus monotonic time: the middle of what it may be."""
        return self.server_time + GRAIN / 2 - (self.sent + self.received) / 2

    def error(self, now: float) -> float:
        """Seconds by which the offset may be wrong at monotonic time `now`."""
        middle = (self.sent + self.received) / 2
        return (self.received - self.sent + GRAIN) / 2 + max(0.0, now - middle) * DRIFT


class ServerClock:
    """Server time from monotonic time, by the best sample there is.

    Attributes:
        offset: Server time minus monotonic time, in seconds.

    Owner: loop thread.
    """

    __slots__ = ("_at", "_best", "_error", "offset")

    def __init__(self, wall: float, monotonic: float) -> None:
        self._best: ClockSample | None = None
        self.offset = wall - monotonic
        self._error = UNKNOWN_ERROR
        self._at = float("inf")

    @property
    def is_synchronised(self) -> bool:
        """Tell whether the exchange has been asked."""
        return self._best is not None

    def forget(self) -> None:
        """Drop the samples: after a refused timestamp the old best one would win over the truth."""
        self._best = None
        self._error = UNKNOWN_ERROR
        self._at = float("inf")

    def add(self, sample: ClockSample) -> None:
        """Take a sample in; the one with the smallest error now is kept.

        Two samples that cannot both be right mean that a clock has jumped (or that this machine was suspended, in
        which the monotonic clock stands still); then the new one counts, however rough it is.
        """
        best = self._best
        if best is not None:
            new_error, old_error = sample.error(sample.received), best.error(sample.received)
            if new_error > old_error and abs(sample.offset - best.offset) <= new_error + old_error:
                return
        self._best = sample
        self.offset = sample.offset
        self._error = sample.error(sample.received)
        self._at = sample.received

    def error(self, now: float) -> float:
        """Seconds by which `server_time(now)` may be wrong; a second where nothing was measured."""
        return self._error + max(0.0, now - self._at) * DRIFT

    def server_time(self, now: float) -> float:
        """Return the exchange's time in epoch seconds at monotonic time `now`."""
        return self.offset + now

    def timestamp(self, now: float) -> float:
        """Return epoch seconds to sign with: as late as is certainly not ahead of the exchange."""
        if self._best is None:
            return self.offset + now
        return self.offset + now - self._error - max(0.0, now - self._at) * DRIFT
