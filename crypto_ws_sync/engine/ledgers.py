"""The ledgers of this process: sessions that share an address or an account share its limits.

Weight and connection attempts belong to a venue and the address we come from; orders to a venue and an account. A
session holds its ledgers strongly, the registry weakly, so that they last as long as anybody uses them.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

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

    Owner: shared, guarded by self.lock.
    """

    def __init__(self, limits: Iterable[Limit]) -> None:
        self.lock = threading.Lock()
        self.ledger = Ledger(limits)
        self.members: dict[Gate, float] = {}
        self._headrooms: dict[Gate, float] = {}
        self._line: deque[Gate] = deque()
        self._left = TURN

    def reserve(self, member: Gate, charge: Charge, now: float) -> Granted | Contended | Full:
        line = self._line
        if line and line[0] is not member:
            verdict = self.ledger.look(charge, now)
            self._queue(member)
            return verdict if isinstance(verdict, Full) else Contended(Bucket.WEIGHT)
        granted = self.ledger.reserve(charge, now)
        if type(granted) is not Granted:
            if len(self.members) > 1:
                self._queue(member)
        elif line:
            self._left -= 1
            if self._left <= 0 and len(line) > 1:
                line.rotate(-1)
                self._begin_turn()
        return granted

    def leave_line(self, member: Gate) -> None:
        line = self._line
        if member in line:
            was_first = line[0] is member
            line.remove(member)
            if was_first and line:
                self._begin_turn()

    def room_came_free(self, member: Gate) -> None:
        line = self._line
        if line and line[0] is not member:
            line[0].wake()

    def set_clock_error(self, member: Gate, seconds: float) -> None:
        self.members[member] = seconds
        self.ledger.set_clock_error(max(self.members.values()))

    def join(self, member: Gate, headroom: float) -> None:
        self.members[member] = 0.0
        self._headrooms[member] = headroom
        self.ledger.set_headroom(max(self._headrooms.values()))

    def leave(self, member: Gate) -> None:
        self.leave_line(member)
        self.members.pop(member, None)
        self._headrooms.pop(member, None)
        self.ledger.set_headroom(max(self._headrooms.values(), default=0.0))

    def _queue(self, member: Gate) -> None:
        if member not in self._line:
            self._line.append(member)
            if len(self._line) == 1:
                self._left = TURN

    def _begin_turn(self) -> None:
        self._left = TURN
        self._line[0].wake()


class Hold:
    """What one request holds of the ledgers until it is settled.

    Owner: loop thread.
    """

    __slots__ = ("account", "address")

    def __init__(self, address: Reservation, account: Reservation | None) -> None:
        self.address = address
        self.account = account


class Gate:
    """One session's way to its ledgers.

    Owner: loop thread; what it shares is guarded by the ledgers' own locks.
    """

    def __init__(self, address: _Shared, account: _Shared, headroom: float, wake: Callable[[], None]) -> None:
        self._address = address
        self._account = account
        self.wake = wake
        for shared in (address, account):
            with shared.lock:
                shared.join(self, headroom)

    def close(self) -> None:
        """Use the ledgers no more."""
        for shared in (self._address, self._account):
            with shared.lock:
                shared.leave(self)

    def set_clock_error(self, seconds: float) -> None:
        """Say by how much this session's `now` may be wrong."""
        for shared in (self._address, self._account):
            with shared.lock:
                shared.set_clock_error(self, seconds)

    def reserve(self, charge: Charge, now: float) -> Hold | Contended | Full:
        """Take a request's charge from every window, or say why not.

        Args:
            charge: What the request takes.
            now: The exchange's time in epoch seconds.
        """
        account = None
        if charge.orders:
            with self._account.lock:
                verdict = self._account.reserve(self, charge, now)
            if type(verdict) is not Granted:
                return Contended(Bucket.ORDERS) if isinstance(verdict, Contended) else _not_granted(verdict)
            account = verdict.reservation
        with self._address.lock:
            verdict = self._address.reserve(self, charge, now)
        if type(verdict) is Granted:
            return Hold(verdict.reservation, account)
        if account is not None:
            with self._account.lock:
                self._account.ledger.release(account)
                self._account.room_came_free(self)
        return _not_granted(verdict)

    def look(self, charge: Charge, now: float) -> Contended | Full | None:
        """Say what would stand in the way of a request, without reserving; None: nothing."""
        for shared in self._concerned(charge):
            with shared.lock:
                verdict = shared.ledger.look(charge, now)
            if verdict is not None:
                return verdict
        return None

    def leave_lines(self) -> None:
        """Nothing of this session waits for room any more."""
        for shared in (self._address, self._account):
            if shared._line:
                with shared.lock:
                    shared.leave_line(self)

    def held_until(self, charge: Charge, now: float) -> float:
        """Return until when a charge is refused; 0 where it is not. Any thread may ask."""
        return max(shared.ledger.held_until(charge, now) for shared in self._concerned(charge))

    def settle(
        self, hold: Hold, readings: Sequence[Reading], now: float, spent: Charge | None = None
    ) -> None:
        """Close a hold by the exchange's own counts; see `Ledger.settle`."""
        of_account = [reading for reading in readings if reading.bucket is Bucket.ORDERS]
        of_address = [r for r in readings if r.bucket is not Bucket.ORDERS] if of_account else readings
        address = self._address
        with address.lock:
            address.ledger.settle(hold.address, of_address, now, spent)
            if address._line:
                address.room_came_free(self)
        account = self._account
        if hold.account is not None:
            with account.lock:
                account.ledger.settle(hold.account, of_account, now, spent)
                account.room_came_free(self)
        elif of_account:
            with account.lock:
                account.ledger.read(of_account, now)
                account.room_came_free(self)

    def release(self, hold: Hold) -> None:
        """Give a hold back: the request provably never left."""
        with self._address.lock:
            self._address.ledger.release(hold.address)
            self._address.room_came_free(self)
        if hold.account is not None:
            with self._account.lock:
                self._account.ledger.release(hold.account)
                self._account.room_came_free(self)

    def forfeit(self, hold: Hold, now: float) -> None:
        """Count a hold as spent: the request left and no answer will tell."""
        for shared, reservation in ((self._address, hold.address), (self._account, hold.account)):
            if reservation is not None:
                with shared.lock:
                    shared.ledger.forfeit(reservation, now)
                    shared.room_came_free(self)

    def read(self, readings: Sequence[Reading], now: float) -> None:
        """Take counts in that belong to no hold."""
        for shared, mine in (
            (self._address, [r for r in readings if r.bucket is not Bucket.ORDERS]),
            (self._account, [r for r in readings if r.bucket is Bucket.ORDERS]),
        ):
            if mine:
                with shared.lock:
                    shared.ledger.read(mine, now)
                    shared.room_came_free(self)

    def spend(self, bucket: Bucket, amount: int, now: float) -> None:
        """Count something that the exchange counts without being asked, such as a connection attempt."""
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


def _not_granted(verdict: Granted | Contended | Full) -> Contended | Full:
    assert not isinstance(verdict, Granted)
    return verdict


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
    _registry.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
