"""Subscriptions to the account's events."""

from __future__ import annotations

from crypto_ws_sync.exchanges.binance import replies
from crypto_ws_sync.exchanges.binance.methods.catalogue import TypedCalls, method
from crypto_ws_sync.model.numbers import Number
from crypto_ws_sync.protocol.method import Kind, Security

__all__ = ["UserDataStreamMethods"]


class UserDataStreamMethods(TypedCalls):
    """Subscriptions to the account's events."""

    __slots__ = ()

    @method(
        "userDataStream.subscribe",
        security=Security.USER_STREAM,
        weight=2,
        kind=Kind.CONNECTION,
        needs_log_on=True,
    )
    def user_data_stream_subscribe(self, *, timeout: float | None = None) -> replies.Subscription:
        """Subscribe this connection to the logged-on account's events.

        `user_data()` does this by itself, and anew after each reconnect; without it nobody hands the events
        on.

        Args:
            timeout: Seconds for all of it; the session's by default.

        Raises:
            BadRequest: The connection is not logged on, or already subscribed.
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            RequestTimeout: No answer within `timeout`; asking again is safe.

        Cost: weight 2. Source: Binance WS API docs, 'userDataStream.subscribe'.
        """
        return self._ask(UserDataStreamMethods.user_data_stream_subscribe, locals())

    @method("userDataStream.unsubscribe", weight=2, kind=Kind.CONNECTION)
    def user_data_stream_unsubscribe(
        self, *, subscription_id: int | None = None, timeout: float | None = None
    ) -> replies.NoResult:
        """End one or all subscriptions of this connection.

        Streams from `user_data()` would hear nothing more: leave their `with` block instead.

        Args:
            subscription_id: The subscription to end; all of this connection when omitted.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            BadRequest: No such subscription is active.
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            RequestTimeout: No answer within `timeout`; asking again is safe.

        Cost: weight 2. Source: Binance WS API docs, 'userDataStream.unsubscribe'.
        """
        return self._ask(UserDataStreamMethods.user_data_stream_unsubscribe, locals())

    @method("session.subscriptions", weight=2)
    def session_subscriptions(self, *, timeout: float | None = None) -> list[replies.Subscription]:
        """Return the subscriptions of this connection.

        Args:
            timeout: Seconds for all of it; the session's by default.

        Raises:
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            RequestTimeout: No answer within `timeout`; asking again is safe.

        Cost: weight 2. Source: Binance WS API docs, 'session.subscriptions'.
        """
        return self._ask(UserDataStreamMethods.session_subscriptions, locals())

    @method(
        "userDataStream.subscribe.signature",
        security=Security.USER_STREAM,
        weight=2,
        kind=Kind.CONNECTION,
        is_always_signed=True,
    )
    def user_data_stream_subscribe_signature(
        self, *, recv_window: Number | None = None, timeout: float | None = None
    ) -> replies.Subscription:
        """Subscribe this connection to the account's events with a signature of its own.

        `user_data()` does this by itself, with any kind of key, and anew after each reconnect.

        Args:
            recv_window: Milliseconds for which the request stays valid, up to 60000; the session's by
                default.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            AuthError: Key, permission or signature refused; check the key's rights and its addresses.
            BadRequest: The account is already subscribed on this connection.
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            RequestTimeout: No answer within `timeout`; asking again is safe.

        Cost: weight 2. Source: Binance WS API docs, 'userDataStream.subscribe.signature'.
        """
        return self._ask(UserDataStreamMethods.user_data_stream_subscribe_signature, locals())
