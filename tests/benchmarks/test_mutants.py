"""The changes that mutation tests are made of: each is told, undone, and noticed by tests that are worth something."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))

from tests.benchmarks.mutants import EQUIVALENT  # noqa: E402  # found from the root only
from tests.benchmarks.mutations import mutants  # noqa: E402

SOURCE = '''"""What it is."""

LIMIT: int = 3
__all__ = ["fits"]

def fits(size: int, by: float = 0.5) -> bool:
    """Tell whether it fits."""
    if size < 0 or not by:
        raise ValueError(f"no size: {size - 1}")
    while size:
        size -= 1
        break
    return size + 1 <= LIMIT
'''

RULE = """
def least(values):
    found = 9
    while values:
        found = min(found, values.pop())
    return found
"""


def test_each_change_is_told_by_what_it_does_and_undone() -> None:
    tree = ast.parse(SOURCE)
    before = ast.dump(tree)
    changed: dict[str, str] = {}
    for mutant in mutants(tree):
        compile(tree, "changed", "exec")
        changed[mutant.name] = ast.dump(tree)
    assert ast.dump(tree) == before
    assert before not in changed.values()
    assert len(set(changed.values())) == len(changed)
    assert list(changed) == [
        "module: LIMIT: int = 3 -> LIMIT: int = 4",
        "fits: (size: int, by: float=0.5) -> (size: int, by: float=1.0)",
        "fits: if size < 0 or not by -> if size < 0 and (not by)",
        "fits: if size < 0 or not by -> if size <= 0 or not by",
        "fits: if size < 0 or not by -> if size >= 0 or not by",
        "fits: if size < 0 or not by -> if size < 1 or not by",
        "fits: if size < 0 or not by -> if size < 0 or by",
        "fits: raise ValueError(f'no size: {size - 1}') -> nothing",
        "fits: raise ValueError(f'no size: {size - 1}') -> raise ValueError(f'no size: {size + 1}')",
        "fits: raise ValueError(f'no size: {size - 1}') -> raise ValueError(f'no size: {size - 2}')",
        "fits: while size -> while not size",
        "fits: size -= 1 -> nothing",
        "fits: size -= 1 -> size += 1",
        "fits: size -= 1 -> size -= 2",
        "fits: break -> continue",
        "fits: break -> nothing",
        "fits: return size + 1 <= LIMIT -> return None",
        "fits: return size + 1 <= LIMIT -> return size + 1 < LIMIT",
        "fits: return size + 1 <= LIMIT -> return size + 1 > LIMIT",
        "fits: return size + 1 <= LIMIT -> return size - 1 <= LIMIT",
        "fits: return size + 1 <= LIMIT -> return size + 2 <= LIMIT",
    ]


@pytest.mark.timeout(60)  # starts the tests of a program several times over, on a machine that may be busy
def test_what_no_test_notices_survives_and_what_is_endless_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "rule.py").write_text(RULE, encoding="utf-8")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_rule.py").write_text(
        "from room.rule import least\n\ndef test_least():\n    assert least([2, 1]) == 1\n", encoding="utf-8"
    )
    run = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.mutants", "room/rule.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"},
        capture_output=True,
        text=True,
        check=False,
    )
    survived = [line for line in run.stdout.splitlines() if line.startswith("room/rule.py")]
    assert survived == [
        "room/rule.py:3: least: found = 9 -> found = 10",
        "room/rule.py: 6 changes, 5 noticed, 0 equivalent, 1 survived",
    ], run.stderr
    assert run.returncode == 1


def test_every_reason_for_an_equivalent_change_is_said() -> None:
    known = json.loads(EQUIVALENT.read_text(encoding="utf-8"))
    assert all((ROOT / path).is_file() for path in known)
    assert all(reason.strip() for changes in known.values() for reason in changes.values())
