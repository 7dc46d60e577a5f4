"""A WebSocket server with nothing in it but canned answers, so that clients are what a benchmark measures.

It answers `time`, `order.place`, `order.status`, `depth`, `klines` and `big` (a reply of params.bytes bytes) with the
id of the request, announces limits far above any load, and runs in a process of its own. After `hold` it keeps its
answers back until `release`, those to `park` until `unpark`; `events` has it send params.count user data events.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import functools
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
REPORT = (
    '"e":"executionReport","E":1499405658658,"s":"ETHBTC","c":"mUvoqJxFIILMdfAW5iGSOW","S":"BUY","o":"LIMIT","f":"GTC",'
    '"q":"1.00000000","p":"0.10264410","P":"0.00000000","F":"0.00000000","g":-1,"C":"","x":"NEW","X":"NEW","r":"NONE",'
    '"i":4293153,"l":"0.00000000","z":"0.00000000","L":"0.00000000","n":"0","N":null,"T":1499405658657,"t":-1,'
    '"I":8641984,"w":true,"m":false,"O":1499405658657,"Z":"0.00000000","Y":"0.00000000","Q":"0.00000000",'
    '"W":1499405658657,"V":"NONE"'
)
EVENT = f'{{"subscriptionId":0,"event":{{{REPORT}}}}}'.encode()
MINUTE = 60_000
KLINE = '"0.1","0.2","0.1","0.2","10"'
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
    if method == "klines":
        return _klines(key, json.loads(text)["params"])
    if method.startswith("userDataStream.subscribe"):
        return f'{{"id":{key},"status":200,"result":{{"subscriptionId":0}},"rateLimits":[{WEIGHT}]}}'.encode()
    if method == "big":
        rows = _big(json.loads(text)["params"]["bytes"])
        return b"".join((b'{"id":', key.encode(), b',"status":200,"result":[', rows, b"]}"))
    now = int(time.time() * 1000)
    return f'{{"id":{key},"status":200,"result":{{"serverTime":{now}}},"rateLimits":[{WEIGHT}]}}'.encode()


@functools.cache
def _big(size: int) -> bytes:
    return ",".join([f'["{n}.00000000","1.{n:08}"]' for n in range(size // 30)]).encode()


def _klines(key: str, params: dict[str, Any]) -> bytes:
    """Return a page of minutes, as many as there are from `startTime` on, up to `endTime`."""
    first = -(-int(params.get("startTime", 0)) // MINUTE) * MINUTE
    last = min(int(params.get("endTime", 2**62)), first + (int(params.get("limit", 500)) - 1) * MINUTE)
    rows = ",".join(
        f'[{at},{KLINE},{at + MINUTE - 1},"1",1,"1","1","0"]' for at in range(first, last + 1, MINUTE)
    )
    return f'{{"id":{key},"status":200,"result":[{rows}],"rateLimits":[{WEIGHT}]}}'.encode()


class BareConnection(asyncio.Protocol):
    """One client: handshake, then frames in, frames out.

    Owner: the server's loop.
    """

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._buffer = b""
        self._is_open = False
        self._held: list[bytes] | None = None
        self._parked: list[bytes] = []
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._is_open and not self._shake_hands():
            return
        out: list[bytes] = []
        for opcode, payload in self._frames():
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
        if b'"park"' in request:
            self._parked.append(framed)
            return
        if b'"unpark"' in request:
            out += self._parked
            self._parked.clear()
        if b'"hold"' in request:
            self._held = []
        elif b'"release"' in request and self._held is not None:
            out += self._held
            self._held = None
        elif self._held is not None:
            self._held.append(framed)
            return
        out.append(framed)
        if b'"method":"events"' in request.replace(b" ", b""):
            out.append(_framed(0x81, EVENT) * json.loads(request)["params"]["count"])

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

    def _frames(self) -> list[tuple[int, bytes]]:
        """Take the frames out that have come whole."""
        data, found, position = self._buffer, [], 0
        while len(data) - position >= 6:
            length, start = data[position + 1] & 0x7F, position + 2
            if length == 126:
                length, start = int.from_bytes(data[start : start + 2], "big"), start + 2
            elif length == 127:
                length, start = int.from_bytes(data[start : start + 8], "big"), start + 8
            end = start + 4 + length
            if len(data) < end:
                break
            key = (data[start : start + 4] * (length // 4 + 1))[:length]
            plain = int.from_bytes(data[start + 4 : end], "big") ^ int.from_bytes(key, "big")
            found.append((data[position] & 0x0F, plain.to_bytes(length, "big")))
            position = end
        self._buffer = data[position:]
        return found


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
