"""Pegged and routed orders, purchases that pay, and commissions in BNB: typed calls, events and history agree."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from fitting import fits, result_type

from crypto_ws_sync import OrderRejected, UserDataStream, UserWSSession
from crypto_ws_sync.exchanges.binance.replies.events import AccountPosition, ExecutionReport, ListStatus
from crypto_ws_sync.simulator import ManualClock, SimulatedExchange

BTC: dict[str, Any] = {"symbol": "BTCUSDT"}
NOW = 1_780_000_000
EVENTS = {
    "executionReport": ExecutionReport,
    "listStatus": ListStatus,
    "outboundAccountPosition": AccountPosition,
}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def exchange(clock: ManualClock) -> Iterator[SimulatedExchange]:
    with SimulatedExchange(symbols=["BTCUSDT", "BTCUSDC", "BNBUSDT"], clock=clock) as exchange:
        yield exchange


@pytest.fixture
def session(exchange: SimulatedExchange, clock: ManualClock) -> Iterator[UserWSSession]:
    with _session(exchange, clock, 0) as session:
        yield session


@pytest.fixture
def other(exchange: SimulatedExchange, clock: ManualClock) -> Iterator[UserWSSession]:
    """Somebody else's session, to trade with."""
    exchange.add_account("hmac")
    with _session(exchange, clock, 1) as session:
        yield session


def _session(exchange: SimulatedExchange, clock: ManualClock, place: int) -> UserWSSession:
    account = exchange.accounts[place]
    return UserWSSession(account.api_key, account.api_secret, endpoint=exchange.endpoint, clock=clock)


def events_of(stream: UserDataStream, last: str = "outboundAccountPosition") -> list[Any]:
    """Return the events up to the next one of a kind; each fits its type."""
    found: list[Any] = []
    while not found or found[-1]["e"] != last:
        event: Any = next(stream)
        assert fits(event, EVENTS[event["e"]])
        found.append(event)
    return found


def between(session: UserWSSession) -> Decimal:
    """Return a price between the best ones, where nobody else stands."""
    book: Any = session.ticker_book(symbol="BTCUSDT")
    middle = (Decimal(book["bidPrice"]) + Decimal(book["askPrice"])) / 2
    return middle.quantize(Decimal("0.01"))


def limit(price: object, side: str, quantity: str, **more: Any) -> dict[str, Any]:
    """Return the arguments of a limit order."""
    kind = {"type": "LIMIT", "time_in_force": "GTC"}
    return {**BTC, **kind, "side": side, "quantity": quantity, "price": price, **more}


def test_a_pegged_order(session: UserWSSession, other: UserWSSession, exchange: SimulatedExchange) -> None:
    with session.user_data(timeout=5) as stream:
        price = between(session)
        other.order_place(**limit(price, "BUY", "0.01"))
        placed = session.order_place(**limit(None, "BUY", "0.02", peg_price_type="PRIMARY_PEG"))
        assert fits(placed, result_type("order.place"))
        assert (placed["price"], Decimal(placed["peggedPrice"])) == ("0.00000000", price)
        (new, _) = events_of(stream)
        assert (new["gP"], Decimal(new["gp"])) == ("PRIMARY_PEG", price)
        # Behind the other one's order, so that of 0.015 sold a third is left for it.
        exchange.add_account("hmac")
        with _session(exchange, exchange.clock, 2) as third:  # type: ignore[arg-type]  # it is the manual one
            third.order_place(**limit(price, "SELL", "0.015"))
        (trade, _) = events_of(stream)
        assert (trade["l"], trade["m"], Decimal(trade["gp"])) == ("0.00500000", True, price)
    found = session.order_status(**BTC, order_id=placed["orderId"])
    assert fits(found, result_type("order.status"))
    assert list(session.history("allOrders", **BTC)) == [found] == exchange.orders(exchange.accounts[0])
    with pytest.raises(OrderRejected, match="may not use pegged price"):
        session.order_place(
            **BTC, side="BUY", type="STOP_LOSS", quantity="1", stop_price=1, peg_price_type="MARKET_PEG"
        )


def test_a_purchase_that_pays_for_a_sale(
    session: UserWSSession, other: UserWSSession, exchange: SimulatedExchange
) -> None:
    exchange.deposit("BTC", -10)
    with session.user_data(timeout=5) as stream:
        price = between(session)
        placed = session.order_list_place_opo(
            **BTC,
            working_type="LIMIT",
            working_time_in_force="GTC",
            working_side="BUY",
            working_price=price,
            working_quantity="0.01",
            pending_type="LIMIT",
            pending_time_in_force="GTC",
            pending_side="SELL",
            pending_price=price + 1000,
        )
        assert fits(placed, result_type("orderList.place.opo"))
        working, pending = placed["orderReports"]
        assert "origQty" not in pending
        assert [event["e"] for event in events_of(stream)] == [
            "executionReport",
            "executionReport",
            "listStatus",
            "outboundAccountPosition",
        ]
        other.order_place(**limit(price, "SELL", "0.01"))
        trade, new, position = events_of(stream)
        assert (trade["i"], trade["X"]) == (working["orderId"], "FILLED")
        assert (new["i"], new["X"], new["q"]) == (pending["orderId"], "NEW", "0.00999000")
        held = next(balance for balance in position["B"] if balance["a"] == "BTC")
        assert (held["f"], held["l"]) == ("0.00000000", "0.00999000")
    orders = list(session.history("allOrders", **BTC))
    assert [order["origQty"] for order in orders] == ["0.01000000", "0.00999000"]
    assert orders == exchange.orders(exchange.accounts[0])
    (told,) = session.history("allOrderLists")
    assert (told["orderListId"], told["listOrderStatus"]) == (placed["orderListId"], "EXECUTING")
    assert session.order_list_status(order_list_id=placed["orderListId"]) == told


