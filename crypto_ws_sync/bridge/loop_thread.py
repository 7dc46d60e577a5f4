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
from concurrent.futures import Future
from typing import Any

from crypto_ws_sync.bridge.bell import Bell
from crypto_ws_sync.errors import SessionClosed

__all__ = ["LONGEST_WAIT", "LoopThread", "wait_done"]

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
    if reply.done():
        return True
    longest = _SLICE if (MUST_SLICE if must_slice is None else must_slice) else _LONG_SLICE
    left = math.inf if timeout is None else timeout
    # Not by the future's own wait, which tells the end of its time by a TimeoutError: so may a signal's handler.
    answered = threading.Lock()
    answered.acquire()
    Future.add_done_callback(reply, lambda _: answered.release())
    while left > 0:
        if answered.acquire(timeout=min(left, longest)):
            return True
        left -= longest
    return reply.done()


def _new_loop() -> asyncio.AbstractEventLoop:
    """Return a loop that can watch sockets, whatever the system's default one is."""
    if hasattr(select, "epoll"):
        # Quicker than uvloop, too: by a tenth with eight threads, and by a few hundredths with one.
        from crypto_ws_sync.bridge.quick_loop import QuickLoop

        return QuickLoop()
    try:
        import uvloop
    except ImportError:
        return asyncio.SelectorEventLoop()
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
        self._is_ours = threading.Lock()
        """Taken once: by the thread when it begins, or by who puts away what it would have worked with."""
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread.

        Raises:
            RuntimeError: The system lets no more threads begin.
            SessionClosed: `stop` was called before.
        """
        with self._closing:
            if self._is_ours.locked():
                raise SessionClosed("the session was stopped while it was starting")
            self._bell = Bell()
            self.is_closed = False
        _live.add(self)
        try:
            self._thread.start()
        except RuntimeError:
            self._put_away()
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

    def hand_over(self, function: Callable[[], object]) -> None:
        """Have a function called on the loop, soon.

        Raises:
            SessionClosed: The loop has ended.
        """
        with self._closing:
            if self.is_closed:
                raise SessionClosed("the session was stopped")
            self._loop.call_soon_threadsafe(function)

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
            if not (self.is_closed or self.is_forked):
                # What a signal's handler raised, most likely a TimeoutError, which is one of these.
                raise
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
        if not self._thread.is_alive():
            self._put_away()
        elif threading.get_ident() != self.ident:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _put_away(self) -> None:
        """Close what the thread would have worked with, if it has not begun; then it ends as soon as it does.

        After a Ctrl-C within its start nobody can tell whether it has.
        """
        with self._closing:
            if not self._is_ours.acquire(blocking=False):
                return
            self.is_closed = True
            if self._bell is not None:
                self._bell.close()
            self._loop.close()
        _live.discard(self)
        self._on_closed()

    def _run(self) -> None:
        loop, bell = self._loop, self._bell
        assert bell is not None
        if not self._is_ours.acquire(blocking=False):
            return
        self.ident = threading.get_ident()
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
