"""Trade through a whole day of a simulated market in well under a minute.

The exchange and the session share a clock that stands still until it is moved, so nothing waits: each step
moves it by a minute, in which the other traders of the market act, and then the rule below is asked what to
do. The same seed gives the same day and the same result.

    python examples/replay_a_day.py [SEED]
"""

from __future__ import annotations

import sys
import time
from decimal import Decimal

from crypto_ws_sync import UserWSSession
from crypto_ws_sync.simulator import ManualClock, SimulatedExchange

SYMBOL = "BTCUSDT"
QUANTITY = "0.05"
MINUTES = 24 * 60
MARCH_18 = 1_773_792_000.0  # 2026-03-18 00:00 UTC


def mean(prices: list[Decimal]) -> Decimal:
    """Return the average of prices."""
    return sum(prices, Decimal(0)) / len(prices)


def main(seed: int = 0) -> None:
    """Hold some while the price of the last ten minutes is above that of the last hour."""
    clock = ManualClock(start=MARCH_18)
    began = time.perf_counter()
    with (
        SimulatedExchange(seed=seed, symbols=[SYMBOL], clock=clock) as exchange,
        UserWSSession(
            exchange.api_key, exchange.api_secret, endpoint=exchange.endpoint, clock=clock
        ) as session,
    ):
        closes = [Decimal(str(row[4])) for row in session.klines(symbol=SYMBOL, interval="1m", limit=60)]
        before = exchange.balances()
        is_long, trades, first = False, 0, closes[-1]
        for minute in range(MINUTES):
            clock.advance(60)
            closes = [*closes[1:], Decimal(session.ticker_price(symbol=SYMBOL)["price"])]
            is_rising = mean(closes[-10:]) > mean(closes)
            if is_rising != is_long:
                side = "BUY" if is_rising else "SELL"
                session.order_place(symbol=SYMBOL, side=side, type="MARKET", quantity=QUANTITY)
                is_long, trades = is_rising, trades + 1
            if minute % 120 == 119:
                ticker = session.ticker(symbol=SYMBOL, window_size="2h")
                print(
                    f"{(minute + 1) // 60:02d}:00  low {ticker['lowPrice']}  high {ticker['highPrice']}  "
                    f"last {ticker['lastPrice']}  {ticker['count']} trades"
                )
        after = exchange.balances()
    gained = sum(
        (after[asset].free - before[asset].free) * price
        for asset, price in (("USDT", Decimal(1)), ("BTC", closes[-1]))
    )
    print(f"{SYMBOL} went from {first} to {closes[-1]}")
    print(f"{trades} orders made {gained:+.2f} USDT, after commission")
    print(f"a day in {time.perf_counter() - began:.1f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
