"""The vocabulary of log records: what `record.event` may say, and what it means."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["LOG_EVENTS"]

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
