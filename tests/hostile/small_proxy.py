"""A small real proxy: HTTP CONNECT and SOCKS5, with or without a password; it can go deaf and drop what passes."""

from __future__ import annotations

import base64
import select
import socket
import struct
import threading

from bytes_server import BytesServer, Gone, Wire

__all__ = ["SmallProxy"]


class SmallProxy:
    """Relays to whatever it is asked for, on loopback."""

    def __init__(
        self, kind: str, user: str = "", password: str = "", answer: bytes = b"", leads_to: int | None = None
    ) -> None:
        """Relay to what is asked for, or to a port on loopback whatever is asked for; `answer` refuses instead."""
        self.server = BytesServer(self._serve_http if kind == "http" else self._serve_socks)
        self.asked: list[tuple[str, int]] = []
        self.relaying: set[Wire] = set()
        self.is_deaf = threading.Event()
        self._kind = kind
        self._user = user
        self._password = password
        self._answer = answer
        self._leads_to = leads_to

    def url(self, user: str = "", password: str = "") -> str:
        """Return its address, with credentials where given."""
        who = f"{user}:{password}@" if user else ""
        return f"{self._kind}://{who}127.0.0.1:{self.server.port}"

    def _serve_http(self, wire: Wire) -> None:
        head = wire.read_handshake()
        verb, target, _ = head.split("\r\n", 1)[0].split(" ")
        assert verb == "CONNECT"
        host, _, port = target.rpartition(":")
        self.asked.append((host, int(port)))
        if self._answer:
            wire.send_bytes(self._answer)
            return
        if self._user:
            expected = base64.b64encode(f"{self._user}:{self._password}".encode()).decode()
            try:
                is_right = wire.header("Proxy-Authorization") == f"Basic {expected}"
            except KeyError:
                is_right = False
            if not is_right:
                wire.send_bytes(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                return
        with self._onward(host, int(port)) as onward:
            wire.send_bytes(b"HTTP/1.1 200 Connection established\r\n\r\n")
            self._relay(wire, onward)

    def _serve_socks(self, wire: Wire) -> None:
        version, count = wire.read(2)
        assert version == 5
        methods = wire.read(count)
        if self._user:
            if 2 not in methods:
                wire.send_bytes(b"\x05\xff")
                return
            wire.send_bytes(b"\x05\x02")
            _, length = wire.read(2)
            user = wire.read(length).decode()
            password = wire.read(wire.read(1)[0]).decode()
            is_right = (user, password) == (self._user, self._password)
            wire.send_bytes(b"\x01\x00" if is_right else b"\x01\x01")
            if not is_right:
                return
        else:
            wire.send_bytes(b"\x05\x00")
        _, command, _, kind = wire.read(4)
        assert command == 1
        host = {
            1: lambda: socket.inet_ntoa(wire.read(4)),
            3: lambda: wire.read(wire.read(1)[0]).decode(),
            4: lambda: socket.inet_ntop(socket.AF_INET6, wire.read(16)),
        }[kind]()
        (port,) = struct.unpack("!H", wire.read(2))
        self.asked.append((host, port))
        if self._answer:
            wire.send_bytes(self._answer)
            return
        with self._onward(host, port) as onward:
            wire.send_bytes(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
            self._relay(wire, onward)

    def _onward(self, host: str, port: int) -> socket.socket:
        where = (host, port) if self._leads_to is None else ("127.0.0.1", self._leads_to)
        return socket.create_connection(where, 5)

    def _relay(self, wire: Wire, onward: socket.socket) -> None:
        """Pass bytes both ways until either side ends, or until told to go deaf."""
        self.relaying.add(wire)
        while not wire.over.is_set():
            ready = select.select([wire.sock, onward], [], [], 0.05)[0]
            if self.is_deaf.is_set():
                # A middle box that has lost the connection: nothing gets through, and nobody is told.
                self.relaying.discard(wire)
                wire.park()
                return
            if wire.sock in ready:
                data = wire.sock.recv(65536)
                if not data:
                    raise Gone
                onward.sendall(data)
            if onward in ready:
                data = onward.recv(65536)
                if not data:
                    raise Gone
                wire.send_bytes(data)
