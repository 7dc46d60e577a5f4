"""What gets into the installed package, and what importing it costs."""

from __future__ import annotations

import ast
import configparser
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import FunctionType
from typing import get_type_hints

import pytest
from complaints import complaints

ROOT = Path(__file__).parents[1]
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))

from tests.benchmarks.bare_server import bare_server  # noqa: E402  # found from the root only

PACKAGE = ROOT / "crypto_ws_sync"


def _setup() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def test_every_folder_with_code_is_a_package() -> None:
    """Folders without an __init__.py are not found by `packages = find:`."""
    folders = {path.parent for path in PACKAGE.rglob("*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").is_file()] == []


def test_every_data_file_is_packed() -> None:
    packed = " ".join(_setup()["options.package_data"].values()).replace(",", " ").split()
    files = [path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    data = [path for path in files if path.suffix != ".py"]
    assert PACKAGE / "py.typed" in data
    assert [path for path in data if not any(path.match(pattern) for pattern in packed)] == []


def test_every_console_script_leads_somewhere() -> None:
    scripts = _setup()["options.entry_points"]["console_scripts"].strip().splitlines()
    assert len(scripts) >= 3
    for script in scripts:
        module, _, function = script.partition("=")[2].strip().partition(":")
        assert callable(getattr(import_module(module), function))


def test_the_changelog_begins_with_this_version() -> None:
    lines = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()
    newest = next(line for line in lines if line.startswith("## "))
    assert newest.split()[1] == _setup()["metadata"]["version"]


# --- what importing costs ------------------------------------------------------------------------------------


def _told_by(program: str, *options: str) -> str:
    """Return what a program prints, in a Python of its own; it must end well and say nothing on stderr."""
    done = subprocess.run(
        [sys.executable, *options, "-c", program],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, complaints(done.stderr.splitlines(keepends=True))) == (0, "")
    return done.stdout.strip()


@pytest.mark.timeout(60)  # a Python of its own
def test_importing_loads_two_modules_and_starts_nothing() -> None:
    """Those, and what every program with errors, types and a log has loaded from the standard library."""
    program = (
        "import sys, __future__, importlib, logging, threading, typing\n"
        "before = set(sys.modules)\n"
        "import crypto_ws_sync\n"
        "print(sorted(set(sys.modules) - before))\n"
        "print(threading.active_count(), logging.getLogger().handlers)"
    )
    assert _told_by(program) == "['crypto_ws_sync', 'crypto_ws_sync.errors']\n1 []"


ON_USE = {
    "get_credentials": {"asyncio", "ssl", "websocket", "tenacity", "json", "crypto_ws_sync.session"},
    "StreamGap": {"asyncio", "ssl", "websocket", "tenacity", "json", "crypto_ws_sync.session"},
    "UserWSSession": {
        *(
            "tenacity",
            "crypto_ws_sync.exchanges.binance.evidence",
            "crypto_ws_sync.exchanges.binance.lookups",
        ),
        *("crypto_ws_sync.exchanges.binance.replies.orders", "crypto_ws_sync.model.status"),
        *(
            "crypto_ws_sync.session.history",
            "crypto_ws_sync.session.user_data",
            "crypto_ws_sync.session.journal",
        ),
    },
}
"""Name -> what is not loaded with it, besides what is loaded with none of them."""

MOST_MODULES = 86
"""Modules of the package that `UserWSSession` loads; each takes as long as a whole request. Lower it with them."""

NEVER = {
    *(
        "cryptography",
        "websockets",
        "platformdirs",
        "tomli",
        "tomllib",
        "pandas",
        "numpy",
        "rich",
        "tqdm",
        "matplotlib",
    ),
    *("urllib.request", "http.client", "email", "stringprep"),
    *("crypto_ws_sync.simulator", "crypto_ws_sync.cli", "crypto_ws_sync.notebook"),
}
"""What only some keys, extras and commands need."""


@pytest.mark.timeout(60)  # a Python of its own, which may have to compile all modules first
@pytest.mark.parametrize("name", ON_USE)
def test_a_name_loads_what_it_needs(name: str) -> None:
    program = f"import sys\nfrom crypto_ws_sync import {name}\nprint(*sys.modules)"
    loaded = set(_told_by(program).split())
    assert "crypto_ws_sync.errors" in loaded
    assert sorted(loaded & (NEVER | ON_USE[name])) == []


COLLECTED = "print(gc.isenabled(), 0.9 * frozen <= gc.get_freeze_count() <= frozen)"


@pytest.mark.timeout(60)  # a Python of its own
@pytest.mark.parametrize(
    ("before", "is_enabled"), [("pass", True), ("gc.disable()", False), ("gc.freeze()", True)]
)
def test_whoever_has_set_the_collector_finds_it_so(before: str, is_enabled: bool) -> None:
    program = (
        f"import gc\n{before}\n"
        "frozen = gc.get_freeze_count()\n"
        "from crypto_ws_sync import UserWSSession\n"
        f"{COLLECTED}"
    )
    assert _told_by(program) == f"{is_enabled} True"


@pytest.mark.timeout(60)  # a Python of its own
def test_a_name_that_cannot_be_loaded_leaves_the_collector_on() -> None:
    program = (
        "import gc, sys\n"
        "frozen = gc.get_freeze_count()\n"
        "sys.modules['crypto_ws_sync.session.run'] = None\n"
        "import crypto_ws_sync\n"
        "try:\n"
        "    crypto_ws_sync.UserWSSession\n"
        "except ImportError:\n"
        f"    {COLLECTED}"
    )
    assert _told_by(program) == "True True"


@pytest.mark.timeout(60)  # a Python of its own
def test_a_session_loads_few_modules_and_none_that_is_slow_to_define() -> None:
    """What makes a class from its fields takes up to a millisecond at every start: such classes are for later."""
    program = (
        "import dataclasses, sys\n"
        "from crypto_ws_sync import UserWSSession\n"
        "ours = [name for name in sys.modules if name.startswith('crypto_ws_sync.')]\n"
        "slow = {each.__name__ for name in ours for each in vars(sys.modules[name]).values()\n"
        "        if isinstance(each, type) and dataclasses.is_dataclass(each)}\n"
        "print(len(ours), *slow)"
    )
    number, *slow = _told_by(program).split()
    assert slow == []
    assert 40 < int(number) <= MOST_MODULES


@pytest.mark.timeout(60)  # a Python of its own
def test_what_a_lost_answer_needs_is_there_when_a_session_has_started() -> None:
    """It is not looked for when it is needed, by a process that may have no file descriptor left."""
    with bare_server() as port:
        program = (
            "import sys\n"
            "from crypto_ws_sync import UserWSSession\n"
            "from crypto_ws_sync.session.run import LATER\n"
            "print(LATER in sys.modules)\n"
            f"with UserWSSession(endpoint='ws://127.0.0.1:{port}/ws-api/v3'):\n"
            "    print(LATER in sys.modules)\n"
            # The rules of international names take a millisecond to load: no address needs them.
            "print('stringprep' in sys.modules)"
        )
        assert _told_by(program).splitlines() == ["False", "True", "False"]


def _functions(owner: type) -> Iterator[FunctionType]:
    for member in vars(owner).values():
        function = member.fget if isinstance(member, property) else member
        if isinstance(function, FunctionType):
            yield function


@pytest.mark.parametrize(
    "owner", ["UserWSSession", "UserDataStream", "SessionStatus", "StreamGap", "UnresolvedOrder"]
)
def test_every_annotation_can_be_read_at_run_time(owner: str) -> None:
    """Also those that name what is loaded later."""
    found = getattr(import_module("crypto_ws_sync"), owner)
    functions = [function for kind in found.__mro__ if kind is not object for function in _functions(kind)]
    assert functions
    for function in functions:
        assert get_type_hints(function).keys() == function.__annotations__.keys()


def test_every_public_name_is_there_and_known_to_type_checkers() -> None:
    package = import_module("crypto_ws_sync")
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    told = {
        alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("crypto_ws_sync.")
        for alias in node.names
    }
    assert sorted(told) == sorted(package.__all__)
    for name, module in told.items():
        assert getattr(package, name) is getattr(import_module(str(module)), name)
    assert set(package.__all__) <= set(dir(package))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = package.nothing


@pytest.mark.timeout(60)  # two sessions one after the other, on a slow interpreter
def test_a_program_runs_where_every_warning_is_an_error() -> None:
    program = (ROOT / "tests" / "strict_program.py").read_text(encoding="utf-8")
    assert _told_by(program, "-X", "dev", "-W", "error").endswith("\ndone")
