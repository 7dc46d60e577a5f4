"""Histories over a real socket: whole, in order and once, whatever breaks on the way."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from itertools import islice, pairwise
from typing import Any

import pytest

from crypto_ws_sync import (
    BadRequest,
    ConnectionLost,
    InvalidParameter,
    RequestTimeout,
    SessionClosed,
    UserWSSession,
)
from crypto_ws_sync.exchanges.binance.methods import CATALOGUE
from crypto_ws_sync.simulator import ManualClock, SimulatedExchange

BTC: dict[str, Any] = {"symbol": "BTCUSDT"}
NOW = 1_780_000_000
"""When the manual clock begins: 2026-05-28 20:26:40 UTC."""
DAY = 86_400


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def exchange(clock: ManualClock) -> Iterator[SimulatedExchange]:
    with SimulatedExchange(symbols=["BTCUSDT", "BTCUSDC"], clock=clock) as exchange:
        yield exchange


@pytest.fixture
def session(exchange: SimulatedExchange, clock: ManualClock) -> Iterator[UserWSSession]:
    with UserWSSession(
        exchange.api_key, exchange.api_secret, endpoint=exchange.endpoint, clock=clock
    ) as session:
        yield session


def asked(exchange: SimulatedExchange, method: str) -> list[dict[str, Any]]:
    """Return the parameters of the requests for pages that reached the exchange."""
    return [dict(seen.params) for seen in exchange.requests() if seen.method == method]


def far_below(session: UserWSSession) -> str:
    """Return a price at which an order to buy rests."""
    return str(round(Decimal(session.ticker_price(symbol="BTCUSDT")["price"]) * Decimal("0.9"), 2))


def rest(session: UserWSSession, count: int, **more: Any) -> list[int]:
    """Place orders that stay open; return their ids."""
    price = far_below(session)
    return [
        session.order_place(
            symbol="BTCUSDT",
            side="BUY",
            type="LIMIT",
            time_in_force="GTC",
            quantity="0.001",
            price=price,
            **more,
        )["orderId"]
        for _ in range(count)
    ]


def trade(session: UserWSSession, count: int) -> None:
    """Buy some times at the market."""
    for _ in range(count):
        session.order_place(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.001")


def live(session: UserWSSession, clock: ManualClock) -> None:
    """Trade and place orders in bursts that share a millisecond, with nothing between."""
    trade(session, 4)
    rest(session, 3)
    clock.advance(3.5)
    trade(session, 3)
    clock.advance(0.0015)
    trade(session, 2)
    session.open_orders_cancel_all(symbol="BTCUSDT")
    clock.advance(20)
    rest(session, 4)
    trade(session, 1)


# -- whole ------------------------------------------------------------------------------------------------------


def test_every_method_that_has_a_history_is_tested_here() -> None:
    assert {name for name, spec in CATALOGUE.items() if spec.history is not None} == set(READS)


def read_trades(session: UserWSSession, clock: ManualClock, exchange: SimulatedExchange) -> None:
    live(session, clock)
    truth = [trade["id"] for trade in exchange.trades()]
    found = [record["id"] for record in session.history("myTrades", **BTC, start=NOW * 1000, limit=3)]
    assert found == truth
    assert [record["id"] for record in session.history("myTrades", **BTC)] == truth
    assert [record["id"] for record in session.history("myTrades", **BTC, from_id=truth[4])] == truth[4:]
    order = exchange.trades()[5]["orderId"]
    of_one = list(session.history("myTrades", **BTC, order_id=order, start="2026-05-01"))
    assert [record["id"] for record in of_one] == [
        trade["id"] for trade in exchange.trades() if trade["orderId"] == order
    ]


def read_orders(session: UserWSSession, clock: ManualClock, exchange: SimulatedExchange) -> None:
    live(session, clock)
    truth = sorted(exchange.orders(), key=lambda order: (order["updateTime"], order["orderId"]))
    for more in ({}, {"limit": 3}, {"start": "2026-05-28"}, {"start": "2020-01-01", "limit": 2}):
        found = list(session.history("allOrders", **BTC, **more))
        assert sorted(order["orderId"] for order in found) == sorted(order["orderId"] for order in truth)
        if "start" in more:
            assert found == truth
    ids = sorted(order["orderId"] for order in truth)
    assert [order["orderId"] for order in session.history("allOrders", **BTC, order_id=ids[3])] == ids[3:]


def read_lists(session: UserWSSession, clock: ManualClock, exchange: SimulatedExchange) -> None:
    price = Decimal(session.ticker_price(symbol="BTCUSDT")["price"])
    made = []
    for _ in range(5):
        placed = session.order_list_place_oco(
            symbol="BTCUSDT",
            side="SELL",
            quantity="0.001",
            above_type="LIMIT_MAKER",
            above_price=str(round(price * Decimal("1.2"), 2)),
            below_type="STOP_LOSS",
            below_stop_price=str(round(price * Decimal("0.8"), 2)),
        )
        made.append(placed["orderListId"])
        clock.advance(2)
    session.order_list_cancel(symbol="BTCUSDT", order_list_id=made[1])
    by_id = list(session.history("allOrderLists", limit=2))
    assert [each["orderListId"] for each in by_id] == made
    by_time = [each["orderListId"] for each in session.history("allOrderLists", start="2026-05-01", limit=2)]
    assert by_time == [made[0], *made[2:], made[1]]


def read_prevented(session: UserWSSession, clock: ManualClock, exchange: SimulatedExchange) -> None:
    first, *_ = rest(session, 1, self_trade_prevention_mode="EXPIRE_TAKER")
    assert list(session.history("myPreventedMatches", **BTC, order_id=first)) == []
    bid = Decimal(session.ticker_book(symbol="BTCUSDT")["bidPrice"])
    mine = session.order_place(
        symbol="BTCUSDT",
        side="BUY",
        type="LIMIT",
        time_in_force="GTC",
        quantity="0.001",
        price=str(bid + Decimal("0.01")),
        self_trade_prevention_mode="EXPIRE_TAKER",
    )["orderId"]
    for _ in range(5):
        session.order_place(
            symbol="BTCUSDT",
            side="SELL",
            type="LIMIT",
            time_in_force="GTC",
            quantity="0.001",
            price=str(bid + Decimal("0.01")),
            self_trade_prevention_mode="EXPIRE_TAKER",
        )
    found = list(session.history("myPreventedMatches", **BTC, order_id=mine, limit=2))
    assert len({match["preventedMatchId"] for match in found}) == len(found) == 5
    assert all(match["makerOrderId"] == mine for match in found)


def read_amendments(session: UserWSSession, clock: ManualClock, exchange: SimulatedExchange) -> None:
    placed = session.order_place(
        symbol="BTCUSDT",
        side="BUY",
        type="LIMIT",
        time_in_force="GTC",
        quantity="0.02",
        price=far_below(session),
    )["orderId"]
    for left in range(9, 2, -1):
        session.order_amend_keep_priority(symbol="BTCUSDT", order_id=placed, new_qty=f"0.00{left}")
    found = list(session.history("order.amendments", **BTC, order_id=placed, limit=3))
    assert [Decimal(each["newQty"]) for each in found] == [Decimal(f"0.00{left}") for left in range(9, 2, -1)]
    later = list(session.history("order.amendments", **BTC, order_id=placed, from_id=found[3]["executionId"]))
    assert later == found[3:]


def read_candles(session: UserWSSession, clock: ManualClock, exchange: SimulatedExchange) -> None:
    for method in ("klines", "uiKlines"):
        found = list(
            session.history(method, **BTC, interval="1h", start="2026-01-01", end="2026-02-01", limit=100)
        )
        first = 1_767_225_600_000
        assert [row[0] for row in found] == [first + hour * 3_600_000 for hour in range(31 * 24)]
        assert found == [
            *session.history(method, **BTC, interval="1h", start="2026-01-01", end="2026-01-15T03:30Z"),
            *session.history(method, **BTC, interval="1h", start="2026-01-15T03:30Z", end="2026-02-01"),
        ]
        # All days since the listing are worked out for the first page.
        by_day = list(session.history(method, **BTC, interval="1d", timeout=30))
        assert datetime.fromtimestamp(by_day[0][0] / 1000, timezone.utc).isoformat()[:10] == "2020-01-01"
        assert by_day[-1][0] == NOW * 1000 // (DAY * 1000) * (DAY * 1000)
        assert all(b[0] - a[0] == DAY * 1000 for a, b in pairwise(by_day))


def read_aggregates(session: UserWSSession, clock: ManualClock, exchange: SimulatedExchange) -> None:
    start, middle, end = (datetime(2026, 1, 2, hour, 17, tzinfo=timezone.utc) for hour in (3, 5, 9))
    found = list(session.history("trades.aggregate", **BTC, start=start, end=end))
    ids = [record["a"] for record in found]
    assert len(ids) > 1000
    assert ids == list(range(ids[0], ids[-1] + 1))
    before, after = (
        session.trades_aggregate(symbol="BTCUSDT", from_id=number, limit=1)[0]
        for number in (ids[0] - 1, ids[-1] + 1)
    )
    low, high = (int(moment.timestamp() * 1000) for moment in (start, end))
    assert before["T"] < low <= found[0]["T"]
    assert found[-1]["T"] < high <= after["T"]
    assert found == [
        *session.history("trades.aggregate", **BTC, start=start, end=middle, limit=77),
        *session.history("trades.aggregate", **BTC, start=middle, end=end),
    ]


def read_old_trades(session: UserWSSession, clock: ManualClock, exchange: SimulatedExchange) -> None:
    last = session.trades_recent(symbol="BTCUSDT", limit=1)[0]["id"]
    found = [
        record["id"] for record in session.history("trades.historical", **BTC, from_id=last - 2345, limit=500)
    ]
    assert found == list(range(last - 2345, found[-1] + 1))
    assert found[-1] >= last
    assert [record["id"] for record in islice(session.history("trades.historical", **BTC), 3)] == [0, 1, 2]


def read_block_trades(session: UserWSSession, clock: ManualClock, exchange: SimulatedExchange) -> None:
    found = list(session.history("blockTrades.historical", **BTC, from_id=4000, limit=500))
    assert [record["id"] for record in found] == list(range(4000, 4000 + len(found)))
    assert found[-1]["time"] <= NOW * 1000 + 600_000
    assert NOW * 1000 - found[-1]["time"] < 24 * 3_600_000
    last = found[-1]["id"]
    assert list(session.history("blockTrades.historical", **BTC, from_id=last)) == found[-1:]
    assert [record["id"] for record in islice(session.history("blockTrades.historical", **BTC), 3)] == [
        0,
        1,
        2,
    ]


def route(session: UserWSSession, side: str) -> list[int]:
    """Trade some Bitcoin, which takes from the books of both pairs; return the ids of the allocations."""
    (placed,) = session.sor_order_place(symbol="BTCUSDT", side=side, type="MARKET", quantity="4")
    found = [fill["allocId"] for fill in placed["fills"] if "allocId" in fill]
    assert found
    return found


def read_allocations(session: UserWSSession, clock: ManualClock, exchange: SimulatedExchange) -> None:
    truth = [route(session, side) for side in ("BUY", "SELL")]
    clock.advance(0.0015)
    truth += [route(session, side) for side in ("BUY", "SELL")]
    whole = [number for part in truth for number in part]
    assert whole == list(range(len(whole)))
    records = list(session.history("myAllocations", **BTC, limit=4))
    assert [record["allocationId"] for record in records] == whole
    start = records[truth[2][0]]["time"]
    since = session.history("myAllocations", **BTC, start=start, limit=4)
    assert [record["allocationId"] for record in since] == truth[2] + truth[3]
    later = session.history("myAllocations", **BTC, from_id=truth[3][0])
    assert [record["allocationId"] for record in later] == truth[3]
    order = records[truth[1][0]]["orderId"]
    of_one = session.history("myAllocations", **BTC, order_id=order, start="2026-05-01")
    assert [record["allocationId"] for record in of_one] == truth[1]


Read = Callable[[UserWSSession, ManualClock, SimulatedExchange], None]
READS: dict[str, Read] = {
    "myTrades": read_trades,
    "allOrders": read_orders,
    "allOrderLists": read_lists,
    "myPreventedMatches": read_prevented,
    "order.amendments": read_amendments,
    "klines": read_candles,
    "uiKlines": read_candles,
    "trades.aggregate": read_aggregates,
    "trades.historical": read_old_trades,
    "blockTrades.historical": read_block_trades,
    "myAllocations": read_allocations,
}


@pytest.mark.parametrize("read", dict.fromkeys(READS.values()))
def test_a_history_is_whole(
    read: Read, session: UserWSSession, clock: ManualClock, exchange: SimulatedExchange
) -> None:
    read(session, clock, exchange)
    assert {seen.status for seen in exchange.requests()} == {200}


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("read", dict.fromkeys(READS.values()))
@pytest.mark.timeout(40)  # every third page costs a reconnect with its pause
def test_a_history_is_whole_although_connections_are_lost(
    read: Read, moment: Any, session: UserWSSession, clock: ManualClock, exchange: SimulatedExchange
) -> None:
    fault = exchange.faults.drop(moment, method=list(READS), every=3, times=4)
    read(session, clock, exchange)
    assert fault.strikes


@pytest.mark.parametrize("unit", ["ms", "us"])
def test_adjoining_ranges_join_in_either_unit(
    unit: str, session: UserWSSession, clock: ManualClock, exchange: SimulatedExchange
) -> None:
    live(session, clock)
    with UserWSSession(
        exchange.api_key, exchange.api_secret, endpoint=exchange.endpoint, clock=clock, time_unit=unit
    ) as other:
        begin = datetime.fromtimestamp(NOW, timezone.utc)
        cuts = [begin + timedelta(microseconds=us) for us in (0, 3_000_000, 3_500_001, 3_501_501)]
        for method, field in (("myTrades", "id"), ("allOrders", "orderId")):
            parts = [
                record[field]
                for start, end in zip(cuts, [*cuts[1:], None], strict=True)
                for record in other.history(method, **BTC, start=start, end=end, limit=2)
            ]
            assert sorted(parts) == sorted(record[field] for record in other.history(method, **BTC))
            assert len(parts) == len(set(parts)) >= 10


# -- lazy, and true to the moment of the call -------------------------------------------------------------------


def test_pages_are_asked_for_one_by_one(session: UserWSSession, exchange: SimulatedExchange) -> None:
    candles = session.history("klines", **BTC, interval="1m", start="2026-01-01", end="2026-01-02", limit=100)
    assert asked(exchange, "klines") == []
    for count in (1, 2):
        assert len(list(islice(candles, 100))) == 100
        assert len(asked(exchange, "klines")) == count


def test_what_happened_before_the_call_belongs_to_it(session: UserWSSession, clock: ManualClock) -> None:
    trade(session, 2)
    trades, orders = session.history("myTrades", **BTC), session.history("allOrders", **BTC, start=NOW * 1000)
    clock.advance(1)
    trade(session, 2)
    assert len(list(trades)) == len(list(orders)) == 2


def test_orders_that_change_meanwhile_come_once_as_they_were(
    session: UserWSSession, clock: ManualClock, exchange: SimulatedExchange
) -> None:
    ids = []
    for _ in range(6):
        ids += rest(session, 2)
        clock.advance(3)
    truth = exchange.orders()
    histories = [
        session.history("allOrders", **BTC, start="2026-05-01", limit=3),
        session.history("allOrders", **BTC, limit=3),
    ]
    found = [[next(history)] for history in histories]
    for order_id in (ids[9], ids[0], ids[4]):
        session.order_cancel(symbol="BTCUSDT", order_id=order_id)
        clock.advance(5)
        rest(session, 1)
        for known, history in zip(found, histories, strict=True):
            known += islice(history, 3)
    for known, history in zip(found, histories, strict=True):
        assert [*known, *history] == truth


# -- limits -----------------------------------------------------------------------------------------------------


@pytest.fixture
def holds(clock: ManualClock) -> Iterator[list[str]]:
    """What histories say when a limit holds them; each time another thread then moves the clock, in steps."""
    told: list[str] = []
    movers: list[threading.Thread] = []

    def move() -> None:
        clock.advance(0.5)
        clock.advance(61)

    class Watcher(logging.Handler):
        """Owner: shared, guarded by the handler's own lock."""

        def emit(self, record: logging.LogRecord) -> None:
            if getattr(record, "event", "") == "history_held":
                told.append(record.getMessage())
                movers.append(threading.Thread(target=move))
                movers[-1].start()

    log, watcher = logging.getLogger("crypto_ws_sync.session"), Watcher()
    level = log.level
    log.setLevel(logging.INFO)
    log.addHandler(watcher)
    yield told
    log.removeHandler(watcher)
    log.setLevel(level)
    for mover in movers:
        mover.join()


