"""What trades cost an account, as the exchange tells it."""

from __future__ import annotations

from typing import Any

from ..matching import CommissionRates, format_amount

__all__ = ["commission_of_account", "commission_of_order"]

_NOTHING = "0.00000000"


def commission_of_account(symbol: str, rates: CommissionRates) -> dict[str, Any]:
    """The answer of account.commission."""
    return {
        "symbol": symbol,
        "standardCommission": {
            "maker": format_amount(rates.maker),
            "taker": format_amount(rates.taker),
            "buyer": format_amount(rates.buyer),
            "seller": format_amount(rates.seller),
        },
        "specialCommission": _nothing("maker", "taker", "buyer", "seller"),
        "taxCommission": _nothing("maker", "taker", "buyer", "seller"),
        "discount": _discount(),
    }


def commission_of_order(rates: CommissionRates) -> dict[str, Any]:
    """What an order test tells on request."""
    return {
        "standardCommissionForOrder": {
            "maker": format_amount(rates.maker),
            "taker": format_amount(rates.taker),
        },
        "specialCommissionForOrder": _nothing("maker", "taker"),
        "taxCommissionForOrder": _nothing("maker", "taker"),
        "discount": _discount(),
    }


def _nothing(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, _NOTHING)


def _discount() -> dict[str, Any]:
    """The discount for paying in BNB, which no account here has."""
    return {
        "enabledForAccount": False,
        "enabledForSymbol": False,
        "discountAsset": "BNB",
        "discount": "0.75000000",
    }
