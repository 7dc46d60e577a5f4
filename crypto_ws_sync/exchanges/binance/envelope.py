"""JSON texts of the exchange <-> plain values, and the text that a signature is made over."""

from __future__ import annotations

import gc
import itertools
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from json.encoder import encode_basestring
from typing import Any, NoReturn

from crypto_ws_sync.protocol.limits import Bucket, Reading

__all__ = ["decode", "encode", "encode_params", "readings", "redact", "signature_text"]


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False)

encode_slowly: Callable[[Any], str] = _ENCODER.encode

_DEEPEST = 256
"""Lists and objects in one another that a text may have, 30 times more than any that the exchange sends: the standard
library stops near 1,000, sooner where its caller's own stack is deep, and orjson at 1,024."""
_SHALLOW = 2 * _DEEPEST
"""Characters up to which a text cannot be nested deeper: each level has a bracket at either end."""
_USUAL = 10
"""Levels that answers have at most; counting more of them is slower."""
_PART = 1 << 15
"""Characters that are looked through at once: copies of so few stay in the processor's caches."""
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_NO_STEPS = bytes(set(range(256)) - set(b'[{]}"'))


def _depth(text: str) -> int:
    """Return how deep a JSON text is nested, in linear time, and in C for whatever an exchange sends."""
    if "\\" in text:
        text = text.replace("\\\\", "").replace('\\"', "")
    # Once quotes that meet are gone, which changes nothing between the others, strings with brackets are what is left.
    steps = b"".join(map(_steps, _parts(text))).replace(b'""', b"")
    if b'"' in steps:
        steps = b"".join(steps.split(b'"')[::2])
    for level in range(_USUAL):
        if not steps:
            return level
        # Without the pairs that hold nothing every way down is one step shorter.
        steps = steps.replace(b"\x01\xff", b"")
    return _USUAL + max(itertools.accumulate(memoryview(steps).cast("b")), default=0)


def _steps(part: str) -> bytes:
    """Return the brackets of a text as steps down and up, and the quotes between which any of them stands."""
    return part.encode("utf-8", "surrogatepass").translate(_STEPS, _NO_STEPS).replace(b'""', b"")


def _parts(text: str, more: int = 0) -> Iterator[str]:
    """Yield a text in parts, each with the first `more` characters of the next."""
    return (text[start : start + _PART + more] for start in range(0, len(text), _PART))


def _refuse_depth(text: str) -> None:
    if _depth(text) > _DEEPEST:
        raise ValueError(f"nested deeper than {_DEEPEST} levels")


_decode_from_start = _DECODER.raw_decode

_UNDISTURBED = 1 << 18 if sys.version_info < (3, 12) else sys.maxsize
"""Characters of a text from which on garbage is not collected while it is decoded.

Each value of an answer counts as one that may become garbage, so that the collector would walk through all there is
again and again in the middle of it. From Python 3.12 on it never runs inside a decoder.
"""


def _undisturbed(read: Callable[[str], Any], text: str) -> Any:
    if not gc.isenabled():
        return read(text)
    gc.disable()
    try:
        return read(text)
    finally:
        gc.enable()


def decode_slowly(text: str) -> Any:
    """Return the value of a text, as the standard library reads it.

    Raises:
        ValueError: It is not JSON, or nested deeper than 256 levels.
    """
    if len(text) > _PART or (len(text) > _SHALLOW and text.count("[") + text.count("{") > _DEEPEST):
        _refuse_depth(text)
    if len(text) > _UNDISTURBED:
        return _undisturbed(_read_slowly, text)
    return _read_slowly(text)


def _read_slowly(text: str) -> Any:
    try:
        # The short way, for what begins and ends with its value, as all that the exchange says does.
        value, end = _decode_from_start(text)
    except ValueError:
        return _DECODER.decode(text)
    return value if end == len(text) else _DECODER.decode(text)


