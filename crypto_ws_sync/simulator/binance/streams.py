"""User-data subscriptions: which connection hears which account, and the frames that go out."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from ..keys import Account
from .connection import Connection, Subscription
from .refusals import Refusal
from .wire import encode

__all__ = ["Streams"]

_MOST_AT_A_TIME = 1000
_MOST_IN_A_LIFE = 65535

EventBody = Callable[[int], dict[str, Any]]
"""Makes an event for connections whose timestamps count so many microseconds."""


class Streams:
    """Who listens to whose events, and the events that wait to be sent.

    Owner: the exchange's loop thread.
    """

    def __init__(self) -> None:
        self._listeners: dict[int, dict[tuple[int, int], Connection]] = {}
        self._waiting: deque[tuple[Connection, str]] = deque()

    def subscribe(self, connection: Connection, account: Account, *, is_by_session: bool) -> int:
        """Begin a stream; returns its id.

        Raises:
            Refusal: One to that account is open on this connection, or there are too many.
        """
        if any(each.account.account_id == account.account_id for each in connection.subscriptions.values()):
            raise Refusal(400, -2035, "User Data Stream subscription already active.")
        if connection.next_subscription_id >= _MOST_IN_A_LIFE:
            raise Refusal(400, -2042, "Maximum subscription ID reached for this connection.")
        if len(connection.subscriptions) >= _MOST_AT_A_TIME:
            raise Refusal(
                400,
                -1191,
                f"Too many subscriptions. Connection may create up to '{_MOST_AT_A_TIME}' subscriptions at "
                "a time.",
            )
        number = connection.next_subscription_id
        connection.next_subscription_id += 1
        connection.subscriptions[number] = Subscription(number, account, is_by_session)
        self._listeners.setdefault(account.account_id, {})[connection.number, number] = connection
        return number

    def unsubscribe(self, connection: Connection, subscription_id: int, now_us: int) -> None:
        """End one stream and say so on it.

        Raises:
            Refusal: It is not open.
        """
        subscription = connection.subscriptions.pop(subscription_id, None)
        if subscription is None:
            raise Refusal(400, -2036, "User Data Stream subscription not active.")
        self._remove(connection, subscription)
        body = {"e": "eventStreamTerminated", "E": now_us // connection.divisor}
        self._waiting.append((connection, _frame(subscription_id, encode(body))))

    def end_session(self, connection: Connection, now_us: int) -> None:
        """End the stream that rests on the connection's log-on, if there is one."""
        for number, subscription in list(connection.subscriptions.items()):
            if subscription.is_by_session:
                self.unsubscribe(connection, number, now_us)

    def forget(self, connection: Connection) -> None:
        """Drop everything of a connection that has closed."""
        for subscription in connection.subscriptions.values():
            self._remove(connection, subscription)
        connection.subscriptions.clear()

    @property
    def is_heard(self) -> bool:
        """Whether anyone listens to any account."""
        return bool(self._listeners)

    def has_listeners(self, account_id: int) -> bool:
        """Whether anyone listens to an account, so that its events are worth making."""
        return account_id in self._listeners

    def publish(self, account_id: int, body: EventBody) -> None:
        """Queue one event for everyone who listens to an account."""
        listeners = self._listeners.get(account_id)
        if not listeners:
            return
        texts: dict[int, str] = {}
        for (_, number), connection in listeners.items():
            text = texts.get(connection.divisor)
            if text is None:
                text = texts[connection.divisor] = encode(body(connection.divisor))
            self._waiting.append((connection, _frame(number, text)))

    def flush(self) -> None:
        """Send what is queued, in order."""
        waiting = self._waiting
        while waiting:
            connection, text = waiting.popleft()
            connection.send(text)

    def _remove(self, connection: Connection, subscription: Subscription) -> None:
        account_id = subscription.account.account_id
        listeners = self._listeners.get(account_id)
        if listeners is not None:
            listeners.pop((connection.number, subscription.subscription_id), None)
            if not listeners:
                del self._listeners[account_id]


def _frame(subscription_id: int, body: str) -> str:
    return f'{{"subscriptionId":{subscription_id},"event":{body}}}'
