"""What a caller holds while its request is under way."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from time import monotonic
from typing import Any

from crypto_ws_sync.bridge.seat import Seat, Seats
from crypto_ws_sync.engine.requests import Wakes

__all__ = ["CallbackThread", "OneAnswer", "ReplyFuture"]

log = logging.getLogger("crypto_ws_sync.bridge")


class CallbackThread:
    """Runs users' callbacks, one after another, on a daemon thread that begins when the first one is due.

    Owner: shared, guarded by self._lock.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        # Re-entrant, since a signal's handler may wait for a future while its thread adds a callback to one.
        self._lock = threading.RLock()
        self._queue: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._is_ended = False

    def post(self, work: Callable[[], object]) -> None:
        """Run something there; once it has ended, here and now.

        Raises:
            RuntimeError: The system lets no more threads begin; it is run when the next is posted that finds one.
        """
        with self._lock:
            is_late = self._is_ended
            if not is_late:
                self._queue.put(work)
                if self._thread is None:
                    thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                    thread.start()
                    self._thread = thread
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
    except BaseException:
        # A `sys.exit()` among them would end the thread, and with it everybody's later callbacks.
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


def _pass(timeout: float = 0.0) -> None:
    """Do nothing, in place of what a thread did that waits no more."""


class OneAnswer:
    """The answer to one blocking call: set once, by whoever has the request at the time, and waited for by one thread.

    A future with its condition variable costs a call an eighth of its time; one thread that waits needs only a lock
    that is released once, or a seat.

    Args:
        wakes: Where those who are answered stand until the loop wakes them.
        seats: Where its caller may sit down, which `leave` ends; None: it has a lock of its own.

    Attributes:
        on_done: Called with it, by whoever answers, before the caller wakes.
        value: The result, once it is there; None where there is an error.
        error: The error, once it is there.

    Owner: shared; `_is_done` is set after what it stands for.
    """

    __slots__ = ("_is_done", "_seat", "_seats", "_wait", "_wake", "_wakes", "error", "on_done", "value")

    def __init__(self, wakes: Wakes, seats: Seats | None = None) -> None:
        self._wakes = wakes
        self.value: Any = None
        self.error: BaseException | None = None
        self._is_done = False
        self.on_done: Callable[[OneAnswer], object] | None = None
        self._seats = seats
        seat: Seat | None = None
        if seats is not None:
            try:
                if seats.free or len(seats.made) < seats.number:
                    seat = seats.free.pop()
            except IndexError:
                seat = seats.another()
        self._seat = seat
        self._wait: Callable[..., object]
        self._wake: Callable[[], object]
        if seat is not None:
            self._wait, self._wake = seat.wait, seat
        else:
            lock = threading.Lock()
            lock.acquire()
            self._wait, self._wake = lock.acquire, lock.release

    def done(self) -> bool:
        """Tell whether the answer is there."""
        return self._is_done

    def cancel(self) -> bool:
        """Return False: a caller that goes away says so on its request."""
        return False

    def cancelled(self) -> bool:
        """Return False, see `cancel`."""
        return False

    def set_result(self, result: Any) -> None:
        """Give the result and wake who waits."""
        if self._is_done:
            raise InvalidStateError("answered already")
        self.value = result
        self._is_done = True
        if self.on_done is not None:
            self.on_done(self)
        wakes = self._wakes
        if wakes.held is None:
            self._wake()
        elif self._seat is None:
            wakes.held.append(self._wake)
        else:
            wakes.first.append(self._wake)

    def set_exception(self, error: BaseException) -> None:
        """Give the error and wake who waits."""
        if self._is_done:
            raise InvalidStateError("answered already")
        self.error = error
        self._is_done = True
        if self.on_done is not None:
            self.on_done(self)
        self._wake()

    def result(self) -> Any:
        """Return the result; None where there is an error."""
        return self.value

    def exception(self) -> BaseException | None:
        """Return the error; None where there is none."""
        return self.error

    def wait(self, until: float, longest: float) -> bool:
        """Wait in a way that Ctrl-C can end; return whether the answer is there.

        Args:
            until: Monotonic seconds.
            longest: Seconds of one uninterrupted wait: a Ctrl-C in the instant before it begins is seen only after it.
        """
        while not self._is_done:
            left = until - monotonic()
            if left <= 0:
                break
            # Who sat there before may have been meant, so that there is nothing yet.
            self._wait(timeout=left if left < longest else longest)
        return self._is_done

    def leave(self) -> None:
        """Let somebody else have the seat: its caller waits no more. Whoever answers later wakes nobody."""
        seat, seats = self._seat, self._seats
        if seat is not None and seats is not None:
            # In this order: a seat that a Ctrl-C keeps from being put back is lost, and never given to two.
            self._seat, self._wait, self._wake = None, _pass, _pass
            seats.free.append(seat)

    def take(self) -> Any:
        """Return the result or raise the error; once."""
        error = self.error
        if error is None:
            return self.value
        self.error = None
        try:
            raise error
        finally:
            # Else the error would hold this frame, which holds the error, until the garbage is collected.
            del error
