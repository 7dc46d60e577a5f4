"""What one request costs, counted: calls of functions on the callers' threads and on the session's own.

    python -m tests.benchmarks.call_counts [--only PATTERN ...] [--builtins] [--top 40] [--json]

Counts do not depend on how busy the machine is. Each shape (`time single`, `order.place batch`, ...) is repeated a few
times and the least is told, since timers and the collector may only add. Calls of the package and of the standard
library are told apart: the latter differ between versions of Python, and fall with the extra `speed`. The server has a
process of its own and is not counted.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import platform
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import crypto_ws_sync
from crypto_ws_sync import UserWSSession
from crypto_ws_sync.engine.deadlines import Deadlines
from tests.benchmarks.bare_server import bare_server
from tests.benchmarks.operations import KEY, OPERATIONS, SECRET

__all__ = ["Cost", "Shape", "measured", "shapes"]

PACKAGE = str(Path(crypto_ws_sync.__file__).parent)
REPEATS = 5
TICK: CodeType = Deadlines._on_tick.__code__
"""Where the timer comes in that goes by the clock and not by requests; what it calls is not counted."""

GENERATED = "<string>"
"""The file of what dataclasses and named tuples generate: the package's own, on this path."""

Where = tuple[str, str, int, str]
"""Side ("caller" or "loop"), file, line, function; a function written in C has no line."""


class CallCount:
    """Counts calls in all threads it is set for, by side and function.

    Owner: shared; each thread has a count of its own, read when all is quiet.
    """

    def __init__(self) -> None:
        self.is_on = False
        self._here = threading.local()
        self._counts: list[tuple[str, Counter[Any]]] = []

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        here = self._here
        if not hasattr(here, "calls"):
            here.calls, here.below = Counter(), 0
            side = "loop" if threading.current_thread().name.startswith("crypto_ws_sync") else "caller"
            self._counts.append((side, here.calls))
        if event == "call":
            if here.below or frame.f_code is TICK:
                here.below += 1
            elif self.is_on:
                code, back = frame.f_code, frame.f_back
                if code.co_filename == GENERATED and back is not None:
                    here.calls[code, back.f_code] += 1
                else:
                    here.calls[code] += 1
        elif event == "return":
            if here.below:
                here.below -= 1
        elif event == "c_call" and self.is_on and not here.below:
            here.calls[argument.__module__ or type(argument.__self__).__name__, argument.__qualname__] += 1

    def taken(self) -> Counter[Where]:
        """Return the counts since the last time."""
        found: Counter[Where] = Counter()
        for side, calls in self._counts:
            for what, count in calls.items():
                where: Where = (side, *_described(what))
                found[where] += count
            calls.clear()
        return found


def _described(what: Any) -> tuple[str, int, str]:
    """Return file, line and name of what was called: code, generated code and its caller's, or names of C."""
    if isinstance(what, CodeType):
        return what.co_filename, what.co_firstlineno, _name(what)
    if isinstance(what[0], CodeType):
        made, caller = what
        return GENERATED, made.co_firstlineno, f"{made.co_name}, generated, called by {_name(caller)}"
    return what[0], 0, what[1]


def _name(code: CodeType) -> str:
    return str(getattr(code, "co_qualname", code.co_name))  # qualified from Python 3.11


@dataclass(frozen=True)
class Shape:
    """One way to ask one thing many times: `run` does it and returns how many requests that was."""

    name: str
    run: Callable[[UserWSSession], int]


def _ask(session: UserWSSession, method: str, count: int) -> None:
    params = OPERATIONS[method]
    for _ in range(count):
        assert session.handle_request(method, params) is not None


def _single(method: str) -> Callable[[UserWSSession], int]:
    def run(session: UserWSSession) -> int:
        _ask(session, method, 30)
        return 30

    return run


def _threads(method: str, number: int = 32) -> Callable[[UserWSSession], int]:
    def run(session: UserWSSession) -> int:
        barrier = threading.Barrier(number)

        def work() -> None:
            barrier.wait()
            _ask(session, method, 10)

        pool = [threading.Thread(target=work) for _ in range(number)]
        for thread in pool:
            thread.start()
        for thread in pool:
            thread.join()
        return 10 * number

    return run


