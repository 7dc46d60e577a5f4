"""A simulated exchange behind a real socket, for tests, rehearsals and demonstrations.

Any client of the Binance WebSocket API can connect to it::

    with SimulatedExchange() as exchange:
        print(exchange.endpoint, exchange.api_key, exchange.api_secret)

What goes wrong is planned on `exchange.faults`, on the next matching request or on others::

    exchange.faults.drop("after", method="order.place")             # executed, then the line breaks off
    exchange.faults.swallow("before", method="order.*", every=10)   # not executed, never answered
    exchange.faults.unavailable(executed=True, probability=0.1, seed=1)
    exchange.faults.delay(0.2, spread=0.3)                          # every answer, for ever
    exchange.faults.refuse_handshake(429, headers={"Retry-After": "7"})
    exchange.faults.ban(60); exchange.faults.announce_shutdown(); exchange.faults.skew_clock(-2)

What is allowed, and to whom, is changed on `exchange.rules`, at any time::

    exchange.rules.set_status("BTCUSDT", "HALT")                    # or CANCEL_ONLY, BREAK, END_OF_DAY, TRADING
    exchange.rules.set_reference_price("BTCUSDT", "65000")
    exchange.rules.set_price_range("BTCUSDT", bid_up="1.1", ask_down="0.9")
    exchange.rules.set_permission_sets("ETHBTC", [["MARGIN"]])      # accounts have SPOT
    exchange.rules.set_commission(tax={"taker": "0.0005"}, pay_in_bnb=True)
    exchange.rules.set_filter({"filterType": "MAX_ASSET", "asset": "BTC", "limit": "2"})

What really happened is told by `exchange.orders()`, `.trades()`, `.balances()` and `.requests()`. With a
`ManualClock` time stands still until it is moved; windows, stops, klines, pings and timestamps follow.
"""

from __future__ import annotations

from .clock import ManualClock
from .exchange import Balance, SeenRequest, SimulatedExchange
from .faults import Fault, Faults
from .keys import Account
from .rules import Rules

__all__ = [
    "Account",
    "Balance",
    "Fault",
    "Faults",
    "ManualClock",
    "Rules",
    "SeenRequest",
    "SimulatedExchange",
]
