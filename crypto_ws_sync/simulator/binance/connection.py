"""What the exchange remembers of one connection: its options, its log-on, its subscriptions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..keys import Account
from .limits import AddressUsage

__all__ = ["Connection", "Options", "Subscription"]


@dataclass(frozen=True, slots=True)
class Options:
    """What the address in the handshake asked for."""

    shows_limits: bool = True
    divisor: int = 1000
    """Microseconds in one unit of this connection's timestamps: 1000, or 1 with timeUnit=MICROSECOND."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """One stream of user data on a connection."""

    subscription_id: int
    account: Account
    is_by_session: bool
    """Made by userDataStream.subscribe, so that log-out ends it."""


class Connection:
    """One connection as the exchange's rules see it.

    Owner: the exchange's loop thread.
    """

    __slots__ = (
        "authorized_us",
        "close",
        "connected_us",
        "divisor",
        "next_subscription_id",
        "number",
        "send",
        "session",
        "shows_limits",
        "subscriptions",
        "usage",
    )

    def __init__(
        self,
        number: int,
        usage: AddressUsage,
        options: Options,
        connected_us: int,
        send: Callable[[str], None],
        close: Callable[[int, str], None],
    ) -> None:
        self.number = number
        self.usage = usage
        self.shows_limits = options.shows_limits
        self.divisor = options.divisor
        self.connected_us = connected_us
        self.send = send
        self.close = close
        self.session: Account | None = None
        self.authorized_us = 0
        self.subscriptions: dict[int, Subscription] = {}
        self.next_subscription_id = 0
