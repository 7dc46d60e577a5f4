"""What a session counts."""

from __future__ import annotations

from collections import Counter

__all__ = ["Counters"]

VERDICTS = ("executed", "refused", "not executed", "unknown")
"""How a look-up of a write can end."""


class Counters:
    """Counts that only ever grow within a session, over any number of connections and starts.

    Owner: loop thread.
    """

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str]] = Counter()
        self.reconnects: Counter[str] = Counter()
        self.verdicts: Counter[str] = Counter(dict.fromkeys(VERDICTS, 0))
        self.late = 0
        self.duplicate = 0
        self.unknown = 0
        self.ignored = 0
        self.lookups = 0
        self.clock_repairs = 0
        self.throttled = 0
        self.events = 0

    def by_method(self) -> dict[str, int]:
        """Return the requests so far: "method outcome" -> count, in the order of the alphabet."""
        return {f"{method} {outcome}": count for (method, outcome), count in sorted(self.requests.items())}

    def by_name(self) -> dict[str, int]:
        """Return all counts but those of requests and reconnects."""
        return {
            "late": self.late,
            "duplicate": self.duplicate,
            "unknown": self.unknown,
            "ignored": self.ignored,
            "lookups": self.lookups,
            "clock_repairs": self.clock_repairs,
            "throttled": self.throttled,
            "events": self.events,
            **{f"verdict_{kind.replace(' ', '_')}": count for kind, count in self.verdicts.items()},
        }
