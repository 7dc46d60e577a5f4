"""The account's events for every stream of a session, by one subscription on the exchange.

The subscription belongs to a connection, so it is made anew on each. While a connection is replaced on purpose, the
old one goes on delivering until the new one has taken over; where it was lost, streams are told of the gap.
"""

from __future__ import annotations

import asyncio
import copy
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from crypto_ws_sync.engine.clock_sync import take_sample
from crypto_ws_sync.engine.connecting import Unreachable
from crypto_ws_sync.engine.connection import Connection
from crypto_ws_sync.engine.context import Context
from crypto_ws_sync.errors import ApiError, ConnectionLost, CryptoWSError, RequestTimeout, SessionClosed
from crypto_ws_sync.model.stream import StreamGap
from crypto_ws_sync.protocol.dialect import Event, Outcome, Reply
from crypto_ws_sync.protocol.handover import Handover, Phase, body_key
from crypto_ws_sync.protocol.method import Request
from crypto_ws_sync.transport.port import LineLost

__all__ = ["EventSink", "Subscriptions"]

log = logging.getLogger("crypto_ws_sync.engine")

ANSWER_WITHIN = 3.0
"""Seconds after which an unanswered subscription is asked for again."""
UNSUBSCRIBE_WITHIN = 1.0
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 10.0
_MANUAL_STEP = 0.01
_ABNORMAL_CLOSE = 1006


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


