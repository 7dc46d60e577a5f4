"""Typed tables of results: every number and time of every sample reply, and frames where pandas is installed."""

from __future__ import annotations

import importlib.util
import json
import re
from datetime import datetime, timezone
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from crypto_ws_sync import ConfigError, InvalidParameter, SessionStatus, StreamGap, UserWSSession
from crypto_ws_sync.exchanges.binance.methods import CATALOGUE
from crypto_ws_sync.model.html import html_table
from crypto_ws_sync.notebook import Table, columns_of, records, table, to_frame
from crypto_ws_sync.simulator import SimulatedExchange

SAMPLES = Path(__file__).parent / "data" / "samples"
HAS_PANDAS = importlib.util.find_spec("pandas") is not None

CANDLE = [
    1655971200000, "0.01086000", "0.01086600", "0.01083600", "0.01083800", "2290.53800000", 1655974799999,
    "24.85074442", 2283, "1171.64000000", "12.71225884", "0",
]  # fmt: skip
ORDER = {"symbol": "BTCUSDT", "orderId": 2**62, "price": "0.10", "time": 1660801839480, "workingTime": -1}


def _results() -> list[tuple[str, Any]]:
    found = []
    for name in CATALOGUE:
        path = SAMPLES / f"{name}.json"
        if not path.is_file():
            continue
        for reply in json.loads(path.read_text(encoding="utf-8"))["responses"]:
            if reply.get("result") is not None:
                found.append((name, reply["result"]))
    return found


def test_every_number_and_time_of_every_sample_is_typed() -> None:
    seen = 0
    for method, result in _results():
        found = table(method, result)
        for row in found:
            for column, value in zip(found.columns, row, strict=True):
                seen += 1
                where = f"{method}: {column} is {value!r}"
                assert not (isinstance(value, str) and re.fullmatch(r"-?\d+\.\d+", value)), where
                is_moment = isinstance(value, int) and 10**12 < value < 10**16 and "Id" not in column
                assert not is_moment, where
    assert seen > 500


def test_no_name_of_a_thing_is_taken_for_a_number() -> None:
    for method, result in _results():
        found = table(method, result)
        for column in found.columns:
            if column.endswith(("Id", "symbol", "Asset", "asset", "status", "side", "type")):
                place = found.columns.index(column)
                assert not [row for row in found if isinstance(row[place], Decimal | datetime)], (
                    f"{method}: {column}"
                )


def test_candles_get_names() -> None:
    found = table("klines", [CANDLE])
    assert found.columns == columns_of("klines") == columns_of("ui_klines")
    (row,) = found
    assert dict(zip(found.columns, row, strict=True)) == {
        "openTime": datetime(2022, 6, 23, 8, tzinfo=timezone.utc),
        "open": Decimal("0.01086000"),
        "high": Decimal("0.01086600"),
        "low": Decimal("0.01083600"),
        "close": Decimal("0.01083800"),
        "volume": Decimal("2290.53800000"),
        "closeTime": datetime(2022, 6, 23, 8, 59, 59, 999000, tzinfo=timezone.utc),
        "quoteVolume": Decimal("24.85074442"),
        "count": 2283,
        "takerBuyVolume": Decimal("1171.64000000"),
        "takerBuyQuoteVolume": Decimal("12.71225884"),
    }


def test_microseconds_are_read_as_such() -> None:
    (row,) = table("time", {"serverTime": 1655971200123456})
    assert row == (datetime(2022, 6, 23, 8, 0, 0, 123456, tzinfo=timezone.utc),)


def test_a_moment_that_has_not_come_is_none_and_long_ids_keep_their_digits() -> None:
    found = table("order_status", ORDER)
    (row,) = found
    assert row[found.columns.index("workingTime")] is None
    assert row[found.columns.index("orderId")] == 2**62


def test_floats_are_there_for_who_asks() -> None:
    (row,) = table("avgPrice", {"mins": 5, "price": "9.35751834", "closeTime": 0}, floats=True)
    assert row == (5, 9.35751834, None)


