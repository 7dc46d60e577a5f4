"""Filters of one account alone: limits of its own in place of the general ones, and MAX_ASSET."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from .amounts import UNIT, format_amount, parse_amount
from .rejections import filter_failure
from .symbols import ExchangeFilters, SymbolFilters, SymbolRules

if TYPE_CHECKING:
    from .market import Market
    from .orders import NewOrder, Order

_OWN_KINDS = frozenset(
    {"MAX_NUM_ORDERS", "MAX_NUM_ALGO_ORDERS", "MAX_NUM_ICEBERG_ORDERS", "MAX_NUM_ORDER_LISTS", "MAX_POSITION"}
)
_MARKET_ORDER_MINUTES = 5


class AccountFilters:
    """What binds one account: entries as the exchange words them, and what they come to.

    An account's own limit on orders, lists or a position holds in place of the general one of its kind.

    Owner: the engine's thread.
    """

    def __init__(self) -> None:
        self.exchange: dict[str, Mapping[str, Any]] = {}
        self.symbols: dict[str, dict[str, Mapping[str, Any]]] = {}
        self.assets: dict[str, Mapping[str, Any]] = {}
        self._limits: dict[str, int] = {}
        self._on_exchange: dict[str, int] = {}
        self._on_symbol: dict[str, dict[str, int]] = {}

    def set(self, entry: Mapping[str, Any], symbol: str | None = None) -> None:
        """Take in one filter, in place of an earlier one of its kind; `symbol` for those of a symbol.

        Raises:
            ValueError: No filter that an account can have of its own.
        """
        kind = entry["filterType"]
        if kind == "MAX_ASSET":
            limit = self._limits[entry["asset"]] = parse_amount(str(entry["limit"]))
            self.assets[entry["asset"]] = {**entry, "limit": format_amount(limit)}
        elif kind.startswith("EXCHANGE_"):
            self._on_exchange |= _set_fields(ExchangeFilters.from_json([entry]))
            self.exchange[kind] = dict(entry)
        elif kind in _OWN_KINDS and symbol is not None:
            self._on_symbol.setdefault(symbol, {}).update(_set_fields(SymbolFilters.from_json([entry])))
            self.symbols.setdefault(symbol, {})[kind] = dict(entry)
        else:
            raise ValueError(f"no filter of an account: {kind} on {symbol}")

    def on_exchange(self, general: ExchangeFilters) -> ExchangeFilters:
        """Return the limits over all symbols, the account's own in place of the general ones."""
        return replace(general, **self._on_exchange) if self._on_exchange else general

    def on_symbol(self, rules: SymbolRules) -> SymbolFilters:
        """Return a symbol's filters, the account's own in place of the general ones."""
        own = self._on_symbol.get(rules.symbol)
        # of the limits that an account can have of its own each is a whole number
        return replace(rules.filters, **own) if own else rules.filters  # type: ignore[arg-type]

    def check_assets(self, market: Market, order: NewOrder | Order, now: int) -> None:
        """Raise unless the order moves as little of each asset as the account may move in one order."""
        rules, limits = market.rules, self._limits
        self.check_quantity(rules, order.quantity)
        limit = limits.get(rules.quote_asset)
        if limit is None:
            return
        if order.quote_order_quantity:
            notional = order.quote_order_quantity * UNIT
        else:
            price = order.price or market.price_for_filters(_MARKET_ORDER_MINUTES, now)
            notional = price * order.quantity
        if notional > limit * UNIT:
            raise filter_failure("MAX_ASSET")

    def check_quantity(self, rules: SymbolRules, quantity: int) -> None:
        """Raise unless a quantity is as little of the base asset as the account may move in one order."""
        limit = self._limits.get(rules.base_asset)
        if limit is not None and quantity > limit:
            raise filter_failure("MAX_ASSET")


def _set_fields(values: ExchangeFilters | SymbolFilters) -> dict[str, int]:
    """Return what a set of filters made of one entry has in it."""
    return {
        field.name: value for field in fields(values) if (value := getattr(values, field.name)) is not None
    }
