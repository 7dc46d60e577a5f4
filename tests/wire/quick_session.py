"""Sessions whose lines are looked after in tenths of a second rather than in tens."""

from __future__ import annotations

from crypto_ws_sync import UserWSSession
from crypto_ws_sync.exchanges.binance.dialect import BinanceDialect
from crypto_ws_sync.protocol.dialect import LinePolicy

__all__ = ["quick_session"]


def quick_session(policy: LinePolicy) -> type[UserWSSession]:
    """Return a kind of session that keeps its connections by a policy."""
    kept = policy

    class QuickDialect(BinanceDialect):
        policy = kept

    class QuickSession(UserWSSession):
        _dialect_kind = QuickDialect

    return QuickSession
