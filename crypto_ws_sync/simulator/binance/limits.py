"""Request weights, order counts and connection attempts: fixed windows aligned to the clock, then bans."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from .refusals import Refusal

__all__ = ["DEFAULT_RATE_LIMITS", "AddressUsage", "Ban", "RateLimit", "Window", "read_rate_limits"]

_INTERVAL_SECONDS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86400}

_FIRST_BAN_US = 120 * 1_000_000
_LONGEST_BAN_US = 3 * 86400 * 1_000_000
_UNDER_WAY_US = 1_000_000
"""Requests so soon after the window's first refusal may have been under way: they ban nobody."""
_REFUSALS_BEFORE_BAN = 10
"""Later refusals with 429 that one window bears."""
_REFUSALS_AT_ALL = 1000
"""What no window bears, under way or not."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """One limit as exchangeInfo tells it: so many units in an interval."""

    rate_limit_type: str
    interval: str
    interval_num: int
    limit: int

    @property
    def window_us(self) -> int:
        """Microseconds from one reset to the next."""
        return _INTERVAL_SECONDS[self.interval] * self.interval_num * 1_000_000

    def as_dict(self) -> dict[str, str | int]:
        """The entry of exchangeInfo."""
        return {
            "rateLimitType": self.rate_limit_type,
            "interval": self.interval,
            "intervalNum": self.interval_num,
            "limit": self.limit,
        }


DEFAULT_RATE_LIMITS = (
    RateLimit("REQUEST_WEIGHT", "MINUTE", 1, 6000),
    RateLimit("ORDERS", "SECOND", 10, 50),
    RateLimit("ORDERS", "DAY", 1, 160000),
    RateLimit("CONNECTIONS", "MINUTE", 5, 300),
)


def read_rate_limits(
    given: Mapping[str, int] | Iterable[Mapping[str, str | int]] | None,
) -> tuple[RateLimit, ...]:
    """The limits in force: the usual ones, or those given.

    Args:
        given: Entries spelled as in exchangeInfo, which replace all others; or a mapping from a kind such as
            "REQUEST_WEIGHT" to a number, which replaces that number and leaves the rest.

    Raises:
        ValueError: An entry that is no rate limit.
    """
    if given is None:
        return DEFAULT_RATE_LIMITS
    if isinstance(given, Mapping):
        unknown = set(given) - {each.rate_limit_type for each in DEFAULT_RATE_LIMITS}
        if unknown:
            raise ValueError(f"no such kind of rate limit: {', '.join(sorted(map(str, unknown)))}")
        return tuple(
            RateLimit(
                each.rate_limit_type,
                each.interval,
                each.interval_num,
                int(given.get(each.rate_limit_type, each.limit)),
            )
            for each in DEFAULT_RATE_LIMITS
        )
    return tuple(map(_read_rate_limit, given))


def _read_rate_limit(entry: Mapping[str, str | int]) -> RateLimit:
    missing = {"rateLimitType", "interval", "limit"} - set(entry)
    if missing:
        raise ValueError(f"a rate limit without {', '.join(sorted(missing))}: {dict(entry)}")
    interval = str(entry["interval"])
    if interval not in _INTERVAL_SECONDS:
        raise ValueError(f"no such interval: {interval}")
    return RateLimit(
        str(entry["rateLimitType"]), interval, int(entry.get("intervalNum", 1)), int(entry["limit"])
    )


class Window:
    """How much of one limit is used in the window that the clock is in.

    Owner: the exchange's loop thread.
    """

    __slots__ = (
        "_first_refusal_us",
        "_prefix",
        "_refusals",
        "_refusals_ignored",
        "count",
        "index",
        "limit",
        "window_us",
    )

    def __init__(self, limit: RateLimit) -> None:
        self.limit = limit
        self.window_us = limit.window_us
        self.index = -1
        self.count = 0
        self._refusals = self._refusals_ignored = self._first_refusal_us = 0
        self._prefix = (
            f'{{"rateLimitType":"{limit.rate_limit_type}","interval":"{limit.interval}",'
            f'"intervalNum":{limit.interval_num},"limit":{limit.limit},"count":'
        )

    def roll(self, now_us: int) -> None:
        """Start anew where the clock has entered another window."""
        index = now_us // self.window_us
        if index != self.index:
            self.index = index
            self.count = 0
            self._refusals = self._refusals_ignored = self._first_refusal_us = 0

    def note_refusal(self, now_us: int) -> bool:
        """Count a refusal; whether the address goes on in spite of being told."""
        if not self._refusals:
            self._first_refusal_us = now_us
        self._refusals += 1
        if now_us >= self._first_refusal_us + _UNDER_WAY_US:
            self._refusals_ignored += 1
        return self._refusals_ignored > _REFUSALS_BEFORE_BAN or self._refusals > _REFUSALS_AT_ALL

    @property
    def end_us(self) -> int:
        """When the window ends."""
        return (self.index + 1) * self.window_us

    @property
    def is_exceeded(self) -> bool:
        """Whether more was used than the limit allows."""
        return self.count > self.limit.limit

    def as_json(self) -> str:
        """The entry of a reply's rateLimits."""
        return f"{self._prefix}{self.count}}}"

    def as_dict(self) -> dict[str, str | int]:
        """The entry of a reply's rateLimits, as a value."""
        return {**self.limit.as_dict(), "count": self.count}


