"""Which parameters an order may carry, and what a symbol's rules allow."""

from __future__ import annotations

from typing import Any

import pytest
from matching_venue import SYMBOL, SmallVenue, units, verdict

from crypto_ws_sync.simulator.matching import NewOrderList, Rejection, SymbolFilters, SymbolRules

PRICE = {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000.00", "tickSize": "0.01"}
LOT = {"filterType": "LOT_SIZE", "minQty": "0.010", "maxQty": "100", "stepSize": "0.004"}
STOP = {"quantity": "1", "stop_price": "120"}
PLAIN = {"quantity": "1", "price": "90"}
MANDATORY = "Mandatory parameter '{}' was not sent, was empty/null, or malformed."
SUPERFLUOUS = "Parameter '{}' sent when not required."
NO_QUOTE = SUPERFLUOUS.format("quoteOrderQty")
NO_TRAILING = SUPERFLUOUS.format("trailingDelta")
NO_TIF = "TimeInForce parameter sent when not required."
LOW_TYPE = "strategyType was less than 1000000."
COMPOSITIONS: list[tuple[str, dict[str, Any], int, str]] = [
    ("LIMIT", {"quantity": "1"}, -1102, MANDATORY.format("price")),
    ("LIMIT", {"price": "1"}, -1102, MANDATORY.format("quantity")),
    ("LIMIT", {"price": "1", "quantity": "1", "time_in_force": ""}, -1102, MANDATORY.format("timeInForce")),
    ("LIMIT", {"price": "1", "quantity": "1", "time_in_force": "GTX"}, -1115, "Invalid timeInForce."),
    ("LIMIT", {"price": "1", "quantity": "1", "quote_order_quantity": "1"}, -1106, NO_QUOTE),
    ("LIMIT", {"price": "1", "quantity": "1", "stop_price": "2"}, -1106, SUPERFLUOUS.format("stopPrice")),
    ("LIMIT", {"price": "1", "quantity": "1", "trailing_delta": 10}, -1106, NO_TRAILING),
    ("LIMIT", {"price": 1, "quantity": 1}, -2010, "Price * QTY is zero or less."),
    ("LIMIT", {"price": "1", "quantity": "1", "iceberg_quantity": "1"}, -2010, "IcebergQty exceeds QTY."),
    (
        "LIMIT",
        {"price": "1", "quantity": "2", "iceberg_quantity": "1", "time_in_force": "IOC"},
        -1014,
        "Unsupported order combination.",
    ),
    ("LIMIT", {"price": "1", "quantity": "1", "strategy_type": 999_999}, -1134, LOW_TYPE),
    (
        "LIMIT_MAKER",
        {"price": "1", "quantity": "1", "time_in_force": "GTC"},
        -1114,
        NO_TIF,
    ),
    ("LIMIT", {"quantity": "-1", "price": "1"}, -1102, MANDATORY.format("quantity")),
    ("LIMIT", {"quantity": "1", "price": "-1"}, -1102, MANDATORY.format("price")),
    ("MARKET", {}, -1102, MANDATORY.format("quantity")),
    ("MARKET", {"quantity": "-1"}, -1102, MANDATORY.format("quantity")),
    ("MARKET", {"quote_order_quantity": "-1"}, -1102, MANDATORY.format("quantity")),
    ("MARKET", {"quantity": "1", "price": "1"}, -1106, SUPERFLUOUS.format("price")),
    ("MARKET", {"quantity": "1", "time_in_force": "GTC"}, -1114, NO_TIF),
    ("MARKET", {"quantity": "1", "quote_order_quantity": "1"}, -1106, NO_QUOTE),
    ("MARKET", {"quantity": "2", "iceberg_quantity": "1"}, -1014, "Unsupported order combination."),
    ("STOP_LOSS", {"quote_order_quantity": "1", "stop_price": "2"}, -1106, NO_QUOTE),
    ("STOP_LOSS", {"quantity": "1"}, -1102, MANDATORY.format("stopPrice")),
    ("TAKE_PROFIT_LIMIT", {"quantity": "1", "price": "1"}, -1102, MANDATORY.format("stopPrice")),
    ("PEGGED", {"quantity": "1"}, -1116, "Invalid orderType."),
]


@pytest.mark.parametrize(("kind", "fields", "code", "msg"), COMPOSITIONS)
def test_parameters_must_go_together(kind: str, fields: dict[str, Any], code: int, msg: str) -> None:
    assert verdict(SmallVenue(), "BUY", kind, **fields) == (code, msg)


def test_sides_are_two() -> None:
    assert verdict(SmallVenue(), "HOLD", "MARKET", quantity="1") == (-1117, "Invalid side.")


ALL = frozenset({"LIMIT"})
FLAGS: list[tuple[dict[str, Any], str, dict[str, Any], int, str]] = [
    (
        {"order_types": ALL},
        "MARKET",
        {"quantity": "1"},
        -2010,
        "Market orders are not supported for this symbol.",
    ),
    ({"order_types": ALL}, "STOP_LOSS", STOP, -2010, "Stop loss orders are not supported for this symbol."),
    (
        {"order_types": ALL},
        "STOP_LOSS_LIMIT",
        {**STOP, "price": "1"},
        -2010,
        "Stop loss limit orders are not supported for this symbol.",
    ),
    (
        {"order_types": ALL},
        "TAKE_PROFIT",
        STOP,
        -2010,
        "Take profit orders are not supported for this symbol.",
    ),
    (
        {"order_types": ALL},
        "TAKE_PROFIT_LIMIT",
        {**STOP, "price": "1"},
        -2010,
        "Take profit limit orders are not supported for this symbol.",
    ),
    ({"order_types": ALL}, "LIMIT_MAKER", PLAIN, -1116, "Invalid orderType."),
    (
        {"iceberg_allowed": False},
        "LIMIT",
        {**PLAIN, "iceberg_quantity": "0.5"},
        -2010,
        "Iceberg orders are not supported for this symbol.",
    ),
    (
        {"quote_order_quantity_market_allowed": False},
        "MARKET",
        {"quote_order_quantity": "1"},
        -2010,
        "Quote order qty market orders are not support for this symbol.",
    ),
    (
        {"allow_trailing_stop": False},
        "STOP_LOSS",
        {"quantity": "1", "trailing_delta": 100},
        -2010,
        "Trailing stop orders are not supported for this symbol.",
    ),
    (
        {"peg_instructions_allowed": False},
        "LIMIT",
        {**PLAIN, "peg_price_type": "PRIMARY_PEG"},
        -2010,
        "Pegged orders are not supported for this symbol.",
    ),
    ({"status": "BREAK"}, "LIMIT", PLAIN, -2010, "Market is closed."),
    (
        {"allowed_stp_modes": frozenset({"NONE", "EXPIRE_BOTH"})},
        "LIMIT",
        {**PLAIN, "stp_mode": "DECREMENT"},
        -1013,
        "This symbol does not allow the specified self-trade prevention mode.",
    ),
]


@pytest.mark.parametrize(("flags", "kind", "fields", "code", "msg"), FLAGS)
def test_a_symbol_allows_what_its_flags_say(
    flags: dict[str, Any], kind: str, fields: dict[str, Any], code: int, msg: str
) -> None:
    assert verdict(SmallVenue(**flags), "BUY", kind, **fields) == (code, msg)


def test_opo_lists_are_refused_by_a_symbol_that_does_not_allow_them() -> None:
    venue = SmallVenue(opo_allowed=False)
    legs = (venue.new("BUY", "LIMIT", **PLAIN), venue.new("SELL", "MARKET"))
    with pytest.raises(Rejection) as caught:
        venue.engine.place_list(1, NewOrderList("OPO", SYMBOL, "list", legs), venue.tick())
    assert caught.value == Rejection(-2010, "OPO orders are not supported for this symbol.")


ENTRY: dict[str, Any] = {
    "symbol": "BNBBTC",
    "status": "TRADING",
    "baseAsset": "BNB",
    "quoteAsset": "BTC",
    "orderTypes": ["LIMIT", "MARKET"],
    "icebergAllowed": True,
    "ocoAllowed": True,
    "otoAllowed": False,
    "opoAllowed": False,
    "quoteOrderQtyMarketAllowed": True,
    "allowTrailingStop": False,
    "cancelReplaceAllowed": True,
    "amendAllowed": False,
    "pegInstructionsAllowed": False,
    "permissionSets": [["SPOT", "MARGIN"], ["TRD_GRP_004"]],
    "filters": [PRICE, LOT],
    "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
    "allowedSelfTradePreventionModes": ["NONE", "EXPIRE_MAKER"],
}


def test_rules_are_read_from_an_exchange_info_entry() -> None:
    rules = SymbolRules.from_json(ENTRY)
    assert (rules.symbol, rules.base_asset, rules.quote_asset) == ("BNBBTC", "BNB", "BTC")
    assert rules.order_types == {"LIMIT", "MARKET"}
    assert (rules.oto_allowed, rules.allow_trailing_stop, rules.amend_allowed) == (False, False, False)
    assert rules.default_stp_mode == "EXPIRE_MAKER"
    assert rules.permission_sets == ({"SPOT", "MARGIN"}, {"TRD_GRP_004"})
    assert rules.filters.price is not None
    assert rules.filters.price.tick_size == units("0.01")
    assert rules.filters.lot_size is not None
    assert rules.filters.lot_size.step_size == units("0.004")


@pytest.mark.parametrize(
    "change",
    [
        {"orderTypes": ["BLOCK"]},
        {"status": "OPEN"},
        {"allowedSelfTradePreventionModes": ["NONE", "EXPIRE_MAKER", "ALLOCATE"]},
        {"defaultSelfTradePreventionMode": "EXPIRE_BOTH"},
    ],
)
def test_rules_that_promise_more_than_is_kept_are_not_served(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        SymbolRules.from_json({**ENTRY, **change})


def test_an_unknown_filter_is_not_ignored() -> None:
    with pytest.raises(ValueError, match="T_PLUS_SELL"):
        SymbolFilters.from_json([{"filterType": "T_PLUS_SELL"}])
