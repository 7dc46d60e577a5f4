"""`status`: one look at a session."""

from __future__ import annotations

import argparse

from crypto_ws_sync.cli.command import add_verbose
from crypto_ws_sync.cli.output import is_at_terminal, print_json, print_table
from crypto_ws_sync.cli.venue import add_venue, find_venue, open_session

__all__ = ["SUMMARY", "add_arguments", "run"]

SUMMARY = "Connect and show the endpoint, its clock and the use of each limit."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what `status` takes."""
    add_venue(parser)
    parser.epilog = "A table at a terminal, JSON in a pipe. Costs a weight of 5 at most."
    add_verbose(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show it; return the exit code."""
    with open_session(find_venue(arguments)) as session:
        status = session.status()
    if is_at_terminal():
        print_table(("", ""), status.rows())
    else:
        print_json(status.as_dict())
    return 0
