"""A text that hides itself wherever it might be printed, and errors that do not lead to where keys were in hand."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from crypto_ws_sync.errors import ConfigError

__all__ = ["Secret", "without_frames"]

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


def without_frames(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """Return a function whose errors do not lead to the frames that had keys in hand.

    Tools that report errors with the values of local variables would send them along.
    """

    @functools.wraps(function)
    def outermost(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
        try:
            return function(*args, **kwargs)
        except ConfigError as error:
            raise error.with_traceback(None) from None

    return outermost


class Secret(str):
    """A secret text: an ordinary `str` whose `repr` hides it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"
