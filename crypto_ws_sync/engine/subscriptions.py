"""The account's events for every stream of a session, by one subscription on the exchange.

The subscription belongs to a connection, so it is made anew on each. While a connection is replaced on purpose, the
old one goes on delivering until the new one has taken over; where it was lost, streams are told of the gap.
"""

from __future__ import annotations

import asyncio
import copy
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from crypto_ws_sync.engine.clock_sync import take_sample
from crypto_ws_sync.engine.connecting import Unreachable
from crypto_ws_sync.engine.connection import Connection
from crypto_ws_sync.engine.context import Context
from crypto_ws_sync.engine.feeds import MANUAL_STEP, Feed, Feeds
from crypto_ws_sync.errors import ApiError, ConnectionLost, CryptoWSError, RequestTimeout, SessionClosed
from crypto_ws_sync.protocol.dialect import Event, Outcome, Reply
from crypto_ws_sync.protocol.method import Request
from crypto_ws_sync.transport.port import LineLost

if TYPE_CHECKING:
    from crypto_ws_sync.model.stream import StreamGap

__all__ = ["EventSink", "Subscriptions"]

log = logging.getLogger("crypto_ws_sync.engine")

ANSWER_WITHIN = 3.0
"""Seconds after which an unanswered subscription is asked for again."""
UNSUBSCRIBE_WITHIN = 1.0
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 10.0


class EventSink(Protocol):
    """Where one stream's events go; never waits."""

    def opened(self, at: float) -> None:
        """Learn when (epoch seconds) the first event can come."""

    def put(self, body: Mapping[str, Any], at: float) -> None:
        """Take an event that came at `at` (epoch seconds)."""

    def gap(self, gap: StreamGap) -> None:
        """Take a gap."""

    def end(self, error: BaseException | None = None) -> None:
        """Learn that nothing more comes."""


