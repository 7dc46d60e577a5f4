"""The latest order of each symbol that this session has heard of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["LatestOrders"]

_SYMBOLS = 10_000
"""Symbols that are kept: more than any exchange lists."""


class LatestOrders:
    """Tells which orders are surely older than a request that has not been sent yet: numbers ascend by symbol.

    Owner: loop thread.
    """

    __slots__ = ("_latest",)

    def __init__(self) -> None:
        self._latest: dict[str, int] = {}

    def of(self, symbol: Any) -> int | None:
        """Return the number of the latest order of a symbol; None where none is known."""
        return self._latest.get(symbol) if type(symbol) is str else None

    def note_answer(self, result: Mapping[str, Any]) -> None:
        """Take in the orders that an answer tells of: one, the legs of a list, or the new one of a replacement."""
        number = result.get("orderId")
        if number is not None:
            symbol = result.get("symbol")
            known = self._latest.get(symbol) if type(symbol) is str else None
            if known is None or type(number) is not int:
                self.note(symbol, number)
            elif number > known:
                self._latest[str(symbol)] = number
        elif "newOrderResponse" in result:
            placed = result["newOrderResponse"]
            if type(placed) is dict:
                self.note(placed.get("symbol"), placed.get("orderId"))
        elif "orderListId" in result:
            legs = result.get("orders")
            for leg in legs if type(legs) is list else ():
                if type(leg) is dict:
                    self.note(leg.get("symbol"), leg.get("orderId"))

    def note(self, symbol: Any, number: Any) -> None:
        """Take one order in."""
        if type(symbol) is str and type(number) is int:
            known = self._latest.get(symbol)
            if known is None:
                if len(self._latest) < _SYMBOLS:
                    self._latest[symbol] = number
            elif number > known:
                self._latest[symbol] = number
