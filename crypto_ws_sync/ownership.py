"""Which thread may touch what: a mark that owned objects check."""

from __future__ import annotations

import threading

from crypto_ws_sync.errors import SessionClosed

__all__ = ["Owner"]

_ident = threading.get_ident


class Owner:
    """The mark of one owning thread; unclaimed until `claim()`.

    Owner: the thread that claimed it.
    """

    __slots__ = ("name", "thread_id")

    def __init__(self, name: str) -> None:
        self.name = name
        self.thread_id = 0

    def claim(self) -> None:
        """Make the calling thread the owner."""
        self.thread_id = _ident()

    def check(self) -> None:
        """Refuse any thread but the owner.

        Raises:
            SessionClosed: Called from another thread; names both.
        """
        if self.thread_id != _ident():
            raise SessionClosed(
                f"{self.name} belongs to thread {self.thread_id} and was called from thread {_ident()}"
            )
