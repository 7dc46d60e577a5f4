"""Self-trade prevention, execution rules, account filters and symbol states, through the typed methods."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from typing import Any

import pytest

from crypto_ws_sync import ApiError, AuthError, BadRequest, NotFound, OrderRejected, UserWSSession
from crypto_ws_sync.simulator import Account, ManualClock, SimulatedExchange

SYMBOL = "BTCUSDT"
OpenSession = Callable[[Account], UserWSSession]


@pytest.fixture
def exchange() -> Iterator[SimulatedExchange]:
    # 2026-01-01 12:00:00 UTC, so that every run has the same market
    with SimulatedExchange(clock=ManualClock(1_767_268_800.0), symbols=[SYMBOL]) as exchange:
        yield exchange


@pytest.fixture
def open_session(exchange: SimulatedExchange) -> Iterator[OpenSession]:
    with ExitStack() as stack:

        def make(account: Account) -> UserWSSession:
            clock = exchange.clock
            assert isinstance(clock, ManualClock)
            return stack.enter_context(
                UserWSSession(account.api_key, account.api_secret, endpoint=exchange.endpoint, clock=clock)
            )

        yield make


@pytest.fixture
def session(exchange: SimulatedExchange, open_session: OpenSession) -> UserWSSession:
    return open_session(exchange.accounts[0])


def middle_of(session: UserWSSession) -> Decimal:
    """A price between the best ones, where only our own orders are."""
    book: Any = session.ticker_book(symbol=SYMBOL)
    return ((Decimal(book["bidPrice"]) + Decimal(book["askPrice"])) / 2).quantize(Decimal("0.01"))


def place(session: UserWSSession, side: Any, price: Decimal, quantity: str, mode: Any = None) -> Any:
    return session.order_place(
        symbol=SYMBOL,
        side=side,
        type="LIMIT",
        time_in_force="GTC",
        price=price,
        quantity=quantity,
        self_trade_prevention_mode=mode,
    )


def test_replies_events_history_and_queries_tell_the_same_of_prevented_matches(
    exchange: SimulatedExchange, open_session: OpenSession
) -> None:
    accounts = [exchange.add_account(kind, trade_group_id=7) for kind in ("ed25519", "hmac")]
    ours, theirs = (open_session(account) for account in accounts)
    price = middle_of(ours)
    with theirs.user_data(timeout=5) as stream:
        modes = ["TRANSFER", "DECREMENT", "TRANSFER", "EXPIRE_TAKER", "EXPIRE_MAKER"]
        maker = place(ours, "BUY", price, "0.01", "TRANSFER")
        takers = [place(theirs, "SELL", price, "0.001", mode) for mode in modes]
        told: list[Any] = []
        while len(told) < 4:
            event: Any = next(stream)
            if event["e"] == "executionReport" and event["x"] == "TRADE_PREVENTION":
                told.append(event)

    recorded = list(theirs.history("myPreventedMatches", symbol=SYMBOL, order_id=takers[0]["orderId"]))
    assert len(recorded) == 1
    matches = list(ours.history("myPreventedMatches", symbol=SYMBOL, order_id=maker["orderId"], limit=2))
    assert [each["selfTradePreventionMode"] for each in matches] == modes
    assert matches == ours.my_prevented_matches(symbol=SYMBOL, order_id=maker["orderId"])
    assert matches[2:] == ours.my_prevented_matches(
        symbol=SYMBOL, order_id=maker["orderId"], from_prevented_match_id=matches[2]["preventedMatchId"]
    )
    for match, taker, mode in zip(matches, takers, modes, strict=True):
        (in_reply,) = taker["preventedMatches"]
        assert in_reply.items() <= match.items()
        assert (match["takerOrderId"], match["makerOrderId"]) == (taker["orderId"], maker["orderId"])
        assert taker["tradeGroupId"] == match["tradeGroupId"] == 7
        asked = theirs.order_status(symbol=SYMBOL, order_id=taker["orderId"])
        assert asked["status"] == taker["status"] == ("NEW" if mode == "EXPIRE_MAKER" else "EXPIRED_IN_MATCH")
        assert asked.get("preventedQuantity") == taker.get("preventedQuantity")
    for event, match in zip(told, matches, strict=False):
        assert (event["v"], event["i"], event["U"]) == (
            match["preventedMatchId"],
            match["takerOrderId"],
            match["makerOrderId"],
        )
        assert (event["A"], event["pL"]) == (match["takerPreventedQuantity"], match["price"])
    state = ours.order_status(symbol=SYMBOL, order_id=maker["orderId"])
    assert (state["status"], state["preventedQuantity"]) == ("EXPIRED_IN_MATCH", "0.01000000")
    # two transfers of 0.001 each, and nothing else, moved anything
    moved = [exchange.balances(account)["BTC"].free - 10 for account in accounts]
    resting = exchange.balances(accounts[1])["BTC"].locked
    assert (moved[0], moved[1] + resting) == (Decimal("0.002"), Decimal("-0.002"))
    assert exchange.trades() == []


def test_a_prevented_order_whose_answer_is_lost_is_found_with_what_was_prevented(
    exchange: SimulatedExchange, session: UserWSSession
) -> None:
    price = middle_of(session)
    maker = place(session, "BUY", price, "0.01")
    exchange.faults.drop("after", method="order.place")
    taker = place(session, "SELL", price, "0.004", "DECREMENT")
    assert (taker["status"], taker["executedQty"]) == ("EXPIRED_IN_MATCH", "0.00000000")
    (match,) = session.my_prevented_matches(symbol=SYMBOL, order_id=maker["orderId"])
    assert match["takerOrderId"] == taker["orderId"]
    assert taker["preventedQuantity"] == match["takerPreventedQuantity"] == "0.00400000"


def test_a_taker_stopped_by_the_price_range_is_an_answer_and_an_event(
    exchange: SimulatedExchange, session: UserWSSession
) -> None:
    with pytest.raises(NotFound):
        session.reference_price(symbol=SYMBOL)
    with pytest.raises(NotFound):
        session.reference_price_calculation(symbol=SYMBOL)
    levels = session.depth(symbol=SYMBOL, limit=5)["asks"]
    exchange.rules.set_reference_price(SYMBOL, levels[0][0], calculation_id=2)
    exchange.rules.set_price_range(SYMBOL, bid_up=1, bid_down="0.5")
    assert session.reference_price(symbol=SYMBOL)["referencePrice"] == levels[0][0]
    calculation = session.reference_price_calculation(symbol=SYMBOL)
    assert (calculation["calculationType"], calculation["externalCalculationId"]) == ("EXTERNAL", 2)
    (told,) = session.execution_rules(symbols=[SYMBOL])["symbolRules"]
    (rule,) = told["rules"]
    assert (rule["bidLimitMultUp"], rule["bidLimitMultDown"]) == ("1.0000", "0.5000")
    quantity = Decimal(levels[0][1]) + Decimal("0.001")
    with session.user_data(timeout=5) as stream:
        order = session.order_place(symbol=SYMBOL, side="BUY", type="MARKET", quantity=quantity)
        ending: Any = next(event for event in stream if dict(event).get("x") == "EXPIRED")
    assert (order["status"], order["executedQty"]) == ("EXPIRED", levels[0][1])
    assert order["expiryReason"] == ending["eR"] == "EXECUTION_RULE_PRICE_RANGE_EXCEEDED"
    exchange.rules.set_reference_price(SYMBOL, None)
    assert session.reference_price(symbol=SYMBOL)["referencePrice"] is None


def test_a_symbol_that_is_halted_refuses_and_trades_again(
    exchange: SimulatedExchange, session: UserWSSession
) -> None:
    low = (middle_of(session) / 2).quantize(Decimal("0.01"))
    resting = place(session, "BUY", low, "0.01")
    exchange.rules.set_status(SYMBOL, "HALT")
    assert [each["status"] for each in session.exchange_info(symbol_status="HALT")["symbols"]] == ["HALT"]
    with pytest.raises(OrderRejected, match="Market is closed"):
        place(session, "BUY", low, "0.01")
    with pytest.raises(ApiError, match="Market is closed") as kept:
        session.order_cancel(symbol=SYMBOL, order_id=resting["orderId"])
    assert kept.value.code == -2011
    with pytest.raises(BadRequest) as refused:
        session.ticker_price(symbol=SYMBOL, symbol_status="TRADING")
    assert refused.value.code == -1220
    exchange.rules.set_status(SYMBOL, "CANCEL_ONLY")
    amended = session.order_amend_keep_priority(symbol=SYMBOL, order_id=resting["orderId"], new_qty="0.005")
    assert amended["amendedOrder"]["qty"] == "0.00500000"
    assert session.order_cancel(symbol=SYMBOL, order_id=resting["orderId"])["status"] == "CANCELED"
    exchange.rules.set_status(SYMBOL, "TRADING")
    assert place(session, "BUY", low, "0.01")["status"] == "NEW"


def test_permissions_and_filters_of_the_account_are_told_and_kept(
    exchange: SimulatedExchange, session: UserWSSession
) -> None:
    low = (middle_of(session) / 2).quantize(Decimal("0.01"))
    exchange.rules.set_filter({"filterType": "MAX_ASSET", "asset": "BTC", "limit": "0.5"})
    (told,) = session.my_filters(symbol=SYMBOL)["assetFilters"]
    assert told == {"filterType": "MAX_ASSET", "asset": "BTC", "limit": "0.50000000"}
    with pytest.raises(OrderRejected, match="Filter failure: MAX_ASSET"):
        place(session, "BUY", low, "0.51")
    assert place(session, "BUY", low, "0.5")["status"] == "NEW"
    exchange.rules.set_permissions(["MARGIN", "TRD_GRP_004"])
    assert session.account_status()["permissions"] == ["MARGIN", "TRD_GRP_004"]
    with pytest.raises(AuthError) as refused:
        place(session, "BUY", low, "0.5")
    assert (refused.value.code, refused.value.msg) == (
        -2010,
        "This symbol is not permitted for this account.",
    )
    exchange.rules.set_permission_sets(SYMBOL, [["SPOT", "TRD_GRP_004"], ["MARGIN"]])
    assert place(session, "BUY", low, "0.5")["status"] == "NEW"


def test_a_lock_from_outside_is_an_event_and_a_balance(
    exchange: SimulatedExchange, session: UserWSSession
) -> None:
    with session.user_data(timeout=5) as stream:
        exchange.lock("BTC", "2.5")
        told: Any = next(stream)
        assert (told["e"], told["a"], told["d"]) == ("externalLockUpdate", "BTC", "2.50000000")
        held = {each["asset"]: each for each in session.account_status()["balances"]}
        assert held["BTC"] == {"asset": "BTC", "free": "7.50000000", "locked": "2.50000000"}


@pytest.mark.parametrize("kind", ["hmac", "ed25519"])
def test_a_key_that_may_only_read_reads_and_does_not_trade(
    exchange: SimulatedExchange, open_session: OpenSession, kind: Any
) -> None:
    account = exchange.add_account(kind)
    exchange.rules.set_key_permissions(["USER_DATA", "USER_STREAM"], account)
    session = open_session(account)
    assert session.account_status()["uid"] == account.account_id
    with pytest.raises(AuthError) as refused:
        place(session, "BUY", Decimal("30000"), "0.01")
    assert refused.value.code == -2015
    assert exchange.orders(account) == []
    exchange.rules.set_key_permissions(["TRADE", "USER_DATA", "USER_STREAM"], account)
    assert place(session, "BUY", Decimal("30000"), "0.01")["status"] == "NEW"
