"""Two hundred orders of eight threads while the connection is cut: what each caller is told holds in the books."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import pytest

from crypto_ws_sync import ConnectionLost, CryptoWSError, OutcomeUnknown, UserWSSession
from crypto_ws_sync.simulator import ManualClock, SimulatedExchange

THREADS, EACH = 8, 25


def _place(session: UserWSSession, name: str, price: str) -> Any:
    """Place an order; return its reply, or the error that says it was not executed."""
    try:
        return session.order_place(
            symbol="BTCUSDT",
            side="BUY",
            type="LIMIT",
            time_in_force="GTC",
            quantity="0.001",
            price=price,
            new_client_order_id=name,
            timeout=8,
        )
    except OutcomeUnknown as error:
        try:
            return error.resolve(20)
        except CryptoWSError as told:
            return told
    except CryptoWSError as error:
        return error


@pytest.mark.timeout(
    60
)  # two hundred orders, some of which are looked for until the exchange's clock has moved on
@pytest.mark.parametrize("key_type", ["hmac", "ed25519"])
@pytest.mark.parametrize("tls", [False, True], ids=["ws", "wss"])
def test_nobody_is_told_not_executed_of_an_order_that_stands(key_type: Any, tls: bool) -> None:
    clock = ManualClock()
    limits = {"REQUEST_WEIGHT": 1_000_000, "ORDERS": 1_000_000}
    with SimulatedExchange(clock=clock, rate_limits=limits, tls=tls, balances={"USDT": 10**9}) as exchange:
        account = exchange.add_account(key_type)
        exchange.faults.drop("before", method="order.place", every=9)
        exchange.faults.drop("after", method="order.place", every=7)
        exchange.faults.swallow("after", method="order.place", every=31)
        exchange.faults.unavailable(executed=True, method="order.place", every=23)
        exchange.faults.unavailable(executed=False, method="order.place", every=29)
        with UserWSSession(
            account.api_key,
            account.api_secret,
            endpoint=exchange.endpoint,
            ssl_context=exchange.ssl_context,
            clock=clock,
        ) as session:
            bid = float(session.ticker_book(symbol="BTCUSDT")["bidPrice"])
            told = _storm(session, clock, f"{bid * 0.8:.2f}")
            assert not session.unresolved()
            status = session.status()
        standing = [order["clientOrderId"] for order in exchange.orders(account)]
    assert len(standing) == len(set(standing)), "an order was placed twice"
    placed = {name for name, found in told.items() if isinstance(found, dict)}
    assert placed == set(standing)
    refused = [found for found in told.values() if not isinstance(found, dict)]
    assert not any(isinstance(found, OutcomeUnknown) for found in refused)
    assert any(isinstance(found, ConnectionLost) for found in refused)
    assert len(placed) > THREADS * EACH // 2
    assert sum(status.reconnects.values()) > 10


def _storm(session: UserWSSession, clock: ManualClock, price: str) -> dict[str, Any]:
    """Place the orders, and move the clock on whenever nothing else can settle those that are open."""
    barrier = threading.Barrier(THREADS)

    def work(thread: int) -> dict[str, Any]:
        barrier.wait()
        names = [f"storm{thread}n{number}" for number in range(EACH)]
        return {name: _place(session, name, price) for name in names}

    told: dict[str, Any] = {}
    with ThreadPoolExecutor(THREADS) as pool:
        futures: list[Future[dict[str, Any]]] = [pool.submit(work, thread) for thread in range(THREADS)]
        while wait(futures, 0.05).not_done:
            if session.unresolved():
                clock.advance(3.0)
        for future in futures:
            told.update(future.result())
    return told
