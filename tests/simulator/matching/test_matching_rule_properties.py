"""Random histories in which the rules change, too: price ranges, reference prices, states, own filters."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_matching_properties import ACCOUNTS, LOT, PRICE, SYMBOL, Driver, accounts, orders, run, steps

from crypto_ws_sync.simulator.matching import (
    AccountFilters,
    ArithmeticMean,
    Execution,
    ExternalPrice,
    Outcome,
    PriceRange,
    format_amount,
)

OUT_OF_RANGE = "EXECUTION_RULE_PRICE_RANGE_EXCEEDED"
HUNDREDTH = 10**6

multipliers = st.none() | st.integers(97, 103).map(lambda n: n * HUNDREDTH)
changes = st.one_of(
    st.tuples(st.just("range"), accounts, st.tuples(multipliers, multipliers, multipliers, multipliers)),
    st.tuples(st.just("reference"), accounts, st.none() | st.integers(98, 102).map(lambda n: n * PRICE)),
    st.tuples(st.just("mean"), accounts, st.integers(1, 5)),
    st.tuples(
        st.just("status"),
        accounts,
        st.sampled_from(("TRADING", "TRADING", "HALT", "BREAK", "END_OF_DAY", "CANCEL_ONLY")),
    ),
    st.tuples(st.just("permissions"), accounts, st.sampled_from((("A",), ("A", "B"), ("C",)))),
    st.tuples(st.just("own"), accounts, st.integers(1, 6)),
)


class RuledDriver(Driver):
    """Also changes the rules, and judges each outcome by those that hold."""

    def __init__(self) -> None:
        super().__init__()
        self.most = dict.fromkeys(ACCOUNTS, 0)
        self.engine.set_rules(replace(self.engine.rules(SYMBOL), permission_sets=(frozenset("AB"),)))

    def _step(self, kind: str, account_id: int, what: Any) -> list[Outcome]:
        engine = self.engine
        if kind == "range":
            engine.set_price_range(SYMBOL, PriceRange(*what))
        elif kind == "reference":
            price = ExternalPrice()
            price.set(what)
            engine.set_reference(SYMBOL, price)
        elif kind == "mean":
            engine.set_reference(SYMBOL, ArithmeticMean(what, 1000))
        elif kind == "status":
            engine.set_rules(replace(engine.rules(SYMBOL), status=what))
        elif kind == "permissions":
            engine.account(account_id).permissions = frozenset(what)
        elif kind == "own":
            filters = AccountFilters()
            limit = format_amount(what * LOT)
            filters.set({"filterType": "MAX_ASSET", "asset": "ETH", "limit": limit})
            filters.set({"filterType": "MAX_NUM_ORDERS", "maxNumOrders": what}, SYMBOL)
            engine.account(account_id).filters = filters
            self.most[account_id] = what
        else:
            before = self.now, engine.reference_price(SYMBOL, self.now)
            outcomes = super()._step(kind, account_id, what)
            for outcome in outcomes:
                self._judge(kind, account_id, outcome, before[1])
            return outcomes
        return []

    def _judge(self, kind: str, account_id: int, outcome: Outcome, reference: int | None) -> None:
        executions = [event for event in outcome.events if isinstance(event, Execution)]
        status = self.engine.rules(SYMBOL).status
        if status != "TRADING":
            # orders end or shrink, and nothing new comes
            assert status == "CANCEL_ONLY"
            assert outcome.trades == []
            assert {event.execution_type for event in executions} <= {"CANCELED", "REPLACED", "EXPIRED"}
        price_range = self.engine.price_range(SYMBOL)
        # a mean moves with the trades of the very request, so that only its own tests can judge by it
        is_fixed = isinstance(self.engine.reference(SYMBOL), ExternalPrice)
        if is_fixed and price_range is not None:
            for trade in outcome.trades:
                limits = price_range.limits(not trade.is_buyer_maker, reference)
                if limits is not None:
                    price = trade.price * 10**8
                    assert limits.lowest is None or price >= limits.lowest
                    assert limits.highest is None or price <= limits.highest
        for event in executions:
            if event.expiry_reason == OUT_OF_RANGE:
                assert reference is not None or not is_fixed
                assert event.order.open_quantity > 0
                assert event.status == "EXPIRED"
        if kind in ("place", "OCO", "OTO", "OTOCO", "OPO", "OPOCO"):
            account = self.engine.account(account_id)
            assert account.permissions is None or account.permissions & {"A", "B"}
            most = self.most[account_id]
            if most:
                desk = self.engine.desk(account_id, SYMBOL)
                assert len(desk.open) <= most
                assert outcome.order.quantity <= most * LOT


@pytest.mark.timeout(60)  # hundreds of random histories
@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.one_of(steps, steps, changes), max_size=30))
def test_whatever_rules_come_to_hold_they_are_kept_and_nothing_is_lost(script: list[tuple[Any, ...]]) -> None:
    run(script, RuledDriver())


crossing = st.tuples(st.just("place"), accounts, orders(st.sampled_from(("LIMIT", "LIMIT", "MARKET"))))
bound = st.tuples(
    st.just("range"),
    accounts,
    st.sampled_from(((102, 98, 102, 98), (101, None, None, 99))).map(
        lambda four: tuple(None if each is None else each * HUNDREDTH for each in four)
    ),
)
referred = st.tuples(st.just("reference"), accounts, st.integers(98, 102).map(lambda n: n * PRICE))


@pytest.mark.timeout(60)  # hundreds of random histories
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(bound, referred, st.lists(st.one_of(crossing, crossing, crossing, referred), min_size=5, max_size=30))
def test_takers_never_trade_beyond_the_price_range(
    first: tuple[Any, ...], second: tuple[Any, ...], script: list[tuple[Any, ...]]
) -> None:
    run([first, second, *script], RuledDriver())
