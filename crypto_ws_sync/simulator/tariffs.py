"""Commission rates as a caller writes them, read into what the matching engine charges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation

from .matching import UNIT, CommissionRates, Tariff, parse_amount

__all__ = ["changed_tariff"]

_NAMES = frozenset({"maker", "taker", "buyer", "seller"})


def changed_tariff(
    tariff: Tariff,
    *,
    standard: Mapping[str, object] | None,
    special: Mapping[str, object] | None,
    tax: Mapping[str, object] | None,
    discount: object | None,
    takes_bnb: bool | None,
) -> Tariff:
    """A tariff with some of its parts replaced; None leaves a part as it is.

    Raises:
        ValueError: A rate of no known name, or one that is not a number from 0 to below 1.
    """
    if standard is not None:
        tariff = replace(tariff, standard=_rates(standard))
    if special is not None:
        tariff = replace(tariff, special=_rates(special))
    if tax is not None:
        tariff = replace(tariff, tax=_rates(tax))
    if discount is not None:
        tariff = replace(tariff, discount=_fraction(discount, "discount", UNIT))
    if takes_bnb is not None:
        tariff = replace(tariff, is_discount_enabled=takes_bnb)
    kinds = (tariff.standard, tariff.special, tariff.tax)
    for is_buyer in (True, False):
        for is_maker in (True, False):
            if sum(each.of(is_buyer=is_buyer, is_maker=is_maker) for each in kinds) >= UNIT:
                raise ValueError("these commissions add up to all that a trade brings in, or more")
    return tariff


def _rates(given: Mapping[str, object]) -> CommissionRates:
    """Rates by maker, taker, buyer and seller; what is not named is free."""
    unknown = set(given) - _NAMES
    if unknown:
        raise ValueError(f"no such commission rate: {sorted(unknown)}; there are {sorted(_NAMES)}")
    amounts = {name: _fraction(given.get(name, 0), name, UNIT - 1) for name in _NAMES}
    return CommissionRates(**amounts)


def _fraction(value: object, name: str, most: int) -> int:
    try:
        units = parse_amount(f"{Decimal(str(value)):f}")
    except (InvalidOperation, ValueError):
        raise ValueError(f"the rate {name} is no number with at most eight decimals: {value!r}") from None
    if not 0 <= units <= most:
        raise ValueError(f"the rate {name} is a part of what is received, from 0 to below 1: {value!r}")
    return units
