"""What trades cost an account, as the exchange tells it."""

from __future__ import annotations

from typing import Any

from ..matching import DISCOUNT_ASSET, Account, CommissionRates, Tariff, format_amount

__all__ = ["commission_of_account", "commission_of_order"]


def commission_of_account(symbol: str, account: Account) -> dict[str, Any]:
    """The answer of account.commission."""
    tariff = account.tariff_of(symbol)
    return {
        "symbol": symbol,
        "standardCommission": _rates(tariff.standard),
        "specialCommission": _rates(tariff.special),
        "taxCommission": _rates(tariff.tax),
        "discount": _discount(tariff, account),
    }


def commission_of_order(symbol: str, side: str, account: Account) -> dict[str, Any]:
    """What an order test tells on request: the rates of the order's side are counted in already."""
    tariff = account.tariff_of(symbol)
    is_buyer = side == "BUY"
    return {
        "standardCommissionForOrder": _rates_of_order(tariff.standard, is_buyer),
        "specialCommissionForOrder": _rates_of_order(tariff.special, is_buyer),
        "taxCommissionForOrder": _rates_of_order(tariff.tax, is_buyer),
        "discount": _discount(tariff, account),
    }


def _rates(rates: CommissionRates) -> dict[str, str]:
    return {
        "maker": format_amount(rates.maker),
        "taker": format_amount(rates.taker),
        "buyer": format_amount(rates.buyer),
        "seller": format_amount(rates.seller),
    }


def _rates_of_order(rates: CommissionRates, is_buyer: bool) -> dict[str, str]:
    return {
        "maker": format_amount(rates.of(is_buyer=is_buyer, is_maker=True)),
        "taker": format_amount(rates.of(is_buyer=is_buyer, is_maker=False)),
    }


def _discount(tariff: Tariff, account: Account) -> dict[str, Any]:
    """What is left of the standard commission where it is paid in BNB, and whether it is."""
    return {
        "enabledForAccount": account.pays_in_bnb,
        "enabledForSymbol": tariff.is_discount_enabled,
        "discountAsset": DISCOUNT_ASSET,
        "discount": format_amount(tariff.discount),
    }
