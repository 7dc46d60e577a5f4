"""sor.order.*: orders that take from the best of several books, and myAllocations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from operator import attrgetter
from typing import Any

from .order_views import allocation_view
from .paging import page_by_time, read_times
from .request import Request
from .trading import check_order, new_order, place_order

__all__ = ["HANDLERS"]


def place(request: Request) -> list[dict[str, Any]]:
    """Place one routed order; the reply is a list of one."""
    request.venue.check_order_count(request.account.account_id, 1)
    return [place_order(request, replace(new_order(request, request.args), uses_sor=True))]


def check(request: Request) -> dict[str, Any]:
    """Check a routed order without placing it; its commissions are told without the special one."""
    told = check_order(request, replace(new_order(request, request.args), uses_sor=True))
    told.pop("specialCommissionForOrder", None)
    return told


def allocations(request: Request) -> list[dict[str, Any]]:
    """What routing brought to the account's orders on a symbol, from the oldest on unless an end is given."""
    args, venue = request.args, request.venue
    venue.floor.check_symbol(args["symbol"])
    start_us, end_us = read_times(args, is_limited=True)
    venue.settle(request.now_us)
    found = venue.floor.engine.desk(request.account.account_id, args["symbol"]).allocations
    if "orderId" in args:
        found = [each for each in found if each.order_id == args["orderId"]]
    limit, first = args.get("limit", 500), args.get("fromAllocationId", 0)
    if start_us is None and end_us is None:
        page = [each for each in found if each.allocation_id >= first][:limit]
    else:
        page = list(page_by_time(found, attrgetter("time", "allocation_id"), start_us, end_us, limit))
    return [allocation_view(each, request.divisor) for each in page]


HANDLERS: dict[str, Callable[[Request], Any]] = {
    "sor.order.place": place,
    "sor.order.test": check,
    "myAllocations": allocations,
}
