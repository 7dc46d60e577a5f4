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

What really happened is told by `exchange.orders()`, `.trades()`, `.balances()` and `.requests()`. With a
`ManualClock` time stands still until it is moved; windows, stops, klines, pings and timestamps follow.
"""

from __future__ import annotations

from .clock import ManualClock
from .exchange import Balance, SeenRequest, SimulatedExchange
from .faults import Fault, Faults
from .keys import Account

__all__ = ["Account", "Balance", "Fault", "Faults", "ManualClock", "SeenRequest", "SimulatedExchange"]
