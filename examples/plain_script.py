"""A plain script: look, place an order, read it back, cancel it.

Without an argument it runs on a simulated exchange; with the name of an account it goes there:

    python examples/plain_script.py
    python examples/plain_script.py "Demo - Binance"
"""

from __future__ import annotations

import sys
from decimal import Decimal

from crypto_ws_sync import OrderRejected, OutcomeUnknown, UserWSSession, get_credentials
from crypto_ws_sync.simulator import SimulatedExchange


def run(session: UserWSSession) -> None:
    """Show a balance and a price, then let an order rest on the book for a moment."""
    account = session.account_status(omit_zero_balances=True)
    for balance in account["balances"]:
        print(f"{balance['asset']:>5} {balance['free']}")

    best = session.ticker_book(symbol="BTCUSDT")
    print(f"BTCUSDT is bought at {best['bidPrice']} and sold at {best['askPrice']}")

    try:
        order = session.order_place(
            symbol="BTCUSDT",
            side="BUY",
            type="LIMIT",
            time_in_force="GTC",
            quantity="0.001",
            price=round(Decimal(best["bidPrice"]) * Decimal("0.95"), 2),
        )
    except OrderRejected as refused:
        sys.exit(f"not executed: {refused.msg} (code {refused.code})")
    except OutcomeUnknown as unknown:
        # The answer was lost and not found in time. Wait on; never place it again.
        order = unknown.resolve(timeout=60)
    print(f"order {order['orderId']} is {order['status']}")

    mine = session.order_status(symbol="BTCUSDT", order_id=order["orderId"])
    print(f"read back: {mine['executedQty']} of {mine['origQty']} executed")
    session.order_cancel(symbol="BTCUSDT", order_id=order["orderId"])
    print("cancelled")


def main(account: str | None) -> None:
    """Run on an account of the config file, or on a simulated exchange."""
    if account is None:
        with (
            SimulatedExchange() as exchange,
            UserWSSession(exchange.api_key, exchange.api_secret, endpoint=exchange.endpoint) as session,
        ):
            run(session)
        return
    found = get_credentials(account)
    if found.test_net is False:
        sys.exit(
            "this is a live account: the order above is a real one, so read the script before you change this"
        )
    with UserWSSession(found.api_key, found.api_secret, endpoint=found.ws_api_endpoint) as session:
        run(session)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
