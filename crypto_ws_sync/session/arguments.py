"""The session's arguments, checked."""

from __future__ import annotations

import math
import os
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from crypto_ws_sync.errors import ConfigError
from crypto_ws_sync.signing.keys import load_signer, path_of
from crypto_ws_sync.signing.signer import Signer
from crypto_ws_sync.transport.port import OpenFailed
from crypto_ws_sync.transport.proxies import parse_proxy

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "Moment",
    "check_choice",
    "check_number",
    "check_path",
    "check_proxy",
    "check_timeout",
    "make_signer",
]

Moment: TypeAlias = datetime | str | int
"""An aware datetime, ISO text with a zone (a bare date: its midnight, UTC), or milliseconds since 1970."""


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
    path = path_of(value)
    if path is None:
        raise ConfigError(f"{name} is {value!r}: pass the path of a file")
    return type(path)(os.path.abspath(path))


def make_signer(
    api_key: str | None, api_secret: str | os.PathLike[str] | None, passphrase: str | bytes | None
) -> Signer | None:
    """Return what signs with a key's secret part; None without a key.

    Raises:
        ConfigError: One part is missing, or cannot be right.
    """
    if api_key is None and api_secret is None:
        return None
    if api_key is None or api_secret is None:
        missing = "api_key" if api_key is None else "api_secret"
        raise ConfigError(f"{missing} is missing: give both, or neither for public methods alone")
    if not isinstance(api_key, str) or not api_key.strip():
        raise ConfigError("api_key must be the key's text, as the exchange shows it")
    return load_signer(api_secret, passphrase)


def check_proxy(proxy: str | None) -> None:
    """Refuse what is no proxy's address.

    Raises:
        ConfigError: It is none; says what to do.
    """
    if proxy is None or proxy == "":
        return
    if not isinstance(proxy, str):
        raise ConfigError("proxy must be an address such as http://host:port or socks5://host:port")
    try:
        parse_proxy(proxy)
    except OpenFailed as error:
        raise ConfigError(str(error)) from None
