"""Ways to the exchange: proxies with passwords, certificates, addresses; and lines that fall silent."""

from __future__ import annotations

import gc
import logging
import ssl
import threading
import time
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
from bytes_server import BytesServer, Wire
from hostile_exchange import Call, HostileExchange
from small_proxy import SmallProxy

from crypto_ws_sync import ConfigError, ConnectionFailed, UserWSSession
from crypto_ws_sync.simulator.certificates import Certificates

ASKED = {"value": 1}
USER, PASSWORD = "proxyUser7", "pr0xyPassw0rd"
ORDER = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "1",
    "price": "100",
}


@pytest.fixture(params=["ws", "wss"])
def secured(request: pytest.FixtureRequest, certificates: Certificates) -> Iterator[Any]:
    """An exchange over ws and over wss, with the context that trusts it."""
    is_tls = request.param == "wss"
    exchange = HostileExchange(tls=certificates.server_context if is_tls else None)
    with exchange.server:
        yield exchange, certificates.client_context if is_tls else None


@pytest.mark.parametrize("kind", ["http", "socks5"])
@pytest.mark.parametrize("has_password", [False, True], ids=["open", "password"])
def test_a_session_through_a_proxy(secured: Any, kind: str, has_password: bool) -> None:
    exchange, context = secured
    proxy = SmallProxy(kind, *((USER, PASSWORD) if has_password else ()))
    address = proxy.url(USER, PASSWORD) if has_password else proxy.url()
    with proxy.server, UserWSSession(endpoint=exchange.url, proxy=address, ssl_context=context) as session:
        assert session.handle_request("test.echo", ASKED) == ASKED
        assert proxy.asked == [("127.0.0.1", exchange.server.port)]
        exchange.wire(1).cut()
        exchange.wire(2)
        assert session.handle_request("test.echo", ASKED) == ASKED
        assert len(proxy.asked) == 2


REFUSALS = {
    "http": b"HTTP/1.1 502 Bad Gateway\r\n\r\n",
    "socks5": b"\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00",
}


@pytest.mark.parametrize("kind", ["http", "socks5"])
@pytest.mark.parametrize("trouble", ["wrong password", "refused", "nobody there", "rubbish", "silent"])
def test_a_proxy_that_fails_is_told_without_its_password(
    exchange: HostileExchange, caplog: pytest.LogCaptureFixture, kind: str, trouble: str
) -> None:
    caplog.set_level(logging.DEBUG)
    answer = {"refused": REFUSALS[kind], "rubbish": b"\x00\xffrubbish\r\n\r\n"}.get(trouble, b"")
    proxy = SmallProxy(kind, USER, "another" if trouble == "wrong password" else PASSWORD, answer)
    if trouble == "silent":
        proxy.server.scripts = [Wire.park]
    with proxy.server:
        if trouble == "nobody there":
            proxy.server.stop()
        session = UserWSSession(endpoint=exchange.url, proxy=proxy.url(USER, PASSWORD))
        begun = time.monotonic()
        with pytest.raises(ConnectionFailed) as caught:
            session.start(0.2)
        assert time.monotonic() - begun < 5, "an attempt alone would have 10 s"
    said = (
        "".join(traceback.format_exception(caught.value)) + repr(caught.value) + caplog.text + repr(session)
    )
    assert PASSWORD not in said
    assert USER not in said
    assert not exchange.server.wires


