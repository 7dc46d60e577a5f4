"""Which function answers which method."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import (
    account,
    execution_rules,
    general,
    market_data,
    order_lists,
    replacing,
    sessions,
    sor,
    trading,
    user_data,
)
from .request import Request

__all__ = ["all_handlers"]


def all_handlers() -> dict[str, Callable[[Request], Any]]:
    """Every method's handler by the method's name."""
    handlers: dict[str, Callable[[Request], Any]] = {}
    groups = (
        general,
        execution_rules,
        market_data,
        sessions,
        trading,
        replacing,
        order_lists,
        sor,
        account,
        user_data,
    )
    for group in groups:
        handlers.update(group.HANDLERS)
    return handlers
