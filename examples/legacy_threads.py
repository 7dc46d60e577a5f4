"""A program as they were written before async: worker threads, and queues between them.

One thread finds signals, some workers trade on them, one thread keeps the books. They all share one session, which
sorts out whose answer is whose; nothing here locks anything.

    python examples/legacy_threads.py [SIGNALS]
"""

from __future__ import annotations

import queue
import sys
import threading
from dataclasses import dataclass
from decimal import Decimal

from crypto_ws_sync import ApiError, CryptoWSError, OutcomeUnknown, UserWSSession
from crypto_ws_sync.simulator import SimulatedExchange

WORKERS = 4
END = None  # What tells a thread that nothing more will come.


@dataclass(frozen=True)
class Signal:
    """What to trade."""

    symbol: str
    side: str
    quantity: str


def find_signals(count: int, signals: queue.Queue[Signal | None]) -> None:
    """Put so many signals into the queue, then an end for each worker."""
    for number in range(count):
        symbol, quantity = (("BTCUSDT", "0.001"), ("ETHUSDT", "0.02"))[number % 2]
        signals.put(Signal(symbol, "SELL" if number % 3 == 2 else "BUY", quantity))
    for _ in range(WORKERS):
        signals.put(END)


def trade(
    session: UserWSSession, signals: queue.Queue[Signal | None], fills: queue.Queue[str | None]
) -> None:
    """Trade on signals until the end comes."""
    while (signal := signals.get()) is not END:
        try:
            order = session.order_place(
                symbol=signal.symbol, side=signal.side, type="MARKET", quantity=signal.quantity
            )
        except OutcomeUnknown as unknown:
            order = unknown.resolve(timeout=60)
        except ApiError as refused:
            fills.put(f"{signal.symbol} {signal.side}: refused, {refused.msg}")
            continue
        except CryptoWSError as error:
            # The rest of the library's errors say that nothing happened; a worker must survive them.
            fills.put(f"{signal.symbol} {signal.side}: not executed, {error}")
            continue
        price = Decimal(order["cummulativeQuoteQty"]) / Decimal(order["executedQty"])
        fills.put(f"{signal.symbol} {signal.side} {order['executedQty']} at {price:.2f}")
    fills.put(END)


def keep_books(fills: queue.Queue[str | None], books: list[str]) -> None:
    """Write down what the workers did, until all of them have ended."""
    running = WORKERS
    while running:
        fill = fills.get()
        if fill is END:
            running -= 1
        else:
            books.append(fill)
            print(fill)


def main(count: int = 30) -> None:
    """Trade on so many signals and compare the books with the exchange's."""
    signals: queue.Queue[Signal | None] = queue.Queue(maxsize=10)
    fills: queue.Queue[str | None] = queue.Queue()
    books: list[str] = []
    with (
        SimulatedExchange() as exchange,
        UserWSSession(exchange.api_key, exchange.api_secret, endpoint=exchange.endpoint) as session,
    ):
        threads = [
            threading.Thread(target=find_signals, args=(count, signals)),
            *(threading.Thread(target=trade, args=(session, signals, fills)) for _ in range(WORKERS)),
            threading.Thread(target=keep_books, args=(fills, books)),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(f"{len(books)} in the books, {len(exchange.orders())} at the exchange")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 30)
