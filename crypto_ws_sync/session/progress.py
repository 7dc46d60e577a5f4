"""How far a history has come, shown on stderr: a bar where tqdm is installed, plain lines without it."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Protocol

__all__ = ["Bar", "Lines", "Progress", "show_progress"]

_EVERY = 1.0
"""Seconds between two plain lines."""


class Progress(Protocol):
    """Somebody who shows how far it has come."""

    def advance(self, records: int, reached: int) -> None:
        """Show that so many more records have come, up to a time in microseconds (0: not known)."""

    def hold(self, seconds: float) -> None:
        """Show that a limit holds back the next page."""

    def close(self) -> None:
        """Show that this is all."""


def show_progress(title: str) -> Progress:
    """Return a bar where tqdm can be imported, else plain lines."""
    try:
        return Bar(title, importlib.import_module("tqdm").tqdm)
    except ImportError:
        return Lines(title)


class Bar:
    """A bar of tqdm, counting records.

    Owner: caller thread.
    """

    def __init__(self, title: str, make_bar: Callable[..., _Tqdm]) -> None:
        self._bar = make_bar(desc=title, unit=" records", file=sys.stderr)

    def advance(self, records: int, reached: int) -> None:
        """Move the bar."""
        if reached:
            self._bar.set_postfix_str(_moment(reached), refresh=False)
        self._bar.update(records)

    def hold(self, seconds: float) -> None:
        """Say why the bar stands still."""
        self._bar.set_postfix_str(f"waiting {seconds:.0f} s for the limit")

    def close(self) -> None:
        """Leave the bar as it is."""
        self._bar.close()


class _Tqdm(Protocol):
    def update(self, n: int) -> object: ...

    def set_postfix_str(self, s: str, refresh: bool = True) -> object: ...

    def close(self) -> object: ...


class Lines:
    """Lines on stderr, about one a second.

    Owner: caller thread.
    """

    def __init__(self, title: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._title = title
        self._clock = clock
        self._records = 0
        self._reached = 0
        self._told_at: float | None = None
        self._is_closed = False

    def advance(self, records: int, reached: int) -> None:
        """Write a line, if the last one was some time ago."""
        self._records += records
        self._reached = reached
        now = self._clock()
        if self._told_at is None or now - self._told_at >= _EVERY:
            self._told_at = now
            where = f", up to {_moment(reached)}" if reached else ""
            self._write(f"{self._records} records{where}")

    def hold(self, seconds: float) -> None:
        """Write why nothing comes."""
        self._write(f"waiting {seconds:.0f} s for the limit")

    def close(self) -> None:
        """Write the sum, once."""
        if not self._is_closed:
            self._is_closed = True
            self._write(f"{self._records} records in all")

    def _write(self, text: str) -> None:
        print(f"{self._title}: {text}", file=sys.stderr, flush=True)


def _moment(time_us: int) -> str:
    return f"{datetime.fromtimestamp(time_us // 1_000_000, timezone.utc):%Y-%m-%d %H:%M:%S} UTC"
