"""The session's arguments, checked."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

from crypto_ws_sync.errors import ConfigError

__all__ = ["check_choice", "check_number", "check_path", "check_timeout"]


def check_number(name: str, value: Any, low: float, high: float, unit: str) -> float:
    """Return a number that lies within bounds, both included.

    Raises:
        ConfigError: It does not, or is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        raise ConfigError(f"{name} is {value!r}: pass a number of {unit}")
    if not low <= value <= high:
        raise ConfigError(f"{name} is {value!r}: pass {low:g} to {high:g} {unit}")
    return value


def check_choice(name: str, value: Any, choices: tuple[str, ...]) -> str:
    """Return one of a few texts.

    Raises:
        ConfigError: It is none of them.
    """
    if value not in choices:
        listed = ", ".join(repr(choice) for choice in choices)
        raise ConfigError(f"{name} is {value!r}: pass one of {listed}")
    return str(value)


def check_timeout(value: float | None, default: float) -> float:
    """Return the seconds that a call may take; `default` for None.

    Raises:
        ConfigError: It is not a positive number.
    """
    if value is None:
        return default
    kind = type(value)
    if (kind is float or kind is int or isinstance(value, int | float)) and kind is not bool and value > 0:
        # A wait of years is as good as one for ever, and fits every system's clock.
        return min(value, 3e7)
    raise ConfigError(f"timeout is {value!r}: pass seconds above 0, or None for the session's own")


def check_path(name: str, value: Any) -> Path | None:
    """Return a path as it is seen from the current folder, which may change; None for None.

    Raises:
        ConfigError: It is no path.
    """
    if value is None:
        return None
    path = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    if not isinstance(path, str) or not path:
        raise ConfigError(f"{name} is {value!r}: pass the path of a file")
    return Path(os.path.abspath(path))
