"""ping, time, exchangeInfo and what else concerns the whole exchange."""

from __future__ import annotations

from typing import Any

from .refusals import bad_symbol
from .request import Request

__all__ = ["HANDLERS"]

_LISTED = ("SPOT", "MARGIN", "LEVERAGED")
"""Permissions by which symbols are listed where neither symbols nor permissions are asked for."""


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
    permissions = args.get("permissions", () if "symbol" in args or "symbols" in args else _LISTED)
    if permissions:
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


HANDLERS = {
    "ping": ping,
    "time": server_time,
    "exchangeInfo": exchange_info,
}