@pytest.mark.parametrize(
    ("method", "result", "rows"),
    [
        (
            "depth",
            {"lastUpdateId": 1, "bids": [["2", "3"], ["1", "4"]], "asks": [["5", "6"]]},
            [
                {"side": "bid", "price": "2", "quantity": "3"},
                {"side": "bid", "price": "1", "quantity": "4"},
                {"side": "ask", "price": "5", "quantity": "6"},
            ],
        ),
        ("account.status", {"uid": 1, "balances": [{"asset": "BTC", "free": "1"}]}, [{"asset": "BTC", "free": "1"}]),
        ("exchangeInfo", {"timezone": "UTC", "symbols": [{"symbol": "X"}]}, [{"symbol": "X"}]),
        (
            "executionRules",
            {"symbolRules": [{"symbol": "X", "rules": [{"ruleType": "A"}, {"ruleType": "B"}]}]},
            [{"symbol": "X", "ruleType": "A"}, {"symbol": "X", "ruleType": "B"}],
        ),
        ("orderList.place.oco", {"orderListId": 1, "orderReports": [{"orderId": 1}, {"orderId": 2}]},
         [{"orderId": 1}, {"orderId": 2}]),
        ("ticker.price", {"symbol": "X", "price": "1"}, [{"symbol": "X", "price": "1"}]),
        ("account.commission", {"symbol": "X", "discount": {"discount": "0.75"}},
         [{"symbol": "X", "discount.discount": "0.75"}]),
        ("a.method.of.tomorrow", ["text"], [{"value": "text"}]),
    ],
)  # fmt: skip
def test_results_become_flat_records(method: str, result: Any, rows: list[dict[str, Any]]) -> None:
    assert records(method, result) == rows


def test_a_request_that_was_held_back_has_no_table() -> None:
    with pytest.raises(InvalidParameter, match="held back"):
        table("klines", None)


def test_without_rows_the_columns_are_there_all_the_same() -> None:
    assert table("myTrades", []).columns[:2] == ("symbol", "id")
    assert table("klines", []).columns == columns_of("klines")
    assert "stopPrice" not in table("allOrders", []).columns
    assert "stopPrice" in columns_of("allOrders")
    assert str(table("a.method.of.tomorrow", [])) == ""


def test_fields_that_some_records_lack_are_none_there() -> None:
    found = table("allOrders", [{"orderId": 1}, {"orderId": 2, "stopPrice": "5"}])
    assert found.rows == ((1, None), (2, Decimal(5)))


# --- frames --------------------------------------------------------------------------------------------------


def test_frames_are_typed_or_say_what_to_install() -> None:
    if not HAS_PANDAS:
        with pytest.raises(ConfigError, match=re.escape('pip install "crypto_ws_sync[data]"')):
            to_frame("klines", [CANDLE])
        return
    frame = to_frame("klines", [CANDLE, CANDLE])
    assert str(frame["openTime"].dtype) == "datetime64[us, UTC]"
    assert frame["close"].tolist() == [Decimal("0.01083800")] * 2
    assert frame["close"].sum() == Decimal("0.02167600")
    assert str(frame["count"].dtype) == "int64"
    assert str(to_frame("klines", [CANDLE], floats=True)["close"].dtype) == "float64"
    empty = to_frame("klines", [])
    assert list(empty.columns) == list(columns_of("klines"))
    assert str(empty["openTime"].dtype) == "datetime64[us, UTC]"


def test_frames_lose_nothing_where_fields_are_missing() -> None:
    if not HAS_PANDAS:
        with pytest.raises(ConfigError):
            to_frame("allOrders", [ORDER])
        return
    zero = to_frame("allOrders", [{**ORDER, "price": "0.00000000"}, ORDER, {**ORDER, "price": None}])
    assert [str(price) for price in zero["price"]] == ["0", "0.10", "None"]
    frame = to_frame("allOrders", [ORDER, {**ORDER, "strategyId": 2**60 + 1}])
    assert frame["orderId"].tolist() == [2**62] * 2
    assert frame["strategyId"][1] == 2**60 + 1
    assert frame["workingTime"].isna().all()
    assert str(to_frame("avgPrice", {"price": "1.5"}, floats=True)["price"].dtype) == "float64"


# --- what a notebook shows -----------------------------------------------------------------------------------


