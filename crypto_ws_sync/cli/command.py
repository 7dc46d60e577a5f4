"""What a command is made of, and how one runs: arguments in, exit code out."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from typing import Protocol

from crypto_ws_sync.cli.output import (
    drop_output,
    print_error,
    reopen_closed_streams,
    tolerate_narrow_encodings,
)
from crypto_ws_sync.errors import CryptoWSError

__all__ = ["Command", "add_verbose", "run_alone", "run_guarded"]

_INTERRUPTED = 130
"""What shells report of a program that Ctrl-C ended."""


class Command(Protocol):
    """One file of `cli/commands/`."""

    @property
    def SUMMARY(self) -> str:
        """One line of help."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Say what the command takes."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it; return the exit code."""


def add_verbose(parser: argparse.ArgumentParser) -> None:
    """Give a command the option `--verbose`."""
    parser.add_argument(
        "-v", "--verbose", action="count", default=0, help="tell more on stderr; twice: every frame"
    )


def run_alone(command: Command, program: str, argv: Sequence[str] | None) -> int:
    """Run one command as a program of its own and return the exit code."""
    parser = argparse.ArgumentParser(prog=program, description=command.SUMMARY)
    command.add_arguments(parser)
    return run_guarded(command, parser.parse_args(argv))


def run_guarded(command: Command, arguments: argparse.Namespace) -> int:
    """Run a command; tell the library's errors on stderr and as the exit code 1."""
    reopen_closed_streams()
    tolerate_narrow_encodings()
    levels = [logging.WARNING, logging.INFO, logging.DEBUG]
    # The library itself sets up no logging; a command is the program, and nobody else will.
    logging.basicConfig(
        level=levels[min(getattr(arguments, "verbose", 0), 2)], format="%(levelname)s %(name)s: %(message)s"
    )
    try:
        code = command.run(arguments)
        sys.stdout.flush()
    except CryptoWSError as error:
        print_error(f"{type(error).__name__}: {error}")
        return 1
    except KeyboardInterrupt:
        print_error("interrupted")
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader, such as `head`, has gone.
        drop_output()
        return 1
    except OSError as error:
        # The library's own are told in its errors: this is output that cannot be written, as on a full disk.
        print_error(f"cannot go on: {error.strerror or error}")
        drop_output()
        return 1
    return code
