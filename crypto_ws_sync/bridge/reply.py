"""What a caller holds while its request is under way."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

__all__ = ["CallbackThread", "ReplyFuture"]

log = logging.getLogger("crypto_ws_sync.bridge")


class CallbackThread:
    """Runs users' callbacks, one after another, on a daemon thread that begins when the first one is due.

    Owner: shared, guarded by self._lock.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._queue: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._is_ended = False

    def post(self, work: Callable[[], object]) -> None:
        """Run something there; once it has ended, here and now."""
        with self._lock:
            is_late = self._is_ended
            if not is_late:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                    self._thread.start()
                self._queue.put(work)
        if is_late:
            _do(work)

    def end(self) -> None:
        """Have the thread end after what is queued, without waiting for it."""
        with self._lock:
            if self._thread is not None and not self._is_ended:
                self._queue.put(None)
            self._is_ended = True

    def stop(self, timeout: float) -> None:
        """Finish what is queued, and end; wait for that."""
        self.end()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def _run(self) -> None:
        while (work := self._queue.get()) is not None:
            _do(work)


def _do(work: Callable[[], object]) -> None:
    try:
        work()
    except Exception:
        log.exception("a callback of submit() raised", extra={"event": "callback_failed"})


class ReplyFuture(Future[Any]):
    """The answer to come; callbacks run on a helper thread, so they may call the session.

    Owner: shared, guarded by the base class.
    """

    def __init__(self, callbacks: CallbackThread) -> None:
        super().__init__()
        self._post = callbacks.post

    def add_done_callback(self, fn: Callable[[Future[Any]], object]) -> None:
        """Have a function called with this future once it is done, on the session's helper thread."""
        post = self._post
        super().add_done_callback(lambda future: post(lambda: fn(future)))
