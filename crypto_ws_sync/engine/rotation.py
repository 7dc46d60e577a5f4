"""Which connection serves: one at a time, the next opened before the last is left wherever that can be."""

from __future__ import annotations

import asyncio
import logging
import math
import random
import time
from collections.abc import Callable

from crypto_ws_sync.engine.admission import Admission
from crypto_ws_sync.engine.connecting import Connector
from crypto_ws_sync.engine.connection import Connection
from crypto_ws_sync.engine.context import Context
from crypto_ws_sync.errors import ApiError, ConnectionFailed
from crypto_ws_sync.protocol.lifecycle import Lifecycle, State
from crypto_ws_sync.transport.port import LineLost

__all__ = ["Rotation"]

log = logging.getLogger("crypto_ws_sync.engine")

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 30.0
UNUSED_FOR = 60.0
"""Seconds after which a connection that has served nobody was not opened in vain."""
_ENDED = (State.STOPPING, State.STOPPED)


class Rotation:
    """The connection that serves, the ones that finish, and the one that is being had.

    Owner: loop thread.
    """

    def __init__(
        self,
        context: Context,
        admission: Admission,
        connector: Connector,
        lifecycle: Lifecycle,
        *,
        is_held: Callable[[Connection], bool],
        on_change: Callable[[], None],
        on_installed: Callable[[], None],
    ) -> None:
        """Begin without a connection.

        Args:
            context: What the engine's parts share.
            admission: Gets the connection that serves.
            connector: Makes connections.
            lifecycle: Follows what there is.
            is_held: Tells whether one that has finished is needed still.
            on_change: Called when the connection has come or gone.
            on_installed: Called after another connection has begun to serve.
        """
        self.draining: list[Connection] = []
        self._context = context
        self._admission = admission
        self._connector = connector
        self._lifecycle = lifecycle
        self._is_held = is_held
        self._on_change = on_change
        self._on_installed = on_installed
        self._needed = asyncio.Event()
        self._suspect: tuple[Connection, float] | None = None
        self._suspected_at = -math.inf
        self._keepalive: asyncio.TimerHandle | None = None
        self._last: Connection | None = None
        self._unused = 0

    def connections(self) -> list[Connection]:
        """Return those that finish, and the one that serves."""
        current = self._admission.connection
        return [*self.draining, current] if current is not None else list(self.draining)

    def forsake(self) -> None:
        """In a forked child: let go of every socket, those that are about to serve included."""
        unready = self._connector.unready
        for connection in (*self.connections(), *([unready] if unready is not None else [])):
            connection.line.forsake()

    async def start(self, timeout: float) -> None:
        """Have the first connection.

        Raises:
            ConnectionFailed: It could not be had within `timeout` seconds.
            ApiError: The exchange refused the log-on.
        """
        self.install(await self._connector.connect(is_start=True, deadline=time.monotonic() + timeout))

    async def supervise(self) -> None:
        """Have a connection whenever one is needed, until the session is stopped."""
        while self._lifecycle.state not in _ENDED:
            await self._needed.wait()
            pause = self._pause()
            if pause:
                log.info("connections end unused: the next in %.1f s", pause, extra={"event": "flapping"})
                await self._context.time.pause(pause)
            try:
                connection = await self._connector.connect(is_start=False, deadline=None)
            except (ConnectionFailed, ApiError) as error:
                log.error("cannot reconnect: %s", error, extra={"event": "connect_failed"})
                await self._context.time.pause(1.0)
                continue
            except Exception:
                # Without this task there would never be a connection again.
                log.exception("a connection could not be made", extra={"event": "engine_failed"})
                await self._context.time.pause(1.0)
                continue
            self.install(connection)

    def _pause(self) -> float:
        """Return the seconds to let pass first: more and more while connections end that have served nobody."""
        last, self._last = self._last, None
        if last is None or last.has_served or time.monotonic() - last.opened_at > UNUSED_FOR:
            self._unused = 0
            return 0.0
        self._unused += 1
        if self._unused == 1:
            return 0.0
        return random.uniform(0.5, 1.0) * min(FIRST_PAUSE * 2.0 ** (self._unused - 2), LONGEST_PAUSE)

    def install(self, connection: Connection) -> None:
        """Let a connection serve; the one before finishes what it has in flight."""
        if self._lifecycle.state in _ENDED:
            # Until Python 3.12 a wait that ends in the moment of its cancelling swallows the cancelling.
            connection.line.abort("the session was stopped")
            return
        self._needed.clear()
        self._last = connection
        if not connection.line.is_open:
            self._needed.set()
            return
        old = self._admission.connection
        suspect, self._suspect = self._suspect, None
        if old is not None and suspect is not None and suspect[0] is old and not old.is_retiring:
            if old.line.last_heard > suspect[1]:
                log.info("the silent line speaks again", extra={"event": "spoke_again"})
                self._last = old
                connection.line.close(1000, "not needed", 1.0)
                return
            self._context.counters.reconnects["silent"] += 1
            self._admission.connection = connection
            old.line.abort("silent while a second connection was opened")
        elif old is not None:
            self.draining.append(old)
        self._admission.connection = connection
        if connection.is_retiring:
            # Its end was announced before it had begun to serve.
            self._needed.set()
        if self._lifecycle.state is not State.READY:
            self._lifecycle.move(State.READY)
        log.info("connected to %s", self._context.target.url.split("?")[0], extra={"event": "connected"})
        self.arm_keepalive()
        self._on_change()
        self._on_installed()

    def retire(self, connection: Connection, cause: str) -> None:
        """Have another connection, and leave this one when that serves."""
        if connection in self.draining or connection.is_retiring:
            return
        connection.is_retiring = True
        self._context.counters.reconnects[cause] += 1
        log.info("replacing the connection: %s", cause, extra={"event": "retired"})
        self._needed.set()

    def suspect(self, connection: Connection) -> None:
        """A line is silent with requests unanswered: have another connection beside it, and then see."""
        now = time.monotonic()
        if connection is not self._admission.connection or self._suspect is not None:
            return
        if connection.is_retiring or now - self._suspected_at < self._context.dialect.policy.suspicions_apart:
            return
        self._suspected_at = now
        self._suspect = connection, now
        log.info("the line is silent: opening another beside it", extra={"event": "silent"})
        self._needed.set()

    def left(self, connection: Connection, lost: LineLost) -> None:
        """A connection has ended."""
        if connection in self.draining:
            self.draining.remove(connection)
            return
        if connection is not self._admission.connection:
            return
        if not connection.is_retiring and self._lifecycle.state is State.READY:
            self._context.counters.reconnects[str(lost.code)] += 1
        if self._lifecycle.state is not State.STOPPING:
            # An end that was asked for is no loss: it has a record of its own.
            log.info("the connection ended (%s): %s", lost.code, lost.reason, extra={"event": "lost"})
        self._admission.connection = None
        if self._lifecycle.state is State.READY:
            self._lifecycle.move(State.RECONNECTING)
            self._needed.set()
            # As long as the old one served there was no hurry.
            self._connector.hurry()
        self._on_change()

    def close_drained(self) -> None:
        """Close those that have finished."""
        for connection in list(self.draining):
            if not len(connection.pending) and not self._is_held(connection):
                connection.line.close(1000, "replaced", 1.0)

    def arm_keepalive(self) -> None:
        """Plan the next look at the line that serves."""
        connection = self._admission.connection
        if self._keepalive is not None:
            self._keepalive.cancel()
        if connection is not None:
            now = time.monotonic()
            due = connection.next_check(now)
            if not connection.is_retiring:
                due = min(due, connection.opened_at + connection.maximum_age)
            wait = max(0.0, due - now)
            self._keepalive = asyncio.get_running_loop().call_later(wait, self._look)

    def stop(self) -> None:
        """Look no more."""
        if self._keepalive is not None:
            self._keepalive.cancel()

    def _look(self) -> None:
        connection, now = self._admission.connection, time.monotonic()
        if connection is None:
            return
        if now - connection.opened_at >= connection.maximum_age:
            self.retire(connection, "age")
        connection.check(now, None)
        self.arm_keepalive()
