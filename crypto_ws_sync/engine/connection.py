"""One live connection: its line, what waits for answers on it, and whether it still speaks."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import Protocol

from crypto_ws_sync.engine.requests import Entry
from crypto_ws_sync.protocol.dialect import (
    Dialect,
    Event,
    Fault,
    Handshake,
    LinePolicy,
    Notice,
    Ping,
    Pong,
    Reply,
)
from crypto_ws_sync.protocol.pending import PendingTable
from crypto_ws_sync.transport.port import Line, LineLost

__all__ = ["Connection", "ConnectionKeeper", "by_chance"]

log = logging.getLogger("crypto_ws_sync.engine")


def by_chance(low: float, high: float) -> float:
    """Return any number between two. (The module for this takes as long to load as the connection to open.)"""
    return low + (high - low) * int.from_bytes(os.urandom(7), "big") / 2**56


class ConnectionKeeper(Protocol):
    """Who answers for what a connection brings: the engine."""

    def on_reply(self, connection: Connection, entry: Entry, reply: Reply) -> None:
        """Take an answer that somebody waits for."""

    def on_stray_reply(self, connection: Connection, reply: Reply) -> None:
        """Take an answer that nobody waits for."""

    def on_event(self, connection: Connection, event: Event) -> None:
        """Take an event."""

    def on_notice(self, connection: Connection, notice: Notice) -> None:
        """Take a notice."""

    def on_fault(self, connection: Connection, fault: Fault) -> None:
        """Take an error that belongs to the whole connection."""

    def on_ignored(self, connection: Connection, why: str) -> None:
        """Count a text that means nothing."""

    def on_handshake_text(self, connection: Connection, text: str) -> None:
        """Take a text that the connection's handshake eats."""

    def on_silent(self, connection: Connection) -> None:
        """Nothing came after a ping that was sent because of unanswered requests."""

    def on_read(self, connection: Connection) -> None:
        """One turn of reading is over."""

    def on_lost(self, connection: Connection, lost: LineLost) -> None:
        """The connection has ended."""


class Connection:
    """One live connection.

    Owner: loop thread.
    """

    __slots__ = (
        "_dialect",
        "_early_ping_at",
        "_hears_events",
        "_keeper",
        "_pinged_at",
        "_policy",
        "handshake",
        "has_served",
        "is_logged_on",
        "is_retiring",
        "line",
        "maximum_age",
        "opened_at",
        "pending",
        "ready",
    )

    def __init__(self, line: Line, dialect: Dialect, keeper: ConnectionKeeper, now: float) -> None:
        self.line = line
        self.pending: PendingTable[Entry] = PendingTable()
        self.handshake: Handshake | None = None
        self.ready: asyncio.Future[None] | None = None
        self.is_logged_on = False
        self.is_retiring = False
        self.has_served = False
        self._hears_events = False
        # Sessions that were started together should not all reconnect together.
        self.maximum_age = dialect.policy.maximum_age - by_chance(0.0, dialect.policy.age_jitter)
        self.opened_at = now
        self._dialect = dialect
        self._policy: LinePolicy = dialect.policy
        self._keeper = keeper
        self._pinged_at: float | None = None
        self._early_ping_at: float | None = None
        line.attach(self)

    def on_text(self, text: str) -> None:
        """Sort what a text says to whom it concerns."""
        keeper = self._keeper
        if log.isEnabledFor(logging.DEBUG):
            log.debug("<- %s", self._dialect.redact(text))
        if self.handshake is not None:
            keeper.on_handshake_text(self, text)
            return
        for said in self._dialect.classify(text):
            kind = type(said)
            if kind is Reply:
                assert isinstance(said, Reply)
                if not said.is_final and said.key in self.pending:
                    continue  # more will follow, and that is the answer
                entry = self.pending.take(said.key)
                if entry is not None:
                    self.has_served = self.has_served or not entry.is_bound
                    keeper.on_reply(self, entry, said)
                else:
                    keeper.on_stray_reply(self, said)
            elif isinstance(said, Event):
                self.has_served = self._hears_events = True
                keeper.on_event(self, said)
            elif isinstance(said, Notice):
                keeper.on_notice(self, said)
            elif isinstance(said, Fault):
                keeper.on_fault(self, said)
            elif isinstance(said, Ping):
                self.line.send_text(said.answer)
                self.line.flush()
            elif not isinstance(said, Pong | Reply):
                keeper.on_ignored(self, said.why)

    @property
    def awaits_more(self) -> bool:
        """Whether more is likely to come right after what came: answers that are waited for, or events."""
        return self._hears_events or len(self.pending) > 0

    def on_read(self) -> None:
        """One turn of reading is over."""
        self._keeper.on_read(self)

    def on_lost(self, lost: LineLost) -> None:
        """The line has ended."""
        self._keeper.on_lost(self, lost)

    def ping(self) -> None:
        """Ask the other side for a sign of life."""
        text = self._policy.ping_text
        if text is None:
            self.line.ping()
        else:
            self.line.send_text(text)
            self.line.flush()

    def next_check(self, now: float) -> float:
        """Return the monotonic time at which `check` is due again."""
        heard = self.line.last_heard
        if self._pinged_at is not None and self._pinged_at >= heard:
            # The answer may come any moment, and the silence after it counts anew.
            return min(self._pinged_at + self._policy.give_up_after, now + self._policy.ping_after)
        return max(now + 0.05, heard + self._policy.ping_after)

    def check(self, now: float, unanswered_since: float | None) -> None:
        """Ping a silent line, and end one that stays silent.

        Args:
            now: Monotonic seconds.
            unanswered_since: When the oldest request was sent that somebody still waits for.
        """
        line, policy = self.line, self._policy
        heard = line.last_heard
        if self._early_ping_at is not None:
            if heard > self._early_ping_at:
                self._early_ping_at = None
            elif now - self._early_ping_at >= policy.silent_after_early_ping:
                self._keeper.on_silent(self)
        elif unanswered_since is not None and now - max(unanswered_since, heard) >= policy.unanswered_after:
            self._early_ping_at = now
            self.ping()
        if self._pinged_at is not None and self._pinged_at >= heard:
            if now - self._pinged_at >= policy.give_up_after:
                line.abort(f"silent for {now - heard:.1f} s")
        elif now - heard >= policy.ping_after:
            self._pinged_at = now
            self.ping()
