"""Which connection's events are handed on, while subscriptions come, go, and take over from each other."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Protocol

from crypto_ws_sync.engine.connection import Connection
from crypto_ws_sync.engine.context import Context
from crypto_ws_sync.protocol.dialect import Event
from crypto_ws_sync.protocol.handover import Handover, Phase, body_key
from crypto_ws_sync.transport.port import LineLost

__all__ = ["MANUAL_STEP", "Audience", "Feed", "Feeds"]

log = logging.getLogger("crypto_ws_sync.engine")

MANUAL_STEP = 0.01
"""Seconds after which a manual clock is looked at again, since it may be moved at any moment."""
_ABNORMAL_CLOSE = 1006


class Audience(Protocol):
    """Who hears what the feeds bring."""

    def hand_on(self, event: Event) -> None:
        """Give an event to every stream."""

    def tell_gap(self, since: float) -> None:
        """Tell every stream that events may be missing since then (epoch seconds)."""

    def on_switched(self) -> None:
        """A new subscription delivers from here on: let in who has waited for one."""

    def on_feed_ended(self) -> None:
        """A subscription has ended: another may be needed."""


class Feed:
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


class Feeds:
    """The subscription that delivers, the one that is to take over, and the one that delivered before.

    Attributes:
        active: Delivers.
        next: Asked for, or confirmed and about to take over.

    Owner: loop thread.
    """

    def __init__(self, context: Context, audience: Audience) -> None:
        self.active: Feed | None = None
        self.next: Feed | None = None
        self._old: Feed | None = None
        self._context = context
        self._audience = audience
        self._handover: Handover[Event] | None = None
        self._confirmed_at = 0.0
        self._gap_since: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    # -- subscriptions come and go ------------------------------------------------------------------------------

    def begin(self, connection: Connection) -> Feed:
        """Return a feed for a subscription that is about to be asked for."""
        doubles = self._handover.left_over if self._handover is not None else None
        self._drop_old()
        self.next = feed = Feed(connection)
        self._set_handover(Handover(has_old=self.active is not None, doubles=doubles))
        return feed

    def give_up(self, feed: Feed) -> None:
        """Forget a subscription that did not come about."""
        if self.next is feed:
            self.next = None
            self._set_handover(None)

    def confirm(self, feed: Feed) -> None:
        """The new subscription stands: it takes over at once, or after the old one had its time."""
        assert self._handover is not None
        feed.is_confirmed = True
        self._confirmed_at = time.monotonic()
        if self.active is not None:
            # Its pong, or anything else, will show that all from before has come.
            self.active.connection.line.ping()
        events = self._handover.confirm(self._context.time.monotonic())
        if self._handover.has_switched:
            self._switch(events)
        else:
            self._arm()

    def clear(self) -> list[Feed]:
        """Forget everything; return what was subscribed."""
        feeds = [feed for feed in (self.active, self.next) if feed is not None]
        self.active = self.next = self._old = None
        self._gap_since = None
        self._set_handover(None)
        return feeds

    def holds(self, connection: Connection) -> bool:
        """Tell whether a connection that is to be closed is still needed for its events."""
        feeds = (self.active, self._old, self.next)
        return any(feed is not None and feed.is_of(connection) for feed in feeds)

    # -- what connections bring ---------------------------------------------------------------------------------

    def on_event(self, connection: Connection, event: Event) -> None:
        """Hand an event on, or hold it back, or drop it as a double."""
        handover, active, old = self._handover, self.active, self._old
        if self.next is not None and self.next.is_of(connection):
            assert handover is not None
            handover.from_new(body_key(event.body), event)
        elif active is not None and active.is_of(connection):
            if active.owns(event) and (handover is None or self._is_news(handover, event)):
                self._deliver(active, event)
        elif old is not None and old.is_of(connection):
            assert handover is not None
            if old.owns(event) and handover.from_old(body_key(event.body)):
                self._audience.hand_on(event)

    def _is_news(self, handover: Handover[Event], event: Event) -> bool:
        """Tell whether an event of the active feed is no double: it is the old one until the next has taken over."""
        key = body_key(event.body)
        return handover.from_old(key) if self.next is not None else handover.from_new(key, event)

    def on_lost(self, connection: Connection, lost: LineLost) -> None:
        """A connection has ended: what it had to tell may be missing."""
        since = self._since(connection)
        # Bytes come in order: one that spoke after the confirmation had brought all from before it.
        is_complete = lost.code != _ABNORMAL_CLOSE or connection.line.last_heard > self._confirmed_at
        for feed in (self.next, self.active, self._old):
            if feed is not None and feed.is_of(connection):
                self._end(feed, since, is_complete)

    def _since(self, connection: Connection) -> float:
        """Return when a connection last spoke, in epoch seconds."""
        return self._context.time.wall() - (time.monotonic() - connection.line.last_heard)

    def _end(self, feed: Feed, since: float, is_complete: bool) -> None:
        handover, now = self._handover, self._context.time.monotonic()
        if feed is self.next:
            self.give_up(feed)
        elif feed is self._old:
            self._old = None
            if not is_complete:
                self._audience.tell_gap(since)
        elif handover is not None and self.next is not None and self.next.is_confirmed:
            if not is_complete:
                self._gap_since = since
            events = handover.old_ended(now, is_complete=is_complete)
            self.active = None
            self._switch(events)
        else:
            self.active = self._old = None
            self._gap_since = since
            if handover is not None and self.next is not None:
                handover.old_ended(now, is_complete=False)
            else:
                self._set_handover(None)
        self._audience.on_feed_ended()

    def _deliver(self, feed: Feed, event: Event) -> None:
        """Hand on an event of the subscription that delivers, which may be its last."""
        self._audience.hand_on(event)
        if self._context.dialect.ends_subscription(event.body):
            log.info("the exchange has ended the subscription", extra={"event": "stream_terminated"})
            self._end(feed, self._context.time.wall(), is_complete=True)

    # -- the handover -------------------------------------------------------------------------------------------

    def _switch(self, events: Sequence[Event]) -> None:
        """Let the new subscription deliver: first the gap if there is one, then what was held back."""
        feed, handover = self.next, self._handover
        assert feed is not None
        assert handover is not None
        self._old, self.active, self.next = self.active, feed, None
        if self._gap_since is not None:
            self._audience.tell_gap(self._gap_since)
            self._gap_since = None
        self._audience.on_switched()
        if handover.phase is Phase.OVER:
            self._set_handover(None)
        else:
            self._arm()
        for event in events:
            if feed is self.active and feed.owns(event):
                self._deliver(feed, event)

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
        wait = MANUAL_STEP if self._context.time.is_manual else wait
        self._timer = asyncio.get_running_loop().call_later(wait, self._on_timer)

    def _on_timer(self) -> None:
        handover, self._timer = self._handover, None
        if handover is None:
            return
        events = handover.advance(self._context.time.monotonic())
        if handover.has_switched and self.next is not None:
            self._switch(events)
        elif handover.phase is Phase.OVER:
            self._drop_old()
            self._set_handover(None)
        else:
            self._arm()

    def _drop_old(self) -> None:
        """Let the subscription that delivered before go; one that has been silent since may have kept something."""
        old, self._old = self._old, None
        if old is not None and old.connection.line.last_heard <= self._confirmed_at:
            self._audience.tell_gap(self._since(old.connection))
