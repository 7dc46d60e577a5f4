"""Processor instructions of a request and of a start, the session's beside the floor's: exact on the busiest machine.

    python -m tests.benchmarks.instructions [--only PATTERN ...] [--python INTERPRETER] [--tree FOLDER]

Runs each client under valgrind's callgrind, once with many requests and once with few, and tells the difference for one
request; and once from the start of Python to the first answer. It says nothing of waiting: what a call waits for is
measured by `beside_the_floor`. Needs valgrind, and takes some minutes; many threads are left out, because they run
there in another order than anywhere else.
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.benchmarks.bare_server import bare_server
from tests.benchmarks.clients import open_client
from tests.benchmarks.operations import OPERATIONS

ROOT = Path(__file__).parents[2]
FEW, MANY = 64, 320
WIDTH = 32
START = "start to first answer"


def _alone(client: Any, method: str, count: int) -> None:
    for _ in range(count):
        client.call(method, OPERATIONS[method])


def _batch(client: Any, method: str, count: int) -> None:
    for _ in range(count // WIDTH):
        client.batch(method, OPERATIONS[method], WIDTH)


def _window(client: Any, method: str, count: int) -> None:
    client.window(method, OPERATIONS[method], count, WIDTH)


WAYS: dict[str, Callable[[Any, str, int], None]] = {
    "one thread": _alone,
    "handle_requests of 32": _batch,
    "submit window of 32": _window,
}


def _work(name: str, way: str, method: str, count: int, url: str) -> None:
    """Be the one that is counted."""
    client = open_client(name, url, None)
    WAYS[way](client, method, FEW)
    WAYS[way](client, method, count)
    # Not closed: that would be counted, too.
    os._exit(0)


def _total(python: str, tree: Path, *program: str) -> int:
    """Return the instructions of one run; modules have been compiled before, as those of an installation have."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "told"
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join((str(tree), str(ROOT))),
            "PYTHONPYCACHEPREFIX": str(Path(folder) / "compiled"),
            "PYTHONHASHSEED": "0",
        }
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        counting = ["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={told}"]
        for command in ([], counting):
            subprocess.run(
                [*command, python, *program], check=True, cwd=tree, env=environment, stderr=subprocess.DEVNULL
            )
        found = re.search(r"^(?:totals|summary): (\d+)", told.read_text(encoding="utf-8"), re.MULTILINE)
        assert found is not None
        return int(found.group(1))


def of_request(python: str, tree: Path, url: str, name: str, way: str, method: str) -> float:
    """Return the instructions of one request."""
    work = ("-m", "tests.benchmarks.instructions", "--work", name, way, method)
    few, many = (_total(python, tree, *work, str(count), url) for count in (FEW, MANY))
    return (many - few) / (MANY - FEW)


def of_start(python: str, tree: Path, url: str, name: str) -> int:
    """Return the instructions from the start of Python to the first answer."""
    program = (
        f"import os; from tests.benchmarks.fresh import FIRST_ANSWERS; "
        f"FIRST_ANSWERS[{name!r}]({url!r}, None); os._exit(0)"
    )
    return _total(python, tree, "-c", program)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", action="append", help="rows, such as 'time*'")
    parser.add_argument("--python", default=sys.executable, help="interpreter for both")
    parser.add_argument("--tree", type=Path, default=ROOT, help="checkout whose package is measured")
    parser.add_argument("--work", nargs=5, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        name, way, method, count, url = options.work
        _work(name, way, method, int(count), url)
    patterns = options.only or ["*"]
    tree = options.tree.resolve()
    with bare_server() as port:
        url = f"ws://127.0.0.1:{port}/ws-api/v3"
        if any(fnmatch.fnmatch(START, each) for each in patterns):
            bare, whole = (of_start(options.python, tree, url, name) for name in ("floor", "session"))
            print(f"{START}, floor: {bare / 1e6:.0f} million instructions")
            print(f"{START}: {whole / 1e6:.0f} million, {whole / bare:.2f} of the floor", flush=True)
        for method in OPERATIONS:
            rows = [
                way for way in WAYS if any(fnmatch.fnmatch(f"{method}, {way}", each) for each in patterns)
            ]
            if not rows:
                continue
            floor = of_request(options.python, tree, url, "floor", "one thread", method)
            print(f"{method}, floor: {floor / 1000:.0f} thousand instructions a request", flush=True)
            for way in rows:
                ours = of_request(options.python, tree, url, "session", way, method)
                print(
                    f"{method}, {way}: {ours / 1000:.0f} thousand, {ours / floor:.2f} of the floor",
                    flush=True,
                )


if __name__ == "__main__":
    main()
