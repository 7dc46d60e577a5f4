"""`call`: one request."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from crypto_ws_sync.cli.command import add_verbose
from crypto_ws_sync.cli.output import ask_yes, json_text, print_error, print_json
from crypto_ws_sync.cli.venue import Venue, add_venue, find_venue, open_session
from crypto_ws_sync.cli.words import find_spec, make_request, read_pairs, request_text
from crypto_ws_sync.errors import OutcomeUnknown, PartialFailure
from crypto_ws_sync.protocol.method import Request

__all__ = ["SUMMARY", "add_arguments", "run"]

SUMMARY = "Send one request and print the result as JSON."

_REFUSED = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what `call` takes."""
    parser.add_argument("method", metavar="METHOD", help="such as ticker.price; see the command methods")
    parser.add_argument(
        "params",
        nargs="*",
        metavar="name=value",
        help="parameters, spelled as the exchange does or in snake_case: symbol=BTCUSDT limit=5 "
        'symbols=\'["BTCUSDT","ETHUSDT"]\'',
    )
    add_venue(parser)
    parser.add_argument("--dry-run", action="store_true", help="print the request and send nothing")
    parser.add_argument("--yes", action="store_true", help="trade on a live account without being asked")
    parser.add_argument(
        "--timeout", type=_seconds, default=10.0, metavar="S", help="seconds for all of it; 10 by default"
    )
    parser.add_argument(
        "--unchecked", action="store_true", help="send names, too, that this version does not know"
    )
    parser.add_argument("--signed", action="store_true", help="sign a method that this version does not know")
    parser.epilog = (
        "An error is told on stderr and by the exit code 1. A live account is asked about before it trades, and "
        "refuses to where nobody can be asked, unless there is --yes."
    )
    add_verbose(parser)


def run(arguments: argparse.Namespace) -> int:
    """Send the request; return the exit code."""
    request = _request(arguments)
    if arguments.dry_run:
        print_json(request_text(request))
        return 0
    venue = find_venue(arguments)
    if venue.is_live and request.is_write and not arguments.yes and not _may_trade(venue, request):
        return _REFUSED
    with open_session(venue, timeout=arguments.timeout) as session:
        try:
            result = session.handle_request(
                request.method, request.params, request.is_signed, request.is_signed
            )
        except OutcomeUnknown as unknown:
            print_error("The answer was lost; asking what has become of it")
            try:
                result = unknown.resolve()
            except OutcomeUnknown:
                _tell_open(request)
                raise
        except PartialFailure as error:
            print_error(json_text(error.data))
            raise
        except KeyboardInterrupt:
            if request.is_write:
                _tell_open(request)
            raise
    print_json(result)
    return 0


def _request(arguments: argparse.Namespace) -> Request:
    spec = None if arguments.unchecked else find_spec(arguments.method)
    if spec is not None:
        params = read_pairs(spec, arguments.params)
        return make_request(spec.name, params)
    params = read_pairs(_known(arguments.method), arguments.params, is_checked=False)
    return make_request(arguments.method, params, is_signed=arguments.signed)


def _known(method: str) -> Any:
    from crypto_ws_sync.exchanges.binance.methods import CATALOGUE

    return CATALOGUE.get(method)


def _may_trade(venue: Venue, request: Request) -> bool:
    """Ask whether a live account is to trade; say why not, where it is not."""
    frame = json_text({"method": request.method, "params": request.params})
    if not sys.stdin.isatty():
        print_error(f"Not sent: this would trade with {venue.title}, and nobody can be asked. Add --yes.")
        return False
    print_error(f"This trades with {venue.title}:")
    print_error(frame)
    if ask_yes("Send it?"):
        return True
    print_error("Not sent.")
    return False


def _tell_open(request: Request) -> None:
    named = f"client order id {request.client_order_id}" if request.client_order_id else "the order's id"
    print_error(
        f"{request.method} may have been executed: do not repeat it before you know. Ask for {named}, with "
        "crypto_ws_sync call order.status or openOrders.status."
    )


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return seconds
