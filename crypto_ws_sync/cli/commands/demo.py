"""`demo`: the tour, told as it happens."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, Any

from crypto_ws_sync.cli.command import add_verbose, run_alone
from crypto_ws_sync.cli.output import print_call, print_heading, print_line
from crypto_ws_sync.config import accounts_set_up, config_path, get_credentials, is_set_up
from crypto_ws_sync.errors import ApiError, ConfigError, OutcomeUnknown, OutOfService

if TYPE_CHECKING:
    from crypto_ws_sync.session.user_ws_session import UserWSSession
    from crypto_ws_sync.simulator import SimulatedExchange

__all__ = ["SUMMARY", "add_arguments", "main", "run"]

SUMMARY = "Tour of a session; on the simulated exchange where no account is set up."

_SYMBOL = "BTCUSDT"
_READINGS = 3
_PAUSE = 0.7
"""Seconds between two readings, so that one sees the clock move."""

_BELOW_BID = Decimal("0.95")
"""The tour's order must rest on the book, so it bids this part of the best price."""

_SHOWN_BALANCES = 5

_WINDOW = 3
_WEIGHT = 50
_SMALL_LIMITS = [
    {"rateLimitType": "REQUEST_WEIGHT", "interval": "SECOND", "intervalNum": _WINDOW, "limit": _WEIGHT},
    {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 50},
    {"rateLimitType": "CONNECTIONS", "interval": "MINUTE", "intervalNum": 5, "limit": 300},
]
"""Limits that are used up, and free again, within seconds."""


@dataclass(frozen=True, slots=True)
class _Venue:
    """Where the tour goes and what it may do there."""

    api_key: str
    api_secret: str
    endpoint: str
    may_trade: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what `demo` takes."""
    parser.add_argument("account", nargs="?", metavar="ACCOUNT", help="name of an account in the config file")
    parser.add_argument("--account", dest="account_option", metavar="NAME", help="the same")
    parser.add_argument(
        "--simulated", action="store_true", help="use the simulated exchange, whatever is set up"
    )
    parser.epilog = (
        "Without ACCOUNT: the first that is set up, those of the test network before demo mode before live. "
        "On live accounts the tour only reads. It takes a few seconds and asks for nothing."
    )
    add_verbose(parser)


def run(arguments: argparse.Namespace) -> int:
    """Give the tour; return the exit code."""
    with _venue(arguments.account or arguments.account_option, arguments.simulated) as venue:
        _tour(venue)
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run `crypto_ws_sync_demo` and return the exit code."""
    return run_alone(sys.modules[__name__], "crypto_ws_sync_demo", argv)


@contextmanager
def _venue(account: str | None, is_simulated: bool) -> Iterator[_Venue]:
    name = None if is_simulated else _choose(account)
    if name is None:
        with _simulated_exchange() as exchange:
            print_line(f"This is the simulated exchange, running in this process at {exchange.endpoint}.")
            print_line("It speaks the real protocol; its prices and its money are made up.")
            yield _Venue(exchange.api_key, exchange.api_secret, exchange.endpoint, may_trade=True)
        return
    credentials = get_credentials(name)
    network = {False: "the live exchange", True: "the test network", "demo": "demo mode"}
    print_line(f"Account {name!r} on {network[credentials.test_net]}: {credentials.ws_api_endpoint}")
    yield _Venue(
        credentials.api_key,
        credentials.api_secret,
        credentials.ws_api_endpoint,
        may_trade=credentials.test_net is not False,
    )


def _choose(account: str | None) -> str | None:
    """Return the account to use; None, and say why, where none is set up."""
    if account is None:
        found = accounts_set_up()
        if found:
            return found[0]
        print_line("No account is set up, so no real exchange is asked.")
    elif is_set_up(account):
        return account
    else:
        print_line(f"The account {account!r} is not set up yet, so no real exchange is asked.")
    if config_path().exists():
        print_line(f"(To use your own keys, put them into {config_path()})")
    else:
        print_line("(To use your own keys, make the config file with the command  crypto_ws_sync_init)")
    return None


def _simulated_exchange(**options: Any) -> SimulatedExchange:
    """Start a simulated exchange; ConfigError says how to install what it needs."""
    from crypto_ws_sync.simulator import SimulatedExchange

    return SimulatedExchange(**options).start()


def _session(venue: _Venue) -> UserWSSession:
    from crypto_ws_sync.session.user_ws_session import UserWSSession

    return UserWSSession(venue.api_key, venue.api_secret, endpoint=venue.endpoint, on_limit="wait")


def _tour(venue: _Venue) -> None:
    session = _session(venue)
    print_heading("Start")
    print_call("session.start()")
    began = time.perf_counter()
    try:
        session.start()
        milliseconds = (time.perf_counter() - began) * 1000
        print_line(f"Connected and ready to serve after {milliseconds:.0f} ms")
        print_line(f"Operational status: {session.operational_status}")
        print_line(f"Order handling: {session.order_handling}")
        _show_account(session)
        _show_clock_and_price(session)
        _show_order(session, venue)
        _show_out_of_service()
        print_heading("Stop")
        print_call("session.stop()")
    finally:
        session.stop()
    print_line(f"Operational status: {session.operational_status}")


def _show_account(session: UserWSSession) -> None:
    print_heading("Account information")
    print_call('session.handle_request("account.status")')
    account = session.handle_request("account.status")
    print_line(f"{account['accountType']} account, may trade: {account['canTrade']}")
    balances = [row for row in account["balances"] if Decimal(row["free"]) or Decimal(row["locked"])]
    for row in balances[:_SHOWN_BALANCES]:
        print_line(f"  {row['asset']:<6} free {row['free']:>20}   locked {row['locked']:>20}")
    if len(balances) > _SHOWN_BALANCES:
        print_line(f"  and {len(balances) - _SHOWN_BALANCES} other assets")


