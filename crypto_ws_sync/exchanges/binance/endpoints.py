"""Where the exchange listens."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit, urlunsplit

from crypto_ws_sync.errors import ConfigError

__all__ = ["ENDPOINTS", "is_loopback", "venue_key", "with_options"]

ENDPOINTS: Mapping[str, str] = MappingProxyType(
    {
        "binance": "wss://ws-api.binance.com:443/ws-api/v3",
        "binance-testnet": "wss://ws-api.testnet.binance.vision/ws-api/v3",
        "binance-demo": "wss://demo-ws-api.binance.com/ws-api/v3",
    }
)
"""Known names. Source: Binance WS API docs, 'General API Information', and the testnet's and demo mode's pages."""

_PRINTABLE = re.compile(r"[^\s\x00-\x1f\x7f]+")


def _split(endpoint: str) -> SplitResult:
    if not isinstance(endpoint, str):
        raise ConfigError(f"endpoint is a {type(endpoint).__name__}: pass a name or a wss:// address as str")
    if "@" in endpoint.partition("?")[0]:
        raise ConfigError("the endpoint's address holds credentials: leave them out")
    try:
        parts = urlsplit(ENDPOINTS.get(endpoint, endpoint))
        is_usable = parts.scheme in ("ws", "wss") and bool(parts.hostname) and parts.port != 0
        if "[" in parts.netloc:
            # Python 3.10 takes anything in brackets.
            ipaddress.IPv6Address(parts.hostname or "")
    except ValueError:
        is_usable = False
    if not is_usable or not _PRINTABLE.fullmatch(endpoint):
        raise ConfigError(
            f"endpoint {endpoint!r} is neither a wss:// address nor a known name ({', '.join(ENDPOINTS)})"
        )
    return parts


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def with_options(endpoint: str, time_unit: str) -> str:
    """Return the address to connect to.

    Args:
        endpoint: A known name or an address.
        time_unit: "ms" or "us".

    Raises:
        ConfigError: It is no usable address, or not encrypted and not this machine.
    """
    parts = _split(endpoint)
    if parts.scheme == "ws" and not is_loopback(parts.hostname or ""):
        raise ConfigError(
            f"endpoint {endpoint!r} is not encrypted: use wss:// (ws:// is for addresses on this machine only)"
        )
    query = parse_qsl(parts.query, keep_blank_values=True)
    if time_unit == "us":
        query = [(name, value) for name, value in query if name != "timeUnit"]
        query.append(("timeUnit", "MICROSECOND"))
    return urlunsplit(parts._replace(query=urlencode(query), fragment=""))


def venue_key(endpoint: str) -> str:
    """Return what two addresses of one venue share: its name, else host and port."""
    parts = _split(endpoint)
    host = (parts.hostname or "").lower()
    for name, address in ENDPOINTS.items():
        if urlsplit(address).hostname == host:
            return name
    return f"{host}:{parts.port or (443 if parts.scheme == 'wss' else 80)}"
