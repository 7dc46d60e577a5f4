"""Frames against two other libraries: what they write is read here, and what is written here they read."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websocket import ABNF
from websocket._abnf import frame_buffer
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from crypto_ws_sync.transport.frames import BINARY, CLOSE, PING, PONG, TEXT, FrameReader, FrameWriter
from crypto_ws_sync.transport.port import ProtocolViolation

CONTINUATION = 0
LIMIT = 70_000
Message = tuple[int, bytes]
Frames = list[tuple[int, bytes, bool]]


def written_by_websockets(opcode: int, payload: bytes, is_final: bool) -> bytes:
    return Frame(Opcode(opcode), payload, fin=is_final).serialize(mask=False)


def written_by_websocket_client(opcode: int, payload: bytes, is_final: bool) -> bytes:
    stream = ABNF(int(is_final), 0, 0, 0, opcode, 0, payload).format()
    assert isinstance(stream, bytes)
    return stream


def read_by_websockets(stream: bytes) -> Message:
    """Read one masked frame as a server does."""
    reader = StreamReader()
    reader.feed_data(stream)
    reader.feed_eof()
    steps = Frame.parse(reader.read_exact, mask=True)
    try:
        while True:
            next(steps)
    except StopIteration as end:
        frame = end.value
    assert frame.fin
    return int(frame.opcode), bytes(frame.data)


def read_by_websocket_client(stream: bytes) -> Message:
    left = bytearray(stream)

    def receive(size: int) -> bytes:
        taken = bytes(left[:size])
        del left[:size]
        return taken

    frame = frame_buffer(receive, skip_utf8_validation=True).recv_frame()
    assert frame.fin
    assert frame.mask_value
    assert not left
    assert isinstance(frame.data, bytes)
    return frame.opcode, frame.data


PAYLOADS = st.one_of(
    st.binary(max_size=130), st.sampled_from([125, 126, 127, 65535, 65536]).map(lambda n: b"\xe2" * n)
)
CONTROLS = st.lists(st.tuples(st.sampled_from([PING, PONG, CLOSE]), st.binary(max_size=125)), max_size=2)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Frames, list[Message]]:
    """Frames a server may send, control frames between fragments, and the messages that they are."""
    frames: Frames = []
    messages: list[Message] = []

    def control() -> None:
        for opcode, payload in draw(CONTROLS):
            frames.append((opcode, payload, True))
            messages.append((opcode, payload))

    for _ in range(draw(st.integers(1, 4))):
        opcode = draw(st.sampled_from([TEXT, TEXT, BINARY]))
        parts = draw(st.lists(PAYLOADS, min_size=1, max_size=draw(st.sampled_from([1, 1, 4]))))
        whole = b"".join(parts)
        if len(whole) > LIMIT:
            continue
        control()
        for number, part in enumerate(parts):
            if number:
                control()
            frames.append((CONTINUATION if number else opcode, part, number == len(parts) - 1))
        messages.append((opcode, whole))
    return frames, messages


def split(stream: bytes, sizes: list[int]) -> list[bytes]:
    """Cut a stream into pieces of these sizes, over and over."""
    pieces, at, turn = [], 0, 0
    while at < len(stream):
        size = sizes[turn % len(sizes)]
        pieces.append(stream[at : at + size])
        at, turn = at + size, turn + 1
    return pieces


def read(reader: FrameReader, pieces: list[bytes]) -> list[Message]:
    return [(opcode, bytes(payload)) for piece in pieces for opcode, payload in reader.feed(piece)]


def read_as_a_line_does(reader: FrameReader, pieces: list[bytes]) -> list[Message]:
    """Read, and take what is a whole text the short way."""
    messages = []
    for piece in pieces:
        whole = reader.whole(piece)
        messages += [(TEXT, whole)] if whole is not None else read(reader, [piece])
    return messages


@pytest.mark.parametrize(
    "write", [written_by_websockets, written_by_websocket_client], ids=["websockets", "websocket-client"]
)
@given(
    conversation=conversations(),
    sizes=st.one_of(st.just([1 << 20]), st.lists(st.integers(1, 200), min_size=1, max_size=6)),
)
def test_any_split_of_any_stream_gives_the_same_messages(
    write: Callable[[int, bytes, bool], bytes], conversation: tuple[Frames, list[Message]], sizes: list[int]
) -> None:
    frames, messages = conversation
    stream = b"".join(write(*frame) for frame in frames)
    assert read(FrameReader(LIMIT), split(stream, sizes)) == messages
    assert read_as_a_line_does(FrameReader(LIMIT), split(stream, sizes)) == messages
    pieces = [write(*frame) for frame in frames]
    assert read_as_a_line_does(FrameReader(LIMIT), pieces) == messages


@pytest.mark.parametrize(
    "understand", [read_by_websockets, read_by_websocket_client], ids=["websockets", "websocket-client"]
)
@given(
    message=st.one_of(
        st.tuples(st.just(TEXT), PAYLOADS),
        st.tuples(st.sampled_from([PING, PONG]), st.binary(max_size=125)),
        st.tuples(st.just(CLOSE), st.text(max_size=30).map(lambda reason: b"\x03\xe8" + reason.encode())),
    )
)
def test_what_is_written_here_is_read_elsewhere(
    understand: Callable[[bytes], Message], message: Message
) -> None:
    assert understand(FrameWriter().frame(*message)) == message


def test_every_frame_has_a_fresh_mask() -> None:
    writer = FrameWriter()
    masks = {writer.frame(TEXT, b"the same")[2:6] for _ in range(3000)}
    assert len(masks) > 2990


@settings(max_examples=300)
@given(
    data=st.one_of(
        st.lists(st.binary(max_size=40), max_size=6),
        st.lists(st.binary(max_size=40).map(lambda tail: b"\x81\x02{}" + tail), max_size=6),
        st.lists(
            st.sampled_from([b"\x81", b"\x01", b"\x00", b"\x80", b"\x7f", b"\xff", b"\x89\x00", b"\x7e"]),
            max_size=30,
        ),
    )
)
def test_no_bytes_raise_anything_but_a_violation(data: list[bytes]) -> None:
    reader, taken = FrameReader(50), 0
    try:
        for piece in data:
            taken += sum(len(payload) for _, payload in reader.feed(piece))
    except ProtocolViolation as violation:
        code = violation.code
    else:
        code = 0
    assert code in (0, 1002, 1009)
    assert taken <= sum(map(len, data))


BAD: dict[str, tuple[bytes, int]] = {
    "masked": (b"\x81\x82abcd\x1a\x1f", 1002),
    "reserved bit": (b"\xc1\x02{}", 1002),
    "unknown opcode": (b"\x83\x00", 1002),
    "unknown control opcode": (b"\x8b\x00", 1002),
    "long ping": (b"\x89\x7e\x00\x7e", 1002),
    "fragmented ping": (b"\x09\x00", 1002),
    "continuation of nothing": (b"\x80\x00", 1002),
    "message inside a message": (b"\x01\x01{\x81\x01}", 1002),
    "binary inside a message": (b"\x01\x01{\x82\x01}", 1002),
    "endless": (b"\x81\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", 1009),
    "negative": (b"\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff", 1009),
    "one byte too long": (b"\x81\x7e\x03\xe9", 1009),
    "too long in all": (b"\x01\x7e\x03\xe8" + b"x" * 1000 + b"\x80\x01", 1009),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("size", [1, 1000])
def test_what_no_server_may_send_ends_the_stream_as_soon_as_it_is_known(name: str, size: int) -> None:
    stream, code = BAD[name]
    with pytest.raises(ProtocolViolation) as caught:
        read(FrameReader(1000), split(stream, [size]))
    assert caught.value.code == code


def test_messages_before_a_violation_are_handed_over() -> None:
    stream = FrameReader(1000).feed(b"\x81\x02{}\x83\x00")
    assert next(stream) == (TEXT, b"{}")
    with pytest.raises(ProtocolViolation):
        next(stream)


def test_a_message_may_be_as_long_as_the_limit_with_control_frames_between() -> None:
    payload = os.urandom(1000)
    stream = b"".join(
        (
            written_by_websockets(TEXT, payload[:999], False),
            written_by_websockets(PING, b"are you there?", True),
            written_by_websockets(CONTINUATION, payload[999:], True),
        )
    )
    assert read(FrameReader(1000), [stream]) == [(PING, b"are you there?"), (TEXT, payload)]


def test_bytes_left_over_wait_for_the_next_ones() -> None:
    reader = FrameReader(1000)
    assert read(reader, [b"\x81\x02{}\x81"]) == [(TEXT, b"{}")]
    assert read(reader, [b"\x02[]"]) == [(TEXT, b"[]")]


def peak(feed: Callable[[], Any]) -> int:
    """The most memory that something takes beyond what there was."""
    tracemalloc.start()
    try:
        feed()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 255, 256, 1000])
def test_a_text_that_comes_alone_is_taken_whole(length: int) -> None:
    payload = b"x" * length
    frame = written_by_websockets(TEXT, payload, True)
    reader = FrameReader(1000)
    assert reader.whole(frame) == payload
    assert reader.whole(frame + b"\x81") is None
    assert reader.whole(frame[:-1]) is None
    assert reader.whole(written_by_websockets(TEXT, payload, False)) is None
    assert reader.whole(written_by_websockets(BINARY, payload, True)) is None
    assert FrameReader(length - 1).whole(frame) is None


@pytest.mark.parametrize("before", [b"\x81", b"\x01\x02ab", b"\x01\x00"])
def test_a_text_behind_something_unfinished_is_not_taken_whole(before: bytes) -> None:
    reader = FrameReader(1000)
    assert read(reader, [before]) == []
    assert reader.whole(b"\x81\x02cd") is None


def test_a_long_text_is_not_copied_once_it_is_gathered() -> None:
    length = 4 << 20
    payload = b"x" * length
    stream = written_by_websockets(TEXT, payload, True)
    pieces = split(stream, [1 << 16])
    reader = FrameReader(length)

    def feed() -> None:
        for piece in pieces:
            for opcode, gathered in reader.feed(piece):
                assert opcode == TEXT
                assert gathered == payload

    assert peak(feed) < 1.5 * length
    assert read(reader, [b"\x81\x02ab"]) == [(TEXT, b"ab")]


@pytest.mark.parametrize("fragment", [0, 1, 2, 1000])
def test_many_small_fragments_take_no_more_memory_than_one_large_message(fragment: int) -> None:
    limit = 100_000
    reader = FrameReader(limit)
    count = limit // fragment if fragment else 20_000
    one = written_by_websockets(CONTINUATION, b"x" * fragment, False)
    batches = [written_by_websockets(TEXT, b"", False), *([one * 100] * (count // 100))]

    def feed() -> None:
        for batch in batches:
            assert not list(reader.feed(batch))

    assert peak(feed) < 3 * limit
    (message,) = reader.feed(written_by_websockets(CONTINUATION, b"", True))
    assert len(message[1]) == fragment * count


def test_an_announced_length_takes_no_memory() -> None:
    reader = FrameReader(1 << 40)
    assert peak(lambda: list(reader.feed(b"\x81\x7f" + (1 << 39).to_bytes(8, "big")))) < 10_000
