"""A thread for signatures that take long enough to hold everybody else up."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

__all__ = ["SigningThread"]

Work = Callable[[], Any]


class SigningThread:
    """Runs slow work, one piece after another, on a daemon thread that begins with the first.

    Owner: loop thread, but for the work itself.
    """

    def __init__(self, name: str, call: Callable[[Callable[[], object]], None]) -> None:
        """Begin without a thread.

        Args:
            name: The thread's name.
            call: Has a function called on the loop.
        """
        self._name = name
        self._call = call
        self._queue: queue.SimpleQueue[tuple[Work, Callable[[Any], None]] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def offload(self, work: Work, then: Callable[[Any], None]) -> None:
        """Run `work` on the thread, then `then` with its result, or with the error it raised, on the loop.

        Where the system lets no more threads begin, it is run here: everybody is held up then, but nobody for ever.
        """
        if self._thread is None:
            thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            try:
                thread.start()
            except RuntimeError:
                self._do(work, then)
                return
            self._thread = thread
        self._queue.put((work, then))

    def end(self) -> None:
        """Have the thread end after what is queued, without waiting for it."""
        if self._thread is not None:
            self._queue.put(None)

    def stop(self, timeout: float) -> None:
        """End, and wait for that."""
        self.end()
        # One that the loop is about to start cannot be joined yet.
        if self._thread is not None and self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self) -> None:
        while (job := self._queue.get()) is not None:
            self._do(*job)

    def _do(self, work: Work, then: Callable[[Any], None]) -> None:
        try:
            result = work()
        except Exception as error:
            result = error
        self._call(lambda: then(result))
