"""Order lists as the exchange shows them."""

from __future__ import annotations

from typing import Any

from ..matching import OrderList, Outcome
from .order_views import ack_view, cancel_view, full_view, result_view

__all__ = ["cancelled_list_view", "list_view", "placed_list_view"]


def list_view(order_list: OrderList, divisor: int) -> dict[str, Any]:
    """A list as orderList.status and its kin tell of it."""
    return {
        "orderListId": order_list.order_list_id,
        "contingencyType": order_list.contingency_type,
        "listStatusType": order_list.list_status_type,
        "listOrderStatus": order_list.list_order_status,
        "listClientOrderId": order_list.list_client_order_id,
        "transactionTime": order_list.transaction_time // divisor,
        "symbol": order_list.symbol,
        "orders": [
            {"symbol": order_list.symbol, "orderId": order_id, "clientOrderId": client_order_id}
            for order_id, client_order_id in order_list.legs()
        ],
    }


def placed_list_view(outcome: Outcome, response_type: str | None, divisor: int) -> dict[str, Any]:
    """The reply to a list placement; its reports have the state of the orders unless ACK is asked for."""
    view = _moment_view(outcome, divisor)
    reports = []
    for place, order in enumerate(outcome.orders):
        if response_type == "ACK":
            reports.append(ack_view(order, outcome.time, divisor))
        elif response_type == "FULL":
            fills = outcome.fills if place == 0 else ()
            prevented = outcome.prevented_matches if place == 0 else ()
            reports.append(full_view(order, outcome.time, divisor, fills, prevented))
        else:
            reports.append(result_view(order, outcome.time, divisor))
    view["orderReports"] = reports
    return view


def cancelled_list_view(outcome: Outcome, divisor: int, *, by_list: bool = False) -> dict[str, Any]:
    """The reply to the cancel of a list, or of an order that belongs to one.

    Asked for as a list, its reports name the orders by their own client ids alone.
    """
    view = _moment_view(outcome, divisor)
    reports = [cancel_view(order, outcome.client_order_id, outcome.time, divisor) for order in outcome.orders]
    if by_list:
        for report in reports:
            report["clientOrderId"] = report.pop("origClientOrderId")
    view["orderReports"] = reports
    return view


def _moment_view(outcome: Outcome, divisor: int) -> dict[str, Any]:
    """The list as it stood when the request itself was done."""
    order_list, status = outcome.order_list, outcome.list_status
    assert order_list is not None
    assert status is not None
    return {
        "orderListId": order_list.order_list_id,
        "contingencyType": order_list.contingency_type,
        "listStatusType": status.list_status_type,
        "listOrderStatus": status.list_order_status,
        "listClientOrderId": order_list.list_client_order_id,
        "transactionTime": outcome.time // divisor,
        "symbol": order_list.symbol,
        "orders": [
            {"symbol": order_list.symbol, "orderId": order_id, "clientOrderId": client_order_id}
            for order_id, client_order_id in status.legs
        ],
    }
