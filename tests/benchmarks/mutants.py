"""Small wrong changes of one module, each of which the tests must notice.

    python -m tests.benchmarks.mutants MODULE ... [--tests PATH ...] [--only TEXT ...] [--list]

    python -m tests.benchmarks.mutants crypto_ws_sync/protocol/limits.py
    python -m tests.benchmarks.mutants crypto_ws_sync/protocol/limits.py --only Ledger.close Ledger.read
    python -m tests.benchmarks.mutants crypto_ws_sync/protocol/window.py --tests tests/protocol/test_limits*.py

One change at a time: another comparison, sum or constant, a condition turned round, a statement left out, another value
returned. For each the tests are run until the first one fails; the change that no test notices has survived, and tells
of a missing test, of needless code, or of two ways to write the same. By default the tests are those that are named
for the module, else all of its room. `equivalent_mutants.json` has those that change nothing, each with the reason;
exit status 1 if any other survives. Nothing is written into the tree: a forked process runs the changed code from
memory (so this needs a system with fork, and sees nothing of programs that a test starts). Hypothesis draws the same
cases every time.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import resource
import select
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import CodeType, ModuleType

import hypothesis
import pytest

from tests.benchmarks.mutations import Mutant, mutants

EQUIVALENT = Path(__file__).with_name("equivalent_mutants.json")
MEMORY = 4 << 30
PROFILE = "mutants"


class _Changed(importlib.machinery.SourceFileLoader):
    """Loads one module from a syntax tree instead of its file."""

    def __init__(self, name: str, path: str, tree: ast.Module) -> None:
        super().__init__(name, path)
        self._tree = tree

    def get_code(self, fullname: str) -> CodeType:
        code: CodeType = compile(self._tree, self.path, "exec")
        return code


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the changed module before its file is."""

    def __init__(self, path: Path, tree: ast.Module) -> None:
        self._name = ".".join(path.with_suffix("").parts)
        self._loader = _Changed(self._name, str(path.resolve()), tree)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._name:
            return None
        return importlib.util.spec_from_file_location(fullname, self._loader.path, loader=self._loader)


class Runner:
    """Runs the tests of one module in forked processes.

    Owner: caller thread.
    """

    def __init__(self, path: Path, tests: Sequence[str]) -> None:
        self._path = path
        self._arguments = [
            "-xq",
            "--assert=plain",
            "--tb=line",
            "-pno:cacheprovider",
            f"--hypothesis-profile={PROFILE}",
            *tests,
        ]
        self._cpu_limit, self._limit = 600.0, 1200.0
        self.cpu = self.seconds = 0.0

    def check_unchanged(self, tree: ast.Module) -> None:
        """Run the tests with the module as it is; bring in here what they import, so that forks need not."""
        began = time.monotonic()
        status, told, self.cpu = self._run(tree, is_loud=True)
        if status != 0:
            raise SystemExit(f"the tests of {self._path} fail without a change, or there are none")
        self.seconds = time.monotonic() - began
        self._cpu_limit, self._limit = 4 * self.cpu + 1, 10 * self.seconds + 60
        own = {self._path.parts[0], "tests", "conftest", "__main__"}
        for name in json.loads(told):
            if name.partition(".")[0] not in own and not name.startswith("test_"):
                with suppress(Exception):
                    importlib.import_module(name)

    def survives(self, tree: ast.Module) -> bool:
        """Tell whether no test notices the change; running out of time or memory is noticed."""
        return self._run(tree, is_loud=False)[0] == 0

    def _run(self, tree: ast.Module, *, is_loud: bool) -> tuple[int, bytes, float]:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            self._be_child(tree, writing, is_loud)
        os.close(writing)
        told, deadline = b"", time.monotonic() + self._limit
        while select.select([reading], [], [], max(0.0, deadline - time.monotonic()))[0]:
            part = os.read(reading, 1 << 16)
            if not part:
                break
            told += part
        else:
            os.kill(child, signal.SIGKILL)
        os.close(reading)
        _, status, used = os.wait4(child, 0)
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
        return status, told, used.ru_utime + used.ru_stime

    def _be_child(self, tree: ast.Module, writing: int, is_loud: bool) -> None:
        status = 70
        try:
            os.setsid()
            signal.setitimer(signal.ITIMER_PROF, self._cpu_limit)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            if not is_loud:
                nowhere = os.open(os.devnull, os.O_RDWR)
                for stream in (0, 1, 2):
                    os.dup2(nowhere, stream)
            sys.meta_path.insert(0, _Finder(self._path, tree))
            status = int(pytest.main(self._arguments))
            if is_loud:
                os.write(writing, json.dumps(list(sys.modules)).encode())
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(status)


def _tests_of(path: Path) -> list[str]:
    """Return the tests that are named for a module, else all of its room."""
    room = Path("tests", *path.parts[1:-1])
    found = sorted(str(test) for test in room.glob(f"test_{path.stem}*.py"))
    return found or [str(room)]


def _is_asked_for(mutant: Mutant, only: Sequence[str]) -> bool:
    return not only or any(text in mutant.name for text in only)


def examine(path: Path, tests: Sequence[str], only: Sequence[str]) -> bool:
    """Try every change of a module, say which survive, and tell whether all of these are known to change nothing."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    known: dict[str, str] = json.loads(EQUIVALENT.read_text(encoding="utf-8")).get(path.as_posix(), {})
    runner = Runner(path, tests or _tests_of(path))
    runner.check_unchanged(tree)
    tried, unknown, told = 0, 0, set()
    for mutant in mutants(tree):
        if not _is_asked_for(mutant, only):
            continue
        tried += 1
        if not runner.survives(tree):
            continue
        told.add(mutant.name)
        unknown += mutant.name not in known
        reason = known.get(mutant.name)
        print(f"{path}:{mutant.line}: {mutant.name}" + (f"  [{reason}]" if reason else ""), flush=True)
    gone = [] if only else sorted(known.keys() - told)
    for name in gone:
        print(f"{path}: known to change nothing, but noticed or gone: {name}")
    equivalent = len(told) - unknown
    print(
        f"{path}: {tried} changes, {tried - len(told)} noticed, {equivalent} equivalent, {unknown} survived",
        flush=True,
    )
    return not unknown and not gone


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "modules", nargs="+", type=Path, help="paths from here, such as crypto_ws_sync/protocol/limits.py"
    )
    parser.add_argument("--tests", nargs="+", default=[], help="what to run, quickest first")
    parser.add_argument(
        "--only",
        nargs="+",
        default=[],
        metavar="TEXT",
        help="only changes that have one of these in their names",
    )
    parser.add_argument("--list", action="store_true", help="say what would be tried")
    options = parser.parse_args()
    if options.list:
        for path in options.modules:
            for mutant in mutants(ast.parse(path.read_text(encoding="utf-8"))):
                if _is_asked_for(mutant, options.only):
                    print(f"{path}:{mutant.line}: {mutant.name}")
        return 0
    os.environ["CI"] = "true"
    hypothesis.settings.register_profile(
        PROFILE,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    )
    are_right = [examine(path, options.tests, options.only) for path in options.modules]
    return 0 if all(are_right) else 1


if __name__ == "__main__":
    sys.exit(main())
