"""One request on its way through the exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..keys import Account
from .catalogue import Arguments, Method
from .connection import Connection
from .envelope import Frame
from .refusals import Refusal, rejected_key

if TYPE_CHECKING:
    from .venue import Venue

__all__ = ["Request"]


class Request:
    """A request that was received: who asks for what, or why it is refused.

    Owner: the exchange's loop thread.
    """

    __slots__ = (
        "_account",
        "args",
        "connection",
        "divisor",
        "frame",
        "is_dead_session",
        "is_late",
        "method",
        "now_us",
        "record",
        "refusal",
        "text",
        "timestamp_us",
        "venue",
        "weight_on_success",
        "window_us",
    )

    def __init__(self, venue: Venue, connection: Connection, text: str | bytes, now_us: int) -> None:
        self.venue = venue
        self.connection = connection
        self.text = text
        self.now_us = now_us
        self.divisor = connection.divisor
        self.frame: Frame | None = None
        self.method: Method | None = None
        self._account: Account | None = None
        self.args: Arguments = {}
        self.timestamp_us = 0
        self.window_us = 0
        self.refusal: Refusal | None = None
        self.is_dead_session = False
        self.is_late = False
        self.weight_on_success: int | None = None
        self.record: list[Any] = []

    @property
    def account(self) -> Account:
        """Whose request it is."""
        if self._account is None:
            raise rejected_key()
        return self._account

    @account.setter
    def account(self, account: Account) -> None:
        self._account = account

    @property
    def known_account(self) -> Account | None:
        """Whose request it is; None for a public one."""
        return self._account

    def time(self, us: int) -> int:
        """A moment in the unit of the connection's timestamps; what never was stays -1."""
        return us if us < 0 else us // self.divisor
