"""What a soak run looks at, and whether it grows."""

from __future__ import annotations

import asyncio
import gc
import os
import statistics
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crypto_ws_sync import UserWSSession

__all__ = ["GAUGES", "Gauge", "Trend", "judge", "read_process", "read_session"]


@dataclass(frozen=True)
class Gauge:
    """One thing that must stay flat.

    Attributes:
        name: Of the column.
        what: What it counts.
        slack: By how much the median of the last third may exceed that of the first.
        share: The same as a part of the first one's; the larger of both counts.
    """

    name: str
    what: str
    slack: float
    share: float = 0.0


GAUGES = (
    Gauge("memory", "resident memory, MB", 2.0, 0.03),
    Gauge("blocks", "memory blocks that Python has given out, thousands", 5.0, 0.02),
    Gauge("files", "open file descriptors", 2.0),
    Gauge("threads", "threads", 2.0),
    Gauge("tasks", "tasks on the session's loop", 4.0),
    Gauge("pending", "requests sent and not answered, abandoned ones included", 12.0),
    Gauge("waiting", "requests that wait to be sent", 12.0),
    Gauge("open", "writes whose outcome is open", 8.0),
    Gauge("named", "placements whose names are looked at before another takes them", 20.0),
    Gauge("kept", "verdicts kept for callers that may still ask", 30.0, 0.02),
    Gauge("lines", "connections, draining ones included", 1.0),
    Gauge("reserved", "weight and orders reserved for what is in flight", 40.0),
    Gauge(
        "clock", "milliseconds by which the exchange's clock is misjudged beyond the error that is told", 2.0
    ),
)
"""Requests in flight at one moment or another differ by a few, so their tables have a slack of that size."""


@dataclass(frozen=True)
class Trend:
    """How one gauge went."""

    gauge: Gauge
    first: float
    last: float
    least: float
    most: float
    allowed: float

    @property
    def is_flat(self) -> bool:
        """Whether it has not grown."""
        return self.last - self.first <= self.allowed


def judge(samples: Sequence[Mapping[str, float]], slack: float = 1.0) -> list[Trend]:
    """Return how each gauge went, by the medians of the first and the last third of the samples.

    Args:
        samples: At least three, oldest first.
        slack: Times as much slack, for a run too short to settle.
    """
    third = max(1, len(samples) // 3)
    found = []
    for gauge in GAUGES:
        values = [sample[gauge.name] for sample in samples]
        first, last = statistics.median(values[:third]), statistics.median(values[-third:])
        allowed = slack * max(gauge.slack, gauge.share * abs(first))
        found.append(Trend(gauge, first, last, min(values), max(values), allowed))
    return found


def read_process() -> dict[str, float]:
    """Look at this process; garbage is collected first, so that only what is held counts."""
    gc.collect()
    folder = next(path for path in (Path("/proc/self/fd"), Path("/dev/fd")) if path.is_dir())
    return {
        "memory": _resident() / 2**20,
        "blocks": sys.getallocatedblocks() / 1000,
        "files": len(os.listdir(folder)),
        "threads": threading.active_count(),
    }


def _resident() -> int:
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    import resource

    # Where the system tells only the most that it ever was, a fall is not seen, but a rise is.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def read_session(session: UserWSSession, skew: float | None) -> dict[str, float]:
    """Look at a running session's tables, on its own thread.

    Args:
        session: The session.
        skew: Seconds by which the exchange's clock is ahead of this machine's; None: it has just changed.
    """
    run = session._run
    assert run is not None
    engine = run.engine
    assert engine is not None
    found: dict[str, float] = run.ask(lambda: _look(engine), 30.0)
    status = session.status()
    offset, error = status.clock_offset, status.clock_error
    if skew is not None and offset is not None and error is not None:
        found["clock"] = max(0.0, abs(offset - skew) - error) * 1000
    return found


async def _look(engine: Any) -> dict[str, float]:
    connections = list(engine._rotation.connections())
    ledgers = engine._context.ledger
    return {
        "tasks": len(asyncio.all_tasks()) - 1,
        "pending": sum(len(connection.pending) for connection in connections),
        "waiting": len(engine._admission.room) + len(engine._admission.composing),
        "open": len(engine._book),
        "named": len(engine._placements),
        "kept": engine._book.kept,
        "lines": len(connections),
        "reserved": ledgers._address.ledger._weight_in_flight + ledgers._account.ledger._orders_in_flight,
    }
