"""What a program has complained of."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["complaints"]


def complaints(errors: Iterable[str]) -> str:
    """Return lines of a program's standard error, but for those that the machine is to blame for.

    In development mode the loop tells of every step that a busy machine made slow.
    """
    return "".join(line for line in errors if "Executing <" not in line)
