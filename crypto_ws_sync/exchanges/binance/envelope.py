"""JSON texts of the exchange <-> plain values, and the text that a signature is made over."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from crypto_ws_sync.protocol.limits import Bucket, Reading

__all__ = ["decode", "encode", "readings", "redact", "signature_text"]


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False)

encode_slowly: Callable[[Any], str] = _ENCODER.encode
decode: Callable[[str], Any] = _DECODER.decode
"""Text -> value; raises ValueError, or RecursionError where it is nested too deep."""

try:
    import orjson
except ImportError:
    encode = encode_slowly
else:
    decode = orjson.loads

    def encode(value: Any) -> str:
        """Return a value as JSON text without spaces."""
        try:
            return orjson.dumps(value).decode("utf-8")
        except TypeError:
            # Integers beyond 64 bits, which only the standard library writes.
            return encode_slowly(value)


_SECONDS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86400}
_MOST = 10**12
"""Beyond any count, limit or window in seconds."""
_BUCKETS = {
    "REQUEST_WEIGHT": Bucket.WEIGHT,
    "ORDERS": Bucket.ORDERS,
    "CONNECTIONS": Bucket.CONNECTIONS,
}
_SECRETS = re.compile(r'("(?:apiKey|signature)"\s*:\s*)"[^"]*"')


def readings(entries: Any) -> list[Reading]:
    """Return the `rateLimits` of an answer; what cannot be read is left out."""
    found: list[Reading] = []
    if type(entries) is not list:
        return found
    for entry in entries:
        try:
            bucket = _BUCKETS[entry["rateLimitType"]]
            seconds = _SECONDS[entry["interval"]] * entry["intervalNum"]
            limit, count = entry["limit"], entry.get("count", 0)
        except (KeyError, TypeError, AttributeError):
            continue
        if _is_whole(seconds, 1) and _is_whole(limit, 1) and _is_whole(count, 0):
            found.append(Reading(bucket, seconds, limit, count))
    return found


def _is_whole(value: Any, least: int) -> bool:
    """Tell whether a value is a whole number that a limit can have."""
    return type(value) is int and least <= value <= _MOST


def _as_signed(value: Any) -> str:
    if type(value) is str:
        return value
    if value is True or value is False:
        return "true" if value else "false"
    if type(value) is int:
        return str(value)
    return encode(value)


def signature_text(params: Mapping[str, Any]) -> str:
    """Return the text a signature is made over: sorted by name, each value exactly as it is sent.

    Source: Binance WS API docs, 'SIGNED request security'.
    """
    parts = []
    for name in sorted(params):
        value = params[name]
        parts.append(f"{name}={value if type(value) is str else _as_signed(value)}")
    return "&".join(parts)


def redact(text: str) -> str:
    """Return a text without its keys and signatures."""
    return _SECRETS.sub(r'\1"***"', text)
