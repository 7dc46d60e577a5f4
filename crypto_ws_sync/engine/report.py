"""One look at a running session."""

from __future__ import annotations

import time

from crypto_ws_sync.engine.admission import Admission
from crypto_ws_sync.engine.context import Context
from crypto_ws_sync.engine.rotation import Rotation
from crypto_ws_sync.model.status import LimitUsage, SessionStatus
from crypto_ws_sync.protocol.lifecycle import State
from crypto_ws_sync.protocol.limits import Full
from crypto_ws_sync.protocol.method import Charge

__all__ = ["report"]


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
    """Return what a session tells of itself."""
    counters, connection, now = context.counters, admission.connection, context.server_now()
    verdict = context.ledger.look(Charge(1), now)
    held = verdict if isinstance(verdict, Full) else None
    monotonic = context.time.monotonic()
    is_known = context.clock.is_synchronised
    return SessionStatus(
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
        retry_at=context.local_wall(held.until) if held else None,
        clock_offset=now - context.time.wall() if is_known else None,
        clock_error=context.clock.error(monotonic) if is_known else None,
        limits=tuple(
            LimitUsage(
                usage.bucket, usage.seconds, usage.used, usage.limit, context.local_wall(usage.resets_at)
            )
            for usage in context.ledger.usage(now)
        ),
        reconnects=dict(counters.reconnects),
        requests={f"{method} {outcome}": count for (method, outcome), count in counters.requests.items()},
        counters={
            "late": counters.late,
            "duplicate": counters.duplicate,
            "unknown": counters.unknown,
            "ignored": counters.ignored,
            "lookups": counters.lookups,
            "clock_repairs": counters.clock_repairs,
            "throttled": counters.throttled,
            "events": counters.events,
            **{f"verdict_{name.replace(' ', '_')}": count for name, count in counters.verdicts.items()},
        },
    )
