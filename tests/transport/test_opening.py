"""The way to a server, step by step, with somebody at the other end who trickles, pours, refuses or is another."""

from __future__ import annotations

import base64
import gc
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from crypto_ws_sync.simulator.certificates import Certificates
from crypto_ws_sync.transport.opening import (
    MOST_BYTES,
    MOST_OF_A_PROXY,
    Attempt,
    OpeningSocket,
    default_tls,
    reach,
    secure,
    tunnel,
)
from crypto_ws_sync.transport.port import OpenFailed
from crypto_ws_sync.transport.proxies import Proxy

LIMIT = 30.0
HTTP = Proxy("http", "proxy.example", 3128)
SOCKS = Proxy("socks5h", "proxy.example", 1080)
WITH_PASSWORD = {"user": "me", "password": "pass"}


def attempt(seconds: float = LIMIT) -> Attempt:
    return Attempt(time.monotonic() + seconds)


@contextmanager
def talking_to(answer: bytes, seconds: float = LIMIT) -> Iterator[tuple[OpeningSocket, socket.socket]]:
    """A line whose other side has said something already, and that other side."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.settimeout(LIMIT)
        theirs.sendall(answer)
        yield OpeningSocket(ours, attempt(seconds)), theirs


@contextmanager
def sent_by(send: Callable[[socket.socket], None]) -> Iterator[socket.socket]:
    """A socket to whose other side a thread sends until it is closed."""
    ours, theirs = socket.socketpair()

    def work() -> None:
        try:
            while True:
                send(theirs)
        except OSError:
            pass

    thread = threading.Thread(target=work)
    thread.start()
    with ours, theirs:
        yield ours
        try:
            ours.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # closed, and so the other side knows
        thread.join(LIMIT)


# -- proxies ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("proxy", "host", "answer", "asked"),
    [
        (
            HTTP,
            "exchange.example",
            b"HTTP/1.1 200 Connection established\r\nVia: proxy\r\n\r\n",
            b"CONNECT exchange.example:443 HTTP/1.1\r\nHost: exchange.example:443\r\n\r\n",
        ),
        (
            HTTP,
            "::1",
            b"HTTP/1.0 204 Fine\n\n",
            b"CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n",
        ),
        (
            Proxy("http", "proxy.example", 1, **WITH_PASSWORD),
            "h",
            b"HTTP/1.1 200 OK\r\n\r\n",
            b"CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\nProxy-Authorization: Basic "
            + base64.b64encode(b"me:pass")
            + b"\r\n\r\n",
        ),
        (
            SOCKS,
            "exchange.example",
            b"\x05\x00" + b"\x05\x00\x00\x03\x04host\x00\x50",
            b"\x05\x01\x00" + b"\x05\x01\x00\x03\x10exchange.example\x01\xbb",
        ),
        (
            Proxy("socks5", "proxy.example", 1),
            "localhost",
            b"\x05\x00" + b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50",
            None,
        ),
        (
            SOCKS,
            "::1",
            b"\x05\x00" + b"\x05\x00\x00\x04" + bytes(18),
            b"\x05\x01\x00" + b"\x05\x01\x00\x04" + bytes(15) + b"\x01\x01\xbb",
        ),
        (
            Proxy("socks5", "proxy.example", 1, **WITH_PASSWORD),
            "127.0.0.1",
            b"\x05\x02" + b"\x01\x00" + b"\x05\x00\x00\x01" + bytes(6),
            b"\x05\x02\x00\x02" + b"\x01\x02me\x04pass" + b"\x05\x01\x00\x01\x7f\x00\x00\x01\x01\xbb",
        ),
        (
            Proxy("socks5", "proxy.example", 1, **WITH_PASSWORD),
            "127.0.0.1",
            b"\x05\x00" + b"\x05\x00\x00\x01" + bytes(6),
            b"\x05\x02\x00\x02" + b"\x05\x01\x00\x01\x7f\x00\x00\x01\x01\xbb",
        ),
    ],
)
def test_a_proxy_is_asked_for_the_host_and_nothing_behind_its_answer_is_read(
    proxy: Proxy, host: str, answer: bytes, asked: bytes | None
) -> None:
    with talking_to(answer + b"HTTP/1.1 101") as (line, theirs):
        tunnel(line, proxy, host, 443)
        assert line.read(12) == b"HTTP/1.1 101"
        said = theirs.recv(65536)
        if asked is None:
            # Resolved on this side: what the proxy is given is an address.
            assert said[:6] in (b"\x05\x01\x00\x05\x01\x00", b"\x05\x01\x00\x05\x01\x00")
            assert said[6] in (1, 4)
        else:
            assert said == asked


@pytest.mark.parametrize(
    ("proxy", "answer", "told"),
    [
        (HTTP, b"HTTP/1.1 407 Who?\r\n\r\n", "status 407"),
        (HTTP, b"HTTP/1.1 301 Elsewhere\r\nLocation: http://other/\r\n\r\n", "status 301"),
        (HTTP, b"SSH-2.0-OpenSSH\r\n\r\n", "not HTTP"),
        (HTTP, b"HTTP/1.1 OK\r\n\r\n", "not HTTP"),
        (HTTP, b"\r\n\r\n", "not HTTP"),
        (HTTP, b"\xff\xfe\x00\n\n", "not HTTP"),
        (HTTP, b"x" * (MOST_OF_A_PROXY + 1), "no end"),
        (SOCKS, b"\x04\x00", "does not speak SOCKS 5"),
        (SOCKS, b"HTTP/1.1 400", "does not speak SOCKS 5"),
        (SOCKS, b"\x05\xff", "none of the ways"),
        (SOCKS, b"\x05\x02", "none of the ways"),
        (Proxy("socks5", "p", 1, **WITH_PASSWORD), b"\x05\x02\x01\x01", "user name or password"),
        (Proxy("socks5h", "p", 1, "u" * 256, ""), b"\x05\x02", "too long"),
        (SOCKS, b"\x05\x00\x05\x05\x00\x01" + bytes(6), "connection was refused"),
        (SOCKS, b"\x05\x00\x05\x63\x00\x01" + bytes(6), "no reason given"),
        (SOCKS, b"\x05\x00\x04\x00\x00\x01" + bytes(6), "no reason given"),
        (SOCKS, b"\x05\x00\x05\x00\x00\x09" + bytes(6), "not SOCKS 5"),
    ],
)
def test_a_proxy_that_does_something_else_is_told_in_words(proxy: Proxy, answer: bytes, told: str) -> None:
    with talking_to(answer) as (line, _), pytest.raises(OSError, match=told) as caught:
        tunnel(line, proxy, "exchange.example", 443)
    assert "pass" not in str(caught.value).replace("password", "")


@pytest.mark.parametrize("proxy", [HTTP, SOCKS], ids=["http", "socks5"])
@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 2", b"\x05", b"\x05\x00\x05\x00\x00\x03"])
def test_a_proxy_that_hangs_up_in_the_middle(proxy: Proxy, said: bytes) -> None:
    with talking_to(said) as (line, theirs):
        theirs.shutdown(socket.SHUT_WR)
        with pytest.raises(OSError, match=r"ended|not speak"):
            tunnel(line, proxy, "exchange.example", 443)


@pytest.mark.parametrize("proxy", [HTTP, SOCKS], ids=["http", "socks5"])
def test_a_proxy_that_trickles_has_one_time_for_all_of_it(proxy: Proxy) -> None:
    """Each byte comes well within the time, and all of them together do not."""
    pause = threading.Event()
    answer = iter(
        b"HTTP/1.1 200 " + b"x" * 1000 if proxy is HTTP else b"\x05\x00\x05\x00\x00\x03\xff" + b"x" * 300
    )

    def send(sock: socket.socket) -> None:
        pause.wait(0.02)
        sock.send(bytes((next(answer),)))

    with sent_by(send) as sock:
        begun = time.monotonic()
        with pytest.raises(TimeoutError):
            tunnel(OpeningSocket(sock, attempt(0.3)), proxy, "exchange.example", 443)
        assert time.monotonic() - begun >= 0.25


# -- reading within bounds ----------------------------------------------------------------------------------


def test_no_more_is_read_than_a_greeting_can_take() -> None:
    with sent_by(lambda sock: sock.sendall(b"x" * 65536)) as sock:
        line = OpeningSocket(sock, attempt())
        with pytest.raises(OpenFailed, match="before the first frame"):
            line.read(MOST_BYTES + 65536)
        assert len(line.sock.recv(10)) == 10
    with sent_by(lambda sock: sock.sendall(b"x" * 65536)) as sock:
        assert len(OpeningSocket(sock, attempt()).read(MOST_BYTES)) == MOST_BYTES


def test_a_thread_that_nobody_waits_for_reads_no_further() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"more than enough")
        trial = attempt()
        trial.hold(ours)
        line = OpeningSocket(ours, trial)
        assert line.recv(4) == b"more"
        trial.give_up()
        with pytest.raises(TimeoutError):
            line.recv(4)


class Telling(socket.socket):
    """A socket that tells when somebody begins to read from it."""

    is_read: threading.Event

    def recv(self, size: int, flags: int = 0) -> bytes:
        self.is_read.set()
        return super().recv(size, flags)


def test_who_waits_on_a_socket_is_woken_when_it_is_given_up() -> None:
    end, theirs = socket.socketpair()
    with Telling(fileno=end.detach()) as ours, theirs:
        ours.is_read = threading.Event()
        trial = attempt()
        trial.hold(ours)
        found: list[bytes] = []
        thread = threading.Thread(target=lambda: found.append(OpeningSocket(ours, trial).recv(1)))
        thread.start()
        # Not before: who has not begun to read is told at once that it is given up.
        assert ours.is_read.wait(LIMIT)
        trial.give_up()
        thread.join(LIMIT)
        assert found == [b""]


def test_a_socket_that_comes_after_giving_up_is_closed() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        trial = attempt()
        trial.give_up()
        trial.finish(ours)
        assert ours.fileno() == -1
        assert trial.take() is None


def test_a_connected_socket_that_nobody_took_is_closed() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        trial = attempt()
        trial.finish(ours)
        trial.give_up()
        assert ours.fileno() == -1


def test_a_closed_socket_is_not_touched_by_giving_up() -> None:
    """Its number may be somebody else's by then."""
    ours, theirs = socket.socketpair()
    trial = attempt()
    line = OpeningSocket(ours, trial)
    trial.hold(ours)
    line.close()
    with theirs:
        another, other_end = socket.socketpair()
        with another, other_end:
            trial.give_up()
            another.sendall(b"alive")
            assert other_end.recv(5) == b"alive"


