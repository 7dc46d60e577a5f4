"""Which proxy a connection goes through."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from crypto_ws_sync.transport.port import OpenFailed, OpenFailure

__all__ = ["Proxy", "choose_proxy", "parse_proxy"]

_SCHEMES = {"http": "http", "https": "http", "socks5": "socks5", "socks5h": "socks5h", "socks": "socks5"}
_DEFAULT_PORTS = {"http": 80, "socks5": 1080, "socks5h": 1080}


class Proxy(NamedTuple):
    """One proxy; its credentials are in no repr."""

    scheme: str
    host: str
    port: int
    user: str | None = None
    password: str | None = None

    def __repr__(self) -> str:
        return f"<Proxy {self}>"

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def parse_proxy(text: str) -> Proxy:
    """Return the proxy that an address names.

    Raises:
        OpenFailed: The address is not one (it is not repeated, as it may hold credentials).
    """
    try:
        parts: SplitResult = urlsplit(text if "://" in text else f"http://{text}")
        port = parts.port
    except ValueError:
        raise OpenFailed(OpenFailure.CONFIG, "the proxy address cannot be read") from None
    scheme = _SCHEMES.get(parts.scheme.lower())
    if scheme is None:
        raise OpenFailed(
            OpenFailure.CONFIG,
            f"proxies of the kind {parts.scheme!r} are not known: use http://host:port or socks5://host:port",
        )
    if not parts.hostname:
        raise OpenFailed(OpenFailure.CONFIG, "the proxy address names no host")
    return Proxy(
        scheme,
        parts.hostname,
        port or _DEFAULT_PORTS[scheme],
        unquote(parts.username) if parts.username else None,
        unquote(parts.password) if parts.password else None,
    )


def choose_proxy(given: str | None, host: str, is_secure: bool) -> Proxy | None:
    """Return the proxy to use: the given one, else what the usual environment variables say, else None.

    Args:
        given: An address, or "" for none whatever the environment says.
        host: Where the connection goes.
        is_secure: It is `wss`.
    """
    if given is not None:
        return parse_proxy(given) if given else None
    found = None if _is_loopback(host) else _from_environment(os.environ, is_secure)
    if not found:
        return None
    # Forty modules, which take as long to load as all of asyncio, for those who have a proxy.
    from urllib.request import proxy_bypass

    return None if proxy_bypass(host) else parse_proxy(found)


def _from_environment(environment: Mapping[str, str], is_secure: bool) -> str | None:
    names = ("wss_proxy", "https_proxy") if is_secure else ("ws_proxy", "http_proxy")
    for name in (*names, "all_proxy"):
        value = environment.get(name) or environment.get(name.upper())
        if value:
            return value.strip()
    return None


def _is_loopback(host: str) -> bool:
    return host == "localhost" or host.startswith("127.") or host in ("::1", "[::1]")
