"""orderList.* : pairs and chains of orders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .request import Request

__all__ = ["HANDLERS"]

HANDLERS: dict[str, Callable[[Request], Any]] = {}
