"""Permissions of accounts and permission sets of symbols; filters that bind one account alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from bare_client import BareClient

from crypto_ws_sync.simulator import SimulatedExchange
from crypto_ws_sync.simulator.market import DEFAULT_LISTINGS

NOT_PERMITTED = (400, -2010, "This symbol is not permitted for this account.")
SYMBOL = {"symbol": "BTCUSDT"}


def market(quantity: str = "0.001", **changes: Any) -> dict[str, Any]:
    return {**SYMBOL, "side": "BUY", "type": "MARKET", "quantity": quantity, **changes}


def limited(client: BareClient, factor: float = 0.9, **changes: Any) -> dict[str, Any]:
    price = f"{float(client.result('ticker.price', SYMBOL)['price']) * factor:.2f}"
    order = {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": price}
    return {**SYMBOL, **order, **changes}


@pytest.mark.parametrize(
    ("sets", "own", "may"),
    [
        ([["SPOT", "MARGIN"]], ["SPOT"], True),
        ([["MARGIN", "LEVERAGED"]], ["SPOT"], False),
        ([["SPOT"], ["TRD_GRP_004"]], ["SPOT"], False),
        ([["SPOT"], ["TRD_GRP_004", "TRD_GRP_005"]], ["SPOT", "TRD_GRP_005"], True),
        ([["SPOT"]], [], False),
    ],
)
def test_every_permission_set_must_be_met_by_one_permission(
    client: BareClient, sets: list[list[str]], own: list[str], may: bool
) -> None:
    client.exchange.rules.set_permission_sets("BTCUSDT", sets)
    client.exchange.rules.set_permissions(own)
    assert client.result("account.status", signed=True)["permissions"] == own
    (info,) = client.result("exchangeInfo", SYMBOL)["symbols"]
    assert (info["permissions"], info["permissionSets"]) == ([], sets)
    if may:
        assert client.result("order.place", market(), signed=True)["status"] == "FILLED"
    else:
        assert client.refusal("order.place", market(), signed=True) == NOT_PERMITTED


def test_permissions_bind_placements_and_cancel_replace_and_not_cancels(client: BareClient) -> None:
    first, second = (client.place_limit()["orderId"] for _ in range(2))
    order = limited(client)
    client.exchange.rules.set_permissions(["MARGIN"])
    replace = {**order, "cancelReplaceMode": "ALLOW_FAILURE", "cancelOrderId": first}
    pair = {
        **SYMBOL,
        "side": "SELL",
        "quantity": "0.01",
        "aboveType": "LIMIT_MAKER",
        "belowType": "STOP_LOSS",
    }
    pair |= {"abovePrice": limited(client, 1.1)["price"], "belowStopPrice": order["price"]}
    for method, params in (
        ("order.place", order),
        ("order.test", order),
        ("order.cancelReplace", replace),
        ("orderList.place.oco", pair),
    ):
        assert client.refusal(method, params, signed=True) == NOT_PERMITTED
    # nothing was cancelled, and an amendment places nothing
    amend = {**SYMBOL, "orderId": first, "newQty": "0.005"}
    assert client.result("order.amend.keepPriority", amend, signed=True)["amendedOrder"]["status"] == "NEW"
    for number in (first, second):
        assert (
            client.result("order.cancel", {**SYMBOL, "orderId": number}, signed=True)["status"] == "CANCELED"
        )


def test_exchange_info_lists_by_permission_and_by_default_spot_margin_and_leveraged(
    client: BareClient,
) -> None:
    rules = client.exchange.rules
    rules.set_permission_sets("ETHBTC", [["MARGIN"]])
    rules.set_permission_sets("BNBBTC", [["TRD_GRP_004"]])
    rules.set_permission_sets("BNBUSDT", [["SPOT"], ["TRD_GRP_004"]])

    def listed(**params: Any) -> set[str]:
        return {each["symbol"] for each in client.result("exchangeInfo", params)["symbols"]}

    assert listed() == {"BTCUSDT", "BTCUSDC", "ETHUSDT", "ETHBTC"}
    assert listed(permissions="MARGIN") == {"ETHBTC"}
    assert listed(permissions=["TRD_GRP_004", "SPOT"]) == {
        "BTCUSDT",
        "BTCUSDC",
        "ETHUSDT",
        "BNBUSDT",
        "BNBBTC",
    }
    # who names a symbol gets it
    assert listed(symbol="BNBBTC") == {"BNBBTC"}
    hidden = client.result("exchangeInfo", {"symbol": "BNBBTC", "showPermissionSets": False})["symbols"][0]
    assert hidden["permissionSets"] == []


def test_a_listing_brings_its_permission_sets_along() -> None:
    listing = replace(DEFAULT_LISTINGS[0], permission_sets=(("SPOT", "MARGIN"), ("TRD_GRP_004",)))
    with SimulatedExchange(symbols=[listing]) as exchange, BareClient(exchange) as client:
        assert client.refusal("order.place", market(), signed=True) == NOT_PERMITTED
        exchange.rules.set_permissions(["MARGIN", "TRD_GRP_004"])
        assert client.result("order.place", market(), signed=True)["status"] == "FILLED"


def test_modes_of_self_trade_prevention_are_the_symbols_choice(client: BareClient) -> None:
    client.exchange.rules.set_self_trade_prevention("BTCUSDT", ["NONE", "EXPIRE_BOTH"], "EXPIRE_BOTH")
    (info,) = client.result("exchangeInfo", SYMBOL)["symbols"]
    assert info["allowedSelfTradePreventionModes"] == ["NONE", "EXPIRE_BOTH"]
    assert client.place_limit()["selfTradePreventionMode"] == "EXPIRE_BOTH"
    refused = client.refusal("order.place", market(selfTradePreventionMode="DECREMENT"), signed=True)
    words = "This symbol does not allow the specified self-trade prevention mode."
    assert refused == (400, -1013, words)
    with pytest.raises(ValueError, match="not allowed"):
        client.exchange.rules.set_self_trade_prevention("BTCUSDT", ["NONE"], "EXPIRE_BOTH")


def test_max_asset_bounds_quantity_of_a_base_and_notional_of_a_quote_in_one_order(client: BareClient) -> None:
    too_much = (400, -1013, "Filter failure: MAX_ASSET")
    rules = client.exchange.rules
    rules.set_filter({"filterType": "MAX_ASSET", "asset": "BTC", "limit": "0.02"})
    assert client.result("order.test", market("0.02"), signed=True) == {}
    assert client.refusal("order.place", market("0.02001"), signed=True) == too_much
    assert client.refusal("order.test", limited(client, quantity="0.03"), signed=True) == too_much
    # in how many orders is the account's business
    for _ in range(2):
        client.result("order.place", market("0.02"), signed=True)
    quote = {**market(), "quoteOrderQty": "5000"}
    del quote["quantity"]
    assert client.refusal("order.place", quote, signed=True) == too_much
    # BTC is what ETHBTC is priced in
    other = {**market("1"), "symbol": "ETHBTC", "side": "SELL"}
    assert client.refusal("order.place", other, signed=True) == too_much
    rules.set_filter({"filterType": "MAX_ASSET", "asset": "USDT", "limit": 800})
    assert client.refusal("order.place", limited(client, quantity="0.015"), signed=True) == too_much
    assert client.refusal("order.place", {**quote, "quoteOrderQty": "801"}, signed=True) == too_much
    assert client.result("order.place", {**quote, "quoteOrderQty": "800"}, signed=True)["fills"]
    assert client.refusal("order.place", market("0.019"), signed=True) == too_much


def test_my_filters_tell_what_binds_the_account_on_the_symbol_alone(client: BareClient) -> None:
    rules, exchange = client.exchange.rules, client.exchange
    for asset in ("BTC", "ETH", "USDT"):
        rules.set_filter({"filterType": "MAX_ASSET", "asset": asset, "limit": "1000.00000000"})
    rules.set_filter({"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 2}, symbol="BTCUSDT")
    rules.set_filter({"filterType": "EXCHANGE_MAX_NUM_ORDER_LISTS", "maxNumOrderLists": 1})
    told = client.result("myFilters", SYMBOL, signed=True)
    assert [each["asset"] for each in told["assetFilters"]] == ["BTC", "USDT"]
    assert [each["filterType"] for each in told["symbolFilters"]] == ["MAX_NUM_ORDERS"]
    assert [each["filterType"] for each in told["exchangeFilters"]] == ["EXCHANGE_MAX_NUM_ORDER_LISTS"]
    elsewhere = client.result("myFilters", {"symbol": "ETHBTC"}, signed=True)
    assert [each["asset"] for each in elsewhere["assetFilters"]] == ["ETH", "BTC"]
    assert elsewhere["symbolFilters"] == []
    # exchangeInfo does not tell, and other accounts are not bound
    (info,) = client.result("exchangeInfo", SYMBOL)["symbols"]
    assert "MAX_ASSET" not in {each["filterType"] for each in info["filters"]}
    with BareClient(exchange, exchange.add_account()) as other:
        nothing = {"exchangeFilters": [], "symbolFilters": [], "assetFilters": []}
        assert other.result("myFilters", SYMBOL, signed=True) == nothing
    rules.clear_filters()
    assert client.result("myFilters", SYMBOL, signed=True) == nothing


def test_own_count_filters_hold_in_place_of_the_symbols(client: BareClient) -> None:
    rules = client.exchange.rules
    rules.set_filter({"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 2}, symbol="BTCUSDT")
    order = limited(client)
    for _ in range(2):
        client.result("order.place", order, signed=True)
    refused = client.refusal("order.place", order, signed=True)
    assert refused == (400, -1013, "Filter failure: MAX_NUM_ORDERS")
    rules.set_filter({"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 3}, symbol="BTCUSDT")
    rules.set_filter({"filterType": "EXCHANGE_MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 0})
    stop = {**order, "type": "TAKE_PROFIT_LIMIT", "stopPrice": order["price"]}
    refused = client.refusal("order.place", stop, signed=True)
    assert refused == (400, -1013, "Filter failure: EXCHANGE_MAX_NUM_ALGO_ORDERS")
    assert client.result("order.place", order, signed=True)["status"] == "NEW"
    with pytest.raises(ValueError, match="no filter of an account"):
        rules.set_filter(
            {"filterType": "LOT_SIZE", "minQty": "1", "maxQty": "2", "stepSize": "1"}, symbol="BTCUSDT"
        )
    with pytest.raises(ValueError, match="no such symbol"):
        rules.set_filter({"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 3}, symbol="DOGEUSDT")
