"""WebSocket frames (RFC 6455): bytes -> messages, and text -> masked bytes; no socket in sight.

Lengths are checked before memory is taken, fragments are gathered in one buffer, and what a server must never send
(masked frames, reserved bits, unknown opcodes, long or fragmented control frames) ends the stream.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from struct import pack

from crypto_ws_sync.transport.port import ProtocolViolation

__all__ = ["BINARY", "CLOSE", "PING", "PONG", "TEXT", "FrameReader", "FrameWriter"]

CONTINUATION = 0x0
TEXT = 0x1
BINARY = 0x2
CLOSE = 0x8
PING = 0x9
PONG = 0xA

_FINAL_TEXT = 0x80 | TEXT
_MASKS_DRAWN = 1024
_LONG = 65536
"""Bytes of a text from which on it is not copied."""


class FrameReader:
    """Bytes as they come -> whole messages and control frames.

    Owner: transport thread.
    """

    __slots__ = ("_buffer", "_gathered", "_limit", "_opcode", "_wanted")

    def __init__(self, max_message: int) -> None:
        self._limit = max_message
        self._buffer = bytearray()
        self._wanted = 0
        self._gathered = bytearray()
        self._opcode = CONTINUATION

    def whole(self, data: bytes) -> bytes | None:
        """Return the payload where `data` is one text frame and nothing else; None where `feed` has to look.

        Nearly every answer comes like this.
        """
        size = len(data)
        if size < 2 or data[0] != _FINAL_TEXT or self._buffer or self._opcode:
            return None
        start, length = 2, data[1]
        if length == 126 and size >= 4:
            start, length = 4, data[2] << 8 | data[3]
        elif length >= 126:
            return None
        if start + length != size or length > self._limit:
            return None
        return data[start:]

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes | memoryview]]:
        """Yield what `data` completes: (opcode, payload), fragments joined.

        A long text that came in pieces is yielded where it was gathered: a copy would take as much memory again.

        Raises:
            ProtocolViolation: The stream cannot be read on.
        """
        buffer = self._buffer
        view: bytes | bytearray = data
        if buffer:
            buffer += data
            if len(buffer) < self._wanted:
                return
            view = buffer
        position, end = 0, len(view)
        try:
            while end - position >= 2:
                first, length = view[position], view[position + 1]
                start = position + 2
                if first != _FINAL_TEXT or length >= 126:
                    if first != _FINAL_TEXT or length > 127:
                        self._check_head(first, length)
                    if length == 126:
                        start = position + 4
                    elif length == 127:
                        start = position + 10
                    if start > end:
                        self._wanted = start - position
                        break
                    if length >= 126:
                        length = int.from_bytes(view[position + 2 : start], "big")
                if length + len(self._gathered) > self._limit and not first & CLOSE:
                    raise ProtocolViolation(1009, f"a message of over {self._limit} bytes was announced")
                stop = start + length
                if stop > end:
                    self._wanted = stop - position
                    break
                if first == _FINAL_TEXT:
                    if self._opcode:
                        raise ProtocolViolation(1002, "a new message began inside a fragmented one")
                    if stop == end and length >= _LONG and view is buffer:
                        self._buffer = buffer = bytearray()
                        position = end
                        yield TEXT, memoryview(view)[start:]
                        return
                    payload = bytes(view[start:stop])
                    position = stop
                    yield TEXT, payload
                else:
                    payload = bytes(view[start:stop])
                    position = stop
                    message = self._take(first & 0x80 != 0, first & 0x0F, payload)
                    if message is not None:
                        yield message
            else:
                self._wanted = 2
        finally:
            if view is buffer:
                del buffer[:position]
            elif position < end:
                buffer += view[position:]

    def _check_head(self, first: int, length: int) -> None:
        if length & 0x80:
            raise ProtocolViolation(1002, "the server masked a frame")
        if first & 0x70:
            raise ProtocolViolation(1002, "reserved bits are set")
        opcode = first & 0x0F
        if opcode in (CLOSE, PING, PONG):
            if not first & 0x80 or length > 125:
                raise ProtocolViolation(1002, "a control frame is fragmented or too long")
        elif opcode not in (CONTINUATION, TEXT, BINARY):
            raise ProtocolViolation(1002, f"unknown opcode {opcode}")

    def _take(self, is_final: bool, opcode: int, payload: bytes) -> tuple[int, bytes] | None:
        if opcode >= CLOSE:
            return opcode, payload
        if opcode == CONTINUATION:
            if not self._opcode:
                raise ProtocolViolation(1002, "a continuation came with nothing to continue")
        elif self._opcode:
            raise ProtocolViolation(1002, "a new message began inside a fragmented one")
        else:
            if is_final:
                return opcode, payload
            self._opcode = opcode
        # Small fragments kept as objects of their own would take many times what they bring.
        self._gathered += payload
        if not is_final:
            return None
        message = self._opcode, bytes(self._gathered)
        self._gathered, self._opcode = bytearray(), CONTINUATION
        return message


class FrameWriter:
    """Payload -> a client's frame, masked with fresh random keys.

    Owner: transport thread.
    """

    __slots__ = ("_masks", "_used")

    def __init__(self) -> None:
        self._masks = b""
        self._used = 0

    def frame(self, opcode: int, payload: bytes) -> bytes:
        """Return one final frame."""
        length = len(payload)
        if self._used >= len(self._masks):
            self._masks = os.urandom(4 * _MASKS_DRAWN)
            self._used = 0
        mask = self._masks[self._used : self._used + 4]
        self._used += 4
        if length < 126:
            head = bytes((0x80 | opcode, 0x80 | length))
        elif length < 65536:
            head = pack("!BBH", 0x80 | opcode, 0xFE, length)
        else:
            head = pack("!BBQ", 0x80 | opcode, 0xFF, length)
        key = (mask * (length // 4 + 1))[:length]
        masked = int.from_bytes(payload, "little") ^ int.from_bytes(key, "little")
        return head + mask + masked.to_bytes(length, "little")
