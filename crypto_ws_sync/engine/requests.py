"""One request on its way through the engine, and the room where requests wait to be sent."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import InvalidStateError
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from crypto_ws_sync.engine.ledgers import Hold
from crypto_ws_sync.errors import ConnectionLost, CryptoWSError, OutOfService, RequestTimeout
from crypto_ws_sync.protocol.limits import Full
from crypto_ws_sync.protocol.method import Request
from crypto_ws_sync.protocol.outcome import Question

if TYPE_CHECKING:
    from crypto_ws_sync.engine.connection import Connection

__all__ = ["NONE", "RAISE", "WAIT", "Entry", "Inbox", "Sink", "WaitingRoom", "Wakes", "unsent_error"]

NONE, WAIT, RAISE = "none", "wait", "raise"


class Sink(Protocol):
    """Where an answer goes: a future of the loop, a future of another thread, or what a blocking call waits on."""

    def done(self) -> bool:
        """Tell whether it has been served."""

    def cancel(self) -> bool:
        """Want nothing any more; False where it is too late for that."""

    def cancelled(self) -> bool:
        """Tell whether nothing is wanted any more."""

    def set_result(self, result: Any, /) -> None:
        """Serve it."""

    def set_exception(self, exception: Any, /) -> None:
        """Serve it with an error."""


class Entry:
    """One request, from the door to its answer.

    The caller's thread reads `sent` after it has written `claimed`, the loop reads `claimed` after it has written
    `sent`; so one of them always sees the other, without a lock.

    Where a journal is kept, `serial` is its number of this write, and `latest` the exchange's epoch seconds after which
    it must not be sent any more; both are set before it is handed over.

    Owner: loop thread, but for `claimed`.
    """

    __slots__ = (
        "claimed",
        "clock_error",
        "connection",
        "deadline",
        "end_offset",
        "held",
        "is_bound",
        "is_clock_repaired",
        "is_internal",
        "is_looked_up",
        "is_offered",
        "key",
        "latest",
        "on_limit",
        "question",
        "reply",
        "request",
        "reservation",
        "sent",
        "sent_at",
        "sequence",
        "serial",
        "unknown_answer",
    )

    def __init__(
        self, request: Request, reply: Sink, deadline: float, on_limit: str = WAIT, is_internal: bool = False
    ) -> None:
        self.request = request
        self.reply = reply
        self.deadline = deadline
        self.on_limit = on_limit
        self.is_internal = is_internal
        self.claimed = False
        self.sent = False
        self.is_offered = is_internal
        self.is_bound = False
        self.is_clock_repaired = False
        self.is_looked_up = False
        self.connection: Connection | None = None
        self.key: int | str | None = None
        self.end_offset = 0
        self.sent_at = 0.0
        self.clock_error = 0.0
        self.sequence = 0
        self.serial = 0
        self.latest = math.inf
        self.reservation: Hold | None = None
        self.question: Question | None = None
        self.held: Full | None = None
        self.unknown_answer: CryptoWSError | None = None

    @property
    def is_abandoned(self) -> bool:
        """Tell whether nobody waits for the answer any more."""
        return self.claimed or self.reply.cancelled()

    @property
    def is_over(self) -> bool:
        """Tell whether whoever asked has gone or has been served: nothing must be sent for it any more."""
        return self.claimed or self.reply.done()

    @property
    def may_have_left(self) -> bool:
        """Tell whether a byte of it may have left on the connection it was composed for."""
        return self.connection is not None and self.end_offset <= self.connection.line.handed_over()

    def finish(self, result: Any) -> None:
        """Hand the caller a result; nothing happens where the caller has been served already."""
        try:
            self.reply.set_result(result)
        except (InvalidStateError, asyncio.InvalidStateError):
            return

    def fail(self, error: BaseException) -> None:
        """Hand the caller an error; nothing happens where the caller has been served already."""
        if not self.reply.done():
            try:
                self.reply.set_exception(error)
            except (InvalidStateError, asyncio.InvalidStateError):
                return


class Inbox:
    """Requests on their way to the loop: one wake-up serves all that have gathered.

    A caller appends before it looks at `is_armed`, the loop clears `is_armed` before it takes; so what a caller leaves
    to a wake-up that is already under way is always taken by it.

    Owner: shared; single operations on a deque are atomic.
    """

    __slots__ = ("entries", "is_armed")

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque()
        self.is_armed = False

    def fail_all(self, error: Callable[[], CryptoWSError]) -> None:
        """Tell those that nobody will take any more."""
        self.is_armed = False
        while self.entries:
            self.entries.popleft().fail(error())


class Wakes:
    """Those who were answered while the loop reads, to be woken when it has done all else.

    A thread that is woken earlier only stands in line for the interpreter, and costs the loop a hand-over.

    Attributes:
        held: What wakes them; None while the loop does not read. A list is put here when its first answer comes.
        first: What wakes those of them whose waking lets go of the interpreter: later, others would stand in line for
            it, and be woken in vain each time. So 32 threads change 0.85 times as often.

    Owner: loop thread.
    """

    __slots__ = ("first", "held")

    def __init__(self) -> None:
        self.held: list[Callable[[], object]] | None = None
        self.first: list[Callable[[], object]] = []

    def end(self) -> None:
        """Wake all that were held back."""
        held, self.held = self.held, None
        first, self.first = self.first, []
        for wake in first:
            wake()
        for wake in held or ():
            wake()


def unsent_error(entry: Entry, is_connected: bool, wall_offset: float) -> CryptoWSError:
    """Return what a caller is told whose time ran out before its request was sent.

    Args:
        entry: The request.
        is_connected: There is a connection, so it was something else that held it back.
        wall_offset: Local wall time minus the exchange's time.
    """
    request, held = entry.request, entry.held
    if held is not None:
        return OutOfService(
            f"{request.method} was held back and not sent: {held.reason}",
            method=request.method,
            reason=held.reason,
            retry_at=held.until + wall_offset if math.isfinite(held.until) else None,
            client_order_id=request.client_order_id,
        )
    if not is_connected:
        return ConnectionLost(
            f"{request.method} was not sent: there was no connection within its time",
            method=request.method,
            client_order_id=request.client_order_id,
        )
    return RequestTimeout(
        f"{request.method} was not sent within its time",
        method=request.method,
        client_order_id=request.client_order_id,
    )


class WaitingRoom:
    """Requests that cannot be sent yet: look-ups first, then first come, first served.

    Placements stand in a line of their own, because a full order count holds back nothing else.

    Attributes:
        waiting: How many there are; looked at for every request and every answer.

    Owner: loop thread.
    """

    __slots__ = ("_orders", "_others", "_sequence", "_urgent", "waiting")

    def __init__(self) -> None:
        self._urgent: deque[Entry] = deque()
        self._others: deque[Entry] = deque()
        self._orders: deque[Entry] = deque()
        self._sequence = 0
        self.waiting = 0

    def __len__(self) -> int:
        return self.waiting

    def __iter__(self) -> Iterator[Entry]:
        return iter([*self._urgent, *self._others, *self._orders])

    def add(self, entry: Entry) -> None:
        """Put a request at the end of its line."""
        self._sequence += 1
        entry.sequence = self._sequence
        self._line(entry).append(entry)
        self.waiting += 1

    def put_back(self, entry: Entry) -> None:
        """Put a request at the front of its line: it has been there before."""
        entry.sequence = 0
        self._line(entry).appendleft(entry)
        self.waiting += 1

    def first(self, *, skip_orders: bool = False) -> Entry | None:
        """Return the request to be served next; None where none waits."""
        if self._urgent:
            return self._urgent[0]
        orders = None if skip_orders or not self._orders else self._orders[0]
        if not self._others:
            return orders
        other = self._others[0]
        return orders if orders is not None and orders.sequence < other.sequence else other

    def behind(self, held: Entry, limit: int, *, skip_orders: bool = False) -> list[Entry]:
        """Return up to `limit` requests of each line that wait behind one, in the order of service."""
        waiting = list(islice(self._urgent, limit))
        lines = [islice(self._others, limit)]
        if not skip_orders:
            lines.append(islice(self._orders, limit))
        waiting += merge(*lines, key=lambda entry: entry.sequence)
        return [entry for entry in waiting if entry is not held]

    def remove(self, entry: Entry) -> None:
        """Take one request out; cheap where it is the first of its line."""
        line = self._line(entry)
        if line and line[0] is entry:
            line.popleft()
        else:
            line.remove(entry)
        self.waiting -= 1

    def discard(self, gone: list[Entry]) -> None:
        """Take requests out, wherever they stand."""
        if gone:
            dead = set(map(id, gone))
            for line in (self._urgent, self._others, self._orders):
                kept = [entry for entry in line if id(entry) not in dead]
                self.waiting -= len(line) - len(kept)
                line.clear()
                line.extend(kept)

    def _line(self, entry: Entry) -> deque[Entry]:
        if entry.is_internal:
            return self._urgent
        return self._orders if entry.request.charge.orders else self._others
