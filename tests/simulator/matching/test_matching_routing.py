"""Smart order routing: one order, several books, and money that is exchanged one for one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matching_venue import executions, units

from crypto_ws_sync.simulator.matching import (
    CommissionRates,
    Execution,
    Fill,
    MatchingEngine,
    NewOrder,
    Order,
    Outcome,
    Rejection,
    SymbolRules,
)

POOL = ("BTCUSDT", "BTCUSDC", "BTCUSDP")
DOLLARS = ("USDT", "USDC", "USDP")
ACCOUNTS = (1, 2, 3)
# The books of the documents' examples: (symbol, quantity, price).
ASKS = (
    ("BTCUSDT", "3", "30800"),
    ("BTCUSDT", "3", "30500"),
    ("BTCUSDC", "1", "30000"),
    ("BTCUSDC", "1", "28000"),
    ("BTCUSDP", "1", "35000"),
    ("BTCUSDP", "1", "29000"),
)
BIDS = (
    ("BTCUSDT", "5", "29500"),
    ("BTCUSDC", "5", "35000"),
    ("BTCUSDC", "5", "30000"),
    ("BTCUSDP", "5", "28000"),
)


class Pool:
    """Three symbols with one base asset, and three accounts."""

    def __init__(self, rates: CommissionRates | None = None, **flags: Any) -> None:
        self.engine = MatchingEngine()
        for symbol in POOL:
            self.engine.add_symbol(SymbolRules(symbol, "BTC", symbol[3:], **flags))
        self.engine.add_pool(POOL)
        for account_id in ACCOUNTS:
            funds = {"BTC": units("1000"), **dict.fromkeys(DOLLARS, units("10000000"))}
            # accounts 2 and 3 trade as one group
            group = -1 if account_id == 1 else 7
            self.engine.add_account(
                account_id, funds, rates=rates or CommissionRates(0, 0), trade_group_id=group
            )
        self.now = 1_700_000_000_000_000
        self.count = 0

    def place(self, account_id: int, symbol: str, side: str, quantity: str, **fields: Any) -> Outcome:
        """Place an order: LIMIT GTC with a price, else MARKET."""
        self.now += 1_000
        self.count += 1
        for name in ("price", "iceberg_quantity"):
            if isinstance(fields.get(name), str):
                fields[name] = units(fields[name])
        fields.setdefault("type", "LIMIT" if "price" in fields else "MARKET")
        if fields["type"] == "LIMIT":
            fields.setdefault("time_in_force", "GTC")
        new = NewOrder(
            symbol=symbol, side=side, client_order_id=f"id{self.count}", quantity=units(quantity), **fields
        )
        return self.engine.place(account_id, new, self.now)

    def route(self, side: str, quantity: str, account_id: int = 1, **fields: Any) -> Outcome:
        """Place a routed order on BTCUSDT."""
        return self.place(account_id, "BTCUSDT", side, quantity, uses_sor=True, **fields)

    def fill(self, side: str, rows: tuple[tuple[str, str, str], ...], account_id: int = 2) -> None:
        """Fill the books."""
        for symbol, quantity, price in rows:
            self.place(account_id, symbol, side, quantity, price=price)

    def free(self, account_id: int, asset: str) -> int:
        return self.engine.account(account_id).holding(asset).free


def with_asks(**fields: Any) -> Pool:
    pool = Pool(**fields)
    pool.fill("SELL", ASKS)
    return pool


def prices(outcome: Outcome) -> list[tuple[str, str, bool]]:
    """(quantity, price, is an allocation) of each fill of the order placed."""
    return [
        (f"{fill.quantity / 10**8:g}", f"{fill.price / 10**8:g}", fill.is_allocation)
        for fill in outcome.fills
    ]


def state(order: Order) -> tuple[str, int, str]:
    return order.status, order.executed_quote, order.working_floor


# -- the examples of the documents ------------------------------------------------------------------------


def test_first_example_takes_the_best_of_all_books_and_pays_in_its_own_quote_asset() -> None:
    pool = with_asks()
    plain = pool.place(1, "BTCUSDT", "BUY", "0.5", price="31000")
    assert prices(plain) == [("0.5", "30500", False)]
    before = pool.free(1, "USDT")
    outcome = pool.route("BUY", "0.5", price="31000")
    assert prices(outcome) == [("0.5", "28000", True)]
    assert state(outcome.order) == ("FILLED", units("14000"), "SOR")
    assert before - pool.free(1, "USDT") == units("14000")
    assert pool.free(1, "USDC") == units("10000000")
    assert pool.free(2, "USDC") == units("10014000")


def test_second_example_goes_through_all_books_in_order_of_price() -> None:
    outcome = with_asks().route("BUY", "5", price="31000")
    # The documents' sample shows an allocation for the last one, though their text has a trade there.
    assert prices(outcome) == [
        ("1", "28000", True),
        ("1", "29000", True),
        ("1", "30000", True),
        ("2", "30500", False),
    ]
    assert state(outcome.order) == ("FILLED", units("148000"), "EXCHANGE")


def test_third_example_expires_what_no_book_has() -> None:
    outcome = with_asks().route("BUY", "11")
    assert state(outcome.order) == ("EXPIRED", units("305900"), "SOR")
    assert outcome.order.executed == units("10")
    assert [price for _, price, _ in prices(outcome)] == [
        "28000",
        "29000",
        "30000",
        "30500",
        "30800",
        "35000",
    ]


def test_fourth_example_sells_on_another_book_and_receives_its_own_quote_asset() -> None:
    pool = Pool()
    pool.fill("BUY", BIDS)
    outcome = pool.route("SELL", "10", price="29000")
    assert prices(outcome) == [("5", "35000", True), ("5", "30000", True)]
    assert pool.free(1, "USDT") == units("10325000")
    assert pool.free(1, "USDC") == units("10000000")


# -- what is left over ------------------------------------------------------------------------------------


def test_rest_of_a_good_till_cancelled_order_stands_on_its_own_book() -> None:
    pool = with_asks()
    outcome = pool.route("BUY", "2.5", price="29500")
    assert prices(outcome) == [("1", "28000", True), ("1", "29000", True)]
    assert outcome.order.status == "PARTIALLY_FILLED"
    assert outcome.order.working_floor == "EXCHANGE"
    assert pool.engine.best("BTCUSDT")[0] == (units("29500"), units("0.5"))
    later = pool.place(3, "BTCUSDT", "SELL", "0.5", price="29500")
    assert outcome.order.status == "FILLED"
    assert later.trades[0].buyer_order_id == outcome.order.order_id


@pytest.mark.parametrize(
    ("quantity", "tif", "executed"), [("5", "IOC", "2"), ("5", "FOK", "0"), ("2", "FOK", "2")]
)
def test_other_times_in_force_look_at_all_books(quantity: str, tif: str, executed: str) -> None:
    order = with_asks().route("BUY", quantity, price="29500", time_in_force=tif).order
    assert order.executed == units(executed)
    assert order.is_open is False


def test_of_equal_prices_the_own_book_comes_first() -> None:
    pool = Pool()
    pool.fill("SELL", (("BTCUSDC", "1", "100"), ("BTCUSDT", "1", "100"), ("BTCUSDP", "1", "100")))
    outcome = pool.route("BUY", "3", price="100")
    assert [trade.symbol for trade in outcome.trades] == ["BTCUSDT", "BTCUSDC", "BTCUSDP"]


def test_market_order_must_be_paid_for_at_the_prices_of_all_books() -> None:
    pool = with_asks()
    pool.engine.deposit(1, "USDT", -units("9942000"), pool.now)
    # 28000 + 29000 + 1000 left: one more at 30000 is too dear.
    with pytest.raises(Rejection, match="insufficient balance"):
        pool.route("BUY", "3")
    assert pool.route("BUY", "2").order.status == "FILLED"


# -- records ----------------------------------------------------------------------------------------------


def test_allocation_is_no_trade_of_the_account_but_one_on_the_other_book() -> None:
    pool = with_asks()
    pool.route("BUY", "0.5", price="31000")
    outcome = pool.route("BUY", "0.5", price="31000")
    desk = pool.engine.desk(1, "BTCUSDT")
    assert desk.fills == []
    assert [fill.allocation_id for fill in desk.allocations] == [0, 1]
    assert [fill.trade_id for fill in desk.allocations] == [-1, -1]
    (trade,) = outcome.trades
    assert (trade.symbol, trade.trade_id) == ("BTCUSDC", 2)
    assert pool.engine.last_price("BTCUSDC") == units("28000")
    assert pool.engine.last_price("BTCUSDT") == 0
    (sold,) = [fill for fill in pool.engine.desk(2, "BTCUSDC").fills if fill.trade_id == trade.trade_id]
    assert (sold.is_maker, sold.is_buyer) == (True, False)
    # The exchange trades there under an order id of its own.
    assert pool.engine.desk(1, "BTCUSDC").orders == []
    following = pool.place(3, "BTCUSDC", "BUY", "1", price="1").order
    assert following.order_id == trade.buyer_order_id + 1


def test_events_tell_the_floor_of_each_step() -> None:
    outcome = with_asks().route("BUY", "5", price="31000")
    told = executions(outcome, outcome.order)
    assert [event.working_floor for event in told] == ["SOR", "SOR", "SOR", "SOR", "EXCHANGE"]
    assert [event.fill.allocation_id for event in told if event.fill] == [0, 1, 2, -1]


def test_stop_on_another_book_is_set_off_by_a_routed_order() -> None:
    pool = with_asks()
    stop = pool.place(3, "BTCUSDC", "BUY", "0.1", type="STOP_LOSS", stop_price=units("28000")).order
    pool.route("BUY", "1", price="28000")
    assert stop.status == "FILLED"


def test_own_order_on_another_book_is_not_traded_with() -> None:
    pool = with_asks()
    own = pool.place(1, "BTCUSDC", "SELL", "1", price="27000").order
    outcome = pool.route("BUY", "1", price="31000", stp_mode="EXPIRE_MAKER")
    assert own.status == "EXPIRED_IN_MATCH"
    assert prices(outcome) == [("1", "28000", True)]
    (match,) = outcome.prevented_matches
    assert (match.symbol, match.maker_symbol) == ("BTCUSDT", "BTCUSDC")
    taker = pool.route("BUY", "1", price="31000", stp_mode="EXPIRE_TAKER")
    assert taker.order.status == "FILLED"


def test_transfer_over_two_books_exchanges_the_quote_assets() -> None:
    pool = Pool()
    pool.place(2, "BTCUSDC", "SELL", "1", price="100", stp_mode="TRANSFER")
    outcome = pool.route("BUY", "1", account_id=3, price="100", stp_mode="TRANSFER")
    assert (outcome.order.status, outcome.order.prevented) == ("EXPIRED_IN_MATCH", units("1"))
    assert pool.free(3, "USDT") == units("9999900")
    assert pool.free(2, "USDC") == units("10000100")
    assert pool.engine.exchanged == {"USDT": units("100"), "USDC": units("-100")}
    (event, ended) = (e for e in outcome.events if isinstance(e, Execution) and e.prevented_match)
    assert {event.order.symbol, ended.order.symbol} == {"BTCUSDT", "BTCUSDC"}


def test_commission_is_taken_from_what_the_order_receives() -> None:
    pool = Pool(CommissionRates())
    pool.fill("SELL", ASKS)
    (fill,) = pool.route("BUY", "0.5", price="31000").fills
    assert (fill.commission, fill.commission_asset) == (units("0.0005"), "BTC")
    pool.fill("BUY", BIDS, account_id=3)
    (fill,) = pool.route("SELL", "0.5", price="34000").fills
    assert (fill.commission, fill.commission_asset) == (units("17.5"), "USDT")


# -- what may be routed -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"type": "LIMIT_MAKER", "price": "100"}, -1116),
        ({"type": "STOP_LOSS", "stop_price": 1}, -1116),
        ({"quote_order_quantity": 1}, -1106),
        ({"price": "100", "peg_price_type": "MARKET_PEG"}, -2010),
    ],
)
def test_only_plain_limit_and_market_orders_are_routed(fields: dict[str, Any], code: int) -> None:
    with pytest.raises(Rejection) as refused:
        with_asks().route("BUY", "1", **fields)
    assert refused.value.code == code


def test_symbol_without_a_pool_has_no_routing() -> None:
    pool = Pool()
    pool.engine.add_symbol(SymbolRules("ETHUSDT", "ETH", "USDT"))
    with pytest.raises(Rejection) as refused:
        pool.place(1, "ETHUSDT", "BUY", "1", uses_sor=True)
    assert refused.value == Rejection(-1020, "This operation is not supported.")
    with pytest.raises(ValueError, match="one base asset"):
        pool.engine.add_pool(("BTCUSDT", "ETHUSDT"))


def test_book_that_does_not_trade_is_left_out() -> None:
    engine = MatchingEngine()
    pool = Pool()
    pool.engine = engine
    for symbol, status in (("BTCUSDT", "TRADING"), ("BTCUSDC", "TRADING")):
        engine.add_symbol(SymbolRules(symbol, "BTC", symbol[3:], status=status))
    engine.add_pool(("BTCUSDT", "BTCUSDC"))
    for account_id in (1, 2):
        engine.add_account(account_id, {"BTC": units("10"), "USDT": units("1000"), "USDC": units("1000")})
    pool.place(2, "BTCUSDC", "SELL", "1", price="100")
    market = engine._market("BTCUSDC")
    market.rules = SymbolRules("BTCUSDC", "BTC", "USDC", status="HALT")
    assert pool.route("BUY", "1", price="100").order.executed == 0


# -- whatever is asked ------------------------------------------------------------------------------------

steps = st.lists(
    st.tuples(
        st.sampled_from(ACCOUNTS),
        st.sampled_from(POOL),
        st.sampled_from(("BUY", "SELL")),
        st.integers(1, 5),
        st.one_of(st.none(), st.integers(96, 104)),
        st.sampled_from(("GTC", "GTC", "IOC", "FOK")),
        st.sampled_from(
            (
                "NONE",
                "NONE",
                "EXPIRE_MAKER",
                "EXPIRE_TAKER",
                "EXPIRE_BOTH",
                "DECREMENT",
                "TRANSFER",
                "TRANSFER",
            )
        ),
        st.booleans(),
        st.booleans(),
    ),
    max_size=30,
)
PRICE, LOT = 1_000_003, 33_333_331


@pytest.mark.timeout(60)  # a hundred random histories
@given(steps)
def test_routing_loses_nothing_and_always_takes_the_best_of_all_books(script: list[tuple[Any, ...]]) -> None:
    pool = Pool(CommissionRates())
    before = total(pool)
    for account_id, symbol, side, lots, price, tif, mode, is_routed, is_iceberg in script:
        fields: dict[str, Any] = {"type": "MARKET"}
        if price is not None:
            fields = {"type": "LIMIT", "price": price * PRICE, "time_in_force": tif}
            if is_iceberg and tif == "GTC":
                fields["iceberg_quantity"] = LOT // 2
        expected = best_prices(pool, side, price and price * PRICE) if is_routed else []
        pool.now += 1_000
        pool.count += 1
        new = NewOrder(
            symbol=symbol,
            side=side,
            client_order_id=f"id{pool.count}",
            quantity=lots * LOT,
            stp_mode=mode,
            uses_sor=is_routed,
            **fields,
        )
        try:
            outcome = pool.engine.place(account_id, new, pool.now)
        except Rejection:
            continue
        assert total(pool) == before
        check_records(pool, outcome, account_id)
        if is_routed and mode == "NONE":
            check_best(outcome, expected)


def best_prices(pool: Pool, side: str, limit: int | None) -> list[tuple[int, int]]:
    """(price, all there is at it) over all books, best first, as far as an order may go."""
    found: dict[int, int] = {}
    for symbol in POOL:
        book = pool.engine._market(symbol)
        for level in book.side(side == "SELL").walk():
            beyond = limit is not None and (level.price > limit if side == "BUY" else level.price < limit)
            if not beyond:
                found[level.price] = found.get(level.price, 0) + level.total
    return sorted(found.items(), reverse=side == "SELL")


def check_best(outcome: Outcome, expected: list[tuple[int, int]]) -> None:
    """The fills go through the prices in order, and leave none before it is used up."""
    left = outcome.order.executed
    taken: dict[int, int] = {}
    for fill in outcome.fills:
        taken[fill.price] = taken.get(fill.price, 0) + fill.quantity
    wanted: dict[int, int] = {}
    for price, quantity in expected:
        if left:
            wanted[price] = min(left, quantity)
            left -= wanted[price]
    assert list(taken.items()) == list(wanted.items())


def check_records(pool: Pool, outcome: Outcome, account_id: int) -> None:
    """A routed fill is a trade on its own book and an allocation elsewhere; both sides agree."""
    order = outcome.order
    desk = pool.engine.desk(account_id, order.symbol)
    fills: list[Fill] = [each for each in (*desk.fills, *desk.allocations) if each.order_id == order.order_id]
    assert sum(fill.quantity for fill in fills) == order.executed
    assert sum(fill.quote_quantity for fill in fills) == order.executed_quote
    if not order.uses_sor:
        assert not any(fill.is_allocation for fill in fills)
    makers = [e.fill for e in outcome.events if isinstance(e, Execution) and e.fill and e.fill.is_maker]
    assert [(fill.symbol, fill.trade_id) for fill in makers] == [
        (trade.symbol, trade.trade_id) for trade in outcome.trades
    ]
    for trade, mine in zip(outcome.trades, outcome.fills, strict=True):
        assert (trade.price, trade.quantity) == (mine.price, mine.quantity)
        assert mine.is_allocation is (trade.symbol != order.symbol)
    ids = [fill.allocation_id for fill in desk.allocations]
    assert ids == sorted(set(ids))


def total(pool: Pool) -> dict[str, int]:
    """All there is of each asset, with commissions and what routing holds or owes; nobody is short."""
    engine = pool.engine
    found = {}
    for asset in ("BTC", *DOLLARS):
        holdings = [engine.account(account_id).holding(asset) for account_id in ACCOUNTS]
        assert all(each.free >= 0 and each.locked >= 0 for each in holdings)
        found[asset] = engine.fees.get(asset, 0) + engine.exchanged.get(asset, 0)
        found[asset] += sum(each.free + each.locked for each in holdings)
    # Dollars are exchanged one for one.
    assert sum(engine.exchanged.values()) == 0
    return found
