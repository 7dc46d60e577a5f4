"""What a trade costs an account: standard, special and tax rates, and the discount for paying in BNB."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from .amounts import UNIT

if TYPE_CHECKING:
    from .market import Market

DISCOUNT_ASSET = "BNB"


@dataclass(frozen=True, slots=True)
class CommissionRates:
    """Parts of the received amount, in units of 10**-8: maker or taker, plus buyer or seller."""

    maker: int = 100_000
    taker: int = 100_000
    buyer: int = 0
    seller: int = 0

    def of(self, *, is_buyer: bool, is_maker: bool) -> int:
        """Return the rate of one side in one role."""
        return (self.maker if is_maker else self.taker) + (self.buyer if is_buyer else self.seller)


NO_COMMISSION = CommissionRates(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Tariff:
    """What an account pays on a symbol: three kinds of rates, each worked out apart and then summed.

    `discount` is what is left of the standard commission, in units of 10**-8, where it is paid in BNB; the
    others are never discounted. (The documents multiply by it in their worked example, though the text
    says "reduced by".) Without `is_discount_enabled` the symbol does not take BNB.
    """

    standard: CommissionRates = CommissionRates()
    special: CommissionRates = NO_COMMISSION
    tax: CommissionRates = NO_COMMISSION
    discount: int = 75_000_000
    is_discount_enabled: bool = True


class Rates(NamedTuple):
    """The three rates of one side in one role."""

    standard: int
    special: int
    tax: int

    def of(self, received: int) -> int:
        """Return the whole commission on a received amount, each part cut to whole units."""
        return (
            received * self.standard // UNIT + received * self.special // UNIT + received * self.tax // UNIT
        )

    def discounted(self, received: int, discount: int, ratio: tuple[int, int]) -> int:
        """Return the commission in BNB, with `ratio` BNB for one unit of what was received, cut once."""
        units, of_units = ratio
        rate = self.standard * discount + (self.special + self.tax) * UNIT
        return received * rate * units // (UNIT * UNIT * of_units)


class ExchangeRates:
    """What one asset is worth in another by the last prices, straight or by way of one other asset.

    Owner: the engine's thread.
    """

    def __init__(self, markets: Mapping[str, Market]) -> None:
        self._markets = markets

    def ratio(self, asset: str, target: str) -> tuple[int, int] | None:
        """Return how many units of `target` so many units of `asset` are worth; None where no price tells."""
        if asset == target:
            return 1, 1
        steps = list(self._steps(asset).items())
        for way, ratio in steps:
            if way == target:
                return ratio
        for way, (units, of_units) in steps:
            last = self._steps(way).get(target)
            if last is not None:
                return units * last[0], of_units * last[1]
        return None

    def _steps(self, asset: str) -> dict[str, tuple[int, int]]:
        """Return the assets that this one trades against, with its worth in each."""
        steps: dict[str, tuple[int, int]] = {}
        for market in self._markets.values():
            price, rules = market.last_price, market.rules
            if not price:
                continue
            if rules.base_asset == asset:
                steps.setdefault(rules.quote_asset, (price, UNIT))
            elif rules.quote_asset == asset:
                steps.setdefault(rules.base_asset, (UNIT, price))
        return steps
