"""ping, time, exchangeInfo and what else concerns the whole exchange."""

from __future__ import annotations

from typing import Any

from .refusals import Refusal, bad_symbol
from .request import Request

__all__ = ["HANDLERS"]


def ping(request: Request) -> dict[str, Any]:
    """Nothing but the proof that the exchange answers."""
    return {}


def server_time(request: Request) -> dict[str, int]:
    """The exchange's clock."""
    return {"serverTime": request.now_us // request.divisor}


def exchange_info(request: Request) -> dict[str, Any]:
    """Rate limits, and the rules of the symbols asked for."""
    args, floor = request.args, request.venue.floor
    names = [args["symbol"]] if "symbol" in args else args.get("symbols") or list(floor.listings)
    entries = []
    for name in names:
        if name not in floor.listings:
            raise bad_symbol()
        entries.append(floor.listings[name])
    if permissions := args.get("permissions"):
        wanted = set(permissions)
        entries = [each for each in entries if all(wanted & set(group) for group in each["permissionSets"])]
    if status := args.get("symbolStatus"):
        entries = [each for each in entries if each["status"] == status]
    if args.get("showPermissionSets") is False:
        entries = [{**each, "permissionSets": []} for each in entries]
    told: dict[str, Any] = {
        "timezone": "UTC",
        "serverTime": request.time(request.now_us),
        "rateLimits": [each.as_dict() for each in request.venue.rate_limits],
        "exchangeFilters": floor.exchange_filters,
        "symbols": entries,
    }
    if floor.pools:
        told["sors"] = floor.pools
    return told


def execution_rules(request: Request) -> dict[str, Any]:
    """The price-range rules of symbols; no symbol here has any."""
    args, floor = request.args, request.venue.floor
    for name in [args["symbol"]] if "symbol" in args else args.get("symbols", ()):
        if name not in floor.listings:
            raise bad_symbol()
    return {"symbolRules": []}


def reference_price(request: Request) -> dict[str, Any]:
    """No symbol here has a reference price, which the exchange words as an error inside of a result."""
    request.venue.floor.check_symbol(request.args["symbol"])
    return {"code": -2043, "msg": "This symbol doesn't have a reference price."}


def reference_price_calculation(request: Request) -> dict[str, Any]:
    """No symbol here has a reference price."""
    request.venue.floor.check_symbol(request.args["symbol"], request.args.get("symbolStatus"))
    raise Refusal(400, -2043, "This symbol doesn't have a reference price.")


HANDLERS = {
    "ping": ping,
    "time": server_time,
    "exchangeInfo": exchange_info,
    "executionRules": execution_rules,
    "referencePrice": reference_price,
    "referencePrice.calculation": reference_price_calculation,
}
