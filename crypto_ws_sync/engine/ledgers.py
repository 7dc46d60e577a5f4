"""The ledgers of this process: sessions that share an address or an account share its limits.

Weight and connection attempts belong to a venue and the address we come from; orders to a venue and an account. A
session holds its ledgers strongly, the registry weakly, so that they last as long as anybody uses them.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from crypto_ws_sync.protocol.limits import (
    Bucket,
    Contended,
    Full,
    Granted,
    Ledger,
    Limit,
    Reading,
    Reservation,
    Usage,
)
from crypto_ws_sync.protocol.method import Charge

__all__ = ["Gate", "Hold", "LedgerKeys", "Ledgers", "find_ledgers"]

TURN = 16
"""Requests that one session may send before the next that waits has its turn."""
PATIENCE = 0.05
"""Seconds for which a session may leave its turn unused while others wait."""

Hold: TypeAlias = tuple[Reservation, Reservation | None]
"""What one request holds of the address's ledger, and of the account's, until it is settled."""

_NOTHING = Charge(0)
_BUSY_ADDRESS = Contended(Bucket.WEIGHT)
_BUSY_ACCOUNT = Contended(Bucket.ORDERS)


@dataclass(frozen=True, slots=True)
class LedgerKeys:
    """Whose limits a session shares.

    Attributes:
        venue: The venue's name, or host and port.
        egress: The proxy it goes through; empty for none.
        account: The api key; empty without one.
    """

    venue: str
    egress: str
    account: str


class _Shared:
    """One ledger with those who use it, and the line in which they wait for room.

    Who is first in the line goes first, for TURN requests, then the next. Two sorts of waiting are told apart. A
    session that is held back by requests in flight alone needs the next room that comes free, so nobody may
    overtake it. One that a full window holds back cannot use any room before the window ends: until then others
    may go on, and then it has its place again.

    Owner: shared, guarded by self.lock.
    """

    def __init__(self, limits: Sequence[Limit]) -> None:
        self._limits = limits
        self.line: dict[Gate, float] = {}
        self.begin()

    def begin(self) -> None:
        """Begin anew, with nobody and nothing counted."""
        self.lock = threading.Lock()
        self.ledger = Ledger(self._limits)
        self.line.clear()
        self._errors: dict[Gate, float] = {}
        self._headrooms: dict[Gate, float] = {}
        self._turn_of: Gate | None = None
        self._left = TURN
        self._touched = 0.0
        self._now = 0.0
        self.clock: tuple[Callable[[], float], float] | None = None

    def begin_in_child(self) -> None:
        """After a fork: another thread may have held the lock, and the counts are the parent's; bans hold on."""
        until = self.ledger.banned_until(0.0)
        self.begin()
        if until is not None:
            self.ledger.ban(until, "the exchange had refused requests before this process began")

    def reserve(self, member: Gate, charge: Charge, now: float) -> Granted | Contended | Full:
        """Reserve for one of several sessions, or stand it in the line."""
        self._now = max(self._now, now)
        first = self._first(member, now)
        if first is member or first is None:
            verdict = self.ledger.reserve(charge, now)
            if first is member:
                self._touched = now
            if type(verdict) is Granted:
                if first is member:
                    self._count_turn(member)
                return verdict
            obstacle = verdict
        else:
            seen = self.ledger.look(charge, now)
            obstacle = seen if type(seen) is Full else _BUSY_ADDRESS
        if len(self._errors) > 1 or self.line:
            self.line[member] = obstacle.until if type(obstacle) is Full else 0.0
        return obstacle

    def leave_line(self, member: Gate) -> None:
        """Nothing of this session waits for room here any more."""
        if self.line.pop(member, None) is not None and self._turn_of is member:
            self._begin_turn(self._next(self._now))

    def room_came_free(self, member: Gate) -> None:
        """Wake whoever may use it; `member` looks for itself."""
        first = self._next(self._now)
        if first is not None and first is not member:
            first.be_woken()

    def set_clock_error(self, member: Gate, seconds: float) -> None:
        # A session that is being stopped may measure once more after it has left.
        if member in self._errors:
            self._errors[member] = seconds
            self.ledger.set_clock_error(max(self._errors.values()))

    def join(self, member: Gate, headroom: float) -> None:
        self._errors[member] = 0.0
        self._headrooms[member] = headroom
        self.ledger.set_headroom(max(self._headrooms.values()))

    def leave(self, member: Gate) -> None:
        self.leave_line(member)
        self._errors.pop(member, None)
        self._headrooms.pop(member, None)
        if self._errors:
            self.ledger.set_clock_error(max(self._errors.values()))
            self.ledger.set_headroom(max(self._headrooms.values()))

    def _next(self, now: float) -> Gate | None:
        """Return who is first of those that room would help now."""
        for gate, asleep_until in self.line.items():
            if asleep_until <= now:
                return gate
        return None

    def _first(self, member: Gate, now: float) -> Gate | None:
        """Return whose turn it is while `member` asks, None where nobody waits."""
        first = self._next(now)
        if first is None or first is member:
            if first is not None and first is not self._turn_of:
                self._turn_of, self._left = first, TURN
            return first
        if first is not self._turn_of:
            self._begin_turn(first)
        elif now - self._touched > PATIENCE:
            # It may be stopped in a debugger, or its thread has no processor: nobody waits for it.
            self._to_the_end(first)
            first = self._next(now)
            self._begin_turn(first if first is not member else None)
        return first

    def _count_turn(self, member: Gate) -> None:
        self._left -= 1
        if self._left <= 0:
            if len(self.line) > 1:
                self._to_the_end(member)
                self._begin_turn(self._next(self._now))
            self._left = TURN

    def _to_the_end(self, member: Gate) -> None:
        self.line[member] = self.line.pop(member)

    def _begin_turn(self, first: Gate | None) -> None:
        self._turn_of, self._left, self._touched = first, TURN, self._now
        if first is not None:
            first.be_woken()


