"""executionRules, referencePrice.* and myFilters: what binds some symbols or accounts beyond exchangeInfo."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..matching import ArithmeticMean, ExternalPrice, PriceRange, format_amount
from .refusals import Refusal, bad_symbol
from .request import Request

__all__ = ["HANDLERS"]

_NO_REFERENCE_PRICE = -2043
_NO_REFERENCE_PRICE_MSG = "This symbol doesn't have a reference price."
_DECIMALS_CUT = 4
_MS = 1000


def execution_rules(request: Request) -> dict[str, Any]:
    """The price-range rules of the symbols asked for, or of all; symbols without rules are left out."""
    args, floor = request.args, request.venue.floor
    names = [args["symbol"]] if "symbol" in args else args.get("symbols", floor.listings)
    for name in names:
        if name not in floor.listings:
            raise bad_symbol()
    status = args.get("symbolStatus")
    rules = []
    for name in names:
        price_range = floor.engine.price_range(name)
        if price_range is not None and status in (None, floor.listings[name]["status"]):
            rules.append({"symbol": name, "rules": [_price_range_view(price_range)]})
    return {"symbolRules": rules}


def _price_range_view(price_range: PriceRange) -> dict[str, str]:
    """A rule as the exchange words it; a multiplier that is not set is left out."""
    multipliers = {
        "bidLimitMultUp": price_range.bid_up,
        "bidLimitMultDown": price_range.bid_down,
        "askLimitMultUp": price_range.ask_up,
        "askLimitMultDown": price_range.ask_down,
    }
    set_ones = {name: _multiplier(units) for name, units in multipliers.items() if units is not None}
    return {"ruleType": "PRICE_RANGE", **set_ones}


def _multiplier(units: int) -> str:
    """A multiplier with four decimals, or as many as it needs."""
    text = format_amount(units)
    return text[:-_DECIMALS_CUT] + text[-_DECIMALS_CUT:].rstrip("0")


def reference_price(request: Request) -> dict[str, Any]:
    """A symbol's reference price; that it never had one is worded as an error inside of a result."""
    venue, symbol = request.venue, request.args["symbol"]
    venue.floor.check_symbol(symbol)
    now_us = venue.advance(request.now_us)
    engine = venue.floor.engine
    if not engine.has_had_reference_price(symbol):
        return {"code": _NO_REFERENCE_PRICE, "msg": _NO_REFERENCE_PRICE_MSG}
    price = engine.reference_price(symbol, now_us)
    return {
        "symbol": symbol,
        "referencePrice": None if price is None else format_amount(price),
        "timestamp": request.time(now_us),
    }


def reference_price_calculation(request: Request) -> dict[str, Any]:
    """How a symbol's reference price is worked out."""
    venue, symbol = request.venue, request.args["symbol"]
    venue.floor.check_symbol(symbol, request.args.get("symbolStatus"))
    reference = venue.floor.engine.reference(symbol)
    if isinstance(reference, ArithmeticMean):
        return {
            "symbol": symbol,
            "calculationType": "ARITHMETIC_MEAN",
            "bucketCount": reference.bucket_count,
            "bucketWidthMs": reference.bucket_width_us // _MS,
        }
    if isinstance(reference, ExternalPrice):
        return {
            "symbol": symbol,
            "calculationType": "EXTERNAL",
            "externalCalculationId": reference.calculation_id,
        }
    raise Refusal(400, _NO_REFERENCE_PRICE, _NO_REFERENCE_PRICE_MSG)


def my_filters(request: Request) -> dict[str, Any]:
    """The filters that bind this account on a symbol beyond those of exchangeInfo, or in their place."""
    venue, symbol = request.venue, request.args["symbol"]
    venue.floor.check_symbol(symbol)
    listing = venue.floor.listings[symbol]
    own = venue.floor.engine.account(request.account.account_id).filters
    if own is None:
        return {"exchangeFilters": [], "symbolFilters": [], "assetFilters": []}
    assets = (listing["baseAsset"], listing["quoteAsset"])
    return {
        "exchangeFilters": list(own.exchange.values()),
        "symbolFilters": list(own.symbols.get(symbol, {}).values()),
        "assetFilters": [own.assets[asset] for asset in assets if asset in own.assets],
    }


HANDLERS: dict[str, Callable[[Request], Any]] = {
    "executionRules": execution_rules,
    "referencePrice": reference_price,
    "referencePrice.calculation": reference_price_calculation,
    "myFilters": my_filters,
}
