"""A server that owns its bytes: handshakes, frames and closes made by hand on plain sockets (RFC 6455).

Every connection has a thread of its own, which runs the script of that connection and closes it at the end.
"""

from __future__ import annotations

import base64
import hashlib
import json
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

__all__ = [
    "BINARY",
    "CLOSE",
    "CONTINUATION",
    "LIMIT",
    "PING",
    "PONG",
    "TEXT",
    "BytesServer",
    "Gone",
    "Script",
    "Wire",
    "frame",
]

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
LIMIT = 30.0
"""Seconds after which a test that waits for the other side has failed."""

_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Gone(Exception):
    """The client has ended the connection, or the test is over."""


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    final: bool = True,
    reserved: int = 0,
    mask: bytes | None = None,
    length: int | None = None,
) -> bytes:
    """Return one frame; `length` is what its head says, whatever follows."""
    said = len(payload) if length is None else length
    masked = 0x80 if mask is not None else 0
    head = bytes(((0x80 if final else 0) | reserved << 4 | opcode,))
    if said < 126:
        head += bytes((masked | said,))
    elif said < 65536:
        head += struct.pack("!BH", masked | 126, said)
    else:
        head += struct.pack("!BQ", masked | 127, said)
    if mask is not None:
        payload = bytes(byte ^ mask[position % 4] for position, byte in enumerate(payload))
        head += mask
    return head + payload


