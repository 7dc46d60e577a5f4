"""Amounts as whole numbers of 10**-8, so that adding and comparing them is exact and fast."""

from __future__ import annotations

import re

DECIMALS = 8
UNIT = 100_000_000

_PLAIN = re.compile(r"-?[0-9]+(?:\.([0-9]*))?")


def parse_amount(text: str) -> int:
    """Return the units of 10**-8 in a plain decimal such as "0.00847000".

    Raises:
        ValueError: Not a plain decimal, or digits other than zero after the eighth decimal.
    """
    match = _PLAIN.fullmatch(text)
    if match is None:
        raise ValueError(f"not a plain decimal: {text!r}")
    whole, _, fraction = text.partition(".")
    if len(fraction) > DECIMALS:
        if fraction[DECIMALS:].strip("0"):
            raise ValueError(f"more than {DECIMALS} decimals: {text!r}")
        fraction = fraction[:DECIMALS]
    return int(whole + fraction.ljust(DECIMALS, "0"))


def format_amount(units: int) -> str:
    """Return units of 10**-8 as text with all eight decimals, the way the exchange prints amounts."""
    if units < 0:
        return f"-{-units // UNIT}.{-units % UNIT:08d}"
    return f"{units // UNIT}.{units % UNIT:08d}"


def quote_of(price: int, quantity: int) -> int:
    """Return what `quantity` costs at `price`, cut to whole units: what changes hands in a trade."""
    return price * quantity // UNIT


def quote_to_lock(price: int, quantity: int) -> int:
    """Return what must be set aside to pay for `quantity` at `price`, rounded up.

    Rounding up here and down in `quote_of` means that no way of splitting an order into fills costs more than
    was set aside for it.
    """
    return -(-price * quantity // UNIT)