class _Feed:
    """One subscription on one connection; `name` is what its events bear, None while or where that is not known.

    Owner: loop thread.
    """

    __slots__ = ("connection", "is_confirmed", "name")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.name: str | int | None = None
        self.is_confirmed = False

    def is_of(self, connection: Connection) -> bool:
        """Tell whether it is on that connection."""
        return self.connection is connection

    def owns(self, event: Event) -> bool:
        """Tell whether an event of the connection belongs to it."""
        return self.name is None or event.subscription is None or event.subscription == self.name


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
        self._streams: list[EventSink] = []
        self._opening: dict[EventSink, asyncio.Future[None]] = {}
        self._active: _Feed | None = None
        """The subscription that delivers."""
        self._next: _Feed | None = None
        """The one that is to take over."""
        self._old: _Feed | None = None
        """The one that delivered before; what it still brings is looked at for a while."""
        self._handover: Handover[Event] | None = None
        self._confirmed_at = 0.0
        self._gap_since: float | None = None
        self._refusal: ApiError | None = None
        self._pause = FIRST_PAUSE
        self._changed = asyncio.Event()
        self._idle = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
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
        if self._active is not None:
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
        if self._timer is not None:
            self._timer.cancel()
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
        handover, active, old = self._handover, self._active, self._old
        if self._next is not None and self._next.is_of(connection):
            assert handover is not None
            handover.from_new(body_key(event.body), event)
        elif active is not None and active.is_of(connection):
            if not active.owns(event):
                return
            if handover is None:
                self._deliver(active, event)
            elif self._next is not None:
                if handover.from_old(body_key(event.body)):
                    self._deliver(active, event)
            elif handover.from_new(body_key(event.body), event):
                self._deliver(active, event)
        elif old is not None and old.is_of(connection):
            assert handover is not None
            if old.owns(event) and handover.from_old(body_key(event.body)):
                self._hand_on(event)

    def on_lost(self, connection: Connection, lost: LineLost) -> None:
        """A connection has ended: what it had to tell may be missing."""
        since = self._since(connection)
        # Bytes come in order: one that spoke after the confirmation had brought all from before it.
        is_complete = lost.code != _ABNORMAL_CLOSE or connection.line.last_heard > self._confirmed_at
        for feed in (self._next, self._active, self._old):
            if feed is not None and feed.is_of(connection):
                self._end_feed(feed, since, is_complete)

    def holds(self, connection: Connection) -> bool:
        """Tell whether a connection that is to be closed is still needed for its events."""
        feeds = (self._active, self._old, self._next)
        return any(feed is not None and feed.is_of(connection) for feed in feeds)

    def _since(self, connection: Connection) -> float:
        """Return when a connection last spoke, in epoch seconds."""
        return self._wall() - (time.monotonic() - connection.line.last_heard)

    def _wall(self) -> float:
        return self._context.time.wall()

    def _end_feed(self, feed: _Feed, since: float, is_complete: bool) -> None:
        handover, now = self._handover, self._context.time.monotonic()
        if feed is self._next:
            self._next = None
            self._set_handover(None)
        elif feed is self._old:
            assert handover is not None
            self._old = None
            if not is_complete:
                self._tell_gap(since)
        elif handover is not None and self._next is not None and self._next.is_confirmed:
            if not is_complete:
                self._gap_since = since
            events = handover.old_ended(now, is_complete=is_complete)
            self._active = None
            self._switch(events)
        else:
            self._active = self._old = None
            self._gap_since = since if self._streams else None
            if handover is not None and self._next is not None:
                handover.old_ended(now, is_complete=False)
            else:
                self._set_handover(None)
        self._changed.set()

    # -- events on their way ------------------------------------------------------------------------------------

    def _deliver(self, feed: _Feed, event: Event) -> None:
        """Hand on an event of the subscription that delivers, which may be its last."""
        self._hand_on(event)
        if self._context.dialect.ends_subscription(event.body):
            log.info("the exchange has ended the subscription", extra={"event": "stream_terminated"})
            self._end_feed(feed, self._wall(), is_complete=True)

    def _hand_on(self, event: Event) -> None:
        at, body = self._wall(), event.body
        for position, stream in enumerate(self._streams):
            # Each reader may do what it likes with its event.
            stream.put(body if position == 0 else copy.deepcopy(body), at)

    def _tell_gap(self, since: float) -> None:
        until = max(since, self._wall())
        log.warning("events may be missing for %.3f s", until - since, extra={"event": "stream_gap"})
        for stream in self._streams:
            stream.gap(StreamGap(since, until))

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
            if self._active is None or self._streams or self._opening:
                self._idle.set()
            try:
                await asyncio.wait_for(self._changed.wait(), wait)
            except asyncio.TimeoutError:
                continue

    def _is_due(self, connection: Connection) -> bool:
        """Tell whether to subscribe on a connection now."""
        if self._next is not None:
            # One is about to take over; another handover begins when that is done.
            return False
        return self._active is None or not self._active.is_of(connection)

    async def _subscribe(self, connection: Connection) -> float | None:
        """Subscribe; return after how many seconds to try again, None if it is dealt with."""
        dialect = self._context.dialect
        doubles = self._handover.left_over if self._handover is not None else None
        self._drop_old()
        self._next = feed = _Feed(connection)
        self._set_handover(Handover(has_old=self._active is not None, doubles=doubles))
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
        if self._next is not feed:
            return 0.0  # the connection was lost in the moment of the answer
        if reply.outcome is Outcome.OK:
            feed.name = dialect.subscription(reply.result)
        elif reply.error is None or not dialect.is_subscribed_already(reply.error):
            return await self._on_refused(feed, request, reply)
        self._refusal = None
        self._pause = FIRST_PAUSE
        self._confirm(feed)
        return None

    def _give_up(self, feed: _Feed, wait: float) -> float:
        """Forget a subscription that did not come about."""
        if self._next is feed:
            self._next = None
            self._set_handover(None)
        return wait

    def _by_clock(self, wait: float) -> float:
        """Return how long to wait really for some seconds of the session's clock."""
        # A manual clock may be moved at any moment, so it is looked at again and again.
        return _MANUAL_STEP if wait and self._context.time.is_manual else max(wait, FIRST_PAUSE)

    async def _on_refused(self, feed: _Feed, request: Request, reply: Reply) -> float | None:
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
            log.warning("the exchange would not tell its time: %s", error)

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

    def _confirm(self, feed: _Feed) -> None:
        """The new subscription stands: it takes over at once, or after the old one had its time."""
        assert self._handover is not None
        feed.is_confirmed = True
        self._confirmed_at = time.monotonic()
        if self._active is not None:
            # Its pong, or anything else, will show that all from before has come.
            self._active.connection.line.ping()
        events = self._handover.confirm(self._context.time.monotonic())
        if self._handover.has_switched:
            self._switch(events)
        else:
            self._arm()

    def _switch(self, events: Sequence[Event]) -> None:
        """Let the new subscription deliver: first the gap if there is one, then what was held back."""
        feed, handover = self._next, self._handover
        assert feed is not None
        assert handover is not None
        self._old, self._active, self._next = self._active, feed, None
        if self._gap_since is not None:
            self._tell_gap(self._gap_since)
            self._gap_since = None
        for stream, waiter in self._opening.items():
            self._add(stream)
            if not waiter.done():
                waiter.set_result(None)
        self._opening = {}
        log.info("subscribed to user data", extra={"event": "subscribed"})
        if handover.phase is Phase.OVER:
            self._set_handover(None)
        else:
            self._arm()
        for event in events:
            if feed is self._active and feed.owns(event):
                self._deliver(feed, event)
        self._changed.set()

    async def _unsubscribe(self) -> None:
        """End the subscription that nobody needs any more."""
        feeds, connection = (self._active, self._next), self._current()
        self._active = self._next = self._old = None
        self._gap_since = self._refusal = None
        self._set_handover(None)
        for feed in feeds:
            if feed is None or connection is None or not feed.is_of(connection):
                continue  # a connection that is being replaced ends, and the subscription with it
            request = self._context.dialect.unsubscribe(feed.name)
            try:
                await asyncio.wait_for(self._ask(feed.connection, request), UNSUBSCRIBE_WITHIN)
            except (Unreachable, asyncio.TimeoutError) as error:
                log.debug("unsubscribing was not confirmed: %s", error)

    # -- the handover's time ------------------------------------------------------------------------------------

    def _set_handover(self, handover: Handover[Event] | None) -> None:
        self._handover = handover
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        handover = self._handover
        if handover is None or handover.next_at is None:
            return
        wait = max(0.0, handover.next_at - self._context.time.monotonic())
        if self._timer is not None:
            self._timer.cancel()
        wait = _MANUAL_STEP if self._context.time.is_manual else wait
        self._timer = asyncio.get_running_loop().call_later(wait, self._on_timer)

    def _on_timer(self) -> None:
        handover, self._timer = self._handover, None
        if handover is None:
            return
        events = handover.advance(self._context.time.monotonic())
        if handover.has_switched and self._next is not None:
            self._switch(events)
        elif handover.phase is Phase.OVER:
            self._drop_old()
            self._set_handover(None)
        else:
            self._arm()

    def _drop_old(self) -> None:
        """Let the subscription that delivered before go; one that has been silent since may have kept something."""
        old, self._old = self._old, None
        if old is None:
            return
        if old.connection.line.last_heard <= self._confirmed_at:
            self._tell_gap(self._since(old.connection))


def _tell_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("user data failed", exc_info=task.exception(), extra={"event": "engine_failed"})
