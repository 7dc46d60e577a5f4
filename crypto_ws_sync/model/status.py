"""What a session tells of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crypto_ws_sync.model.html import html_facts

__all__ = ["LimitUsage", "SessionStatus", "percentile"]


def percentile(sample: Sequence[float], share: float) -> float | None:
    """Return the value that this share of a sorted sample does not exceed; None of an empty one."""
    if not sample:
        return None
    return sample[min(len(sample) - 1, int(share * len(sample)))]


@dataclass(frozen=True, slots=True)
class LimitUsage:
    """One rate limit: so many used of so many in each window of so many seconds; reset in epoch seconds."""

    bucket: str
    seconds: int
    used: int
    limit: int
    resets_at: float

    @property
    def name(self) -> str:
        """Name it as `as_dict` does, such as "weight_60s"."""
        return f"{self.bucket}_{self.seconds}s"


@dataclass(frozen=True, slots=True)
class SessionStatus:
    """One look at a session; `print` it, or send `as_dict()` to a metrics system.

    Counters never fall within a session. Moments are epoch seconds by the local clock, spans are seconds.

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
        retry_at: When requests are served again, where they are held back.
        orders_out_of_service: What holds orders back, else None.
        orders_retry_at: When orders are served again, where they are held back.
        clock_offset: Seconds by which the exchange's clock is ahead of the local one; None before it was asked.
        clock_error: Seconds by which that may be wrong.
        round_trip_p50: Median seconds from sending to answer, of the latest thousand; None before the first.
        round_trip_p99: Seconds that 99 of 100 of them did not exceed.
        limits: Usage of each rate limit, requests in flight included.
        reconnects: Count by cause: a close code such as "1006", "silent", "age", "server shutdown", "key gone".
        requests: Count by "method outcome", such as "order.place ok".
        counters: Further counts: answers that came "late" (nobody waited any more), as a "duplicate", or to an
            "unknown" request; texts "ignored"; "lookups" of lost writes, and their ends "verdict_executed",
            "verdict_refused", "verdict_not_executed", "verdict_unknown" (no look-up exists); "clock_repairs" (a
            refused timestamp, sent again); "throttled" (429 and 418); "events".
        at: When this was seen.
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
    orders_out_of_service: str | None = None
    orders_retry_at: float | None = None
    clock_offset: float | None = None
    clock_error: float | None = None
    round_trip_p50: float | None = None
    round_trip_p99: float | None = None
    limits: tuple[LimitUsage, ...] = ()
    reconnects: Mapping[str, int] = field(default_factory=dict)
    requests: Mapping[str, int] = field(default_factory=dict)
    counters: Mapping[str, int] = field(default_factory=dict)
    at: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return plain numbers and text for a metrics system, the same keys every time.

        Text: "state", "endpoint", and "degraded", "out_of_service", "orders_out_of_service" (empty: nothing is
        wrong). 0 or 1: "operational", "order_handling", "logged_on", "connected", "clock_known". Gauges: "at",
        "connection_age", "in_flight", "waiting", "unresolved", "retry_at", "orders_retry_at", "clock_offset",
        "clock_error", "round_trip_p50", "round_trip_p99"; 0 where there is nothing to tell.

        Below them: "limits" by name such as "weight_60s", each with "used", "limit" and "resets_at"; and the
        counters, which only grow: "reconnects" by cause, "requests" by method and outcome with a blank between
        them, and "counters". Causes, methods and outcomes appear with their first count: make them labels.
        """
        return {
            "state": self.state,
            "endpoint": self.endpoint,
            "degraded": self.degraded or "",
            "out_of_service": self.out_of_service or "",
            "orders_out_of_service": self.orders_out_of_service or "",
            "operational": int(self.operational),
            "order_handling": int(self.order_handling),
            "logged_on": int(self.logged_on),
            "connected": int(self.connection_age is not None),
            "clock_known": int(self.clock_offset is not None),
            "at": self.at,
            "connection_age": self.connection_age or 0.0,
            "in_flight": self.in_flight,
            "waiting": self.waiting,
            "unresolved": self.unresolved,
            "retry_at": self.retry_at or 0.0,
            "orders_retry_at": self.orders_retry_at or 0.0,
            "clock_offset": self.clock_offset or 0.0,
            "clock_error": self.clock_error or 0.0,
            "round_trip_p50": self.round_trip_p50 or 0.0,
            "round_trip_p99": self.round_trip_p99 or 0.0,
            "limits": {
                usage.name: {"used": usage.used, "limit": usage.limit, "resets_at": usage.resets_at}
                for usage in self.limits
            },
            "reconnects": dict(self.reconnects),
            "requests": dict(self.requests),
            "counters": dict(self.counters),
        }

    def rows(self) -> list[tuple[str, str]]:
        """Return what there is to tell as pairs of a name and a text, the most important first."""
        rows = [
            ("State", f"{self.state}, {self.endpoint}"),
            ("Operational status", str(self.operational)),
            ("Order handling", str(self.order_handling)),
        ]
        for name, reason, until in (
            ("Degraded", self.degraded, None),
            ("Out of service", self.out_of_service, self.retry_at),
            ("Orders out of service", self.orders_out_of_service, self.orders_retry_at),
        ):
            if reason:
                rows.append((name, reason if until is None else f"{reason}; ends in {self._left(until)}"))
        if self.connection_age is not None:
            logged_on = ", logged on" if self.logged_on else ""
            rows.append(("Connection age", f"{self.connection_age:.1f} s{logged_on}"))
        rows.append(
            ("In flight / waiting / unresolved", f"{self.in_flight} / {self.waiting} / {self.unresolved}")
        )
        if self.round_trip_p50 is not None and self.round_trip_p99 is not None:
            p50, p99 = self.round_trip_p50 * 1000, self.round_trip_p99 * 1000
            rows.append(("Round trip, median / 99 %", f"{p50:.1f} / {p99:.1f} ms"))
        if self.clock_offset is not None:
            error = self.clock_error or 0.0
            rows.append(("Clock", f"{self.clock_offset:+.4f} s, give or take {error:.4f} s"))
        for usage in self.limits:
            used = f"{usage.used} of {usage.limit}; resets in {self._left(usage.resets_at)}"
            rows.append((f"{usage.bucket} per {usage.seconds} s", used))
        rows += [(f"Reconnects, {cause}", str(count)) for cause, count in self.reconnects.items()]
        by_method: dict[str, list[str]] = {}
        for name, count in self.requests.items():
            method, _, outcome = name.partition(" ")
            by_method.setdefault(method, []).append(f"{count} {outcome}")
        rows += [(method, ", ".join(outcomes)) for method, outcomes in by_method.items()]
        counted = [f"{count} {name.replace('_', ' ')}" for name, count in self.counters.items() if count]
        if counted:
            rows.append(("Counted", ", ".join(counted)))
        return rows

    def _left(self, moment: float) -> str:
        """Say how long it is to a moment; one may have passed that a clock's error has yet to confirm."""
        return f"{max(0.0, moment - self.at):.1f} s"

    def __str__(self) -> str:
        rows = self.rows()
        width = max(len(name) for name, _ in rows)
        return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)

    def _repr_html_(self) -> str:
        """Return the same rows as a table, for a notebook."""
        return html_facts(self.rows(), title="Session")
