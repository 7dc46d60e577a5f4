"""What can be wrong before the first frame, with a whole session above: extras, redirects, proxies, certificates."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
import time
import tracemalloc
from collections.abc import Callable

import pytest
from bytes_server import LIMIT, BytesServer, Gone, Wire
from hostile_exchange import HostileExchange
from small_proxy import SmallProxy

from crypto_ws_sync import ConnectionFailed, UserWSSession
from crypto_ws_sync.simulator.certificates import Certificates

ASKED = {"value": 1}


def _connect_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if "connect" in thread.name]


def _expect_no_connect_threads() -> None:
    for thread in _connect_threads():
        thread.join(LIMIT)
    assert not _connect_threads()


@pytest.mark.parametrize(
    "extra",
    [
        b"Sec-WebSocket-Extensions: permessage-deflate",
        b"sec-websocket-extensions: x-unheard-of; a=b",
        b"Sec-WebSocket-Protocol: chat",
    ],
)
def test_what_nobody_asked_for_is_refused_with_the_handshake(extra: bytes) -> None:
    """Else every frame would be compressed, or mean something else (RFC 6455, section 4.1)."""

    def add(wire: Wire) -> None:
        wire.read_handshake()
        wire.send_bytes(wire.acceptance().replace(b"\r\n\r\n", b"\r\n" + extra + b"\r\n\r\n"))
        with pytest.raises(Gone):
            wire.read(1)

    exchange = HostileExchange()
    exchange.server.scripts.insert(0, add)
    with exchange.server, UserWSSession(endpoint=exchange.url, timeout=5) as session:
        assert session.handle_request("test.echo", ASKED) == ASKED
        assert len(exchange.server.wires) == 2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(exchange: HostileExchange, status: int) -> None:
    """The key would go wherever somebody in between says."""

    def redirect(wire: Wire) -> None:
        wire.read_handshake()
        wire.send_bytes(f"HTTP/1.1 {status} There\r\nLocation: {exchange.url}\r\n\r\n".encode())

    with BytesServer(redirect) as server:
        with pytest.raises(ConnectionFailed, match=str(status)) as caught:
            UserWSSession(endpoint=server.url, timeout=5).start()
        assert caught.value.status == status
        assert len(server.wires) == 1
    assert not exchange.server.wires


def _pour_headers(wire: Wire) -> None:
    wire.send_bytes(b"HTTP/1.1 101 Switching Protocols\r\n")
    while not wire.over.is_set():
        wire.send_bytes(b"X-More: and more\r\n" * 4000)


def _pour_line(wire: Wire) -> None:
    wire.send_bytes(b"HTTP/1.1 101 Switching Protocols\r\nX-Long: ")
    while not wire.over.is_set():
        wire.send_bytes(b"x" * 65536)


def _pour_body(wire: Wire) -> None:
    wire.send_bytes(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 1000000000000\r\n\r\n")
    while not wire.over.is_set():
        wire.send_bytes(b"x" * 65536)


@pytest.mark.parametrize("pour", [_pour_headers, _pour_line, _pour_body], ids=["headers", "line", "body"])
@pytest.mark.parametrize("is_proxy", [False, True], ids=["server", "proxy"])
def test_a_greeting_without_end_takes_little_memory_and_ends(
    exchange: HostileExchange, pour: Callable[[Wire], None], is_proxy: bool
) -> None:
    poured = threading.Event()

    def script(wire: Wire) -> None:
        wire.read_handshake()
        try:
            pour(wire)
        finally:
            poured.set()

    with BytesServer(script) as server:
        proxy = f"http://127.0.0.1:{server.port}" if is_proxy else ""
        session = UserWSSession(endpoint=exchange.url if is_proxy else server.url, proxy=proxy)
        tracemalloc.start()
        try:
            with pytest.raises(ConnectionFailed):
                session.start(0.5)
            assert poured.wait(LIMIT)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 8 << 20
        _expect_no_connect_threads()
    assert not exchange.server.wires


def test_what_is_told_of_a_bad_greeting_is_short(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "crypto_ws_sync")

    def script(wire: Wire) -> None:
        wire.read_handshake()
        wire.send_bytes(b"HTTP/1.1 101 Fine\r\n\xff" + b"x" * 10_000 + b"\r\n\r\n")

    with BytesServer(script) as server:
        with pytest.raises(ConnectionFailed) as caught:
            UserWSSession(endpoint=server.url).start(3.0)
        assert len(str(caught.value)) < 1000
    told = [record.getMessage() for record in caplog.records]
    assert any("xxxx" in each for each in told)
    assert max(map(len, told)) < 1000


@pytest.mark.parametrize(
    "bend",
    [
        lambda good: good.replace(b"Accept: ", b"Accept: x"),
        lambda good: b"\r\n".join(line for line in good.split(b"\r\n") if b"Accept" not in line),
        lambda good: good.replace(b"Upgrade: websocket", b"Upgrade: h2c"),
        lambda good: good.replace(b"Connection: Upgrade", b"Connection: close"),
    ],
    ids=["wrong", "missing", "another protocol", "no upgrade"],
)
def test_who_cannot_prove_to_speak_the_protocol_gets_no_request(
    exchange: HostileExchange, bend: Callable[[bytes], bytes]
) -> None:
    """It goes on as if all were well: a cache that repeats an old answer, or something that is no exchange."""

    def accept_wrongly(wire: Wire) -> None:
        wire.read_handshake()
        wire.send_bytes(bend(wire.acceptance()))
        exchange.converse(wire)

    exchange.server.scripts.insert(0, accept_wrongly)
    with UserWSSession(*exchange.credentials, endpoint=exchange.url, timeout=5) as session:
        assert session.handle_request("test.echo", ASKED) == ASKED
    assert {call.wire.number for call in exchange.calls} == {2}


TRICKLES = {
    "http": (b"HTTP/1.1 200 Fine\r\nX-Slow: ", b"x"),
    "socks5": (b"\x05\x00\x05\x00\x00\x03\xff", b"x"),
    "nothing at all": (b"", b""),
}


@pytest.mark.parametrize("kind", TRICKLES)
def test_a_proxy_that_trickles_keeps_no_thread(exchange: HostileExchange, kind: str) -> None:
    """Given up at the caller's deadline, and not at the end of an answer that has none."""
    head, drop = TRICKLES[kind]

    def trickle(wire: Wire) -> None:
        wire.send_bytes(head)
        while not wire.over.wait(0.02):
            wire.send_bytes(drop)

    with BytesServer(trickle) as server:
        scheme = "http" if kind == "nothing at all" else kind
        session = UserWSSession(endpoint=exchange.url, proxy=f"{scheme}://127.0.0.1:{server.port}")
        begun = time.monotonic()
        with pytest.raises(ConnectionFailed, match=r"within 0\.\d s"):
            session.start(0.3)
        assert time.monotonic() - begun < 5
        _expect_no_connect_threads()
        # The server goes on as long as the test does: it was not its end that ended the thread.
        assert not server.wires[0].over.is_set()


