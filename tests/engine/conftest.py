"""The same engine over two languages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from bench import Bench, OpenBench, Words
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hostile_exchange import HostileExchange
from toy_dialect import ToyDialect
from toy_exchange import TOKEN, ToyExchange

from crypto_ws_sync.exchanges.binance.dialect import BinanceDialect
from crypto_ws_sync.protocol.dialect import LinePolicy
from crypto_ws_sync.signing.keys import load_signer
from crypto_ws_sync.simulator import ManualClock

BINANCE = Words(
    read="test.echo",
    write="order.place",
    find="order.status",
    log_on="session.logon",
    order={
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "1",
        "price": "100",
        "recvWindow": 2000,
    },
    name="newClientOrderId",
    notice={"event": {"e": "serverShutdown", "E": 1}},
    ownerless={"id": None, "status": 400, "error": {"code": -1000, "msg": "too much noise"}},
    key_gone={"id": None, "status": 401, "error": {"code": -2015, "msg": "the key has gone"}},
)
TOY = Words(
    read="echo",
    write="buy",
    find="find",
    log_on="hello",
    order={"amount": 2},
    name="name",
    notice=[["bye"]],
    ownerless=[["wrong", "too much noise"]],
    key_gone=[["who are you"]],
)


def _binance(policy: LinePolicy | None) -> BinanceDialect:
    key = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )

    class Quick(BinanceDialect):
        pass

    if policy is not None:
        Quick.policy = policy
    return Quick("kEyOfTheHostileExchange", load_signer(key.decode("ascii"), None))


@pytest.fixture(params=["binance", "toy"])
def open_bench(request: pytest.FixtureRequest) -> Iterator[OpenBench]:
    """Start engines, each with its exchange; they are stopped at the end."""
    with ExitStack() as stack:

        def open_bench(*, is_timed: bool = False, policy: LinePolicy | None = None) -> Bench:
            is_toy = request.param == "toy"
            exchange = ToyExchange() if is_toy else HostileExchange()
            stack.enter_context(exchange.server)
            clock = ManualClock() if is_timed else None
            exchange.clock = clock
            dialect = ToyDialect(TOKEN, policy) if is_toy else _binance(policy)
            bench = Bench(dialect, exchange, TOY if is_toy else BINANCE, clock)
            stack.callback(bench.stop)
            return bench.start()

        yield open_bench


@pytest.fixture
def bench(open_bench: OpenBench) -> Bench:
    """An engine that has connected."""
    return open_bench()


@pytest.fixture
def toy() -> Iterator[Bench]:
    """An engine over the toy dialect."""
    exchange = ToyExchange()
    with exchange.server:
        bench = Bench(ToyDialect(TOKEN), exchange, TOY)
        try:
            yield bench.start()
        finally:
            bench.stop()
