"""The handshake is refused, never answered, trickled or rubbish: `start` says why, in time, and leaves nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from threading import Event

import pytest
from bytes_server import LIMIT, BytesServer, Wire
from hostile_exchange import HostileExchange

from crypto_ws_sync import ConnectionFailed, ConnectionLost, OutOfService, UserWSSession


def _refuse(status: str, *headers: str) -> Callable[[Wire], None]:
    def script(wire: Wire) -> None:
        wire.read_handshake()
        lines = [f"HTTP/1.1 {status}", *headers, "Content-Length: 0", "", ""]
        wire.send_bytes("\r\n".join(lines).encode("ascii"))

    return script


def _say(data: bytes) -> Callable[[Wire], None]:
    def script(wire: Wire) -> None:
        wire.read_handshake()
        wire.send_bytes(data)

    return script


def _trickle(wire: Wire) -> None:
    """Send the head of a good answer byte by byte, and never come to its end."""
    wire.read_handshake()
    wire.send_bytes(b"HTTP/1.1 101 Switching Protocols\r\nX-Slow: ")
    while not wire.over.wait(0.02):
        wire.send_bytes(b"x")


def _pour(wire: Wire) -> None:
    """Send one header line without an end, as fast as it is taken."""
    wire.read_handshake()
    wire.send_bytes(b"HTTP/1.1 101 Switching Protocols\r\nX-Long: ")
    while not wire.over.is_set():
        wire.send_bytes(b"x" * 65536)


def _accept_wrongly(wire: Wire) -> None:
    wire.read_handshake()
    wire.send_bytes(wire.acceptance().replace(b"Sec-WebSocket-Accept: ", b"Sec-WebSocket-Accept: x"))


def _connect_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if "connect" in thread.name]


REFUSALS = {
    "403": (_refuse("403 Forbidden"), 403, "firewall"),
    "404": (_refuse("404 Not Found"), 404, "404: is the endpoint right"),
    "301": (_refuse("301 Moved", "Location: ws://127.0.0.1:1/"), 301, "301: is the endpoint right"),
    "429": (_refuse("429 Too Many", "Retry-After: 30"), 429, "allowed again in 30 s"),
    "418": (_refuse("418 Teapot", "retry-after: 120"), 418, "allowed again in 120 s"),
}


@pytest.mark.parametrize("kind", REFUSALS)
def test_a_refusal_that_lasts_is_raised_at_once(kind: str) -> None:
    script, status, words = REFUSALS[kind]
    with BytesServer(script) as server:
        session = UserWSSession(endpoint=server.url, timeout=25)
        begun, asked_at = time.monotonic(), time.time()
        with pytest.raises(ConnectionFailed, match=words) as caught:
            session.start()
        assert time.monotonic() - begun < 8
        assert caught.value.status == status
        if status in (418, 429):
            assert caught.value.retry_at is not None
            told_at = caught.value.retry_at - (120 if status == 418 else 30)
            assert asked_at - 1 <= told_at <= time.time() + 1
        assert len(server.wires) == 1
        assert not session.operational_status


def test_a_server_that_does_not_serve_now_is_told_from_a_wrong_address() -> None:
    with BytesServer(_refuse("503 Service Unavailable")) as server:
        session = UserWSSession(endpoint=server.url)
        with pytest.raises(ConnectionFailed, match="503: it is not serving now; try again later") as caught:
            session.start(timeout=3)
    assert caught.value.status == 503


@pytest.mark.parametrize(
    "script",
    [
        _refuse("503 Service Unavailable"),
        _refuse("500 Oops"),
        _refuse("429 Too Many", "Retry-After: 0"),
        _say(b"\x00\xff\xfe rubbish \r\n\r\n"),
        _say(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"),
        _say(b"HTTP/1.1 abc def\r\n\r\n"),
        _say(b"HTTP/1.1 101 Fine\r\nno colon here\r\n\r\n"),
        _say(b""),
        _accept_wrongly,
        Wire.read_handshake,
        Wire.reset,
    ],
    ids=[
        "503",
        "500",
        "429 now",
        "rubbish",
        "bare 101",
        "no status",
        "no header",
        "fin",
        "wrong",
        "hang up",
        "rst",
    ],
)
def test_a_failure_that_may_pass_is_tried_again(script: Callable[[Wire], object]) -> None:
    exchange = HostileExchange()
    exchange.server.scripts.insert(0, lambda wire: (script(wire), None)[1])
    with exchange.server, UserWSSession(endpoint=exchange.url, timeout=5) as session:
        assert session.handle_request("test.echo", {"value": 1}) == {"value": 1}
        assert len(exchange.server.wires) == 2


@pytest.mark.parametrize("script", [Wire.park, _trickle, _pour], ids=["silent", "trickled", "endless"])
def test_a_handshake_without_end_is_given_up_in_time(script: Callable[[Wire], None]) -> None:
    with BytesServer(script) as server:
        session = UserWSSession(endpoint=server.url)
        begun = time.monotonic()
        # What is left of it when the attempt begins.
        with pytest.raises(ConnectionFailed, match=r"within 0\.\d s"):
            session.start(0.3)
        assert time.monotonic() - begun < 5, "an attempt alone would have 10 s"
        # The thread that made the attempt ends with it, whatever the server goes on sending.
        for thread in _connect_threads():
            thread.join(LIMIT)
        assert not _connect_threads()


def test_a_handshake_without_end_is_given_up_when_stopped() -> None:
    with BytesServer(_trickle) as server:
        session = UserWSSession(endpoint=server.url)
        caught: list[BaseException] = []

        def start() -> None:
            try:
                session.start(60)
            except BaseException as error:
                caught.append(error)

        thread = threading.Thread(target=start)
        thread.start()
        server.wait_for_connections(1)
        begun = time.monotonic()
        session.stop(6)
        thread.join(LIMIT)
        assert time.monotonic() - begun < 6
        assert [type(error).__name__ for error in caught] == ["SessionClosed"]
        for each in _connect_threads():
            each.join(LIMIT)
        assert not _connect_threads()


def test_an_exchange_that_shakes_hands_and_says_no_more_is_given_up_in_time() -> None:
    """All steps together keep the limit: the handshake takes most of it, and the first answer never comes."""
    halfway = Event()

    def script(wire: Wire) -> None:
        wire.read_handshake()
        halfway.wait(2.5)
        wire.send_bytes(wire.acceptance())
        wire.park()

    with BytesServer(script) as server:
        session = UserWSSession(endpoint=server.url)
        begun = time.monotonic()
        with pytest.raises(ConnectionFailed):
            session.start(3.0)
        assert time.monotonic() - begun < 5.4, "each step has no 3 s of its own"


RUBBISH_TIMES = [None, {}, [], "x", {"serverTime": "soon"}, {"serverTime": None}, {"serverTime": 10**30}]


@pytest.mark.parametrize("said", [*RUBBISH_TIMES, {"serverTime": 10**400}], ids=lambda said: repr(said)[:30])
def test_rubbish_for_a_time_is_no_connection(said: object) -> None:
    exchange = HostileExchange()
    exchange.on("time", lambda call: call.answer({"id": call.id, "status": 200, "result": said}))
    with exchange.server:
        session = UserWSSession(endpoint=exchange.url)
        with pytest.raises(ConnectionFailed):
            session.start(0.15)


@pytest.mark.parametrize("said", RUBBISH_TIMES, ids=lambda said: repr(said)[:30])
def test_rubbish_for_a_time_does_not_end_the_reconnecting(
    exchange: HostileExchange, session: UserWSSession, said: object
) -> None:
    exchange.once("time", lambda call: call.answer({"id": call.id, "status": 200, "result": said}))
    exchange.wire(1).cut()
    exchange.wire(3)
    assert session.handle_request("test.echo", {"value": 1}) == {"value": 1}


@pytest.mark.parametrize("refusal", ["403 Forbidden", "503 Service Unavailable"])
def test_a_session_that_is_refused_on_reconnecting_waits_and_says_so(
    exchange: HostileExchange, session: UserWSSession, refusal: str
) -> None:
    may_come = Event()

    def later(wire: Wire) -> None:
        may_come.wait(LIMIT)
        exchange.serve(wire)

    exchange.server.scripts[1:1] = [_refuse(refusal), later]
    exchange.wire(1).cut()
    exchange.wire(2)
    assert session.wait_operational(0.05) is False
    late = session.status()
    assert late.state == "reconnecting"
    may_come.set()
    if refusal.startswith("403"):
        with pytest.raises(ConnectionLost, match="not sent"):
            session.handle_request("test.echo", timeout=0.2)
    else:
        assert session.handle_request("test.echo", {"value": 1}) == {"value": 1}


def test_a_ban_on_reconnecting_puts_the_session_out_of_service(
    exchange: HostileExchange, session: UserWSSession
) -> None:
    exchange.server.scripts.insert(1, _refuse("418 Teapot", "Retry-After: 60"))
    cut_at = time.time()
    exchange.wire(1).cut()
    exchange.wire(2)
    while session.status().out_of_service is None:
        session.wait_operational(0.01)
    with pytest.raises(OutOfService) as caught:
        session.handle_request("test.echo", on_limit="raise")
    assert cut_at - 1 <= caught.value.retry_at - 60 <= time.time() + 1
    assert session.handle_request("test.echo") is None
    begun = time.monotonic()
    with pytest.raises(OutOfService):
        session.handle_request("test.echo", on_limit="wait", timeout=20)
    assert time.monotonic() - begun < 8
    assert len(exchange.server.wires) == 2


@pytest.mark.parametrize("said", ["inf", "nan", "-5", "soon", "Wed, 21 Oct 2026 07:28:00 GMT", "1e400", ""])
def test_an_unusable_retry_after_is_a_minute(said: str) -> None:
    with BytesServer(_refuse("429 Too Many", f"Retry-After: {said}")) as server:
        session = UserWSSession(endpoint=server.url)
        with pytest.raises(ConnectionFailed) as caught:
            session.start(LIMIT)
        assert caught.value.retry_at is not None
        assert caught.value.retry_at - time.time() <= 61


def test_a_retry_after_of_years_is_the_longest_ban_there_is() -> None:
    with BytesServer(_refuse("418 Teapot", "Retry-After: 100000000")) as server:
        with pytest.raises(ConnectionFailed) as caught:
            UserWSSession(endpoint=server.url).start(LIMIT)
        assert caught.value.retry_at is not None
        assert caught.value.retry_at - time.time() == pytest.approx(3 * 86400, abs=60)


def test_a_closing_server_is_not_stormed(exchange: HostileExchange, session: UserWSSession) -> None:
    """Connections that end before they have served anything are opened again more and more slowly."""

    def serve_nobody(wire: Wire) -> None:
        wire.accept()
        exchange.take(wire, wire.read_text())
        wire.send_close(1008)

    exchange.server.scripts[1:] = [serve_nobody]
    exchange.wire(1).cut()
    exchange.wire(3)
    begun = time.monotonic()
    session.wait_operational(0.01)
    with pytest.raises(AssertionError):
        exchange.server.wait_for_connections(20, 1.0)
    assert time.monotonic() - begun >= 1.0


def test_fifty_failed_starts_leave_nothing() -> None:
    with BytesServer(_refuse("403 Forbidden")) as server:
        before = set(threading.enumerate())
        for _ in range(50):
            with pytest.raises(ConnectionFailed):
                UserWSSession(endpoint=server.url).start()
        left = {thread for thread in threading.enumerate() if "session" in thread.name} - before
        assert not left


def test_nobody_listens() -> None:
    with BytesServer(Wire.park) as server:
        port = server.port
    with pytest.raises(ConnectionFailed, match="cannot connect"):
        UserWSSession(endpoint=f"ws://127.0.0.1:{port}/ws-api/v3").start(2.0)
