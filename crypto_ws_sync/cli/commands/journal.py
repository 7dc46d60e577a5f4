"""`journal`: what a session's journal holds."""

from __future__ import annotations

import argparse
import math
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from crypto_ws_sync.cli.output import is_at_terminal, json_text, print_error, print_line, print_table
from crypto_ws_sync.errors import ConfigError
from crypto_ws_sync.session.journal_file import read_journal
from crypto_ws_sync.session.journal_lines import Contents, Record

__all__ = ["SUMMARY", "add_arguments", "run"]

SUMMARY = "Show the writes in a session's journal, and which of them are open."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what `journal` takes."""
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="as given to the session; a program may be using it"
    )
    parser.epilog = (
        "A table at a terminal; in a pipe JSON, a line for each write. Settled writes are dropped when a session "
        "starts with the file. Nothing is asked of the exchange: a session that starts with the file does that."
    )


def run(arguments: argparse.Namespace) -> int:
    """Show it; return the exit code."""
    contents = read_journal(arguments.file)
    if contents.is_foreign:
        raise ConfigError(f"{arguments.file} holds something else than a journal")
    rows = [_row(contents, record) for record in contents.records.values()]
    if is_at_terminal():
        print_table(("recorded", "method", "client order id", "outcome", "parameters"), map(_cells, rows))
        print_line(f"{len(rows)} writes, {len(contents.left_open)} of them open")
    else:
        for row in rows:
            print_line(json_text(row))
    if contents.skipped:
        print_error(f"{contents.skipped} lines could not be read and were left out")
    return 0


def _row(contents: Contents, record: Record) -> dict[str, Any]:
    question, settled = record.question, contents.settled.get(record.number)
    return {
        "number": record.number,
        "method": question.method,
        "client_order_id": question.client_order_id,
        "params": question.params,
        "recorded_at": question.timestamp,
        "latest_at": record.latest if record.latest < math.inf else None,
        "outcome": "open" if settled is None else settled.verdict,
        "code": None if settled is None else settled.code,
        "settled_at": None if settled is None else settled.at,
    }


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    recorded = datetime.fromtimestamp(row["recorded_at"], timezone.utc)
    code = "" if row["code"] is None else f" ({row['code']})"
    params = " ".join(f"{name}={value}" for name, value in row["params"].items())
    return (
        f"{recorded:%Y-%m-%d %H:%M:%S} UTC",
        row["method"],
        row["client_order_id"] or "",
        f"{row['outcome']}{code}",
        params,
    )
