"""Who asks, and whether the request is fresh: API keys, signatures, timestamps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from ..keys import Account
from .refusals import Refusal, missing, not_valid, rejected_key
from .wire import NumberText, encode

__all__ = ["check_age", "check_signature", "read_freshness", "signed_text"]

_API_KEY = re.compile("[A-Za-z0-9]{64}")
_DIGITS = re.compile("[0-9]{1,19}")
_EARLIEST_MS = 1_483_228_800_000
_EARLIEST_US = _EARLIEST_MS * 1000
_LARGEST_WINDOW_MS = 60_000
_DEFAULT_WINDOW_US = 5_000_000
_AHEAD_US = 1_000_000


def signed_text(params: Mapping[str, Any]) -> str:
    """The text that a request's signature is made over: all parameters but the signature, by name."""
    parts = []
    for name in sorted(params):
        if name != "signature":
            value = params[name]
            parts.append(f"{name}={value if type(value) is str else _render(value)}")
    return "&".join(parts)


def _render(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, int):
        return str(value)
    return encode(value)


def check_signature(params: Mapping[str, Any], keys: Mapping[str, Account]) -> tuple[Account, str]:
    """The account whose key the request names, and the signature still to be checked.

    Raises:
        Refusal: The key is missing, malformed or unknown, or there is no signature.
    """
    api_key = params.get("apiKey")
    if api_key is None or api_key == "":
        raise missing("apiKey")
    account = keys.get(api_key) if isinstance(api_key, str) else None
    if account is None:
        if not isinstance(api_key, str) or not _API_KEY.fullmatch(api_key):
            raise Refusal(401, -2014, "API-key format invalid.")
        raise rejected_key()
    signature = params.get("signature")
    if not isinstance(signature, str) or not signature:
        raise missing("signature")
    return account, signature


def read_freshness(params: Mapping[str, Any]) -> tuple[int, int]:
    """A signed request's timestamp and receive window, both in microseconds.

    Raises:
        Refusal: One of them is missing or makes no sense.
    """
    timestamp = params.get("timestamp")
    if type(timestamp) is not int:
        if not isinstance(timestamp, str) or not _DIGITS.fullmatch(timestamp):
            raise missing("timestamp")
        timestamp = int(timestamp)
    # A count of microseconds is told from one of milliseconds by its size.
    if timestamp < _EARLIEST_MS:
        raise not_valid("timestamp")
    timestamp_us = timestamp if timestamp >= _EARLIEST_US else timestamp * 1000
    window = params.get("recvWindow")
    if window is None:
        return timestamp_us, _DEFAULT_WINDOW_US
    window_us = window * 1000 if type(window) is int else _read_window(window)
    if window_us > _LARGEST_WINDOW_MS * 1000:
        raise Refusal(400, -1102, "'recvWindow' contains unexpected value. Cannot be greater than 60000.")
    if window_us < 0:
        raise not_valid("recvWindow")
    return timestamp_us, window_us


def _read_window(value: Any) -> int:
    if not isinstance(value, (str, NumberText)):
        raise not_valid("recvWindow")
    try:
        window = Decimal(value)
    except InvalidOperation:
        raise not_valid("recvWindow") from None
    exponent = window.as_tuple().exponent
    if not isinstance(exponent, int):
        raise not_valid("recvWindow")
    if exponent < -3:
        raise Refusal(400, -1111, "Parameter 'recvWindow' has too much precision.")
    return int(window * 1000)


def check_age(timestamp_us: int, window_us: int, now_us: int, *, is_late_check: bool = False) -> None:
    """Refuse a request that is too old, or from the future.

    The check just before the matching engine looks at its age alone.
    """
    if not is_late_check and timestamp_us >= now_us + _AHEAD_US:
        raise Refusal(400, -1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    # The clock is read in whole milliseconds, so that a request may be exactly as old as allowed.
    if now_us // 1000 * 1000 - timestamp_us > window_us:
        raise Refusal(400, -1021, "Timestamp for this request is outside of the recvWindow.")
