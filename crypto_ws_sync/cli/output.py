"""How commands speak: what was asked for on stdout, everything else on stderr.

At a terminal it is meant for people: with colours and ruled tables where rich is installed. In a pipe or a file it
is JSON.
"""

from __future__ import annotations

import importlib
import io
import json
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

__all__ = [
    "ask_yes",
    "drop_output",
    "is_at_terminal",
    "json_text",
    "print_call",
    "print_error",
    "print_heading",
    "print_json",
    "print_line",
    "print_table",
    "reopen_closed_streams",
    "tolerate_narrow_encodings",
]

_GAP = "  "
_LEAST_ROOM = 20
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""All control characters but tabs and line ends."""
_RULED = 3
"""Characters that a rule takes with the blanks beside it."""


def reopen_closed_streams() -> None:
    """Let a program that was started with its standard streams closed read and write nothing.

    Left closed, their numbers would go to the next sockets that are opened.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115  # for as long as it runs


def drop_output() -> None:
    """Let what has not been written to stdout fail no second time at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def tolerate_narrow_encodings() -> None:
    """Let a terminal that lacks a character show a question mark in its place rather than fail."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def is_at_terminal() -> bool:
    """Tell whether somebody reads what is printed."""
    return sys.stdout.isatty()


def _tamed(text: str) -> str:
    """Return a text whose control characters are spelled out: what others say must not steer the terminal."""
    return _CONTROLS.sub(lambda found: ascii(found[0])[1:-1], text)


def print_line(text: str = "") -> None:
    """Print one line, at once."""
    print(_tamed(text), flush=True)


def print_heading(text: str) -> None:
    """Print the title of what follows."""
    print_line()
    print_line(f"--- {text} ---")


def print_call(text: str) -> None:
    """Print a line of Python as one would type it."""
    print_line(f">>> {text}")


def print_error(text: str) -> None:
    """Print one line on stderr."""
    print(_tamed(text), file=sys.stderr, flush=True)


def json_text(value: Any, *, indent: int | None = None) -> str:
    """Return a value as JSON that stdout's encoding can hold without losing a character."""
    encoding = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "")
    return json.dumps(value, ensure_ascii=encoding != "utf8", indent=indent, default=str)


def print_json(value: Any) -> None:
    """Print a value as JSON: in colours or over several lines at a terminal, else on one line."""
    if not is_at_terminal():
        print_line(json_text(value))
        return
    rich = _rich("rich")
    if rich is None:
        print_line(json_text(value, indent=2))
    else:
        rich.print_json(json_text(value), indent=2)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under their columns, for people; only the last column wraps, since the others hold names."""
    texts = [[_tamed(str(cell)) for cell in row] for row in rows]
    limit = shutil.get_terminal_size().columns if is_at_terminal() else 0
    widths = [max(map(len, cells)) for cells in zip(columns, *texts, strict=True)]
    has_room = sum(widths[:-1]) + len(widths) * _RULED + _LEAST_ROOM < limit
    tables = _rich("rich.table") if has_room else None
    if tables is None:
        for line in _aligned(columns, texts, limit):
            print_line(line)
        return
    *names, last = columns
    headers = [*(tables.Column(name, no_wrap=True) for name in names), tables.Column(last, overflow="fold")]
    table = tables.Table(*headers, show_header=any(columns))
    for row in texts:
        # As texts, since rich would take what is in square brackets for its own marks.
        table.add_row(*map(importlib.import_module("rich.text").Text, row))
    importlib.import_module("rich.console").Console().print(table)


def _aligned(columns: Sequence[str], rows: Sequence[Sequence[str]], limit: int) -> list[str]:
    """Return lines in columns as wide as they need to be; the last one wraps at `limit` characters (0: never).

    Where hardly any room is left for it, it stands below the others.
    """
    shown = [*([columns] if any(columns) else []), *rows]
    widths = [max(map(len, cells)) for cells in zip(*shown, strict=True)][:-1]
    indent = sum(widths) + len(_GAP) * len(widths)
    is_below = 0 < limit < indent + _LEAST_ROOM
    if is_below:
        indent = 2 * len(_GAP)
    lines = []
    for *cells, last in shown:
        before = "".join(cell.ljust(width) + _GAP for cell, width in zip(cells, widths, strict=True))
        wrapped = textwrap.wrap(last, max(limit - indent, _LEAST_ROOM)) if limit else [last]
        if is_below:
            lines.append(before)
            before = ""
        for part in wrapped or [""]:
            lines.append(before.ljust(indent) + part)
            before = ""
    return [line.rstrip() for line in lines]


def _rich(module: str) -> Any:
    """Return a module of rich, or None where it is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError:
        return None


def ask_yes(question: str) -> bool:
    """Ask at the terminal, on stderr; anything but yes is no."""
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    answer = ""
    try:
        answer = sys.stdin.readline()
    finally:
        if not answer.endswith("\n"):
            # Ctrl-C and Ctrl-D leave the question's line open.
            print_error("")
    return answer.strip().lower() in ("y", "yes")