@pytest.mark.parametrize("read", dict.fromkeys(READS.values()))
@pytest.mark.timeout(40)  # the setting up of many orders shares the small limit
def test_a_history_waits_for_its_limit_and_never_trips_it(
    read: Read, clock: ManualClock, holds: list[str]
) -> None:
    with (
        SimulatedExchange(
            symbols=["BTCUSDT", "BTCUSDC"], clock=clock, rate_limits={"REQUEST_WEIGHT": 40}
        ) as exchange,
        UserWSSession(
            exchange.api_key, exchange.api_secret, endpoint=exchange.endpoint, clock=clock
        ) as session,
    ):
        stop = threading.Event()

        def keep_moving() -> None:
            # What sets the scene waits as well, and tells nobody.
            while not stop.wait(0.05):
                if not session.operational_status:
                    clock.advance(61)

        mover = threading.Thread(target=keep_moving)
        mover.start()
        try:
            read(session, clock, exchange)
        finally:
            stop.set()
            mover.join()
        seen = exchange.requests()
        # The clock leaps at any moment, also over a request on its way, whose timestamp is then refused and repaired.
        assert {each.status for each in seen if each.code != -1021} == {200}
        assert seen[-1].time - seen[0].time > 60, "the limit was never used up"


def test_the_timeout_does_not_count_the_wait_for_a_limit(clock: ManualClock, holds: list[str]) -> None:
    with (
        SimulatedExchange(symbols=["BTCUSDT"], clock=clock, rate_limits={"REQUEST_WEIGHT": 20}) as exchange,
        UserWSSession(
            exchange.api_key, exchange.api_secret, endpoint=exchange.endpoint, clock=clock
        ) as session,
    ):
        found = list(
            session.history(
                "klines", **BTC, interval="1h", start="2026-01-01", end="2026-01-21", limit=24, timeout=5
            )
        )
        assert len(found) == 20 * 24
        assert len(holds) >= 2
        assert all("klines waits" in words for words in holds)
        assert {seen.status for seen in exchange.requests()} == {200}


