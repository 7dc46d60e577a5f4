"""A program with 200 orders in flight, to be killed: its journal is all that is left of it.

    python journal_program.py ENDPOINT API_KEY API_SECRET JOURNAL TAG

Says "started", places orders from several threads in every way there is, and waits to be killed.
"""

from __future__ import annotations

import sys
import threading
from typing import Any

from crypto_ws_sync import CryptoWSError, UserWSSession

ENDPOINT, API_KEY, API_SECRET, JOURNAL, TAG = sys.argv[1:6]


def order(number: int) -> dict[str, Any]:
    """Return the parameters of one of the orders: every third fills at once, the others rest."""
    params: dict[str, Any] = {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "MARKET",
        "quantity": "0.001",
        "newClientOrderId": f"{TAG}n{number}",
    }
    if number % 3:
        params |= {"type": "LIMIT", "timeInForce": "GTC", "price": "20000"}
    return params


def main() -> None:
    """Place them all, and wait."""
    session = UserWSSession(
        API_KEY,
        API_SECRET,
        endpoint=ENDPOINT,
        journal=JOURNAL,
        recv_window=5000,
        timeout=60,
        on_limit="wait",
    ).start()
    print("started", flush=True)
    sys.stdin.readline()

    def submit() -> None:
        for number in range(100):
            session.submit("order.place", order(number))

    def place_together() -> None:
        session.handle_requests([("order.place", order(number)) for number in range(100, 180)])

    def place_one(number: int) -> None:
        try:
            session.handle_request("order.place", order(number))
        except CryptoWSError as error:
            print(repr(error), file=sys.stderr, flush=True)

    jobs: list[Any] = [submit, place_together]
    jobs += [lambda number=number: place_one(number) for number in range(180, 200)]
    threads = [threading.Thread(target=job, daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.stdin.readline()


if __name__ == "__main__":
    main()
