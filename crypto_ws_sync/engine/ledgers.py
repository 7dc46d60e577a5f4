"""The ledgers of this process: sessions that share an address or an account share its limits.

Weight and connection attempts belong to a venue and the address we come from; orders to a venue and an account. A
session holds its ledgers strongly, the registry weakly, so that they last as long as anybody uses them. Those that
know of a ban are held longer: who makes another session must not run into the ban again.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from crypto_ws_sync.engine.shared_ledger import SharedLedger
from crypto_ws_sync.protocol.limits import (
    Bucket,
    Contended,
    Full,
    Granted,
    Limit,
    Reading,
    Reservation,
    Usage,
)
from crypto_ws_sync.protocol.method import Charge

__all__ = ["Gate", "Hold", "LedgerKeys", "Ledgers", "find_ledgers"]

Hold: TypeAlias = tuple[Reservation, Reservation | None]
"""What one request holds of the address's ledger, and of the account's, until it is settled."""

_BANNED_KEPT = 64
_NOTHING = Charge(0)
_ORDERS = Bucket.ORDERS
_BUSY_ACCOUNT = Contended(Bucket.ORDERS)


class LedgerKeys(NamedTuple):
    """Whose limits a session shares.

    Attributes:
        venue: The venue's name, or host and port.
        egress: The proxy it goes through; empty for none.
        account: The api key; empty without one.
        is_lasting: The venue outlives the sessions with it: what it forbade holds for the next one, too. A port of
            this machine may belong to somebody else by then.
    """

    venue: str
    egress: str
    account: str
    is_lasting: bool = True


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

    def __init__(
        self, address: SharedLedger, account: SharedLedger, headroom: float, wake: Callable[[], None]
    ) -> None:
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
        """Use the ledgers no more, and hold them no longer: they go with their last session."""
        shares = self._address, self._account
        self._address = self._account = SharedLedger(())
        for shared in shares:
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
            account, asked = self._account, charge if charge.orders else _NOTHING
            with account.lock:
                is_short = not account.line or not asked.orders
                of_account = account.ledger.take(asked, now) if is_short else None
            if of_account is None:
                found = self._reserve_account(asked, now)
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
        address, held = self._address, hold[1]
        with address.lock:
            told = address.ledger.close(hold[0], readings, now, spent)
            if address.line:
                address.room_came_free(self)
        if held is not None:
            account = self._account
            with account.lock:
                told += account.ledger.close(held, readings, now, spent if held.charge.orders else _NOTHING)
                if account.guessed_at is not None:
                    account.believe_counts(held, [each for each in readings if each.bucket is _ORDERS])
                if account.line:
                    account.room_came_free(self)
        if readings[told:]:
            # Of windows that nobody knew of, or that this request took nothing from.
            self.read(readings, now)

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

    def ban(self, until: float, reason: str, *, orders_only: bool = False) -> None:
        """Stop requests (or placements alone) until the exchange's time `until`."""
        shared = self._account if orders_only else self._address
        with shared.lock:
            shared.ledger.ban(until, reason, orders_only=orders_only)
            shared.guessed_at = None
        _keep_banned(shared)

    def guess_ban(self, now: float, reason: str, *, orders_only: bool = False) -> float:
        """Stop requests (or placements alone) as a refusal without a time must mean; return until when."""
        bucket, shared = Bucket.WEIGHT, self._address
        if orders_only:
            bucket, shared = Bucket.ORDERS, self._account
        with shared.lock:
            until = shared.ledger.window_end(bucket, now)
            shared.ledger.ban(until, reason, orders_only=orders_only)
            shared.guessed_at = now
        _keep_banned(shared)
        return until

    def banned_until(self, now: float) -> float | None:
        """Return when a ban on everything ends; None where there is none."""
        return self._address.ledger.banned_until(now)

    def usage(self, now: float) -> list[Usage]:
        """Return every window as it stands, requests in flight included."""
        found: list[Usage] = []
        for shared in (self._address, self._account):
            with shared.lock:
                found += shared.ledger.usage(now)
        return found

    def _concerned(self, charge: Charge) -> tuple[SharedLedger, ...]:
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


# Re-entrant, since a finaliser or a signal's handler may make a session while its thread does.
_registry_lock = threading.RLock()
_registry: weakref.WeakValueDictionary[tuple[str, ...], SharedLedger] = weakref.WeakValueDictionary()
_banned: deque[SharedLedger] = deque(maxlen=_BANNED_KEPT)
"""The latest that were told of a ban."""


def _keep_banned(shared: SharedLedger) -> None:
    """Hold a ledger for the life of the process, or until as many others have been told of a ban."""
    with _registry_lock:
        if shared.is_lasting and all(each is not shared for each in _banned):
            _banned.append(shared)


def _shared(key: tuple[str, ...], limits: Sequence[Limit], is_lasting: bool) -> SharedLedger:
    found = _registry.get(key)
    if found is None:
        found = SharedLedger(limits, is_lasting=is_lasting)
        _registry[key] = found
    return found


class Ledgers(NamedTuple):
    """The ledgers that one session shares with others; they last while somebody holds them."""

    address: SharedLedger
    account: SharedLedger

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
            keys.is_lasting,
        )
        account = _shared(
            ("account", keys.venue, keys.account),
            [limit for limit in limits if limit.bucket is Bucket.ORDERS],
            keys.is_lasting,
        )
    return Ledgers(address, account)


def _after_fork_in_child() -> None:
    """A lock held by another thread at the fork would never be released in the child."""
    global _registry_lock
    _registry_lock = threading.RLock()
    for shared in list(_registry.values()):
        shared.begin_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