@dataclass(slots=True)
class Ban:
    """Until when an address is shut out, and how often that has happened.

    Owner: the exchange's loop thread.
    """

    until_us: int = 0
    times: int = 0

    def impose(self, now_us: int) -> None:
        """Shut the address out: two minutes at first, twice as long each time after, three days at most."""
        length = min(_FIRST_BAN_US << self.times, _LONGEST_BAN_US) if self.times < 16 else _LONGEST_BAN_US
        self.times += 1
        self.until_us = max(self.until_us, now_us + length)


@dataclass(slots=True)
class AddressUsage:
    """What one client address has used of the limits that bind addresses.

    Owner: the exchange's loop thread.
    """

    weights: Sequence[Window]
    connections: Sequence[Window]
    ban: Ban = field(default_factory=Ban)

    def charge(self, weight: int, now_us: int) -> Window | None:
        """Count a request; the window that it overran, if it did."""
        overrun = None
        for window in self.weights:
            window.roll(now_us)
            window.count += weight
            if overrun is None and window.count > window.limit.limit:
                overrun = window
        return overrun

    def refund(self, weight: int) -> None:
        """Take back what a successful call is not charged."""
        for window in self.weights:
            window.count = max(0, window.count - weight)

    def attempt_connection(self, now_us: int) -> Window | None:
        """Count an attempt to connect; the window that it overran, if it did."""
        overrun = None
        for window in self.connections:
            window.roll(now_us)
            window.count += 1
            if overrun is None and window.is_exceeded:
                overrun = window
        return overrun

    def refuse(self, window: Window, now_us: int) -> Refusal:
        """The answer to a request beyond the limit: 429, and 418 to who goes on regardless."""
        if window.note_refusal(now_us):
            self.ban.impose(now_us)
        if self.ban.until_us > now_us:
            return self.refuse_banned(now_us)
        limit = window.limit
        msg = (
            f"Too much request weight used; current limit is {limit.limit} request weight per "
            f"{limit.interval_num} {limit.interval}. Please use WebSocket Streams for live updates to avoid "
            "polling the API."
        )
        return Refusal(429, -1003, msg, _limit_data(now_us, window.end_us))

    def refuse_banned(self, now_us: int) -> Refusal:
        """The answer to a request from an address that is shut out."""
        until_ms = -(-self.ban.until_us // 1000)
        msg = (
            f"Way too much request weight used; IP banned until {until_ms}. Please use WebSocket Streams for "
            "live updates to avoid bans."
        )
        return Refusal(418, -1003, msg, _limit_data(now_us, self.ban.until_us))


def _limit_data(now_us: int, until_us: int) -> dict[str, int]:
    """Absolute milliseconds, whatever unit the connection reads its timestamps in: so the samples show it."""
    return {"serverTime": now_us // 1000, "retryAfter": -(-until_us // 1000)}
