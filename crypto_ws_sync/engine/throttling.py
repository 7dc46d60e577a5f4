"""What a refusal for a limit means for everybody: hold back until the exchange says."""

from __future__ import annotations

import logging

from crypto_ws_sync.engine.context import Context

__all__ = ["hold_back"]

SHORTEST_HOLD = 0.5
"""Seconds for which a refusal holds back at least."""

log = logging.getLogger("crypto_ws_sync.engine")


def hold_back(context: Context, retry_at: float | None, *, orders_only: bool) -> float:
    """Hold back requests, or placements alone; return until when by the exchange's time.

    Args:
        context: What the engine's parts share.
        retry_at: What the refusal said; None: the end of the window that it must mean.
        orders_only: It concerns placements alone.
    """
    context.counters.throttled += 1
    now = context.server_now()
    reason = "too many orders" if orders_only else "too many requests"
    words = f"the exchange answered: {reason}"
    if retry_at is None:
        until = context.ledger.guess_ban(now, words, orders_only=orders_only)
    else:
        # A time that has passed is no leave to ask again at once, and again: that is how a 429 becomes a 418.
        until = min(max(retry_at, now + SHORTEST_HOLD), now + context.dialect.policy.longest_ban)
        context.ledger.ban(until, words, orders_only=orders_only)
    log.warning("%s: held back for %.1f s", reason, until - now, extra={"event": "throttled"})
    return until
