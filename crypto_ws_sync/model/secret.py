"""A text that hides itself wherever it might be printed."""

from __future__ import annotations

__all__ = ["Secret"]


class Secret(str):
    """A secret text: an ordinary `str` whose `repr` hides it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"