def test_the_environment_names_a_proxy_for_other_machines_only(
    exchange: HostileExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loopback is asked directly; anything else goes by the environment, credentials unseen."""
    proxy = SmallProxy("http", answer=REFUSALS["http"])
    with proxy.server:
        for name in ("ws_proxy", "wss_proxy", "HTTPS_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url(USER, PASSWORD))
        with UserWSSession(endpoint=exchange.url) as session:
            assert session.handle_request("test.echo", ASKED) == ASKED
        assert not proxy.asked
        session = UserWSSession(endpoint="wss://exchange.invalid/ws-api/v3")
        with pytest.raises(ConnectionFailed) as caught:
            session.start(2.0)
        assert ("exchange.invalid", 443) in proxy.asked
        assert PASSWORD not in "".join(traceback.format_exception(caught.value))
        # The attempt that was under way when the time was up may be asking still.
        for thread in threading.enumerate():
            if "connect" in thread.name:
                thread.join(5.0)
        before = len(proxy.asked)
        with UserWSSession(endpoint=exchange.url, proxy="") as session:
            assert session.handle_request("test.echo", ASKED) == ASKED
        assert len(proxy.asked) == before


def test_a_certificate_that_is_not_trusted_is_told_at_once(certificates: Certificates) -> None:
    exchange = HostileExchange(tls=certificates.server_context)
    with exchange.server:
        session = UserWSSession(endpoint=exchange.url, timeout=25)
        begun = time.monotonic()
        with pytest.raises(ConnectionFailed, match="not trusted") as caught:
            session.start()
        assert "ssl_context" in str(caught.value)
        assert time.monotonic() - begun < 8


def test_tls_that_is_none(certificates: Certificates) -> None:
    def rubbish(wire: Wire) -> None:
        wire.read(5)
        wire.send_bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    for script in (rubbish, Wire.reset, Wire.finish, Wire.park):
        with BytesServer(script) as server:
            url = server.url.replace("ws://", "wss://")
            session = UserWSSession(endpoint=url, ssl_context=certificates.client_context)
            with pytest.raises(ConnectionFailed):
                session.start(0.15)


@pytest.mark.parametrize(
    "endpoint",
    [
        "ws://example.com/ws-api/v3",
        "ws://10.0.0.1/",
        "ws://127.0.0.1.example.com/",
        "ws://localhost.example.com/",
        "ws://0.0.0.0/",
        "http://127.0.0.1/",
        "wss://",
        "wss:///path",
        "wss://host:99999/",
        "wss://host:port/",
        "wss://user:secret@example.com/",
        "nowhere",
        "",
        "wss://exa mple.com/",
        None,
        5,
        b"wss://example.com",
    ],
)
def test_an_endpoint_that_cannot_be_used(endpoint: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        UserWSSession(endpoint=endpoint)
    assert "secret" not in str(caught.value)


WRONG: list[dict[str, Any]] = [
    {"timeout": 0},
    {"timeout": -1},
    {"timeout": float("nan")},
    {"timeout": "5"},
    {"timeout": True},
    {"on_limit": "sleep"},
    {"on_limit": None},
    {"on_limit": []},
    {"recv_window": 0},
    {"recv_window": -5},
    {"recv_window": 60001},
    {"recv_window": 0.0001},
    {"recv_window": float("nan")},
    {"recv_window": float("inf")},
    {"recv_window": "5000"},
    {"time_unit": "s"},
    {"time_unit": 5},
    {"max_message": 0},
    {"max_message": -1},
    {"max_message": "big"},
    {"ssl_context": True},
    {"ssl_context": ssl.SSLContext},
    {"proxy": 5},
    {"proxy": "ftp://127.0.0.1:1"},
    {"proxy": "http://:99999"},
    {"proxy": "http://user:s3cret@"},
    {"proxy": "socks4://user:s3cret@127.0.0.1:1"},
    {"api_key": "key"},
    {"api_secret": "s3cret"},
    {"api_key": "", "api_secret": "s3cret"},
    {"api_key": "  ", "api_secret": "s3cret"},
    {"api_key": 5, "api_secret": "s3cret"},
    {"api_key": "key", "api_secret": ""},
    {"api_key": "key", "api_secret": 5},
    {"api_key": "key", "api_secret": "-----BEGIN PRIVATE KEY-----\ns3cret\n-----END PRIVATE KEY-----"},
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: repr(wrong)[:60])
def test_an_argument_that_cannot_be_right(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        UserWSSession(endpoint="ws://127.0.0.1:9/", **wrong)
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.timeout(25)  # silence is noticed after 2 s, and believed after 3 s more
def test_a_line_that_goes_deaf_is_replaced_within_a_call(exchange: HostileExchange) -> None:
    """A middle box drops everything, and nobody sends a FIN: a read and an order come through all the same."""
    proxy = SmallProxy("http")
    with (
        proxy.server,
        UserWSSession(*exchange.credentials, endpoint=exchange.url, proxy=proxy.url(), timeout=10) as session,
    ):
        assert session.handle_request("test.echo", ASKED) == ASKED
        exchange.on("order.place", lambda call: (call.execute(), proxy.is_deaf.set())[1])
        order = session.submit("order.place", {**ORDER, "newClientOrderId": "one"})
        exchange.wait_for("order.place")
        read = session.submit("test.echo", ASKED)
        assert proxy.is_deaf.wait(5)
        exchange.on("order.place", Call.answer)
        _hear_again(proxy)
        assert read.result(9) == ASKED
        assert order.result(9)["clientOrderId"] == "one"
        assert session.status().reconnects == {"silent": 1}
    assert len(exchange.seen("order.place")) == 1


def _hear_again(proxy: SmallProxy) -> None:
    """Let new connections through once the old one has gone deaf for good."""
    old = proxy.server.wires[0]
    deadline = time.monotonic() + 5
    while old in proxy.relaying:
        assert time.monotonic() < deadline
        old.over.wait(0.01)
    proxy.is_deaf.clear()


def test_nothing_is_left_to_the_collector(exchange: HostileExchange) -> None:
    """No socket, loop or file waits for the garbage collector: it would warn, and warnings are errors here."""
    session = UserWSSession(endpoint=exchange.url)
    for _ in range(3):
        with session:
            exchange.once("test.echo", lambda call: call.wire.finish())
            session.handle_request("test.echo", ASKED)
    with BytesServer(Wire.finish) as server, pytest.raises(ConnectionFailed):
        UserWSSession(endpoint=server.url).start(0.2)
    del session
    gc.collect()
