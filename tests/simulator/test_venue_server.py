"""The socket side: addresses, TLS, starting and stopping, pings, the length of a connection's life."""

from __future__ import annotations

import ssl
import sys
import threading
import time
from typing import Any

import pytest
import websocket
from bare_client import BareClient, Closed

from crypto_ws_sync.errors import ConfigError
from crypto_ws_sync.simulator import ManualClock, SimulatedExchange


def test_tls_with_a_certificate_of_its_own() -> None:
    with SimulatedExchange(tls=True) as exchange:
        assert exchange.endpoint.startswith("wss://127.0.0.1:")
        with BareClient(exchange) as client:
            assert client.result("ping") == {}
        assert exchange.ca_file is not None
        context = ssl.create_default_context(cafile=str(exchange.ca_file))
        socket = websocket.create_connection(exchange.endpoint, sslopt={"context": context}, timeout=5)
        socket.close()
        with pytest.raises(ssl.SSLCertVerificationError):
            websocket.create_connection(exchange.endpoint, timeout=5)
        ca_file = exchange.ca_file
    assert not ca_file.exists()
    assert exchange.ssl_context is None


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/other", 404),
        ("/ws-api/v3?timeUnit=FORTNIGHT", 400),
        ("/ws-api/v3?responseFormat=sbe&sbeSchemaId=3&sbeSchemaVersion=5", 400),
        ("/ws-api/v3?returnRateLimits=perhaps", 400),
    ],
)
def test_address_that_is_not_served_refuses_the_handshake(
    exchange: SimulatedExchange, target: str, status: int
) -> None:
    base = exchange.endpoint.removesuffix("/ws-api/v3")
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        websocket.create_connection(base + target, timeout=5)
    assert refused.value.status_code == status


def test_stopping_closes_connections_and_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    exchange = SimulatedExchange()
    with exchange:
        clients = [BareClient(exchange) for _ in range(3)]
        assert len(set(threading.enumerate()) - before) == 1
        readers = []
        ended: list[Any] = []
        for client in clients:

            def read(client: BareClient = client) -> None:
                try:
                    client.receive()
                except Closed as closed:
                    ended.append(closed.code)
                client.close()

            reader = threading.Thread(target=read)
            reader.start()
            readers.append(reader)
    for reader in readers:
        reader.join(5)
    assert ended == [1001, 1001, 1001]
    assert set(threading.enumerate()) <= before
    with pytest.raises(RuntimeError, match="not running"):
        _ = exchange.endpoint
    exchange.stop()


def test_exchange_starts_again_and_knows_what_it_knew() -> None:
    exchange = SimulatedExchange()
    with exchange, BareClient(exchange) as client:
        client.place_limit()
    assert [order["status"] for order in exchange.orders()] == ["NEW"]
    with exchange, BareClient(exchange) as client:
        assert len(client.result("openOrders.status", signed=True)) == 1


def test_port_in_use_is_an_error_and_leaves_nothing_running(exchange: SimulatedExchange) -> None:
    port = int(exchange.endpoint.rsplit(":", 1)[1].split("/")[0])
    before = set(threading.enumerate())
    with pytest.raises(OSError):
        SimulatedExchange(port=port).start()
    assert set(threading.enumerate()) <= before


def test_without_the_websockets_library_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "websockets.asyncio.server", None)
    with pytest.raises(ConfigError) as error:
        SimulatedExchange().start()
    assert 'pip install "crypto_ws_sync[sim]"' in str(error.value)


def test_server_pings_every_20_seconds(client: BareClient, clock: ManualClock) -> None:
    clock.advance(19.9)
    assert client.result("ping") == {}
    clock.advance(0.1)
    frame = client.socket.recv_frame()
    assert frame.opcode == websocket.ABNF.OPCODE_PING
    assert frame.data == str(round(clock.now() * 1000)).encode()


def test_client_that_does_not_pong_for_60_seconds_is_dropped(client: BareClient, clock: ManualClock) -> None:
    clock.advance(20)
    assert client.socket.recv_frame().opcode == websocket.ABNF.OPCODE_PING
    client.socket.pong("unsolicited")
    clock.advance(60)
    closed = False
    while not closed:
        closed = _ends_without_pong(client)