class Gate:
    """One run's way to its ledgers; counts as one of those who share them from `join` to `close`.

    Attributes:
        claims: How many things the session itself wants room for, such as another connection: it keeps its place
            in the line for them.

    Owner: loop thread; what it shares is guarded by the ledgers' own locks.
    """

    __slots__ = (
        "__weakref__",
        "_account",
        "_address",
        "_headroom",
        "_is_woken",
        "_waits_for_account",
        "_waits_for_address",
        "_wake",
        "claims",
    )

    def __init__(self, address: _Shared, account: _Shared, headroom: float, wake: Callable[[], None]) -> None:
        self._address = address
        self._account = account
        self._headroom = headroom
        self._wake = wake
        self._is_woken = False
        self._waits_for_address = False
        self._waits_for_account = False
        self.claims = 0

    def join(self) -> None:
        """Share the ledgers from now on."""
        for shared in (self._address, self._account):
            with shared.lock:
                shared.join(self, self._headroom)

    def close(self) -> None:
        """Use the ledgers no more."""
        for shared in (self._address, self._account):
            with shared.lock:
                shared.leave(self)

    def be_woken(self) -> None:
        """Have the session look for room, once for any number of calls; called under a ledger's lock."""
        if not self._is_woken:
            self._is_woken = True
            self._wake()

    def set_clock(self, monotonic: Callable[[], float], offset: float, error: float) -> None:
        """Say what this session knows of the exchange's clock.

        Args:
            monotonic: The clock that the offset belongs to.
            offset: The exchange's time minus that clock's.
            error: Seconds by which this session's `now` may be wrong.
        """
        for shared in (self._address, self._account):
            with shared.lock:
                shared.set_clock_error(self, error)
                shared.clock = monotonic, offset

    # -- before sending -----------------------------------------------------------------------------------------

    def reserve(self, charge: Charge, now: float, *, tells_orders: bool = False) -> Hold | Contended | Full:
        """Take a request's charge from every window, or say why not.

        Args:
            charge: What the request takes.
            now: The exchange's time in epoch seconds.
            tells_orders: Its answer tells the account's order counts.
        """
        address, of_account = self._address, None
        if charge.orders or tells_orders:
            found = self._reserve_account(charge if charge.orders else _NOTHING, now)
            if type(found) is not Reservation:
                return _held(found)
            of_account = found
        with address.lock:
            reservation = None if address.line else address.ledger.take(charge, now)
            if reservation is not None:
                return reservation, of_account
            verdict = address.reserve(self, charge, now)
        if type(verdict) is Granted:
            return verdict.reservation, of_account
        self._waits_for_address = True
        if of_account is not None:
            with self._account.lock:
                self._account.ledger.release(of_account)
                self._account.room_came_free(self)
        return _held(verdict)

    def _reserve_account(self, charge: Charge, now: float) -> Reservation | Contended | Full:
        account = self._account
        with account.lock:
            is_short = not account.line or not charge.orders
            reservation = account.ledger.take(charge, now) if is_short else None
            if reservation is not None:
                return reservation
            verdict = account.reserve(self, charge, now)
        if type(verdict) is Granted:
            return verdict.reservation
        self._waits_for_account = True
        return _BUSY_ACCOUNT if type(verdict) is Contended else _held(verdict)

    def look(self, charge: Charge, now: float) -> Contended | Full | None:
        """Say what would stand in the way of a request, without reserving; None: nothing."""
        for shared in self._concerned(charge):
            with shared.lock:
                verdict = shared.ledger.look(charge, now)
            if verdict is not None:
                return verdict
        return None

    def held_until(self, charge: Charge, now: float) -> float:
        """Return until when a charge is refused; 0 where it is not. Any thread may ask."""
        return max(shared.ledger.held_until(charge, now) for shared in self._concerned(charge))

    # -- waiting ------------------------------------------------------------------------------------------------

    def begin_round(self) -> None:
        """What waits is about to be tried: note what it waits for."""
        self._is_woken = self._waits_for_address = self._waits_for_account = False

    def end_round(self) -> None:
        """Leave the lines in which nothing of this session waits, so that others need not wait for it."""
        for shared, waits in (
            (self._address, self._waits_for_address or self.claims > 0),
            (self._account, self._waits_for_account),
        ):
            if not waits and shared.line:
                with shared.lock:
                    shared.leave_line(self)

    def leave_lines(self) -> None:
        """Nothing of this session waits for room any more."""
        self.begin_round()
        self.end_round()

    # -- after sending ------------------------------------------------------------------------------------------

    def settle(
        self, hold: Hold, readings: Sequence[Reading], now: float, spent: Charge | None = None
    ) -> None:
        """Close a hold by the exchange's own counts; see `Ledger.settle`."""
        of_address, of_account = readings, None
        for reading in readings:
            if reading.bucket is Bucket.ORDERS:
                of_address, of_account = _split(readings)
                break
        address = self._address
        with address.lock:
            address.ledger.settle(hold[0], of_address, now, spent)
            if address.line:
                address.room_came_free(self)
        if hold[1] is not None or of_account is not None:
            self._settle_account(hold[1], of_account or (), now, spent)

    def _settle_account(
        self, held: Reservation | None, readings: Sequence[Reading], now: float, spent: Charge | None
    ) -> None:
        account = self._account
        with account.lock:
            if held is None:
                account.ledger.read(readings, now)
            else:
                account.ledger.settle(held, readings, now, spent if held.charge.orders else _NOTHING)
            if account.line:
                account.room_came_free(self)

    def release(self, hold: Hold) -> None:
        """Give a hold back: the request provably never left."""
        for shared, reservation in zip((self._address, self._account), hold, strict=True):
            if reservation is not None:
                with shared.lock:
                    shared.ledger.release(reservation)
                    shared.room_came_free(self)

    def forfeit(self, hold: Hold, now: float) -> None:
        """Count a hold as spent: the request left and no answer will tell."""
        for shared, reservation in zip((self._address, self._account), hold, strict=True):
            if reservation is not None:
                with shared.lock:
                    shared.ledger.forfeit(reservation, now)
                    shared.room_came_free(self)

    def read(self, readings: Sequence[Reading], now: float) -> None:
        """Take limits in that belong to no hold."""
        for shared, mine in zip((self._address, self._account), _split(readings), strict=True):
            if mine:
                with shared.lock:
                    shared.ledger.read(mine, now)
                    shared.room_came_free(self)

    def spend(self, bucket: Bucket, amount: int, now: float) -> None:
        """Count something that the exchange counts without being asked."""
        shared = self._account if bucket is Bucket.ORDERS else self._address
        with shared.lock:
            shared.ledger.spend(bucket, amount, now)

    def ban(self, until: float, reason: str, *, orders_only: bool = False) -> None:
        """Stop requests (or placements alone) until the exchange's time `until`."""
        shared = self._account if orders_only else self._address
        with shared.lock:
            shared.ledger.ban(until, reason, orders_only=orders_only)

    def banned_until(self, now: float) -> float | None:
        """Return when a ban on everything ends; None where there is none."""
        return self._address.ledger.banned_until(now)

    def window_end(self, bucket: Bucket, now: float) -> float:
        """Return when the window ends that a refusal without a time must mean."""
        shared = self._account if bucket is Bucket.ORDERS else self._address
        with shared.lock:
            return shared.ledger.window_end(bucket, now)

    def usage(self, now: float) -> list[Usage]:
        """Return every window as it stands, requests in flight included."""
        found: list[Usage] = []
        for shared in (self._address, self._account):
            with shared.lock:
                found += shared.ledger.usage(now)
        return found

    def _concerned(self, charge: Charge) -> tuple[_Shared, ...]:
        return (self._account, self._address) if charge.orders else (self._address,)


