"""Writes whose outcome is open, as a user holds them."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from crypto_ws_sync.errors import OutcomeUnknown, SessionClosed

if TYPE_CHECKING:
    from crypto_ws_sync.session.user_ws_session import UserWSSession

__all__ = ["Resolver", "UnresolvedOrder"]


class Resolver:
    """The way from an error back to its session, without keeping the session alive.

    Owner: shared, never changed.
    """

    def __init__(self, session: UserWSSession) -> None:
        self._session = weakref.ref(session)

    def resolve_outcome(self, error: OutcomeUnknown, timeout: float | None) -> Any:
        session = self._session()
        if session is None:
            raise SessionClosed(
                "the session of this error is gone: pass another, resolve(session=...)",
                method=error.method,
                client_order_id=error.client_order_id,
            )
        return session.resolve_outcome(error, timeout)


class UnresolvedOrder:
    """A write whose outcome is being looked up.

    Owner: shared, never changed.
    """

    __slots__ = ("_error", "client_order_id", "method")

    def __init__(self, error: OutcomeUnknown) -> None:
        self._error = error
        self.method: str | None = error.method
        self.client_order_id: str | None = error.client_order_id

    def __repr__(self) -> str:
        return f"<UnresolvedOrder {self.method} {self.client_order_id}>"

    def resolve(self, timeout: float | None = None) -> Any:
        """Return or raise what the write's call would have.

        Args:
            timeout: Seconds to wait; the session's by default.

        Raises:
            OutcomeUnknown: The timeout ended first.
            ConnectionLost: It was not executed.
        """
        return self._error.resolve(timeout)
