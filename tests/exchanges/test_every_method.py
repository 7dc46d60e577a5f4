"""Every typed method, called once on the simulated exchange: a result of its type."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from fitting import fits, result_type

from crypto_ws_sync import UserWSSession
from crypto_ws_sync.exchanges.binance.methods import CATALOGUE
from crypto_ws_sync.simulator import SimulatedExchange

SYMBOL = "BTCUSDT"


class Scenario:
    """One session that has traded, and the arguments with which each method makes sense then.

    Owner: caller thread.
    """

    def __init__(self, session: UserWSSession) -> None:
        self.session = session
        price = Decimal(session.ticker_price(symbol=SYMBOL)["price"])  # type: ignore[call-overload, index]  # one symbol
        self.low, self.high = (price / 2).quantize(Decimal("0.01")), (price * 3 / 2).quantize(Decimal("0.01"))
        self.lower, self.higher = self.low - 100, self.high + 100
        session.order_place(symbol=SYMBOL, side="BUY", type="MARKET", quantity="0.01")

    def order(self) -> dict[str, Any]:
        """Return the arguments of an order that rests."""
        return {
            "symbol": SYMBOL,
            "side": "BUY",
            "type": "LIMIT",
            "time_in_force": "GTC",
            "quantity": "0.002",
            "price": self.low,
        }

    def placed(self) -> int:
        """Place an order that rests; return its id."""
        return int(self.session.order_place(**self.order())["orderId"])

    def pair(self, prefix: str = "") -> dict[str, Any]:
        """Return the legs of a SELL pair around the market."""
        return {
            f"{prefix}above_type": "LIMIT_MAKER",
            f"{prefix}above_price": self.high,
            f"{prefix}below_type": "STOP_LOSS",
            f"{prefix}below_stop_price": self.low,
        }

    def working(self) -> dict[str, Any]:
        """Return a working order that rests."""
        return {
            "symbol": SYMBOL,
            "working_type": "LIMIT",
            "working_time_in_force": "GTC",
            "working_side": "BUY",
            "working_price": self.low,
            "working_quantity": "0.002",
        }

    def list_placed(self) -> int:
        """Place a pair; return the list's id."""
        placed = self.session.order_list_place_oco(
            symbol=SYMBOL, side="SELL", quantity="0.002", **self.pair()
        )
        return int(placed["orderListId"])

    def arguments(self, method: str) -> dict[str, Any]:
        """Return the arguments for a method, having made what it needs."""
        one = {"symbol": SYMBOL}
        pending = {"pending_type": "LIMIT", "pending_time_in_force": "GTC", "pending_side": "SELL"}
        pending |= {"pending_price": self.high, "pending_quantity": "0.002"}
        pending_pair = {"pending_side": "SELL", **self.pair("pending_")}
        without = {key: value for key, value in pending.items() if key != "pending_quantity"}
        made = {
            "klines": lambda: {**one, "interval": "1m", "limit": 5},
            "uiKlines": lambda: {**one, "interval": "1m", "limit": 5},
            "blockTrades.historical": lambda: {**one, "from_id": 0},
            "order.place": self.order,
            "order.test": self.order,
            "order.status": lambda: {**one, "order_id": self.placed()},
            "order.cancel": lambda: {**one, "order_id": self.placed()},
            "order.cancelReplace": lambda: {
                **self.order(),
                "cancel_replace_mode": "STOP_ON_FAILURE",
                "cancel_order_id": self.placed(),
            },
            "order.amend.keepPriority": lambda: {**one, "order_id": self.placed(), "new_qty": "0.001"},
            "order.amendments": lambda: {**one, "order_id": self.placed()},
            "openOrders.cancelAll": lambda: {**one, "_": self.placed()},
            "sor.order.place": lambda: self.order(),
            "sor.order.test": lambda: self.order(),
            "orderList.place": lambda: {
                **one,
                "side": "SELL",
                "quantity": "0.002",
                "price": self.high,
                "stop_price": self.low,
            },
            "orderList.place.oco": lambda: {**one, "side": "SELL", "quantity": "0.002", **self.pair()},
            "orderList.place.oto": lambda: {**self.working(), **pending},
            "orderList.place.otoco": lambda: {
                **self.working(),
                **pending_pair,
                "pending_quantity": "0.002",
            },
            "orderList.place.opo": lambda: {**self.working(), **without},
            "orderList.place.opoco": lambda: {**self.working(), **pending_pair},
            "orderList.status": lambda: {"order_list_id": self.list_placed()},
            "orderList.cancel": lambda: {**one, "order_list_id": self.list_placed()},
            "myPreventedMatches": lambda: {**one, "order_id": 1},
        }
        if method in made:
            return {key: value for key, value in made[method]().items() if key != "_"}
        needed = {parameter.name for parameter in CATALOGUE[method].parameters}
        takes_symbol = "symbol" in needed and method not in ("executionRules",)
        return one if takes_symbol else {}


@pytest.fixture(scope="module")
def scenario() -> Iterator[Scenario]:
    """A session with a key that can log on, at a venue without narrow limits."""
    limits = {"REQUEST_WEIGHT": 1_000_000, "ORDERS": 1_000_000}
    with SimulatedExchange(symbols=[SYMBOL, "BTCUSDC"], rate_limits=limits) as exchange:
        account = exchange.add_account("ed25519")
        exchange.rules.set_reference_price(SYMBOL, "60000")
        exchange.rules.set_price_range(SYMBOL, bid_up="2", bid_down="0.5", ask_up="2", ask_down="0.5")
        exchange.rules.set_filter({"filterType": "MAX_ASSET", "asset": "BTC", "limit": "5"}, account=account)
        session = UserWSSession(account.api_key, account.api_secret, endpoint=exchange.endpoint)
        with session:
            session.exchange_info()
            yield Scenario(session)


@pytest.mark.parametrize("method", CATALOGUE)
def test_it_answers_with_its_type(scenario: Scenario, method: str) -> None:
    call = getattr(scenario.session, CATALOGUE[method].python_name)
    if method == "userDataStream.subscribe":
        # An earlier row has logged the connection off.
        scenario.session.session_logon()
    arguments = scenario.arguments(method)
    assert fits(call(**arguments), result_type(method))
