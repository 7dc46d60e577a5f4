"""`simulate`: the simulated exchange on its own, for any client."""

from __future__ import annotations

import argparse
import errno
import ipaddress
import json
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from crypto_ws_sync.cli.command import add_verbose
from crypto_ws_sync.cli.output import print_line
from crypto_ws_sync.errors import ConfigError

if TYPE_CHECKING:
    from crypto_ws_sync.simulator import SimulatedExchange

__all__ = ["SUMMARY", "add_arguments", "run"]

SUMMARY = "Run the simulated exchange on its own, for any client."

_HIGHEST_PORT = 65535
_LONGEST_LATENCY = 60.0

_HEARTBEAT = 1.0
"""Seconds between two looks for a signal, where the system does not end a wait for one."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what `simulate` takes."""
    parser.add_argument("--host", default="127.0.0.1", help="where to listen; this machine only, by default")
    parser.add_argument("--port", type=_port, default=0, metavar="N", help="a free one, by default")
    parser.add_argument("--tls", action="store_true", help="serve wss:// with a certificate of its own")
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="the same seed makes the same market and API keys"
    )
    parser.add_argument(
        "--latency",
        type=_latency,
        default=0.0,
        metavar="S",
        help="seconds that a round trip takes at least; 0 by default",
    )
    parser.add_argument("--json", action="store_true", help="one line of JSON with the endpoint and the keys")
    parser.epilog = (
        "It says where it listens and a key of each kind, then serves until Ctrl-C or SIGTERM. "
        "Its prices and its money are made up."
    )
    add_verbose(parser)


def run(arguments: argparse.Namespace) -> int:
    """Serve until told to end; return the exit code."""
    from crypto_ws_sync.simulator import SimulatedExchange

    with _until_signalled() as ended:
        exchange = SimulatedExchange(
            host=arguments.host,
            port=arguments.port,
            tls=arguments.tls,
            seed=arguments.seed,
            latency=arguments.latency,
        )
        try:
            exchange.start()
        except OSError as error:
            problem = _why(error, arguments.host, arguments.port)
            raise ConfigError(problem) from None
        with exchange:
            exchange.add_account("rsa")
            exchange.add_account("ed25519")
            if arguments.json:
                _tell_json(exchange)
            else:
                _tell(exchange, arguments.host)
            while not ended.wait(_HEARTBEAT):
                pass
    return 0


@contextmanager
def _until_signalled() -> Iterator[threading.Event]:
    """Give an event that SIGINT and SIGTERM set, instead of what they do otherwise."""
    ended = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: ended.set()) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell_json(exchange: SimulatedExchange) -> None:
    told: dict[str, Any] = {
        "endpoint": exchange.endpoint,
        "ca_file": None if exchange.ca_file is None else str(exchange.ca_file),
        "accounts": [
            {"key_type": each.key_type, "api_key": each.api_key, "api_secret": each.api_secret}
            for each in exchange.accounts
        ],
    }
    print_line(json.dumps(told))


def _tell(exchange: SimulatedExchange, host: str) -> None:
    print_line(f"The simulated exchange listens at {exchange.endpoint}")
    if not _is_this_machine(host):
        print_line("Other machines can reach it, too.")
    if exchange.ca_file is not None:
        print_line(f"Clients trust it by the certificate in {exchange.ca_file}")
    held = ", ".join(
        f"{balance.free.normalize():f} {asset}" for asset, balance in exchange.balances().items()
    )
    print_line(f"An account for each kind of key, each with {held}:")
    for account in exchange.accounts:
        print_line()
        print_line(f"{account.key_type}")
        print_line(f"  api_key     {account.api_key}")
        if account.key_type == "hmac":
            print_line(f"  api_secret  {account.api_secret}")
        else:
            # Without indentation, so that it can be copied as it is.
            print_line("  api_secret")
            print_line(account.api_secret.strip())
    print_line()
    print_line("Serving; Ctrl-C ends it.")


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _why(error: OSError, host: str, port: int) -> str:
    """Return in words why nothing listens."""
    if isinstance(error, socket.gaierror):
        return f"{host!r} is not the name or address of a machine: pass another --host"
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is taken by another program: pass another --port, or 0 for a free one"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is not an address of this machine: pass another --host"
    if error.errno == errno.EACCES:
        return f"the system does not allow listening on port {port} of {host}: pass another --port"
    return f"nothing can listen on port {port} of {host}: {error.strerror or error}"


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > _HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: pass 0 to {_HIGHEST_PORT}")
    return int(text)


def _latency(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= _LONGEST_LATENCY:
        raise argparse.ArgumentTypeError(f"{text!r} is not 0 to {_LONGEST_LATENCY:g} seconds")
    return seconds
