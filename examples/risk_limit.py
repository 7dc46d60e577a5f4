"""A strategy that never holds more than it may, whatever happens to its connection.

The rule is simple: buy below the mean price of the last ten minutes, sell above. What matters is around it. The
limit is checked before an order goes out, against a position that is certain: the outcome of every order is known,
also where its answer was lost. Here the exchange executes orders and cuts the connection instead of answering, again
and again, and now and then all connections die between two steps.

    python examples/risk_limit.py [MINUTES]
"""

from __future__ import annotations

import sys
from collections import deque
from decimal import Decimal

from crypto_ws_sync import ConnectionLost, OrderRejected, OutcomeUnknown, RequestTimeout, UserWSSession
from crypto_ws_sync.simulator import ManualClock, SimulatedExchange

SYMBOL = "BTCUSDT"
LOT = Decimal("0.01")
START = 1_773_792_000.0  # 2026-03-18 00:00 UTC


class Strategy:
    """Holds between nothing and `most`, in steps of one lot."""

    def __init__(self, session: UserWSSession, most: Decimal) -> None:
        self.position = Decimal(0)
        self.highest = Decimal(0)
        self._session = session
        self._most = most
        self._prices: deque[Decimal] = deque(maxlen=10)

    def step(self) -> None:
        """Look at the price and trade a lot if the rule says so and the limit allows it."""
        price = Decimal(self._session.ticker_price(symbol=SYMBOL)["price"])
        self._prices.append(price)
        mean = sum(self._prices, Decimal(0)) / len(self._prices)
        if price < mean and self.position + LOT <= self._most:
            self._trade("BUY")
        elif price > mean and self.position >= LOT:
            self._trade("SELL")

    def _trade(self, side: str) -> None:
        try:
            order = self._session.order_place(symbol=SYMBOL, side=side, type="MARKET", quantity=LOT)
        except OutcomeUnknown as unknown:
            # Not to be guessed at: no further step before this one is known.
            order = unknown.resolve(timeout=60)
        except (ConnectionLost, RequestTimeout, OrderRejected) as error:
            print(f"{side}: certainly not executed ({error})")
            return
        executed = Decimal(order["executedQty"])
        self.position += executed if side == "BUY" else -executed
        self.highest = max(self.highest, self.position)


def main(minutes: int = 120, most: str = "0.05") -> None:
    """Run for so many minutes of market, then compare with the exchange's books."""
    clock = ManualClock(start=START)
    with (
        SimulatedExchange(symbols=[SYMBOL], clock=clock) as exchange,
        UserWSSession(
            exchange.api_key, exchange.api_secret, endpoint=exchange.endpoint, clock=clock
        ) as session,
    ):
        before = exchange.balances()["BTC"].free
        lost = exchange.faults.drop("after", method="order.place", times=None, every=5)
        strategy = Strategy(session, Decimal(most))
        for minute in range(minutes):
            strategy.step()
            if minute % 30 == 15:
                exchange.faults.drop_all()
            clock.advance(60)
        sold = [
            Decimal(trade["commission"]) for trade in exchange.trades() if trade["commissionAsset"] == "BTC"
        ]
        held = exchange.balances()["BTC"].free - before + sum(sold)
        orders = exchange.orders()
        reconnects = sum(session.status().reconnects.values())
    print(f"{len(orders)} orders, {lost.strikes} of them without an answer, {reconnects} reconnects")
    print(f"position by the strategy {strategy.position.normalize():f}, by the exchange {held.normalize():f}")
    print(f"never more than {strategy.highest.normalize():f} of {most} allowed")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 120)