class Subscriptions:
    """Keeps one subscription while there are streams, and hands its events to each.

    Owner: loop thread.
    """

    def __init__(
        self,
        context: Context,
        current: Callable[[], Connection | None],
        ask: Callable[[Connection, Request], Awaitable[Reply]],
    ) -> None:
        """Begin without streams.

        Args:
            context: What the engine's parts share.
            current: Gives the connection that serves requests.
            ask: Asks something over one connection; raises Unreachable.
        """
        self._context = context
        self._current = current
        self._ask = ask
        self._feeds = Feeds(context, self)
        self._streams: list[EventSink] = []
        self._opening: dict[EventSink, asyncio.Future[None]] = {}
        self._refusal: ApiError | None = None
        self._pause = FIRST_PAUSE
        self._changed = asyncio.Event()
        self._idle = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None
        self._is_stopped = False

    # -- streams ------------------------------------------------------------------------------------------------

    async def open(self, stream: EventSink, timeout: float) -> None:
        """Return once the stream hears everything from now on.

        Raises:
            ApiError: The exchange refused.
            ConnectionLost, RequestTimeout: Not within `timeout` seconds.
            SessionClosed: The session was stopped.
        """
        if self._is_stopped:
            raise SessionClosed("the session was stopped")
        if self._feeds.active is not None:
            self._add(stream)
            return
        self._opening[stream] = waiter = asyncio.get_running_loop().create_future()
        if self._worker is None:
            self._worker = asyncio.get_running_loop().create_task(self._work())
            self._worker.add_done_callback(_tell_failure)
        self._changed.set()
        try:
            await asyncio.wait_for(waiter, timeout)
        except asyncio.TimeoutError:
            self._remove(stream)
            raise self._too_late() from None
        except BaseException:
            self._remove(stream)
            raise

    async def close(self, stream: EventSink) -> None:
        """Let a stream hear nothing more; with the last one the subscription ends, for which this waits a little."""
        self._remove(stream)
        if self._worker is None or self._streams or self._opening or self._is_stopped:
            return
        self._idle.clear()
        self._changed.set()
        try:
            await asyncio.wait_for(self._idle.wait(), UNSUBSCRIBE_WITHIN)
        except asyncio.TimeoutError:
            log.debug("no answer to unsubscribing within %.0f s", UNSUBSCRIBE_WITHIN)

    def stop(self) -> None:
        """End every stream."""
        self._is_stopped = True
        if self._worker is not None:
            self._worker.cancel()
        self._feeds.clear()
        self._idle.set()
        opening, self._opening = self._opening, {}
        for waiter in opening.values():
            if not waiter.done():
                waiter.set_exception(SessionClosed("the session was stopped"))
        streams, self._streams = self._streams, []
        for stream in streams:
            stream.end()

    def _add(self, stream: EventSink) -> None:
        stream.opened(self._wall())
        self._streams.append(stream)

    def _remove(self, stream: EventSink) -> None:
        waiter = self._opening.pop(stream, None)
        if waiter is not None:
            waiter.cancel()
        if stream in self._streams:
            self._streams.remove(stream)
        self._changed.set()

    def _too_late(self) -> Exception:
        if self._refusal is not None:
            return self._refusal
        if self._current() is None:
            return ConnectionLost("the stream was not opened: there was no connection within its time")
        return RequestTimeout("the stream was not opened: the subscription was not confirmed in time")

    # -- what connections bring ---------------------------------------------------------------------------------

    def on_connected(self) -> None:
        """Another connection serves requests."""
        self._pause = FIRST_PAUSE
        self._changed.set()

    def on_event(self, connection: Connection, event: Event) -> None:
        """Hand an event on, or hold it back, or drop it as a double."""
        self._feeds.on_event(connection, event)

    def on_lost(self, connection: Connection, lost: LineLost) -> None:
        """A connection has ended: what it had to tell may be missing."""
        self._feeds.on_lost(connection, lost)

    def holds(self, connection: Connection) -> bool:
        """Tell whether a connection that is to be closed is still needed for its events."""
        return self._feeds.holds(connection)

    def _wall(self) -> float:
        return self._context.time.wall()

    # -- what the feeds bring -----------------------------------------------------------------------------------

    def hand_on(self, event: Event) -> None:
        """Give an event to every stream."""
        at, body = self._wall(), event.body
        for position, stream in enumerate(self._streams):
            # Each reader may do what it likes with its event.
            stream.put(body if position == 0 else copy.deepcopy(body), at)

    def tell_gap(self, since: float) -> None:
        """Tell every stream that events may be missing since then (epoch seconds)."""
        if not self._streams:
            return
        # Whoever made a stream has loaded it.
        from crypto_ws_sync.model.stream import StreamGap

        until = max(since, self._wall())
        log.warning("events may be missing for %.3f s", until - since, extra={"event": "stream_gap"})
        for stream in self._streams:
            stream.gap(StreamGap(since, until))

    def on_switched(self) -> None:
        """A new subscription delivers from here on: let in who has waited for one."""
        log.info("subscribed to user data", extra={"event": "subscribed"})
        opening, self._opening = self._opening, {}
        for stream, waiter in opening.items():
            self._add(stream)
            if not waiter.done():
                waiter.set_result(None)
        self._changed.set()

    def on_feed_ended(self) -> None:
        """A subscription has ended: another may be needed."""
        self._changed.set()

    # -- the subscription ---------------------------------------------------------------------------------------

    async def _work(self) -> None:
        """Bring the subscription to where it should be, whenever something has changed."""
        while not self._is_stopped:
            self._changed.clear()
            wait: float | None = None
            connection = self._current()
            if not self._streams and not self._opening:
                await self._unsubscribe()
            elif connection is not None and self._is_due(connection):
                wait = await self._subscribe(connection)
            if self._feeds.active is None or self._streams or self._opening:
                self._idle.set()
            try:
                await asyncio.wait_for(self._changed.wait(), wait)
            except asyncio.TimeoutError:
                continue

    def _is_due(self, connection: Connection) -> bool:
        """Tell whether to subscribe on a connection now."""
        feeds = self._feeds
        if feeds.next is not None:
            # One is about to take over; another handover begins when that is done.
            return False
        return feeds.active is None or not feeds.active.is_of(connection)

    async def _subscribe(self, connection: Connection) -> float | None:
        """Subscribe; return after how many seconds to try again, None if it is dealt with."""
        dialect = self._context.dialect
        feed = self._feeds.begin(connection)
        request = dialect.subscribe(connection.is_logged_on)
        try:
            reply = await asyncio.wait_for(self._ask(connection, request), ANSWER_WITHIN)
        except asyncio.TimeoutError:
            return self._give_up(feed, FIRST_PAUSE)
        except Unreachable as error:
            return self._give_up(feed, self._by_clock(error.wait))
        except CryptoWSError as error:
            self._give_up(feed, 0.0)
            self._end_all(error)
            return None
        if self._feeds.next is not feed:
            return 0.0  # the connection was lost in the moment of the answer
        if reply.outcome is Outcome.OK:
            feed.name = dialect.subscription(reply.result)
        elif reply.error is None or not dialect.is_subscribed_already(reply.error):
            return await self._on_refused(feed, request, reply)
        self._refusal = None
        self._pause = FIRST_PAUSE
        self._feeds.confirm(feed)
        return None

    def _give_up(self, feed: Feed, wait: float) -> float:
        """Forget a subscription that did not come about; return after how many seconds to try again."""
        self._feeds.give_up(feed)
        return wait

    def _by_clock(self, wait: float) -> float:
        """Return how long to wait really for some seconds of the session's clock."""
        # A manual clock may be moved at any moment, so it is looked at again and again.
        return MANUAL_STEP if wait and self._context.time.is_manual else max(wait, FIRST_PAUSE)

    async def _on_refused(self, feed: Feed, request: Request, reply: Reply) -> float | None:
        """Try again where that may help; else end the streams with the exchange's words."""
        error, connection = reply.error, feed.connection
        assert error is not None
        error.method = request.spec.name
        error.args = (f"{request.spec.name}: {error.msg} (status {error.status}, code {error.code})",)
        self._refusal = error
        if reply.outcome is Outcome.THROTTLED:
            wait = 0.0 if reply.retry_at is None else max(0.0, reply.retry_at - self._context.server_now())
            return self._give_up(feed, self._by_clock(wait))
        if reply.outcome is Outcome.CLOCK:
            self._give_up(feed, 0.0)
            await self._resync(connection)
        if error.status >= 500 or reply.outcome in (Outcome.UNAVAILABLE, Outcome.CLOCK):
            pause, self._pause = self._pause, min(self._pause * 2, LONGEST_PAUSE)
            return self._give_up(feed, pause)
        self._give_up(feed, 0.0)
        log.warning("the exchange refuses the subscription: %s", error, extra={"event": "stream_refused"})
        self._end_all(error)
        return None

    async def _resync(self, connection: Connection) -> None:
        async def ask(request: Request) -> Any:
            reply = await self._ask(connection, request)
            if reply.outcome is not Outcome.OK:
                raise Unreachable(str(reply.error), is_passing=True)
            return reply.result

        self._context.clock.forget()
        try:
            await asyncio.wait_for(take_sample(self._context, ask), ANSWER_WITHIN)
        except (Unreachable, asyncio.TimeoutError) as error:
            log.warning("the exchange would not tell its time: %s", error, extra={"event": "clock_unknown"})

    def _end_all(self, error: CryptoWSError) -> None:
        """End every stream with an error."""
        self._refusal = None
        opening, self._opening = self._opening, {}
        for waiter in opening.values():
            if not waiter.done():
                waiter.set_exception(copy.copy(error))
        streams, self._streams = self._streams, []
        for stream in streams:
            stream.end(copy.copy(error))
        self._changed.set()

    async def _unsubscribe(self) -> None:
        """End the subscription that nobody needs any more."""
        feeds, connection = self._feeds.clear(), self._current()
        self._refusal = None
        for feed in feeds:
            if connection is None or not feed.is_of(connection):
                continue  # a connection that is being replaced ends, and the subscription with it
            request = self._context.dialect.unsubscribe(feed.name)
            try:
                await asyncio.wait_for(self._ask(feed.connection, request), UNSUBSCRIBE_WITHIN)
            except (Unreachable, asyncio.TimeoutError) as error:
                log.debug("unsubscribing was not confirmed: %s", error)


def _tell_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("user data failed", exc_info=task.exception(), extra={"event": "engine_failed"})
