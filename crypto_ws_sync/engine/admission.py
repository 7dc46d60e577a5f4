"""The gate: which request may be sent now, and its last steps to the wire."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable

from crypto_ws_sync.engine.connection import Connection
from crypto_ws_sync.engine.context import Context
from crypto_ws_sync.engine.ledgers import Hold
from crypto_ws_sync.engine.requests import NONE, RAISE, Entry, WaitingRoom
from crypto_ws_sync.errors import CryptoWSError, OutOfService
from crypto_ws_sync.protocol.dialect import Stamp
from crypto_ws_sync.protocol.limits import Bucket, Contended, Full

__all__ = ["Admission"]

log = logging.getLogger("crypto_ws_sync.engine")


class Admission:
    """Admits requests by the limits, composes and sends them.

    Owner: loop thread.
    """

    def __init__(self, context: Context, on_withdrawn: Callable[[Entry], None]) -> None:
        self.room = WaitingRoom()
        self.connection: Connection | None = None
        self.wake_at: float | None = None
        self.composing: set[Entry] = set()
        """Requests that are being signed on another thread."""
        self._context = context
        self._on_withdrawn = on_withdrawn
        self._serials = itertools.count(1)

    def enter(self, entry: Entry) -> None:
        """Send a request now if nothing stands in the way, else answer it or let it wait."""
        connection = self.connection
        if connection is None or self.room or connection.line.is_clogged:
            full = self._full(entry)
            if full is None or self._may_wait(entry, full):
                self.room.add(entry)
            if connection is not None:
                self.pump()
            return
        if self._try(entry, connection) is not None and not entry.reply.done():
            self.room.add(entry)

    def pump(self) -> None:
        """Send whatever may be sent of those that wait."""
        connection = self.connection
        self.wake_at = None
        if connection is None or not self.room:
            # Others must not wait for a turn that this session does not take.
            self._context.ledger.leave_lines()
            return
        blocked: set[Bucket] = set()
        while not blocked & {Bucket.WEIGHT, Bucket.CONNECTIONS}:
            moved = False
            for line in self.room.heads():
                if connection.line.is_clogged:
                    return
                entry = line[0]
                if Bucket.ORDERS in blocked and entry.request.charge.orders:
                    continue
                is_over = entry.is_abandoned or entry.reply.done()
                bucket = None if is_over else self._try(entry, connection)
                if bucket is not None and not entry.reply.done():
                    blocked.add(bucket)
                    if bucket is not Bucket.ORDERS:
                        break
                    continue
                if entry.is_abandoned and not entry.sent:
                    self._on_withdrawn(entry)
                if line and line[0] is entry:
                    line.popleft()
                moved = True
                break
            if not moved:
                break
        if not self.room:
            self._context.ledger.leave_lines()

    def _full(self, entry: Entry) -> Full | None:
        context = self._context
        verdict = context.ledger.look(entry.request.charge, context.server_now())
        return verdict if isinstance(verdict, Full) else None

    def _try(self, entry: Entry, connection: Connection) -> Bucket | None:
        """Send a request if the limits allow; return what stands in the way, None when it is dealt with."""
        context = self._context
        verdict = context.ledger.reserve(entry.request.charge, context.server_now())
        if type(verdict) is Hold:
            entry.held = None
            self.send(entry, connection, verdict)
            return None
        if isinstance(verdict, Full):
            self._may_wait(entry, verdict)
            return verdict.bucket
        assert isinstance(verdict, Contended)
        return verdict.bucket

    def _may_wait(self, entry: Entry, full: Full) -> bool:
        """Let a request wait for the end of a window, or answer it at once as it asked for."""
        context = self._context
        wait = full.until - context.server_now()
        until = context.time.monotonic() + wait
        ends_in_time = context.time.is_manual or until <= entry.deadline
        if entry.on_limit == NONE:
            entry.finish(None)
            self._count(entry, "out of service")
        elif entry.on_limit == RAISE or not ends_in_time:
            entry.fail(self.out_of_service(entry, full))
            self._count(entry, "out of service")
        else:
            entry.held = full
            if self.wake_at is None or until < self.wake_at:
                self.wake_at = until
            return True
        return False

    def out_of_service(self, entry: Entry, full: Full) -> OutOfService:
        """Return the error for a request that a limit holds back."""
        retry_at = self._context.local_wall(full.until)
        wait = max(0.0, full.until - self._context.server_now())
        return OutOfService(
            f"{entry.request.method} was held back and not sent: {full.reason}; service resumes in {wait:.1f} s",
            method=entry.request.method,
            reason=full.reason,
            retry_at=retry_at,
            client_order_id=entry.request.client_order_id,
        )

    def send(self, entry: Entry, connection: Connection, reservation: Hold) -> None:
        """Compose a request, remember it, and put it into the out-buffer: one step, nothing in between."""
        context = self._context
        ledger = context.ledger
        if not entry.is_offered:
            if not entry.reply.set_running_or_notify_cancel():  # type: ignore[union-attr]  # offered: a caller's
                ledger.release(reservation)
                return
            entry.is_offered = True
        request = entry.request
        if request.is_signed and context.auth_failure is not None and not entry.is_internal:
            ledger.release(reservation)
            entry.fail(context.auth_failure())
            self._count(entry, "auth")
            return
        now = context.time.monotonic()
        clock = context.clock
        stamp = Stamp(clock.timestamp(now), connection.is_logged_on)
        if request.is_write:
            entry.question = context.dialect.question(
                request, stamp.timestamp, clock.error(now), next(self._serials)
            )
        if context.offload is not None and context.dialect.composes_slowly(request, stamp):
            self.composing.add(entry)
            context.offload(
                lambda: context.dialect.compose(request, stamp),
                lambda composed: self._send_late(entry, connection, reservation, composed),
            )
            return
        try:
            composed = context.dialect.compose(request, stamp)
        except CryptoWSError as error:
            self._take_back(entry, reservation)
            entry.fail(error)
            return
        self._put_out(entry, connection, reservation, composed)

    def _take_back(self, entry: Entry, reservation: Hold) -> None:
        """Note that a request has not been sent after all."""
        entry.question = None
        self._context.ledger.release(reservation)

    def _send_late(
        self,
        entry: Entry,
        connection: Connection,
        reservation: Hold,
        composed: tuple[int | str, str] | Exception,
    ) -> None:
        """Send what was signed on another thread, if it is still wanted and its connection still serves."""
        self.composing.discard(entry)
        if isinstance(composed, Exception):
            self._take_back(entry, reservation)
            entry.fail(composed)
        elif entry.is_abandoned or entry.reply.done():
            self._take_back(entry, reservation)
        elif connection is not self.connection and not entry.is_bound:
            self._take_back(entry, reservation)
            self.room.put_back(entry)
            self.pump()
        else:
            self._put_out(entry, connection, reservation, composed)
            connection.line.flush()

    def _put_out(
        self, entry: Entry, connection: Connection, reservation: Hold, composed: tuple[int | str, str]
    ) -> None:
        # Whoever finds `sent` finds the question, too: composing may let other threads run for milliseconds.
        entry.sent = True
        if entry.claimed:
            entry.sent = False
            self._take_back(entry, reservation)
            return
        key, text = composed
        entry.key = key
        entry.connection = connection
        entry.reservation = reservation
        entry.sent_at = time.monotonic()
        connection.pending.add(key, entry)
        entry.end_offset = connection.line.send_text(text)
        if log.isEnabledFor(logging.DEBUG):
            log.debug("-> %s", self._context.dialect.redact(text))

    def _count(self, entry: Entry, outcome: str) -> None:
        self._context.counters.requests[entry.request.spec.name, outcome] += 1
