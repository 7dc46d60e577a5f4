"""A WebSocket server with nothing in it but canned answers, so that clients are what a benchmark measures.

It answers `time`, `order.place`, `order.status`, `depth` and `big` (a reply of params.bytes bytes) with the id of the
request, announces limits far above any load, and runs in a process of its own. After `hold` it keeps its answers back
until `release`.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import json
import os
import re
import ssl
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
HUGE = 10**12
WEIGHT = f'{{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":{HUGE},"count":70}}'
ORDERS = (
    f'{{"rateLimitType":"ORDERS","interval":"SECOND","intervalNum":10,"limit":{HUGE},"count":1}},'
    f'{{"rateLimitType":"ORDERS","interval":"DAY","intervalNum":1,"limit":{HUGE},"count":1}},'
)
ORDER = (
    '"symbol":"BTCUSDT","orderId":12510053279,"orderListId":-1,"clientOrderId":"a097fe6304b20a7e4fc436",'
    '"transactTime":1655716096505,"price":"0.10000000","origQty":"10.00000000","executedQty":"0.00000000",'
    '"origQuoteOrderQty":"0.000000","cummulativeQuoteQty":"0.00000000","status":"NEW","timeInForce":"GTC",'
    '"type":"LIMIT","side":"BUY","workingTime":1655716096505,"fills":[],"selfTradePreventionMode":"NONE"'
)
LEVELS = ",".join(f'["{83000 + n}.12000000","0.{n:08}"]' for n in range(95))
DEPTH = f'"lastUpdateId":2731179239,"bids":[{LEVELS}],"asks":[{LEVELS}]'
ID = re.compile(rb'"id"\s*:\s*("[^"]*"|-?\d+|null)')
METHOD = re.compile(rb'"method"\s*:\s*"([^"]+)"')


def answer(text: bytes) -> bytes:
    """Return the answer to one request."""
    found, named = ID.search(text), METHOD.search(text)
    key = found.group(1).decode() if found else "null"
    method = named.group(1).decode() if named else ""
    if method == "order.place":
        return f'{{"id":{key},"status":200,"result":{{{ORDER}}},"rateLimits":[{ORDERS}{WEIGHT}]}}'.encode()
    if method == "depth":
        return f'{{"id":{key},"status":200,"result":{{{DEPTH}}},"rateLimits":[{WEIGHT}]}}'.encode()
    if method == "big":
        size = json.loads(text)["params"]["bytes"]
        rows = ",".join([f'["{n}.00000000","1.{n:08}"]' for n in range(size // 30)])
        return f'{{"id":{key},"status":200,"result":[{rows}],"rateLimits":[{WEIGHT}]}}'.encode()
    now = int(time.time() * 1000)
    return f'{{"id":{key},"status":200,"result":{{"serverTime":{now}}},"rateLimits":[{WEIGHT}]}}'.encode()


class BareConnection(asyncio.Protocol):
    """One client: handshake, then frames in, frames out.

    Owner: the server's loop.
    """

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._buffer = b""
        self._is_open = False
        self._held: list[bytes] | None = None
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._is_open and not self._shake_hands():
            return
        out: list[bytes] = []
        while (frame := self._next_frame()) is not None:
            opcode, payload = frame
            if opcode == 1:
                self._answer(payload, out)
            elif opcode == 9:
                out.append(_framed(0x8A, payload))
            elif opcode == 8:
                self._transport.write(_framed(0x88, payload))
                self._transport.close()
                return
        if out:
            self._send(b"".join(out))

    def _answer(self, request: bytes, out: list[bytes]) -> None:
        framed = _framed(0x81, answer(request))
        if b'"hold"' in request:
            self._held = []
        elif b'"release"' in request and self._held is not None:
            out += self._held
            self._held = None
        elif self._held is not None:
            self._held.append(framed)
            return
        out.append(framed)

    def _send(self, data: bytes) -> None:
        if self._delay:
            asyncio.get_running_loop().call_later(self._delay, self._transport.write, data)
        else:
            self._transport.write(data)

    def _shake_hands(self) -> bool:
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return False
        key = re.search(rb"(?i)sec-websocket-key:\s*(\S+)", head)
        assert key is not None
        accept = base64.b64encode(hashlib.sha1(key.group(1) + GUID).digest())
        self._transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        self._buffer, self._is_open = rest, True
        return True

    def _next_frame(self) -> tuple[int, bytes] | None:
        data = self._buffer
        if len(data) < 6:
            return None
        length, start = data[1] & 0x7F, 2
        if length == 126:
            length, start = struct.unpack("!H", data[2:4])[0], 4
        elif length == 127:
            length, start = struct.unpack("!Q", data[2:10])[0], 10
        end = start + 4 + length
        if len(data) < end:
            return None
        mask, masked = data[start : start + 4], data[start + 4 : end]
        self._buffer = data[end:]
        key = (mask * (length // 4 + 1))[:length]
        plain = int.from_bytes(masked, "big") ^ int.from_bytes(key, "big")
        return data[0] & 0x0F, plain.to_bytes(length, "big")


def _framed(first: int, payload: bytes) -> bytes:
    length = len(payload)
    if length < 126:
        return bytes((first, length)) + payload
    if length < 65536:
        return struct.pack("!BBH", first, 126, length) + payload
    return struct.pack("!BBQ", first, 127, length) + payload


async def _serve(delay: float, certificate: str | None) -> None:
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: BareConnection(delay), "127.0.0.1", 0, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


@contextmanager
def bare_server(*, delay: float = 0.0, certificate: str | None = None) -> Iterator[int]:
    """Serve in a process of its own; yield the port.

    Args:
        delay: Seconds before each answer.
        certificate: PEM file with key and certificate, for TLS.
    """
    command = [sys.executable, str(Path(__file__).resolve()), "--delay", str(delay)]
    if certificate is not None:
        command += ["--certificate", certificate]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            # It ends when this pipe does, and so with its parent, however that ends.
            process.stdin.close()


def main() -> None:
    """Run from the command line: print the port, serve until the input ends."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--certificate", help="PEM file with key and certificate, for TLS")
    options = parser.parse_args()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    asyncio.run(_serve(options.delay, options.certificate))


if __name__ == "__main__":
    main()
