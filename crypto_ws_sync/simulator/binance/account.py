"""account.*, and the history of one's own orders, lists and trades."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from ..matching import format_amount
from .commissions import commission_of_account
from .list_views import list_view
from .order_views import status_view, trade_view
from .paging import page_by_id, page_by_time, read_times
from .request import Request

__all__ = ["HANDLERS"]


def status(request: Request) -> dict[str, Any]:
    """Balances, commission rates and what the account may do."""
    venue, account_id = request.venue, request.account.account_id
    venue.settle(request.now_us)
    engine = venue.floor.engine
    account = engine.account(account_id)
    rates = account.rates
    omits_zero = request.args.get("omitZeroBalances", False)
    view = {
        "makerCommission": rates.maker // 10_000,
        "takerCommission": rates.taker // 10_000,
        "buyerCommission": rates.buyer // 10_000,
        "sellerCommission": rates.seller // 10_000,
        "canTrade": True,
        "canWithdraw": True,
        "canDeposit": True,
        "commissionRates": {
            "maker": format_amount(rates.maker),
            "taker": format_amount(rates.taker),
            "buyer": format_amount(rates.buyer),
            "seller": format_amount(rates.seller),
        },
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": request.time(account.updated_at),
        "accountType": "SPOT",
        "balances": [
            {"asset": held.asset, "free": format_amount(held.free), "locked": format_amount(held.locked)}
            for held in engine.balances(account_id)
            if held.free or held.locked or not omits_zero
        ],
        "permissions": sorted(account.permissions or ()),
        "uid": account_id,
    }
    if account.trade_group_id != -1:
        view["tradeGroupId"] = account.trade_group_id
    return view


def order_counts(request: Request) -> list[dict[str, str | int]]:
    """How many unfilled orders are counted against the account."""
    request.venue.settle(request.now_us)
    return [window.as_dict() for window in request.venue.order_windows(request.account.account_id)]


def commission(request: Request) -> dict[str, Any]:
    """What trades on a symbol cost the account."""
    venue, symbol = request.venue, request.args["symbol"]
    venue.floor.check_symbol(symbol)
    return commission_of_account(symbol, venue.floor.engine.account(request.account.account_id))


def all_orders(request: Request) -> list[dict[str, Any]]:
    """Orders of a symbol, open and closed; a time makes the id count for nothing."""
    args, venue = request.args, request.venue
    venue.floor.check_symbol(args["symbol"])
    start_us, end_us = read_times(args, is_limited=True)
    venue.settle(request.now_us)
    orders = venue.floor.engine.desk(request.account.account_id, args["symbol"]).orders
    limit = args.get("limit", 500)
    if start_us is None and end_us is None:
        page = page_by_id(orders, attrgetter("order_id"), args.get("orderId"), limit)
    else:
        page = page_by_time(orders, attrgetter("update_time", "order_id"), start_us, end_us, limit)
    return [status_view(order, request.divisor) for order in page]


def all_lists(request: Request) -> list[dict[str, Any]]:
    """Order lists, open and closed; a time makes the id count for nothing."""
    args, venue = request.args, request.venue
    start_us, end_us = read_times(args, is_limited=True)
    venue.settle(request.now_us)
    lists = venue.floor.engine.account(request.account.account_id).lists
    limit = args.get("limit", 500)
    if start_us is None and end_us is None:
        page = page_by_id(lists, attrgetter("order_list_id"), args.get("fromId"), limit)
    else:
        page = page_by_time(lists, attrgetter("transaction_time", "order_list_id"), start_us, end_us, limit)
    return [list_view(each, request.divisor) for each in page]


def my_trades(request: Request) -> list[dict[str, Any]]:
    """The account's own trades on a symbol."""
    args, venue = request.args, request.venue
    venue.floor.check_symbol(args["symbol"])
    start_us, end_us = read_times(args, is_limited=True)
    venue.settle(request.now_us)
    fills = venue.floor.engine.desk(request.account.account_id, args["symbol"]).fills
    limit = args.get("limit", 500)
    if "orderId" in args:
        fills = [fill for fill in fills if fill.order_id == args["orderId"]]
    if start_us is None and end_us is None:
        page = page_by_id(fills, attrgetter("trade_id"), args.get("fromId"), limit)
    else:
        page = page_by_time(fills, attrgetter("time", "trade_id"), start_us, end_us, limit)
    return [trade_view(fill, request.divisor) for fill in page]


def prevented_matches(request: Request) -> list[dict[str, Any]]:
    """Matches that self-trade prevention kept from happening."""
    args, venue = request.args, request.venue
    symbol = args["symbol"]
    if symbol not in venue.floor.listings:
        # The documents charge this mistake less than a look-up by order.
        request.venue.refund(request, to=2)
    venue.floor.check_symbol(symbol)
    venue.settle(request.now_us)
    found = venue.floor.engine.desk(request.account.account_id, symbol).prevented_matches
    if "preventedMatchId" in args:
        page = [each for each in found if each.prevented_match_id == args["preventedMatchId"]]
    else:
        order_id, first = args["orderId"], args.get("fromPreventedMatchId", 0)
        page = [
            each
            for each in found
            if order_id in (each.taker_order_id, each.maker_order_id) and each.prevented_match_id >= first
        ]
    views = []
    for each in page[: args.get("limit", 500)]:
        view = {
            "symbol": each.symbol,
            "preventedMatchId": each.prevented_match_id,
            "takerOrderId": each.taker_order_id,
            "makerSymbol": each.maker_symbol,
            "makerOrderId": each.maker_order_id,
            "tradeGroupId": each.trade_group_id,
            "selfTradePreventionMode": each.self_trade_prevention_mode,
            "price": format_amount(each.price),
        }
        if each.taker_prevented_quantity:
            view["takerPreventedQuantity"] = format_amount(each.taker_prevented_quantity)
        if each.maker_prevented_quantity:
            view["makerPreventedQuantity"] = format_amount(each.maker_prevented_quantity)
        view["transactTime"] = request.time(each.transact_time)
        views.append(view)
    return views


HANDLERS: dict[str, Callable[[Request], Any]] = {
    "account.status": status,
    "account.rateLimits.orders": order_counts,
    "account.commission": commission,
    "allOrders": all_orders,
    "allOrderLists": all_lists,
    "myTrades": my_trades,
    "myPreventedMatches": prevented_matches,
}
