"""A thread-safe blocking client for the Binance WebSocket API.

What is needed to talk with an exchange is loaded when it is first asked for: a program that imports this package to
catch an error or to name a type waits for nothing.
"""

import logging as _logging
from importlib import import_module as _import_module
from typing import TYPE_CHECKING

from crypto_ws_sync.errors import (
    ApiError,
    AuthError,
    BadRequest,
    CancelRejected,
    ConfigError,
    ConnectionFailed,
    ConnectionLost,
    CryptoWSError,
    InvalidParameter,
    IPBanned,
    NotFound,
    OrderRejected,
    OutcomeUnknown,
    OutOfService,
    PartialFailure,
    RateLimited,
    RequestTimeout,
    ServerError,
    SessionClosed,
    TimestampError,
    WAFBlocked,
)

if TYPE_CHECKING:
    from crypto_ws_sync.config import Credentials, get_credentials
    from crypto_ws_sync.model.status import SessionStatus
    from crypto_ws_sync.model.stream import StreamGap
    from crypto_ws_sync.session.unresolved import UnresolvedOrder
    from crypto_ws_sync.session.user_data import UserDataStream
    from crypto_ws_sync.session.user_ws_session import UserWSSession

__version__ = "0.1.0"

__all__ = [
    "ApiError",
    "AuthError",
    "BadRequest",
    "CancelRejected",
    "ConfigError",
    "ConnectionFailed",
    "ConnectionLost",
    "Credentials",
    "CryptoWSError",
    "IPBanned",
    "InvalidParameter",
    "NotFound",
    "OrderRejected",
    "OutOfService",
    "OutcomeUnknown",
    "PartialFailure",
    "RateLimited",
    "RequestTimeout",
    "ServerError",
    "SessionClosed",
    "SessionStatus",
    "StreamGap",
    "TimestampError",
    "UnresolvedOrder",
    "UserDataStream",
    "UserWSSession",
    "WAFBlocked",
    "get_credentials",
]

_HOMES = {
    "Credentials": "config",
    "SessionStatus": "model.status",
    "StreamGap": "model.stream",
    "UnresolvedOrder": "session.unresolved",
    "UserDataStream": "session.user_data",
    "UserWSSession": "session.user_ws_session",
    "get_credentials": "config",
}
"""Name -> the module that it is loaded from when it is first asked for."""

if not TYPE_CHECKING:
    # Type checkers see the imports above, and that no other name is here.
    def __getattr__(name: str) -> object:
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        # Nothing that modules define is garbage. Looking through it again and again takes a twentieth of a start, so it
        # goes where what has been looked through for long is kept. Not where a program keeps things there by itself.
        gc = _import_module("gc")
        collects = gc.isenabled() and not gc.get_freeze_count()
        try:
            if collects:
                gc.disable()
            found = getattr(_import_module(f"{__name__}.{home}"), name)
        finally:
            if collects:
                gc.freeze()
                gc.unfreeze()
                gc.enable()
        globals()[name] = found
        return found

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__} - {"TYPE_CHECKING"})


_logging.getLogger("crypto_ws_sync").addHandler(_logging.NullHandler())
