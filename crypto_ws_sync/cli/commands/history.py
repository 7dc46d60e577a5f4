"""`history`: all records of a method, page after page."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from crypto_ws_sync.cli.command import add_verbose
from crypto_ws_sync.cli.output import is_at_terminal, json_text, print_error, print_line
from crypto_ws_sync.cli.venue import add_venue, find_venue, open_session
from crypto_ws_sync.cli.words import find_spec, read_pairs
from crypto_ws_sync.errors import ConfigError, InvalidParameter
from crypto_ws_sync.exchanges.binance.methods import CATALOGUE
from crypto_ws_sync.notebook import columns_of, records

__all__ = ["SUMMARY", "add_arguments", "run"]

SUMMARY = "Print all records of a method, page after page, oldest first."

_RANGE = ("start", "end", "from_id")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what `history` takes."""
    having = ", ".join(spec.name for spec in CATALOGUE.values() if spec.history is not None)
    parser.add_argument("method", metavar="METHOD", help=f"one of {having}")
    parser.add_argument(
        "params",
        nargs="*",
        metavar="name=value",
        help="parameters, and where to begin and end: start=2026-01-01 end=2026-02-01T12:00Z, or from_id=1000; "
        "from the first record to now, by default",
    )
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="write it to a CSV file")
    add_venue(parser)
    parser.epilog = "JSON, a line for each record. Waits for limits however long they hold."
    add_verbose(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print or write them; return the exit code."""
    spec = find_spec(arguments.method)
    if spec.history is None:
        having = ", ".join(each.name for each in CATALOGUE.values() if each.history is not None)
        raise InvalidParameter(f"{spec.name} has no history; these have: {having}", method=spec.name)
    params = _with_numbers(read_pairs(spec, arguments.params, others=_RANGE))
    # A bar between the records would spoil both.
    shows_progress = sys.stderr.isatty() and (arguments.output is not None or not is_at_terminal())
    with (
        open_session(find_venue(arguments)) as session,
        _sink(spec.name, arguments.output) as take,
    ):
        for record in session.history(spec.name, progress=shows_progress, **params):
            take(record)
    return 0


def _with_numbers(params: dict[str, Any]) -> dict[str, Any]:
    """Return the range's milliseconds and ids as numbers; other texts are dates."""
    return {
        name: int(value) if name in _RANGE and value.isdecimal() else value for name, value in params.items()
    }


@contextmanager
def _sink(method: str, path: Path | None) -> Iterator[Any]:
    """Give what takes one record after another."""
    if path is None:
        yield lambda record: print_line(json_text(record))
        return
    try:
        file = path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror or error}") from None
    with file:
        writer = _CsvFile(method, file)
        try:
            yield writer.take
        finally:
            print_error(f"{writer.count} records in {path}")


class _CsvFile:
    """Rows under a line of names, values as the exchange sent them.

    Owner: caller thread.
    """

    def __init__(self, method: str, file: IO[str]) -> None:
        self.count = 0
        self._method = method
        self._file = file
        self._columns = columns_of(method)
        self._writer = csv.DictWriter(file, self._columns, extrasaction="ignore")
        self._writer.writeheader()

    def take(self, record: Any) -> None:
        """Write one record."""
        (flat,) = records(self._method, [record])
        self._writer.writerow({name: _cell(value) for name, value in flat.items()})
        self.count += 1


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json_text(value) if isinstance(value, list | dict) else value
