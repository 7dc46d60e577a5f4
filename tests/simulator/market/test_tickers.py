"""Tickers and averages equal the klines and the trades of their time."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from market_samples import DAY, HOUR, MINUTE, SECOND, START, past_of
from test_record import JOIN, RECORD

from crypto_ws_sync.simulator.market.candles import klines
from crypto_ws_sync.simulator.market.intervals import zone_offset
from crypto_ws_sync.simulator.market.record import MarketRecord
from crypto_ws_sync.simulator.market.rows import (
    BookTop,
    aggregate_trades,
    book_row,
    historical_trades,
    price_row,
    recent_trades,
)
from crypto_ws_sync.simulator.market.summary import PublicTrade
from crypto_ws_sync.simulator.market.tickers import (
    average_price,
    average_price_row,
    ticker_24hr,
    ticker_trading_day,
    ticker_window,
    window_length,
)

TOP = BookTop(100, 5, 101, 7)
LAST = RECORD.trades(RECORD.next_id - 1, RECORD.next_id)[0]
MINI = {
    "symbol",
    "openPrice",
    "highPrice",
    "lowPrice",
    "lastPrice",
    "volume",
    "quoteVolume",
    "openTime",
    "closeTime",
    "firstId",
    "lastId",
    "count",
}
FULL = MINI | {"priceChange", "priceChangePercent", "weightedAvgPrice"}
FULL_24HR = FULL | {"prevClosePrice", "lastQty", "bidPrice", "bidQty", "askPrice", "askQty"}


def trades_between(start_us: int, stop_us: int) -> list[PublicTrade]:
    trades = RECORD.trades(RECORD.id_at(start_us), RECORD.id_at(stop_us))
    assert all(start_us <= trade.time_us < stop_us for trade in trades)
    return list(trades)


def check(row: dict[str, object], trades: list[PublicTrade]) -> None:
    def number(key: str) -> Decimal:
        return Decimal(str(row[key]))

    prices = [Decimal(trade.price).scaleb(-8) for trade in trades]
    volume = Decimal(sum(trade.quantity for trade in trades)).scaleb(-8)
    quote = Decimal(sum(trade.quote_quantity for trade in trades)).scaleb(-8)
    assert (row["firstId"], row["lastId"], row["count"]) == (trades[0].id, trades[-1].id, len(trades))
    assert (number("openPrice"), number("lastPrice")) == (prices[0], prices[-1])
    assert (number("highPrice"), number("lowPrice")) == (max(prices), min(prices))
    assert (number("volume"), number("quoteVolume")) == (volume, quote)
    if "priceChange" in row:
        change = prices[-1] - prices[0]
        assert number("priceChange") == change
        assert abs(number("priceChangePercent") - change / prices[0] * 100) <= Decimal("0.0005")
        assert abs(number("weightedAvgPrice") - quote / volume) <= Decimal("5e-9")


@given(back=st.integers(0, 10 * 86_400), is_mini=st.booleans())
@settings(max_examples=20, deadline=None)
def test_a_day_up_to_now_equals_its_trades(back: int, is_mini: bool) -> None:
    record = MarketRecord(past_of(start_us=START - back * SECOND))
    now = START - back * SECOND
    row = ticker_24hr(record, now, TOP, is_mini=is_mini)
    assert set(row) == (MINI if is_mini else FULL_24HR)
    assert (row["openTime"], row["closeTime"]) == ((now - DAY) // 1000, now // 1000)
    check(row, list(record.trades(record.id_at((now // 1000) * 1000 - DAY), record.next_id)))
    if not is_mini:
        before = record.last_before(int(str(row["firstId"])))
        last = record.last
        assert before is not None
        assert last is not None
        assert Decimal(str(row["prevClosePrice"])) == Decimal(before.price).scaleb(-8)
        assert Decimal(str(row["lastQty"])) == Decimal(last.quantity).scaleb(-8)
        assert (row["bidPrice"], row["askQty"]) == ("0.00000100", "0.00000007")


@given(window=st.sampled_from(["1m", "59m", "1h", "23h", "1d", "7d"]), is_mini=st.booleans())
@settings(max_examples=12, deadline=None)
def test_a_window_begins_at_a_full_minute(window: str, is_mini: bool) -> None:
    now = LAST.time_us + 7 * SECOND
    row = ticker_window(RECORD, now, window_length(window), is_mini=is_mini)
    assert set(row) == (MINI if is_mini else FULL)
    opens = int(str(row["openTime"])) * 1000
    assert opens % MINUTE == 0
    assert 0 <= now - window_length(window) - opens < MINUTE
    assert row["closeTime"] == now // 1000
    check(row, trades_between(opens, now + 1))


@pytest.mark.parametrize("zone", ["0", "8", "-11:00", "5:45"])
def test_a_trading_day_equals_its_daily_kline(zone: str) -> None:
    now, offset = LAST.time_us, zone_offset(zone)
    row = ticker_trading_day(RECORD, now, offset_us=offset)
    kline = klines(RECORD, "1d", now, limit=1, offset_us=offset)[0]
    assert set(row) == FULL
    assert [
        *(row["openTime"], row["openPrice"], row["highPrice"], row["lowPrice"], row["lastPrice"]),
        *(row["volume"], row["closeTime"], row["quoteVolume"], row["count"]),
    ] == kline[:9]
    assert set(ticker_trading_day(RECORD, now, offset_us=offset, is_mini=True)) == MINI


def test_a_day_on_the_hour_equals_its_hourly_klines() -> None:
    now = START - START % HOUR
    record = MarketRecord(past_of(start_us=now))
    row = ticker_24hr(record, now, TOP)
    rows = klines(record, "1h", now - 1, limit=24)
    assert sum(int(kline[8]) for kline in rows) == row["count"]
    assert sum(Decimal(kline[5]) for kline in rows) == Decimal(str(row["volume"]))
    assert max(Decimal(kline[2]) for kline in rows) == Decimal(str(row["highPrice"]))
    assert rows[0][1] == row["openPrice"]


def test_without_trades_in_the_window_nothing_is_made_up() -> None:
    later = LAST.time_us + 30 * DAY
    row = ticker_24hr(RECORD, later, BookTop())
    price = str(row["lastPrice"])
    assert Decimal(price) == Decimal(LAST.price).scaleb(-8)
    assert (row["firstId"], row["lastId"], row["count"]) == (-1, -1, 0)
    assert row["volume"] == row["quoteVolume"] == row["weightedAvgPrice"] == "0.00000000"
    assert (row["priceChangePercent"], row["bidPrice"]) == ("0.000", "0.00000000")
    assert average_price(RECORD, later) == LAST.price


def test_a_market_that_never_traded_still_answers() -> None:
    record = MarketRecord(past_of(start_us=0))
    assert price_row(record)["price"] == "0.00000000"
    assert ticker_24hr(record, HOUR, BookTop())["count"] == 0
    assert ticker_window(record, HOUR, MINUTE)["lastPrice"] == "0.00000000"
    assert average_price_row(record, HOUR) == {"mins": 5, "price": "0.00000000", "closeTime": 3_600_000}
    assert recent_trades(record) == []
    assert aggregate_trades(record) == []


def test_the_average_price_is_weighted_by_volume_over_five_minutes() -> None:
    now = LAST.time_us
    trades = trades_between(now - 5 * MINUTE, now + 1)
    assert trades
    expected = sum(t.price * t.quantity for t in trades) // sum(t.quantity for t in trades)
    assert average_price(RECORD, now) == pytest.approx(expected, abs=1)
    row = average_price_row(RECORD, now, per_unit=1)
    assert set(row) == {"mins", "price", "closeTime"}
    assert row["closeTime"] == now


def test_a_falling_price_has_a_negative_change() -> None:
    record = MarketRecord(past_of(start_us=0))
    for number, price in enumerate([2_381_897_000_000, 2_288_091_000_000]):
        record.add(PublicTrade(number, price, 10**8, price, HOUR + number, True), number)
    row = ticker_window(record, HOUR + 5, MINUTE)
    assert (row["priceChange"], row["priceChangePercent"]) == ("-938.06000000", "-3.938")


@pytest.mark.parametrize("text", ["", "0m", "60m", "24h", "8d", "1w", "01m", "1M", "m", "1 d"])
def test_other_windows_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="window"):
        window_length(text)


def test_trades_are_paged_by_id_and_by_time() -> None:
    recent = recent_trades(RECORD, limit=1_000)
    assert [row["id"] for row in recent] == list(range(RECORD.next_id - 1_000, RECORD.next_id))
    assert set(recent[0]) == {"id", "price", "qty", "quoteQty", "time", "isBuyerMaker", "isBestMatch"}
    across = historical_trades(RECORD, from_id=JOIN - 3, limit=6)
    assert [row["id"] for row in across] == list(range(JOIN - 3, JOIN + 3))
    assert historical_trades(RECORD, from_id=RECORD.next_id) == []
    assert [row["id"] for row in historical_trades(RECORD, from_id=0, limit=2)] == [0, 1]

    newest = aggregate_trades(RECORD, limit=5)
    assert set(newest[0]) == {"a", "p", "q", "f", "l", "T", "m", "M"}
    assert newest[-1]["l"] == RECORD.next_id - 1
    first = int(str(newest[0]["a"]))
    assert aggregate_trades(RECORD, from_id=first, limit=5) == newest
    start, end = START - 20 * SECOND, START + 20 * SECOND
    spanning = aggregate_trades(RECORD, start_us=start, end_us=end, limit=1_000, per_unit=1)
    assert all(start <= int(str(row["T"])) <= end for row in spanning)
    ids = [int(str(row["a"])) for row in spanning]
    assert ids == list(range(RECORD.aggregate_at(start), RECORD.aggregate_at(end + 1)))
    assert aggregate_trades(RECORD, end_us=end, limit=3, per_unit=1) == spanning[-3:]
    assert aggregate_trades(RECORD, start_us=start, limit=3, per_unit=1) == spanning[:3]


def test_the_book_and_price_rows_have_their_keys() -> None:
    assert book_row("BTCUSDT", TOP) == {
        "symbol": "BTCUSDT",
        "bidPrice": "0.00000100",
        "bidQty": "0.00000005",
        "askPrice": "0.00000101",
        "askQty": "0.00000007",
    }
    assert set(price_row(RECORD)) == {"symbol", "price"}
