"""What happens to an account's balances without its trading: deposits, withdrawals, locks from outside."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ..matching import AccountPosition
from .events import balance_update, event_body, external_lock_update

if TYPE_CHECKING:
    from .venue import Venue

__all__ = ["deposit", "lock"]


def deposit(venue: Venue, account_id: int, asset: str, change: int) -> None:
    """Add to what an account has of an asset, and tell its streams."""
    now_us = venue.settle(venue.now_us())
    position = venue.floor.engine.deposit(account_id, asset, change, now_us)
    venue.streams.publish(account_id, partial(balance_update, asset, change, now_us, venue.now_us()))
    _tell(venue, position)


def lock(venue: Venue, account_id: int, asset: str, change: int) -> None:
    """Lock some of what an account has free of an asset, as somebody other than its orders; tell its streams."""
    now_us = venue.settle(venue.now_us())
    position = venue.floor.engine.lock_from_outside(account_id, asset, change, now_us)
    venue.streams.publish(account_id, partial(external_lock_update, asset, change, now_us, venue.now_us()))
    _tell(venue, position)


def _tell(venue: Venue, position: AccountPosition) -> None:
    venue.streams.publish(position.account_id, partial(event_body, position, venue.now_us()))
    venue.streams.flush()
