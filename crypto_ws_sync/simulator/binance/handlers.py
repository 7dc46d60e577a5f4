"""Which function answers which method."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import account, general, market_data, order_lists, replacing, sessions, trading, user_data
from .request import Request

__all__ = ["all_handlers"]


def all_handlers() -> dict[str, Callable[[Request], Any]]:
    """Every method's handler by the method's name."""
    handlers: dict[str, Callable[[Request], Any]] = {}
    for group in (general, market_data, sessions, trading, replacing, order_lists, account, user_data):
        handlers.update(group.HANDLERS)
    return handlers