def test_a_purchase_that_pays_for_a_pair(session: UserWSSession, other: UserWSSession) -> None:
    price = between(session)
    placed = session.order_list_place_opoco(
        **BTC,
        working_type="LIMIT_MAKER",
        working_side="BUY",
        working_price=price,
        working_quantity="0.01",
        pending_side="SELL",
        pending_above_type="LIMIT_MAKER",
        pending_above_price=price + 1000,
        pending_below_type="STOP_LOSS",
        pending_below_stop_price=price - 1000,
    )
    assert fits(placed, result_type("orderList.place.opoco"))
    other.order_place(**limit(price, "SELL", "0.01"))
    pair = session.open_orders_status(**BTC)
    assert [(order["status"], order["origQty"]) for order in pair] == [("NEW", "0.01000000")] * 2
    ended = session.order_list_cancel(**BTC, order_list_id=placed["orderListId"])
    assert fits(ended, result_type("orderList.cancel"))
    assert session.open_orders_status(**BTC) == []


def test_a_routed_order(session: UserWSSession, exchange: SimulatedExchange) -> None:
    with session.user_data(timeout=5) as stream:
        # Large enough for both books to be needed.
        placed = session.sor_order_place(**BTC, side="BUY", type="MARKET", quantity="4")
        assert fits(placed, result_type("sor.order.place"))
        (order,) = placed
        fills = order["fills"]
        *reports, position = events_of(stream)
        assert {asset["a"] for asset in position["B"]} == {"BTC", "USDT"}
    trades = [event for event in reports if event["x"] == "TRADE"]
    assert [event.get("a", event["t"]) for event in trades] == [
        fill.get("allocId", fill["tradeId"]) for fill in fills
    ]
    assert {event["uS"] for event in reports} == {True}
    assert {event["k"] for event in trades} == {"SOR", "EXCHANGE"}
    allocated = session.my_allocations(**BTC, order_id=order["orderId"])
    assert fits(allocated, result_type("myAllocations"))
    assert list(session.history("myAllocations", **BTC)) == allocated == exchange.allocations()
    assert [each["allocationId"] for each in allocated] == [
        fill["allocId"] for fill in fills if "allocId" in fill
    ]
    traded = session.my_trades(**BTC, order_id=order["orderId"])
    assert [each["id"] for each in traded] == [fill["tradeId"] for fill in fills if "allocId" not in fill]
    parts = [Decimal(each["qty"]) for each in (*allocated, *traded)]
    assert sum(parts) == Decimal(order["executedQty"]) == 4
    assert exchange.orders() == [session.order_status(**BTC, order_id=order["orderId"])]
    assert session.exchange_info()["sors"] == [{"baseAsset": "BTC", "symbols": ["BTCUSDT", "BTCUSDC"]}]


def test_commissions_in_bnb(session: UserWSSession, exchange: SimulatedExchange) -> None:
    exchange.rules.set_commission(tax={"taker": "0.0005"}, special={"buyer": "0.0002"}, pay_in_bnb=True)
    rates = session.account_commission(**BTC)
    assert fits(rates, result_type("account.commission"))
    assert rates["discount"]["enabledForAccount"] is True
    tested = session.order_test(**limit(between(session), "BUY", "0.01"), compute_commission_rates=True)
    assert fits(tested, result_type("order.test"))
    assert tested["specialCommissionForOrder"] == {"maker": "0.00020000", "taker": "0.00020000"}
    before = exchange.balances()["BNB"].free
    with session.user_data(timeout=5) as stream:
        placed = session.order_place(**BTC, side="BUY", type="MARKET", quantity="0.01")
        *reports, position = events_of(stream)
    paid = sum(Decimal(fill["commission"]) for fill in placed["fills"])
    assert paid == sum(Decimal(event["n"]) for event in reports if event["N"] == "BNB") > 0
    trades = list(session.history("myTrades", **BTC))
    assert {trade["commissionAsset"] for trade in trades} == {"BNB"}
    assert sum(Decimal(trade["commission"]) for trade in trades) == paid
    (held,) = [asset for asset in position["B"] if asset["a"] == "BNB"]
    assert Decimal(held["f"]) == before - paid == exchange.balances()["BNB"].free


def test_block_trades(session: UserWSSession) -> None:
    page = session.block_trades_historical(**BTC, from_id=4_000, limit=10)
    assert fits(page, result_type("blockTrades.historical"))
    assert [trade["id"] for trade in page] == list(range(4_000, 4_010))
