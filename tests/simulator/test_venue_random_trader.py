"""A trader that asks for anything, on a market that lives: nothing is lost, nothing stays locked, nothing breaks.

For longer: `python tests/simulator/test_venue_random_trader.py 20000 7` asks so often, from that seed.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from bare_client import NOON
from random_trader import RandomTrader

from crypto_ws_sync.simulator import ManualClock, SimulatedExchange
from crypto_ws_sync.simulator.binance.connection import Options
from crypto_ws_sync.simulator.market.synthetic_market import BIDDERS, OFFERERS, TAKERS

ASSETS = ("BTC", "USDT", "USDC", "BNB")
SYMBOLS = ("BTCUSDT", "BTCUSDC")
METHODS = {
    "order.place",
    "order.cancel",
    "order.cancelReplace",
    "order.amend.keepPriority",
    "sor.order.place",
    "orderList.cancel",
    *(f"orderList.place.{kind}" for kind in ("oco", "oto", "otoco", "opo", "opoco")),
}


class Stage:
    """An exchange without a socket, two accounts of one trade group, and a trader for each.

    Owner: the test's thread.
    """

    def __init__(self, seed: int) -> None:
        self.clock = ManualClock(NOON)
        limits = {"REQUEST_WEIGHT": 10**9, "ORDERS": 10**9}
        symbols = [*SYMBOLS, "BNBUSDT"]
        self.exchange = SimulatedExchange(clock=self.clock, symbols=symbols, rate_limits=limits, seed=seed)
        accounts = [self.exchange.add_account(trade_group_id=1) for _ in range(2)]
        self.exchange.rules.set_commission(
            account=accounts[0], tax={"taker": "0.0003"}, special={"buyer": "0.0001"}, pay_in_bnb=True
        )
        self.numbers = [each.account_id for each in accounts]
        self.venue = self.exchange._venue
        self.engine = self.venue.floor.engine
        self.traders = []
        for place, account in enumerate(accounts):
            connection = self.venue.connect(
                "address", Options(), self.venue.now_us(), lambda text: None, lambda code, reason: None
            )
            connection.session = account
            self.traders.append(
                RandomTrader(10 * seed + place, lambda *asked, c=connection: self.ask(c, *asked))
            )
        self.before = self.total()

    def ask(self, connection: Any, method: str, params: dict[str, Any]) -> Any:
        """The reply to a request of one trader."""
        if not method.startswith("ticker"):
            params = {**params, "timestamp": round(self.clock.now() * 1000)}
        reply = self.venue.handle(connection, json.dumps({"id": 1, "method": method, "params": params}))
        self.venue.flush_events()
        assert reply is not None
        return json.loads(reply)

    def total(self) -> dict[str, int]:
        """All there is of each asset, wherever it is."""
        found = {}
        for asset in ASSETS:
            found[asset] = self.engine.fees.get(asset, 0) + self.engine.exchanged.get(asset, 0)
            for number in (*self.numbers, BIDDERS, OFFERERS, TAKERS):
                holding = self.engine.account(number).holding(asset)
                assert min(holding.free, holding.locked) >= 0, (asset, holding.balance())
                found[asset] += holding.free + holding.locked
        return found

    def run(self, turns: int) -> None:
        """Let the traders ask, and the market go on meanwhile."""
        for turn in range(turns):
            trader = self.traders[turn % 2]
            if turn % 10 == 0:
                self.clock.advance(2)
                for each in self.traders:
                    each.look()
                assert self.total() == self.before
            trader.act()
            if turn % 300 == 299:
                self.end_all()

    def end_all(self) -> None:
        """Cancel what is open: then nothing is locked for anybody."""
        now_us = self.venue.now_us()
        for number in self.numbers:
            for symbol in SYMBOLS:
                if self.engine.open_orders(number, symbol):
                    self.engine.cancel_all(number, symbol, now_us, lambda: "end")
            assert self.engine.open_lists(number) == []
            assert {each.locked for each in self.engine.balances(number)} == {0}
        assert self.total() == self.before


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_traders_ask_for_the_books_balance(seed: int) -> None:
    stage = Stage(seed)
    stage.run(600)
    assert set(stage.traders[0].accepted) | set(stage.traders[1].accepted) == METHODS
    assert any(desk.allocations for desk in stage.engine.account(stage.numbers[0]).desks.values())


if __name__ == "__main__":
    Stage(int(sys.argv[2])).run(int(sys.argv[1]))