class Wire:
    """The server's end of one connection.

    Reading belongs to the connection's thread; anybody may send.
    """

    def __init__(self, sock: socket.socket, number: int, over: threading.Event) -> None:
        self.number = number
        self.sock = sock
        self.over = over
        self.head = ""
        self.close_code: int | None = None
        self.closed = threading.Event()
        self.pongs: list[bytes] = []
        self.pings = 0
        self._buffer = bytearray()
        self._lock = threading.Lock()

    # -- bytes --------------------------------------------------------------------------------------------

    def has_more(self, wait: float) -> bool:
        """Tell whether something to read comes within `wait` seconds."""
        if self._buffer or (isinstance(self.sock, ssl.SSLSocket) and self.sock.pending()):
            return True
        try:
            return bool(select.select([self.sock], [], [], wait)[0])
        except (OSError, ValueError):
            raise Gone from None

    def read(self, count: int) -> bytes:
        """Return exactly so many bytes."""
        while len(self._buffer) < count:
            self._buffer += self._receive()
        found = bytes(self._buffer[:count])
        del self._buffer[:count]
        return found

    def read_until(self, mark: bytes) -> bytes:
        """Return the bytes up to a mark, mark included."""
        while mark not in self._buffer:
            self._buffer += self._receive()
        return self.read(self._buffer.index(mark) + len(mark))

    def _receive(self) -> bytes:
        while True:
            try:
                select.select([self.sock], [], [], 0.0 if self._is_pending() else LIMIT)
                with self._lock:
                    data = self.sock.recv(65536)
            except (BlockingIOError, ssl.SSLWantReadError):
                continue
            except (OSError, ValueError):
                raise Gone from None
            if not data:
                raise Gone
            return data

    def _is_pending(self) -> bool:
        return isinstance(self.sock, ssl.SSLSocket) and self.sock.pending() > 0

    def send_bytes(self, data: bytes) -> None:
        """Send bytes as they are."""
        rest = memoryview(data)
        with self._lock:
            while rest:
                try:
                    rest = rest[self.sock.send(rest) :]
                except (BlockingIOError, ssl.SSLWantWriteError):
                    self._wait_writable()
                except (OSError, ValueError):
                    raise Gone from None

    def _wait_writable(self) -> None:
        try:
            select.select([], [self.sock], [], LIMIT)
        except (OSError, ValueError):
            raise Gone from None

    def park(self) -> None:
        """Do nothing, read nothing, until the test is over."""
        self.over.wait(60)

    def finish(self) -> None:
        """Close with a FIN."""
        self.cut()
        self.sock.close()

    def cut(self) -> None:
        """Wake whoever reads or writes here, with an end of the connection."""
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def reset(self) -> None:
        """Close with an RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    # -- the handshake ------------------------------------------------------------------------------------

    def read_handshake(self) -> str:
        """Return the head of the client's request."""
        self.head = self.read_until(b"\r\n\r\n").decode("latin-1")
        return self.head

    def header(self, name: str) -> str:
        """Return a header of the client's request."""
        for line in self.head.split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.strip().lower() == name.lower():
                return value.strip()
        raise KeyError(name)

    def acceptance(self) -> bytes:
        """Return the answer that accepts the client's request."""
        key = self.header("Sec-WebSocket-Key").encode("ascii")
        accept = base64.b64encode(hashlib.sha1(key + _MAGIC).digest()).decode("ascii")
        return (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n\r\n"
        ).encode("ascii")

    def accept(self) -> None:
        """Shake hands."""
        self.read_handshake()
        self.send_bytes(self.acceptance())

    # -- frames -------------------------------------------------------------------------------------------

    def send_text(self, said: Any) -> None:
        """Send a text frame: a str as it is, anything else as JSON."""
        text = said if isinstance(said, str) else json.dumps(said)
        self.send_bytes(frame(TEXT, text.encode("utf-8")))

    def send_close(self, code: int, reason: str = "") -> None:
        """Send a close frame, wait for the client's, and end."""
        self.send_bytes(frame(CLOSE, struct.pack("!H", code) + reason.encode("utf-8")))
        try:
            while self.read_frame()[0] != CLOSE:
                pass
        except Gone:
            pass
        self.finish()

    def read_frame(self) -> tuple[int, bytes]:
        """Return opcode and payload of the next frame; keep what pongs and closes say."""
        first, second = self.read(2)
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack("!H", self.read(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self.read(8))
        assert second & 0x80, "a client must mask its frames"
        mask = self.read(4)
        payload = self.read(length)
        key = (mask * (length // 4 + 1))[:length]
        payload = bytes(a ^ b for a, b in zip(payload, key, strict=True))
        opcode = first & 0x0F
        if opcode == PONG:
            self.pongs.append(payload)
        elif opcode == PING:
            self.pings += 1
        elif opcode == CLOSE:
            self.close_code = int.from_bytes(payload[:2], "big") if payload else 1005
            self.closed.set()
        return opcode, payload

    def read_text(self) -> str:
        """Return the next text message; pings on the way are answered, a close ends it."""
        while True:
            opcode, payload = self.read_frame()
            if opcode == TEXT:
                return payload.decode("utf-8")
            if opcode == PING:
                self.send_bytes(frame(PONG, payload))
            elif opcode == CLOSE:
                raise Gone


Script = Callable[[Wire], None]


class BytesServer:
    """Listens on a free loopback port; connection n runs script n, all further ones the last."""

    def __init__(self, *scripts: Script, tls: ssl.SSLContext | None = None) -> None:
        self.scripts = list(scripts)
        self.wires: list[Wire] = []
        self.failures: list[BaseException] = []
        self._tls = tls
        self._over = threading.Event()
        self._came = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept, name="bytes server", daemon=True)
        self._acceptor.start()

    @property
    def url(self) -> str:
        """Where clients connect to."""
        return f"{'wss' if self._tls else 'ws'}://127.0.0.1:{self.port}/ws-api/v3"

    def __enter__(self) -> BytesServer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        if error is None and self.failures:
            raise self.failures[0]

    def stop(self) -> None:
        """End every connection and thread."""
        self._over.set()
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._acceptor.join(LIMIT)
        self._listener.close()
        for wire in self.wires:
            wire.cut()
        for thread in self._threads:
            thread.join(LIMIT)
        for wire in self.wires:
            wire.sock.close()

    def wait_for_connections(self, count: int, limit: float = LIMIT) -> Wire:
        """Return connection number `count`, once it has come."""
        deadline = time.monotonic() + limit
        with self._came:
            while len(self.wires) < count:
                left = deadline - time.monotonic()
                assert left > 0, f"{len(self.wires)} connections came, not {count}"
                self._came.wait(left)
            return self.wires[count - 1]

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                # Some systems tell here of a client that hung up before it was taken in: the next may be there.
                if self._over.wait(0.01):
                    return
                continue
            if self._over.is_set():
                sock.close()
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            wire = Wire(sock, len(self.wires) + 1, self._over)
            thread = threading.Thread(
                target=self._serve, args=(wire,), name=f"bytes server {wire.number}", daemon=True
            )
            self._threads.append(thread)
            with self._came:
                self.wires.append(wire)
                self._came.notify_all()
            thread.start()

    def _serve(self, wire: Wire) -> None:
        try:
            if self._tls is not None:
                wire.sock.settimeout(LIMIT)
                wire.sock = self._tls.wrap_socket(wire.sock, server_side=True)
            wire.sock.settimeout(0)
            self.scripts[min(wire.number, len(self.scripts)) - 1](wire)
        except (Gone, OSError):
            pass
        except BaseException as error:
            self.failures.append(error)
        finally:
            wire.finish()