def _held(verdict: Reservation | Granted | Contended | Full) -> Contended | Full:
    assert isinstance(verdict, Contended | Full)
    return verdict


def _split(readings: Sequence[Reading]) -> tuple[list[Reading], list[Reading]]:
    """Return what readings say of the address's windows, and of the account's."""
    of_address: list[Reading] = []
    of_account: list[Reading] = []
    for reading in readings:
        (of_account if reading.bucket is Bucket.ORDERS else of_address).append(reading)
    return of_address, of_account


_registry_lock = threading.Lock()
_registry: weakref.WeakValueDictionary[tuple[str, ...], _Shared] = weakref.WeakValueDictionary()


def _shared(key: tuple[str, ...], limits: Sequence[Limit]) -> _Shared:
    found = _registry.get(key)
    if found is None:
        found = _Shared(limits)
        _registry[key] = found
    return found


@dataclass(frozen=True, slots=True)
class Ledgers:
    """The ledgers that one session shares with others; they last while somebody holds them."""

    address: _Shared
    account: _Shared

    def gate(self, headroom: float, wake: Callable[[], None]) -> Gate:
        """Return one run's way to the ledgers.

        Args:
            headroom: Fraction of every limit left unused; between sessions the largest counts.
            wake: Called from any thread when it is this session's turn; must not wait.
        """
        return Gate(self.address, self.account, headroom, wake)

    def clock_offset(self, monotonic: Callable[[], float]) -> float | None:
        """Return the exchange's time minus a clock's, where another session has asked; else None."""
        known = self.address.clock
        return known[1] if known is not None and known[0] == monotonic else None


def find_ledgers(keys: LedgerKeys, limits: Sequence[Limit]) -> Ledgers:
    """Return the ledgers that a session shares with others.

    Args:
        keys: Whose limits they are.
        limits: The documented limits, which hold until the exchange says otherwise.
    """
    with _registry_lock:
        address = _shared(
            ("address", keys.venue, keys.egress),
            [limit for limit in limits if limit.bucket is not Bucket.ORDERS],
        )
        account = _shared(
            ("account", keys.venue, keys.account),
            [limit for limit in limits if limit.bucket is Bucket.ORDERS],
        )
    return Ledgers(address, account)


def _after_fork_in_child() -> None:
    """A lock held by another thread at the fork would never be released in the child."""
    global _registry_lock
    _registry_lock = threading.Lock()
    for shared in list(_registry.values()):
        shared.begin_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
