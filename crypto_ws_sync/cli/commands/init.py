"""`init`: the config file."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from crypto_ws_sync.cli.command import run_alone
from crypto_ws_sync.cli.output import print_line
from crypto_ws_sync.config import CONFIG_VARIABLE, write_template

__all__ = ["SUMMARY", "add_arguments", "main", "run"]

SUMMARY = "Make the config file, unless there is one, and say where it is."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what `init` takes."""
    parser.epilog = f"The environment variable {CONFIG_VARIABLE} is the path of another file."


def run(arguments: argparse.Namespace) -> int:
    """Make the config file; return the exit code."""
    path, created = write_template()
    if created:
        print_line(f"The config file has been made, readable by you alone: {path}")
    else:
        print_line(f"The config file is there already and stays as it is: {path}")
    print_line("Next:")
    print_line('  1. Open it in an editor and put your keys in place of the "***" texts. Keys for play money')
    print_line("     are made at https://testnet.binance.vision/ and belong to the first account.")
    print_line('  2. crypto_ws_sync_demo "Demo - Binance"')
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run `crypto_ws_sync_init` and return the exit code."""
    return run_alone(sys.modules[__name__], "crypto_ws_sync_init", argv)