def test_a_ban_longer_than_the_timeout_is_waited_for() -> None:
    with (
        SimulatedExchange(symbols=["BTCUSDT"]) as exchange,
        UserWSSession(endpoint=exchange.endpoint) as session,
    ):
        asked = {**BTC, "interval": "1h", "start": "2026-01-01", "end": "2026-01-03", "limit": 24}
        whole = list(session.history("klines", **asked))
        candles = session.history("klines", **asked, timeout=3)
        found = list(islice(candles, 24))
        exchange.faults.ban(4.5)
        assert [*found, *candles] == whole
        assert len(found) == 24


def test_stopping_ends_a_wait_for_a_limit(clock: ManualClock) -> None:
    with SimulatedExchange(symbols=["BTCUSDT"], clock=clock, rate_limits={"REQUEST_WEIGHT": 10}) as exchange:
        session = UserWSSession(endpoint=exchange.endpoint, clock=clock).start()
        candles = session.history(
            "klines", **BTC, interval="1h", start="2026-01-01", end="2026-01-21", limit=24
        )
        caught: list[BaseException] = []
        held = threading.Event()

        class Watcher(logging.Handler):
            """Owner: shared, never changed."""

            def emit(self, record: logging.LogRecord) -> None:
                held.set()

        def read() -> None:
            try:
                list(candles)
            except SessionClosed as error:
                caught.append(error)

        log, watcher = logging.getLogger("crypto_ws_sync.session"), Watcher()
        log.addHandler(watcher)
        log.setLevel(logging.INFO)
        reader = threading.Thread(target=read)
        reader.start()
        try:
            assert held.wait(5)
            session.stop()
            reader.join(5)
            assert not reader.is_alive()
            assert len(caught) == 1
        finally:
            log.setLevel(logging.NOTSET)
            log.removeHandler(watcher)
            session.stop()


