"""One look at a session, running or not."""

from __future__ import annotations

import time

from crypto_ws_sync.engine.admission import Admission
from crypto_ws_sync.engine.context import Context
from crypto_ws_sync.engine.rotation import Rotation
from crypto_ws_sync.model.counters import Counters
from crypto_ws_sync.model.status import LimitUsage, SessionStatus, percentile
from crypto_ws_sync.protocol.lifecycle import State
from crypto_ws_sync.protocol.limits import Full
from crypto_ws_sync.protocol.method import Charge

__all__ = ["report", "report_not_running"]

_REQUEST = Charge(1)
_PLACEMENT = Charge(1, 1)


def report(
    context: Context,
    state: State,
    admission: Admission,
    rotation: Rotation,
    *,
    open_writes: int,
    is_operational: bool,
    handles_orders: bool,
) -> SessionStatus:
    """Return what a running session tells of itself."""
    counters, connection = context.counters, admission.connection
    # One right after the other: what passes between them would be taken for an offset of the clocks.
    wall, now = context.time.wall(), context.server_now()
    held, orders_held = (
        verdict if isinstance(verdict, Full) else None
        for verdict in (context.ledger.look(charge, now) for charge in (_REQUEST, _PLACEMENT))
    )
    monotonic = context.time.monotonic()
    is_known = context.clock.is_synchronised
    trips = sorted(context.round_trips)
    return SessionStatus(
        at=wall,
        state=state.value,
        endpoint=context.target.url.split("?")[0],
        operational=is_operational,
        order_handling=handles_orders,
        logged_on=connection is not None and connection.is_logged_on,
        degraded=str(context.auth_failure()) if context.auth_failure is not None else None,
        connection_age=time.monotonic() - connection.opened_at if connection is not None else None,
        in_flight=sum(len(each.pending) for each in rotation.connections()),
        waiting=len(admission.room),
        unresolved=open_writes,
        out_of_service=held.reason if held else None,
        retry_at=context.retry_at(held.until) if held else None,
        orders_out_of_service=orders_held.reason if orders_held else None,
        orders_retry_at=context.retry_at(orders_held.until) if orders_held else None,
        clock_offset=now - wall if is_known else None,
        clock_error=context.clock.error(monotonic) if is_known else None,
        round_trip_p50=percentile(trips, 0.5),
        round_trip_p99=percentile(trips, 0.99),
        limits=tuple(
            LimitUsage(
                usage.bucket, usage.seconds, usage.used, usage.limit, context.local_wall(usage.resets_at)
            )
            for usage in context.ledger.usage(now)
        ),
        reconnects=dict(counters.reconnects),
        requests=counters.by_method(),
        counters=counters.by_name(),
    )


def report_not_running(
    at: float, state: State, endpoint: str, counters: Counters, *, open_writes: int
) -> SessionStatus:
    """Return what a session tells of itself that was not started, or was stopped."""
    return SessionStatus(
        at=at,
        state=state.value,
        endpoint=endpoint,
        operational=False,
        order_handling=False,
        unresolved=open_writes,
        reconnects=dict(counters.reconnects),
        requests=counters.by_method(),
        counters=counters.by_name(),
    )
