"""A thread-safe blocking client for the Binance WebSocket API."""

import logging as _logging

from crypto_ws_sync.config import Credentials, get_credentials
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
from crypto_ws_sync.model.status import SessionStatus
from crypto_ws_sync.model.stream import StreamGap
from crypto_ws_sync.session.user_data import UserDataStream
from crypto_ws_sync.session.user_ws_session import UnresolvedOrder, UserWSSession

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

_logging.getLogger("crypto_ws_sync").addHandler(_logging.NullHandler())
