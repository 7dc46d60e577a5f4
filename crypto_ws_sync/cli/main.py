"""The command `crypto_ws_sync`: one subcommand for each file of `cli/commands/`."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import cast

from crypto_ws_sync.cli.command import Command, run_guarded

__all__ = ["COMMANDS", "main"]

COMMANDS = (
    "init",
    "demo",
    "call",
    "watch",
    "status",
    "methods",
    "history",
    "simulate",
    "journal",
)
"""Subcommands, in the order of the help: each is a module of `cli/commands/`."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the subcommand that the arguments name and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="crypto_ws_sync", description="Thread-safe blocking client for the Binance WebSocket API."
    )
    parser.add_argument("--version", action="version", version=f"crypto_ws_sync {_version()}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    commands = {name: _load(name) for name in COMMANDS}
    for name, command in commands.items():
        command.add_arguments(subparsers.add_parser(name, help=command.SUMMARY, description=command.SUMMARY))
    _check_name(parser, argv)
    arguments = parser.parse_args(argv)
    return run_guarded(commands[arguments.command], arguments)


def _check_name(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> None:
    """End with the near names where a command is misspelt."""
    first = next(iter(sys.argv[1:] if argv is None else argv), "")
    near = difflib.get_close_matches(first, COMMANDS)
    if first not in COMMANDS and near:
        parser.error(f"there is no command {first!r}. Did you mean {' or '.join(near)}?")


def _load(name: str) -> Command:
    # Modules fit a protocol of functions, but what import_module returns is not known to the type checker.
    return cast(Command, import_module(f"crypto_ws_sync.cli.commands.{name}"))


def _version() -> str:
    try:
        return version("crypto_ws_sync")
    except PackageNotFoundError:
        return "(not installed)"
