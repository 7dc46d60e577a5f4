"""What goes wrong on the simulated exchange, and when: a small vocabulary for tests.

Every fault says when it strikes: on the next request, on every nth, with a probability, for a method, until a
time.
"""

from __future__ import annotations

import fnmatch
import random
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

__all__ = ["Effect", "Fault", "Faults", "Machinery"]

Kind = Literal["drop", "swallow", "delay", "shuffle", "unavailable", "stall", "split", "refuse_handshake"]


class Machinery(Protocol):
    """What faults that strike at once need of the exchange. Callable from any thread."""

    def now(self) -> float:
        """The exchange's time in epoch seconds."""

    def ban(self, address: str | None, seconds: float) -> None:
        """Shut an address out, or every one seen so far."""

    def announce_shutdown(self) -> None:
        """Send `serverShutdown` to every connection."""

    def skew_clock(self, seconds: float) -> None:
        """Set how far the exchange's clock is ahead of the true one."""

    def revoke(self, api_key: str) -> None:
        """Withdraw a key."""

    def drop_all(self, code: int | None, reason: str) -> None:
        """End every connection."""

    def say(self, message: str | bytes) -> None:
        """Send a frame to every connection."""

    def ping(self, payload: bytes) -> None:
        """Send a ping frame to every connection."""

    def stall_all(self) -> None:
        """Stop reading from and writing to every connection there is."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a fault does where it strikes."""

    kind: Kind
    executed: bool = True
    code: int | None = None
    seconds: float = 0.0
    spread: float = 0.0
    status: int | None = None
    error_code: int = -1000
    msg: str = ""
    hold: int = 0
    size: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)


class Fault:
    """One thing that goes wrong, and how often it has; `cancel()` ends it.

    Owner: shared, guarded by self._lock.
    """

    def __init__(
        self,
        effect: Effect,
        *,
        method: str | Iterable[str] | None,
        times: int | None,
        every: int | None,
        probability: float | None,
        seed: int,
        until: float | None,
    ) -> None:
        if every is not None and every < 1:
            raise ValueError("every must be 1 or more")
        if probability is not None and not 0 <= probability <= 1:
            raise ValueError("probability must be between 0 and 1")
        self.effect = effect
        self._patterns = (method,) if isinstance(method, str) else None if method is None else tuple(method)
        self._times = times
        self._every = every
        self._probability = probability
        self._until = until
        self._seen = 0
        self._strikes = 0
        self._cancelled = False
        self._lock = threading.Lock()
        self._struck = threading.Condition(self._lock)
        self.random = random.Random(seed)

    @property
    def strikes(self) -> int:
        """How often it has struck."""
        with self._lock:
            return self._strikes

    @property
    def is_over(self) -> bool:
        """Whether it cannot strike any more."""
        with self._lock:
            return self._cancelled or (self._times is not None and self._strikes >= self._times)

    def cancel(self) -> None:
        """Have it never strike again."""
        with self._lock:
            self._cancelled = True

    def wait(self, timeout: float, strikes: int = 1) -> bool:
        """Block until it has struck that often; False when `timeout` seconds ended first."""
        deadline = time.monotonic() + timeout
        with self._lock:
            while self._strikes < strikes:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._struck.wait(left)
        return True

    def strike(self, method: str, now: float) -> bool:
        """Whether it strikes here; counts it if so."""
        patterns = self._patterns
        if patterns is not None and not any(fnmatch.fnmatchcase(method, each) for each in patterns):
            return False
        with self._lock:
            if self._cancelled or (self._times is not None and self._strikes >= self._times):
                return False
            if self._until is not None and now >= self._until:
                return False
            self._seen += 1
            if self._every is not None and self._seen % self._every:
                return False
            if self._probability is not None and self.random.random() >= self._probability:
                return False
            self._strikes += 1
            self._struck.notify_all()
            return True


