"""User-data events as the exchange sends them."""

from __future__ import annotations

from typing import Any

from ..matching.amounts import format_amount
from ..matching.records import AccountPosition, Event, Execution, Fill, ListStatus, PreventedMatch

__all__ = ["balance_update", "event_body", "external_lock_update"]

_ZERO = "0.00000000"


def event_body(event: Event, now_us: int, divisor: int) -> dict[str, Any]:
    """One event of the matching engine as the exchange words it."""
    if isinstance(event, Execution):
        return _execution_report(event, now_us, divisor)
    if isinstance(event, ListStatus):
        return _list_status(event, now_us, divisor)
    return _account_position(event, now_us, divisor)


def balance_update(asset: str, change: int, time_us: int, now_us: int, divisor: int) -> dict[str, Any]:
    """A deposit, or with a negative change a withdrawal."""
    return {
        "e": "balanceUpdate",
        "E": now_us // divisor,
        "a": asset,
        "d": format_amount(change),
        "T": time_us // divisor,
    }


def external_lock_update(asset: str, change: int, time_us: int, now_us: int, divisor: int) -> dict[str, Any]:
    """A lock by an external system, or with a negative change the end of one."""
    return {**balance_update(asset, change, time_us, now_us, divisor), "e": "externalLockUpdate"}


def _execution_report(event: Execution, now_us: int, divisor: int) -> dict[str, Any]:
    order, fill, match = event.order, event.fill, event.prevented_match
    body: dict[str, Any] = {
        "e": "executionReport",
        "E": now_us // divisor,
        "s": order.symbol,
        "c": event.client_order_id,
        "S": order.side,
        "o": order.type,
        "f": order.time_in_force,
        "q": format_amount(event.quantity),
        "p": format_amount(order.sent_price),
        "P": format_amount(order.stop_price),
        "F": format_amount(order.iceberg_quantity),
        "g": order.order_list_id,
        "C": event.orig_client_order_id,
        "x": event.execution_type,
        "X": event.status,
        "r": event.reject_reason,
        "i": order.order_id,
        "l": _ZERO,
        "z": format_amount(event.executed_quantity),
        "L": _ZERO,
        "n": "0",
        "N": None,
        "T": event.time // divisor,
        "t": -1,
        "I": event.execution_id,
        "w": event.is_on_book,
        "m": False,
        "M": False,
        "O": order.time // divisor,
        "Z": format_amount(event.executed_quote),
        "Y": _ZERO,
        "Q": format_amount(order.quote_order_quantity),
    }
    if fill is not None:
        _add_fill(body, fill)
    if event.working_time >= 0:
        body["W"] = event.working_time // divisor
    body["V"] = order.stp_mode
    if order.trailing_delta:
        body["d"] = order.trailing_delta
        if event.trailing_time >= 0:
            body["D"] = event.trailing_time // divisor
    if order.strategy_id is not None:
        body["j"] = order.strategy_id
    if order.strategy_type is not None:
        body["J"] = order.strategy_type
    if order.uses_sor:
        body["k"] = event.working_floor
        body["uS"] = True
    if order.peg_price_type:
        _add_peg(body, event)
    if match is not None:
        _add_match(body, event, match)
    if event.expiry_reason != "NONE":
        body["eR"] = event.expiry_reason
    return body


def _add_fill(body: dict[str, Any], fill: Fill) -> None:
    body["l"] = format_amount(fill.quantity)
    body["L"] = format_amount(fill.price)
    body["n"] = format_amount(fill.commission)
    body["N"] = fill.commission_asset
    body["t"] = fill.trade_id
    body["m"] = fill.is_maker
    body["M"] = True
    body["Y"] = format_amount(fill.quote_quantity)
    if fill.is_allocation:
        body["b"] = "ONE_PARTY_TRADE_REPORT"
        body["a"] = fill.allocation_id


def _add_peg(body: dict[str, Any], event: Execution) -> None:
    order = event.order
    body["gP"] = order.peg_price_type
    if order.peg_offset is not None:
        body["gOT"] = "PRICE_LEVEL"
        body["gOV"] = order.peg_offset
    if event.pegged_price:
        body["gp"] = format_amount(event.pegged_price)


def _add_match(body: dict[str, Any], event: Execution, match: PreventedMatch) -> None:
    order = event.order
    body["v"] = match.prevented_match_id
    body["A"] = format_amount(event.prevented_quantity)
    body["B"] = format_amount(event.last_prevented_quantity)
    if match.trade_group_id != -1:
        body["u"] = match.trade_group_id
    body["U"] = event.counter_order_id
    is_taker = (order.symbol, order.order_id) == (match.symbol, match.taker_order_id)
    body["Cs"] = match.maker_symbol if is_taker else match.symbol
    body["pl"] = format_amount(match.quantity)
    body["pL"] = format_amount(match.price)
    body["pY"] = format_amount(match.price * match.quantity // 10**8)


def _list_status(event: ListStatus, now_us: int, divisor: int) -> dict[str, Any]:
    order_list = event.order_list
    return {
        "e": "listStatus",
        "E": now_us // divisor,
        "s": order_list.symbol,
        "g": order_list.order_list_id,
        "c": order_list.contingency_type,
        "l": event.list_status_type,
        "L": event.list_order_status,
        "r": "NONE",
        "C": order_list.list_client_order_id,
        "T": event.time // divisor,
        "O": [
            {"s": order_list.symbol, "i": order_id, "c": client_order_id}
            for order_id, client_order_id in event.legs
        ],
    }


def _account_position(event: AccountPosition, now_us: int, divisor: int) -> dict[str, Any]:
    return {
        "e": "outboundAccountPosition",
        "E": now_us // divisor,
        "u": event.time // divisor,
        "B": [
            {"a": held.asset, "f": format_amount(held.free), "l": format_amount(held.locked)}
            for held in event.balances
        ],
    }
