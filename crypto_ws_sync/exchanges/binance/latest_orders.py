"""The latest order of each symbol that this session has heard of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["LatestOrders"]

_SYMBOLS = 10_000
"""Symbols that are kept: more than any exchange lists."""


class LatestOrders:
    """Tells which orders are surely older than a request that has not been sent yet: numbers ascend by symbol.

    Attributes:
        numbers: Symbol -> number of the latest order that is known.

    Owner: loop thread.
    """

    __slots__ = ("numbers",)

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def note_answer(self, result: Mapping[str, Any]) -> None:
        """Take in the orders that an answer tells of: one, the legs of a list, or the new one of a replacement."""
        if "orderId" in result:
            # An order's own answer, which comes by the thousand, takes no further call.
            symbol, number = result.get("symbol"), result["orderId"]
            if type(symbol) is str and type(number) is int and number > self.numbers.get(symbol, number):
                self.numbers[symbol] = number
            elif type(symbol) is str and symbol not in self.numbers:
                self.note(symbol, number)
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
            known = self.numbers.get(symbol)
            if known is None:
                if len(self.numbers) < _SYMBOLS:
                    self.numbers[symbol] = number
            elif number > known:
                self.numbers[symbol] = number