def test_every_address_of_a_name_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # nobody listens there
        address = [silent.getsockname(), server.getsockname()]
        found = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", each) for each in address]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        with reach("two.example", 1, attempt()) as sock:
            assert sock.getpeername() == server.getsockname()
        found.pop()
        with pytest.raises(ConnectionRefusedError):
            reach("one.example", 1, attempt())
        found.clear()
        with pytest.raises(OSError, match="no address"):
            reach("none.example", 1, attempt())


# -- TLS ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificates() -> Iterator[Certificates]:
    made = Certificates("127.0.0.1")
    yield made
    made.close()


@contextmanager
def tls_server(context: ssl.SSLContext) -> Iterator[socket.socket]:
    """A connection to somebody who shakes hands once, by a context of his own."""
    ours, theirs = socket.socketpair()

    def serve() -> None:
        with theirs:
            theirs.settimeout(LIMIT)
            try:
                context.wrap_socket(theirs, server_side=True).close()
            except OSError:
                pass

    thread = threading.Thread(target=serve)
    thread.start()
    with ours:
        yield ours
    thread.join(LIMIT)


def test_the_default_context_checks_who_it_is_and_how_it_is_encrypted() -> None:
    context = default_tls()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_the_default_context_trusts_the_systems_store(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tls_server(certificates.server_context) as sock, pytest.raises(ssl.SSLCertVerificationError):
        secure(sock, "127.0.0.1", default_tls(), attempt())
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca_file))
    with tls_server(certificates.server_context) as sock:
        secure(sock, "127.0.0.1", default_tls(), attempt()).close()