class Faults:
    """What goes wrong, and when. Each method plans one fault and may be called from any thread.

    Every planned fault takes the same "when":

    - `method`: strike only on this method, such as "order.place"; "order.*" and lists of such work too.
    - `times`: how often at most; once by default, `None` for ever.
    - `every`: strike on every nth matching request.
    - `probability`, `seed`: strike a matching request with this probability, the same way for the same seed.
    - `until`: strike only before this time (epoch seconds on the exchange's clock).

    With `every`, `probability` or `until`, `times` defaults to for ever. What is returned counts its strikes,
    can be waited for, and can be cancelled.

    Owner: shared, guarded by self._lock.
    """

    def __init__(self, machinery: Machinery) -> None:
        self._machinery = machinery
        self._lock = threading.Lock()
        self.planned: tuple[Fault, ...] = ()
        self.planned_handshakes: tuple[Fault, ...] = ()

    # -- planned -----------------------------------------------------------------------------------------

    def drop(
        self, moment: Literal["before", "after"] = "after", *, code: int | None = None, **when: Any
    ) -> Fault:
        """End the connection on which a matching request came, before or after executing it, unanswered.

        Args:
            moment: "before": the request has no effect; "after": it has.
            code: Close properly with this code; by default the connection breaks off with no close frame.
        """
        return self._plan(Effect("drop", executed=_executed(moment), code=code), when)

    def swallow(self, moment: Literal["before", "after"] = "after", **when: Any) -> Fault:
        """Never answer a matching request; the connection stays."""
        return self._plan(Effect("swallow", executed=_executed(moment)), when)

    def delay(
        self,
        seconds: float,
        *,
        spread: float = 0.0,
        moment: Literal["before", "after"] = "after",
        seed: int = 0,
        **when: Any,
    ) -> Fault:
        """Answer a matching request late, by `seconds` of real time and up to `spread` more.

        Args:
            moment: "after": executed at once, answered late. "before": executed late, so that the check of
                its age just before the matching engine counts.
        """
        effect = Effect("delay", executed=_executed(moment), seconds=seconds, spread=spread)
        return self._plan(effect, {"times": None, "seed": seed, **when})

    def shuffle(self, hold: int = 8, *, within: float = 0.02, seed: int = 0, **when: Any) -> Fault:
        """Hold answers until there are `hold` of them or `within` seconds have passed; send them shuffled."""
        return self._plan(Effect("shuffle", hold=hold, seconds=within), {"times": None, "seed": seed, **when})

    def unavailable(
        self,
        *,
        executed: bool,
        status: int = 503,
        code: int = -1007,
        msg: str = (
            "Timeout waiting for response from backend server. Send status unknown; execution status unknown."
        ),
        **when: Any,
    ) -> Fault:
        """Answer a matching request with a 5xx, having executed it or not."""
        effect = Effect("unavailable", executed=executed, status=status, error_code=code, msg=msg)
        return self._plan(effect, when)

    def stall(self, moment: Literal["before", "after"] = "before", **when: Any) -> Fault:
        """Stop reading from and writing to the connection of a matching request; it stays open."""
        return self._plan(Effect("stall", executed=_executed(moment)), when)

    def split_frames(self, size: int = 16, **when: Any) -> Fault:
        """Send the answer in fragments of `size` bytes, pings in between allowed (RFC 6455, section 5.4)."""
        if size < 1:
            raise ValueError("size must be 1 or more")
        return self._plan(Effect("split", size=size), when)

    def refuse_handshake(
        self,
        status: int | None = 503,
        *,
        headers: Mapping[str, str] | None = None,
        times: int | None = 1,
        until: float | None = None,
        every: int | None = None,
        probability: float | None = None,
        seed: int = 0,
    ) -> Fault:
        """Refuse connections with an HTTP status and headers; `status=None` never answers the handshake."""
        effect = Effect("refuse_handshake", status=status, headers=dict(headers or {}))
        fault = Fault(
            effect, method=None, times=times, every=every, probability=probability, seed=seed, until=until
        )
        with self._lock:
            self.planned_handshakes = (*_live(self.planned_handshakes), fault)
        return fault

    # -- at once -----------------------------------------------------------------------------------------

    def ban(self, seconds: float = 120.0, *, address: str | None = None) -> None:
        """Shut an address out (every one seen so far by default): 418, and its connections are closed."""
        self._machinery.ban(address, seconds)

    def announce_shutdown(self) -> None:
        """Send `serverShutdown` to every connection; close none."""
        self._machinery.announce_shutdown()

    def skew_clock(self, seconds: float) -> None:
        """Have the exchange's clock go `seconds` ahead of the true one; negative: behind; 0: right again."""
        self._machinery.skew_clock(seconds)

    def revoke(self, api_key: str) -> None:
        """Withdraw a key: sessions logged on with it are told on their next signed request."""
        self._machinery.revoke(api_key)

    def drop_all(self, code: int | None = None, reason: str = "") -> None:
        """End every connection at once: broken off, or closed properly with `code`."""
        self._machinery.drop_all(code, reason)

    def say(self, message: str | bytes) -> None:
        """Send a frame of any content to every connection: text for a str, binary for bytes."""
        self._machinery.say(message)

    def ping(self, payload: bytes = b"") -> None:
        """Send a ping frame to every connection."""
        self._machinery.ping(payload)

    def stall_all(self) -> None:
        """Stop reading from and writing to every connection there is; new ones work."""
        self._machinery.stall_all()

    def clear(self) -> None:
        """Cancel every planned fault."""
        with self._lock:
            for fault in (*self.planned, *self.planned_handshakes):
                fault.cancel()
            self.planned = self.planned_handshakes = ()

    # -- for the server ----------------------------------------------------------------------------------

    def strike(self, method: str) -> list[Fault]:
        """The faults that strike a request of this method, in the order in which they were planned."""
        now = self._machinery.now()
        struck = [fault for fault in self.planned if fault.strike(method, now)]
        if any(fault.is_over for fault in self.planned):
            with self._lock:
                self.planned = _live(self.planned)
        return struck

    def strike_handshake(self) -> Effect | None:
        """The fault that strikes a new connection, if one does."""
        now = self._machinery.now()
        for fault in self.planned_handshakes:
            if fault.strike("", now):
                return fault.effect
        return None

    def _plan(self, effect: Effect, when: Mapping[str, Any]) -> Fault:
        known = {"method", "times", "every", "probability", "seed", "until"}
        if unknown := set(when) - known:
            raise TypeError(f"no such condition: {', '.join(sorted(unknown))}; there are {sorted(known)}")
        is_repeated = any(when.get(name) is not None for name in ("every", "probability", "until"))
        fault = Fault(
            effect,
            method=when.get("method"),
            times=when.get("times", None if is_repeated else 1),
            every=when.get("every"),
            probability=when.get("probability"),
            seed=when.get("seed", 0),
            until=when.get("until"),
        )
        with self._lock:
            self.planned = (*_live(self.planned), fault)
        return fault


def _live(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    return tuple(fault for fault in faults if not fault.is_over)


def _executed(moment: str) -> bool:
    if moment not in ("before", "after"):
        raise ValueError(f"moment must be 'before' or 'after', not {moment!r}")
    return moment == "after"
