"""Frames in every form a server may send, and in those it must not (RFC 6455): read, or the next connection."""

from __future__ import annotations

import json
import os
import struct
import time
from collections.abc import Callable

import pytest
from bytes_server import BINARY, CLOSE, CONTINUATION, LIMIT, PING, PONG, TEXT, Gone, Wire, frame
from hostile_exchange import Call, HostileExchange, Open

from crypto_ws_sync import RequestTimeout, UserWSSession

Bend = Callable[[Wire, bytes], None]


def _fragments(payload: bytes, *sizes: int, between: bytes = b"") -> bytes:
    """Return a text message in fragments of these sizes, and a last one with the rest."""
    out, opcode = b"", TEXT
    for size in sizes:
        out += frame(opcode, payload[:size], final=False) + between
        payload, opcode = payload[size:], CONTINUATION
    return out + frame(opcode, payload)


def _byte_by_byte(wire: Wire, payload: bytes) -> None:
    for byte in frame(TEXT, payload):
        wire.send_bytes(bytes((byte,)))


def _by(form: Callable[[bytes], bytes]) -> Bend:
    return lambda wire, payload: wire.send_bytes(form(payload))


LEGAL: dict[str, Bend] = {
    "byte by byte": _byte_by_byte,
    "16 bit length": _by(lambda payload: bytes((0x81, 126)) + struct.pack("!H", len(payload)) + payload),
    "64 bit length": _by(lambda payload: bytes((0x81, 127)) + struct.pack("!Q", len(payload)) + payload),
    "fragments": _by(lambda payload: _fragments(payload, 1, 5, 10)),
    "fragments of one byte": _by(lambda payload: _fragments(payload, *[1] * len(payload))),
    "pings and pongs between fragments of one byte": _by(
        lambda payload: _fragments(
            payload, *[1] * len(payload), between=frame(PING, b"mid") + frame(PONG, b"x")
        )
    ),
    "empty fragments": _by(lambda payload: _fragments(payload, 0, 0, 7, 0, 0)),
    "all in one fragment, then an empty one": _by(lambda payload: _fragments(payload, len(payload))),
    "pings between fragments": _by(lambda payload: _fragments(payload, 3, 3, between=frame(PING, b"mid"))),
    "pongs nobody asked for": _by(lambda payload: frame(PONG, b"x") * 3 + frame(TEXT, payload) + frame(PONG)),
    "after an empty text": _by(lambda payload: frame(TEXT) + frame(TEXT, payload)),
    "a code point over two fragments": _by(lambda payload: _fragments(payload, payload.index(b"\xc3") + 1)),
}