def _show_clock_and_price(session: UserWSSession) -> None:
    print_heading("Server time and average price")
    print_call(f'session.handle_requests([("time", None), ("avgPrice", {{"symbol": "{_SYMBOL}"}})])')
    for reading in range(_READINGS):
        if reading:
            time.sleep(_PAUSE)
        clock, average = session.handle_requests([("time", None), ("avgPrice", {"symbol": _SYMBOL})])
        for answer in (clock, average):
            if isinstance(answer, Exception):
                raise answer
        moment = datetime.fromtimestamp(clock["serverTime"] / 1000, timezone.utc)
        print_line(f"{moment:%H:%M:%S.%f} UTC   {_SYMBOL} {average['price']}")


def _show_order(session: UserWSSession, venue: _Venue) -> None:
    print_heading("An order: placed, read back, cancelled")
    if not venue.may_trade:
        print_line("Left out: this is a live account, and the tour only reads there.")
        return
    order = _resting_order(session)
    named = {"symbol": _SYMBOL}
    print_call(f'session.handle_request("order.place", {order})')
    try:
        placed = _settled(session, "order.place", order)
    except ApiError as error:
        print_line(f"Refused, so nothing was executed: {error.msg} (code {error.code})")
        return
    named["origClientOrderId"] = placed["clientOrderId"]
    try:
        print_line(
            f"{placed['status']}, order {placed['orderId']}, client order id {placed['clientOrderId']}"
        )
        print_call(f'session.handle_request("order.status", {named})')
        found = session.handle_request("order.status", named)
        print_line(
            f"{found['status']}, {found['executedQty']} of {found['origQty']} executed at {found['price']}"
        )
    finally:
        print_call(f'session.handle_request("order.cancel", {named})')
        cancelled = _settled(session, "order.cancel", named)
        print_line(f"{cancelled['status']}")


def _settled(session: UserWSSession, method: str, params: dict[str, Any]) -> Any:
    """Send a write and return its answer, also where the connection breaks in the middle."""
    try:
        return session.handle_request(method, params)
    except OutcomeUnknown as unknown:
        print_line("The answer was lost; asking what has become of it")
        return unknown.resolve()


def _resting_order(session: UserWSSession) -> dict[str, str]:
    """Return the smallest buy order the filters allow, too far below the market to be filled."""
    info = session.handle_request("exchangeInfo", {"symbol": _SYMBOL})
    filters = {entry["filterType"]: entry for entry in info["symbols"][0]["filters"]}
    bid = Decimal(session.handle_request("ticker.book", {"symbol": _SYMBOL})["bidPrice"])
    price = _to_step(bid * _BELOW_BID, filters["PRICE_FILTER"]["tickSize"], ROUND_FLOOR)
    notional = filters.get("NOTIONAL") or filters.get("MIN_NOTIONAL") or {"minNotional": "0"}
    least = max(Decimal(filters["LOT_SIZE"]["minQty"]), Decimal(notional["minNotional"]) / price)
    quantity = _to_step(least, filters["LOT_SIZE"]["stepSize"], ROUND_CEILING)
    return {
        "symbol": _SYMBOL,
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": f"{quantity:f}",
        "price": f"{price:f}",
    }


def _to_step(value: Decimal, step: str, rounding: str) -> Decimal:
    """Return the value on the grid of this step; a step of zero is no grid."""
    width = Decimal(step).normalize()
    return (value / width).to_integral_value(rounding) * width if width else value


def _show_out_of_service() -> None:
    print_heading("Out of service")
    try:
        exchange = _simulated_exchange(rate_limits=_SMALL_LIMITS)
    except ConfigError as error:
        print_line("Shown on a simulated exchange only, so that no real limit is used up.")
        print_line(str(error))
        return
    print_line(
        "Exchanges count what each request weighs. This is a second simulated exchange, which allows a"
    )
    print_line(
        f"weight of {_WEIGHT} in {_WINDOW} seconds; time weighs 1. The session counts along, and stops asking"
    )
    print_line("before the exchange would refuse:")
    with (
        exchange,
        _session(_Venue(exchange.api_key, exchange.api_secret, exchange.endpoint, True)) as session,
    ):
        _await_room(session)
        print_call('session.handle_request("time", on_limit="none")')
        print_line(f"{_use_up(session)} answers, then None: held back, nothing was sent")
        print_line(f"Operational status: {session.operational_status}")
        print_call('session.handle_request("time", on_limit="raise")')
        try:
            session.handle_request("time", on_limit="raise")
        except OutOfService as held:
            print_line(f"OutOfService: {held}")
        print_call('session.handle_request("time", on_limit="wait")')
        began = time.perf_counter()
        session.handle_request("time", on_limit="wait")
        print_line(f"answered after {time.perf_counter() - began:.1f} s, when the exchange counts anew")
        print_line(f"Operational status: {session.operational_status}")


def _await_room(session: UserWSSession) -> None:
    """Return when the limit's window has a second left: ending in the middle it would spoil the story."""
    left = _WINDOW - session.handle_request("time")["serverTime"] / 1000 % _WINDOW
    if left < 1:
        time.sleep(left + 0.1)


def _use_up(session: UserWSSession) -> int:
    """Ask until the answer is None, and return how many answers there were before."""
    answered = 0
    while session.handle_request("time", on_limit="none") is not None:
        answered += 1
    return answered
