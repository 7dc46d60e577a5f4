"""Klines equal the trades, in every interval and zone, and page without holes."""

from __future__ import annotations

import itertools
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from market_samples import DAY, HOUR, LISTINGS, MINUTE, SECOND, START, moment, past_of
from test_record import RECORD

from crypto_ws_sync.simulator.market.candles import Kline, klines
from crypto_ws_sync.simulator.market.intervals import FIXED_INTERVALS, INTERVALS, interval_start, zone_offset
from crypto_ws_sync.simulator.market.live_trades import CHUNK
from crypto_ws_sync.simulator.market.past import LISTED_SINCE_US
from crypto_ws_sync.simulator.market.record import MarketRecord
from crypto_ws_sync.simulator.market.summary import PublicTrade

LAST = RECORD.trades(RECORD.next_id - 1, RECORD.next_id)[0].time_us
NOW = LAST + 90 * SECOND
zones = st.sampled_from(["0", "5:45", "-3:30", "14:00", "-12:00", "8"]).map(zone_offset)
quick_intervals = st.sampled_from(["1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h"])


def amount(text: int | str) -> int:
    return int(Decimal(text).scaleb(8))


def spelled_out(trades: list[PublicTrade]) -> list[int]:
    """Return open, high, low, close, volume, quote volume, count, taker volumes of trades."""
    taken = [trade for trade in trades if not trade.is_buyer_maker]
    prices = [trade.price for trade in trades]
    return [
        *(prices[0], max(prices), min(prices), prices[-1]),
        sum(trade.quantity for trade in trades),
        sum(trade.quote_quantity for trade in trades),
        len(trades),
        sum(trade.quantity for trade in taken),
        sum(trade.quote_quantity for trade in taken),
    ]


def figures(row: Kline) -> list[int]:
    """Return the same of a kline."""
    return [*map(amount, row[1:6]), amount(row[7]), int(row[8]), amount(row[9]), amount(row[10])]


@given(interval=quick_intervals, back=st.integers(-3_600, 400_000), offset_us=zones)
@settings(max_examples=40, deadline=None)
def test_klines_equal_the_trades(interval: str, back: int, offset_us: int) -> None:
    start = START - back * SECOND
    rows = klines(RECORD, interval, NOW, start_us=start, limit=5, offset_us=offset_us, per_unit=1)
    for row in rows:
        open_us, close_us = int(row[0]), int(row[6])
        assert open_us >= start
        assert interval_start(interval, open_us, offset_us) == open_us
        trades = list(RECORD.trades(RECORD.id_at(open_us), RECORD.id_at(close_us + 1)))
        assert all(open_us <= trade.time_us <= close_us for trade in trades)
        if trades:
            assert figures(row) == spelled_out(trades)
        else:
            before = RECORD.last_before(RECORD.id_at(open_us))
            assert before is not None
            assert figures(row) == [before.price] * 4 + [0] * 5


@given(
    pair=st.sampled_from(
        [("1m", "5m"), ("5m", "1h"), ("15m", "4h"), ("1h", "1d"), ("4h", "3d"), ("1d", "1w")]
    ),
    back=st.integers(0, 600),
    offset_us=zones,
)
@settings(max_examples=30, deadline=None)
def test_small_klines_add_up_to_large_ones(pair: tuple[str, str], back: int, offset_us: int) -> None:
    small, large = pair
    start = START - back * DAY
    for row in klines(RECORD, large, NOW, start_us=start, limit=1, offset_us=offset_us, per_unit=1):
        parts = klines(
            RECORD,
            small,
            NOW,
            start_us=int(row[0]),
            end_us=int(row[6]),
            limit=1_000,
            offset_us=offset_us,
            per_unit=1,
        )
        columns = list(zip(*map(figures, parts), strict=True))
        assert figures(row) == [
            columns[0][0],
            max(columns[1]),
            min(columns[2]),
            columns[3][-1],
            *map(sum, columns[4:]),
        ]


