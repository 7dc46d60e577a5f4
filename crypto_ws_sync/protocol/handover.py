"""From one source of the same events to another, without loss and without doubles.

While a connection is replaced, the old and the new one both bring the account's events. The old one goes on
delivering; what the new one brings is held back until its subscription is confirmed and another second has passed,
in which the old one delivers what was on its way. Then the new one takes over. Each source is compared with what the
other has delivered, as a multiset of bodies, so every event is handed on once, whichever brought it first:

    WAITING --confirm--> HOLDING --hold is over, or the old ends--> DROPPING --window is over--> OVER

Where the old source ends before the confirmation there is no hold, and events may be missing. Where there never was
one, WAITING leads straight to OVER.
"""

from __future__ import annotations

import enum
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

__all__ = ["DROP_WINDOW", "HOLD", "Handover", "Phase", "body_key"]

HOLD = 1.0
"""Seconds after the confirmation for which the old source may still bring what was on its way."""

DROP_WINDOW = 10.0
"""Seconds after the change for which doubles are still looked for."""

Item = TypeVar("Item")


class Phase(enum.Enum):
    """How far a handover is."""

    WAITING = "waiting"
    """The new subscription is not confirmed."""
    HOLDING = "holding"
    """It is; the old source delivers, what the new one brings is held back."""
    DROPPING = "dropping"
    """The new source delivers; doubles are dropped on both sides."""
    OVER = "over"
    """The new source alone counts."""


def body_key(body: Mapping[str, Any]) -> str:
    """Return a text that is the same for equal event bodies, in whatever order their fields stand."""
    return json.dumps(body, sort_keys=True, default=str)


class Handover(Generic[Item]):
    """One handover between two sources; times are seconds on one clock that never runs backwards.

    Attributes:
        phase: How far it is.
        is_seamless: Nothing can have been missed between the two sources.
        next_at: When `advance` is due; None: not before the next confirmation.

    Owner: loop thread.
    """

    __slots__ = ("_behind_new", "_behind_old", "_held", "_inherited", "is_seamless", "next_at", "phase")

    def __init__(self, *, has_old: bool, doubles: Counter[str] | None = None) -> None:
        """Begin, before the second subscription is asked for.

        Args:
            has_old: There is a source that delivers now.
            doubles: `left_over` of the handover that made the old source the one that delivers.
        """
        self.phase = Phase.WAITING
        self.is_seamless = has_old
        self.next_at: float | None = None
        self._behind_new: Counter[str] = Counter()
        """Bodies handed on from the old source that the new one has not brought."""
        self._behind_old: Counter[str] = Counter()
        """Bodies handed on from the new source that the old one has not brought."""
        self._inherited: Counter[str] = Counter(doubles or ())
        self._held: list[tuple[str, Item]] = []

    @property
    def has_switched(self) -> bool:
        """Tell whether the new source is the one that delivers."""
        return self.phase in (Phase.DROPPING, Phase.OVER)

    @property
    def left_over(self) -> Counter[str]:
        """Bodies that the new source is still to bring although they were handed on."""
        return Counter(self._behind_new) if self.phase is Phase.DROPPING else Counter()

    def from_old(self, key: str) -> bool:
        """Take an event of the old source; return whether to hand it on."""
        if self.phase is Phase.OVER:
            return False
        if _took(self._inherited, key):
            # Handed on earlier from a third source; the new one may bring it as well.
            self._behind_new[key] += 1
            return False
        if _took(self._behind_old, key):
            return False
        self._behind_new[key] += 1
        return True

    def from_new(self, key: str, item: Item) -> bool:
        """Take an event of the new source; return whether to hand it on now: False for held back, or a double."""
        if not self.has_switched:
            self._held.append((key, item))
            return False
        return self._is_news(key)

    def confirm(self, now: float) -> list[Item]:
        """Learn that the new subscription stands; return what is to be handed on."""
        if self.phase is not Phase.WAITING:
            return []
        self.phase = Phase.HOLDING
        self.next_at = now + HOLD
        if self.is_seamless:
            return []
        return self._switch(now, Phase.DROPPING if self._behind_new else Phase.OVER)

    def old_ended(self, now: float, *, is_complete: bool) -> list[Item]:
        """Learn that the old source brings no more; return what is to be handed on.

        Args:
            now: The time.
            is_complete: All that it had to bring before the confirmation has surely come.
        """
        if self.phase is Phase.OVER:
            return []
        if self.phase is Phase.WAITING or not is_complete:
            self.is_seamless = False
        return self._switch(now, Phase.DROPPING) if self.phase is Phase.HOLDING else []

    def advance(self, now: float) -> list[Item]:
        """Do what is due; return what is to be handed on."""
        if self.next_at is None or now < self.next_at:
            return []
        if self.phase is Phase.HOLDING:
            return self._switch(now, Phase.DROPPING)
        self.phase = Phase.OVER
        self.next_at = None
        self._behind_new.clear()
        self._behind_old.clear()
        self._inherited.clear()
        return []

    def _switch(self, now: float, phase: Phase) -> list[Item]:
        self.phase = phase
        self.next_at = now + DROP_WINDOW if phase is Phase.DROPPING else None
        held, self._held = self._held, []
        return [item for key, item in held if self._is_news(key)]

    def _is_news(self, key: str) -> bool:
        if _took(self._behind_new, key):
            return False
        if self.phase is Phase.DROPPING:
            self._behind_old[key] += 1
        return True


def _took(counter: Counter[str], key: str) -> bool:
    """Take one of `key` out; return whether there was one."""
    count = counter.get(key, 0)
    if count > 1:
        counter[key] = count - 1
    elif count == 1:
        del counter[key]
    return count > 0
