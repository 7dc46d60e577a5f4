"""Making a fresh connection ready for requests: ask the time, log on."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from crypto_ws_sync.engine.admission import Admission
from crypto_ws_sync.engine.clock_sync import take_sample
from crypto_ws_sync.engine.connecting import Unreachable, take_room
from crypto_ws_sync.engine.connection import Connection
from crypto_ws_sync.engine.context import Context
from crypto_ws_sync.engine.ledgers import Hold
from crypto_ws_sync.engine.requests import RAISE, Entry
from crypto_ws_sync.engine.throttling import hold_back
from crypto_ws_sync.errors import ApiError, RateLimited, TimestampError
from crypto_ws_sync.protocol.dialect import Outcome, Reply
from crypto_ws_sync.protocol.method import Charge, Request

__all__ = ["Readiness"]

log = logging.getLogger("crypto_ws_sync.engine")


class Readiness:
    """What happens on a connection before it serves anybody.

    Owner: loop thread.
    """

    def __init__(self, context: Context, admission: Admission) -> None:
        self._context = context
        self._admission = admission
        self.is_starting = False

    async def make_ready(self, connection: Connection) -> None:
        """Ask the time, then log on where the key allows it.

        Raises:
            Unreachable: The exchange did not answer as it must, this time.
            ApiError: It refused the log-on, at start.
        """
        context = self._context
        # The samples of an older connection may be of a clock that has been set since.
        context.clock.forget()
        await take_sample(context, lambda request: self.ask_on(connection, request))
        try:
            await self._log_on(connection)
        except ApiError as error:
            if isinstance(error, RateLimited | TimestampError) or error.status >= 500:
                raise Unreachable(f"the log-on was not answered: {error}", is_passing=True) from None
            if self.is_starting:
                raise
            self._degrade(error)

    async def ask_on(self, connection: Connection, request: Request) -> Any:
        """Ask something over one connection, before it serves anybody; return the result.

        Raises:
            Unreachable: The limits, the exchange or the line would not have it.
        """
        reply = await self.reply_on(connection, request)
        if reply.outcome is not Outcome.OK:
            wait = 0.0
            if reply.outcome is Outcome.THROTTLED and reply.retry_at is not None:
                wait = max(0.0, reply.retry_at - self._context.server_now())
            raise Unreachable(f"the exchange answered {reply.error}", is_passing=True, wait=wait)
        return reply.result

    async def reply_on(self, connection: Connection, request: Request) -> Reply:
        """Ask something over one connection; return the answer, whatever it says.

        Raises:
            Unreachable: The limits or the line would not have it.
        """
        hold = await take_room(self._context, request.charge)
        self._require_open(connection, hold)
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        entry = Entry(request, answer, float("inf"), RAISE, is_internal=True)
        entry.is_bound = True
        self._admission.send(entry, connection, hold, self._context.time.monotonic())
        connection.line.flush()
        return await answer

    async def _log_on(self, connection: Connection) -> None:
        context = self._context
        handshake = context.dialect.handshake()
        if handshake is None:
            return
        hold = await take_room(context, Charge(handshake.charge_weight))
        self._require_open(connection, hold)
        text = handshake.begin(context.clock.timestamp(context.time.monotonic()))
        if text is None:
            context.ledger.release(hold)
            return
        connection.handshake = handshake
        connection.ready = asyncio.get_running_loop().create_future()
        connection.line.send_text(text)
        connection.line.flush()
        try:
            await connection.ready
        finally:
            connection.handshake = None
            connection.ready = None
            answer = handshake.answer
            if answer is None:
                context.ledger.forfeit(hold, context.server_now())
            else:
                context.ledger.settle(hold, answer.readings, context.server_now())
                if answer.outcome is Outcome.THROTTLED:
                    hold_back(context, answer.retry_at, orders_only=answer.is_orders_only)
        connection.is_logged_on = True
        context.auth_failure = None

    def _require_open(self, connection: Connection, hold: Hold) -> None:
        """The line may have ended while room was waited for."""
        if not connection.line.is_open:
            self._context.ledger.release(hold)
            raise Unreachable("the connection ended before it was ready", is_passing=True)

    def _degrade(self, error: ApiError) -> None:
        """Serve without the key: signed requests fail at once, others go on."""
        log.warning("the exchange refuses the log-on: %s", error, extra={"event": "degraded"})
        kind, words, status, code, msg = type(error), str(error), error.status, error.code, error.msg
        self._context.auth_failure = lambda: kind(words, status=status, code=code, msg=msg)

    def on_handshake_text(self, connection: Connection, text: str) -> None:
        """Feed the log-on."""
        handshake, ready, context = connection.handshake, connection.ready, self._context
        if handshake is None or ready is None or ready.done():
            return
        try:
            more = handshake.feed(text, context.clock.timestamp(context.time.monotonic()))
        except ApiError as error:
            ready.set_exception(error)
            return
        if more is not None:
            connection.line.send_text(more)
            connection.line.flush()
        elif handshake.is_done:
            ready.set_result(None)
