"""The way of events from the loop to whoever iterates: a bounded queue that tells what it had to drop."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from crypto_ws_sync.bridge.loop_thread import MUST_SLICE
from crypto_ws_sync.errors import RequestTimeout
from crypto_ws_sync.model.stream import StreamGap

__all__ = ["EventStream"]

_SLICE = 0.2
"""Seconds of one wait where a lock cannot be interrupted."""


class _Item:
    """One place in the queue, with how many events and gaps were put before it and when it came.

    Owner: shared, never changed.
    """

    __slots__ = ("at", "events_before", "gaps_before", "value")

    def __init__(
        self, value: Mapping[str, Any] | StreamGap, at: float, events_before: int, gaps_before: int
    ) -> None:
        self.value = value
        self.at = at
        self.events_before = events_before
        self.gaps_before = gaps_before


class EventStream:
    """A bounded queue of events between the loop and a blocking reader.

    The loop never waits: where the queue is full, the oldest item goes. Items are numbered, so the reader sees from
    the next one how many went, and that stands in their place as one gap.

    Owner: shared: the loop puts, any thread takes, one at a time, guarded by self._taking; the queue's own operations
    are atomic.
    """

    def __init__(self, maxsize: int, *, must_slice: bool | None = None) -> None:
        """Make an empty one.

        Args:
            maxsize: Items that it holds at most.
            must_slice: Wait in slices, because the system does not wake a waiting lock for signals.
        """
        self._maxsize = maxsize
        self._slice_needed = MUST_SLICE if must_slice is None else must_slice
        self._queue: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        # Re-entrant, and so known to belong to a thread: an interrupt right after it was taken leaves it taken.
        self._taking = threading.RLock()
        self._error: BaseException | None = None
        self._ended = False
        self._closed = False
        # The loop's counts of what was put, and the reader's of what was taken or seen to be gone.
        self._events_put = 0
        self._gaps_put = 0
        self._events_taken = 0
        self._gaps_taken = 0
        self._last_at = 0.0
        self._waiting: _Item | None = None

    # -- the loop's side ----------------------------------------------------------------------------------------

    def opened(self, at: float) -> None:
        """Learn when (epoch seconds) the first event can come; before any is put."""
        self._last_at = at

    def put(self, body: Mapping[str, Any], at: float) -> None:
        """Append an event that came at `at` (epoch seconds)."""
        self._append(_Item(body, at, self._events_put, self._gaps_put))
        self._events_put += 1

    def gap(self, gap: StreamGap) -> None:
        """Append a gap."""
        self._append(_Item(gap, gap.until, self._events_put, self._gaps_put))
        self._gaps_put += 1

    def end(self, error: BaseException | None = None) -> None:
        """Let the reader take what is there, and then end: quietly, or with an error."""
        if not self._ended:
            self._ended = True
            self._error = error
            self._queue.put(None)

    def _append(self, item: _Item) -> None:
        if self._ended or self._closed:
            return
        if self._queue.qsize() >= self._maxsize:
            try:
                self._queue.get_nowait()
            except queue.Empty:
                pass
        self._queue.put(item)

    # -- the reader's side --------------------------------------------------------------------------------------

    def close(self) -> None:
        """End at once, whatever is there."""
        self._closed = True
        self._queue.put(None)

    def take(self, timeout: float | None) -> Mapping[str, Any] | StreamGap:
        """Return the next event or gap.

        Args:
            timeout: Seconds to wait; None: for ever.

        Raises:
            StopIteration: It has ended.
            RequestTimeout: Nothing came in time; taking again is fine.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        try:
            while not self._taking.acquire(timeout=self._step(deadline, forever=-1.0)):
                self._check_time(deadline, timeout)
            return self._taken(self._next(deadline, timeout))
        finally:
            with suppress(RuntimeError):  # it is another thread's
                self._taking.release()

    def _next(self, deadline: float | None, timeout: float | None) -> _Item:
        """Wait for the next item."""
        if self._waiting is not None and not self._closed:
            item, self._waiting = self._waiting, None
            return item
        while True:
            try:
                got = self._queue.get(timeout=self._step(deadline))
            except queue.Empty:
                self._check_time(deadline, timeout)
                continue
            if got is not None and not self._closed:
                return got
            # The end stays there, for whoever else may read.
            self._queue.put(None)
            error, self._error = self._error, None
            if error is not None and not self._closed:
                raise error
            raise StopIteration

    def _taken(self, item: _Item) -> Mapping[str, Any] | StreamGap:
        """Return an item's value, or first the gap that its number shows."""
        missed = item.events_before - self._events_taken
        is_gap_gone = item.gaps_before > self._gaps_taken
        since, self._last_at = self._last_at, item.at
        self._events_taken, self._gaps_taken = item.events_before, item.gaps_before
        if missed or is_gap_gone:
            self._waiting = item
            return StreamGap(since, item.at, None if is_gap_gone else missed)
        if isinstance(item.value, StreamGap):
            self._gaps_taken += 1
        else:
            self._events_taken += 1
        return item.value

    def _step(self, deadline: float | None, forever: float | None = None) -> Any:
        """Return how long to wait now; `forever` where nothing limits it."""
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        if self._slice_needed:
            return _SLICE if left is None else min(left, _SLICE)
        return forever if left is None else left

    def _check_time(self, deadline: float | None, timeout: float | None) -> None:
        if deadline is not None and time.monotonic() >= deadline:
            raise RequestTimeout(f"no event came within {timeout:g} s")
