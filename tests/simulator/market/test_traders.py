"""The synthetic traders: the same for the same seed and times, however time is sliced."""

from __future__ import annotations

import itertools
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from market_samples import HOUR, LISTINGS, MINUTE, SECOND, START, past_of

from crypto_ws_sync.simulator.market.asset_values import AssetValue
from crypto_ws_sync.simulator.market.fair_price import FairPrice
from crypto_ws_sync.simulator.market.traders import SLOTS, Quote, SymbolTraders, SyntheticTraders, Take


def fair_of(symbol: str, seed: int, start_us: int = START) -> FairPrice:
    listing = LISTINGS[symbol]
    past = past_of(symbol, seed, start_us)
    last = past.trades(past.count - 1, past.count)
    return FairPrice(
        AssetValue(seed, listing.base_asset),
        AssetValue(seed, listing.quote_asset),
        start_us,
        last[0].price if last else None,
    )


def traders_of(*symbols: str, seed: int = 0) -> SyntheticTraders:
    traders = [SymbolTraders(seed, past_of(each, seed), fair_of(each, seed)) for each in symbols]
    return SyntheticTraders(traders)


@given(st.lists(st.integers(0, 5 * MINUTE), max_size=12))
@settings(max_examples=12, deadline=None)
def test_how_time_is_sliced_makes_no_difference(steps: list[int]) -> None:
    sliced, whole = traders_of(*LISTINGS), traders_of(*LISTINGS)
    now = START
    actions: list[Quote | Take] = []
    for step in steps:
        now += step
        actions += sliced.due(now)
        assert sliced.next_us > now
    assert actions == list(whole.due(now))
    assert all(START < action.time_us <= now for action in actions)
    assert [action.time_us for action in actions] == sorted(action.time_us for action in actions)


def test_another_seed_does_other_things() -> None:
    one, other = (list(traders_of("BTCUSDT", seed=seed).due(START + MINUTE)) for seed in (1, 2))
    assert len(one) > 100
    assert [action[3:] for action in one] != [action[3:] for action in other]


@pytest.mark.parametrize("symbol", LISTINGS)
def test_the_fair_price_begins_at_the_last_price_and_moves_on_smoothly(symbol: str) -> None:
    past, fair = past_of(symbol), fair_of(symbol, 0)
    assert fair.at(START) == past.trades(past.count - 1, past.count)[0].price
    prices = [fair.at(START + second * SECOND) for second in range(0, 4 * 3_600, 10)]
    assert all(abs(b - a) < a // 200 for a, b in itertools.pairwise(prices))
    assert len(set(prices)) > len(prices) // 2


@pytest.mark.parametrize("symbol", LISTINGS)
def test_quotes_stay_on_their_side_of_the_fair_price_within_the_filters(symbol: str) -> None:
    listing, fair = LISTINGS[symbol], fair_of(symbol, 0)
    traders = SymbolTraders(0, past_of(symbol), fair)
    tick, step = (int(size.scaleb(8)) for size in (listing.tick_size, listing.step_size))
    opening = traders.opening()
    assert {(quote.is_buy, quote.slot) for quote in opening} == {
        (is_buy, slot) for is_buy in (True, False) for slot in range(SLOTS)
    }
    actions: list[Quote | Take] = [*opening]
    while traders.next_us < START + 20 * MINUTE:
        actions += traders.beat()
    for action in actions:
        price = fair.at(action.time_us)
        assert action.price % tick == 0
        assert action.quantity % step == 0
        assert listing.min_quantity <= action.quantity * listing.step_size / step <= listing.max_quantity
        if isinstance(action, Quote):
            assert action.price < price if action.is_buy else action.price > price
            assert abs(action.price - price) < price // 20
        else:
            assert abs(action.price - price) < price // 50


def test_no_quote_is_left_on_the_wrong_side() -> None:
    fair = fair_of("BTCUSDT", 0)
    traders = SymbolTraders(0, past_of("BTCUSDT"), fair)
    book = {(quote.is_buy, quote.slot): quote.price for quote in traders.opening()}
    while traders.next_us < START + HOUR:
        time_us = traders.next_us
        for action in traders.beat():
            if isinstance(action, Quote):
                others = [price for (is_buy, _), price in book.items() if is_buy != action.is_buy]
                assert action.price < min(others) if action.is_buy else action.price > max(others)
                book[action.is_buy, action.slot] = action.price
        price = fair.at(time_us)
        assert max(value for (is_buy, _), value in book.items() if is_buy) < price
        assert min(value for (is_buy, _), value in book.items() if not is_buy) > price


def test_the_traders_take_about_as_often_as_in_the_past() -> None:
    past = past_of("BTCUSDT")
    takes = [action for action in traders_of("BTCUSDT").due(START + 3 * HOUR) if isinstance(action, Take)]
    before = past.aggregate_count - past.aggregate_at(START - 3 * HOUR)
    assert before / 3 < len(takes) < before * 3
    buys = sum(take.is_buy for take in takes)
    assert 0.3 < buys / len(takes) < 0.7


def test_catching_up_needs_no_memory_for_what_is_ahead() -> None:
    traders = traders_of("BTCUSDT")
    due = traders.due(START + 1_000_000 * HOUR)
    first = next(due)
    assert first.time_us < START + MINUTE
    assert sys.getsizeof(due) < 1_000