def test_months_are_the_sum_of_their_days() -> None:
    rows = klines(RECORD, "1M", NOW, start_us=moment("2024-02-01T00:00:00"), limit=2)
    assert [row[0] for row in rows] == [
        moment("2024-02-01T00:00:00") // 1000,
        moment("2024-03-01T00:00:00") // 1000,
    ]
    assert rows[0][6] == int(rows[1][0]) - 1
    days = klines(RECORD, "1d", NOW, start_us=moment("2024-02-01T00:00:00"), limit=29)
    assert int(days[-1][0]) + DAY // 1000 == rows[1][0]
    assert sum(amount(day[5]) for day in days) == amount(rows[0][5])
    assert sum(int(day[8]) for day in days) == rows[0][8]


@pytest.mark.parametrize("interval", INTERVALS)
def test_pages_join_without_holes(interval: str) -> None:
    newest = klines(RECORD, interval, NOW, limit=60)
    assert len(newest) == 60
    assert int(newest[-1][0]) * 1000 == interval_start(interval, NOW)
    assert all(int(a[6]) + 1 == b[0] for a, b in itertools.pairwise(newest))
    older = klines(RECORD, interval, NOW, end_us=int(newest[0][0]) * 1000 - 1, limit=10)
    assert klines(RECORD, interval, NOW, start_us=int(older[0][0]) * 1000, limit=70)[: len(older) + 60] == [
        *older,
        *newest,
    ]
    middle = klines(
        RECORD, interval, NOW, start_us=int(newest[7][0]) * 1000, end_us=int(newest[20][0]) * 1000
    )
    assert middle == newest[7:21]


def test_the_first_kline_holds_the_first_trade_and_the_last_holds_now() -> None:
    rows = klines(RECORD, "1d", NOW, start_us=0, limit=1)
    assert rows[0][0] == LISTED_SINCE_US // 1000
    assert klines(RECORD, "1d", NOW, end_us=LISTED_SINCE_US - 1) == []
    assert klines(RECORD, "1s", NOW, start_us=NOW + SECOND) == []
    assert klines(RECORD, "1M", NOW, start_us=10**18) == []
    last = klines(RECORD, "1s", NOW, limit=1)[0]
    assert int(last[0]) == NOW // SECOND * 1000
    assert figures(last)[4:] == [0] * 5


def test_the_whole_past_is_one_sum() -> None:
    rows = klines(RECORD, "1M", NOW, start_us=0, limit=1_000)
    whole = RECORD.summary(0, RECORD.next_id)
    assert whole is not None
    assert sum(int(row[8]) for row in rows) == RECORD.next_id
    assert sum(amount(row[5]) for row in rows) == whole.volume
    assert sum(amount(row[10]) for row in rows) == whole.taker_quote_volume


def test_a_market_without_trades_has_no_klines() -> None:
    record = MarketRecord(past_of(start_us=0))
    assert klines(record, "1m", HOUR) == []
    record.add(PublicTrade(0, 100, 10, 10, HOUR + MINUTE, True), 1)
    assert [row[0] for row in klines(record, "1m", HOUR + 3 * MINUTE)] == [3_660_000, 3_720_000, 3_780_000]


def test_rows_have_the_documented_form() -> None:
    row = klines(RECORD, "1h", NOW, end_us=START - HOUR, limit=1)[0]
    assert [type(value) for value in row] == [int, *[str] * 5, int, str, int, str, str, str]
    assert int(row[6]) - int(row[0]) == HOUR // 1000 - 1
    micro = klines(RECORD, "1h", NOW, end_us=START - HOUR, limit=1, per_unit=1)[0]
    assert (micro[0], micro[6]) == (int(row[0]) * 1000, int(row[6]) * 1000 + 999)
    assert micro[1:6] == row[1:6]


def test_every_symbol_has_every_interval() -> None:
    for symbol in LISTINGS:
        record = MarketRecord(past_of(symbol))
        for interval in ("1s", "1m", *FIXED_INTERVALS):
            assert len(klines(record, interval, START, limit=3)) == 3
    assert len(RECORD.trades(RECORD.next_id - CHUNK, RECORD.next_id)) == CHUNK
