"""A line on its loop: what counts as a sign of life, and what a mistake behind one message does to the next."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import pytest

from crypto_ws_sync.transport.frames import CLOSE, PING, PONG, TEXT
from crypto_ws_sync.transport.port import LineLost
from crypto_ws_sync.transport.websocket_client import SIGN_OF_LIFE, WebSocketLine

LIMIT = 30.0


class Listener:
    """Keeps what a line tells, and raises at the texts it is told to raise at."""

    awaits_more = False

    def __init__(self, *, raises_at: str = "") -> None:
        self.texts: list[str] = []
        self.lost: list[LineLost] = []
        self.turns = 0
        self.came = asyncio.Event()
        self._raises_at = raises_at

    def on_text(self, text: str) -> None:
        if text == self._raises_at:
            raise LookupError("a mistake")
        self.texts.append(text)

    def on_read(self) -> None:
        self.turns += 1
        self.came.set()

    def on_lost(self, lost: LineLost) -> None:
        self.lost.append(lost)
        self.came.set()


Script = Callable[
    [WebSocketLine, Listener, Callable[[bytes], Coroutine[Any, Any, None]]], Coroutine[Any, Any, None]
]


def on_a_line(script: Script, *, raises_at: str = "") -> bytes:
    """Run a script with a line, its listener, and a way to say bytes on the other side; return what was said there."""

    async def run() -> bytes:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            listener = Listener(raises_at=raises_at)
            line = WebSocketLine(ours, asyncio.get_running_loop(), 1 << 20)

            async def say(data: bytes) -> None:
                listener.came.clear()
                theirs.sendall(data)
                await asyncio.wait_for(listener.came.wait(), LIMIT)

            line.attach(listener)
            await script(line, listener, say)
            line.abort("the test is over")
            theirs.settimeout(LIMIT)
            said = b""
            while more := theirs.recv(65536):
                said += more
            return said

    return asyncio.run(run())


def unmasked(data: bytes) -> list[tuple[int, bytes]]:
    """Return the messages of a client's short frames."""
    found = []
    while data:
        size = data[1] & 0x7F
        mask, payload = data[2:6], data[6 : 6 + size]
        found.append((data[0] & 0x0F, bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))))
        data = data[6 + size :]
    return found


def test_a_byte_now_and_then_is_no_sign_of_life() -> None:
    """Otherwise who sends one every few seconds would never be found out, and answers nobody."""

    async def script(line: WebSocketLine, listener: Listener, say: Any) -> None:
        line.last_heard = 0.0
        head = b"\x81\x7f" + (SIGN_OF_LIFE * 3).to_bytes(8, "big")
        for byte in head + b"x" * 40:
            await say(bytes((byte,)))
        assert line.last_heard == 0.0
        # A long message on its way is one, however slow it is as a whole.
        await say(b"x" * SIGN_OF_LIFE)
        assert line.last_heard > 0.0
        line.last_heard = 0.0
        await say(b"x" * (SIGN_OF_LIFE - 1))
        assert line.last_heard == 0.0
        await say(b"x" * (SIGN_OF_LIFE - 39))
        assert line.last_heard > 0.0
        assert len(listener.texts) == 1

    on_a_line(script)


@pytest.mark.parametrize("message", [b"\x81\x00", b"\x8a\x00", b"\x89\x00"], ids=["text", "pong", "ping"])
def test_every_whole_message_is_a_sign_of_life(message: bytes) -> None:
    async def script(line: WebSocketLine, listener: Listener, say: Any) -> None:
        line.last_heard = 0.0
        await say(message)
        assert line.last_heard > 0.0

    on_a_line(script)


def test_a_mistake_behind_one_message_keeps_no_other_back(caplog: pytest.LogCaptureFixture) -> None:
    async def script(line: WebSocketLine, listener: Listener, say: Any) -> None:
        await say(b"\x81\x03bad\x81\x04good\x89\x02hi\x81\x03bad\x81\x04more")
        assert listener.texts == ["good", "more"]
        assert line.is_open
        assert not listener.lost

    said = on_a_line(script, raises_at="bad")
    assert unmasked(said) == [(PONG, b"hi")]
    told = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [record.event for record in told] == ["engine_failed"] * 2  # type: ignore[attr-defined]


def test_a_broken_stream_is_answered_once_and_ended() -> None:
    async def script(line: WebSocketLine, listener: Listener, say: Any) -> None:
        await say(b"\x81\x02{}\x83\x00\x81\x02[]")
        assert listener.texts == ["{}"]
        assert [lost.code for lost in listener.lost] == [1002]

    assert unmasked(on_a_line(script)) == [(CLOSE, (1002).to_bytes(2, "big"))]


@pytest.mark.parametrize(
    ("reason", "told"), [("bye", "bye"), ("", "closed by the server"), ("a\nERROR b", "'a\\nERROR b'")]
)
def test_a_close_tells_its_reason_in_one_line(reason: str, told: str) -> None:
    """What the other side says goes into the log."""

    async def script(line: WebSocketLine, listener: Listener, say: Any) -> None:
        payload = (1008).to_bytes(2, "big") + reason.encode()
        await say(bytes((0x88, len(payload))) + payload)
        assert listener.lost == [LineLost(1008, told)]

    on_a_line(script)


def test_what_a_line_writes_is_sent_in_order() -> None:
    async def script(line: WebSocketLine, listener: Listener, say: Any) -> None:
        line.send_text("text")
        line.ping()
        await say(b"\x8a\x00")

    assert unmasked(on_a_line(script)) == [(TEXT, b"text"), (PING, b"")]


def test_goodbye_is_said_once_and_an_ended_line_does_nothing_more() -> None:
    async def script(line: WebSocketLine, listener: Listener, say: Any) -> None:
        line.close(1000, "the session was stopped", LIMIT)
        line.close(1001, "once more", LIMIT)
        line.abort("the end")
        assert listener.lost == [LineLost(1006, "the end")]
        line.close(1000, "too late", LIMIT)
        line.ping()
        line.abort("again")
        line.forsake()
        assert len(listener.lost) == 1

    assert unmasked(on_a_line(script)) == [(CLOSE, (1000).to_bytes(2, "big"))]


def test_a_line_that_ends_before_its_first_turn_reads_nothing() -> None:
    async def script(line: WebSocketLine, listener: Listener, say: Any) -> None:
        line.abort("at once")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert listener.turns == 0

    assert on_a_line(script) == b""


def test_a_kernel_that_takes_nothing_gets_it_later() -> None:
    async def run() -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            theirs.setblocking(False)
            filled = 0
            with suppress(BlockingIOError):
                while True:
                    filled += ours.send(bytes(65536))
            loop = asyncio.get_running_loop()
            line = WebSocketLine(ours, loop, 1 << 20)
            line.attach(Listener())
            end = line.send_text("text")
            line.flush()
            assert line.handed_over() == 0
            line.flush()
            read = b""
            while len(read) < filled + end:
                read += await asyncio.wait_for(loop.sock_recv(theirs, 1 << 20), LIMIT)
            assert unmasked(read[filled:]) == [(TEXT, b"text")]
            assert line.handed_over() == end
            line.abort("the test is over")

    asyncio.run(run())
