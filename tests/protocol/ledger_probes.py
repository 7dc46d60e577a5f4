"""What a ledger is asked in the tests of limits, and how much room it turns out to have."""

from __future__ import annotations

from crypto_ws_sync.protocol.limits import Bucket, Full, Granted, Ledger, Limit, Reading, Reservation
from crypto_ws_sync.protocol.method import Charge

NOON = 1_700_000_040.0
"""A whole minute by the exchange's clock."""

START = NOON + 1
ONE = Charge(1)
MINUTE = Limit(Bucket.WEIGHT, 60, 10)
TEN_SECONDS = Limit(Bucket.ORDERS, 10, 3)
DAY = Limit(Bucket.ORDERS, 86400, 5)
TOMORROW = (NOON // 86400 + 1) * 86400


def weight(used: int, limit: int = 10, seconds: int = 60) -> Reading:
    return Reading(Bucket.WEIGHT, seconds, limit, used)


def orders(used: int, limit: int = 3, seconds: int = 10) -> Reading:
    return Reading(Bucket.ORDERS, seconds, limit, used)


def reserve(ledger: Ledger, now: float = START, charge: Charge = ONE) -> Reservation:
    verdict = ledger.reserve(charge, now)
    assert isinstance(verdict, Granted), verdict
    return verdict.reservation


def refused(ledger: Ledger, now: float = START, charge: Charge = ONE) -> Full:
    verdict = ledger.reserve(charge, now)
    assert isinstance(verdict, Full), verdict
    assert ledger.look(charge, now) == verdict
    assert ledger.held_until(charge, now) == verdict.until
    return verdict


def room(ledger: Ledger, now: float = START) -> int:
    """The greatest weight that would be granted."""
    return max(n for n in range(200) if not n or ledger.look(Charge(n), now) is None)


def order_room(ledger: Ledger, now: float = START) -> int:
    """The greatest number of orders that would be granted."""
    return max(n for n in range(200) if ledger.look(Charge(0, n), now) is None)
