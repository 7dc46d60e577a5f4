"""Rate-limit windows of an exchange: admit a request, or say until when not.

All windows are fixed and aligned to the exchange's clock: a window of n seconds starts where the epoch time is a
multiple of n. A request reserves its charge before it is sent, so that no number of callers can overrun:

    counted + in flight + asked <= limit x (1 - headroom)

`now` is the exchange's time in epoch seconds throughout, as believed here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from crypto_ws_sync.protocol.method import Charge
from crypto_ws_sync.protocol.window import (
    EDGE_MARGIN,
    LOST_GRACE,
    Bucket,
    Limit,
    Reading,
    Usage,
    Window,
)

__all__ = [
    "EDGE_MARGIN",
    "LOST_GRACE",
    "Bucket",
    "Contended",
    "Full",
    "Granted",
    "Ledger",
    "Limit",
    "Reading",
    "Reservation",
    "Usage",
]

_NEVER = float("inf")
_WEIGHT, _ORDERS = Bucket.WEIGHT, Bucket.ORDERS
_MINUTE = 60.0
MOST_WINDOWS = 8
"""Windows of one bucket that are kept: each costs every request its time, and no exchange has so many."""


class Reservation:
    """What one request holds of the windows until it is settled.

    Owner: loop thread.
    """

    __slots__ = ("charge", "is_open", "sent_at", "serial")

    # Made for every request: without a constructor in Python that costs less.
    charge: Charge
    sent_at: float
    serial: int
    is_open: bool


class Granted(NamedTuple):
    """Go ahead, and settle the reservation afterwards."""

    reservation: Reservation


class Contended(NamedTuple):
    """Only requests in flight stand in the way: wait for the next settlement."""

    bucket: Bucket


class Full(NamedTuple):
    """Out of service until `until` (the exchange's epoch seconds); infinite where no window will ever do."""

    bucket: Bucket
    reason: str
    until: float


class Ledger:
    """The windows of one venue, address and account.

    Owner: loop thread, but for `held_until`.
    """

    __slots__ = (
        "_all",
        "_ban_reason",
        "_banned_until",
        "_connections",
        "_connections_in_flight",
        "_error",
        "_orders",
        "_orders_banned_until",
        "_orders_in_flight",
        "_serial",
        "_share",
        "_usual",
        "_valid_from",
        "_valid_until",
        "_weight_in_flight",
        "_weights",
    )

    def __init__(self, limits: Iterable[Limit], headroom: float = 0.0) -> None:
        self._share = 1.0 - headroom
        self._weight_in_flight = self._orders_in_flight = self._connections_in_flight = 0
        self._serial = 0
        self._banned_until = self._orders_banned_until = 0.0
        self._ban_reason = ""
        self._error = 0.0
        self._keep([Window(limit, self._share) for limit in limits])

    def _keep(self, windows: list[Window]) -> None:
        self._all = windows
        self._weights = [window for window in windows if window.bucket is Bucket.WEIGHT]
        self._orders = [window for window in windows if window.bucket is Bucket.ORDERS]
        self._connections = [window for window in windows if window.bucket is Bucket.CONNECTIONS]
        self._usual = [window for window in windows if window.bucket is not Bucket.CONNECTIONS]
        self._valid_from = max((window.opens_at for window in windows), default=-_NEVER)
        self._valid_until = min((window.closes_at for window in windows), default=_NEVER)

    def _roll(self, now: float) -> None:
        for window in self._all:
            window.roll(now, self._serial)
        self._keep(self._all)

    def set_clock_error(self, seconds: float) -> None:
        """Say by how much `now` may be wrong; a window opens that much late."""
        self._banned_until += seconds - self._error
        self._orders_banned_until += seconds - self._error
        self._error = seconds
        for window in self._all:
            window.set_error(seconds)
        self._keep(self._all)

    def set_headroom(self, fraction: float) -> None:
        """Leave this fraction of every limit unused."""
        self._share = 1.0 - fraction
        for window in self._all:
            window.set_share(self._share)

    def reserve(self, charge: Charge, now: float) -> Granted | Contended | Full:
        """Take a request's charge from every window, or say why not.

        Args:
            charge: What the request takes.
            now: The exchange's time in epoch seconds.
        """
        reservation = self.take(charge, now)
        if reservation is None:
            obstacle = self._obstacle(charge, now)
            if obstacle is not None:
                return obstacle
            reservation = self._hold(charge, now)
        return Granted(reservation)

    def take(self, charge: Charge, now: float) -> Reservation | None:
        """Take a request's charge from every window where that is plain to see; None: `reserve` knows more.

        This is the short way that nearly every request goes.
        """
        if not self._valid_from <= now < self._valid_until:
            self._roll(now)
        if now < self._banned_until or charge.connections:
            return None
        weight, orders = charge.weight, charge.orders
        if weight:
            taken = self._weight_in_flight + weight
            for window in self._weights:
                if window.counted + taken > window.room:
                    return None
        if orders:
            if now < self._orders_banned_until:
                return None
            taken = self._orders_in_flight + orders
            for window in self._orders:
                if window.counted + taken > window.room:
                    return None
            self._orders_in_flight += orders
        self._weight_in_flight += weight
        self._serial = serial = self._serial + 1
        reservation = Reservation()
        reservation.charge = charge
        reservation.sent_at = now
        reservation.serial = serial
        reservation.is_open = True
        return reservation

    def _hold(self, charge: Charge, now: float) -> Reservation:
        self._weight_in_flight += charge.weight
        self._orders_in_flight += charge.orders
        self._connections_in_flight += charge.connections
        self._serial += 1
        reservation = Reservation()
        reservation.charge, reservation.sent_at, reservation.serial = charge, now, self._serial
        reservation.is_open = True
        return reservation

    def look(self, charge: Charge, now: float) -> Contended | Full | None:
        """Say what would stand in the way of a request, without reserving; None: nothing."""
        if not self._valid_from <= now < self._valid_until:
            self._roll(now)
        return self._obstacle(charge, now)

    def _obstacle(self, charge: Charge, now: float) -> Contended | Full | None:
        full = self._full(charge, now)
        if full is not None:
            return full
        for windows, asked, in_flight in self._asked(charge):
            for window in windows:
                if asked and window.counted + in_flight + asked > window.room:
                    return Contended(window.bucket)
        return None

    def _asked(self, charge: Charge) -> tuple[tuple[list[Window], int, int], ...]:
        return (
            (self._weights, charge.weight, self._weight_in_flight),
            (self._orders, charge.orders, self._orders_in_flight),
            (self._connections, charge.connections, self._connections_in_flight),
        )

    def _full(self, charge: Charge, now: float) -> Full | None:
        """Return what holds a charge back whatever comes of the requests in flight: the last of it to end."""
        until, bucket, reason = 0.0, Bucket.WEIGHT, ""
        if now < self._banned_until:
            until, reason = self._banned_until, self._ban_reason
        if charge.orders and until < self._orders_banned_until and now < self._orders_banned_until:
            until, bucket = self._orders_banned_until, Bucket.ORDERS
            reason = "the exchange refused orders for their number"
        for windows, asked, _ in self._asked(charge):
            for window in windows if asked else ():
                index, counted = window.counted_at(now)
                if counted + asked <= window.room:
                    continue
                end = window.end(index) if asked <= window.room else _NEVER
                if end > until:
                    until, bucket, of = end, window.bucket, f"{window.limit} per {window.seconds} s"
                    reason = f"{bucket.value}: {counted} of {of} used"
                    if end == _NEVER:
                        reason = f"{bucket.value}: {asked} is more than may ever be used of {of}"
        return Full(bucket, reason, until) if until else None

    def held_until(self, charge: Charge, now: float) -> float:
        """Return until when a charge is refused; 0 where it is not. Reads only, so any thread may ask."""
        full = self._full(charge, now)
        return full.until if full is not None else 0.0

    def settle(
        self, reservation: Reservation, readings: Sequence[Reading], now: float, spent: Charge | None = None
    ) -> None:
        """Close a reservation by the exchange's own counts.

        Args:
            reservation: What the request held.
            readings: Counts that came with its answer; where one is missing, `spent` is counted instead.
            now: The exchange's time at which the answer arrived.
            spent: What the request really cost; what was reserved, where not given.
        """
        if reservation.is_open and readings[self.close(reservation, readings, now, spent) :]:
            self.read(readings, now)

    def close(
        self, reservation: Reservation, readings: Sequence[Reading], now: float, spent: Charge | None = None
    ) -> int:
        """Do what `settle` does with windows that are known; return of how many the readings spoke."""
        if not reservation.is_open:
            return 0
        reservation.is_open = False
        if not self._valid_from <= now < self._valid_until:
            self._roll(now)
        charge, sent = reservation.charge, reservation.serial
        self._weight_in_flight -= charge.weight
        self._orders_in_flight -= charge.orders
        self._connections_in_flight -= charge.connections
        if spent is None:
            spent = charge
        told = 0
        # Runs for every request, so all of it stands here, in one function.
        for window in self._all if charge.connections else self._usual:
            bucket = window.bucket
            if bucket is _WEIGHT:
                amount = spent.weight
            elif bucket is _ORDERS:
                amount = spent.orders
            else:
                amount = spent.connections
            for reading in readings:
                if reading.seconds == window.seconds and reading.bucket is bucket:
                    break
            else:
                if amount:
                    window.spend(amount, now)
                continue
            told += 1
            used = reading.used
            window.is_confirmed = True
            if reading.limit != window.limit:
                window.set_limit(reading.limit)
            if used is None or sent <= window.opened:
                # The count is not told, or may be that of the window before: only the limit is sure.
                if amount:
                    window.spend(amount, now)
                continue
            if used > window.fresh:
                window.fresh = used
            if now >= window.blurred_from:
                if used > window.base:
                    window.base = used
                window.carry(amount, now)
            elif sent > window.mark and reservation.sent_at > window.lost_until:
                if window.may_fall or window.fresh > window.base:
                    window.base = window.fresh
                window.unseen = window.fresh_unseen
                window.fresh = window.fresh_unseen = 0
                window.mark = self._serial
            elif used > window.base:
                window.base = used
            window.counted = window.base + window.unseen
        return told

    def release(self, reservation: Reservation) -> None:
        """Give a reservation back: the request provably never left."""
        if reservation.is_open:
            reservation.is_open = False
            self._weight_in_flight -= reservation.charge.weight
            self._orders_in_flight -= reservation.charge.orders
            self._connections_in_flight -= reservation.charge.connections

    def forfeit(self, reservation: Reservation, now: float) -> None:
        """Count a reservation as spent: the request left and no answer will tell."""
        if reservation.is_open:
            self.release(reservation)
            charge = reservation.charge
            self.spend(Bucket.WEIGHT, charge.weight, now)
            self.spend(Bucket.ORDERS, charge.orders, now)
            self.spend(Bucket.CONNECTIONS, charge.connections, now)

    def spend(self, bucket: Bucket, amount: int, now: float) -> None:
        """Count something that the exchange counts without telling, now or a moment later."""
        if not self._valid_from <= now < self._valid_until:
            self._roll(now)
        for window in self._all:
            if amount and window.bucket is bucket:
                window.spend(amount, now, LOST_GRACE)

    def read(self, readings: Iterable[Reading], now: float) -> None:
        """Take limits from readings of unknown age: of the counts nobody knows which window they belong to."""
        told = list(readings)
        if not self._valid_from <= now < self._valid_until:
            self._roll(now)
        for window in self._all:
            for reading in told:
                if reading.seconds == window.seconds and reading.bucket is window.bucket:
                    window.set_limit(reading.limit)
                    window.is_confirmed = True
        self._learn(told, now)

    def _learn(self, readings: Sequence[Reading], now: float) -> None:
        """Begin the windows that are told of for the first time.

        The exchange tells all windows of a bucket together, so those that were only documented fall away where
        others are told of.
        """
        windows = self._all
        for reading in readings:
            same = [window for window in windows if window.bucket is reading.bucket]
            if any(window.seconds == reading.seconds for window in same) or len(same) >= MOST_WINDOWS:
                continue
            new = Window(Limit(reading.bucket, reading.seconds, reading.limit), self._share)
            new.set_error(self._error)
            new.begin(reading, same, now, self._serial)
            windows = [*(w for w in windows if w.is_confirmed or w.bucket is not reading.bucket), new]
        if windows is not self._all:
            self._keep(windows)

    def ban(self, until: float, reason: str, *, orders_only: bool = False) -> None:
        """Stop requests (or placements alone) until the exchange's clock surely shows `until`."""
        until += self._error + EDGE_MARGIN
        if orders_only:
            self._orders_banned_until = max(self._orders_banned_until, until)
        elif until >= self._banned_until:
            self._banned_until = until
            self._ban_reason = reason

    def lift_orders_ban(self) -> None:
        """Let placements go by their windows again."""
        self._orders_banned_until = 0.0

    def banned_until(self, now: float) -> float | None:
        """Return when a ban on everything ends; None where there is none."""
        return self._banned_until if now < self._banned_until else None

    def window_end(self, bucket: Bucket, now: float) -> float:
        """Return when the window ends that a refusal without a time must mean: the fullest, else the shortest."""
        ends = [
            (counted >= window.limit, float((index + 1) * window.seconds))
            for window in self._all
            if window.bucket is bucket
            for index, counted in (window.counted_at(now),)
        ]
        full = [end for is_full, end in ends if is_full]
        return max(full) if full else min((end for _, end in ends), default=now + _MINUTE)

    def usage(self, now: float) -> list[Usage]:
        """Return every window as it stands, requests in flight included."""
        in_flight = {
            Bucket.WEIGHT: self._weight_in_flight,
            Bucket.ORDERS: self._orders_in_flight,
            Bucket.CONNECTIONS: self._connections_in_flight,
        }
        found = []
        for window in self._all:
            index, counted = window.counted_at(now)
            used, end = counted + in_flight[window.bucket], float((index + 1) * window.seconds)
            found.append(Usage(window.bucket.value, window.seconds, window.limit, used, end))
        return found
