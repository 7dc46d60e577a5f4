"""The exchange's rules from a text frame to its reply: limits, keys, timestamps, then the method's part."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from ..clock import Clock, Timers
from ..faults import Effect
from ..keys import Account
from ..matching import Outcome
from . import handlers
from .authentication import check_age, check_signature, read_freshness, signed_text
from .catalogue import Method, load_catalogue
from .connection import Connection, Options
from .envelope import error_text, read_frame, render_limits, reply_text
from .events import event_body
from .limits import AddressUsage, RateLimit, Window
from .refusals import Refusal, not_supported, rejected_key
from .request import Request

if TYPE_CHECKING:
    from .floor import Floor
    from .streams import Streams

__all__ = ["Venue"]

_REMEMBERED_REQUESTS = 100_000
_CONNECT_WEIGHT = 2
_SLICE_US = 20 * 1_000_000
_SHORTEST_TICK_US = 50_000


class Venue:
    """The exchange behind its sockets.

    Owner: the exchange's loop thread.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        rate_limits: Sequence[RateLimit],
        keys: dict[str, Account],
        floor: Floor,
        streams: Streams,
        randomness: random.Random,
    ) -> None:
        self._clock = clock
        self._skew_us = 0
        self.rate_limits = tuple(rate_limits)
        self.keys = keys
        self.key_permissions: dict[str, frozenset[str]] = {}
        self.floor = floor
        self.streams = streams
        self.random = randomness
        self._timers: Timers | None = None
        self.methods = load_catalogue()
        self._handlers: dict[str, Callable[[Request], Any]] = handlers.all_handlers()
        self.usages: dict[str, AddressUsage] = {}
        self._orders: dict[int, list[Window]] = {}
        self.connections: dict[int, Connection] = {}
        self._next_connection = 1
        self.records: deque[list[Any]] = deque(maxlen=_REMEMBERED_REQUESTS)

    # -- time and limits ---------------------------------------------------------------------------------

    def now_us(self) -> int:
        """The exchange's time in epoch microseconds."""
        return self._clock.now_us() + self._skew_us

    def skew(self, seconds: float) -> None:
        """Set how far this clock is ahead of the true one."""
        self._skew_us = round(seconds * 1_000_000)

    def usage_of(self, address: str) -> AddressUsage:
        """What one client address has used."""
        usage = self.usages.get(address)
        if usage is None:
            usage = self.usages[address] = AddressUsage(
                [Window(each) for each in self.rate_limits if each.rate_limit_type == "REQUEST_WEIGHT"],
                [Window(each) for each in self.rate_limits if each.rate_limit_type == "CONNECTIONS"],
            )
        return usage

    def order_windows(self, account_id: int) -> list[Window]:
        """The order counts of one account, in the windows that the clock is in."""
        windows = self._orders.get(account_id)
        if windows is None:
            windows = self._orders[account_id] = [
                Window(each) for each in self.rate_limits if each.rate_limit_type == "ORDERS"
            ]
        now_us = self._clock.now_us() + self._skew_us
        for window in windows:
            if now_us // window.window_us != window.index:
                window.roll(now_us)
        return windows

    def check_order_count(self, account_id: int, orders: int) -> None:
        """Refuse orders beyond the count that an account may place."""
        for window in self.order_windows(account_id):
            if window.count + orders > window.limit.limit:
                limit = window.limit
                raise Refusal(
                    429,
                    -1015,
                    f"Too many new orders; current limit is {limit.limit} orders per "
                    f"{limit.interval_num} {limit.interval}.",
                )

    def count_orders(self, account_id: int, orders: int) -> None:
        """Add placed orders to an account's counts; negative: orders that found a match."""
        for window in self.order_windows(account_id):
            window.count = max(0, window.count + orders)

    # -- connections -------------------------------------------------------------------------------------

    def connect(
        self,
        address: str,
        options: Options,
        since_us: int,
        send: Callable[[str], None],
        close: Callable[[int, str], None],
    ) -> Connection:
        """A new connection from an address; connecting itself has a weight."""
        since_us += self._skew_us
        usage = self.usage_of(address)
        usage.charge(_CONNECT_WEIGHT, since_us)
        connection = Connection(self._next_connection, usage, options, since_us, send, close)
        self._next_connection += 1
        self.connections[connection.number] = connection
        return connection

    def disconnect(self, connection: Connection) -> None:
        """Forget a connection and everything that was bound to it."""
        self.connections.pop(connection.number, None)
        self.streams.forget(connection)

    def attach(self, timers: Timers) -> None:
        """Begin to live: from now on the market moves by itself."""
        self._timers = timers
        self._tick()

    def _tick(self) -> None:
        """Let the market catch up with the clock, a slice at a time so that requests come between."""
        timers = self._timers
        if timers is None or timers.is_closed:
            return
        now_us, next_us = self.now_us(), self.floor.market.next_us
        slice_end_us = max(self.floor.now_us, next_us) + _SLICE_US
        self.advance(min(now_us, slice_end_us))
        self.flush_events()
        if slice_end_us < now_us:
            timers.call_soon(self._tick)
        else:
            wait_us = max(_SHORTEST_TICK_US, self.floor.market.next_us - now_us)
            timers.call_after_us(wait_us, self._tick)

    def advance(self, now_us: int) -> int:
        """Let the rest of the market catch up with the clock; the floor's own time, which never runs back."""
        for outcome in self.floor.advance(now_us):
            self._spread(outcome)
        return self.floor.now_us

    def settle(self, now_us: int) -> int:
        """Let the market catch up where an open order of a client's could be touched by it.

        What a client owns does not change otherwise, so that asking for it need not wait for the market.
        """
        floor = self.floor
        if floor.has_open_orders():
            return self.advance(now_us)
        return max(now_us, floor.now_us)

    def apply(self, outcome: Outcome) -> None:
        """Put on record what a request led to, and spread the word of it."""
        if outcome.trades:
            self.floor.market.record(outcome)
        self._spread(outcome)

    def _spread(self, outcome: Outcome) -> None:
        for first in outcome.first_fills:
            self.count_orders(first.account_id, -first.relief)
        streams = self.streams
        if streams.is_heard:
            for event in outcome.events:
                if streams.has_listeners(event.account_id):
                    streams.publish(event.account_id, partial(event_body, event, self.now_us()))

    def set_status(self, symbol: str, status: str) -> None:
        """Let a symbol trade or not from now on."""
        self.advance(self.now_us())
        for outcome in self.floor.set_status(symbol, status):
            self._spread(outcome)
        self.flush_events()

    def make_client_order_id(self) -> str:
        """An id for an order that came without one."""
        return f"{self.random.getrandbits(88):022x}"

    def refund(self, request: Request, *, to: int) -> None:
        """Charge a request another weight than its method's."""
        assert request.method is not None
        assert request.frame is not None
        request.connection.usage.refund(request.method.weight(request.frame.params) - to)

    def flush_events(self) -> None:
        """Send the user-data events that have come up."""
        self.streams.flush()

    # -- requests ----------------------------------------------------------------------------------------

    def handle(self, connection: Connection, text: str | bytes) -> str | None:
        """The reply to one frame; None where there is none."""
        return self.execute(connection, self.receive(connection, text))

    def receive(self, connection: Connection, text: str | bytes) -> Request:
        """Take a request in: count it, and check who asks and whether it is fresh."""
        now_us = self.now_us()
        request = Request(self, connection, text, now_us)
        request.record = [now_us, connection.number, text, 0, 0, ""]
        self.records.append(request.record)
        usage = connection.usage
        try:
            frame = request.frame = read_frame(text)
            method = request.method = self.methods.get(frame.method)
            overrun = usage.charge(1 if method is None else method.weight(frame.params), now_us)
            if usage.ban.until_us > now_us:
                raise usage.refuse_banned(now_us)
            if overrun is not None:
                raise usage.refuse(overrun, now_us)
            if method is None:
                raise not_supported()
            request.weight_on_success = method.weight_on_success
            if method.is_signed:
                self._authenticate(request)
            request.args = method.read(frame.params)
        except Refusal as refusal:
            request.refusal = refusal
            if request.frame is None:
                overrun = usage.charge(1, now_us)
                if overrun is not None or usage.ban.until_us > now_us:
                    window = overrun or usage.weights[0]
                    request.refusal = usage.refuse(window, now_us)
                    request.refusal.id_text = refusal.id_text
        return request

    def execute(self, connection: Connection, request: Request) -> str | None:
        """Do what was asked for; the reply, or None where the client gets none."""
        if request.is_dead_session:
            return self._revoke_session(connection, request)
        refusal = request.refusal
        method = request.method
        if refusal is None and method is not None and request.frame is not None:
            try:
                self._check_late(request)
                handler = self._handlers.get(method.name)
                if handler is None:
                    raise not_supported()
                result = handler(request)
            except Refusal as refused:
                refusal = refused
            else:
                charged = request.weight_on_success
                if charged is not None:
                    self.refund(request, to=charged)
                request.record[3] = 200
                return reply_text(request.frame.id_text, result, self._limits(request))
        assert refusal is not None
        return self._refuse(connection, request, refusal)

    def unavailable(self, connection: Connection, text: str | bytes, effect: Effect) -> str:
        """The 5xx reply to a request that gets one, whatever became of it."""
        try:
            id_text = read_frame(text).id_text
        except Refusal as refusal:
            id_text = refusal.id_text
        return error_text(id_text, Refusal(effect.status or 503, effect.error_code, effect.msg), "")

    def method_of(self, text: str | bytes) -> str:
        """The method that a frame names; empty where it names none."""
        try:
            return read_frame(text).method
        except Refusal:
            return ""

    def note_fault(self, connection: Connection, text: str | bytes, what: str) -> None:
        """Remember a request that a fault kept from being executed."""
        self.records.append([self.now_us(), connection.number, text, 0, 0, what])

    # -- what faults and tests do ------------------------------------------------------------------------

    def ban(self, address: str | None, seconds: float) -> None:
        """Shut an address out, or every one seen so far, and close its connections."""
        now_us = self.now_us()
        usages = list(self.usages.values()) if address is None else [self.usage_of(address)]
        for usage in usages:
            usage.ban.times += 1
            usage.ban.until_us = now_us + round(seconds * 1_000_000)
        for connection in list(self.connections.values()):
            if connection.usage.ban.until_us > now_us:
                connection.close(1008, "IP banned")

    def announce_shutdown(self) -> None:
        """Tell every connection that the server is going down."""
        for connection in list(self.connections.values()):
            connection.send(f'{{"event":{{"e":"serverShutdown","E":{self.now_us() // connection.divisor}}}}}')

    def revoke(self, api_key: str) -> None:
        """Withdraw a key."""
        self.keys.pop(api_key, None)

    # -- inside ------------------------------------------------------------------------------------------

    def _authenticate(self, request: Request) -> None:
        frame, method = request.frame, request.method
        assert frame is not None
        assert method is not None
        params = frame.params
        session = request.connection.session
        is_explicit = method.is_always_signed or "apiKey" in params or "signature" in params
        if session is not None and not is_explicit:
            if session.api_key not in self.keys:
                request.is_dead_session = True
                raise rejected_key()
            self.check_permission(session, method)
            request.account = session
            request.timestamp_us, request.window_us = read_freshness(params)
            check_age(request.timestamp_us, request.window_us, request.now_us)
            return
        account, signature = check_signature(params, self.keys)
        request.timestamp_us, request.window_us = read_freshness(params)
        check_age(request.timestamp_us, request.window_us, request.now_us)
        if not account.verify(signed_text(params).encode("utf-8"), signature):
            raise Refusal(400, -1022, "Signature for this request is not valid.")
        self.check_permission(account, method)
        request.account = account

    def check_permission(self, account: Account, method: Method) -> None:
        """Refuse what an account's key may not do; one that nobody limited may do everything."""
        allowed = self.key_permissions.get(account.api_key)
        if allowed is not None and method.security not in (*allowed, "SIGNED"):
            raise rejected_key()

    def _check_late(self, request: Request) -> None:
        """Check the request's age once more just before the matching engine, where time has passed since."""
        if not request.is_late:
            return
        now_us = self.now_us()
        method = request.method
        assert method is not None
        request.now_us = now_us
        if method.is_signed and method.security == "TRADE":
            try:
                check_age(request.timestamp_us, request.window_us, now_us, is_late_check=True)
            except Refusal:
                if method.orders:
                    self.count_orders(request.account.account_id, method.orders)
                raise

    def _limits(self, request: Request) -> str:
        shows = request.connection.shows_limits
        if request.frame is not None and "returnRateLimits" in request.frame.params:
            asked = request.frame.params["returnRateLimits"]
            shows = asked is True or asked == "true"
        if not shows:
            return ""
        method = request.method
        account = request.known_account
        if method is not None and method.orders and account is not None:
            return render_limits(self.order_windows(account.account_id), request.connection.usage.weights)
        return render_limits((), request.connection.usage.weights)

    def _refuse(self, connection: Connection, request: Request, refusal: Refusal) -> str | None:
        request.record[3:5] = [refusal.status, refusal.code]
        id_text = refusal.id_text if request.frame is None else request.frame.id_text
        reply = error_text(id_text, refusal, self._limits(request))
        if refusal.status == 418:
            self._shut_out(connection, reply)
            return None
        return reply

    def _shut_out(self, connection: Connection, reply: str) -> None:
        connection.send(reply)
        for each in list(self.connections.values()):
            if each.usage is connection.usage:
                each.close(1008, "IP banned")

    def _revoke_session(self, connection: Connection, request: Request) -> str:
        request.record[3:5] = [401, -2015]
        connection.session = None
        self.streams.end_session(connection, self.now_us())
        return error_text("null", rejected_key(), "")
