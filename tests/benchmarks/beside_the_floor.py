"""The session beside the floor: bare websocket-client in one thread, `json.dumps`, `send`, `recv`, `json.loads`.

    python -m tests.benchmarks.beside_the_floor [--only PATTERN ...] [--tls] [--delay MS] [--rounds 7] [--settle 0.05]
                                                [--python INTERPRETER] [--tree FOLDER] [--base-tree FOLDER]

Figures are ratios to the floor's one thread doing the same: for times smaller is better, for requests a second larger
is. Each round begins with new processes (one may be luckier than another with its memory), takes short turns, the
floor's and the session's, and gives one ratio for each row; told are the median of the rounds, the least and the most.
The first moment of a turn does not count, in which the system still finds out where to run who has just been woken;
`--settle 0` counts it, and takes turns of a few milliseconds.
The interpreter decides whether the extra `speed` is there: the first line says so, and rows with and without it do not
compare. `--base-tree` compares with the session of another checkout instead of the floor. Exit status 1 if a figure
misses what it must reach.
"""

from __future__ import annotations

import argparse
import collections
import statistics
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.rig import ROOT, SETTLE, Rig, Spot
from tests.benchmarks.rows import Row, chosen

__all__ = ["ask_about"]

_ABOUT = """
import importlib.util, platform
fast = [name for name in ("orjson", "uvloop") if importlib.util.find_spec(name)]
print(f"CPython {platform.python_version()}, extra speed: {', '.join(fast) or 'not installed'}")
"""


def ask_about(python: str) -> str:
    """Return what an interpreter is, and whether it has the extra `speed`."""
    return subprocess.run(
        [python, "-c", _ABOUT], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()


def _judged(row: Row, rig: Rig, figure: float, with_speed: bool) -> tuple[str, bool]:
    """Return what a figure had to reach, in words, and whether it reached what it must."""
    target = row.targets(rig)
    if target is None:
        return "", True
    aim = target.aims(with_speed)
    reaches, aims = row.holds(figure, target.must), row.holds(figure, aim)
    verdict = "reaches the aim" if aims and reaches else "holds" if reaches else "MISSES"
    return f"must {target.must:5.2f}  aim {aim:5.2f}  {verdict}", reaches


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", action="append", default=[], help="rows to measure, such as 'time p50'")
    parser.add_argument("--tls", action="store_true", help="wss:// instead of ws://")
    parser.add_argument("--delay", type=float, default=0.0, help="milliseconds before each answer")
    parser.add_argument("--settle", type=float, default=SETTLE, help="seconds of a turn that do not count")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--python", default=sys.executable, help="interpreter for both")
    parser.add_argument("--tree", type=Path, default=ROOT, help="checkout whose package is measured")
    parser.add_argument("--base-tree", type=Path, help="checkout whose session is the base, not the floor")
    options = parser.parse_args()
    about = ask_about(options.python)
    print(f"{about}; {'wss' if options.tls else 'ws'}, server answers after {options.delay:g} ms", flush=True)
    base = Spot("floor", options.python)
    if options.base_tree is not None:
        base = Spot("session", options.python, options.base_tree.resolve())
    ours = Spot("session", options.python, options.tree.resolve())
    with_speed = "not installed" not in about
    is_good = True
    groups = chosen(options.only)
    found: dict[str, list[float]] = collections.defaultdict(list)
    with Rig(tls=options.tls, delay=options.delay / 1000, settle=options.settle) as rig:
        for number in range(options.rounds):
            if sys.stderr.isatty():
                print(f"round {number + 1} of {options.rounds}", end="\r", file=sys.stderr, flush=True)
            rig.renew()
            for group in groups:
                for name, figure in group.measure(rig, base, ours).items():
                    found[name].append(figure)
    for row in (row for group in groups for row in group.rows):
        figures = found[row.name]
        middle = statistics.median(figures)
        words, reaches = "", True
        if base.name == "floor":
            words, reaches = _judged(row, rig, middle, with_speed)
        is_good = is_good and reaches
        spread = f"({min(figures):.2f}, {max(figures):.2f})"
        print(f"{row.name:40} {middle:6.2f} {row.unit:9} {spread:16} {words}".rstrip())
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