def test_tls_that_trickles_keeps_no_thread(certificates: Certificates) -> None:
    def trickle(wire: Wire) -> None:
        wire.send_bytes(b"\x16\x03\x03\x40\x00")
        while not wire.over.wait(0.02):
            wire.send_bytes(b"\x00")

    with BytesServer(trickle) as server:
        url = server.url.replace("ws://", "wss://")
        session = UserWSSession(endpoint=url, ssl_context=certificates.client_context)
        with pytest.raises(ConnectionFailed, match=r"within 0\.\d s"):
            session.start(0.3)
        _expect_no_connect_threads()


# -- who it is ----------------------------------------------------------------------------------------------


@pytest.fixture
def secured(certificates: Certificates) -> HostileExchange:
    """An exchange over TLS, not yet listening to anybody."""
    return HostileExchange(tls=certificates.server_context)


@pytest.mark.parametrize("kind", ["http", "socks5h"])
def test_behind_a_proxy_it_is_the_exchanges_name_that_must_be_proven(
    secured: HostileExchange, certificates: Certificates, kind: str
) -> None:
    """A proxy may lead anywhere: the certificate of where it leads must be the asked host's."""
    proxy = SmallProxy(kind.rstrip("h") if kind == "socks5h" else kind, leads_to=secured.server.port)
    address = proxy.url().replace("socks5:", "socks5h:")
    with secured.server, proxy.server:
        port = secured.server.port
        trusted = {"proxy": address, "ssl_context": certificates.client_context}
        with UserWSSession(endpoint=f"wss://localhost:{port}/ws-api/v3", **trusted) as session:
            assert session.handle_request("test.echo", ASKED) == ASKED
        with pytest.raises(ConnectionFailed, match=r"(?i)hostname"):
            UserWSSession(endpoint=f"wss://exchange.example:{port}/ws-api/v3", **trusted).start(5)
        assert proxy.asked[-1] == ("exchange.example", port)


@pytest.mark.parametrize("is_proxied", [False, True], ids=["direct", "proxy"])
def test_a_context_of_the_callers_own_counts_as_it_is(
    secured: HostileExchange,
    certificates: Certificates,
    monkeypatch: pytest.MonkeyPatch,
    is_proxied: bool,
) -> None:
    """Nothing in the environment adds to whom it trusts, and connecting changes nothing in it."""
    for name in ("SSL_CERT_FILE", "WEBSOCKET_CLIENT_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(name, str(certificates.ca_file))
    proxy = SmallProxy("http")
    strict = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    relaxed = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    relaxed.check_hostname, relaxed.verify_mode = False, ssl.CERT_NONE
    with secured.server, proxy.server:
        way = {"endpoint": secured.url, "proxy": proxy.url() if is_proxied else ""}
        with pytest.raises(ConnectionFailed, match="not trusted"):
            UserWSSession(ssl_context=strict, **way).start(5)
        assert not strict.get_ca_certs()
        with UserWSSession(ssl_context=relaxed, **way) as session:
            assert session.handle_request("test.echo", ASKED) == ASKED
        assert relaxed.verify_mode is ssl.CERT_NONE
        assert not relaxed.check_hostname


@pytest.mark.parametrize("is_proxied", [False, True], ids=["direct", "proxy"])
def test_without_a_context_the_systems_store_counts(
    secured: HostileExchange,
    certificates: Certificates,
    monkeypatch: pytest.MonkeyPatch,
    is_proxied: bool,
) -> None:
    proxy = SmallProxy("http")
    with secured.server, proxy.server:
        way = {"endpoint": secured.url, "proxy": proxy.url() if is_proxied else ""}
        with pytest.raises(ConnectionFailed, match="not trusted"):
            UserWSSession(**way).start(5)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca_file))
        with UserWSSession(**way) as session:
            assert session.handle_request("test.echo", ASKED) == ASKED


def test_a_name_that_is_not_known_is_told_with_what_to_look_at(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    said = r"cannot connect to ws-api\.example:443: its name is not known .* is there a network\?"
    with pytest.raises(ConnectionFailed, match=said):
        UserWSSession(endpoint="wss://ws-api.example/ws-api/v3").start(1.0)
