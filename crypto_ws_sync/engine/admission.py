"""The gate: which request may be sent now, and its last steps to the wire."""

from __future__ import annotations

import itertools
import logging
import math
import time
from collections.abc import Callable

from crypto_ws_sync.engine.connection import Connection
from crypto_ws_sync.engine.context import Context
from crypto_ws_sync.engine.ledgers import Hold
from crypto_ws_sync.engine.requests import NONE, RAISE, Entry, WaitingRoom, unsent_error
from crypto_ws_sync.errors import CryptoWSError, InvalidParameter, OutOfService
from crypto_ws_sync.protocol.dialect import Stamp
from crypto_ws_sync.protocol.limits import Bucket, Contended, Full
from crypto_ws_sync.protocol.method import Charge, Kind

__all__ = ["Admission"]

log = logging.getLogger("crypto_ws_sync.engine")

PASSED_BY = 128
"""Requests that are looked at behind one that waits for a window's end."""
_LIGHTEST = Charge(1)
_WRITE = Kind.WRITE
_new_stamp = tuple.__new__
"""The named one is a Python function, called for every request."""


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
        self._told: set[tuple[Bucket, float]] = set()

    def enter(self, entry: Entry) -> None:
        """Send a request now if nothing stands in the way, else answer it or let it wait."""
        connection = self.connection
        if connection is None or self.room.waiting or connection.line.is_clogged:
            full = self._full(entry.request.charge)
            if full is None or self._may_wait(entry, full):
                self.room.add(entry)
            if connection is not None:
                self.pump()
            return
        if self._try(entry, connection) is not None:
            if entry.reply.done():
                self._context.ledger.leave_lines()
            else:
                self.room.add(entry)

    def pump(self) -> None:
        """Send whatever may be sent of those that wait."""
        connection, ledger = self.connection, self._context.ledger
        self.wake_at = None
        if not self.room:
            ledger.leave_lines()
            return
        ledger.begin_round()
        if connection is None:
            full = self._full(_LIGHTEST)
            if full is not None:
                self._tell_held(full)
        else:
            self._send_what_fits(connection)
        # Others must not wait for a turn that this session does not take.
        ledger.end_round()

    def _send_what_fits(self, connection: Connection) -> None:
        """Serve the lines in the order of arrival, until room is short.

        What a window that is full for it holds back cannot be served before the window ends, so lighter requests
        behind it may go on; when the window opens, it is first again.
        """
        room, line_out = self.room, connection.line
        are_orders_held = False
        while not line_out.is_clogged:
            entry = room.first(skip_orders=are_orders_held)
            if entry is None:
                return
            obstacle = None if entry.is_over else self._try(entry, connection)
            if obstacle is None or entry.reply.done():
                self._take_out(entry)
            elif obstacle.bucket is Bucket.ORDERS:
                are_orders_held = True
                if isinstance(obstacle, Full):
                    self._tell_held(obstacle)
            else:
                if isinstance(obstacle, Full):
                    self._pass_by(entry, obstacle, connection, skip_orders=are_orders_held)
                return

    def _pass_by(self, held: Entry, full: Full, connection: Connection, *, skip_orders: bool) -> None:
        """Send those behind a request that waits for a window's end, as far as they fit before that."""
        lightest = held.request.charge.weight
        everything = self._full(_LIGHTEST)
        if everything is not None:
            self._tell_held(everything)
            return
        for entry in self.room.behind(held, PASSED_BY, skip_orders=skip_orders):
            if connection.line.is_clogged:
                return
            if entry.is_over or entry.request.charge.weight >= lightest:
                continue
            obstacle = self._try(entry, connection)
            if obstacle is None or entry.reply.done():
                self._take_out(entry)
            elif isinstance(obstacle, Contended):
                return
            elif obstacle.bucket is not Bucket.ORDERS:
                lightest = entry.request.charge.weight

    def _take_out(self, entry: Entry) -> None:
        """Take a request that has been dealt with out of its line."""
        if entry.is_abandoned and not entry.sent:
            self._on_withdrawn(entry)
        self.room.remove(entry)

    def _tell_held(self, full: Full) -> None:
        """Answer at once, when a window has filled, all those that do not want to wait for its end."""
        told = full.bucket, full.until
        is_new = told not in self._told
        if is_new:
            self._told = {told, *(each for each in self._told if each[1] > self._context.server_now())}
        answered = []
        for entry in self.room if is_new else ():
            if full.bucket is Bucket.ORDERS and not entry.request.charge.orders:
                continue
            if not self._may_wait(entry, full):
                answered.append(entry)
        self.room.discard(answered)
        self._wake_by(full)

    def _full(self, charge: Charge) -> Full | None:
        context = self._context
        verdict = context.ledger.look(charge, context.server_now())
        return verdict if isinstance(verdict, Full) else None

    def _try(self, entry: Entry, connection: Connection) -> Contended | Full | None:
        """Send a request if the limits allow; return what stands in the way, None when it is dealt with."""
        context, request = self._context, entry.request
        now = context.time.monotonic()
        verdict = context.ledger.reserve(
            request.charge,
            context.clock.offset + now,
            tells_orders=request.spec.name in context.dialect.tells_orders,
        )
        if not isinstance(verdict, (Contended, Full)):  # as a union it would be made for each request
            entry.held = None
            self.send(entry, connection, verdict, now)
            return None
        if isinstance(verdict, Full):
            self._may_wait(entry, verdict)
        return verdict

    def _may_wait(self, entry: Entry, full: Full) -> bool:
        """Let a request wait for the end of a window, or answer it at once as it asked for."""
        context = self._context
        until = context.time.monotonic() + full.until - context.server_now()
        ends_in_time = math.isfinite(until) and (context.time.is_manual or until <= entry.deadline)
        if entry.on_limit == NONE:
            entry.finish(None)
            self._count(entry, "out of service")
        elif entry.on_limit == RAISE or not ends_in_time:
            entry.fail(self.out_of_service(entry, full))
            self._count(entry, "out of service")
        else:
            entry.held = full
            self._wake_by(full)
            return True
        return False

    def _wake_by(self, full: Full) -> None:
        """Look again when a window opens."""
        context = self._context
        until = context.time.monotonic() + full.until - context.server_now()
        if math.isfinite(until) and (self.wake_at is None or until < self.wake_at):
            self.wake_at = until

    def out_of_service(self, entry: Entry, full: Full) -> OutOfService:
        """Return the error for a request that a limit holds back."""
        retry_at = self._context.retry_at(full.until)
        wait = max(0.0, full.until - self._context.server_now())
        resumes = f"; service resumes in {wait:.1f} s" if math.isfinite(wait) else ""
        return OutOfService(
            f"{entry.request.method} was held back and not sent: {full.reason}{resumes}",
            method=entry.request.method,
            reason=full.reason,
            retry_at=retry_at,
            client_order_id=entry.request.client_order_id,
        )

    def send(self, entry: Entry, connection: Connection, reservation: Hold, now: float) -> None:
        """Compose a request, remember it, and put it into the out-buffer: one step, nothing in between.

        `now`: monotonic seconds by the session's clock.
        """
        context = self._context
        ledger = context.ledger
        if not entry.is_offered:
            offered = getattr(entry.reply, "set_running_or_notify_cancel", None)
            if entry.claimed or (offered is not None and not offered()):
                ledger.release(reservation)
                return
            entry.is_offered = True
        request = entry.request
        if request.is_signed and context.auth_failure is not None and not entry.is_internal:
            ledger.release(reservation)
            entry.fail(context.auth_failure())
            self._count(entry, "auth")
            return
        clock = context.clock
        stamp = _new_stamp(Stamp, (clock.timestamp(now), connection.is_logged_on))
        if stamp.timestamp > entry.latest:
            # This machine has slept for long, perhaps: by then a restarted program may hold it for surely not sent.
            ledger.release(reservation)
            entry.fail(unsent_error(entry, is_connected=True, wall_offset=0.0))
            return
        if request.charge.orders:
            context.has_placed = True
        if request.spec.kind is _WRITE:
            entry.question = context.dialect.question(
                request, stamp.timestamp, clock.error(now), entry.serial or next(self._serials)
            )
        dialect = context.dialect
        if dialect.signs_slowly and context.offload is not None and dialect.composes_slowly(request, stamp):
            self.composing.add(entry)
            context.offload(
                lambda: dialect.compose(request, stamp),
                lambda composed: self._send_late(entry, connection, reservation, composed),
            )
            return
        try:
            composed = dialect.compose(request, stamp)
        except Exception as error:
            self._fail_uncomposed(entry, reservation, error)
            return
        self._put_out(entry, connection, reservation, composed)

    def _take_back(self, entry: Entry, reservation: Hold) -> None:
        """Note that a request has not been sent after all."""
        entry.question = None
        self._context.ledger.release(reservation)

    def _fail_uncomposed(self, entry: Entry, reservation: Hold, error: Exception) -> None:
        """End a request that cannot be put into words: what it held is free again, and those behind it go on."""
        self._take_back(entry, reservation)
        if not isinstance(error, CryptoWSError):
            # Not the error itself, which may hold the text that was to be signed.
            log.error("a request could not be composed: %s", type(error), extra={"event": "engine_failed"})
            method = entry.request.method
            error = InvalidParameter(
                f"{method} could not be composed and was not sent: {type(error).__name__}", method=method
            )
        entry.fail(error)

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
            self._fail_uncomposed(entry, reservation, composed)
        elif entry.is_over:
            self._take_back(entry, reservation)
        elif not entry.is_bound and (connection is not self.connection or self._is_banned(entry)):
            self._take_back(entry, reservation)
            self.room.put_back(entry)
            self.pump()
        else:
            self._put_out(entry, connection, reservation, composed)
            connection.line.flush()

    def _is_banned(self, entry: Entry) -> bool:
        """Tell whether the exchange has refused all such requests since this one was let through."""
        context = self._context
        return isinstance(
            context.ledger.look(Charge(0, min(1, entry.request.charge.orders)), context.server_now()), Full
        )

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
