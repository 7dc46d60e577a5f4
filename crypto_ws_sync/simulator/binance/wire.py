"""JSON text to values and back, keeping numbers exactly as they were written."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

try:
    import orjson
except ImportError:
    orjson = None  # type: ignore[assignment]  # the optional faster encoder is not installed

__all__ = ["NumberText", "decode", "encode"]


class NumberText(str):
    """A JSON number with a fraction or exponent, as written: the signature is made over this very text."""

    __slots__ = ()


decode: Callable[[str | bytes], Any] = json.JSONDecoder(parse_float=NumberText).decode  # type: ignore[assignment]
"""One JSON text as a value; ValueError where it is none."""

_encode_plain = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode

if orjson is None:
    encode: Callable[[Any], str] = _encode_plain
else:

    def encode(value: Any) -> str:
        """A value as compact JSON text."""
        return orjson.dumps(value).decode("utf-8")
