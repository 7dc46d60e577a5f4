"""`watch`: the account's events as they happen."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

from crypto_ws_sync.cli.command import add_verbose
from crypto_ws_sync.cli.output import is_at_terminal, json_text, print_error, print_line
from crypto_ws_sync.cli.venue import add_venue, find_venue, open_session
from crypto_ws_sync.model.stream import StreamGap

__all__ = ["SUMMARY", "add_arguments", "run"]

_QUIET = 1.0
"""Seconds without an event after which somebody trades at a simulated exchange."""

SUMMARY = "Print the account's events as they happen, a line each."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what `watch` takes."""
    add_venue(parser)
    parser.add_argument("--count", type=_count, metavar="N", help="end after so many; Ctrl-C ends it, too")
    parser.epilog = (
        "In words at a terminal; in a pipe JSON as the exchange sends it. Where events may be missing, because the "
        'connection was lost, there is a line that says so: {"gap": {"since", "until", "missed"}}. With --simulated a '
        "small order is placed each second, so that there is something to see."
    )
    add_verbose(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print events until told to end; return the exit code."""
    venue = find_venue(arguments)
    quiet = _QUIET if venue.is_simulated else None
    try:
        with open_session(venue) as session, session.user_data(timeout=quiet) as events:
            print_error(f"Watching {venue.title}; Ctrl-C ends it")
            number = 0
            while number != arguments.count:
                try:
                    event = next(events)
                except TimeoutError:
                    session.order_place(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.001")
                    continue
                except StopIteration:
                    break
                number += 1
                print_line(_line(event))
    except KeyboardInterrupt:
        # The usual way to leave it, so not worth an error.
        return 0
    return 0


def _line(event: StreamGap | Any) -> str:
    if isinstance(event, StreamGap):
        return str(event) if is_at_terminal() else json_text({"gap": asdict(event)})
    return _in_words(event) if is_at_terminal() else json_text(event)


def _in_words(event: dict[str, Any]) -> str:
    """Return an event in short; one that is not known as it is."""
    words = {"executionReport": _order, "outboundAccountPosition": _balances, "balanceUpdate": _deposit}
    tell = words.get(event.get("e", ""))
    if tell is None:
        return json_text(event)
    stamp = event["E"] / (1e6 if event["E"] >= 10**14 else 1e3)
    return f"{datetime.fromtimestamp(stamp, timezone.utc):%H:%M:%S.%f}"[:-3] + f" {tell(event)}"


def _order(event: dict[str, Any]) -> str:
    price = f" at {_plain(event['p'])}" if Decimal(event["p"]) else ""
    line = f"{event['s']} {event['S']} {_plain(event['q'])} {event['o']}{price}: {event['x']}, {event['X']}"
    if event["x"] == "TRADE":
        line += f", {_plain(event['l'])} at {_plain(event['L'])}, {_plain(event['z'])} so far"
    elif event.get("r", "NONE") != "NONE":
        line += f", {event['r']}"
    return f"{line} (order {event['i']}, {event['c']})"


def _balances(event: dict[str, Any]) -> str:
    return "balances: " + ", ".join(
        f"{row['a']} {_plain(row['f'])} free, {_plain(row['l'])} locked" for row in event["B"]
    )


def _deposit(event: dict[str, Any]) -> str:
    return f"balance of {event['a']}: {Decimal(event['d']):+f}"


def _plain(number: str) -> str:
    """Return a number without the zeros behind it."""
    return f"{Decimal(number).normalize():f}"


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)
