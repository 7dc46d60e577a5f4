"""The exchange's error codes: which kind of error each is, and whether it tells what became of a request.

By the exchange's documents: "Errors" for codes and messages, "Response format" for statuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from crypto_ws_sync.errors import (
    ApiError,
    AuthError,
    BadRequest,
    CancelRejected,
    IPBanned,
    NotFound,
    OrderRejected,
    PartialFailure,
    RateLimited,
    ServerError,
    TimestampError,
    WAFBlocked,
)

__all__ = ["CODES", "MESSAGES", "error_class", "is_outcome_known", "proves_no_effect"]

CODES: Mapping[int, type[ApiError]] = MappingProxyType(
    {
        -1000: ServerError,  # UNKNOWN
        -1001: ServerError,  # DISCONNECTED
        -1002: AuthError,  # UNAUTHORIZED
        -1003: RateLimited,  # TOO_MANY_REQUESTS
        -1006: ServerError,  # UNEXPECTED_RESP
        -1007: ServerError,  # TIMEOUT
        -1008: ServerError,  # SERVER_BUSY
        -1010: OrderRejected,  # ERROR_MSG_RECEIVED
        -1013: OrderRejected,  # INVALID_MESSAGE
        -1014: BadRequest,  # UNKNOWN_ORDER_COMPOSITION
        -1015: RateLimited,  # TOO_MANY_ORDERS
        -1016: BadRequest,  # SERVICE_SHUTTING_DOWN
        -1020: BadRequest,  # UNSUPPORTED_OPERATION
        -1021: TimestampError,  # INVALID_TIMESTAMP
        -1022: AuthError,  # INVALID_SIGNATURE
        -1033: AuthError,  # COMP_ID_IN_USE
        -1034: RateLimited,  # TOO_MANY_CONNECTIONS
        -1035: BadRequest,  # LOGGED_OUT
        -1100: BadRequest,  # ILLEGAL_CHARS
        -1101: BadRequest,  # TOO_MANY_PARAMETERS
        -1102: BadRequest,  # MANDATORY_PARAM_EMPTY_OR_MALFORMED
        -1103: BadRequest,  # UNKNOWN_PARAM
        -1104: BadRequest,  # UNREAD_PARAMETERS
        -1105: BadRequest,  # PARAM_EMPTY
        -1106: BadRequest,  # PARAM_NOT_REQUIRED
        -1108: BadRequest,  # PARAM_OVERFLOW
        -1111: BadRequest,  # BAD_PRECISION
        -1112: OrderRejected,  # NO_DEPTH
        -1114: BadRequest,  # TIF_NOT_REQUIRED
        -1115: BadRequest,  # INVALID_TIF
        -1116: BadRequest,  # INVALID_ORDER_TYPE
        -1117: BadRequest,  # INVALID_SIDE
        -1118: BadRequest,  # EMPTY_NEW_CL_ORD_ID
        -1119: BadRequest,  # EMPTY_ORG_CL_ORD_ID
        -1120: BadRequest,  # BAD_INTERVAL
        -1121: BadRequest,  # BAD_SYMBOL
        -1122: BadRequest,  # INVALID_SYMBOLSTATUS
        -1125: BadRequest,  # INVALID_LISTEN_KEY
        -1127: BadRequest,  # MORE_THAN_XX_HOURS
        -1128: BadRequest,  # OPTIONAL_PARAMS_BAD_COMBO
        -1130: BadRequest,  # INVALID_PARAMETER
        -1134: BadRequest,  # BAD_STRATEGY_TYPE
        -1135: BadRequest,  # INVALID_JSON
        -1139: BadRequest,  # INVALID_TICKER_TYPE
        -1145: BadRequest,  # INVALID_CANCEL_RESTRICTIONS
        -1151: BadRequest,  # DUPLICATE_SYMBOLS
        -1152: BadRequest,  # INVALID_SBE_HEADER
        -1153: BadRequest,  # UNSUPPORTED_SCHEMA_ID
        -1155: BadRequest,  # SBE_DISABLED
        -1158: BadRequest,  # OCO_ORDER_TYPE_REJECTED
        -1160: BadRequest,  # OCO_ICEBERGQTY_TIMEINFORCE
        -1161: BadRequest,  # DEPRECATED_SCHEMA
        -1165: BadRequest,  # BUY_OCO_LIMIT_MUST_BE_BELOW
        -1166: BadRequest,  # SELL_OCO_LIMIT_MUST_BE_ABOVE
        -1168: BadRequest,  # BOTH_OCO_ORDERS_CANNOT_BE_LIMIT
        -1169: BadRequest,  # INVALID_TAG_NUMBER
        -1170: BadRequest,  # TAG_NOT_DEFINED_IN_MESSAGE
        -1171: BadRequest,  # TAG_APPEARS_MORE_THAN_ONCE
        -1172: BadRequest,  # TAG_OUT_OF_ORDER
        -1173: BadRequest,  # GROUP_FIELDS_OUT_OF_ORDER
        -1174: BadRequest,  # INVALID_COMPONENT
        -1175: BadRequest,  # RESET_SEQ_NUM_SUPPORT
        -1176: AuthError,  # ALREADY_LOGGED_IN
        -1177: BadRequest,  # GARBLED_MESSAGE
        -1178: AuthError,  # BAD_SENDER_COMPID
        -1179: BadRequest,  # BAD_SEQ_NUM
        -1180: AuthError,  # EXPECTED_LOGON
        -1181: RateLimited,  # TOO_MANY_MESSAGES
        -1182: BadRequest,  # PARAMS_BAD_COMBO
        -1183: BadRequest,  # NOT_ALLOWED_IN_DROP_COPY_SESSIONS
        -1184: BadRequest,  # DROP_COPY_SESSION_NOT_ALLOWED
        -1185: BadRequest,  # DROP_COPY_SESSION_REQUIRED
        -1186: BadRequest,  # NOT_ALLOWED_IN_ORDER_ENTRY_SESSIONS
        -1187: BadRequest,  # NOT_ALLOWED_IN_MARKET_DATA_SESSIONS
        -1188: BadRequest,  # INCORRECT_NUM_IN_GROUP_COUNT
        -1189: BadRequest,  # DUPLICATE_ENTRIES_IN_A_GROUP
        -1190: BadRequest,  # INVALID_REQUEST_ID
        -1191: BadRequest,  # TOO_MANY_SUBSCRIPTIONS
        -1194: BadRequest,  # INVALID_TIME_UNIT
        -1196: BadRequest,  # BUY_OCO_STOP_LOSS_MUST_BE_ABOVE
        -1197: BadRequest,  # SELL_OCO_STOP_LOSS_MUST_BE_BELOW
        -1198: BadRequest,  # BUY_OCO_TAKE_PROFIT_MUST_BE_BELOW
        -1199: BadRequest,  # SELL_OCO_TAKE_PROFIT_MUST_BE_ABOVE
        -1210: BadRequest,  # INVALID_PEG_PRICE_TYPE
        -1211: BadRequest,  # INVALID_PEG_OFFSET_TYPE
        -1220: BadRequest,  # SYMBOL_DOES_NOT_MATCH_STATUS
        -1221: BadRequest,  # INVALID_SBE_MESSAGE_FIELD
        -1222: BadRequest,  # OPO_WORKING_MUST_BE_BUY
        -1223: BadRequest,  # OPO_PENDING_MUST_BE_SELL
        -1224: BadRequest,  # WORKING_PARAM_REQUIRED
        -1225: BadRequest,  # PENDING_PARAM_NOT_REQUIRED
        -2010: OrderRejected,  # NEW_ORDER_REJECTED
        -2011: CancelRejected,  # CANCEL_REJECTED
        -2013: NotFound,  # NO_SUCH_ORDER
        -2014: AuthError,  # BAD_API_KEY_FMT
        -2015: AuthError,  # REJECTED_MBX_KEY
        -2016: NotFound,  # NO_TRADING_WINDOW
        -2021: PartialFailure,  # CANCEL_REPLACE_PARTIALLY_FAILED
        -2022: OrderRejected,  # CANCEL_REPLACE_FAILED
        -2026: NotFound,  # ORDER_ARCHIVED
        -2035: BadRequest,  # SUBSCRIPTION_ACTIVE
        -2036: BadRequest,  # SUBSCRIPTION_INACTIVE
        -2038: OrderRejected,  # ORDER_AMEND_REJECTED
        -2039: NotFound,  # CLIENT_ORDER_ID_INVALID
        -2042: BadRequest,  # MAXIMUM_SUBSCRIPTION_IDS
        -2043: NotFound,  # NO_REFERENCE_PRICE
    }
)
"""Code -> kind of error. (Codes that speak of FIX or SBE may come over any API.)"""

MESSAGES: Mapping[str, type[ApiError]] = MappingProxyType(
    {
        "Unknown order sent.": NotFound,
        "Cancel order is invalid. Check origClOrdId and orderId.": CancelRejected,
        "Order was not canceled due to cancel restrictions.": CancelRejected,
        "This action is disabled on this account.": AuthError,
        "This account may not place or cancel orders.": AuthError,
        "This symbol is not permitted for this account.": AuthError,
        "This symbol is restricted for this account.": AuthError,
        "Rest API trading is not enabled.": AuthError,
        "WebSocket API trading is not enabled.": AuthError,
        "FIX API trading is not enabled.": AuthError,
        "Duplicate order sent.": OrderRejected,
        "Market is closed.": OrderRejected,
        "Account has insufficient balance for requested action.": OrderRejected,
        "Market orders are not supported for this symbol.": OrderRejected,
        "Iceberg orders are not supported for this symbol.": OrderRejected,
        "Stop loss orders are not supported for this symbol.": OrderRejected,
        "Stop loss limit orders are not supported for this symbol.": OrderRejected,
        "Take profit orders are not supported for this symbol.": OrderRejected,
        "Take profit limit orders are not supported for this symbol.": OrderRejected,
        "Order amend is not supported for this symbol.": OrderRejected,
        "Price * QTY is zero or less.": OrderRejected,
        "IcebergQty exceeds QTY.": OrderRejected,
        "Unsupported order combination": OrderRejected,
        "Order would trigger immediately.": OrderRejected,
        "Order would immediately match and take.": OrderRejected,
        "The relationship of the prices for the orders is not correct.": OrderRejected,
        "OCO orders are not supported for this symbol": OrderRejected,
        "Quote order qty market orders are not support for this symbol.": OrderRejected,
        "Trailing stop orders are not supported for this symbol.": OrderRejected,
        "Order cancel-replace is not supported for this symbol.": OrderRejected,
        "Order book liquidity is less than `LOT_SIZE` filter minimum quantity.": OrderRejected,
        "Order book liquidity is less than `MARKET_LOT_SIZE` filter minimum quantity.": OrderRejected,
        "Order book liquidity is less than symbol minimum quantity.": OrderRejected,
        "Order amend (quantity increase) is not supported.": OrderRejected,
        "The requested action would change no state; rejecting.": OrderRejected,
        "Pegged orders are not supported for this symbol.": OrderRejected,
        "This order type may not use pegged price.": OrderRejected,
        "This price peg cannot be used with this order type.": OrderRejected,
        "Order book liquidity is too low for this pegged order.": OrderRejected,
        "OPO orders are not supported for this symbol.": OrderRejected,
        "Order amend (pending OPO order) is not supported.": OrderRejected,
    }
)
"""What the matching engine says -> kind of error. Its codes tell only which request it refused."""

_ENGINE_CODES = frozenset({-1010, -2010, -2011, -2038})
"""Codes whose message tells the reason."""

_UNSETTLED = frozenset(
    {
        -1000,  # UNKNOWN
        -1001,  # DISCONNECTED
        -1006,  # UNEXPECTED_RESP
        -1007,  # TIMEOUT
        -1008,  # SERVER_BUSY
        -1016,  # SERVICE_SHUTTING_DOWN
        -1155,  # SBE_DISABLED
        -1161,  # DEPRECATED_SCHEMA
    }
)
"""Codes of which the documents do not say that nothing happened."""

_STATUSES: Mapping[int, type[ApiError]] = MappingProxyType(
    {401: AuthError, 403: WAFBlocked, 409: PartialFailure, 418: IPBanned, 429: RateLimited}
)

_PARTLY = -2021
_HALVES = (("cancelResult", "cancelResponse"), ("newOrderResult", "newOrderResponse"))


def _is_partial(data: Any) -> bool:
    """Tell whether one half of a cancel-replace was done and the other was not."""
    return isinstance(data, Mapping) and [data.get(result) for result, _ in _HALVES].count("SUCCESS") == 1


def _has_open_half(data: Any) -> bool:
    """Tell whether a half of a cancel-replace failed without a word on what became of it."""
    if not isinstance(data, Mapping):
        return False
    halves = (data.get(response) for _, response in _HALVES)
    return any(isinstance(half, Mapping) and half.get("code") in _UNSETTLED for half in halves)


def error_class(status: int, code: int | None, msg: str, data: Any = None) -> type[ApiError]:
    """Return the kind of error for an answer.

    A half that was done outweighs all else; then statuses that say enough by themselves; then the code, with
    the matching engine's codes its message; then any other status.

    Args:
        status: The answer's status; 0 for an error object inside another answer.
        code: The exchange's error code, where there is one.
        msg: The exchange's words.
        data: The error's data object: a cancel-replace tells there what was done, whatever the status.
    """
    if code == _PARTLY or _is_partial(data):
        return PartialFailure
    if status in (403, 409, 418, 429):
        return _STATUSES[status]
    if status >= 500:
        return ServerError
    if code in _ENGINE_CODES and msg in MESSAGES:
        return MESSAGES[msg]
    if code is not None and code in CODES:
        return CODES[code]
    return _STATUSES.get(status, BadRequest)


_REFUSED_AT_THE_DOOR = frozenset({401, 403, 418, 429})
"""Statuses that need no code to say that the request went no further."""
_TOLD_AS_RESULTS = frozenset({-2043})
"""Codes of reads that come with the status of success."""


def is_outcome_known(status: int, code: int | None, msg: str, data: Any = None) -> bool:
    """Tell whether an answer says what became of a write: refused, or half of it done.

    False means that it must be looked up: statuses from 500 on, codes of which the documents do not say that nothing
    happened, also where such a code stands for one half of a cancel-replace, and what is no refusal as documented.
    """
    if _has_open_half(data):
        return False
    if error_class(status, code, msg, data) is PartialFailure:
        return True
    if code is None:
        return status in _REFUSED_AT_THE_DOOR
    return (400 <= status < 500 or code in _TOLD_AS_RESULTS) and code not in _UNSETTLED


def proves_no_effect(status: int, code: int | None, msg: str, data: Any = None) -> bool:
    """Tell whether an answer proves that nothing of the request was done."""
    if error_class(status, code, msg, data) is PartialFailure:
        return False
    return is_outcome_known(status, code, msg, data)
