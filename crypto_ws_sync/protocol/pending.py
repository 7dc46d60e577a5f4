"""Which requests still wait for their reply, and what a reply nobody waits for is."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Generic, TypeVar

__all__ = ["PendingTable"]

Key = str | int
Waiter = TypeVar("Waiter")

_REMEMBERED = 4096
"""How many settled keys are kept, to tell a second reply from one that was never asked for."""


class PendingTable(Generic[Waiter]):
    """Request key -> what waits for its reply.

    Owner: loop thread.
    """

    __slots__ = ("_settled", "_waiting", "duplicate", "unknown")

    def __init__(self) -> None:
        self._waiting: dict[Key, Waiter] = {}
        self._settled: OrderedDict[Key, None] = OrderedDict()
        self.duplicate = 0
        self.unknown = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, key: object) -> bool:
        return key in self._waiting

    def __iter__(self) -> Iterator[Waiter]:
        return iter(list(self._waiting.values()))

    def add(self, key: Key, waiter: Waiter) -> None:
        """Remember who waits for `key`, which must be new."""
        if key in self._waiting:
            raise ValueError(f"request key {key!r} is already waiting")
        self._waiting[key] = waiter

    def take(self, key: Key) -> Waiter | None:
        """Return who waited for `key` and forget it; None, and counted, where nobody did."""
        waiter = self._waiting.pop(key, None)
        if waiter is None:
            if key in self._settled:
                self.duplicate += 1
            else:
                self.unknown += 1
            return None
        # `_remember`, without a call for each answer.
        settled = self._settled
        settled[key] = None
        if len(settled) > _REMEMBERED:
            settled.popitem(last=False)
        return waiter

    def drop(self, key: Key) -> Waiter | None:
        """Forget `key` without a reply; a reply that still comes counts as a duplicate."""
        waiter = self._waiting.pop(key, None)
        if waiter is not None:
            self._remember(key)
        return waiter

    def has_settled(self, key: Key) -> bool:
        """Tell whether a reply to `key` has come before, or is waited for no more."""
        return key in self._settled

    def take_all(self) -> list[Waiter]:
        """Return all that wait, oldest first, and forget them."""
        waiters = list(self._waiting.values())
        for key in self._waiting:
            self._remember(key)
        self._waiting.clear()
        return waiters

    def _remember(self, key: Key) -> None:
        settled = self._settled
        settled[key] = None
        if len(settled) > _REMEMBERED:
            settled.popitem(last=False)