def _encode_params(params: Mapping[str, Any]) -> str:
    """Return rendered parameters as a JSON object."""
    parts, quotes = [], 0
    for name, value in params.items():
        kind = type(value)
        if kind is str:
            parts.append(f'"{name}":"{value}"')
            quotes += 4
        elif kind is int:
            parts.append(f'"{name}":{value}')
            quotes += 2
        else:
            return _encode_each(params)
    text = ",".join(parts)
    # Nearly always: nothing in any of them has to be escaped, which is seen at one look at all.
    if text.isprintable() and "\\" not in text and text.count('"') == quotes:
        return f"{{{text}}}"
    return _encode_each(params)


def _encode_each(params: Mapping[str, Any]) -> str:
    """Do the same for whatever parameters."""
    parts = []
    for name, value in params.items():
        text = encode_basestring(value) if type(value) is str else encode_slowly(value)
        parts.append(f"{encode_basestring(name)}:{text}")
    return f"{{{','.join(parts)}}}"


try:
    import orjson
except ImportError:
    encode = encode_slowly
    decode: Callable[[str], Any] = decode_slowly
    """The same, as fast as can be had."""
    encode_params: Callable[[Mapping[str, Any]], str] = _encode_params
else:
    _MARKED = bytes.maketrans(b"0123456789{", b"0" * 10 + b"[")
    _LONG = b"0" * 19
    """As many digits in a row as a number beyond 64 bits has at least."""
    _QUICK = 1 << 20
    """Characters up to which orjson is the quicker one. Of 5 MB it makes the values no sooner than the standard library
    does, and has long numbers looked for besides: 1.05 to 1.3 of the time, but for lists of orders (0.9)."""

    def _seen(text: str) -> tuple[bool, int]:
        """Return whether a text has so many digits in a row, and how many lists and objects begin in it."""
        marked = text.encode("utf-8", "surrogatepass").translate(_MARKED)
        return _LONG in marked, marked.count(b"[")

    def _seen_in_parts(text: str) -> tuple[bool, int]:
        """Return the same of a long text; what begins where two parts meet may be counted twice."""
        found = list(map(_seen, _parts(text, len(_LONG))))
        return any(is_long for is_long, _ in found), sum(begun for _, begun in found)

    def decode(text: str) -> Any:
        """Return the value of a text, as `decode_slowly` does.

        Raises:
            ValueError: It is not JSON, or nested deeper than 256 levels.
        """
        if len(text) > _QUICK:
            return decode_slowly(text)
        # Of integers beyond 64 bits orjson makes floats without a word. Looking for them, and for depth, costs 0.4 us
        # of the 200 that a round trip takes, 7 us with 6 KB, and half of what orjson itself takes from 300 KB on.
        has_long_numbers, begun = _seen(text) if len(text) <= _PART else _seen_in_parts(text)
        if has_long_numbers:
            return decode_slowly(text)
        if begun > _DEEPEST:
            _refuse_depth(text)
        try:
            return _undisturbed(orjson.loads, text) if len(text) > _UNDISTURBED else orjson.loads(text)
        except ValueError:
            # Half surrogate pairs and infinite numbers, which only the standard library reads; or what neither does.
            return decode_slowly(text)

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
_UNTOLD = -(2**70)
"""Stands for a count that is not there."""
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
            units, limit, count = entry["intervalNum"], entry["limit"], entry.get("count", _UNTOLD)
        except (KeyError, TypeError):
            continue
        if not type(units) is type(limit) is type(count) is int:
            continue
        seconds = units * unit
        if 0 < seconds <= _MOST and 0 < limit <= _MOST and (0 <= count <= _MOST or count is _UNTOLD):
            used = None if count is _UNTOLD else count
            # By the tuple's own constructor: the named one is a Python function, called for every window.
            found.append(_new_reading(Reading, (bucket, seconds, limit, used)))
    return found


def _as_signed(value: Any) -> str:
    """Return what is neither text nor a whole number as it is sent."""
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
        # Nearly all values, without a call for each.
        kind = type(value)
        parts.append(f"{name}={value if kind is str or kind is int else _as_signed(value)}")
    return "&".join(parts)


def redact(text: str) -> str:
    """Return a text without its keys and signatures."""
    hidden = r"\1\2\1\3\1***\1"
    return _NESTED.sub(hidden, _PLAIN.sub(hidden, text))
