"""A thread for what may wait for a disk, so that the loop never does."""

from __future__ import annotations

import atexit
import logging
import os
import queue
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

__all__ = ["WriterThread"]

log = logging.getLogger("crypto_ws_sync.bridge")

GATHER = 0.05
"""Seconds for which items gather before they are written: one turn of the thread then serves many."""

AT_EXIT = 0.5
"""Seconds for which the end of a program waits for what is still to be written."""

Item = TypeVar("Item")


class WriterThread(Generic[Item]):
    """Writes what it is given, in the order of arrival and many at a time, on a daemon thread.

    Args:
        name: The thread's name.
        write: Called with what has gathered; on the thread.
        at_end: Called once after the last of it; on the thread.
        at_fork: Called in a forked child, where the thread does not exist.

    Attributes:
        post: Has something written, soon; never waits. Nothing happens once the thread has ended.

    Owner: shared; the queue is safe, flags are set once.
    """

    def __init__(
        self,
        name: str,
        write: Callable[[Sequence[Item]], None],
        *,
        at_end: Callable[[], None],
        at_fork: Callable[[], None],
    ) -> None:
        self._write = write
        self._at_end = at_end
        self.at_fork = at_fork
        self._queue: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        self.post: Callable[[Item], None] = self._queue.put
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        _live.add(self)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def end(self) -> None:
        """Have the thread write what it has been given, and end; waits for nothing."""
        if not self._ending.is_set():
            self._ending.set()
            self._queue.put(None)

    def stop(self, timeout: float) -> None:
        """End, and wait for that."""
        self.end()
        # Not by its number, which it has a moment before it can be joined.
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def _run(self) -> None:
        is_over = False
        while not is_over:
            gathered = [self._queue.get()]
            self._ending.wait(GATHER)
            while not self._queue.empty():
                gathered.append(self._queue.get())
            is_over = None in gathered
            items = [item for item in gathered if item is not None]
            try:
                if items:
                    self._write(items)
            except Exception:
                log.exception("what was to be written is lost", extra={"event": "engine_failed"})
        self._at_end()


_live: weakref.WeakSet[WriterThread[Any]] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for thread in list(_live):
        thread.at_fork()
    _live.clear()


def _at_exit() -> None:
    """Write what is known by then: a daemon thread ends with the program, wherever it is."""
    for thread in list(_live):
        thread.stop(AT_EXIT)


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
