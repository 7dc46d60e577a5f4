"""Any value a caller may give for a parameter -> the value that goes on the wire.

Money goes out as plain decimal text, never with an exponent and never with the noise of binary fractions.
"""

from __future__ import annotations

import enum
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, NoReturn

__all__ = ["Number", "decimal_text", "epoch_ms", "render"]

Number = str | int | float | Decimal
"""What a price or quantity may be given as."""

_MOST_DIGITS = 15
"""Decimal digits that every binary double keeps; more are noise."""

_MOST_TEXT = 100
"""Longer plain texts come from absurd exponents, not from money."""

_MOST_BITS = 330
"""The same for whole numbers."""

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MILLISECOND = timedelta(milliseconds=1)


def _refuse_length() -> NoReturn:
    raise ValueError("the number has more digits than any price or quantity")


def decimal_text(value: Decimal) -> str:
    """Return a Decimal as plain text, digits kept as they are.

    Raises:
        ValueError: It is NaN or infinite, or too long to be a number anyone means.
    """
    if not value.is_finite():
        raise ValueError(f"{value} is not a number that can be sent")
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    if len(value.as_tuple().digits) + abs(exponent) > _MOST_TEXT:
        _refuse_length()
    return format(value, "f")


def _float_text(value: float) -> str:
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError(f"{value} is not a number that can be sent")
    exact = Decimal(repr(value))
    if len(exact.normalize().as_tuple().digits) > _MOST_DIGITS:
        raise ValueError(
            f"the float {value!r} carries binary noise (more than {_MOST_DIGITS} digits): "
            "round() it to the tick or lot size, or use Decimal or text"
        )
    text = decimal_text(exact)
    return text[:-2] if text.endswith(".0") else text


def epoch_ms(value: datetime) -> int:
    """Return an aware datetime as milliseconds since 1970, UTC.

    Raises:
        ValueError: It is naive.
    """
    if value.utcoffset() is None:
        raise ValueError(
            f"the datetime {value.isoformat()} has no time zone: "
            "add one, such as value.replace(tzinfo=timezone.utc)"
        )
    return (value - _EPOCH) // _MILLISECOND


def _text(value: str) -> str:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("the text holds half of a surrogate pair and cannot be sent as UTF-8") from None
    return value if type(value) is str else str.__str__(value)


def render(value: Any) -> Any:
    """Return a parameter's value as it goes on the wire: text, int, bool, or a list of those.

    Args:
        value: Text, int, bool, Decimal, float, enum, aware datetime, list or tuple of these, or a numpy
            scalar (which counts as the number it is).

    Raises:
        ValueError: It cannot be sent exactly; the message says what to do.
    """
    kind = type(value)
    if kind is str:
        return value if value.isascii() else _text(value)
    if kind is int:
        return value if value.bit_length() <= _MOST_BITS else _refuse_length()
    if kind is bool:
        return value
    if kind is Decimal:
        return decimal_text(value)
    if kind.__module__ == "numpy" and hasattr(value, "item") and not getattr(value, "shape", ()):
        plain = value.item()
        if type(plain) is not kind:
            return render(plain)
    if isinstance(value, enum.Enum):
        return render(value.value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return render(int(value))
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, float):
        return _float_text(value)
    if isinstance(value, datetime):
        return epoch_ms(value)
    if isinstance(value, list | tuple):
        try:
            return [render(item) for item in value]
        except RecursionError:
            raise ValueError("the list holds itself, or is nested too deep") from None
    raise ValueError(
        f"a {kind.__name__} cannot be sent: use text, int, Decimal, float, bool, an enum, "
        "an aware datetime, or a list of these"
    )
