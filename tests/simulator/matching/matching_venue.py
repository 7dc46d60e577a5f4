"""A small venue for tests: amounts as text, ids and time made up here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crypto_ws_sync.simulator.matching import (
    CancelReplaced,
    CommissionRates,
    ExchangeFilters,
    Execution,
    ListStatus,
    MatchingEngine,
    NewOrder,
    NewOrderList,
    Order,
    Outcome,
    Rejection,
    SymbolFilters,
    SymbolRules,
    parse_amount,
)

SYMBOL = "BTCUSDT"
START_US = 1_700_000_000_000_000
AMOUNTS = ("price", "quantity", "quote_order_quantity", "stop_price", "iceberg_quantity")


def units(text: str) -> int:
    """Units of 10**-8."""
    return parse_amount(text)


class SmallVenue:
    """One symbol, BTCUSDT, and accounts with 1000 BTC and 1,000,000 USDT each; free of commission."""

    def __init__(
        self,
        *filters: Mapping[str, Any],
        last_price: str = "0",
        accounts: int = 3,
        rates: CommissionRates | None = None,
        group: int = -1,
        exchange_filters: tuple[Mapping[str, Any], ...] = (),
        observed: bool = True,
        **flags: Any,
    ) -> None:
        self.engine = MatchingEngine(ExchangeFilters.from_json(exchange_filters))
        rules = SymbolRules(SYMBOL, "BTC", "USDT", filters=SymbolFilters.from_json(filters), **flags)
        self.engine.add_symbol(rules, last_price=units(last_price))
        for account_id in range(1, accounts + 1):
            self.engine.add_account(
                account_id,
                {"BTC": units("1000"), "USDT": units("1000000")},
                rates=rates or CommissionRates(0, 0),
                trade_group_id=group,
                is_observed=observed,
            )
        self.now = START_US
        self.count = 0

    def name(self) -> str:
        """A fresh client order id."""
        self.count += 1
        return f"id{self.count}"

    def tick(self, seconds: int = 1) -> int:
        """Let time pass."""
        self.now += seconds * 1_000_000
        return self.now

    def new(self, side: str, kind: str, **fields: Any) -> NewOrder:
        """An order as asked for; LIMIT orders are GTC unless told."""
        for key in AMOUNTS:
            if isinstance(fields.get(key), str):
                fields[key] = units(fields[key])
        if kind.endswith("LIMIT"):
            fields.setdefault("time_in_force", "GTC")
        fields.setdefault("client_order_id", self.name())
        return NewOrder(symbol=SYMBOL, side=side, type=kind, **fields)

    def place(self, account_id: int, side: str, kind: str, **fields: Any) -> Outcome:
        """Place one order a second later."""
        return self.engine.place(account_id, self.new(side, kind, **fields), self.tick())

    def limit(self, account_id: int, side: str, quantity: str, price: str, **fields: Any) -> Order:
        """Place a limit order and return it."""
        return self.place(account_id, side, "LIMIT", quantity=quantity, price=price, **fields).order

    def trade_at(self, price: str) -> None:
        """Let accounts 2 and 3 make a small trade at a price that nobody stands in the way of."""
        self.limit(2, "SELL", "0.001", price)
        self.limit(3, "BUY", "0.001", price)

    def place_list(self, account_id: int, kind: str, *orders: NewOrder, **fields: Any) -> Outcome:
        """Place an order list a second later."""
        fields.setdefault("list_client_order_id", self.name())
        return self.engine.place_list(
            account_id, NewOrderList(kind=kind, symbol=SYMBOL, orders=orders, **fields), self.tick()
        )

    def cancel(self, account_id: int, order: Order, **fields: Any) -> Outcome:
        """Cancel an order a second later."""
        fields.setdefault("new_client_order_id", self.name())
        return self.engine.cancel(account_id, SYMBOL, self.tick(), order_id=order.order_id, **fields)

    def amend(self, account_id: int, order: Order, quantity: str, name: str | None = None) -> Outcome:
        """Amend an order a second later."""
        return self.engine.amend(
            account_id,
            SYMBOL,
            self.tick(),
            order_id=order.order_id,
            new_quantity=units(quantity),
            new_client_order_id=name or order.client_order_id,
        )

    def replace(self, account_id: int, order_id: int, new: NewOrder, **fields: Any) -> CancelReplaced:
        """Cancel one order and place another, a second later."""
        fields.setdefault("mode", "STOP_ON_FAILURE")
        return self.engine.cancel_replace(
            account_id,
            new,
            self.tick(),
            cancel_order_id=order_id,
            cancel_new_client_order_id=self.name(),
            **fields,
        )

    def balance(self, account_id: int, asset: str) -> tuple[int, int]:
        """(free, locked)."""
        holding = self.engine.account(account_id).holding(asset)
        return holding.free, holding.locked


def told(outcome: Outcome, account_id: int | None = None) -> list[str]:
    """The events in short: "TRADE/FILLED 7", "ALL_DONE/ALL_DONE", "position"."""
    lines = []
    for event in outcome.events:
        if account_id is not None and event.account_id != account_id:
            continue
        if isinstance(event, Execution):
            lines.append(f"{event.execution_type}/{event.status} {event.order.order_id}")
        elif isinstance(event, ListStatus):
            lines.append(f"{event.list_status_type}/{event.list_order_status}")
        else:
            lines.append("position")
    return lines


def executions(outcome: Outcome, order: Order) -> list[Execution]:
    """The executions of one order in an outcome."""
    number = order.order_id
    return [e for e in outcome.events if isinstance(e, Execution) and e.order.order_id == number]


def verdict(
    venue: SmallVenue, side: str, kind: str, account_id: int = 1, **fields: Any
) -> tuple[int, str] | None:
    """How a placement was refused; `test` must judge the parameters and filters alike."""
    new = venue.new(side, kind, **fields)
    tested = None
    try:
        venue.engine.test(account_id, new, venue.tick())
    except Rejection as refusal:
        tested = refusal.code, refusal.msg
    try:
        venue.engine.place(account_id, new, venue.now)
    except Rejection as refusal:
        placed = refusal.code, refusal.msg
        assert tested in (placed, None)
        return placed
    assert tested is None
    return None