def _ends_without_pong(client: BareClient) -> bool:
    """Take a ping without answering it; whether the connection has ended instead."""
    try:
        frame = client.socket.recv_frame()
    except (websocket.WebSocketConnectionClosedException, ConnectionError):
        return True
    assert frame.opcode == websocket.ABNF.OPCODE_PING
    return False


def test_client_that_pongs_stays(client: BareClient, clock: ManualClock) -> None:
    for _ in range(6):
        clock.advance(20)
        frame = client.socket.recv_frame()
        client.socket.pong(frame.data)
        assert client.result("ping") == {}


def test_connection_lives_for_24_hours(client: BareClient, clock: ManualClock) -> None:
    clock.advance(86400)
    with pytest.raises(Closed) as closed:
        client.receive()
    assert closed.value.code == 1001


def test_latency_delays_every_answer_and_requests_overlap() -> None:
    with SimulatedExchange(latency=0.8) as exchange, BareClient(exchange) as client:
        began = time.monotonic()
        for _ in range(10):
            client.send("ping")
        for _ in range(10):
            client.receive()
        assert 0.8 <= time.monotonic() - began < 7.5


def test_same_seed_makes_the_same_keys_and_prices(clock: ManualClock) -> None:
    def look(seed: int) -> Any:
        with SimulatedExchange(seed=seed, clock=clock) as exchange, BareClient(exchange) as client:
            return (
                exchange.api_key,
                exchange.api_secret,
                exchange.add_account("ed25519").api_secret,
                client.result("ticker.price"),
                client.result("depth", {"symbol": "BTCUSDT"}),
            )

    assert look(1) == look(1)
    assert look(1) != look(2)


def test_wrong_arguments_are_errors() -> None:
    with pytest.raises(ValueError, match="no such symbol"):
        SimulatedExchange(symbols=["NOSUCH"])
    with pytest.raises(ValueError, match="no such kind of rate limit"):
        SimulatedExchange(rate_limits={"TEA": 1})
    with pytest.raises(ValueError, match="no such kind of key"):
        SimulatedExchange().add_account("dsa")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="negative"):
        SimulatedExchange(balances={"BTC": "-1"})
    with pytest.raises(ValueError, match="amounts by asset"):
        SimulatedExchange(balances={"BTC": "much"})
    with pytest.raises(ValueError, match="without limit, rateLimitType"):
        SimulatedExchange(rate_limits=[{"interval": "SECOND"}])
    with pytest.raises(ValueError, match="no such interval"):
        SimulatedExchange(rate_limits=[{"rateLimitType": "ORDERS", "interval": "WEEK", "limit": 1}])
    for latency in (-1, "long"):
        with pytest.raises(ValueError, match="latency is"):
            SimulatedExchange(latency=latency)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="pass a ManualClock"):
        SimulatedExchange(clock=time.time)  # type: ignore[arg-type]


def test_symbols_and_balances_as_asked_for() -> None:
    with (
        SimulatedExchange(symbols=["ETHBTC"], balances={"ETH": "1.5"}) as exchange,
        BareClient(exchange) as client,
    ):
        assert [each["symbol"] for each in client.result("exchangeInfo")["symbols"]] == ["ETHBTC"]
        held = client.result("account.status", {"omitZeroBalances": True}, signed=True)["balances"]
        assert held == [{"asset": "ETH", "free": "1.50000000", "locked": "0.00000000"}]


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("host", ["0.0.0.0", ""])
def test_who_listens_on_every_address_names_one_that_clients_can_use(host: str, tls: bool) -> None:
    with SimulatedExchange(host=host, tls=tls) as exchange:
        assert "://127.0.0.1:" in exchange.endpoint
        with BareClient(exchange) as client:
            assert client.result("ping") == {}


def test_ground_truth_may_be_asked_from_any_thread(exchange: SimulatedExchange) -> None:
    with BareClient(exchange) as client:
        client.place_limit()
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(len(exchange.orders()) + len(exchange.requests())))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [3, 3, 3, 3]


def test_manual_clock_tells_who_asked_and_never_runs_backwards() -> None:
    clock = ManualClock(100.0)
    heard: list[float] = []
    forget = clock.on_advance(lambda: heard.append(clock.now()))
    clock.advance(1.5)
    forget()
    clock.advance(1)
    assert heard == [101.5]
    assert clock.now() == 102.5
    with pytest.raises(ValueError, match="backwards"):
        clock.advance(-1)
    forget()
