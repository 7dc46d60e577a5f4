"""The execution rule PRICE_RANGE: how far from the reference price a taker may trade."""

from __future__ import annotations

from dataclasses import dataclass

from .amounts import UNIT
from .book import Level

OUT_OF_RANGE = "EXECUTION_RULE_PRICE_RANGE_EXCEEDED"


@dataclass(frozen=True, slots=True)
class PriceRange:
    """Multipliers of the reference price in units of 10**-8, by the side of the taker; `None` binds nothing."""

    bid_up: int | None = None
    bid_down: int | None = None
    ask_up: int | None = None
    ask_down: int | None = None

    def limits(self, is_buy: bool, reference: int | None) -> PriceLimits | None:
        """Return where a taker may trade while it takes; `None` if anywhere."""
        if not reference:
            return None
        up, down = (self.bid_up, self.bid_down) if is_buy else (self.ask_up, self.ask_down)
        if up is None and down is None:
            return None
        return PriceLimits(None if up is None else reference * up, None if down is None else reference * down)


@dataclass(frozen=True, slots=True)
class PriceLimits:
    """The bounds of one taker, in units of 10**-16, themselves allowed; `None` for no bound."""

    highest: int | None
    lowest: int | None

    def allow(self, level: Level) -> bool:
        """Whether a trade at this level is allowed."""
        price = level.price * UNIT
        return (self.highest is None or price <= self.highest) and (
            self.lowest is None or price >= self.lowest
        )
