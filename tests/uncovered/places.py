"""The places that no test reaches, read from `places.md`: which there are, and which a report has beyond them.

    pip install coverage
    export COVERAGE_FILE="$PWD/.coverage"
    coverage run -m pytest -n 3 --timeout 180
    coverage combine && coverage json -o .coverage.json
    python -m tests.uncovered.places .coverage.json

It takes three times as long as the tests alone. Those that count calls, time something or look at what is imported
fail under it, which changes nothing in the figures.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["PACKAGE", "Place", "functions", "listed"]

HERE = Path(__file__).parent
PACKAGE = HERE.parents[1] / "crypto_ws_sync"
MODULE = "<module>"

_LINE = re.compile(r"- `(?P<file>[\w/]+\.py)`: `(?P<function>[\w.<>]+)`: (?P<why>.+)")


class Place(NamedTuple):
    """One function, or the rest of a module, with lines or branches that nothing reaches."""

    file: str
    function: str


def listed() -> dict[Place, str]:
    """Return the places of the list, and why each stays."""
    found: dict[Place, str] = {}
    for line in (HERE / "places.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("- "):
            match = _LINE.fullmatch(line)
            assert match is not None, f"not a place: {line}"
            place = Place(match["file"], match["function"])
            assert place not in found, f"twice: {place}"
            found[place] = match["why"]
    return found


def functions(file: str) -> list[tuple[str, int, int]]:
    """Return the file itself, and its functions and classes, each with its first and last line."""
    source = (PACKAGE / file).read_text(encoding="utf-8")

    def walk(node: ast.AST, outer: str) -> Iterator[tuple[str, int, int]]:
        for child in ast.iter_child_nodes(node):
            name = outer
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                name = f"{outer}.{child.name}" if outer else child.name
                yield name, child.lineno, child.end_lineno or child.lineno
            yield from walk(child, name)

    return [(MODULE, 0, source.count("\n") + 1), *walk(ast.parse(source), "")]


def _reported(path: Path) -> Iterator[tuple[Place, int]]:
    """Yield the places of a report with their lines."""
    for name, file in json.loads(path.read_text(encoding="utf-8"))["files"].items():
        short = Path(name).as_posix().rpartition("crypto_ws_sync/")[2]
        known = functions(short)
        for line in {*file["missing_lines"], *(branch[0] for branch in file["missing_branches"])}:
            _, innermost = min((last - first, name) for name, first, last in known if first <= line <= last)
            yield Place(short, innermost), line


def main(path: Path) -> int:
    """Print what a report has and the list has not, and the other way round; return 1 where there is something."""
    places = listed()
    beyond: dict[Place, list[int]] = {}
    for place, line in sorted(_reported(path)):
        beyond.setdefault(place, []).append(line)
    for place, lines in beyond.items():
        if place not in places:
            print(f"not listed: {place.file}: {place.function}: lines {', '.join(map(str, lines))}")
    for place in places.keys() - beyond.keys():
        print(f"reached this time: {place.file}: {place.function}")
    return 1 if beyond.keys() - places.keys() else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
