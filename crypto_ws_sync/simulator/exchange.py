"""The simulated exchange as a program holds it: where it listens, its keys, its faults, its truth."""

from __future__ import annotations

import json
import random
import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from .binance import custody
from .binance.floor import Floor, read_balances, read_symbols
from .binance.limits import read_rate_limits
from .binance.order_views import allocation_view, status_view, trade_view
from .binance.streams import Streams
from .binance.venue import Venue
from .certificates import Certificates
from .clock import Clock, ManualClock, RealClock, Timers
from .faults import Faults
from .interventions import Interventions
from .keys import Account, KeyType, make_account
from .link import Link
from .market import Listing
from .matching import Fill, Order, SymbolAccount, format_amount, parse_amount
from .rules import Rules
from .server import PATH, ExchangeServer

T = TypeVar("T")

__all__ = ["Balance", "SeenRequest", "SimulatedExchange"]

_MILLISECONDS = 1000
_NEAREST = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""Where clients on this machine reach an exchange that listens on every address."""


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """One request that reached the exchange.

    Attributes:
        time: When, in epoch seconds on the exchange's clock.
        connection: The number of the connection it came on, counted from 1.
        id: As sent; None where the frame had none.
        method: Without a version in front; empty where the frame named none.
        params: As sent, signature and all.
        status: Of the reply: 200 and so on; 0 where it was never executed or refused.
        code: Of the error, 0 where there was none.
        fault: What a planned fault did to it before it could be executed; usually empty.
    """

    time: float
    connection: int
    id: int | str | None
    method: str
    params: Mapping[str, Any]
    status: int
    code: int
    fault: str


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account holds of one asset."""

    free: Decimal
    locked: Decimal


