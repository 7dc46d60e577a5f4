"""What a session tells of itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from crypto_ws_sync.model.html import html_facts

__all__ = ["Counters", "LimitUsage", "SessionStatus"]


class Counters:
    """Counts that only ever grow within a session.

    Owner: loop thread.
    """

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str]] = Counter()
        self.reconnects: Counter[str] = Counter()
        self.verdicts: Counter[str] = Counter()
        self.late = 0
        self.duplicate = 0
        self.unknown = 0
        self.ignored = 0
        self.lookups = 0
        self.clock_repairs = 0
        self.throttled = 0
        self.events = 0


@dataclass(frozen=True, slots=True)
class LimitUsage:
    """One rate limit: so many used of so many in each window of so many seconds; reset in epoch seconds."""

    bucket: str
    seconds: int
    used: int
    limit: int
    resets_at: float


@dataclass(frozen=True, slots=True)
class SessionStatus:
    """One look at a session.

    Attributes:
        state: "idle", "connecting", "ready", "reconnecting", "stopping" or "stopped".
        endpoint: Address, without its query.
        operational: Requests would be sent now.
        order_handling: Orders would be sent now.
        logged_on: The connection knows the key.
        degraded: Why signed requests are refused, else None.
        connection_age: Seconds since the connection opened; None without one.
        in_flight: Requests sent and not answered.
        waiting: Requests that wait to be sent.
        unresolved: Writes whose outcome is being looked up.
        out_of_service: What holds requests back, else None.
        retry_at: Epoch seconds at which service resumes, where it is held back.
        clock_offset: Seconds by which the exchange's clock is ahead of the local one; None before it was asked.
        clock_error: Seconds by which that may be wrong.
        limits: Usage of each rate limit.
        reconnects: Count by cause.
        requests: Count by "method outcome".
        counters: Further counts by name.
    """

    state: str
    endpoint: str
    operational: bool
    order_handling: bool
    logged_on: bool = False
    degraded: str | None = None
    connection_age: float | None = None
    in_flight: int = 0
    waiting: int = 0
    unresolved: int = 0
    out_of_service: str | None = None
    retry_at: float | None = None
    clock_offset: float | None = None
    clock_error: float | None = None
    limits: tuple[LimitUsage, ...] = ()
    reconnects: Mapping[str, int] = field(default_factory=dict)
    requests: Mapping[str, int] = field(default_factory=dict)
    counters: Mapping[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return plain numbers and text under stable keys, for a metrics system."""
        plain = asdict(self)
        plain["limits"] = {
            f"{u.bucket}_{u.seconds}s": {"used": u.used, "limit": u.limit} for u in self.limits
        }
        return plain

    def __str__(self) -> str:
        rows = [
            ("State", f"{self.state}, {self.endpoint}"),
            ("Operational status", str(self.operational)),
            ("Order handling", str(self.order_handling)),
            ("In flight / waiting / unresolved", f"{self.in_flight} / {self.waiting} / {self.unresolved}"),
        ]
        if self.connection_age is not None:
            rows.append(("Connection age", f"{self.connection_age:.1f} s"))
        if self.degraded:
            rows.append(("Degraded", self.degraded))
        if self.out_of_service:
            rows.append(("Out of service", f"{self.out_of_service}, until {self.retry_at}"))
        if self.clock_offset is not None:
            rows.append(
                ("Clock", f"{self.clock_offset:+.4f} s, give or take {self.clock_error or 0.0:.4f} s")
            )
        rows += [(f"{u.bucket} per {u.seconds} s", f"{u.used} of {u.limit}") for u in self.limits]
        rows += [(f"Reconnects, {cause}", str(count)) for cause, count in self.reconnects.items()]
        width = max(len(name) for name, _ in rows)
        return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)

    def _repr_html_(self) -> str:
        """Return the same lines as a table, for a notebook."""
        lines = [line.partition("  ") for line in str(self).splitlines()]
        return html_facts(((name, value.strip()) for name, _, value in lines), title="Session")