def _batch(method: str, size: int = 32) -> Callable[[UserWSSession], int]:
    def run(session: UserWSSession) -> int:
        for _ in range(4):
            answers = session.handle_requests([(method, OPERATIONS[method])] * size)
            assert all(isinstance(answer, dict) for answer in answers), answers[0]
        return 4 * size

    return run


def shapes() -> list[Shape]:
    """Return everything that can be counted."""
    ways = {"single": _single, "32 threads": _threads, "batch of 32": _batch}
    return [Shape(f"{method} {way}", make(method)) for method in OPERATIONS for way, make in ways.items()]


@dataclass(frozen=True)
class Cost:
    """Calls per request, by where they are."""

    name: str
    calls: dict[Where, float]

    def own(self) -> float:
        """Calls of the package's own functions."""
        return sum(count for where, count in self.calls.items() if is_own(where))

    def library(self) -> float:
        """Calls of other functions written in Python."""
        return sum(count for where, count in self.calls.items() if where[2] and not is_own(where))

    def builtin(self) -> float:
        """Calls of functions written in C, as far as the interpreter tells of them."""
        return sum(count for where, count in self.calls.items() if not where[2])

    def table(self, *, builtins: bool = False, top: int | None = None) -> str:
        """Return the functions, most called first."""
        lines = []
        for (side, file, line, name), count in sorted(self.calls.items(), key=lambda item: -item[1]):
            if line:
                lines.append(f"  {count:7.2f}  {side:6}  {_short(file)}:{line} {name}")
            elif builtins:
                lines.append(f"  {count:7.2f}  {side:6}  {file}.{name}")
        return "\n".join(lines[:top])


def is_own(where: Where) -> bool:
    """Tell whether a function is the package's."""
    return where[1] == GENERATED or where[1].startswith(PACKAGE)


def _short(file: str) -> str:
    path = Path(file)
    if file.startswith(PACKAGE):
        return path.relative_to(PACKAGE).as_posix()
    return "/".join(path.parts[-2:])


@contextmanager
def measured(*patterns: str, **settings: Any) -> Iterator[Iterator[Cost]]:
    """Give the costs of the shapes that match, one after another, over one session with these settings."""
    count = CallCount()
    with ExitStack() as stack:
        port = stack.enter_context(bare_server())
        stack.callback(threading.setprofile, None)
        threading.setprofile(count)
        endpoint = f"ws://127.0.0.1:{port}/ws-api/v3"
        session = stack.enter_context(UserWSSession(KEY, SECRET, endpoint=endpoint, timeout=60.0, **settings))
        chosen = [shape for shape in shapes() if any(fnmatch.fnmatch(shape.name, each) for each in patterns)]
        yield (_least(shape, session, count) for shape in chosen)


def _least(shape: Shape, session: UserWSSession, count: CallCount) -> Cost:
    shape.run(session)
    best: Cost | None = None
    for _ in range(REPEATS):
        count.taken()
        before = sys.getprofile()
        sys.setprofile(count)
        count.is_on = True
        try:
            requests = shape.run(session)
        finally:
            count.is_on = False
            sys.setprofile(before)
        calls = {where: number / requests for where, number in count.taken().items() if where[1] != __file__}
        cost = Cost(shape.name, calls)
        if best is None or cost.own() < best.own():
            best = cost
    assert best is not None
    return best


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", action="append", help="shapes to count, such as 'order.place *'")
    parser.add_argument("--builtins", action="store_true", help="list functions written in C, too")
    parser.add_argument("--top", type=int, default=60, help="lines for each shape")
    parser.add_argument("--json", action="store_true", help="all counts, for a program to read")
    options = parser.parse_args()
    with measured(*(options.only or ["*"])) as costs:
        if options.json:
            told = [
                {"name": cost.name, "own": cost.own(), "library": cost.library(), "table": cost.table()}
                for cost in costs
            ]
            print(json.dumps(told))
            return
        print(f"CPython {platform.python_version()}; calls per request")
        for cost in costs:
            print(
                f"\n{cost.name}: {cost.own():.2f} of the package, {cost.library():.2f} of the library, "
                f"{cost.builtin():.2f} in C"
            )
            print(cost.table(builtins=options.builtins, top=options.top))


if __name__ == "__main__":
    main()