ILLEGAL: dict[str, tuple[bytes, int]] = {
    "masked": (frame(TEXT, b'{"id":1}', mask=b"abcd"), 1002),
    "masked, with a mask that reads like frames": (frame(TEXT, mask=b"\x8a\x00\x8a\x00"), 1002),
    "masked ping": (frame(PING, b"x", mask=b"abcd"), 1002),
    "compressed": (frame(TEXT, b"\xaa\x56\xca\x4c\x51\x02\x00", reserved=4), 1002),
    "second reserved bit": (frame(TEXT, b"{}", reserved=2), 1002),
    "third reserved bit": (frame(TEXT, b"{}", reserved=1), 1002),
    "reserved bits in a ping": (frame(PING, reserved=4), 1002),
    "reserved bits in a continuation": (
        frame(TEXT, b"{", final=False) + frame(CONTINUATION, b"}", reserved=4), 1002
    ),
    **{f"opcode {opcode:x}": (frame(opcode, b"{}"), 1002) for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)},
    "long close": (frame(CLOSE, b"\x03\xe8" + b"x" * 124), 1002),
    "binary inside a fragmented text": (frame(TEXT, b"{", final=False) + frame(BINARY, b"}"), 1002),
    "long ping": (frame(PING, b"x" * 126), 1002),
    "fragmented ping": (frame(PING, b"x", final=False), 1002),
    "continuation of nothing": (frame(CONTINUATION, b"{}"), 1002),
    "text inside a fragmented text": (frame(TEXT, b"{", final=False) + frame(TEXT, b"{}"), 1002),
    "binary": (frame(BINARY, b"\x00\x01"), 1003),
    "not UTF-8": (frame(TEXT, b'{"id":"\xff\xfe"}'), 1007),
    "half a code point": (frame(TEXT, b'"\xc3"'), 1007),
    "a surrogate": (frame(TEXT, b'"\xed\xa0\x80"'), 1007),
    "a broken code point over two fragments": (
        frame(TEXT, b'"\xe2\x82', final=False) + frame(CONTINUATION, b'x"'), 1007
    ),
    "half a code point, and a fragment that is empty": (
        frame(TEXT, b'"\xe2\x82', final=False) + frame(CONTINUATION), 1007
    ),
    "2^63 bytes": (frame(TEXT, length=2**63), 1009),
    "2^64 - 1 bytes": (frame(TEXT, length=2**64 - 1), 1009),
    "one byte too many": (frame(TEXT, length=65537), 1009),
    "fragments that come to too many": (
        frame(TEXT, b"x" * 65000, final=False) + frame(CONTINUATION, b"x" * 1000), 1009
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", LEGAL)
def test_an_answer_is_read_in_any_legal_form(
    exchange: HostileExchange, session: UserWSSession, form: str
) -> None:
    def bend(call: Call) -> None:
        text = json.dumps(call.execute(), ensure_ascii=False)
        LEGAL[form](call.wire, text.encode("utf-8"))

    exchange.on("test.echo", bend)
    for value in ("ä", "second"):
        asked = {"value": value, "more": "é"}
        assert session.handle_request("test.echo", asked) == asked
    assert len(exchange.server.wires) == 1


@pytest.mark.parametrize("form", ILLEGAL)
def test_an_illegal_frame_ends_the_connection_and_nothing_else(
    exchange: HostileExchange, open_session: Open, form: str
) -> None:
    data, code = ILLEGAL[form]
    session = open_session(max_message=65536)
    exchange.once("test.echo", lambda call: call.wire.send_bytes(data))
    assert session.handle_request("test.echo", {"value": 1}) == {"value": 1}
    assert len(exchange.seen("test.echo")) == 2
    assert exchange.wire(1).closed.wait(LIMIT)
    assert exchange.wire(1).close_code == code
    assert session.status().reconnects == {str(code): 1}


@pytest.mark.parametrize("form", ILLEGAL)
def test_an_illegal_frame_right_after_an_answer_takes_nothing_back(
    exchange: HostileExchange, open_session: Open, form: str
) -> None:
    session = open_session(max_message=65536)

    def answer_and_break(call: Call) -> None:
        good = frame(TEXT, json.dumps(call.execute()).encode("utf-8"))
        call.wire.send_bytes(good + ILLEGAL[form][0])

    exchange.once("test.echo", answer_and_break)
    assert session.handle_request("test.echo", {"value": 1}) == {"value": 1}
    assert session.handle_request("test.echo", {"value": 2}) == {"value": 2}
    exchange.wire(2)


def test_an_answer_as_long_as_allowed_is_read(exchange: HostileExchange, open_session: Open) -> None:
    session = open_session(max_message=1 << 20)

    def fill(call: Call) -> None:
        said = {"id": call.id, "status": 200, "result": ""}
        payload = json.dumps(said | {"result": "x" * ((1 << 20) - len(json.dumps(said)))}).encode("utf-8")
        assert len(payload) == 1 << 20
        call.wire.send_bytes(
            _fragments(payload, 1000, 1000, between=frame(PING)) if call.id % 2 else frame(TEXT, payload)
        )

    exchange.on("test.echo", fill)
    for _ in range(4):
        assert len(session.handle_request("test.echo")) > 1_000_000
    assert len(exchange.server.wires) == 1


def test_an_answer_of_20_megabytes_is_read(exchange: HostileExchange, session: UserWSSession) -> None:
    exchange.on(
        "test.echo", lambda call: call.answer({"id": call.id, "status": 200, "result": ["x" * 1000] * 20_000})
    )
    assert len(session.handle_request("test.echo")) == 20_000


def test_many_answers_in_one_packet(exchange: HostileExchange, session: UserWSSession) -> None:
    held: list[bytes] = []

    def hold(call: Call) -> None:
        held.append(frame(TEXT, json.dumps(call.execute()).encode("utf-8")))
        if len(held) == 300:
            call.wire.send_bytes(b"".join(held))

    exchange.on("test.echo", hold)
    found = session.handle_requests([("test.echo", {"number": number}) for number in range(300)])
    assert found == [{"number": number} for number in range(300)]


def test_a_pong_copies_the_payload_of_its_ping(exchange: HostileExchange, session: UserWSSession) -> None:
    wire = exchange.wire()
    payloads = [b"", b"1771234567890", os.urandom(125), "ä€".encode()]
    for payload in payloads:
        wire.send_bytes(frame(PING, payload))
    # The first answer comes behind the pings, the second request behind the pongs.
    for _ in range(2):
        session.handle_request("ping")
    assert wire.pongs == payloads


def test_pings_are_answered_while_nobody_asks(exchange: HostileExchange, session: UserWSSession) -> None:
    wire = exchange.wire()
    for number in range(100):
        wire.send_bytes(frame(PING, str(number).encode()))
    for _ in range(2):
        session.handle_request("ping")
    assert wire.pongs == [str(number).encode() for number in range(100)]


def test_a_flood_of_pings_that_nobody_reads_the_answers_of_fills_no_memory(exchange: HostileExchange) -> None:
    """A server that floods and does not read is owed no pongs (RFC 6455, 5.5.3: the latest ping is enough)."""
    count, payload = 200_000, b"p" * 125

    def flood(wire: Wire) -> None:
        wire.accept()
        exchange.take(wire, wire.read_text())
        for _ in range(count // 1000):
            wire.send_bytes(frame(PING, payload) * 1000)
        exchange.converse(wire)

    exchange.server.scripts = [flood]
    with UserWSSession(*exchange.credentials, endpoint=exchange.url) as session:
        for value in (1, 2):
            assert session.handle_request("test.echo", {"value": value}) == {"value": value}
        # Some megabytes were in the kernel's buffers, and one in ours.
        assert 0 < len(exchange.wire().pongs) < count // 2
        assert len(exchange.server.wires) == 1


@pytest.mark.parametrize(
    "payload", [b"", b"\x03", struct.pack("!H", 1005), struct.pack("!H", 0), b"\x03\xe8\xff\xfe"]
)
def test_a_close_frame_of_any_content_is_a_close(
    exchange: HostileExchange, session: UserWSSession, payload: bytes
) -> None:
    exchange.once("test.echo", lambda call: call.wire.send_bytes(frame(CLOSE, payload)))
    assert session.handle_request("test.echo", {"value": 1}) == {"value": 1}
    assert exchange.wire(1).closed.wait(LIMIT)


def test_a_close_in_the_middle_of_a_message(exchange: HostileExchange, session: UserWSSession) -> None:
    """A control frame may stand between fragments, a close as well: what came of the message is no message."""

    def half(call: Call) -> None:
        payload = json.dumps(call.execute()).encode("utf-8")
        call.wire.send_bytes(frame(TEXT, payload[:10], final=False) + frame(CLOSE, struct.pack("!H", 1001)))

    exchange.once("test.echo", half)
    assert session.handle_request("test.echo", {"value": 1}) == {"value": 1}
    assert session.status().reconnects == {"1001": 1}
    assert exchange.wire(1).closed.wait(LIMIT)
    assert exchange.wire(1).close_code == 1001


@pytest.mark.parametrize("is_fragmented", [False, True], ids=["frame", "fragments"])
def test_an_answer_that_drips_holds_nobody_beyond_his_time(
    exchange: HostileExchange, session: UserWSSession, is_fragmented: bool
) -> None:
    def drip(call: Call) -> None:
        payload = b'{"id":' + b" " * 10_000
        head = frame(TEXT, b"{", final=False) if is_fragmented else b""
        call.wire.send_bytes(head or frame(TEXT, length=10_006))
        for byte in payload:
            one = bytes((byte,))
            call.wire.send_bytes(frame(CONTINUATION, one, final=False) if is_fragmented else one)
            if call.wire.over.wait(0.005):
                return

    exchange.once("test.echo", drip)
    begun = time.monotonic()
    with pytest.raises(RequestTimeout):
        session.handle_request("test.echo", timeout=0.3)
    assert time.monotonic() - begun < 8, "the answer drips for 50 s"
    begun = time.monotonic()
    session.stop(0.3)
    assert time.monotonic() - begun < 8


def test_a_line_that_ends_inside_a_frame(exchange: HostileExchange, session: UserWSSession) -> None:
    def half(call: Call) -> None:
        payload = json.dumps(call.execute()).encode("utf-8")
        call.wire.send_bytes(frame(TEXT, payload)[:-3])
        raise Gone

    exchange.once("test.echo", half)
    assert session.handle_request("test.echo", {"value": 1}) == {"value": 1}
    assert exchange.server.wait_for_connections(2, LIMIT).number == 2
