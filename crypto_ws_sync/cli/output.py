"""How commands speak: plain lines on stdout, errors on stderr."""

from __future__ import annotations

import io
import sys

__all__ = ["print_call", "print_error", "print_heading", "print_line", "tolerate_narrow_encodings"]


def tolerate_narrow_encodings() -> None:
    """Let a terminal that lacks a character show a question mark in its place rather than fail."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def print_line(text: str = "") -> None:
    """Print one line, at once."""
    print(text, flush=True)


def print_heading(text: str) -> None:
    """Print the title of what follows."""
    print_line()
    print_line(f"--- {text} ---")


def print_call(text: str) -> None:
    """Print a line of Python as one would type it."""
    print_line(f">>> {text}")


def print_error(text: str) -> None:
    """Print one line on stderr."""
    print(text, file=sys.stderr, flush=True)
