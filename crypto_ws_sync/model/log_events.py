"""What the library's loggers say, and that nobody who listens can harm it."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["LOGGERS", "LOG_EVENTS", "guard_loggers"]

LOGGERS = tuple(
    f"crypto_ws_sync.{room}" for room in ("bridge", "config", "engine", "session", "signing", "transport")
)
"""Every logger of the library, without the simulated exchange's."""

LOG_EVENTS: Mapping[str, str] = MappingProxyType(
    {
        "connected": "a connection serves requests",
        "connect_retry": "a connection could not be had; it is tried again after a pause",
        "connect_failed": "a connection could not be had, for a reason that should not occur",
        "retired": "the connection is replaced on purpose, the next one being opened first",
        "lost": "the connection has ended",
        "flapping": "connections end before they have served anybody; the next one waits a little",
        "silent": "the line is silent though an answer is due; a second connection is opened beside it",
        "spoke_again": "the silent line has spoken; the second connection is closed",
        "key_gone": "the exchange no longer knows the key",
        "degraded": "the exchange refuses the log-on; signed requests fail, others go on",
        "exchange_error": "the exchange reports an error that belongs to no request",
        "protocol_broken": "the server broke the WebSocket protocol",
        "throttled": "the exchange refused a request for its limits; all hold back",
        "history_held": "a page of history waits for a limit's window",
        "clock_drift": "this machine's clocks drifted apart, as after a sleep; the exchange is asked its time",
        "clock_unknown": "the exchange did not tell its time",
        "lookup": "the outcome of a write is being looked up",
        "verdict": "the outcome of a write is known",
        "left_open": "the session was stopped while the outcome of writes was open",
        "subscribed": "user data is subscribed to",
        "stream_gap": "events may be missing",
        "stream_refused": "the exchange refuses the subscription to user data",
        "stream_terminated": "the exchange has ended the subscription to user data",
        "callback_failed": "a function given to a future of `submit()` raised",
        "engine_failed": "a mistake of this library",
        "stopped": "the session was stopped",
    }
)
"""Value of `record.event` -> what has happened."""


class _GuardedLogger(logging.Logger):
    """A logger whose listeners cannot harm who speaks.

    A filter, or a handler that does not catch its own errors, would raise them on the loop's thread, in the middle of
    whatever was to be told: a connection that is lost, an order that is settled.
    """

    def handle(self, record: logging.LogRecord) -> None:
        """Have a record heard; what a listener raises is shown, as `logging` itself does it, and goes no further."""
        try:
            super().handle(record)
        except Exception:
            if logging.raiseExceptions and sys.stderr:
                traceback.print_exc(file=sys.stderr)


def guard_loggers() -> None:
    """Let no filter or handler of the library's loggers raise into it."""
    for name in LOGGERS:
        logger = logging.getLogger(name)
        # It stays the same object, as somebody may hold it; one of another kind is left alone.
        if type(logger) is logging.Logger:
            logger.__class__ = _GuardedLogger
