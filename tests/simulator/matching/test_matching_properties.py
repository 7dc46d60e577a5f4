"""Random orders, cancels, amends and lists: what must hold whatever is asked, in whatever order."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from matching_replay import Replay

from crypto_ws_sync.simulator.matching import (
    AccountPosition,
    Execution,
    ListStatus,
    MatchingEngine,
    NewOrder,
    NewOrderList,
    Order,
    OrderList,
    Outcome,
    Rejection,
    SymbolRules,
)

SYMBOL = "ETHBTC"
ACCOUNTS = (1, 2, 3)
# odd numbers, so that products have digits beyond the eighth decimal and rounding matters
PRICE = 1_000_003
LOT = 33_333_331
START = {"ETH": 20 * LOT, "BTC": 40 * LOT}
PAIR_TYPES = ("LIMIT_MAKER", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")

sides = st.sampled_from(("BUY", "SELL"))
prices = st.integers(96, 104).map(lambda n: n * PRICE)
lots = st.integers(1, 6).map(lambda n: n * LOT)
modes = st.sampled_from(
    ("NONE", "NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER", "TRANSFER")
)
accounts = st.sampled_from(ACCOUNTS)
order_types = st.sampled_from(
    ("LIMIT", "LIMIT", "LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT",
     "TAKE_PROFIT_LIMIT")
)  # fmt: skip


@st.composite
def orders(draw: st.DrawFn, kinds: st.SearchStrategy[str] = order_types) -> dict[str, Any]:
    kind = draw(kinds)
    fields: dict[str, Any] = {"side": draw(sides), "type": kind, "stp_mode": draw(modes)}
    if kind == "MARKET" and draw(st.booleans()):
        fields["quote_order_quantity"] = draw(st.integers(1, 6 * LOT))
    else:
        fields["quantity"] = draw(lots)
    if kind.endswith("LIMIT") or kind == "LIMIT_MAKER":
        fields["price"] = draw(prices)
    if kind.endswith("LIMIT"):
        fields["time_in_force"] = draw(st.sampled_from(("GTC", "GTC", "GTC", "IOC", "FOK")))
    if "price" in fields and draw(st.integers(0, 3)) == 0:
        fields["peg_price_type"] = draw(st.sampled_from(("PRIMARY_PEG", "MARKET_PEG")))
        fields["peg_offset"] = draw(st.sampled_from((None, 0, 1)))
        if draw(st.booleans()):
            fields["price"] = 0
    if kind.startswith(("STOP", "TAKE")):
        fields["stop_price"] = draw(prices)
        if draw(st.booleans()):
            fields["trailing_delta"] = draw(st.sampled_from((10, 90, 150, 300)))
            if draw(st.booleans()):
                fields["stop_price"] = 0
    if fields.get("time_in_force", "GTC") == "GTC" and "price" in fields and draw(st.integers(0, 2)) == 0:
        fields["iceberg_quantity"] = LOT // 3
    return fields


@st.composite
def pairs(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    above, below = draw(orders(st.sampled_from(PAIR_TYPES))), draw(orders(st.sampled_from(PAIR_TYPES)))
    below["side"], below["quantity"] = above["side"], above["quantity"]
    # mostly the right way round
    if draw(st.integers(0, 4)):
        if above["type"].startswith("STOP_LOSS") == below["type"].startswith("STOP_LOSS"):
            above["type"], below["type"] = "LIMIT_MAKER", "STOP_LOSS"
            above.update(
                price=103 * PRICE, stop_price=0, trailing_delta=0, time_in_force="", iceberg_quantity=0
            )
            below.update(price=0, stop_price=97 * PRICE, time_in_force="", iceberg_quantity=0)
        if above["type"].startswith("STOP_LOSS") != (above["side"] == "BUY"):
            above, below = below, above
        for leg in (above, below):
            if not leg["type"].endswith("LIMIT") and leg["type"] != "LIMIT_MAKER":
                leg.pop("peg_price_type", None)
                leg.pop("peg_offset", None)
        for leg, price in ((above, 102 * PRICE), (below, 98 * PRICE)):
            leg["stop_price" if leg["type"] != "LIMIT_MAKER" else "price"] = price
    return above, below


new_order = st.tuples(st.just("place"), accounts, orders())
new_list = st.one_of(
    st.tuples(st.just("OCO"), accounts, pairs()),
    st.tuples(
        st.just("OTO"), accounts, st.tuples(orders(st.sampled_from(("LIMIT", "LIMIT_MAKER"))), orders())
    ),
    st.tuples(
        st.just("OTOCO"),
        accounts,
        st.tuples(orders(st.sampled_from(("LIMIT", "LIMIT_MAKER"))), pairs()).map(lambda p: (p[0], *p[1])),
    ),
)


def purchase(leg: dict[str, Any]) -> dict[str, Any]:
    """A working order of a list whose pending orders sell what it buys."""
    return {**leg, "side": "BUY"}


def sale(leg: dict[str, Any]) -> dict[str, Any]:
    """A pending order of such a list: its quantity comes from the working one."""
    return {key: value for key, value in leg.items() if "quantity" not in key} | {"side": "SELL"}


workings = orders(st.sampled_from(("LIMIT", "LIMIT_MAKER"))).map(purchase)
paying_list = st.one_of(
    st.tuples(st.just("OPO"), accounts, st.tuples(workings, orders().map(sale))),
    st.tuples(
        st.just("OPOCO"),
        accounts,
        st.tuples(workings, pairs()).map(lambda p: (p[0], *map(sale, p[1]))),
    ),
)
which = st.integers(0, 30)
steps = st.one_of(
    new_order,
    new_order,
    new_order,
    new_list,
    paying_list,
    st.tuples(st.just("cancel"), accounts, which),
    st.tuples(st.just("cancel_list"), accounts, which),
    st.tuples(st.just("cancel_all"), accounts, st.none()),
    st.tuples(st.just("amend"), accounts, st.tuples(which, lots, st.booleans())),
    st.tuples(st.just("replace"), accounts, st.tuples(which, st.booleans(), orders())),
)


class Driver:
    """Puts random steps to an engine and keeps every outcome."""

    def __init__(self) -> None:
        self.engine = MatchingEngine()
        self.engine.add_symbol(SymbolRules(SYMBOL, "ETH", "BTC"), last_price=100 * PRICE)
        for account_id in ACCOUNTS:
            # accounts 2 and 3 trade as one group
            self.engine.add_account(account_id, START, trade_group_id=-1 if account_id == 1 else 7)
        self.now = 1_700_000_000_000_000
        self.ids = 0
        self.outcomes: list[Outcome] = []

    def name(self) -> str:
        self.ids += 1
        return f"id{self.ids}"

    def new(self, fields: dict[str, Any]) -> NewOrder:
        return NewOrder(symbol=SYMBOL, client_order_id=self.name(), **fields)

    def step(self, step: tuple[Any, ...]) -> list[Outcome]:
        """Carry one step out and return what it did, nothing if it was refused."""
        self.now += 1_000
        before = self.fingerprint()
        try:
            outcomes = self._step(*step)
        except Rejection:
            assert self.fingerprint() == before, "a refusal changed something"
            return []
        self.outcomes.extend(outcomes)
        return outcomes

    def _step(self, kind: str, account_id: int, what: Any) -> list[Outcome]:
        engine, now = self.engine, self.now
        if kind == "place":
            return [engine.place(account_id, self.new(what), now)]
        if kind in ("OCO", "OTO", "OTOCO", "OPO", "OPOCO"):
            legs = tuple(self.new(leg) for leg in what)
            return [engine.place_list(account_id, NewOrderList(kind, SYMBOL, self.name(), legs), now)]
        if kind == "cancel_all":
            return engine.cancel_all(account_id, SYMBOL, now, self.name)
        if kind == "cancel_list":
            lists = engine.open_lists(account_id)
            number = lists[what % len(lists)].order_list_id if lists else -1
            return [
                engine.cancel_list(
                    account_id, SYMBOL, now, order_list_id=number, new_client_order_id=self.name()
                )
            ]
        if kind == "cancel":
            number = self.pick(account_id, what)
            return [engine.cancel(account_id, SYMBOL, now, order_id=number, new_client_order_id=self.name())]
        if kind == "amend":
            place, quantity, renames = what
            number = self.pick(account_id, place)
            order = engine.find_order(account_id, SYMBOL, order_id=number)
            name = self.name() if renames else order.client_order_id
            return [
                engine.amend(
                    account_id, SYMBOL, now, order_id=number, new_quantity=quantity, new_client_order_id=name
                )
            ]
        place, goes_on, fields = what
        replaced = engine.cancel_replace(
            account_id,
            self.new(fields),
            now,
            mode="ALLOW_FAILURE" if goes_on else "STOP_ON_FAILURE",
            cancel_order_id=self.pick(account_id, place),
            cancel_new_client_order_id=self.name(),
        )
        return [half for half in replaced if isinstance(half, Outcome)]

    def pick(self, account_id: int, place: int) -> int:
        """An open order, most of the time."""
        numbers = list(self.engine.desk(account_id, SYMBOL).open)
        return numbers[place % len(numbers)] if numbers and place % 7 else place

    def fingerprint(self) -> tuple[Any, ...]:
        """Everything that a refusal must leave alone."""
        return (
            self.engine.depth(SYMBOL, 1000),
            tuple(self.engine.balances(account_id) for account_id in ACCOUNTS),
            tuple(
                (order.order_id, order.status, order.quantity, order.executed, order.client_order_id)
                for account_id in ACCOUNTS
                for order in self.engine.open_orders(account_id)
            ),
            self.engine.next_trade_id(SYMBOL),
        )

    def history(self) -> str:
        """Every event and trade as text."""
        return "\n".join(
            f"{outcome.time} {list(map(_told, outcome.events))} {outcome.trades} {outcome.first_fills}"
            for outcome in self.outcomes
        )


def _told(event: Execution | ListStatus | AccountPosition) -> str:
    if isinstance(event, Execution):
        return repr(event._replace(order=event.order.order_id))  # type: ignore[arg-type]  # ids for the text
    if isinstance(event, ListStatus):
        return repr(event._replace(order_list=event.order_list.order_list_id))  # type: ignore[arg-type]
    return repr(event)


def check_funds(driver: Driver) -> None:
    """Nothing is negative, nothing is lost, and what is locked is locked for an open order."""
    engine = driver.engine
    for asset in ("ETH", "BTC"):
        total = engine.fees.get(asset, 0)
        for account_id in ACCOUNTS:
            holding = engine.account(account_id).holding(asset)
            assert holding.free >= 0
            assert holding.locked >= 0
            total += holding.free + holding.locked
            locked = sum(
                order.locked for order in engine.open_orders(account_id) if (asset == "BTC") == order.is_buy
            )
            locked += sum(
                order_list.shared_lock
                for order_list in engine.open_lists(account_id)
                if order_list.pair and (asset == "BTC") == order_list.pair[0].is_buy
            )
            if asset == "ETH":
                locked += sum(order_list.proceeds for order_list in engine.open_lists(account_id))
            assert holding.locked == locked
        assert total == len(ACCOUNTS) * START[asset]


def check_books(driver: Driver) -> None:
    """What each account has of each asset follows from its fills and the transfers within its group."""
    engine = driver.engine
    orders = {order.order_id: order for each in ACCOUNTS for order in engine.desk(each, SYMBOL).orders}
    for account_id in ACCOUNTS:
        desk = engine.desk(account_id, SYMBOL)
        base, quote = START["ETH"], START["BTC"]
        for fill in desk.fills:
            sign = 1 if fill.is_buyer else -1
            base += sign * fill.quantity - (fill.commission if fill.is_buyer else 0)
            quote -= sign * fill.quote_quantity + (0 if fill.is_buyer else fill.commission)
        for match in desk.prevented_matches:
            taker, maker = orders[match.taker_order_id], orders[match.maker_order_id]
            assert taker.account_id == maker.account_id or {taker.account_id, maker.account_id} == {2, 3}
            if match.self_trade_prevention_mode == "TRANSFER":
                assert taker.account_id != maker.account_id
                ours = taker if taker.account_id == account_id else maker
                sign = 1 if ours.is_buy else -1
                base += sign * match.quantity
                quote -= sign * (match.price * match.quantity // 10**8)
        assert base == desk.base.free + desk.base.locked
        assert quote == desk.quote.free + desk.quote.locked


def check_lists(driver: Driver) -> None:
    """The contingencies hold: one of a pair, and pending orders only after their working order filled."""
    for account_id in ACCOUNTS:
        for order_list in driver.engine.account(account_id).lists:
            legs = order_list.orders
            assert order_list.is_open == any(leg.is_open for leg in legs)
            assert order_list.is_open == (order_list in driver.engine.open_lists(account_id))
            pair = order_list.pair
            if pair:
                live = [
                    leg
                    for leg in pair
                    if leg.executed or leg.prevented or (leg.type != "LIMIT_MAKER" and leg.is_working)
                ]
                assert len(live) <= 1
                if live:
                    other = pair[0] if live[0] is pair[1] else pair[1]
                    assert not other.is_open
                    assert not other.executed
                assert len({leg.is_open for leg in pair}) == 1 or live
                assert len({leg.quantity for leg in pair}) == 1 or live
                assert bool(order_list.shared_lock) <= all(leg.is_open for leg in pair)
            working = order_list.working
            if working is not None:
                for pending in order_list.pending:
                    if working.status != "FILLED":
                        assert not pending.executed
                        assert not pending.is_working
                        assert pending.is_open == working.is_open
                        assert (pending.status == "PENDING_NEW") == working.is_open
                    else:
                        assert pending.status != "PENDING_NEW"
                    if order_list.passes_on:
                        check_proceeds(order_list, working, pending)


def check_proceeds(order_list: OrderList, working: Order, pending: Order) -> None:
    """What was bought, less a thousandth at most, waits for the pending orders and then is theirs."""
    least = working.executed - working.executed // 1000
    if working.is_open:
        assert least <= order_list.proceeds <= working.executed
        assert pending.quantity == 0
        return
    assert order_list.proceeds == 0
    if working.status != "FILLED":
        assert pending.quantity == 0
    elif not pending.amend_count:
        assert least <= pending.quantity <= working.executed


def run(script: list[tuple[Any, ...]], driver: Driver | None = None) -> Driver:
    driver = driver or Driver()
    replay = Replay(driver.engine, SYMBOL, ACCOUNTS)
    for step in script:
        for outcome in driver.step(step):
            replay.follow(outcome)
        check_funds(driver)
        check_lists(driver)
        check_books(driver)
        replay.check()
        assert not driver.engine._markets[SYMBOL].fired
    return driver


@pytest.mark.timeout(60)  # hundreds of random histories
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(steps, max_size=40))
def test_whatever_is_asked_money_priority_events_and_lists_agree(script: list[tuple[Any, ...]]) -> None:
    run(script)


crowded = st.builds(
    lambda account_id, side, price, quantity, iceberg: (
        "place",
        account_id,
        {
            "side": side,
            "type": "LIMIT",
            "time_in_force": "GTC",
            "price": price * PRICE,
            "quantity": quantity,
            "iceberg_quantity": iceberg,
        },
    ),
    accounts,
    sides,
    st.integers(99, 101),
    st.integers(2, 4).map(lambda n: n * LOT),
    st.sampled_from((0, LOT // 2, LOT)),
)


@pytest.mark.timeout(60)  # hundreds of random histories
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(crowded, min_size=10, max_size=30))
def test_price_time_priority_holds_in_a_crowded_book_of_icebergs(script: list[tuple[Any, ...]]) -> None:
    run(script)


kin = st.builds(
    lambda account_id, side, kind, price, quantity, iceberg, mode: (
        "place",
        account_id,
        {
            "side": side,
            "type": kind,
            "quantity": quantity,
            "stp_mode": mode,
            **(
                {"time_in_force": "GTC", "price": price * PRICE, "iceberg_quantity": iceberg}
                if kind == "LIMIT"
                else {}
            ),
        },
    ),
    st.sampled_from((1, 2, 2, 3, 3)),
    sides,
    st.sampled_from(("LIMIT", "LIMIT", "LIMIT", "MARKET")),
    st.integers(99, 101),
    st.integers(2, 4).map(lambda n: n * LOT),
    st.sampled_from((0, 0, LOT // 2, LOT)),
    st.sampled_from(("TRANSFER", "TRANSFER", "DECREMENT", "EXPIRE_MAKER", "NONE")),
)
amended = st.tuples(st.just("amend"), accounts, st.tuples(which, lots, st.booleans()))


@pytest.mark.timeout(60)  # hundreds of random histories
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.one_of(kin, kin, kin, amended), min_size=6, max_size=25))
def test_prevented_matches_among_kin_keep_queues_and_balances(script: list[tuple[Any, ...]]) -> None:
    run(script)


@pytest.mark.timeout(60)  # random histories, each run twice
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(steps, max_size=30))
def test_the_same_input_gives_the_same_history_byte_for_byte(script: list[tuple[Any, ...]]) -> None:
    assert run(script).history().encode() == run(script).history().encode()


@pytest.mark.timeout(60)  # hundreds of random histories
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.one_of(new_list, paying_list, new_list, steps), max_size=25))
def test_list_contingencies_hold_in_every_interleaving(script: list[tuple[Any, ...]]) -> None:
    run(script)
