"""The exchange's time: the machine's own, or one that a test moves by hand."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import threading
import time
from collections.abc import Callable
from typing import Protocol

__all__ = ["Clock", "ManualClock", "RealClock", "Timers"]


class Clock(Protocol):
    """Where the exchange reads the time."""

    def now(self) -> float:
        """Seconds since 1970-01-01 UTC."""

    def now_us(self) -> int:
        """Microseconds since 1970-01-01 UTC."""


class RealClock:
    """The machine's own wall clock."""

    def now(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        return time.time()

    def now_us(self) -> int:
        """Microseconds since 1970-01-01 UTC."""
        return time.time_ns() // 1000


class ManualClock:
    """A clock that stands still until it is moved, for tests.

    The simulated exchange and a session may share one; each is told when it moves. It never runs backwards.

    Owner: shared, guarded by self._lock.
    """

    def __init__(self, start: float | None = None) -> None:
        self._lock = threading.Lock()
        self._now_us = time.time_ns() // 1000 if start is None else round(start * 1_000_000)
        self._listeners: dict[int, Callable[[], None]] = {}
        self._keys = itertools.count()

    def now(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        return self._now_us / 1_000_000

    def now_us(self) -> int:
        """Microseconds since 1970-01-01 UTC."""
        return self._now_us

    def advance(self, seconds: float) -> None:
        """Move the clock forward, then tell whoever asked to be told, on the calling thread.

        Raises:
            ValueError: `seconds` is negative; time does not run backwards.
        """
        if seconds < 0:
            raise ValueError("a clock cannot be moved backwards")
        with self._lock:
            self._now_us += round(seconds * 1_000_000)
            listeners = list(self._listeners.values())
        for listener in listeners:
            listener()

    def on_advance(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Have `listener` called after each move, on the thread that moves the clock; returns what ends that.

        A listener must return at once: it may set an event or hand work to its own thread, never wait.
        """
        with self._lock:
            key = next(self._keys)
            self._listeners[key] = listener

        def forget() -> None:
            with self._lock:
                self._listeners.pop(key, None)

        return forget


class Timer:
    """One thing to do at one moment; `cancel()` takes it back.

    Owner: the exchange's loop thread.
    """

    __slots__ = ("action", "when_us")

    def __init__(self, when_us: int, action: Callable[[], None]) -> None:
        self.when_us = when_us
        self.action: Callable[[], None] | None = action

    def cancel(self) -> None:
        """Let the moment pass without doing anything."""
        self.action = None


class Timers:
    """What the exchange does at set moments of its own clock, on its own loop.

    With a manual clock nothing happens until the clock moves, and then everything that fell due, in order.

    Owner: the exchange's loop thread.
    """

    def __init__(self, clock: Clock, loop: asyncio.AbstractEventLoop) -> None:
        self._clock = clock
        self._loop = loop
        self._heap: list[tuple[int, int, Timer]] = []
        self._sequence = itertools.count()
        self._wakeup: asyncio.TimerHandle | None = None
        self._forget: Callable[[], None] | None = None
        self.is_closed = False
        if isinstance(clock, ManualClock):
            self._forget = clock.on_advance(self._clock_moved)

    def call_at_us(self, when_us: int, action: Callable[[], None]) -> Timer:
        """Do `action` when the clock shows `when_us`."""
        timer = Timer(when_us, action)
        heapq.heappush(self._heap, (when_us, next(self._sequence), timer))
        if self._heap[0][2] is timer:
            self._arm()
        return timer

    def call_after_us(self, delay_us: int, action: Callable[[], None]) -> Timer:
        """Do `action` when so many microseconds have passed on the clock."""
        return self.call_at_us(self._clock.now_us() + delay_us, action)

    def call_soon(self, action: Callable[[], None]) -> None:
        """Do `action` once what else is ready has had its turn."""
        self._loop.call_soon(action)

    def close(self) -> None:
        """Forget everything that has not happened yet."""
        self.is_closed = True
        self._heap.clear()
        if self._wakeup is not None:
            self._wakeup.cancel()
        if self._forget is not None:
            self._forget()

    def _clock_moved(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._run_due)
        except RuntimeError:  # the loop has been closed meanwhile: nothing is left to wake
            pass

    def _arm(self) -> None:
        if self._forget is not None:
            if self._heap and self._heap[0][0] <= self._clock.now_us():
                self._loop.call_soon(self._run_due)
            return
        if self._wakeup is not None:
            self._wakeup.cancel()
            self._wakeup = None
        if self._heap:
            wait = max(0.0, (self._heap[0][0] - self._clock.now_us()) / 1_000_000)
            self._wakeup = self._loop.call_later(wait, self._run_due)

    def _run_due(self) -> None:
        now_us = self._clock.now_us()
        while self._heap and self._heap[0][0] <= now_us:
            action = heapq.heappop(self._heap)[2].action
            if action is not None:
                action()
        self._arm()
