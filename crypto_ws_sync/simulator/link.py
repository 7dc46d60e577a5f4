"""One WebSocket of the simulated exchange: frames in, frames out, and what can go wrong between."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any

from .clock import Timer, Timers
from .faults import Fault, Faults

if TYPE_CHECKING:
    from websockets.asyncio.server import ServerConnection

    from .binance.connection import Connection
    from .binance.venue import Venue

__all__ = ["Link"]

PING_US = 20 * 1_000_000
PONG_US = 60 * 1_000_000
LIFETIME_US = 86400 * 1_000_000
_FIN, _TEXT, _CONTINUATION = 0x80, 0x1, 0x0
_GRACE_SECONDS = 0.5
"""Real seconds that a pong may still take after a manual clock has jumped over its deadline."""

Broadcast = Callable[[Any, Any], None]


class Link:
    """One open WebSocket, between the socket library and the exchange's rules.

    Owner: the exchange's loop thread.
    """

    def __init__(
        self,
        socket: ServerConnection,
        venue: Venue,
        faults: Faults,
        timers: Timers,
        broadcast: Broadcast,
        latency: float,
        since_us: int,
    ) -> None:
        from websockets.protocol import State

        self._socket = socket
        self._sockets = (socket,)
        self._venue = venue
        self._faults = faults
        self._timers = timers
        self._broadcast = broadcast
        self._half_latency = latency / 2
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._held: list[str] = []
        self._release: asyncio.TimerHandle | None = None
        self._outgoing: list[bytes] = []
        self._open_state = State.OPEN
        self._is_stalled = False
        self._connection: Connection | None = None
        self._ping_timer = timers.call_at_us(since_us + PING_US, self._send_ping)
        self._pong_timer: Timer | None = None
        self._life_ends_us = since_us + LIFETIME_US
        self._life_timer = timers.call_at_us(self._life_ends_us, self._end_life)

    # -- from the socket ---------------------------------------------------------------------------------

    def open(self, connection: Connection) -> None:
        """Begin: from now on `connection` speaks for this socket."""
        self._connection = connection

    def receive(self, text: str | bytes) -> None:
        """Take one frame from the client."""
        if self._is_stalled or self._connection is None:
            return
        if self._half_latency:
            self._loop.call_later(self._half_latency, self._serve, text)
        else:
            self._serve(text)

    def gone(self) -> None:
        """Forget the socket: it has closed."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._venue.disconnect(connection)
        for timer in (self._ping_timer, self._pong_timer, self._life_timer):
            if timer is not None:
                timer.cancel()
        if self._release is not None:
            self._release.cancel()
        for task in self._tasks:
            task.cancel()

    def _serve(self, text: str | bytes) -> None:
        connection = self._connection
        if connection is None:
            return
        if self._faults.planned:
            self._serve_with_faults(connection, text)
            return
        reply = self._venue.handle(connection, text)
        if reply is not None:
            self.send(reply)
        self._venue.flush_events()

    # -- to the socket -----------------------------------------------------------------------------------

    def send(self, text: str) -> None:
        """Send one text frame, half a latency from now."""
        if self._half_latency:
            self._loop.call_later(self._half_latency, self._send_now, text)
        else:
            self._send_now(text)

    def send_raw(self, message: str | bytes) -> None:
        """Send one frame of any content, at once."""
        if not self._is_stalled:
            self._flush()
            self._broadcast(self._sockets, message)

    def ping(self, payload: bytes) -> None:
        """Send one ping frame."""
        if not self._is_stalled:
            self._start(lambda: self._ping_once(payload))

    def close(self, code: int, reason: str) -> None:
        """Close properly, with a close frame."""
        # Whoever is being told goodbye owes no more pongs, and is not to be cut off before it has read the frame.
        if self._pong_timer is not None:
            self._pong_timer.cancel()
            self._pong_timer = None
        self._flush()
        self._start(lambda: self._socket.close(code, reason))

    def abort(self) -> None:
        """Break off with no close frame, behind what was sent before."""
        self._flush()
        self._socket.transport.abort()

    def stall(self) -> None:
        """Stop reading and writing; the socket stays open."""
        self._flush()
        self._is_stalled = True
        self._ping_timer.cancel()
        with contextlib.suppress(RuntimeError):  # the socket may be closing
            self._socket.transport.pause_reading()

    def _send_now(self, text: str) -> None:
        if self._is_stalled:
            return
        self._write(text_frame(text))

    def _write(self, frame: bytes) -> None:
        # Frames that come up in one turn of the loop go out in one write: waking the other side for each of
        # them costs more than the exchange's own work.
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing.append(frame)

    def _flush(self) -> None:
        outgoing = self._outgoing
        if outgoing:
            self._outgoing = []
            if self._socket.protocol.state is self._open_state and not self._is_stalled:
                self._socket.transport.write(b"".join(outgoing))

    def _start(self, work: Callable[[], Awaitable[object]]) -> None:
        task = self._loop.create_task(self._guard(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @staticmethod
    async def _guard(work: Callable[[], Awaitable[object]]) -> None:
        from websockets.exceptions import ConnectionClosed

        with contextlib.suppress(ConnectionClosed):
            await work()

    # -- staying alive -----------------------------------------------------------------------------------

    def _is_past_its_life(self) -> bool:
        """Tell whether the clock has leaped to the end: then the goodbye counts, and not what was due on the way."""
        return self._venue.now_us() >= self._life_ends_us

    def _send_ping(self) -> None:
        if self._is_past_its_life():
            return
        payload = str(self._venue.now_us() // 1000).encode("ascii")
        if self._pong_timer is None:
            self._pong_timer = self._timers.call_after_us(PONG_US, self._miss_pong)
        self._start(lambda: self._ping_and_wait(payload))
        self._ping_timer = self._timers.call_after_us(PING_US, self._send_ping)

    async def _ping_once(self, payload: bytes) -> None:
        self._flush()
        await self._socket.ping(payload)

    async def _ping_and_wait(self, payload: bytes) -> None:
        answered = await self._socket.ping(payload)
        await answered
        if self._pong_timer is not None and not self._is_stalled:
            self._pong_timer.cancel()
            self._pong_timer = None

    def _miss_pong(self) -> None:
        missed = self._pong_timer
        if self._is_past_its_life():
            return

        def judge() -> None:
            if missed is not None and self._pong_timer is missed:
                self.abort()

        self._loop.call_later(_GRACE_SECONDS, judge)

    def _end_life(self) -> None:
        self.close(1001, "connections live for 24 hours")

    # -- faults ------------------------------------------------------------------------------------------

    def _serve_with_faults(self, connection: Connection, text: str | bytes) -> None:
        struck = self._faults.strike(self._venue.method_of(text))
        effects = [(fault, fault.effect) for fault in struck]
        for fault, effect in effects:
            if effect.kind == "delay" and not effect.executed:
                pending = self._venue.receive(connection, text)
                rest = [each for each in struck if each is not fault]
                self._loop.call_later(_lateness(fault), self._execute_late, connection, pending, rest)
                return
        for _, effect in effects:
            if effect.executed:
                continue
            if effect.kind == "drop":
                self._venue.note_fault(connection, text, "dropped before execution")
                self._drop(effect.code)
                return
            if effect.kind == "stall":
                self._venue.note_fault(connection, text, "stalled before execution")
                self.stall()
                return
            if effect.kind == "swallow":
                self._venue.note_fault(connection, text, "swallowed before execution")
                return
            if effect.kind == "unavailable":
                self._venue.note_fault(connection, text, f"{effect.status} before execution")
                self._deliver(self._venue.unavailable(connection, text, effect), struck)
                return
        self._finish(self._venue.handle(connection, text), connection, text, struck)

    def _execute_late(self, connection: Connection, pending: Any, rest: list[Fault]) -> None:
        pending.is_late = True
        if self._connection is None:
            # The line broke meanwhile; the exchange has the request all the same.
            self._venue.execute(connection, pending)
            self._venue.flush_events()
            return
        self._finish(self._venue.execute(connection, pending), connection, pending.text, rest)

    def _finish(
        self, reply: str | None, connection: Connection, text: str | bytes, struck: list[Fault]
    ) -> None:
        try:
            for fault in struck:
                effect = fault.effect
                if not effect.executed:
                    continue
                if effect.kind == "drop":
                    self._drop(effect.code)
                    return
                if effect.kind == "stall":
                    self.stall()
                    return
                if effect.kind == "swallow":
                    return
                if effect.kind == "unavailable":
                    reply = self._venue.unavailable(connection, text, effect)
            if reply is not None:
                self._deliver(reply, struck)
        finally:
            self._venue.flush_events()

    def _deliver(self, reply: str, struck: list[Fault]) -> None:
        late = sum(_lateness(fault) for fault in struck if fault.effect.kind == "delay")
        way: Callable[[str], None] = self.send
        for fault in struck:
            if fault.effect.kind == "split":
                size = fault.effect.size

                def way(text: str, size: int = size) -> None:
                    self._send_split(text, size)
            elif fault.effect.kind == "shuffle":
                holder = fault

                def way(text: str, holder: Fault = holder) -> None:
                    self._hold(text, holder)

        if late:
            self._loop.call_later(late, way, reply)
        else:
            way(reply)

    def _drop(self, code: int | None) -> None:
        if code is None:
            self.abort()
        else:
            self.close(code, "")

    def _hold(self, reply: str, fault: Fault) -> None:
        self._held.append(reply)
        if len(self._held) >= fault.effect.hold:
            self._let_go(fault)
        elif self._release is None:
            self._release = self._loop.call_later(fault.effect.seconds, self._let_go, fault)

    def _let_go(self, fault: Fault) -> None:
        if self._release is not None:
            self._release.cancel()
            self._release = None
        held, self._held = self._held, []
        fault.random.shuffle(held)
        for reply in held:
            self.send(reply)

    def _send_split(self, text: str, size: int) -> None:
        if not self._is_stalled:
            self._write(b"".join(_fragments(text.encode("utf-8"), size)))


def text_frame(text: str) -> bytes:
    """A whole text message as a server frames it (RFC 6455, section 5.2): unmasked, in one piece."""
    return _frame(_FIN | _TEXT, text.encode("utf-8"))


def _frame(head: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes((head, size)) + payload
    if size < 1 << 16:
        return bytes((head, 126, size >> 8, size & 255)) + payload
    return bytes((head, 127)) + size.to_bytes(8, "big") + payload


def _fragments(payload: bytes, size: int) -> Iterator[bytes]:
    """A text message in pieces, which may end inside of a character (RFC 6455, section 5.4)."""
    for start in range(0, len(payload), size):
        opcode = _CONTINUATION if start else _TEXT
        is_last = start + size >= len(payload)
        yield _frame((_FIN if is_last else 0) | opcode, payload[start : start + size])


def _lateness(fault: Fault) -> float:
    effect = fault.effect
    return effect.seconds + (fault.random.random() * effect.spread if effect.spread else 0.0)