# -- errors -----------------------------------------------------------------------------------------------------


def test_an_error_leaves_the_history_where_it_was(
    session: UserWSSession, exchange: SimulatedExchange
) -> None:
    asked = {**BTC, "interval": "1h", "start": "2026-01-01", "end": "2026-01-05", "limit": 24}
    assert len(list(session.history("klines", **asked))) == 96
    candles = session.history("klines", **asked, timeout=3)
    found = list(islice(candles, 24))
    exchange.faults.swallow(method="klines")
    with pytest.raises(RequestTimeout):
        next(candles)
    exchange.faults.unavailable(executed=False, method="klines", status=400, code=-1100, msg="Illegal")
    with pytest.raises(BadRequest):
        next(candles)
    found += candles
    assert [row[0] for row in found] == [1_767_225_600_000 + hour * 3_600_000 for hour in range(96)]
    assert list(candles) == []


def test_an_outage_beyond_the_timeout_is_told_and_can_be_gone_on_from(
    session: UserWSSession, exchange: SimulatedExchange
) -> None:
    candles = session.history(
        "klines", **BTC, interval="1h", start="2026-01-01", end="2026-01-03", limit=24, timeout=1.5
    )
    found = list(islice(candles, 24))
    refusing = exchange.faults.refuse_handshake(503, times=None)
    exchange.faults.drop_all()
    with pytest.raises(ConnectionLost):
        next(candles)
    refusing.cancel()
    assert session.wait_operational(8)
    assert len([*found, *candles]) == 48


