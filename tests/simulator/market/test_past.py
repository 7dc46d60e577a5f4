"""The computed past: exact sums, look-ups that are each other's inverse, nothing but the seed behind it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from market_samples import DAY, HOUR, LISTINGS, MINUTE, START, moment, past_of

from crypto_ws_sync.simulator.market.asset_values import AssetValue
from crypto_ws_sync.simulator.market.past import LISTED_SINCE_US, Past
from crypto_ws_sync.simulator.market.summary import PublicTrade, Summary

PASTS = {symbol: past_of(symbol) for symbol in LISTINGS}
by_symbol = pytest.mark.parametrize("symbol", LISTINGS)
symbols = st.sampled_from(sorted(LISTINGS))


def added_up(trades: Sequence[PublicTrade]) -> Summary:
    """Return what trades come to, the slow and obvious way."""
    taken = [trade for trade in trades if not trade.is_buyer_maker]
    return Summary(
        trades[0].id,
        len(trades),
        trades[0].price,
        max(trade.price for trade in trades),
        min(trade.price for trade in trades),
        trades[-1].price,
        sum(trade.quantity for trade in trades),
        sum(trade.quote_quantity for trade in trades),
        sum(trade.quantity for trade in taken),
        sum(trade.quote_quantity for trade in taken),
    )


@given(symbol=symbols, start=st.integers(0, 30 * 10**6), count=st.integers(1, 30_000))
@settings(max_examples=25, deadline=None)
def test_summaries_equal_the_trades(symbol: str, start: int, count: int) -> None:
    past = PASTS[symbol]
    first = start % past.count
    trades = past.trades(first, first + count)
    assert [trade.id for trade in trades] == list(range(first, min(first + count, past.count)))
    assert past.summary(first, first + count) == added_up(trades)


@given(symbol=symbols, cuts=st.lists(st.integers(0, 2**40), min_size=3, max_size=5))
@settings(max_examples=25, deadline=None)
def test_adjoining_ranges_join(symbol: str, cuts: list[int]) -> None:
    past = PASTS[symbol]
    edges = sorted(cut % (past.count + 1) for cut in cuts)
    parts = [past.summary(a, b) for a, b in itertools.pairwise(edges)]
    whole = past.summary(edges[0], edges[-1])
    there = [part for part in parts if part is not None]
    assert sum(part.trades for part in there) == (0 if whole is None else whole.trades)
    if whole is not None:
        assert whole.volume == sum(part.volume for part in there)
        assert whole.quote_volume == sum(part.quote_volume for part in there)
        assert (whole.open, whole.close) == (there[0].open, there[-1].close)
        assert whole.high == max(part.high for part in there)


@given(symbol=symbols, number=st.integers(0, 2**40))
@settings(max_examples=50, deadline=None)
def test_a_time_leads_to_the_trade_at_it(symbol: str, number: int) -> None:
    past = PASTS[symbol]
    trade = past.trades(number % past.count, number % past.count + 1)[0]
    found = past.id_at(trade.time_us)
    assert found <= trade.id < past.id_at(trade.time_us + 1)
    assert all(same.time_us == trade.time_us for same in past.trades(found, trade.id + 1))


@given(symbol=symbols, time_us=st.integers(LISTED_SINCE_US - DAY, START + DAY))
@settings(max_examples=50, deadline=None)
def test_the_trades_around_a_moment_lie_on_their_sides_of_it(symbol: str, time_us: int) -> None:
    past = PASTS[symbol]
    found = past.id_at(time_us)
    assert all(trade.time_us < time_us for trade in past.trades(found - 1, found))
    assert all(trade.time_us >= time_us for trade in past.trades(found, found + 1))
    aggregate = past.aggregate_at(time_us)
    assert all(row.time_us < time_us for row in past.aggregates(aggregate - 1, aggregate))
    assert all(row.time_us >= time_us for row in past.aggregates(aggregate, aggregate + 1))


@given(symbol=symbols, start=st.integers(0, 2**40), count=st.integers(1, 3_000))
@settings(max_examples=25, deadline=None)
def test_aggregates_are_the_trades_of_one_taker_at_one_price(symbol: str, start: int, count: int) -> None:
    past = PASTS[symbol]
    first = start % past.aggregate_count
    rows = past.aggregates(first, first + count)
    assert [row.id for row in rows] == list(range(first, min(first + count, past.aggregate_count)))
    assert all(after.first_id == row.last_id + 1 for row, after in itertools.pairwise(rows))
    for row in rows:
        trades = past.trades(row.first_id, row.last_id + 1)
        assert {(t.price, t.time_us, t.is_buyer_maker) for t in trades} == {
            (row.price, row.time_us, row.is_buyer_maker)
        }
        assert sum(t.quantity for t in trades) == row.quantity


@by_symbol
def test_the_ids_of_both_kinds_reach_the_start_together(symbol: str) -> None:
    past = PASTS[symbol]
    assert past.trades(0, 1)[0].time_us >= LISTED_SINCE_US
    last = past.trades(past.count - 1, past.count + 5)
    assert [trade.id for trade in last] == [past.count - 1]
    assert START - HOUR < last[0].time_us < START
    assert past.aggregates(past.aggregate_count - 1, past.aggregate_count + 9)[-1].last_id == past.count - 1
    assert past.id_at(START) == past.id_at(START + DAY) == past.count
    assert past.summary(past.count, past.count + 1) is None


@by_symbol
def test_trades_keep_the_filters_and_need_no_rounding(symbol: str) -> None:
    listing, past = LISTINGS[symbol], PASTS[symbol]
    for first in range(0, past.count, past.count // 40):
        for trade in past.trades(first, first + 50):
            price, quantity = Decimal(trade.price).scaleb(-8), Decimal(trade.quantity).scaleb(-8)
            assert price % listing.tick_size == 0
            assert quantity % listing.step_size == 0
            assert listing.min_notional <= price * quantity <= listing.max_notional
            assert price * quantity == Decimal(trade.quote_quantity).scaleb(-8)


def test_a_price_moves_smoothly_from_hour_to_hour() -> None:
    past = PASTS["BTCUSDT"]
    trades = past.trades(past.id_at(START - 3 * DAY), past.count)
    moves = sorted(abs(b.price - a.price) / a.price for a, b in itertools.pairwise(trades))
    assert moves[len(moves) // 2] < 0.0005
    assert moves[-1] < 0.01


def test_the_cross_agrees_with_the_two_prices_it_joins() -> None:
    for day in range(1, 300, 23):
        prices = {}
        for symbol in ("BTCUSDT", "ETHUSDT", "ETHBTC"):
            past = PASTS[symbol]
            summary = past.summary(past.id_at(START - day * DAY), past.id_at(START - day * DAY + HOUR))
            assert summary is not None
            prices[symbol] = summary.quote_volume / summary.volume
        assert prices["ETHBTC"] == pytest.approx(prices["ETHUSDT"] / prices["BTCUSDT"], rel=0.03)


def test_the_same_seed_gives_the_same_past_in_whatever_order_it_is_asked() -> None:
    one, other = past_of("ETHUSDT", seed=7), past_of("ETHUSDT", seed=7, start_us=START + 400 * DAY)
    spans = [(START - back * DAY, START - back * DAY + 90 * MINUTE) for back in (900, 3, 1500, 40)]
    forward = [one.trades(one.id_at(a), one.id_at(b)) for a, b in spans]
    backward = [other.trades(other.id_at(a), other.id_at(b)) for a, b in reversed(spans)]
    assert forward == backward[::-1]
    assert all(forward)
    assert one.summary(0, one.count) == other.summary(0, other.id_at(START))


def test_a_known_stretch_of_the_past_is_the_same_on_every_machine() -> None:
    past = past_of("BTCUSDT", seed=1, start_us=moment("2026-01-01T00:00:00"))
    assert past.count == 28_572_000
    assert past.trades(20_000_000, 20_000_001) == [
        PublicTrade(20_000_000, 11_522_102_000_000, 372_000, 42_862_219_440, 1_710_313_210_159_997, False)
    ]


def test_different_seeds_give_different_pasts() -> None:
    one, other = past_of(seed=1), past_of(seed=2)
    assert [t[1:5] for t in one.trades(0, 20)] != [t[1:5] for t in other.trades(0, 20)]
    assert one.count != other.count


def test_an_exchange_older_than_its_listings_has_no_past() -> None:
    for start_us in (0, LISTED_SINCE_US - DAY, LISTED_SINCE_US):
        past = past_of(start_us=start_us)
        assert past.count == past.aggregate_count == 0
        assert past.trades(0, 10) == []
        assert past.aggregates(0, 10) == []
        assert past.summary(0, 10) is None
        assert past.id_at(start_us) == past.id_at(start_us + DAY) == 0


@given(asset=st.text(min_size=1, max_size=6), seed=st.integers(0, 2**64))
@settings(max_examples=30, deadline=None)
def test_any_asset_keeps_a_positive_value_that_meets_itself_at_midnight(asset: str, seed: int) -> None:
    value = AssetValue(seed, asset)
    for day in range(19_000, 22_000, 311):
        hours, after = value.hours(day), value.hours(day + 1)
        assert hours[24] == after[0]
        assert min(hours) > 0
        assert value.at(day * DAY + 5 * HOUR) == hours[5]


def test_the_past_of_an_unusual_listing_is_still_exact() -> None:
    listing = LISTINGS["BNBBTC"]
    odd = type(listing)(
        "PEPEBTC",
        "PEPE",
        "BTC",
        *map(Decimal, ("1e-8", "1e-8", "1", "0.1", "0.1", "9e5", "9e5", "1e-4", "9")),
    )
    past = Past(3, odd, AssetValue(3, "PEPE"), AssetValue(3, "BTC"), START)
    trades = past.trades(past.count - 5_000, past.count)
    assert past.summary(past.count - 5_000, past.count) == added_up(trades)
    assert min(trade.price for trade in trades) > 0
