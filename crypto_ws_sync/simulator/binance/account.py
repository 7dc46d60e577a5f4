"""account.* and the history of one's own orders and trades."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..matching.amounts import format_amount
from .request import Request

__all__ = ["HANDLERS"]


def status(request: Request) -> dict[str, Any]:
    """Balances, commission rates and what the account may do."""
    venue, account_id = request.venue, request.account.account_id
    venue.advance(request.now_us)
    engine = venue.floor.engine
    account = engine.account(account_id)
    rates = account.rates
    omits_zero = request.args.get("omitZeroBalances", False)
    return {
        "makerCommission": rates.maker // 10_000,
        "takerCommission": rates.taker // 10_000,
        "buyerCommission": rates.buyer // 10_000,
        "sellerCommission": rates.seller // 10_000,
        "commissionRates": {
            "maker": format_amount(rates.maker),
            "taker": format_amount(rates.taker),
            "buyer": format_amount(rates.buyer),
            "seller": format_amount(rates.seller),
        },
        "canTrade": True,
        "canWithdraw": True,
        "canDeposit": True,
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
        "permissions": ["SPOT"],
        "uid": account_id,
    }


def order_counts(request: Request) -> list[dict[str, str | int]]:
    """How many unfilled orders are counted against the account."""
    return [window.as_dict() for window in request.venue.order_windows(request.account.account_id)]


HANDLERS: dict[str, Callable[[Request], Any]] = {
    "account.status": status,
    "account.rateLimits.orders": order_counts,
}