class SimulatedExchange:
    """A whole exchange behind a real socket, on a thread of its own: start it with `with`.

    Args:
        host: Where to listen; loopback unless told otherwise.
        port: 0 takes a free one.
        tls: Serve `wss://` with a certificate of its own; clients use `.ssl_context`.
        seed: The same seed makes the same market, keys and ids.
        latency: Seconds of real time that a round trip takes at least.
        symbols: Names among the usual ones, or listings; by default all of BTCUSDT, ETHUSDT, BNBUSDT,
            BTCUSDC, ETHBTC, BNBBTC. Orders may be routed between symbols of one base asset against dollars.
        balances: What each account starts with, by asset; by default 10 BTC, 100 ETH, 500 BNB, 1000000 USDT.
        rate_limits: Entries as in exchangeInfo, or a number for a kind: `{"REQUEST_WEIGHT": 100}`.
        clock: A `ManualClock` that everything here follows. To catch up with a leap of a day takes the market
            some seconds of real time, fewer with fewer symbols; requests that do not need it do not wait.

    Owner: shared; what it knows belongs to its own thread and is asked for there.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: bool = False,
        seed: int = 0,
        latency: float = 0.0,
        symbols: Iterable[str | Listing] | None = None,
        balances: Mapping[str, object] | None = None,
        rate_limits: Mapping[str, int] | Iterable[Mapping[str, str | int]] | None = None,
        clock: ManualClock | None = None,
    ) -> None:
        if not (isinstance(latency, int | float) and latency >= 0):
            raise ValueError(f"latency is {latency!r}: pass seconds, 0 or more")
        if clock is not None and not callable(getattr(clock, "now_us", None)):
            raise ValueError(f"clock is {clock!r}: pass a ManualClock, or None for the real time")
        # An empty name stands for every address, too, but on two sockets with a port each.
        self._host, self._wanted_port = host or "0.0.0.0", port
        self._has_tls, self._latency = tls, latency
        self._clock: Clock = clock or RealClock()
        self._balances = balances
        read_balances(balances)
        self._randomness = random.Random(f"keys {seed}")
        self._keys: dict[str, Account] = {}
        self._accounts: list[Account] = []
        self._floor = Floor(read_symbols(symbols), seed, self._clock.now_us())
        self._venue = Venue(
            clock=self._clock,
            rate_limits=read_rate_limits(rate_limits),
            keys=self._keys,
            floor=self._floor,
            streams=Streams(),
            randomness=random.Random(f"ids {seed}"),
        )
        self.faults: Faults = Faults(Interventions(self._venue, self._call, self._links))
        self.rules = Rules(self._venue, self._call, lambda: self._first)
        self._server: ExchangeServer | None = None
        self._certificates: Certificates | None = None
        self._port = 0
        self._first = self.add_account("hmac")

    def __repr__(self) -> str:
        state = "not running" if self._server is None else f"running at {self.endpoint}"
        return f"<SimulatedExchange {state}>"

    # -- life --------------------------------------------------------------------------------------------

    def start(self) -> SimulatedExchange:
        """Listen and serve.

        Raises:
            ConfigError: The websockets library is missing; says how to install it.
            OSError: The address cannot be listened on.
        """
        if self._server is not None:
            return self
        if self._has_tls:
            self._certificates = Certificates(self._host)
        server = ExchangeServer(
            host=self._host,
            port=self._wanted_port,
            tls=None if self._certificates is None else self._certificates.server_context,
            latency=self._latency,
            clock=self._clock,
            make_venue=self._attach,
        )
        try:
            self._port = server.start(self.faults)
        except BaseException:
            self._drop_certificates()
            raise
        self._server = server
        return self

    def stop(self) -> None:
        """Close every connection and end the thread; what it knows can still be asked for."""
        server, self._server = self._server, None
        if server is not None:
            server.stop()
        self._drop_certificates()

    def __enter__(self) -> SimulatedExchange:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _attach(self, timers: Timers) -> Venue:
        self._venue.attach(timers)
        return self._venue

    def _drop_certificates(self) -> None:
        certificates, self._certificates = self._certificates, None
        if certificates is not None:
            certificates.close()

    # -- for clients -------------------------------------------------------------------------------------

    @property
    def endpoint(self) -> str:
        """Where clients on this machine connect to, once started."""
        if self._server is None:
            raise RuntimeError("the simulated exchange is not running: use it in a `with` statement")
        host = _NEAREST.get(self._host, self._host)
        host = f"[{host}]" if ":" in host else host
        return f"{'wss' if self._has_tls else 'ws'}://{host}:{self._port}{PATH}"

    @property
    def ssl_context(self) -> ssl.SSLContext | None:
        """What a client needs to trust this exchange; None without `tls=True`."""
        return None if self._certificates is None else self._certificates.client_context

    @property
    def clock(self) -> Clock:
        """What this exchange reads the time from: the `ManualClock` it was given, else the machine's own."""
        return self._clock

    @property
    def ca_file(self) -> Path | None:
        """The certificate authority to trust, as a PEM file, while running with `tls=True`."""
        return None if self._certificates is None else self._certificates.ca_file

    @property
    def api_key(self) -> str:
        """The key of the first account, which has an HMAC secret."""
        return self._first.api_key

    @property
    def api_secret(self) -> str:
        """The HMAC secret of the first account."""
        return self._first.api_secret

    @property
    def accounts(self) -> tuple[Account, ...]:
        """Every account, the first one first."""
        return tuple(self._accounts)

    def add_account(
        self,
        key_type: KeyType = "hmac",
        balances: Mapping[str, object] | None = None,
        *,
        trade_group_id: int = -1,
    ) -> Account:
        """Open another account with a key of a kind, and the exchange's usual balances or these.

        Accounts with one `trade_group_id` (-1: none) count as one where self-trades are prevented.
        """
        amounts = read_balances(self._balances if balances is None else balances)
        account = make_account(key_type, len(self._accounts) + 1, self._randomness)

        def open_account() -> Account:
            self._floor.open_account(account.account_id, amounts, trade_group_id)
            self._keys[account.api_key] = account
            self._accounts.append(account)
            return account

        return self._call(open_account)

    # -- the truth ---------------------------------------------------------------------------------------

    def orders(self, account: Account | None = None) -> list[dict[str, Any]]:
        """Every order of an account (by default of all), oldest first, in the shape of `order.status`."""

        def collect() -> list[dict[str, Any]]:
            self._catch_up()
            found: list[Order] = []
            for each in self._asked(account):
                for desk in self._floor.engine.account(each.account_id).desks.values():
                    found.extend(desk.orders)
            found.sort(key=lambda order: order.time)
            return [status_view(order, _MILLISECONDS) for order in found]

        return self._call(collect)

    def trades(self, account: Account | None = None) -> list[dict[str, Any]]:
        """Every fill of an account (by default of all), oldest first, in the shape of `myTrades`."""
        return self._fills(account, lambda desk: desk.fills, trade_view)

    def allocations(self, account: Account | None = None) -> list[dict[str, Any]]:
        """What smart order routing brought to an account (by default to all), in the shape of `myAllocations`."""
        return self._fills(account, lambda desk: desk.allocations, allocation_view)

    def _fills(
        self,
        account: Account | None,
        of_desk: Callable[[SymbolAccount], Iterable[Fill]],
        view: Callable[[Fill, int], dict[str, Any]],
    ) -> list[dict[str, Any]]:
        def collect() -> list[dict[str, Any]]:
            self._catch_up()
            fills = [
                fill
                for each in self._asked(account)
                for desk in self._floor.engine.account(each.account_id).desks.values()
                for fill in of_desk(desk)
            ]
            fills.sort(key=lambda fill: fill.time)
            return [view(fill, _MILLISECONDS) for fill in fills]

        return self._call(collect)

    def balances(self, account: Account | None = None) -> dict[str, Balance]:
        """What an account (by default the first) holds, by asset."""

        def collect() -> dict[str, Balance]:
            self._catch_up()
            held = self._floor.engine.balances((account or self._first).account_id)
            return {
                each.asset: Balance(Decimal(format_amount(each.free)), Decimal(format_amount(each.locked)))
                for each in held
            }

        return self._call(collect)

    def requests(self) -> list[SeenRequest]:
        """The requests that reached this exchange, oldest first; the last 100000 are kept."""
        return [_seen(record) for record in self._call(lambda: [list(each) for each in self._venue.records])]

    def now(self) -> float:
        """The exchange's time in epoch seconds."""
        return self._venue.now_us() / 1_000_000

    def deposit(self, asset: str, amount: object, account: Account | None = None) -> None:
        """Add to what an account (by default the first) has of an asset; a negative amount takes away."""
        owner = account or self._first
        change = parse_amount(f"{Decimal(str(amount)):f}")
        self._call(lambda: custody.deposit(self._venue, owner.account_id, asset, change))

    def lock(self, asset: str, amount: object, account: Account | None = None) -> None:
        """Lock some of what an account (by default the first) has of an asset, as an external system does.

        A negative amount frees what was locked this way before. The account's streams hear of it.

        Raises:
            ValueError: There is not that much to lock, or to free.
        """
        owner = account or self._first
        change = parse_amount(f"{Decimal(str(amount)):f}")
        self._call(lambda: custody.lock(self._venue, owner.account_id, asset, change))

    # -- inside ------------------------------------------------------------------------------------------

    def _call(self, work: Callable[[], T]) -> T:
        return work() if self._server is None else self._server.call(work)

    def _links(self) -> list[Link]:
        return [] if self._server is None else list(self._server.links)

    def _asked(self, account: Account | None) -> list[Account]:
        return self._accounts if account is None else [account]

    def _catch_up(self) -> None:
        self._venue.settle(self._venue.now_us())
        self._venue.flush_events()


def _seen(record: list[Any]) -> SeenRequest:
    time_us, connection, text, status, code, fault = record
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        message = {}
    method, params = message.get("method"), message.get("params")
    return SeenRequest(
        time_us / 1_000_000,
        connection,
        message.get("id"),
        method.removeprefix("v3/") if isinstance(method, str) else "",
        params if isinstance(params, dict) else {},
        status,
        code,
        fault,
    )
