"""Logging the connection on and off."""

from __future__ import annotations

from crypto_ws_sync.exchanges.binance import replies
from crypto_ws_sync.exchanges.binance.methods.catalogue import TypedCalls, method
from crypto_ws_sync.model.numbers import Number
from crypto_ws_sync.protocol.method import Kind, Security

__all__ = ["AuthenticationMethods"]


class AuthenticationMethods(TypedCalls):
    """Logging the connection on and off."""

    __slots__ = ()

    @method("session.logon", security=Security.SIGNED, weight=2, kind=Kind.CONNECTION, is_always_signed=True)
    def session_logon(
        self, *, recv_window: Number | None = None, timeout: float | None = None
    ) -> replies.SessionState:
        """Log the connection on with the session's key, and return its state.

        The session does this by itself with an Ed25519 key, and anew after each reconnect. Other kinds of key
        cannot log on.

        Args:
            recv_window: Milliseconds for which the request stays valid, up to 60000; the session's by
                default.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            AuthError: Key, permission or signature refused; check the key's rights and its addresses.
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            RequestTimeout: No answer within `timeout`; asking again is safe.

        Cost: weight 2. Source: Binance WS API docs, 'session.logon'.
        """
        return self._ask(AuthenticationMethods.session_logon, locals())

    @method("session.status", weight=2)
    def session_status(self, *, timeout: float | None = None) -> replies.SessionState:
        """Return which key the connection is logged on with.

        Args:
            timeout: Seconds for all of it; the session's by default.

        Raises:
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            RequestTimeout: No answer within `timeout`; asking again is safe.

        Cost: weight 2. Source: Binance WS API docs, 'session.status'.
        """
        return self._ask(AuthenticationMethods.session_status, locals())

    @method("session.logout", weight=2, kind=Kind.CONNECTION)
    def session_logout(self, *, timeout: float | None = None) -> replies.SessionState:
        """Log the connection off, and return its state.

        The connection stays open. Events subscribed to on the strength of the log-on end; requests are then
        signed one by one.

        Args:
            timeout: Seconds for all of it; the session's by default.

        Raises:
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            RequestTimeout: No answer within `timeout`; asking again is safe.

        Cost: weight 2. Source: Binance WS API docs, 'session.logout'.
        """
        return self._ask(AuthenticationMethods.session_logout, locals())
