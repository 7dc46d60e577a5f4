"""Stands before an exchange and breaks the rules in what it says: wrong, doubled and late ids, cut frames, garbage.

Requests pass as they are. What it never does is to answer one request under the id of another that is under way: no
client could tell that.
"""

from __future__ import annotations

import asyncio
import json
import random
import struct
import threading
from collections.abc import Callable
from types import TracebackType
from urllib.parse import urlsplit

from crypto_ws_sync.transport.frames import TEXT, FrameReader

__all__ = ["RuleBreaker"]

GARBAGE = (
    b"",
    b"hello",
    b"[]",
    b"[1,2,3]",
    b"null",
    b'{"id":',
    b'{"id":999999999,"status":200,"result":{}}',
    b'{"id":-1,"status":400,"error":{"code":-1000,"msg":"not yours"}}',
    b'{"id":null,"status":400,"error":{"code":-1000,"msg":"nobody\'s"}}',
    b'{"id":[1],"status":200,"result":{}}',
    b'{"id":1.5,"status":200,"result":{}}',
    b'{"id":"1","status":200,"result":{"serverTime":1}}',
    b'{"id":true,"status":200,"result":{}}',
    b'{"event":{"e":"somethingNew"}}',
    b'{"event":"text"}',
    b"[" * 3000 + b"]" * 3000,
    '{"symbol":"币安"}'.encode(),
)
WRONG_IDS = (-7, 10**15, "x7", None, 7.5, [7], {"id": 7})
PING, BINARY = 0x9, 0x2


def _frame(opcode: int, payload: bytes, *, is_final: bool = True) -> bytes:
    head = bytes(((0x80 if is_final else 0) | opcode,))
    if len(payload) < 126:
        return head + bytes((len(payload),)) + payload
    if len(payload) < 65536:
        return head + struct.pack("!BH", 126, len(payload)) + payload
    return head + struct.pack("!BQ", 127, len(payload)) + payload


class RuleBreaker:
    """Listens in a thread of its own, and passes each connection on to an endpoint.

    Owner: its own thread, but for `rate`, which may be set from any.
    """

    def __init__(self, endpoint: str, seed: int, rate: float) -> None:
        """Prepare to listen.

        Args:
            endpoint: Whom it stands before.
            seed: The same one breaks the same rules for the same answers.
            rate: Probability of each kind of breach for one answer.
        """
        parts = urlsplit(endpoint)
        self._target = (parts.hostname, parts.port)
        self._path = parts.path
        self._random = random.Random(seed)
        self.rate = rate
        self.breaches = 0
        self.endpoint = ""
        self._loop = asyncio.new_event_loop()
        self._listens = threading.Event()
        self._over: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="rule breaker", daemon=True)

    def __enter__(self) -> RuleBreaker:
        self._thread.start()
        self._listens.wait(10)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._over is not None
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        self._over = asyncio.Event()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.endpoint = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}{self._path}"
        self._listens.set()
        await self._over.wait()
        server.close()
        rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            upstream, downstream = await asyncio.open_connection(*self._target)
        except OSError:
            writer.close()
            return
        up = asyncio.ensure_future(self._pass_up(reader, downstream))
        try:
            await self._pass_down(upstream, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            up.cancel()
            for each in (writer, downstream):
                each.close()

    @staticmethod
    async def _pass_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def _pass_down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readuntil(b"\r\n\r\n"))
        frames = FrameReader(1 << 26)
        while data := await reader.read(65536):
            for opcode, payload in frames.feed(data):
                if opcode != TEXT:
                    writer.write(_frame(opcode, payload))
                elif not self._say(writer, payload):
                    return
            if writer.is_closing():
                return

    def _say(self, writer: asyncio.StreamWriter, payload: bytes) -> bool:
        """Pass one text on, maybe with a breach; False: the connection is to end."""
        draw = self._random.random
        ways: list[Callable[[asyncio.StreamWriter, bytes], bool]] = [
            self._garbage,
            self._doubled,
            self._late,
            self._wrong_id,
            self._in_pieces,
            self._cut,
            self._beyond_reading,
        ]
        for way in ways:
            # Those that end the connection are rarer, or nothing else would be seen.
            if draw() < (self.rate / 4 if way in (self._cut, self._beyond_reading) else self.rate):
                self.breaches += 1
                return way(writer, payload)
        writer.write(_frame(TEXT, payload))
        return True

    def _garbage(self, writer: asyncio.StreamWriter, payload: bytes) -> bool:
        for _ in range(self._random.randint(1, 3)):
            writer.write(_frame(TEXT, self._random.choice(GARBAGE)))
        writer.write(_frame(TEXT, payload))
        return True

    def _doubled(self, writer: asyncio.StreamWriter, payload: bytes) -> bool:
        for _ in range(self._random.randint(2, 3)):
            writer.write(_frame(TEXT, payload))
        return True

    def _late(self, writer: asyncio.StreamWriter, payload: bytes) -> bool:
        """Let others go first; now and then for longer than callers wait."""
        seconds = self._random.choice((0.05, 0.5, 3.0, 8.0))

        def pass_on() -> None:
            if not writer.is_closing():
                writer.write(_frame(TEXT, payload))

        self._loop.call_later(seconds, pass_on)
        return True

    def _wrong_id(self, writer: asyncio.StreamWriter, payload: bytes) -> bool:
        said = json.loads(payload)
        if isinstance(said, dict) and "id" in said:
            said["id"] = self._random.choice(WRONG_IDS)
        writer.write(_frame(TEXT, json.dumps(said).encode("utf-8")))
        return True

    def _in_pieces(self, writer: asyncio.StreamWriter, payload: bytes) -> bool:
        at = self._random.randrange(len(payload) + 1)
        writer.write(_frame(TEXT, payload[:at], is_final=False))
        writer.write(_frame(PING, b"between") + _frame(0, b"", is_final=False))
        writer.write(_frame(0, payload[at:]))
        return True

    def _cut(self, writer: asyncio.StreamWriter, payload: bytes) -> bool:
        whole = _frame(TEXT, payload)
        writer.write(whole[: self._random.randrange(len(whole))])
        return False

    def _beyond_reading(self, writer: asyncio.StreamWriter, payload: bytes) -> bool:
        """Say what a client must refuse to read on: bad UTF-8, a binary message, an unknown opcode, a masked frame."""
        writer.write(
            self._random.choice(
                (
                    _frame(TEXT, b"\xff\xfe"),
                    _frame(BINARY, payload),
                    _frame(0x5, payload[:10]),
                    b"\x81\x85\x00\x00\x00\x00hello",
                    b"\x81\x7f" + struct.pack("!Q", 1 << 62),
                )
            )
        )
        return True
