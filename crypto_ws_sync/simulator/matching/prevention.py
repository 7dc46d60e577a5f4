"""Self-trade prevention: what takes the place of a match between orders that belong together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import contingencies, funds, routing
from .amounts import quote_of
from .orders import LIMIT_TYPES, Order
from .records import PreventedMatch

if TYPE_CHECKING:
    from .action import Action

ENDS_TAKER = frozenset({"EXPIRE_TAKER", "EXPIRE_BOTH"})
ENDS_MAKER = frozenset({"EXPIRE_MAKER", "EXPIRE_BOTH"})
LOWERS_BOTH = frozenset({"DECREMENT", "TRANSFER"})


def belong_together(taker: Order, maker: Order) -> bool:
    """Whether two orders are of one account, or of accounts in one trade group (-1: in none)."""
    ours, theirs = taker.desk.account, maker.desk.account
    return ours is theirs or (ours.trade_group_id != -1 and ours.trade_group_id == theirs.trade_group_id)


def effective_mode(taker: Order, maker: Order) -> str:
    """The taker's mode; TRANSFER where both ask for it and their accounts differ, else DECREMENT."""
    mode = taker.stp_mode
    if mode == "TRANSFER" and (maker.stp_mode != "TRANSFER" or taker.desk.account is maker.desk.account):
        return "DECREMENT"
    return mode


def prevent(action: Action, taker: Order, maker: Order) -> None:
    """Do what the mode says in place of a match.

    A purchase can always pay for a transfer: what it was judged by at the start were these very prices, and
    no mode that transfers sends it on to worse ones.
    """
    mode = effective_mode(taker, maker)
    level = maker.level
    assert level is not None
    quantity = min(taker.open_quantity, maker.visible)
    if mode in LOWERS_BOTH:
        taken_from_taker = taken_from_maker = quantity
    else:
        taken_from_taker = taker.open_quantity if mode in ENDS_TAKER else 0
        taken_from_maker = maker.open_quantity if mode in ENDS_MAKER else 0
    match = _record(action, taker, maker, mode, quantity, (taken_from_taker, taken_from_maker))
    if mode in LOWERS_BOTH:
        # what is left of a leg is no longer what its sibling stands for: an execution would part them too
        contingencies.before_execution(action, maker)
        maker.desk.market.side(maker.is_buy).execute(maker, quantity)
        if mode == "TRANSFER":
            buyer, seller = (taker, maker) if taker.is_buy else (maker, taker)
            quote = quote_of(match.price, quantity)
            funds.settle_buyer(buyer, quantity, quote)
            funds.settle_seller(seller, quantity, quote)
            routing.exchange(action, taker, maker, quote)
        _lower(action, maker, match, quantity, taker)
        _lower(action, taker, match, quantity, maker)
        return
    if mode in ENDS_MAKER:
        _end(action, maker, match, taken_from_maker, taker)
    if mode in ENDS_TAKER:
        _end(action, taker, match, taken_from_taker, maker)


def _record(
    action: Action, taker: Order, maker: Order, mode: str, quantity: int, prevented: tuple[int, int]
) -> PreventedMatch:
    """Put the match that did not happen on record, once for each account."""
    market = taker.desk.market
    level = maker.level
    assert level is not None
    match = PreventedMatch(
        market.rules.symbol,
        market.prevented_match_id,
        taker.order_id,
        maker.order_id,
        taker.desk.account.trade_group_id,
        mode,
        level.price,
        quantity,
        *prevented,
        action.now,
        maker.desk.symbol,
    )
    market.prevented_match_id += 1
    for desk in dict.fromkeys((taker.desk, maker.desk)):
        if desk.is_observed:
            desk.prevented_matches.append(match)
    if action.outcome.orders and taker is action.outcome.orders[0]:
        action.outcome.prevented_matches.append(match)
    return match


def _end(action: Action, order: Order, match: PreventedMatch, prevented: int, counter: Order) -> None:
    """End an order with all that was open of it."""
    action.close(order, "EXPIRED_IN_MATCH")
    order.prevented += prevented
    _tell(action, order, match, prevented, counter)
    contingencies.after_end(action, order)


def _lower(action: Action, order: Order, match: PreventedMatch, prevented: int, counter: Order) -> None:
    """Take a quantity from what is open of an order, which ends if nothing is left."""
    order.prevented += prevented
    order.update_time = action.now
    if order.open_quantity:
        funds.lower(order, funds.need(order, order.desk.market.last_price))
        _tell(action, order, match, prevented, counter)
    else:
        action.close(order, "EXPIRED_IN_MATCH")
        _tell(action, order, match, prevented, counter)
        contingencies.after_end(action, order)


def _tell(action: Action, order: Order, match: PreventedMatch, prevented: int, counter: Order) -> None:
    order.prevented_match_id = match.prevented_match_id
    rests = order.type in LIMIT_TYPES and order.time_in_force == "GTC"
    action.report(
        order,
        "TRADE_PREVENTION",
        is_on_book=order.is_open and (order.level is not None or rests),
        prevented_match=match,
        last_prevented=prevented,
        counter=counter,
    )
