"""Getting a connection that serves requests: open, ask the time, log on; again with backoff where that makes sense."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from crypto_ws_sync.engine.connection import Connection, ConnectionKeeper
from crypto_ws_sync.engine.context import Context
from crypto_ws_sync.engine.ledgers import Hold
from crypto_ws_sync.errors import ConnectionFailed
from crypto_ws_sync.protocol.limits import Contended, Full
from crypto_ws_sync.protocol.method import Charge
from crypto_ws_sync.transport.port import OpenFailed, OpenFailure

if TYPE_CHECKING:
    from tenacity import RetryCallState

__all__ = ["Connector", "Unreachable", "take_room"]

log = logging.getLogger("crypto_ws_sync.engine")

OPEN_TIMEOUT = 10.0
"""Seconds that one attempt may take, from the first packet to the first answers."""
SHORTEST_TIMEOUT = 0.05
FIRST_WAIT = 0.2
LONGEST_WAIT = 30.0
LEAST_PATIENCE = 1.0
CONTENDED_PAUSE = 0.01
"""Seconds after which room that requests in flight take up is looked for again."""
REFUSED_WAIT = 10.0
"""Seconds between tries where the exchange refuses us with a 4xx."""


class Unreachable(Exception):
    """No connection this time.

    Attributes:
        is_passing: Trying again soon may help.
        wait: Seconds to wait at least before that.
        status: HTTP status of a refused handshake.
        retry_at: Local epoch seconds from which it is allowed again.
    """

    def __init__(
        self,
        message: str,
        *,
        is_passing: bool,
        wait: float = 0.0,
        status: int | None = None,
        retry_at: float | None = None,
    ) -> None:
        super().__init__(message)
        self.is_passing = is_passing
        self.wait = wait
        self.status = status
        self.retry_at = retry_at


async def take_room(context: Context, charge: Charge, deadline: float = math.inf) -> Hold:
    """Reserve what the session itself needs; waits while only requests in flight stand in the way.

    Args:
        context: What the engine's parts share.
        charge: What it needs.
        deadline: Monotonic seconds until which to wait.

    Raises:
        Unreachable: A full window or a ban stands in the way, or requests in flight still do at the deadline.
    """
    gate = context.ledger
    gate.claims += 1
    try:
        while True:
            now = context.server_now()
            verdict = gate.reserve(charge, now)
            if isinstance(verdict, Full) and not math.isfinite(verdict.until):
                # Until the exchange tells of other limits, which an answer on another connection may.
                words = f"the limits will never leave room: {verdict.reason}"
                raise Unreachable(words, is_passing=False, wait=REFUSED_WAIT)
            if isinstance(verdict, Full):
                wait = max(0.0, verdict.until - now)
                raise Unreachable(
                    f"the limits leave no room for {wait:.1f} s: {verdict.reason}",
                    is_passing=True,
                    wait=wait,
                    retry_at=context.local_wall(verdict.until),
                )
            if not isinstance(verdict, Contended):
                return verdict
            if time.monotonic() >= deadline:
                raise Unreachable("requests in flight left no room", is_passing=True)
            await asyncio.sleep(CONTENDED_PAUSE)
    finally:
        gate.claims -= 1
        gate.leave_lines()


class Connector:
    """Makes connections, and tries again where trying may help.

    Owner: loop thread.
    """

    def __init__(
        self,
        context: Context,
        keeper: ConnectionKeeper,
        make_ready: Callable[[Connection], Awaitable[None]],
    ) -> None:
        self._context = context
        self._keeper = keeper
        self._make_ready = make_ready
        self._last: Unreachable | None = None
        self.unready: Connection | None = None
        """The connection that is being made ready."""
        self._held_for = 0.0
        self._hurry = asyncio.Event()

    def hurry(self) -> None:
        """Try again now rather than after the pause that spreads the load: nothing serves any more."""
        self._hurry.set()

    async def connect(self, *, is_start: bool, deadline: float | None) -> Connection:
        """Return a connection that serves requests.

        Args:
            is_start: Failures that trying again cannot mend are raised at once.
            deadline: Monotonic seconds at which to give up; None: never.

        Raises:
            ConnectionFailed: It could not be had; says why and what to do.
            ApiError: The exchange refused the log-on for good.
        """
        self._hurry.clear()
        began = time.monotonic()
        try:
            try:
                return await self._attempt(deadline)
            except Unreachable as error:
                if not self._may_help(error, is_start, deadline):
                    raise
                first = error
            return await self._connect_again(first, began, is_start, deadline)
        except Unreachable as error:
            raise ConnectionFailed(str(error), status=error.status, retry_at=error.retry_at) from None
        except asyncio.TimeoutError:
            last = self._last
            raise ConnectionFailed(
                f"no connection in time: {last}",
                status=last.status if last is not None else None,
                retry_at=last.retry_at if last is not None else None,
            ) from None

    def _may_help(self, error: BaseException, is_start: bool, deadline: float | None) -> bool:
        """Tell whether trying again may help."""
        if not isinstance(error, Unreachable):
            return False
        is_too_long = deadline is not None and time.monotonic() + error.wait + SHORTEST_TIMEOUT >= deadline
        if is_too_long and not self._context.time.is_manual:
            return False
        return error.is_passing or not is_start

    async def _connect_again(
        self, first: Unreachable, began: float, is_start: bool, deadline: float | None
    ) -> Connection:
        """Return a connection after a first try, begun at monotonic `began`, has failed.

        Raises:
            Unreachable: It could not be had.
            asyncio.TimeoutError: The deadline came during a pause.
        """
        # Loaded by `start` while the first try is under way.
        from tenacity import AsyncRetrying, retry_if_exception, wait_random_exponential

        backoff = wait_random_exponential(multiplier=FIRST_WAIT, max=LONGEST_WAIT)
        failures = [first]

        async def attempt() -> Connection:
            if failures:
                raise failures.pop()
            return await self._attempt(deadline)

        def pause(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome is not None else None
            # No pause is longer than the outage has lasted, so that its end is noticed in as long again at most.
            lasted = max(LEAST_PATIENCE, time.monotonic() - began)
            wait = max(FIRST_WAIT / 4, min(backoff(state), lasted))
            self._last = error if isinstance(error, Unreachable) else None
            self._held_for = self._last.wait if self._last is not None else 0.0
            log.info(
                "no connection (%s); trying again in %.1f s",
                error,
                wait + self._held_for,
                extra={"event": "connect_retry"},
            )
            return wait

        async def sleep(wait: float) -> None:
            # What the exchange demands goes by the session's clock, the rest is to spread the load.
            held_for = self._context.time.sleep(self._held_for)
            if deadline is None:
                await held_for
            else:
                await asyncio.wait_for(held_for, max(0.0, deadline - time.monotonic()))
                wait = min(wait, max(0.0, deadline - time.monotonic()))
            await self._context.time.pause(wait, self._hurry)
            self._hurry.clear()

        may_help = retry_if_exception(lambda error: self._may_help(error, is_start, deadline))
        return await AsyncRetrying(retry=may_help, wait=pause, sleep=sleep, reraise=True)(attempt)

    async def _attempt(self, deadline: float | None) -> Connection:
        context = self._context
        ledger, now = context.ledger, context.server_now()
        banned = ledger.banned_until(now)
        if banned is not None:
            raise Unreachable(
                f"the exchange has banned this address for another {banned - now:.0f} s: wait for that, "
                "and send fewer requests",
                is_passing=True,
                wait=banned - now,
                retry_at=context.local_wall(banned),
            )
        until = time.monotonic() + OPEN_TIMEOUT
        if deadline is not None:
            until = max(time.monotonic() + SHORTEST_TIMEOUT, min(until, deadline))
        charge = Charge(context.dialect.connect_weight, connections=1)
        ledger.forfeit(await take_room(context, charge, until), context.server_now())
        try:
            line = await context.transport.open(context.target, until - time.monotonic())
        except OpenFailed as error:
            raise self._translated(error) from None
        connection = self.unready = Connection(line, context.dialect, self._keeper, time.monotonic())
        try:
            await asyncio.wait_for(self._make_ready(connection), until - time.monotonic())
        except asyncio.TimeoutError:
            line.abort("not ready in time")
            raise Unreachable(
                "connected, but the exchange did not answer the first requests in time", is_passing=True
            ) from None
        except BaseException:
            line.abort("not made ready")
            raise
        finally:
            self.unready = None
        return connection

    def _translated(self, error: OpenFailed) -> Unreachable:
        context, status, words = self._context, error.status, str(error)
        if status in (418, 429):
            seconds = min(_seconds(error.headers.get("retry-after")), context.dialect.policy.longest_ban)
            until = context.server_now() + seconds
            context.ledger.ban(until, f"the exchange refused the connection with HTTP {status}")
            return Unreachable(
                f"{words}: too many connections or requests; allowed again in {seconds:.0f} s",
                is_passing=True,
                wait=seconds,
                status=status,
                retry_at=context.local_wall(until),
            )
        if status is not None and status < 500:
            is_blocked = status == 403
            hint = (
                "its firewall blocks this address; wait some minutes"
                if is_blocked
                else "is the endpoint right?"
            )
            return Unreachable(f"{words}: {hint}", is_passing=False, wait=REFUSED_WAIT, status=status)
        if status is not None:
            words += ": it is not serving now; try again later"
        if error.kind is OpenFailure.CERTIFICATE:
            words += "; give ssl_context if the endpoint has a certificate of an authority of its own"
            return Unreachable(words, is_passing=False, wait=REFUSED_WAIT)
        return Unreachable(words, is_passing=error.kind is not OpenFailure.CONFIG, status=status)


def _seconds(retry_after: str | None) -> float:
    """Return what a Retry-After header says, in seconds; a minute where it says nothing usable."""
    try:
        seconds = float(retry_after or "")
    except ValueError:
        return 60.0
    return seconds if math.isfinite(seconds) and seconds >= 0 else 60.0
