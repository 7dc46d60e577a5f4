"""The record across the join: past and live trades as one, and nothing scanned to find them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from market_samples import DAY, HOUR, LISTINGS, SECOND, START, past_of
from test_past import added_up

from crypto_ws_sync.simulator.market.live_trades import CHUNK
from crypto_ws_sync.simulator.market.record import MarketRecord
from crypto_ws_sync.simulator.market.seeded import seeded_words
from crypto_ws_sync.simulator.market.summary import PublicTrade


def live_trades(first_id: int, price: int, count: int, seed: int = 0) -> Iterator[tuple[PublicTrade, int]]:
    """Yield trades as an engine could make them, some of them fills of one taker order."""
    time_us, taker = START, 1
    words = seeded_words(3 * count, seed, "live")
    for number in range(count):
        pace, move, size = words[3 * number : 3 * number + 3]
        if pace % 3:
            taker += 1
            time_us += pace % 7 * SECOND // 2
        if pace % 2:
            price += (move % 21 - 10) * 1_000_000
        quantity = (size % 500 + 1) * 1_000
        yield (
            PublicTrade(
                first_id + number, price, quantity, price * quantity // 10**8, time_us, taker % 2 == 0
            ),
            taker,
        )


def record_with(count: int, symbol: str = "BTCUSDT") -> MarketRecord:
    record = MarketRecord(past_of(symbol))
    last = record.last
    assert last is not None
    for trade, taker in live_trades(record.next_id, last.price, count):
        record.add(trade, taker)
    return record


RECORD = record_with(3 * CHUNK + 100)
JOIN = past_of().count


@given(before=st.integers(0, 5_000), after=st.integers(1, 3 * CHUNK + 100))
@settings(max_examples=40, deadline=None)
def test_ranges_run_across_the_join(before: int, after: int) -> None:
    trades = RECORD.trades(JOIN - before, JOIN + after)
    assert [trade.id for trade in trades] == list(range(JOIN - before, JOIN + after))
    assert all(a.time_us <= b.time_us for a, b in itertools.pairwise(trades))
    assert RECORD.summary(JOIN - before, JOIN + after) == added_up(trades)


@given(st.integers(-2_000, 3 * CHUNK + 99))
@settings(max_examples=100, deadline=None)
def test_time_and_id_are_inverse_on_both_sides(offset: int) -> None:
    trade = RECORD.trades(JOIN + offset, JOIN + offset + 1)[0]
    found = RECORD.id_at(trade.time_us)
    assert found <= trade.id < RECORD.id_at(trade.time_us + 1)
    assert RECORD.trades(found, found + 1)[0].time_us == trade.time_us


@given(st.integers(0, 3_000), st.integers(1, 4_000))
@settings(max_examples=40, deadline=None)
def test_aggregates_run_across_the_join(before: int, count: int) -> None:
    first = past_of().aggregate_count - before
    rows = RECORD.aggregates(first, first + count)
    assert [row.id for row in rows] == list(range(first, min(first + count, RECORD.next_aggregate_id)))
    trades = RECORD.trades(rows[0].first_id, rows[-1].last_id + 1)
    assert sum(row.quantity for row in rows) == sum(trade.quantity for trade in trades)
    assert all(b.first_id == a.last_id + 1 for a, b in itertools.pairwise(rows))
    for row in rows:
        assert RECORD.aggregate_at(row.time_us) <= row.id < RECORD.aggregate_at(row.time_us + 1)


def test_fills_of_one_taker_at_one_price_are_one_aggregate() -> None:
    record = MarketRecord(past_of())
    first, aggregate = record.next_id, record.next_aggregate_id
    for number, (price, taker) in enumerate([(5, 1), (5, 1), (6, 1), (6, 2), (6, 2), (5, 1)]):
        record.add(PublicTrade(first + number, price, 10, 0, START, False), taker)
    rows = record.aggregates(aggregate, aggregate + 10)
    assert [(row.first_id - first, row.last_id - first, row.price, row.quantity) for row in rows] == [
        (0, 1, 5, 20),
        (2, 2, 6, 10),
        (3, 4, 6, 20),
        (5, 5, 5, 10),
    ]


def test_a_trade_out_of_turn_is_refused() -> None:
    record = record_with(10)
    last = record.last
    assert last is not None
    for wrong in (
        last,
        last._replace(id=last.id + 2),
        last._replace(id=last.id + 1, time_us=last.time_us - 1),
    ):
        with pytest.raises(ValueError, match=f"trade {wrong.id}"):
            record.add(wrong, 99)
    assert record.last == last


def test_the_future_is_empty_and_the_end_is_the_last_trade() -> None:
    assert RECORD.id_at(START + 400 * DAY) == RECORD.next_id
    assert RECORD.summary(RECORD.next_id, RECORD.next_id + 5) is None
    assert list(RECORD.trades(RECORD.next_id, RECORD.next_id + 5)) == []
    assert RECORD.aggregate_at(START + 400 * DAY) == RECORD.next_aggregate_id
    assert RECORD.aggregates(RECORD.next_aggregate_id - 1, RECORD.next_aggregate_id)[0].last_id == (
        RECORD.next_id - 1
    )


def test_a_record_without_a_past_begins_with_trade_zero() -> None:
    record = MarketRecord(past_of("ETHUSDT", start_us=0))
    assert record.next_id == 0
    assert record.last is None
    record.add(PublicTrade(0, 100, 10, 10, HOUR, True), 1)
    assert [trade.id for trade in record.trades(0, 5)] == [0]
    assert record.id_at(HOUR) == 0
    assert record.id_at(HOUR + 1) == 1


@pytest.mark.parametrize("symbol", LISTINGS)
def test_the_last_price_of_the_past_is_there_before_any_live_trade(symbol: str) -> None:
    record = MarketRecord(past_of(symbol))
    assert record.symbol == symbol
    assert record.last is not None
    assert record.last.id == record.next_id - 1