@pytest.mark.parametrize(
    ("method", "arguments", "words", "parameter"),
    [
        ("order.place", {}, "these have: allOrderLists, allOrders, blockTrades", None),
        ("nonsense", {}, "has no history", None),
        (7, {}, "has no history", None),
        ("v3/time", {}, "has no history", None),
        ("klines", {"interval": "1m"}, "symbol is needed", "symbol"),
        ("klines", {**BTC}, "interval is needed", "interval"),
        ("allOrders", {}, "symbol is needed", "symbol"),
        ("klines", {**BTC, "interval": "1m", "start_time": 5}, "takes start=", "startTime"),
        ("klines", {**BTC, "interval": "1m", "endTime": 5}, "takes end=", "endTime"),
        ("klines", {**BTC, "interval": "1m", "from_id": 5}, "has no ids", "fromId"),
        ("klines", {**BTC, "interval": "1m", "start": "2026-01-02", "end": "2026-01-01"}, "after end", "startTime"),
        ("klines", {**BTC, "interval": "1m", "start": datetime(2026, 1, 1)}, "no time zone", "start"),
        ("klines", {**BTC, "interval": "1m", "end": "2026-01-01T00:00"}, "no time zone", "end"),
        ("klines", {**BTC, "interval": "1m", "start": 1.5}, "no moment", "start"),
        ("klines", {**BTC, "interval": "1m", "limit": 0}, "whole number, 1 or more", "limit"),
        ("klines", {**BTC, "interval": "1m", "limit": "many"}, "whole number, 1 or more", "limit"),
        ("klines", {**BTC, "interval": "1m", "limit": True}, "whole number, 1 or more", "limit"),
        ("myTrades", {**BTC, "from_id": -1}, "whole number, 0 or more", "fromId"),
        ("myTrades", {**BTC, "from_id": 1, "fromId": 1}, "given twice", "fromId"),
        ("myTrades", {**BTC, "from_id": 1, "start": "2026-01-01"}, "not both", "fromId"),
        ("trades.historical", {**BTC, "start": "2026-01-01"}, "cannot be asked for by time", "start"),
        ("order.amendments", {**BTC, "order_id": 1, "end": 5}, "cannot be asked for by time", "end"),
        ("order.amendments", {**BTC}, "orderId is needed", "orderId"),
        ("myPreventedMatches", {**BTC}, "its history needs orderId", "orderId"),
        ("myPreventedMatches", {**BTC, "order_id": 1, "prevented_match_id": 1}, "can be asked for by", None),
    ],
)  # fmt: skip
def test_what_cannot_be_right_is_refused_at_once(
    method: Any,
    arguments: dict[str, Any],
    words: str,
    parameter: str | None,
    session: UserWSSession,
    exchange: SimulatedExchange,
) -> None:
    before = len(exchange.requests())
    with pytest.raises(InvalidParameter, match=words) as caught:
        session.history(method, **arguments)
    assert parameter is None or caught.value.parameter == parameter
    assert len(exchange.requests()) == before


