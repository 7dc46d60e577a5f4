"""Reference prices and the price range within which a taker may trade."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matching_venue import SYMBOL, SmallVenue, told, units, verdict

from crypto_ws_sync.simulator.matching import ArithmeticMean, ExternalPrice, Order, PriceRange

OUT_OF_RANGE = "EXECUTION_RULE_PRICE_RANGE_EXCEEDED"
MS = 1000


def ranged(reference: str | None = "100", *asks: str, **bounds: str) -> SmallVenue:
    """A venue with a reference price set from outside, and asks of 1 by account 2."""
    venue = SmallVenue()
    multipliers = {name: units(value) for name, value in bounds.items()}
    venue.engine.set_price_range(SYMBOL, PriceRange(**multipliers) if multipliers else None)
    if reference is not None:
        price = ExternalPrice()
        price.set(units(reference))
        venue.engine.set_reference(SYMBOL, price)
    for ask in asks:
        venue.limit(2, "SELL", "1", ask)
    return venue


def ending(order: Order) -> tuple[str, str, int]:
    return order.status, order.expiry_reason, order.executed


def test_a_taker_about_to_trade_beyond_the_range_expires_with_what_is_left() -> None:
    venue = ranged("100", "110", "120", "120.01", bid_up="1.2")
    outcome = venue.place(1, "BUY", "LIMIT", quantity="3", price="130")
    assert ending(outcome.order) == ("EXPIRED", OUT_OF_RANGE, units("2"))
    assert told(outcome, 1)[-2:] == ["EXPIRED/EXPIRED 4", "position"]
    assert venue.balance(1, "USDT") == (units("999770"), 0)
    assert len(venue.engine.depth(SYMBOL, 5)[2]) == 1


@pytest.mark.parametrize(
    ("side", "kind", "bounds", "status"),
    [
        ("BUY", "MARKET", {"bid_up": "1.1"}, "EXPIRED"),
        ("BUY", "MARKET", {"bid_up": "1.2"}, "FILLED"),
        ("BUY", "MARKET", {"bid_down": "1.3"}, "EXPIRED"),
        ("BUY", "LIMIT", {"ask_up": "1.1", "ask_down": "1.3"}, "FILLED"),
        ("SELL", "MARKET", {"ask_down": "0.9"}, "EXPIRED"),
        ("SELL", "MARKET", {"ask_down": "0.8"}, "FILLED"),
        ("SELL", "MARKET", {"ask_up": "0.7"}, "EXPIRED"),
        ("SELL", "LIMIT", {"bid_up": "0.7", "bid_down": "0.9"}, "FILLED"),
    ],
)
def test_each_multiplier_binds_takers_of_its_side_in_its_direction(
    side: str, kind: str, bounds: dict[str, str], status: str
) -> None:
    venue = ranged("100", "120", **bounds)
    venue.limit(2, "BUY", "1", "80")
    price = {"price": "120" if side == "BUY" else "80"} if kind == "LIMIT" else {}
    order = venue.place(1, side, kind, quantity="1", **price).order
    assert order.status == status
    assert (order.expiry_reason == OUT_OF_RANGE) == (status == "EXPIRED")


@pytest.mark.parametrize(
    ("reference", "bounds"), [(None, {"bid_up": "1.1"}), ("100", {}), ("100", {"bid_down": "0.5"})]
)
def test_the_range_binds_nothing_without_rule_reference_price_or_multiplier(
    reference: str | None, bounds: dict[str, str]
) -> None:
    venue = ranged(reference, "1000", **bounds)
    assert venue.place(1, "BUY", "MARKET", quantity="1").order.status == "FILLED"


def test_a_reference_price_that_was_taken_away_binds_nothing() -> None:
    venue = ranged("100", "1000", bid_up="1.1")
    price = ExternalPrice()
    price.set(units("100"))
    price.set(None)
    venue.engine.set_reference(SYMBOL, price)
    assert venue.place(1, "BUY", "MARKET", quantity="1").order.status == "FILLED"
    assert price.was_ever_set


def test_an_order_that_rests_is_not_bound_by_the_range() -> None:
    venue = ranged("100", bid_up="1.1", ask_up="1.1")
    maker = venue.limit(2, "SELL", "1", "500")
    assert maker.status == "NEW"
    # and the taker's side alone decides
    assert ending(venue.limit(1, "BUY", "1", "500")) == ("EXPIRED", OUT_OF_RANGE, 0)
    assert maker.status == "NEW"


def test_a_fok_order_that_only_the_range_keeps_from_filling_says_so() -> None:
    venue = ranged("100", "110", "120", bid_up="1.1")
    late = venue.limit(1, "BUY", "2", "130", time_in_force="FOK")
    thin = venue.limit(1, "BUY", "3", "130", time_in_force="FOK")
    inside = venue.limit(1, "BUY", "1", "130", time_in_force="FOK")
    assert ending(late) == ("EXPIRED", OUT_OF_RANGE, 0)
    assert ending(thin) == ("EXPIRED", "UNFILLED_FOK_ORDER_EXPIRED", 0)
    assert inside.status == "FILLED"


def test_the_bounds_are_fixed_when_the_taker_phase_starts() -> None:
    venue = SmallVenue()
    venue.engine.set_reference(SYMBOL, ArithmeticMean(10, 1000 * MS))
    venue.trade_at("100")
    venue.engine.set_price_range(SYMBOL, PriceRange(bid_up=units("1.5")))
    venue.now -= 900 * MS
    venue.limit(2, "SELL", "1", "140")
    venue.limit(2, "SELL", "1", "160")
    venue.now -= 1900 * MS
    # the first trade lifts the mean to 120, and with it the bounds of whoever takes after
    first = venue.place(1, "BUY", "MARKET", quantity="2").order
    assert ending(first) == ("EXPIRED", OUT_OF_RANGE, units("1"))
    assert venue.engine.reference_price(SYMBOL, venue.now) == units("120")
    assert venue.limit(1, "BUY", "1", "160").status == "FILLED"


def test_a_triggered_order_is_bound_when_it_goes_to_market() -> None:
    venue = ranged("100", bid_up="1.1")
    venue.trade_at("100")
    stop = venue.place(1, "BUY", "STOP_LOSS", quantity="1", stop_price="105").order
    venue.limit(2, "SELL", "0.001", "105")
    venue.limit(2, "SELL", "1", "120")
    venue.limit(3, "BUY", "0.001", "105")
    assert ending(stop) == ("EXPIRED", OUT_OF_RANGE, 0)


@pytest.mark.parametrize(("reference", "passes"), [("100", True), ("200", False), (None, False)])
def test_filters_compare_with_the_reference_price_where_there_is_one(
    reference: str | None, passes: bool
) -> None:
    percent = {"filterType": "PERCENT_PRICE", "multiplierUp": "1.1", "multiplierDown": "0.9"}
    notional = {"filterType": "NOTIONAL", "minNotional": "100", "maxNotional": "150"}
    notional |= {"applyMinToMarket": True, "applyMaxToMarket": True}
    minutes = {"avgPriceMins": 5}
    venue = SmallVenue({**percent, **minutes}, {**notional, **minutes}, last_price="50")
    venue.engine.remember_trades(SYMBOL, [(venue.now, units("50"), units("1"))])
    if reference is not None:
        price = ExternalPrice()
        price.set(units(reference))
        venue.engine.set_reference(SYMBOL, price)
    limited = verdict(venue, "BUY", "LIMIT", quantity="1", price="105")
    assert limited == (None if passes else (-1013, "Filter failure: PERCENT_PRICE"))
    market = verdict(venue, "SELL", "MARKET", quantity="1")
    assert market == (None if passes else (-1013, "Filter failure: NOTIONAL"))


def test_the_mean_counts_the_bucket_at_the_windows_start_in_part() -> None:
    mean = ArithmeticMean(2, 1000 * MS)
    assert (mean.price_at(0), mean.was_ever_set) == (None, False)
    mean.observe(100 * MS, 100)
    mean.observe(900 * MS, 300)
    assert mean.price_at(1500 * MS) == 200
    mean.observe(2100 * MS, 501)
    # three quarters of the first bucket lie before the window: 400 and 2 trades count a quarter
    assert mean.price_at(2750 * MS) == (100 + 501) * 2 // 3
    # asking changes nothing
    assert mean.price_at(2750 * MS) == (100 + 501) * 2 // 3
    assert mean.price_at(3000 * MS) == 501
    assert mean.price_at(4999 * MS) == 501
    assert (mean.price_at(5000 * MS), mean.was_ever_set) == (None, True)


@pytest.mark.parametrize(("count", "width"), [(0, 1000), (1, 0), (1, 1500)])
def test_a_mean_needs_buckets_of_whole_milliseconds(count: int, width: int) -> None:
    with pytest.raises(ValueError, match="whole milliseconds"):
        ArithmeticMean(count, width)


@given(
    st.integers(1, 4),
    st.sampled_from((1, 7, 100)),
    st.lists(st.tuples(st.integers(0, 60_000), st.integers(1, 10**12)), min_size=1, max_size=30),
    st.integers(0, 60_000),
)
def test_the_mean_is_that_of_all_trades_by_their_buckets_part_in_the_window(
    count: int, width_ms: int, steps: list[tuple[int, int]], wait: int
) -> None:
    width = width_ms * MS
    mean = ArithmeticMean(count, width)
    now, trades = 10**15, []
    for step, price in steps:
        now += step
        trades.append((now, price))
        mean.observe(now, price)
    now += wait
    weights = []
    for time, price in trades:
        opened = time // width * width
        inside = min(max(opened + width - (now - count * width), 0), width)
        weights.append((inside, price))
    whole = sum(weight for weight, _ in weights)
    expected = sum(weight * price for weight, price in weights) // whole if whole else None
    assert mean.price_at(now) == expected
