"""What is asked of every client that is measured: the key, and the three operations."""

from __future__ import annotations

from typing import Any

__all__ = ["DEPTH", "KEY", "OPERATIONS", "ORDER", "SECRET"]

KEY = "k" * 64
SECRET = "s" * 64
ORDER: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "10",
    "price": "0.1",
}
DEPTH: dict[str, Any] = {"symbol": "BTCUSDT", "limit": 100}
OPERATIONS: dict[str, dict[str, Any] | None] = {"time": None, "order.place": ORDER, "depth": DEPTH}
"""Method -> parameters. The answer to `depth` has 6 KB."""