def test_either_spelling_and_a_version_are_understood(
    session: UserWSSession, exchange: SimulatedExchange
) -> None:
    list(
        session.history(
            "v3/klines", **BTC, interval="1h", start="2026-01-01", end="2026-01-02", time_zone="1"
        )
    )
    list(session.history("klines", **BTC, interval="1h", start="2026-01-01", end="2026-01-02", timeZone="1"))
    first, second = asked(exchange, "klines")
    assert first == second
    assert first["timeZone"] == "1"


def test_a_history_shows_its_method_and_leaves_out_what_is_none(
    session: UserWSSession, exchange: SimulatedExchange
) -> None:
    history = session.history(
        "klines", **BTC, interval="1h", start="2026-01-01", end="2026-01-02", time_zone=None
    )
    assert repr(history) == "<History of klines>"
    assert len(list(history)) == 24
    assert "timeZone" not in asked(exchange, "klines")[0]


def test_an_empty_range_asks_nothing(session: UserWSSession, exchange: SimulatedExchange) -> None:
    assert list(session.history("klines", **BTC, interval="1h", start="2026-01-01", end="2026-01-01")) == []
    assert list(session.history("klines", **BTC, interval="1h", start="2126-01-01")) == []
    assert asked(exchange, "klines") == []


def test_a_session_that_does_not_run_says_so(exchange: SimulatedExchange) -> None:
    session = UserWSSession(endpoint=exchange.endpoint)
    with pytest.raises(SessionClosed, match="not started"):
        session.history("trades.historical", **BTC)


def test_progress_is_told_on_stderr(
    session: UserWSSession, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tqdm", None)
    list(session.history("klines", **BTC, interval="1h", start="2026-01-01", end="2026-01-02", progress=True))
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "klines BTCUSDT 1h: 24 records, up to 2026-01-01 23:00:00 UTC",
        "klines BTCUSDT 1h: 24 records in all",
    ]
