"""Every filter with its formula."""

from __future__ import annotations

import pytest
from matching_venue import SYMBOL, SmallVenue, units, verdict

from crypto_ws_sync.simulator.matching import Rejection

PRICE = {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000.00", "tickSize": "0.01"}
LOT = {"filterType": "LOT_SIZE", "minQty": "0.010", "maxQty": "100", "stepSize": "0.004"}
OFF = {"filterType": "PRICE_FILTER", "minPrice": "0", "maxPrice": "0", "tickSize": "0"}


def failure(name: str) -> tuple[int, str]:
    return -1013, f"Filter failure: {name}"


@pytest.mark.parametrize(
    ("price", "passes"),
    [
        ("0.01", True),
        ("1000", True),
        ("99.99", True),
        ("1000.01", False),
        ("99.999", False),
        ("0.001", False),
    ],
)
def test_price_filter_bounds_and_tick(price: str, passes: bool) -> None:
    expected = None if passes else failure("PRICE_FILTER")
    assert verdict(SmallVenue(PRICE), "BUY", "LIMIT", quantity="1", price=price) == expected


def test_price_filter_looks_at_the_stop_price_too() -> None:
    venue = SmallVenue(PRICE, last_price="50")
    fields = {"quantity": "1", "price": "60"}
    assert verdict(venue, "BUY", "STOP_LOSS_LIMIT", stop_price="60.001", **fields) == failure("PRICE_FILTER")
    assert verdict(venue, "BUY", "STOP_LOSS_LIMIT", stop_price="60", **fields) is None


def test_zeros_switch_the_parts_of_the_price_filter_off() -> None:
    assert verdict(SmallVenue(OFF), "SELL", "LIMIT", quantity="1", price="123456.00000001") is None


@pytest.mark.parametrize(
    ("quantity", "passes"),
    [
        ("0.012", True),
        ("100", True),
        ("0.008", False),
        ("100.004", False),
        ("0.013", False),
        ("0.014", False),
    ],
)
def test_lot_size_steps_from_zero_not_from_the_minimum(quantity: str, passes: bool) -> None:
    expected = None if passes else failure("LOT_SIZE")
    assert verdict(SmallVenue(LOT), "SELL", "LIMIT", quantity=quantity, price="1") == expected


def test_lot_size_looks_at_the_iceberg_quantity() -> None:
    venue = SmallVenue(LOT)
    fields = {"quantity": "1", "price": "1"}
    assert verdict(venue, "SELL", "LIMIT", iceberg_quantity="0.013", **fields) == failure("LOT_SIZE")
    assert verdict(venue, "SELL", "LIMIT", iceberg_quantity="0.012", **fields) is None


def test_market_lot_size_binds_market_orders_only() -> None:
    venue = SmallVenue(LOT, {**LOT, "filterType": "MARKET_LOT_SIZE", "maxQty": "2", "stepSize": "0"})
    assert verdict(venue, "SELL", "MARKET", quantity="2.4") == failure("MARKET_LOT_SIZE")
    assert verdict(venue, "SELL", "MARKET", quantity="2") is None
    assert verdict(venue, "SELL", "MARKET", quantity="1.001") == failure("LOT_SIZE")
    assert verdict(venue, "SELL", "LIMIT", quantity="2.4", price="1") is None


@pytest.mark.parametrize(
    ("price", "passes"), [("130", True), ("130.01", False), ("70", True), ("69.99", False)]
)
@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_percent_price_of_the_average(side: str, price: str, passes: bool) -> None:
    rule = {
        "filterType": "PERCENT_PRICE",
        "multiplierUp": "1.3000",
        "multiplierDown": "0.7000",
        "avgPriceMins": 5,
    }
    venue = SmallVenue(rule)
    # volume-weighted: (90 * 1 + 110 * 1) / 2; an older trade does not count
    venue.engine.remember_trades(
        SYMBOL,
        [
            (venue.now - 301_000_000, units("500"), units("1")),
            (venue.now - 10_000_000, units("90"), units("1")),
            (venue.now, units("110"), units("1")),
        ],
    )
    expected = None if passes else failure("PERCENT_PRICE")
    assert verdict(venue, side, "LIMIT", quantity="1", price=price) == expected


BY_SIDE = {
    "filterType": "PERCENT_PRICE_BY_SIDE",
    "bidMultiplierUp": "1.2",
    "bidMultiplierDown": "0.2",
    "askMultiplierUp": "5",
    "askMultiplierDown": "0.8",
    "avgPriceMins": 0,
}


@pytest.mark.parametrize(
    ("side", "price", "passes"),
    [
        ("BUY", "120", True),
        ("BUY", "120.01", False),
        ("BUY", "20", True),
        ("BUY", "19.99", False),
        ("SELL", "500", True),
        ("SELL", "500.01", False),
        ("SELL", "80", True),
        ("SELL", "79.99", False),
    ],
)
def test_percent_price_by_side_with_the_last_price_for_zero_minutes(
    side: str, price: str, passes: bool
) -> None:
    expected = None if passes else failure("PERCENT_PRICE_BY_SIDE")
    assert (
        verdict(SmallVenue(BY_SIDE, last_price="100"), side, "LIMIT", quantity="1", price=price) == expected
    )


def test_percent_price_binds_nothing_before_the_first_trade() -> None:
    assert verdict(SmallVenue(BY_SIDE), "BUY", "LIMIT", quantity="1", price="7") is None


def test_average_over_fewer_minutes_than_another_filter_keeps() -> None:
    rule = {"filterType": "PERCENT_PRICE", "multiplierUp": "1.1", "multiplierDown": "0.9", "avgPriceMins": 1}
    venue = SmallVenue(rule)
    venue.engine.remember_trades(
        SYMBOL,
        [
            (venue.now - 120_000_000, units("500"), units("9")),
            (venue.now - 10_000_000, units("100"), units("1")),
        ],
    )
    assert venue.engine.average_price(SYMBOL, 1, venue.now) == units("100")
    assert venue.engine.average_price(SYMBOL, 5, venue.now) == units("460")
    assert venue.engine.average_price(SYMBOL, 0, venue.now) == units("100")
    assert verdict(venue, "BUY", "LIMIT", quantity="1", price="110") is None
    assert verdict(venue, "BUY", "LIMIT", quantity="1", price="110.01") == failure("PERCENT_PRICE")


@pytest.mark.parametrize("applies", [True, False])
def test_min_notional_is_price_times_quantity_and_the_average_for_market(applies: bool) -> None:
    rule = {"filterType": "MIN_NOTIONAL", "minNotional": "10", "applyToMarket": applies, "avgPriceMins": 5}
    venue = SmallVenue(rule, last_price="100")
    assert verdict(venue, "SELL", "LIMIT", quantity="0.1", price="100") is None
    assert verdict(venue, "SELL", "LIMIT", quantity="0.1", price="99.99") == failure("MIN_NOTIONAL")
    market = failure("MIN_NOTIONAL") if applies else None
    assert verdict(venue, "SELL", "MARKET", quantity="0.099") == market
    assert verdict(venue, "SELL", "MARKET", quantity="0.1") is None
    venue.limit(2, "SELL", "1", "101")
    assert verdict(venue, "BUY", "MARKET", quote_order_quantity="9.99") == market
    assert verdict(venue, "BUY", "MARKET", quote_order_quantity="10") is None


def test_notional_has_a_maximum_too() -> None:
    rule = {
        "filterType": "NOTIONAL",
        "minNotional": "10",
        "applyMinToMarket": False,
        "maxNotional": "10000",
        "applyMaxToMarket": True,
        "avgPriceMins": 5,
    }
    venue = SmallVenue(rule, last_price="100")
    assert verdict(venue, "SELL", "LIMIT", quantity="1", price="9.99") == failure("NOTIONAL")
    assert verdict(venue, "SELL", "LIMIT", quantity="1", price="10000") is None
    assert verdict(venue, "SELL", "LIMIT", quantity="1", price="10000.01") == failure("NOTIONAL")
    assert verdict(venue, "SELL", "MARKET", quantity="0.01") is None
    assert verdict(venue, "SELL", "MARKET", quantity="101") == failure("NOTIONAL")
    lenient = SmallVenue({**rule, "applyMaxToMarket": False}, last_price="100")
    assert verdict(lenient, "SELL", "MARKET", quantity="101") is None


def test_notional_of_a_market_order_binds_nothing_before_the_first_trade() -> None:
    rule = {"filterType": "MIN_NOTIONAL", "minNotional": "10", "applyToMarket": True, "avgPriceMins": 5}
    assert verdict(SmallVenue(rule), "SELL", "MARKET", quantity="0.001") is None


def test_iceberg_parts_are_quantity_over_iceberg_quantity_rounded_up() -> None:
    venue = SmallVenue({"filterType": "ICEBERG_PARTS", "limit": 10})
    fields = {"price": "1", "iceberg_quantity": "1"}
    assert verdict(venue, "SELL", "LIMIT", quantity="10", **fields) is None
    assert verdict(venue, "SELL", "LIMIT", quantity="10.1", **fields) == failure("ICEBERG_PARTS")


def test_max_position_is_what_is_held_and_bid_for() -> None:
    venue = SmallVenue({"filterType": "MAX_POSITION", "maxPosition": "1001"})
    assert verdict(venue, "BUY", "LIMIT", quantity="1", price="1") is None
    assert verdict(venue, "BUY", "LIMIT", quantity="1", price="1") is None
    assert verdict(venue, "BUY", "LIMIT", quantity="1", price="1") == failure("MAX_POSITION")
    assert verdict(venue, "SELL", "LIMIT", quantity="1", price="9") is None


@pytest.mark.parametrize(
    ("side", "kind", "delta", "passes"),
    [
        ("BUY", "STOP_LOSS", 100, True),
        ("BUY", "STOP_LOSS", 101, False),
        ("SELL", "TAKE_PROFIT", 10, True),
        ("SELL", "TAKE_PROFIT", 9, False),
        ("SELL", "STOP_LOSS", 200, True),
        ("SELL", "STOP_LOSS", 201, False),
        ("BUY", "TAKE_PROFIT", 20, True),
        ("BUY", "TAKE_PROFIT", 19, False),
    ],
)
def test_trailing_delta_above_bounds_bind_what_triggers_when_rising(
    side: str, kind: str, delta: int, passes: bool
) -> None:
    rule = {
        "filterType": "TRAILING_DELTA",
        "minTrailingAboveDelta": 10,
        "maxTrailingAboveDelta": 100,
        "minTrailingBelowDelta": 20,
        "maxTrailingBelowDelta": 200,
    }
    expected = None if passes else failure("TRAILING_DELTA")
    assert verdict(SmallVenue(rule), side, kind, quantity="1", trailing_delta=delta) == expected


STOP = {"quantity": "1", "stop_price": "120"}
PLAIN = {"quantity": "1", "price": "90"}


@pytest.mark.parametrize("scope", ["symbol", "exchange"])
def test_numbers_of_open_orders_algo_orders_icebergs_and_lists_are_limited(scope: str) -> None:
    limits = (
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 4},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 1},
        {"filterType": "MAX_NUM_ICEBERG_ORDERS", "maxNumIcebergOrders": 1},
        {"filterType": "MAX_NUM_ORDER_LISTS", "maxNumOrderLists": 1},
    )
    overall = tuple({**limit, "filterType": f"EXCHANGE_{limit['filterType']}"} for limit in limits)
    prefix = "" if scope == "symbol" else "EXCHANGE_"
    filters = limits if scope == "symbol" else ()
    exchange = overall if scope == "exchange" else ()
    venue = SmallVenue(*filters, last_price="100", exchange_filters=exchange)
    assert verdict(venue, "BUY", "STOP_LOSS", **STOP) is None
    assert verdict(venue, "BUY", "STOP_LOSS", **STOP) == failure(f"{prefix}MAX_NUM_ALGO_ORDERS")
    iceberg = {"quantity": "1", "price": "90", "iceberg_quantity": "0.5"}
    assert verdict(venue, "BUY", "LIMIT", **iceberg) is None
    assert verdict(venue, "BUY", "LIMIT", **iceberg) == failure(f"{prefix}MAX_NUM_ICEBERG_ORDERS")
    # a list's legs count one by one: these two make four
    venue.place_list(1, "OTO", venue.new("BUY", "LIMIT", **PLAIN), venue.new("SELL", "MARKET", quantity="1"))
    assert verdict(venue, "BUY", "LIMIT", **PLAIN) == failure(f"{prefix}MAX_NUM_ORDERS")
    assert verdict(venue, "BUY", "LIMIT", account_id=2, **PLAIN) is None
    for order in venue.engine.open_orders(1)[:2]:
        venue.cancel(1, order)
    with pytest.raises(Rejection) as caught:
        venue.place_list(
            1, "OTO", venue.new("BUY", "LIMIT", **PLAIN), venue.new("SELL", "MARKET", quantity="1")
        )
    assert (caught.value.code, caught.value.msg) == failure(f"{prefix}MAX_NUM_ORDER_LISTS")
    # what was cancelled counts no more
    assert verdict(venue, "BUY", "STOP_LOSS", **STOP) is None
    assert verdict(venue, "BUY", "LIMIT", **iceberg) is None


def test_an_otoco_adds_three_orders_and_one_list() -> None:
    venue = SmallVenue({"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 2}, last_price="100")
    legs = (
        venue.new("BUY", "LIMIT", **PLAIN),
        venue.new("SELL", "LIMIT_MAKER", quantity="1", price="110"),
        venue.new("SELL", "STOP_LOSS", quantity="1", stop_price="80"),
    )
    with pytest.raises(Rejection, match="MAX_NUM_ORDERS"):
        venue.place_list(1, "OTOCO", *legs)
