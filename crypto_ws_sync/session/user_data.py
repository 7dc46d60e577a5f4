"""The account's events as a blocking iterator."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import Any, TypeAlias, cast

from crypto_ws_sync.bridge.event_stream import EventStream
from crypto_ws_sync.bridge.loop_thread import wait_done
from crypto_ws_sync.errors import ConfigError, SessionClosed
from crypto_ws_sync.exchanges.binance.replies.events import UserDataEvent
from crypto_ws_sync.model.stream import StreamGap
from crypto_ws_sync.session.run import Run

__all__ = ["UserDataItem", "UserDataStream", "check_maxsize"]

UserDataItem: TypeAlias = UserDataEvent | StreamGap
"""What a stream gives: the exchange's events as they are, and gaps."""


_CLOSE_WITHIN = 2.0
"""Seconds that closing may wait for the exchange to confirm."""


def check_maxsize(value: int) -> int:
    """Return how many events a stream may hold.

    Raises:
        ConfigError: It is not a whole number above 0.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigError(f"maxsize is {value!r}: pass a whole number of events, 1 or more")
    return value


class UserDataStream:
    """The account's events in order, from the moment it is opened: by `with`, or by the first iteration.

    Each item is the exchange's event object as a dict; `event["e"]` tells its kind. Kinds that are not known here come
    as well. Where events may have been missed (the connection was lost), or were dropped because the reader was too
    slow, a `StreamGap` stands in their place and the stream goes on::

        with session.user_data() as events:
            for event in events:
                if isinstance(event, StreamGap):
                    ...  # ask for open orders and balances anew
                elif event["e"] == "executionReport":
                    print(event["s"], event["x"], event["X"])

    It ends, without an error, when it is closed or the session is stopped (what has come by then is still given). It
    ends with an ApiError where the exchange refuses to go on. Several threads may share one stream; each item goes to
    one of them.

    Owner: shared, guarded by self._lock.
    """

    def __init__(
        self, running: Callable[[], Run], *, open_within: float, timeout: float | None, maxsize: int
    ) -> None:
        """Prepare one; sessions make them.

        Args:
            running: Gives the run of a started session; raises SessionClosed.
            open_within: Seconds that opening may take.
            timeout: Seconds to wait for each item; None: for ever.
            maxsize: Items that may wait to be read.
        """
        self._running = running
        self._open_within = open_within
        self._timeout = timeout
        self._events = EventStream(maxsize)
        self._lock = threading.RLock()
        self._process = os.getpid()
        """In a forked child another thread's lock would never be given back."""
        self._run: Run | None = None
        self._is_closed = False
        self._finalizer: weakref.finalize[Any, Any] | None = None

    def __repr__(self) -> str:
        state = "closed" if self._is_closed else "not open" if self._run is None else "open"
        return f"<UserDataStream {state}>"

    def __enter__(self) -> UserDataStream:
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __iter__(self) -> UserDataStream:
        if not self._is_closed:
            self.open()
        return self

    def __next__(self) -> UserDataItem:
        """Return the next event or gap.

        Raises:
            TimeoutError: Nothing came within the stream's timeout; going on is fine.
            ApiError: The exchange refuses to tell more.
            SessionClosed: In a forked process, or on the session's own thread.
        """
        if self._is_closed:
            raise StopIteration
        run = self._run if self._run is not None else self._opened()
        if run.door.is_forked or threading.get_ident() == run.door.ident:
            run.check()
        return cast(UserDataItem, self._events.take(self._timeout))

    def open(self) -> None:
        """Return once the exchange has confirmed that it tells the events; nothing happens where that was done.

        Raises:
            ApiError: The exchange refused; `code` and `msg` tell why.
            RequestTimeout, ConnectionLost: Not confirmed within the session's timeout.
            SessionClosed: The session is not running, or the stream was closed.

        Cost: weight 2 for the first stream of a session, none for others.
        """
        self._opened()

    def close(self) -> None:
        """End the stream; with the session's last one the subscription ends, too. May be called again."""
        if self._process != os.getpid():
            self._is_closed = True
            self._events.close()
            return
        with self._lock:
            self._is_closed = True
            run, held = self._run, self._finalizer
        self._events.close()
        if run is None or held is None or not held.alive:
            return
        leaving = _let_go(run, self._events)
        # Only now, so that what was cut short by a Ctrl-C is not left undone.
        held.detach()
        if leaving is not None and threading.get_ident() != run.door.ident:
            wait_done(leaving, _CLOSE_WITHIN)

    def _opened(self) -> Run:
        if self._process != os.getpid():
            raise SessionClosed(
                "this stream belongs to the parent process: make a new UserWSSession after the fork"
            )
        with self._lock:
            if self._run is not None and not self._is_closed:
                return self._run
            if self._is_closed:
                raise SessionClosed("this stream was closed: open another with user_data()")
            run = self._running()
            engine = run.engine
            assert engine is not None
            self._finalizer = weakref.finalize(self, _let_go, run, self._events)
            self._finalizer.atexit = False
            try:
                run.ask(lambda: engine.open_stream(self._events, self._open_within), self._open_within + 1.0)
                self._run = run
            except BaseException:
                self._run = None
                _let_go(run, self._events)
                self._finalizer.detach()
                raise
            return run


def _let_go(run: Run, events: EventStream) -> Future[Any] | None:
    """Have the engine forget a stream; return what to wait on, None where nothing runs any more."""
    engine, door = run.engine, run.door
    if engine is None or door.is_forked or door.is_closed:
        return None
    try:
        return door.submit(engine.close_stream(events))
    except SessionClosed:
        return None
