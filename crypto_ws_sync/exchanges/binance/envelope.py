"""JSON texts of the exchange <-> plain values, and the text that a signature is made over."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from json.encoder import encode_basestring
from typing import Any, NoReturn

from crypto_ws_sync.protocol.limits import Bucket, Reading

__all__ = ["decode", "decode_slowly", "encode", "encode_params", "readings", "redact", "signature_text"]


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False)

encode_slowly: Callable[[Any], str] = _ENCODER.encode
decode_slowly: Callable[[str], Any] = _DECODER.decode
"""Text -> value; raises ValueError, or RecursionError where it is nested too deep."""
_decode_from_start = _DECODER.raw_decode


def _decode(text: str) -> Any:
    """Return the value of a text that begins and ends with it, as all of the exchange's do; raises as above."""
    value, end = _decode_from_start(text)
    return value if end == len(text) else decode_slowly(text)


def _encode_params(params: Mapping[str, Any]) -> str:
    """Return rendered parameters, nearly all of which are text, as a JSON object."""
    parts = []
    for name, value in params.items():
        kind = type(value)
        text = encode_basestring(value) if kind is str else value if kind is int else encode_slowly(value)
        parts.append(f"{encode_basestring(name)}:{text}")
    return f"{{{','.join(parts)}}}"


try:
    import orjson
except ImportError:
    encode = encode_slowly
    decode: Callable[[str], Any] = _decode
    """The same, as fast as can be had, which may refuse more: half surrogate pairs, infinite numbers, deep nesting."""
    encode_params: Callable[[Mapping[str, Any]], str] = _encode_params
else:
    _TO_ZEROS = bytes.maketrans(b"0123456789", b"0" * 10)
    _LONG = b"0" * 19
    """As many digits in a row as a number beyond 64 bits has at least."""
    _PART = 1 << 15
    """Characters that are looked through at once: copies of so few stay in the processor's caches."""

    def _has_long_number(text: str) -> bool:
        if len(text) <= _PART:
            return _LONG in text.encode("utf-8", "surrogatepass").translate(_TO_ZEROS)
        return any(
            _LONG
            in text[start : start + _PART + len(_LONG)].encode("utf-8", "surrogatepass").translate(_TO_ZEROS)
            for start in range(0, len(text), _PART)
        )

    def decode(text: str) -> Any:
        """Return the value of a text; refuses more than the slow way does: half surrogate pairs, deep nesting."""
        # Of integers beyond 64 bits orjson makes floats without a word. Looking for them costs 0.4 us of the 200
        # that a round trip takes, and a seventh of what orjson itself takes for 20 MB.
        if _has_long_number(text):
            return decode_slowly(text)
        return orjson.loads(text)

    def encode(value: Any) -> str:
        """Return a value as JSON text without spaces."""
        try:
            return orjson.dumps(value).decode("utf-8")
        except TypeError:
            # Integers beyond 64 bits, which only the standard library writes.
            return encode_slowly(value)

    encode_params = encode


_new_reading = tuple.__new__
_SECONDS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86400}
_MOST = 10**12
"""Beyond any count, limit or window in seconds."""
_MOST_READINGS = 16
"""More limits than any answer tells."""
_BUCKETS = {
    "REQUEST_WEIGHT": Bucket.WEIGHT,
    "ORDERS": Bucket.ORDERS,
    "CONNECTIONS": Bucket.CONNECTIONS,
}
_PLAIN = re.compile(r'(")(apiKey|signature)"(\s*:\s*)"(?:[^"\\]|\\.)*(?:"|\Z)', re.DOTALL)
"""A key or signature."""

_NESTED = re.compile(r'(\\{1,7}")(apiKey|signature)\1(\s*:\s*)\1.*?(?:(?<!\\)\1|\Z)', re.DOTALL)
"""The same where a whole request stands as text inside another, with its quotes escaped."""


def readings(entries: Any) -> list[Reading]:
    """Return the `rateLimits` of an answer; what cannot be read is left out."""
    found: list[Reading] = []
    if type(entries) is not list:
        return found
    for entry in entries if len(entries) <= _MOST_READINGS else entries[:_MOST_READINGS]:
        try:
            bucket, unit = _BUCKETS[entry["rateLimitType"]], _SECONDS[entry["interval"]]
            units, limit = entry["intervalNum"], entry["limit"]
        except (KeyError, TypeError):
            continue
        count = entry.get("count", 0)
        if not type(units) is type(limit) is type(count) is int:
            continue
        if 0 < units * unit <= _MOST and 0 < limit <= _MOST and 0 <= count <= _MOST:
            used = count if "count" in entry else None
            # By the tuple's own constructor: the named one is a Python function, called for every window.
            found.append(_new_reading(Reading, (bucket, units * unit, limit, used)))
    return found


def _as_signed(value: Any) -> str:
    if type(value) is str:
        return value
    if value is True or value is False:
        return "true" if value else "false"
    return encode(value)


def signature_text(params: Mapping[str, Any]) -> str:
    """Return the text a signature is made over: sorted by name, each value exactly as it is sent.

    Source: Binance WS API docs, 'SIGNED request security'.
    """
    parts = []
    for name in sorted(params):
        value = params[name]
        # `_as_signed` for nearly all values, without a call for each.
        kind = type(value)
        parts.append(f"{name}={value if kind is str or kind is int else _as_signed(value)}")
    return "&".join(parts)


def redact(text: str) -> str:
    """Return a text without its keys and signatures."""
    hidden = r"\1\2\1\3\1***\1"
    return _NESTED.sub(hidden, _PLAIN.sub(hidden, text))
