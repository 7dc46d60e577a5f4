"""The port to the wire: open a line, send text on it, close it."""

from __future__ import annotations

import enum
import ssl
from collections.abc import Mapping
from typing import NamedTuple, Protocol

__all__ = [
    "Line",
    "LineHandler",
    "LineLost",
    "OpenFailed",
    "OpenFailure",
    "ProtocolViolation",
    "Target",
    "Transport",
]


class Target(NamedTuple):
    """Where and how to connect.

    Attributes:
        url: `ws://` or `wss://` address, query included.
        ssl_context: For `wss`; the system's trust store where None.
        proxy: `http://` or `socks5://` address, maybe with credentials; None: ask the environment.
        max_message: Largest message in bytes.
    """

    url: str
    ssl_context: ssl.SSLContext | None = None
    proxy: str | None = None
    max_message: int = 64 * 2**20

    def __repr__(self) -> str:
        # Without its proxy, whose address may hold credentials.
        return f"<Target {self.url}>"


class OpenFailure(enum.Enum):
    """Why a connection could not be had."""

    NETWORK = "network"
    REFUSED = "refused"
    CERTIFICATE = "certificate"
    CONFIG = "config"
    TIMEOUT = "timeout"


class OpenFailed(Exception):
    """A connection could not be had.

    Attributes:
        kind: Which sort of failure it is.
        status: HTTP status of a refused handshake.
        headers: Headers of a refused handshake, names in lower case.
    """

    def __init__(
        self,
        kind: OpenFailure,
        message: str,
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.status = status
        self.headers = headers or {}


class ProtocolViolation(Exception):
    """The other side broke the WebSocket protocol; `code` is the close code to answer with."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class LineLost(NamedTuple):
    """How a line ended: the close code (1005: none given, 1006: no close at all) and words."""

    code: int
    reason: str


class LineHandler(Protocol):
    """Whoever listens to a line; called on the loop thread, must not wait."""

    def on_text(self, text: str) -> None:
        """Take one text message."""

    @property
    def awaits_more(self) -> bool:
        """Whether more is likely to come right after what came: answers that are waited for, or events."""

    def on_read(self) -> None:
        """Something came in one turn of reading, and all of its messages have been handed over."""

    def on_lost(self, lost: LineLost) -> None:
        """Learn, once, that the line has ended."""


class Line(Protocol):
    """One open connection.

    Owner: loop thread.
    """

    last_heard: float
    is_open: bool

    @property
    def is_clogged(self) -> bool:
        """Tell whether so much waits to be written that new requests should wait, too."""

    def attach(self, handler: LineHandler) -> None:
        """Begin to read."""

    def send_text(self, text: str) -> int:
        """Append a text message to the out-buffer; return the offset of the end of its last byte."""

    def flush(self) -> None:
        """Hand over what has gathered."""

    def handed_over(self) -> int:
        """Return the offset up to which bytes may have left."""

    def ping(self) -> None:
        """Send a ping frame."""

    def close(self, code: int, reason: str, wait: float) -> None:
        """Say goodbye, wait that many seconds for the answer, and end; `on_lost` follows."""

    def abort(self, reason: str) -> None:
        """End at once; `on_lost` follows before this returns."""

    def forsake(self) -> None:
        """Let go of the socket in a forked child, without a word to the other side."""


class Transport(Protocol):
    """Opens lines."""

    async def open(self, target: Target, timeout: float) -> Line:
        """Return an open line within `timeout` seconds, all steps together.

        Raises:
            OpenFailed: It could not be had.
        """
