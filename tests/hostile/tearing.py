"""Has something happen at the n-th line that the calling thread runs, where a signal's handler might run."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

__all__ = ["AtLine", "each_line"]


class AtLine:
    """Calls `act` before the n-th line of some functions, on the thread that enters this context.

    Args:
        number: Which line, from 1 on, of those that count.
        act: What happens; what it raises is raised there.
        counts: Tells whether the lines of a function count, by its file's path and its name.

    Attributes:
        where: File, line and function of the place; None while it has not been reached.

    Owner: the thread that enters it.
    """

    def __init__(self, number: int, act: Callable[[], object], counts: Callable[[str, str], bool]) -> None:
        self._left = number
        self._act = act
        self._counts = counts
        self._before: Any = None
        self._entered: set[tuple[int, int]] = set()
        self.where: tuple[str, int, str] | None = None

    def __enter__(self) -> AtLine:
        self._before = sys.gettrace()
        sys.settrace(self._trace)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        sys.settrace(self._before)

    def _trace(self, frame: FrameType, event: str, argument: object) -> Any:
        code = frame.f_code
        if not self._counts(code.co_filename, code.co_name):
            return self._trace if event == "call" else None
        if event == "line" and not self._is_no_place(frame):
            self._left -= 1
            if not self._left:
                self.where = code.co_filename, frame.f_lineno, code.co_name
                sys.settrace(self._before)
                self._act()
                return None
        return self._trace

    def _is_no_place(self, frame: FrameType) -> bool:
        """Tell whether the line is no place for a handler: a `try`, or a `with` that is come back to at its end."""
        line = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
        if not line.startswith("with "):
            return line == "try:"
        place = id(frame), frame.f_lineno
        is_leaving = place in self._entered
        self._entered.add(place)
        return is_leaving


def each_line(
    body: Callable[[], object],
    act: Callable[[], object],
    counts: Callable[[str, str], bool],
    *,
    after: Callable[[BaseException | None], object],
) -> int:
    """Run `body` again and again, and have `act` called before the first line that counts, the second, and so on.

    Args:
        body: Is run until none of its lines is left.
        act: See `AtLine`.
        counts: See `AtLine`.
        after: Called after each run, with the error that it raised.

    Returns:
        How many lines there were.
    """
    number = 0
    while True:
        number += 1
        failure = None
        with AtLine(number, act, counts) as at:
            try:
                body()
            except BaseException as error:
                failure = error
        if at.where is None:
            if failure is not None:
                raise failure
            return number - 1
        try:
            after(failure)
        except BaseException as error:
            raise AssertionError(f"after {at.where}") from error