class _Seen(HTMLParser):
    """Collects what a browser would show, and every tag.

    Owner: caller thread.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.texts: list[str] = []
        self.styles = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.styles += "".join(f"{value};" for name, value in attrs if name == "style")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


EVIL = "<script>alert('x')</script>&\""


def test_nothing_in_a_table_is_taken_for_markup() -> None:
    seen = _Seen(html_table([EVIL], [[EVIL]], title=EVIL, note=EVIL))
    assert seen.tags == {"table", "caption", "thead", "tbody", "tr", "th", "td", "p"}
    assert seen.texts == [EVIL] * 4
    shown = Table(EVIL, ("name",), ((EVIL,),))._repr_html_()
    assert "script" not in _Seen(shown).tags
    status = SessionStatus(0.0, "ready", f"wss://{EVIL}", True, True, degraded=EVIL)._repr_html_()
    assert "script" not in _Seen(status).tags
    assert EVIL in "".join(_Seen(status).texts)


def test_absurd_numbers_are_shown_in_short() -> None:
    """Written out, they would take gigabytes; and no calendar holds such times."""
    prices = ["1e999999999", "-1e-5000000", "9" * 50, "NaN"]
    shown = table("klines", [[10**30, *prices, "1", 10**400, "1", 1, "1", "1", "0"]])
    for text in (str(shown), shown._repr_html_()):
        assert len(text) < 20_000
        assert "1E+999999999" in text
        assert "9" * 50 in text


def test_tables_take_their_colours_from_the_page() -> None:
    """Only shades that let the page shine through are readable on light and dark pages alike."""
    styles = _Seen(html_table(["a"], [["b"]], title="c")).styles
    assert not re.search(r"(?<![-\w])color:", styles)
    assert set(re.findall(r"rgba\([^)]*\)|#[0-9a-f]{3,}", styles)) == {
        "rgba(128,128,128,0.35)",
        "rgba(128,128,128,0.12)",
    }


def test_numbers_stand_below_one_another_and_moments_on_one_line() -> None:
    orders = [{**ORDER, "isWorking": True}, {**ORDER, "price": None, "isWorking": False}]
    html = table("allOrders", orders)._repr_html_()
    styles = re.findall(
        r'<t[hd] style="[^"]*?(;text-align:right;white-space:nowrap|;white-space:nowrap)?">', html
    )
    moment, number = ";white-space:nowrap", ";text-align:right;white-space:nowrap"
    # symbol, orderId, price, time, workingTime (none has come), isWorking
    assert styles == ["", number, number, moment, "", ""] * 3


def test_long_tables_are_cut_and_say_so() -> None:
    found = table("klines", [CANDLE] * 250)
    html = found._repr_html_()
    assert html.count("<tr>") == 101
    assert html.endswith("<p>100 of 250 rows</p>")
    assert str(found).splitlines()[-1] == "100 of 250 rows"
    assert len(found) == 250


def test_a_table_as_text() -> None:
    found = table(
        "allOrders", [{"symbol": "BTCUSDT", "price": "0.00000000", "time": 1655971200000, "workingTime": -1}]
    )
    assert str(found).splitlines() == [
        "symbol   price       time                     workingTime",
        "BTCUSDT  0.00000000  2022-06-23 08:00:00.000",
    ]


def test_a_session_shows_its_status() -> None:
    assert repr(SimulatedExchange()) == "<SimulatedExchange not running>"
    with SimulatedExchange() as exchange:
        assert repr(exchange) == f"<SimulatedExchange running at {exchange.endpoint}>"
        session = UserWSSession(exchange.api_key, exchange.api_secret, endpoint=exchange.endpoint)
        assert "idle" in "".join(_Seen(session._repr_html_()).texts)
        with session:
            found = table("account.status", session.account_status())
            texts = _Seen(session._repr_html_()).texts
        assert texts[:2] == ["Session", "State"]
        assert texts[2].startswith("ready, ws://127.0.0.1:")
        assert [row[0] for row in found] == ["BNB", "BTC", "ETH", "USDT"]
        assert exchange.api_secret not in "".join(texts)


def test_a_gap_shows_its_words() -> None:
    assert "events may be missing" in "".join(_Seen(StreamGap(1.0, 2.0)._repr_html_()).texts)
