"""JSON text to values and back, keeping numbers exactly as they were written."""

from __future__ import annotations

import json
import json.scanner
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


_decoder = json.JSONDecoder(parse_float=NumberText)
_scan: Callable[[str, int], tuple[Any, int]] = json.scanner.make_scanner(
    _decoder  # type: ignore[arg-type]  # typeshed takes the C class for its own argument
)


def decode(text: str) -> Any:
    """One JSON text as a value.

    Raises:
        ValueError: It is none.
        RecursionError: It is nested too deeply.
    """
    try:
        value, end = _scan(text, 0)
    except StopIteration:
        return _decoder.decode(text)
    # Blanks around the value are rare: only then the slower way is taken.
    return value if end == len(text) else _decoder.decode(text)


_encode_plain = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode

if orjson is None:
    encode: Callable[[Any], str] = _encode_plain
else:

    def encode(value: Any) -> str:
        """A value as compact JSON text."""
        return orjson.dumps(value).decode("utf-8")
