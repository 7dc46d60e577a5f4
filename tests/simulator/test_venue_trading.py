"""Trading over the wire: replies in their three sizes, cancels, replacements, amendments, lists."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from bare_client import BareClient

from crypto_ws_sync.simulator import ManualClock, SimulatedExchange
from crypto_ws_sync.simulator.market import DEFAULT_LISTINGS

BELOW = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}


def far_price(client: BareClient, factor: float = 0.9) -> str:
    """A price away from the market."""
    last = float(client.result("ticker.price", {"symbol": "BTCUSDT"})["price"])
    return f"{last * factor:.2f}"


def oco(client: BareClient, **changes: str) -> dict[str, Any]:
    """A pair around the market that sells 0.01 BTC."""
    return {
        "symbol": "BTCUSDT",
        "side": "SELL",
        "quantity": "0.01",
        "aboveType": "LIMIT_MAKER",
        "abovePrice": far_price(client, 1.1),
        "belowType": "STOP_LOSS",
        "belowStopPrice": far_price(client, 0.9),
        **changes,
    }


def counts(reply: Any) -> list[int]:
    """The order counts that a reply tells."""
    return [each["count"] for each in reply["rateLimits"] if each["rateLimitType"] == "ORDERS"]


@pytest.mark.parametrize(
    ("changes", "size"),
    [
        ({}, "FULL"),
        ({"newOrderRespType": "ACK"}, "ACK"),
        ({"newOrderRespType": "RESULT"}, "RESULT"),
        ({"type": "LIMIT_MAKER", "timeInForce": None}, "ACK"),
        ({"type": "MARKET", "timeInForce": None, "price": None}, "FULL"),
    ],
)
def test_reply_is_full_for_market_and_limit_and_ack_for_the_rest(
    client: BareClient, changes: dict[str, Any], size: str
) -> None:
    order = {**BELOW, "price": far_price(client), **changes}
    result = client.result(
        "order.place", {name: value for name, value in order.items() if value is not None}, signed=True
    )
    ack = {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime"}
    if size == "ACK":
        assert set(result) == ack
    else:
        assert set(result) > ack
        assert ("fills" in result) is (size == "FULL")


def test_client_order_id_is_unique_among_open_orders_alone(client: BareClient) -> None:
    client.place_limit(newClientOrderId="again")
    order = {**BELOW, "price": far_price(client), "newClientOrderId": "again"}
    assert client.refusal("order.place", order, signed=True) == (400, -2010, "Duplicate order sent.")
    client.result("order.cancel", {"symbol": "BTCUSDT", "origClientOrderId": "again"}, signed=True)
    assert client.result("order.place", order, signed=True)["status"] == "NEW"


def test_order_is_found_by_its_number_first_and_the_client_id_must_match(client: BareClient) -> None:
    first = client.place_limit(newClientOrderId="first")
    client.place_limit(newClientOrderId="second")
    ask = {"symbol": "BTCUSDT", "orderId": first["orderId"]}
    assert client.result("order.status", ask, signed=True)["clientOrderId"] == "first"
    wrong = {**ask, "origClientOrderId": "second"}
    assert client.refusal("order.status", wrong, signed=True)[1] == -2039
    assert client.refusal("order.status", {"symbol": "BTCUSDT"}, signed=True)[1] == -1102
    absent = {"symbol": "BTCUSDT", "orderId": 10**9}
    assert client.refusal("order.status", absent, signed=True)[1:] == (-2013, "Order does not exist.")


def test_orders_that_ended_unfilled_long_ago_are_archived(client: BareClient, clock: ManualClock) -> None:
    order_id = client.place_limit(type="LIMIT", timeInForce="IOC")["orderId"]
    ask = {"symbol": "BTCUSDT", "orderId": order_id}
    desk = client.exchange._floor.engine.desk(1, "BTCUSDT")
    order = desk.find(order_id)
    assert order is not None
    order.update_time -= 90 * 86400 * 1_000_000
    assert client.result("order.status", ask, signed=True)["status"] == "EXPIRED"
    order.update_time -= 1000
    assert client.refusal("order.status", ask, signed=True)[1] == -2026


def test_cancel_carries_both_client_ids_and_restrictions_hold(client: BareClient) -> None:
    order_id = client.place_limit(newClientOrderId="mine")["orderId"]
    cancel = {"symbol": "BTCUSDT", "orderId": order_id}
    unmet = {**cancel, "cancelRestrictions": "ONLY_PARTIALLY_FILLED"}
    assert client.refusal("order.cancel", unmet, signed=True) == (
        400,
        -2011,
        "Order was not canceled due to cancel restrictions.",
    )
    wrong = {**cancel, "cancelRestrictions": "ONLY_SOMETIMES"}
    assert client.refusal("order.cancel", wrong, signed=True)[1] == -1145
    result = client.result("order.cancel", {**cancel, "newClientOrderId": "gone"}, signed=True)
    assert (result["origClientOrderId"], result["clientOrderId"]) == ("mine", "gone")
    assert client.refusal("order.cancel", cancel, signed=True)[1:] == (-2011, "Unknown order sent.")
    assert client.refusal("order.cancel", {"symbol": "BTCUSDT"}, signed=True)[1] == -1102


def test_cancel_all_mixes_orders_and_lists(client: BareClient) -> None:
    client.place_limit()
    client.result("orderList.place.oco", oco(client), signed=True)
    both = client.result("openOrders.cancelAll", {"symbol": "BTCUSDT"}, signed=True)
    assert ["orderReports" in each for each in both] == [False, True]
    assert client.result("openOrders.status", signed=True) == []
    assert client.refusal("openOrders.cancelAll", {"symbol": "BTCUSDT"}, signed=True)[1] == -2011


def replace(client: BareClient, order_id: int, **changes: Any) -> Any:
    """The whole reply to a cancel-replace."""
    params = {
        **BELOW,
        "price": far_price(client),
        "cancelReplaceMode": "STOP_ON_FAILURE",
        "cancelOrderId": order_id,
        **changes,
    }
    return client.call("order.cancelReplace", params, signed=True)


def test_cancel_replace_when_both_halves_work(client: BareClient) -> None:
    reply = replace(client, client.place_limit()["orderId"])
    result = reply["result"]
    assert (reply["status"], result["cancelResult"], result["newOrderResult"]) == (200, "SUCCESS", "SUCCESS")
    assert result["cancelResponse"]["status"] == "CANCELED"
    assert result["newOrderResponse"]["status"] == "NEW"
    assert counts(reply) == [2, 2]


def test_cancel_replace_stops_where_the_cancel_fails_and_counts_all_the_same(client: BareClient) -> None:
    reply = replace(client, 10**9)
    assert (reply["status"], reply["error"]["code"]) == (400, -2022)
    assert reply["error"]["data"] == {
        "cancelResult": "FAILURE",
        "newOrderResult": "NOT_ATTEMPTED",
        "cancelResponse": {"code": -2011, "msg": "Unknown order sent."},
        "newOrderResponse": None,
    }
    assert counts(reply) == [1, 1]


def test_cancel_replace_that_half_works_is_a_409(client: BareClient) -> None:
    ask = client.result("ticker.book", {"symbol": "BTCUSDT"})["askPrice"]
    taking = {"type": "LIMIT_MAKER", "timeInForce": None, "price": ask}
    order_id = client.place_limit()["orderId"]
    params = {
        **BELOW,
        "cancelReplaceMode": "STOP_ON_FAILURE",
        "cancelOrderId": order_id,
        **taking,
    }
    params = {name: value for name, value in params.items() if value is not None}
    reply = client.call("order.cancelReplace", params, signed=True)
    assert (reply["status"], reply["error"]["code"]) == (409, -2021)
    assert reply["error"]["data"]["cancelResponse"]["status"] == "CANCELED"
    assert reply["error"]["data"]["newOrderResponse"] == {
        "code": -2010,
        "msg": "Order would immediately match and take.",
    }
    reply = replace(client, 10**9, cancelReplaceMode="ALLOW_FAILURE")
    assert (reply["status"], reply["error"]["code"]) == (409, -2021)
    assert reply["error"]["data"]["cancelResult"] == "FAILURE"
    assert reply["error"]["data"]["newOrderResponse"]["status"] == "NEW"


def test_cancel_replace_that_fails_twice_is_a_400(client: BareClient) -> None:
    ask = client.result("ticker.book", {"symbol": "BTCUSDT"})["askPrice"]
    params = {**BELOW, "cancelReplaceMode": "ALLOW_FAILURE", "cancelOrderId": 10**9, "price": ask}
    params["type"] = "LIMIT_MAKER"
    del params["timeInForce"]
    reply = client.call("order.cancelReplace", params, signed=True)
    assert (reply["status"], reply["error"]["code"]) == (400, -2022)
    assert reply["error"]["data"]["newOrderResult"] == "FAILURE"


def test_filters_are_checked_before_anything_is_cancelled(client: BareClient) -> None:
    order_id = client.place_limit()["orderId"]
    reply = replace(client, order_id, quantity="0.000011")
    assert (reply["status"], reply["error"]["code"]) == (400, -1013)
    assert reply["error"]["msg"] == "Filter failure: LOT_SIZE"
    assert len(client.result("openOrders.status", signed=True)) == 1


def test_cancel_replace_beyond_the_order_count(clock: ManualClock) -> None:
    with (
        SimulatedExchange(clock=clock, rate_limits={"ORDERS": 1}) as exchange,
        BareClient(exchange) as client,
    ):
        order_id = client.place_limit()["orderId"]
        reply = replace(client, order_id)
        assert (reply["status"], reply["error"]["code"]) == (429, -1015)
        assert len(client.result("openOrders.status", signed=True)) == 1
        reply = replace(client, order_id, orderRateLimitExceededMode="CANCEL_ONLY")
        assert (reply["status"], reply["error"]["code"]) == (409, -2021)
        assert reply["error"]["data"]["cancelResult"] == "SUCCESS"
        assert reply["error"]["data"]["newOrderResponse"]["code"] == -1015
        assert client.result("openOrders.status", signed=True) == []


def test_amend_lowers_the_quantity_and_leaves_a_record(client: BareClient) -> None:
    order_id = client.place_limit(newClientOrderId="old")["orderId"]
    amend = {"symbol": "BTCUSDT", "orderId": order_id, "newQty": "0.004"}
    result = client.result("order.amend.keepPriority", {**amend, "newClientOrderId": "new"}, signed=True)
    amended = result["amendedOrder"]
    assert (amended["origClientOrderId"], amended["clientOrderId"], amended["qty"]) == (
        "old",
        "new",
        "0.00400000",
    )
    assert "listStatus" not in result
    more = {**amend, "newQty": "0.02"}
    assert client.refusal("order.amend.keepPriority", more, signed=True)[1] == -2038
    ask = {"symbol": "BTCUSDT", "orderId": order_id}
    (record,) = client.result("order.amendments", ask, signed=True)
    assert (record["origQty"], record["newQty"]) == ("0.01000000", "0.00400000")
    assert record["executionId"] == result["executionId"]
    later = {**ask, "fromExecutionId": record["executionId"] + 1}
    assert client.result("order.amendments", later, signed=True) == []


def test_amend_has_a_weight_of_four_and_no_order_count(client: BareClient) -> None:
    order_id = client.place_limit()["orderId"]
    before = client.call("ping")["rateLimits"][-1]["count"]
    amend = {"symbol": "BTCUSDT", "orderId": order_id, "newQty": "0.004"}
    assert (
        client.call("order.amend.keepPriority", amend, signed=True)["rateLimits"][-1]["count"] == before + 4
    )
    assert client.result("account.rateLimits.orders", signed=True)[0]["count"] == 1


@pytest.mark.parametrize("size", ["ACK", "RESULT", "FULL"])
def test_oco_counts_two_and_cancelling_a_leg_ends_both(client: BareClient, size: str) -> None:
    reply = client.call("orderList.place.oco", oco(client, newOrderRespType=size), signed=True)
    result = reply["result"]
    assert counts(reply) == [2, 2]
    assert (result["contingencyType"], result["listOrderStatus"]) == ("OCO", "EXECUTING")
    assert ("status" in result["orderReports"][0]) is (size != "ACK")
    leg = result["orders"][0]
    cancelled = client.result("order.cancel", {"symbol": "BTCUSDT", "orderId": leg["orderId"]}, signed=True)
    assert cancelled["listOrderStatus"] == "ALL_DONE"
    assert {each["status"] for each in cancelled["orderReports"]} == {"CANCELED"}
    ask = {"orderListId": result["orderListId"]}
    assert client.result("orderList.status", ask, signed=True)["listStatusType"] == "ALL_DONE"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"aboveType": "STOP_LOSS", "abovePrice": None, "aboveStopPrice": "100000"}, -1197),
        ({"belowType": "LIMIT_MAKER", "belowStopPrice": None, "belowPrice": "50000"}, -1168),
        ({"belowStopPrice": None}, -1102),
        ({"abovePrice": None}, -1102),
        ({"belowStopPrice": "200000"}, -2010),
    ],
)
def test_oco_that_breaks_a_rule_is_refused(client: BareClient, changes: dict[str, Any], code: int) -> None:
    params = {name: value for name, value in {**oco(client), **changes}.items() if value is not None}
    assert client.refusal("orderList.place.oco", params, signed=True)[1] == code
    assert client.exchange.orders() == []


def test_deprecated_pair_has_its_stop_first(client: BareClient) -> None:
    params = {
        "symbol": "BTCUSDT",
        "side": "SELL",
        "quantity": "0.01",
        "price": far_price(client, 1.1),
        "stopPrice": far_price(client, 0.9),
        "stopLimitPrice": far_price(client, 0.89),
    }
    assert client.refusal("orderList.place", params, signed=True)[1] == -1102
    result = client.result("orderList.place", {**params, "stopLimitTimeInForce": "GTC"}, signed=True)
    assert [each["type"] for each in result["orderReports"]] == ["STOP_LOSS_LIMIT", "LIMIT_MAKER"]


def test_oto_keeps_its_second_order_pending(client: BareClient) -> None:
    params = {
        "symbol": "BTCUSDT",
        "workingType": "LIMIT",
        "workingSide": "BUY",
        "workingPrice": far_price(client),
        "workingQuantity": "0.01",
        "workingTimeInForce": "GTC",
        "pendingType": "LIMIT_MAKER",
        "pendingSide": "SELL",
        "pendingQuantity": "0.01",
        "pendingPrice": far_price(client, 1.1),
    }
    reply = client.call("orderList.place.oto", params, signed=True)
    result = reply["result"]
    assert counts(reply) == [2, 2]
    assert result["contingencyType"] == "OTO"
    assert [each["status"] for each in result["orderReports"]] == ["NEW", "PENDING_NEW"]
    assert client.result("openOrderLists.status", signed=True)[0]["orderListId"] == result["orderListId"]


def test_otoco_counts_three(client: BareClient) -> None:
    params = {
        "symbol": "BTCUSDT",
        "workingType": "LIMIT",
        "workingSide": "BUY",
        "workingPrice": far_price(client),
        "workingQuantity": "0.01",
        "workingTimeInForce": "GTC",
        "pendingSide": "SELL",
        "pendingQuantity": "0.01",
        "pendingAboveType": "LIMIT_MAKER",
        "pendingAbovePrice": far_price(client, 1.1),
        "pendingBelowType": "STOP_LOSS",
        "pendingBelowStopPrice": far_price(client, 0.8),
    }
    reply = client.call("orderList.place.otoco", params, signed=True)
    assert counts(reply) == [3, 3]
    states = [each["status"] for each in reply["result"]["orderReports"]]
    assert states == ["NEW", "PENDING_NEW", "PENDING_NEW"]


def test_list_is_found_by_its_client_id_before_its_number(client: BareClient) -> None:
    one = client.result("orderList.place.oco", oco(client, listClientOrderId="one"), signed=True)
    client.result("orderList.place.oco", oco(client, listClientOrderId="two"), signed=True)
    ask = {"orderListId": one["orderListId"], "origClientOrderId": "two"}
    assert client.result("orderList.status", ask, signed=True)["listClientOrderId"] == "two"
    again = oco(client, listClientOrderId="one")
    assert client.refusal("orderList.place.oco", again, signed=True)[1:] == (-2010, "Duplicate order sent.")
    assert client.refusal("orderList.status", {}, signed=True)[1] == -1102


def test_what_a_symbol_does_not_allow_is_refused_in_documented_words(clock: ManualClock) -> None:
    plain = dataclasses.replace(DEFAULT_LISTINGS[0], opo_allowed=False, peg_instructions_allowed=False)
    with SimulatedExchange(symbols=[plain], clock=clock) as exchange, BareClient(exchange) as client:
        peg = {**BELOW, "pegPriceType": "PRIMARY_PEG"}
        assert client.refusal("order.place", peg, signed=True)[1:] == (
            -2010,
            "Pegged orders are not supported for this symbol.",
        )
        opo = {
            "symbol": "BTCUSDT",
            "workingType": "LIMIT_MAKER",
            "workingSide": "BUY",
            "workingPrice": "60000",
            "workingQuantity": "0.01",
            "pendingType": "LIMIT_MAKER",
            "pendingSide": "SELL",
            "pendingPrice": "90000",
        }
        assert client.refusal("orderList.place.opo", opo, signed=True)[1:] == (
            -2010,
            "OPO orders are not supported for this symbol.",
        )
        sor = {**BELOW, "price": "60000"}
        assert client.refusal("sor.order.place", sor, signed=True)[1] == -1020
        selling = {**opo, "workingSide": "SELL"}
        assert client.refusal("orderList.place.opo", selling, signed=True)[1] == -1222
        buying = {**opo, "pendingSide": "BUY"}
        assert client.refusal("orderList.place.opo", buying, signed=True)[1] == -1223


def test_order_test_checks_without_placing(client: BareClient) -> None:
    order = {**BELOW, "price": far_price(client)}
    assert client.result("order.test", order, signed=True) == {}
    before = client.call("ping")["rateLimits"][-1]["count"]
    reply = client.call("order.test", {**order, "computeCommissionRates": True}, signed=True)
    assert reply["rateLimits"][-1]["count"] == before + 20
    assert reply["result"]["standardCommissionForOrder"] == {"maker": "0.00100000", "taker": "0.00100000"}
    tiny = {**order, "quantity": "0.00001"}
    assert client.refusal("order.test", tiny, signed=True)[1:] == (-1013, "Filter failure: NOTIONAL")
    assert client.exchange.orders() == []


def test_ground_truth_is_what_the_client_is_told(client: BareClient) -> None:
    client.result(
        "order.place",
        {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"},
        signed=True,
    )
    client.place_limit()
    assert client.exchange.orders() == client.result("allOrders", {"symbol": "BTCUSDT"}, signed=True)
    assert client.exchange.trades() == client.result("myTrades", {"symbol": "BTCUSDT"}, signed=True)
    told = client.result("account.status", signed=True)["balances"]
    held = client.exchange.balances()
    assert {each["asset"]: (each["free"], each["locked"]) for each in told} == {
        asset: (f"{balance.free:.8f}", f"{balance.locked:.8f}") for asset, balance in held.items()
    }
