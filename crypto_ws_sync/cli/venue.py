"""Where a command goes: an account of the config file, or a simulated exchange of its own."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crypto_ws_sync.cli.output import print_error
from crypto_ws_sync.config import accounts_set_up, config_path, get_credentials
from crypto_ws_sync.errors import ConfigError
from crypto_ws_sync.exchanges.binance.endpoints import venue_key

if TYPE_CHECKING:
    from crypto_ws_sync.session.user_ws_session import UserWSSession

__all__ = ["Venue", "add_venue", "find_venue", "open_session"]

_LIVE = "binance"
_NETWORKS = {False: "the live exchange", True: "the test network", "demo": "demo mode"}


@dataclass(frozen=True, slots=True)
class Venue:
    """Where a command goes and with which key.

    Attributes:
        title: In words.
        is_live: Real money is traded there.
        is_simulated: An exchange of this process, which begins with the session.
    """

    title: str
    is_live: bool
    is_simulated: bool
    endpoint: str = ""
    api_key: str = field(default="", repr=False)
    api_secret: str = field(default="", repr=False)


def add_venue(parser: argparse.ArgumentParser) -> None:
    """Give a command the options that say where it goes."""
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument(
        "--account",
        metavar="NAME",
        help="an account of the config file; by default the first that is set up, those of the test network "
        "before demo mode before live",
    )
    choice.add_argument(
        "--simulated", action="store_true", help="use a simulated exchange, made for this one command"
    )


def find_venue(arguments: argparse.Namespace) -> Venue:
    """Return where the command goes; tell on stderr where it was not named.

    Raises:
        ConfigError: No account is set up, or the one that was named cannot be used.
    """
    if arguments.simulated:
        return Venue("the simulated exchange", is_live=False, is_simulated=True)
    name = arguments.account
    if name is None:
        found = accounts_set_up()
        if not found:
            raise ConfigError(
                "no account is set up: make the config file with the command  crypto_ws_sync_init  and put your keys "
                f"into {config_path()}, or try --simulated"
            )
        name = found[0]
    credentials = get_credentials(name)
    venue = Venue(
        f"account {name!r} on {_NETWORKS[credentials.test_net]}",
        is_live=credentials.test_net is False or venue_key(credentials.ws_api_endpoint) == _LIVE,
        is_simulated=False,
        endpoint=credentials.ws_api_endpoint,
        api_key=credentials.api_key,
        api_secret=credentials.api_secret,
    )
    if arguments.account is None:
        print_error(f"Using {venue.title}")
    return venue


@contextmanager
def open_session(venue: Venue, *, timeout: float = 10.0) -> Iterator[UserWSSession]:
    """Give a started session that waits for limits, and stop it.

    Raises:
        CryptoWSError: It cannot be started.
    """
    from crypto_ws_sync.session.user_ws_session import UserWSSession

    if venue.is_simulated:
        from crypto_ws_sync.simulator import SimulatedExchange

        with (
            SimulatedExchange() as exchange,
            UserWSSession(
                exchange.api_key,
                exchange.api_secret,
                endpoint=exchange.endpoint,
                timeout=timeout,
                on_limit="wait",
            ) as session,
        ):
            yield session
        return
    with UserWSSession(
        venue.api_key, venue.api_secret, endpoint=venue.endpoint, timeout=timeout, on_limit="wait"
    ) as session:
        yield session
