"""What a user's program does with a session, to be run where every warning is an error: `python -X dev -W error`."""

from __future__ import annotations

import logging
from decimal import Decimal
from threading import Thread

from crypto_ws_sync import NotFound, UserWSSession
from crypto_ws_sync.cli.main import main
from crypto_ws_sync.simulator import SimulatedExchange


def trade(session: UserWSSession) -> None:
    """Place an order, see it, cancel it in another thread, and ask for what is not there."""
    bid = Decimal(session.ticker_book(symbol="BTCUSDT")["bidPrice"])
    with session.user_data(timeout=20) as events:
        order = session.order_place(
            symbol="BTCUSDT",
            side="BUY",
            type="LIMIT",
            time_in_force="GTC",
            quantity="0.001",
            price=round(bid * Decimal("0.95"), 2),
        )
        print(next(events))
    named: dict[str, object] = {"symbol": "BTCUSDT", "order_id": order["orderId"]}
    thread = Thread(target=session.order_cancel, kwargs=named)
    thread.start()
    thread.join()
    print(session.order_status(symbol="BTCUSDT", order_id=order["orderId"])["status"])
    try:
        session.order_status(symbol="BTCUSDT", order_id=1)
    except NotFound as error:
        print(error)


def tell(session: UserWSSession, exchange: SimulatedExchange) -> None:
    """Page through a history, lose the connection, and tell how things stand."""
    print(sum(1 for _ in session.history("klines", symbol="BTCUSDT", interval="1h", start="2026-01-01")) > 0)
    exchange.faults.drop_all()
    print(len(session.handle_requests([("time", None)] * 5)))
    print(session.submit("time").result(20)["serverTime"] > 0)
    print(session.status())


# In debug mode asyncio tells of each step that took long, which on a busy machine says nothing. Its errors are told.
logging.getLogger("asyncio").setLevel(logging.ERROR)
for tls in (False, True):
    with SimulatedExchange(tls=tls) as exchange:
        account = exchange.add_account("ed25519") if tls else exchange.accounts[0]
        with UserWSSession(
            account.api_key,
            account.api_secret,
            endpoint=exchange.endpoint,
            ssl_context=exchange.ssl_context,
            timeout=20,
        ) as session:
            trade(session)
            tell(session, exchange)
assert main(["call", "avgPrice", "symbol=BTCUSDT", "--simulated"]) == 0
print("done")
