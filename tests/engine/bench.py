"""An engine on its thread, over any dialect, with an exchange that speaks it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from hostile_exchange import Call, HostileExchange

from crypto_ws_sync.bridge.reply import ReplyFuture
from crypto_ws_sync.engine.context import Context, TimeSource
from crypto_ws_sync.engine.ledgers import LedgerKeys, find_ledgers
from crypto_ws_sync.engine.outcome_book import OutcomeBook
from crypto_ws_sync.engine.requests import Entry
from crypto_ws_sync.model.counters import Counters
from crypto_ws_sync.model.status import SessionStatus
from crypto_ws_sync.protocol.dialect import Dialect
from crypto_ws_sync.protocol.server_clock import ServerClock
from crypto_ws_sync.session.run import Run
from crypto_ws_sync.session.user_data import UserDataStream
from crypto_ws_sync.simulator import ManualClock
from crypto_ws_sync.transport.port import Target
from crypto_ws_sync.transport.websocket_client import WebSocketTransport

__all__ = ["Bench", "OpenBench", "Words", "execute_and_lose", "execute_only", "lose"]

_names = itertools.count(1)


@dataclass(frozen=True)
class Words:
    """What the same things are called in one exchange's language."""

    read: str
    write: str
    find: str
    log_on: str
    order: dict[str, Any]
    name: str
    notice: Any
    ownerless: Any
    key_gone: Any

    def named(self, name: str) -> dict[str, Any]:
        """Return the parameters of an order under a name."""
        return {**self.order, self.name: name}


class Bench:
    """One run of an engine, without a session above it.

    Owner: the test's thread.
    """

    def __init__(
        self, dialect: Dialect, exchange: HostileExchange, words: Words, clock: ManualClock | None = None
    ) -> None:
        self.exchange = exchange
        self.words = words
        self.clock = clock
        self.book = OutcomeBook()
        self.dialect = dialect
        self._time = TimeSource(clock)
        self._counters = Counters()
        self._name = f"bench {next(_names)}"
        self._ledgers = find_ledgers(LedgerKeys(self._name, "", ""), dialect.limits)
        self.run = Run(self._context, self.book, self._name)

    def _context(self, wake: Any) -> Context:
        return Context(
            dialect=self.dialect,
            transport=WebSocketTransport(),
            target=Target(self.exchange.url),
            time=self._time,
            ledger=self._ledgers.gate(0.0, wake),
            clock=ServerClock(self._time.wall(), self._time.monotonic()),
            counters=self._counters,
        )

    def start(self) -> Bench:
        """Connect."""
        self.run.start(5.0)
        return self

    def restart(self) -> None:
        """Stop, and run another engine over the same book."""
        self.stop()
        self.run = Run(self._context, self.book, self._name)
        self.start()

    def stop(self) -> None:
        """End it."""
        self.run.stop(1.0)

    def submit(
        self, method: str, params: dict[str, Any] | None = None, *, timeout: float = 8.0, signed: bool = False
    ) -> Future[Any]:
        """Hand a request over; it waits for limits."""
        request = self.dialect.request(method, params, False, signed, lambda: f"n{next(_names)}")
        reply = ReplyFuture(self.run.callbacks)
        self.run.hand_over(Entry(request, reply, time.monotonic() + timeout, "wait"))
        return reply

    def call(self, method: str, params: dict[str, Any] | None = None, **options: Any) -> Any:
        """Return the answer to a request."""
        return self.submit(method, params, **options).result(9)

    def status(self) -> SessionStatus:
        """Return one look at the engine."""
        engine = self.run.engine
        assert engine is not None
        status = self.run.ask(engine.status, 5)
        assert isinstance(status, SessionStatus)
        return status

    def stream(self) -> UserDataStream:
        """Return the account's events."""
        return UserDataStream(lambda: self.run, open_within=5, timeout=5, maxsize=100)


OpenBench = Callable[..., Bench]
"""Starts an engine and its exchange: `is_timed` by a manual clock, `policy` for its lines."""


def lose(call: Call) -> None:
    """Do nothing, and end the connection."""
    call.wire.finish()


def execute_only(call: Call) -> None:
    """Do what is asked, and answer nothing."""
    call.execute()


def execute_and_lose(call: Call) -> None:
    """Do what is asked, and end the connection without an answer."""
    call.execute()
    call.wire.finish()
