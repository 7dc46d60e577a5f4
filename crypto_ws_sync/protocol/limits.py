"""Rate-limit windows of an exchange: admit a request, or say until when not.

All windows are fixed and aligned to the exchange's clock: a window of n seconds starts where the epoch time is a
multiple of n. A request reserves its charge before it is sent, so that no number of callers can overrun:

    counted + in flight + asked <= limit x (1 - headroom)

`now` is the exchange's time in epoch seconds throughout.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from crypto_ws_sync.protocol.method import Charge

__all__ = [
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

EDGE_MARGIN = 0.004
"""Seconds after its edge, beyond the clock's error, at which a window is taken to have opened."""


class Bucket(enum.Enum):
    """What a limit counts."""

    WEIGHT = "weight"
    ORDERS = "orders"
    CONNECTIONS = "connections"


@dataclass(frozen=True, slots=True)
class Limit:
    """So many of a thing in each window of so many seconds."""

    bucket: Bucket
    seconds: int
    limit: int


class Reading(NamedTuple):
    """What an answer says of one window: its limit, and the count used after this request."""

    bucket: Bucket
    seconds: int
    limit: int
    used: int


@dataclass(frozen=True, slots=True)
class Usage:
    """One window as `status()` shows it; `resets_at` in epoch seconds."""

    bucket: str
    seconds: int
    limit: int
    used: int
    resets_at: float


class Reservation:
    """What one request holds of the windows until it is settled.

    Owner: loop thread.
    """

    __slots__ = ("charge", "is_open", "sent_at")

    def __init__(self, charge: Charge, sent_at: float) -> None:
        self.charge = charge
        self.sent_at = sent_at
        self.is_open = True


@dataclass(frozen=True, slots=True)
class Granted:
    """Go ahead, and settle the reservation afterwards."""

    reservation: Reservation


@dataclass(frozen=True, slots=True)
class Contended:
    """Only requests in flight stand in the way: wait for the next settlement."""

    bucket: Bucket


@dataclass(frozen=True, slots=True)
class Full:
    """Out of service until `until` (the exchange's epoch seconds)."""

    bucket: Bucket
    reason: str
    until: float


