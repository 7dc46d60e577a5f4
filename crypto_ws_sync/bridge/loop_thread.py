"""The door: a dedicated thread with an event loop, and the way from any other thread onto it."""

from __future__ import annotations

import asyncio
import math
import os
import select
import sys
import threading
import weakref
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any

from crypto_ws_sync.bridge.bell import Bell
from crypto_ws_sync.errors import SessionClosed

__all__ = ["LONGEST_WAIT", "LoopThread", "wait_done"]

# Three classes until Python 3.11 made them one.
_TIMEOUTS = (TimeoutError, asyncio.TimeoutError, FutureTimeoutError)

_SLICE = 0.2
"""Seconds of one wait where a lock cannot be interrupted."""
_LONG_SLICE = 0.4
"""Seconds of one wait elsewhere: a Ctrl-C in the instant before the wait begins does not end it, but the next."""

MUST_SLICE = sys.platform == "win32" and sys.version_info < (3, 14)
LONGEST_WAIT = _SLICE if MUST_SLICE else _LONG_SLICE
"""Seconds of one uninterrupted wait on this system."""


def wait_done(reply: Future[Any], timeout: float | None, *, must_slice: bool | None = None) -> bool:
    """Wait until a future is done, in a way that Ctrl-C can end; return whether it is.

    Args:
        reply: The future.
        timeout: Seconds; None: for ever.
        must_slice: Wait in slices, because the system does not wake a waiting lock for signals.
    """
    longest = _SLICE if (MUST_SLICE if must_slice is None else must_slice) else _LONG_SLICE
    left = math.inf if timeout is None else timeout
    while True:
        step = min(left, longest)
        try:
            reply.exception(step)
            return True
        except _TIMEOUTS:
            if reply.done():
                return True
        except CancelledError:
            return True
        left -= step
        if left <= 0:
            return False


def _new_loop() -> asyncio.AbstractEventLoop:
    """Return a loop that can watch sockets, whatever the system's default one is."""
    try:
        import uvloop
    except ImportError:
        if not hasattr(select, "epoll"):
            return asyncio.SelectorEventLoop()
        from crypto_ws_sync.bridge.quick_loop import QuickLoop

        return QuickLoop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


class LoopThread:
    """One daemon thread that runs one event loop.

    Args:
        name: The thread's name.
        on_ring: Called on the loop after `ring`.
        at_fork: Called in a forked child.
        at_end: Called on the loop when it is about to close.
        on_closed: Called on the thread when the loop has closed, so that nothing can be handed over any more.

    Owner: shared; flags are set once, `is_closed` guarded by self._closing.
    """

    def __init__(
        self,
        name: str,
        *,
        on_ring: Callable[[], object],
        at_fork: Callable[[], None],
        at_end: Callable[[], None],
        on_closed: Callable[[], None],
    ) -> None:
        self.is_forked = False
        self.ident = 0
        self._on_ring = on_ring
        self._bell: Bell | None = None
        self._at_fork = at_fork
        self._at_end = at_end
        self._on_closed = on_closed
        self._is_stopped = False
        self._loop = _new_loop()
        self.is_closed = True
        # What is handed over in here has its turn before the loop ends; later it is refused. May be entered twice, as
        # the collector may run anything in between.
        self._closing = threading.RLock()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._bell = Bell()
        _live.add(self)
        self.is_closed = False
        try:
            self._thread.start()
        except BaseException:
            self.is_closed = True
            self._bell.close()
            raise
        self.ident = self._thread.ident or 0

    def submit(self, coroutine: Coroutine[Any, Any, Any]) -> Future[Any]:
        """Run a coroutine on the loop.

        Raises:
            SessionClosed: The loop has ended.
        """
        try:
            with self._closing:
                if self.is_closed:
                    raise RuntimeError
                return asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        except RuntimeError:
            coroutine.close()
            raise SessionClosed("the session was stopped") from None

    def ring(self) -> None:
        """Have the loop call what it was given for that, soon; once for several rings that come together.

        Raises:
            SessionClosed: The loop has ended.
        """
        try:
            if self.is_closed or self._bell is None:
                raise OSError
            self._bell.ring()
        except OSError:
            raise SessionClosed("the session was stopped") from None

    def call(self, function: Callable[[], object]) -> None:
        """Have a function called on the loop, soon; nothing happens once the loop has ended."""
        if not self.is_forked:
            try:
                self._loop.call_soon_threadsafe(function)
            except RuntimeError:
                return

    def signal_stop(self) -> None:
        """Ask the loop to end, without waiting for it; safe from any thread and at exit."""
        self.call(self._stop_running)

    def _stop_running(self) -> None:
        # A second stop, carried out a turn later, would end the loop under its own tidying up.
        if not self._is_stopped:
            self._is_stopped = True
            self._loop.stop()

    def stop(self, timeout: float | None) -> bool:
        """End the loop and join its thread; return whether it has ended in time."""
        self.signal_stop()
        # Not by its number, which it has a moment before it can be joined.
        if self._thread.is_alive() and threading.get_ident() != self.ident:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        loop, bell = self._loop, self._bell
        assert bell is not None
        asyncio.set_event_loop(loop)
        bell.hang(loop, self._on_ring)
        try:
            loop.run_forever()
        finally:
            with self._closing:
                self.is_closed = True
            try:
                self._finish()
            finally:
                bell.take_down(loop)
                asyncio.set_event_loop(None)
                loop.close()
                _live.discard(self)
                self._on_closed()

    def _finish(self) -> None:
        """Let what has been handed over see the end: a stopped loop would leave it pending for ever."""
        loop = self._loop

        async def end() -> None:
            self._at_end()

        try:
            loop.run_until_complete(end())
        finally:
            self._end_tasks()
            loop.run_until_complete(loop.shutdown_asyncgens())
            # What was handed over in the last moment has begun by now.
            self._end_tasks()

    def _end_tasks(self) -> None:
        # A task on its way to its end may begin another.
        while tasks := asyncio.all_tasks(self._loop):
            for task in tasks:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))

    def after_fork(self) -> None:
        """In a forked child: the loop and its connection are the parent's."""
        self.is_forked = True
        self._closing = threading.RLock()
        if self._bell is not None:
            self._bell.close()
        self._at_fork()


_live: weakref.WeakSet[LoopThread] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for thread in list(_live):
        thread.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