def test_a_certificate_of_another_host_is_none(certificates: Certificates) -> None:
    with tls_server(certificates.server_context) as sock:
        secure(sock, "localhost", certificates.client_context, attempt()).close()
    with (
        tls_server(certificates.server_context) as sock,
        pytest.raises(ssl.SSLCertVerificationError, match=r"(?i)hostname"),
    ):
        secure(sock, "exchange.example", certificates.client_context, attempt())


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_tls_before_1_2_is_not_spoken(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca_file))
    old = Certificates("127.0.0.1")
    old.close()
    server = old.server_context
    server.set_ciphers("DEFAULT:@SECLEVEL=0")
    server.minimum_version = server.maximum_version = ssl.TLSVersion.TLSv1_1
    weak = ssl.create_default_context()
    weak.check_hostname, weak.verify_mode = False, ssl.CERT_NONE
    weak.set_ciphers("DEFAULT:@SECLEVEL=0")
    weak.minimum_version = ssl.TLSVersion.TLSv1_1
    # Who accepts it gets it, so it is not the server that fails.
    with tls_server(server) as sock:
        tls = secure(sock, "127.0.0.1", weak, attempt())
        assert tls.version() == "TLSv1.1"
        tls.close()
    with tls_server(server) as sock, pytest.raises(ssl.SSLError, match=r"(?i)version|protocol"):
        secure(sock, "127.0.0.1", default_tls(), attempt())


def test_a_handshake_that_trickles_has_one_time_for_all_of_it(certificates: Certificates) -> None:
    pause = threading.Event()
    # The head of a long record, and then a byte of it now and then.
    said = iter(b"\x16\x03\x03\x40\x00" + bytes(16384))

    def send(sock: socket.socket) -> None:
        pause.wait(0.02)
        sock.send(bytes((next(said),)))

    with sent_by(send) as sock:
        with pytest.raises(TimeoutError):
            secure(sock, "localhost", certificates.client_context, attempt(0.3))
        assert sock.fileno() == -1


def test_a_reset_right_before_the_handshake_leaves_nothing_to_the_collector(
    certificates: Certificates,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        sock = socket.create_connection(server.getsockname(), LIMIT)
        theirs, _ = server.accept()
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        theirs.close()
        # Wait until the reset has come, without taking it away.
        while True:
            try:
                sock.getpeername()
            except OSError:
                break
        with pytest.raises(OSError):
            secure(sock, "localhost", certificates.client_context, attempt())
    gc.collect()