class _Window:
    """One limit's count in the window of the moment.

    Owner: loop thread.
    """

    __slots__ = ("bucket", "carried", "counted", "in_flight", "index", "limit", "seconds")

    def __init__(self, limit: Limit) -> None:
        self.bucket = limit.bucket
        self.seconds = limit.seconds
        self.limit = limit.limit
        self.counted = 0
        self.carried = 0
        self.in_flight = 0
        self.index = 0

    def roll(self, now: float) -> None:
        index = int(now // self.seconds)
        if index > self.index:
            self.index = index
            self.counted = self.carried
            self.carried = 0

    def spend(self, amount: int, now: float, clock_error: float) -> None:
        self.counted += amount
        self.carry(amount, now, clock_error)

    def carry(self, amount: int, now: float, clock_error: float) -> None:
        """Count for the next window, too, what the exchange may already have counted there."""
        if int((now + clock_error) // self.seconds) > self.index:
            self.carried += amount

    def end(self) -> float:
        return float((self.index + 1) * self.seconds)

    def amount(self, charge: Charge) -> int:
        if self.bucket is Bucket.WEIGHT:
            return charge.weight
        return charge.orders if self.bucket is Bucket.ORDERS else charge.connections


class Ledger:
    """The windows of one venue, address and account.

    Owner: loop thread.
    """

    def __init__(self, limits: Iterable[Limit], headroom: float = 0.0) -> None:
        self._share = 1.0 - headroom
        self._windows = {(limit.bucket, limit.seconds): _Window(limit) for limit in limits}
        self._banned_until = 0.0
        self._ban_reason = ""
        self._orders_banned_until = 0.0
        self._clock_error = 0.0
        self._late = EDGE_MARGIN

    def set_clock_error(self, seconds: float) -> None:
        """Say by how much `now` may be wrong; a window opens that much late."""
        self._clock_error = seconds
        self._late = seconds + EDGE_MARGIN

    def set_headroom(self, fraction: float) -> None:
        """Leave this fraction of every limit unused."""
        self._share = 1.0 - fraction

    def reserve(self, charge: Charge, now: float) -> Granted | Contended | Full:
        """Take a request's charge from every window, or say why not.

        Args:
            charge: What the request takes.
            now: The exchange's time in epoch seconds.
        """
        verdict = self.look(charge, now)
        if verdict is not None:
            return verdict
        for window in self._windows.values():
            window.in_flight += window.amount(charge)
        return Granted(Reservation(charge, now))

    def look(self, charge: Charge, now: float) -> Contended | Full | None:
        """Say what would stand in the way of a request, without reserving; None: nothing."""
        if now < self._banned_until:
            return Full(Bucket.WEIGHT, self._ban_reason, self._banned_until)
        if charge.orders and now < self._orders_banned_until:
            return Full(
                Bucket.ORDERS, "the exchange refused orders for their number", self._orders_banned_until
            )
        contended: Contended | None = None
        late = self._late
        for window in self._windows.values():
            amount = window.amount(charge)
            if not amount:
                continue
            window.roll(now - late)
            room = int(window.limit * self._share + 1e-9)
            if window.counted + amount > room:
                reason = (
                    f"{window.bucket.value}: {window.counted} of {window.limit} per {window.seconds} s used"
                )
                return Full(window.bucket, reason, window.end() + late)
            if window.counted + window.in_flight + amount > room:
                contended = Contended(window.bucket)
        return contended

    def held_until(self, charge: Charge, now: float) -> float:
        """Return until when a charge is refused; 0 where it is not. Reads only, so any thread may ask."""
        if now < self._banned_until:
            return self._banned_until
        if charge.orders and now < self._orders_banned_until:
            return self._orders_banned_until
        until = 0.0
        for window in tuple(self._windows.values()):
            amount = window.amount(charge)
            is_rolled = int((now - self._late) // window.seconds) > window.index
            counted = window.carried if is_rolled else window.counted
            if amount and counted + amount > int(window.limit * self._share + 1e-9):
                until = max(until, window.end() + self._late)
        return until

    def settle(
        self, reservation: Reservation, readings: Iterable[Reading], now: float, spent: Charge | None = None
    ) -> None:
        """Close a reservation by the exchange's own counts.

        Args:
            reservation: What the request held.
            readings: Counts that came with its answer; where one is missing, `spent` is counted instead.
            now: The exchange's time at which the answer arrived.
            spent: What the request really cost; what was reserved, where not given.
        """
        if not reservation.is_open:
            return
        reservation.is_open = False
        told: dict[tuple[Bucket, int], Reading] = {(r.bucket, r.seconds): r for r in readings}
        spent = reservation.charge if spent is None else spent
        for key, window in self._windows.items():
            window.in_flight -= window.amount(reservation.charge)
            window.roll(now - self._late)
            reading = told.pop(key, None)
            if reading is None:
                window.spend(window.amount(spent), now, self._clock_error)
            else:
                self._take(window, reading, reservation.sent_at)
                window.carry(window.amount(spent), now, self._clock_error)
        if told:
            self._learn(told.values(), now)

    def release(self, reservation: Reservation) -> None:
        """Give a reservation back: the request provably never left."""
        if reservation.is_open:
            reservation.is_open = False
            for window in self._windows.values():
                window.in_flight -= window.amount(reservation.charge)

    def forfeit(self, reservation: Reservation, now: float) -> None:
        """Count a reservation as spent: the request left and no answer will tell."""
        self.settle(reservation, (), now)

    def read(self, readings: Iterable[Reading], now: float) -> None:
        """Take counts in that belong to no reservation."""
        known = []
        for reading in readings:
            window = self._windows.get((reading.bucket, reading.seconds))
            if window is None:
                known.append(reading)
            else:
                window.roll(now - self._late)
                self._take(window, reading, now)
        self._learn(known, now)

    def spend(self, bucket: Bucket, amount: int, now: float) -> None:
        """Count something that the exchange counts without being asked, such as a connection attempt."""
        for window in self._windows.values():
            if window.bucket is bucket:
                window.roll(now - self._late)
                window.spend(amount, now, self._clock_error)

    def ban(self, until: float, reason: str, *, orders_only: bool = False) -> None:
        """Stop requests (or placements alone) until the exchange's time `until`."""
        if orders_only:
            self._orders_banned_until = max(self._orders_banned_until, until)
        elif until >= self._banned_until:
            self._banned_until = until
            self._ban_reason = reason

    def banned_until(self, now: float) -> float | None:
        """Return when a ban on everything ends; None where there is none."""
        return self._banned_until if now < self._banned_until else None

    def window_end(self, bucket: Bucket, now: float) -> float:
        """Return when the window ends that a refusal without a time must mean: the fullest, else the shortest."""
        windows = [w for w in self._windows.values() if w.bucket is bucket]
        for window in windows:
            window.roll(now - self._late)
        if not windows:
            return now + 60.0
        full = [w for w in windows if w.counted >= w.limit]
        return max((w.end() for w in full), default=min(w.end() for w in windows))

    def usage(self, now: float) -> list[Usage]:
        """Return every window as it stands, requests in flight included."""
        for window in self._windows.values():
            window.roll(now - self._late)
        return [
            Usage(w.bucket.value, w.seconds, w.limit, w.counted + w.in_flight, w.end())
            for w in self._windows.values()
        ]

    def _take(self, window: _Window, reading: Reading, sent_at: float) -> None:
        window.limit = reading.limit
        if int((sent_at - self._late) // window.seconds) != window.index:
            return
        # Fills lower the order count; with nothing else in flight the exchange's figure is the truth.
        if window.bucket is Bucket.ORDERS and window.in_flight == 0:
            window.counted = reading.used
        else:
            window.counted = max(window.counted, reading.used)

    def _learn(self, readings: Iterable[Reading], now: float) -> None:
        for reading in readings:
            window = _Window(Limit(reading.bucket, reading.seconds, reading.limit))
            window.roll(now - self._late)
            window.counted = reading.used
            self._windows[reading.bucket, reading.seconds] = window
