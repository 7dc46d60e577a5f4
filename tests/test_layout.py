"""The house as it is drawn: which room may import which, and what may stand where. Read from the source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "crypto_ws_sync"
TESTS = Path(__file__).parent

OPEN_TO_ALL = {"errors", "ownership"}

ARROWS = {
    "cli": {"session", "config", "notebook"},
    "session": {"exchanges", "bridge"},
    "exchanges": {"signing", "protocol"},
    "bridge": {"engine"},
    "engine": {"protocol", "transport"},
    "protocol": {"model"},
    "signing": {"model"},
    "transport": set(),
    "model": set(),
    "config": {"signing", "model"},
    "notebook": {"exchanges", "model"},
    "simulator": {"model"},
    "errors": set(),
    "ownership": set(),
    "pytest_plugin": set(),
    "__main__": {"cli"},
    "__init__": {"session", "config", "model"},
}
"""Room -> the rooms right below it; what those may import, it may import as well."""

ONLY_WHEN_USED = {"cli": {"simulator"}, "pytest_plugin": {"session", "simulator"}}
"""Room -> what it may import inside a function, but not on loading."""

SINGLE_MODULES = {"simulator": {"crypto_ws_sync.signing.verify"}}
"""Room -> modules of a closed room that it may import: signatures are checked with the same primitives."""

PURE = ("model", "protocol", "signing", "exchanges", "simulator.matching")
IMPURE_MODULES = {"asyncio", "threading", "socket", "time"}

THREADS_IN = {"bridge", "transport", "simulator"}
THREAD_WORDS = {"Thread", "run_coroutine_threadsafe", "call_soon_threadsafe"}

STATE_IN = ("crypto_ws_sync.engine.ledgers", "crypto_ws_sync.bridge.")
"""Where module state may change: the ledgers of the process, and the live sessions."""

MUTABLE_KINDS = {
    "list", "dict", "set", "bytearray", "deque", "defaultdict", "OrderedDict", "Counter",
    "WeakSet", "WeakKeyDictionary", "WeakValueDictionary", "Queue", "SimpleQueue",
    "Lock", "RLock", "Event", "Condition", "local", "count", "ContextVar",
}  # fmt: skip
MUTATORS = {
    "append", "extend", "insert", "remove", "pop", "popitem", "clear", "add", "discard", "update",
    "setdefault", "sort", "reverse", "appendleft", "popleft", "move_to_end", "__setitem__",
}  # fmt: skip

NO_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}


@dataclass(frozen=True)
class Module:
    """One source file: its dotted name, its room, and its syntax tree."""

    name: str
    room: str
    tree: ast.Module
    is_package: bool


@dataclass(frozen=True)
class Import:
    """One name brought in: its dotted name, the line, and whether that happens on loading."""

    target: str
    line: int
    is_on_loading: bool


def _module(path: Path) -> Module:
    parts = list(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    is_package = parts[-1] == "__init__"
    room = parts[1]
    if is_package:
        parts.pop()
    return Module(".".join(parts), room, ast.parse(path.read_text(encoding="utf-8"), str(path)), is_package)


MODULES = [_module(path) for path in sorted(PACKAGE.rglob("*.py"))]


def _id(module: Module) -> str:
    return module.name


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _walk(node: ast.AST, is_on_loading: bool = True) -> Iterator[tuple[ast.AST, bool]]:
    """Yield every node with whether it runs on loading."""
    for child in ast.iter_child_nodes(node):
        inner = is_on_loading and not (
            isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or _is_type_checking(child)
        )
        yield child, inner
        yield from _walk(child, inner)


def _imports(module: Module) -> Iterator[Import]:
    for node, is_on_loading in _walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, is_on_loading)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                up = module.name.split(".")
                keep = len(up) - node.level + (1 if module.is_package else 0)
                base = ".".join([*up[:keep], *([node.module] if node.module else [])])
            for alias in node.names:
                yield Import(f"{base}.{alias.name}", node.lineno, is_on_loading)


def _below(room: str) -> set[str]:
    """Return every room that this one may import: along the arrows, any distance."""
    found: set[str] = set()
    ahead = list(ARROWS[room])
    while ahead:
        step = ahead.pop()
        if step not in found:
            found.add(step)
            ahead.extend(ARROWS[step])
    return found | OPEN_TO_ALL


def _room_of(target: str) -> str | None:
    parts = target.split(".")
    if parts[0] != "crypto_ws_sync":
        return None
    return parts[1] if len(parts) > 1 else "__init__"


def _is_allowed(module: Module, found: Import, room: str) -> bool:
    if room == module.room or room in _below(module.room):
        return True
    if any(found.target.startswith(each) for each in SINGLE_MODULES.get(module.room, ())):
        return True
    return room in ONLY_WHEN_USED.get(module.room, ()) and not found.is_on_loading


def test_there_is_a_house_to_look_at() -> None:
    rooms = {module.room for module in MODULES}
    assert rooms >= {
        "model",
        "protocol",
        "signing",
        "exchanges",
        "transport",
        "engine",
        "bridge",
        "session",
        "cli",
    }
    assert rooms <= set(ARROWS), "a new room needs its arrows drawn here"


def _wrong_imports(module: Module) -> list[str]:
    return [
        f"line {found.line}: {module.room} must not import {found.target}"
        for found in _imports(module)
        if (room := _room_of(found.target)) and not _is_allowed(module, found, room)
    ]


@pytest.mark.parametrize("module", MODULES, ids=_id)
def test_imports_follow_the_arrows(module: Module) -> None:
    assert not _wrong_imports(module)


@pytest.mark.parametrize(
    ("room", "source", "is_right"),
    [
        ("engine", "from crypto_ws_sync.model.secret import Secret", True),
        ("engine", "from crypto_ws_sync.exchanges.binance import dialect", False),
        ("engine", "import crypto_ws_sync.session", False),
        ("engine", "from crypto_ws_sync import UserWSSession", False),
        ("engine", "from ..exchanges import binance", False),
        ("engine", "from .requests import x", True),
        ("protocol", "from crypto_ws_sync.errors import ConfigError", True),
        ("protocol", "from crypto_ws_sync.signing.signer import Signer", False),
        ("simulator", "from ..signing.verify import verify_hmac", True),
        ("simulator", "from ..signing.keys import load_signer", False),
        ("simulator", "def f():\n    from crypto_ws_sync.protocol import pending", False),
        ("cli", "from crypto_ws_sync.simulator import SimulatedExchange", False),
        ("cli", "def f():\n    from crypto_ws_sync.simulator import SimulatedExchange", True),
        ("cli", "if TYPE_CHECKING:\n    from crypto_ws_sync.simulator import SimulatedExchange", True),
        ("cli", "try:\n    import crypto_ws_sync.simulator\nexcept ImportError:\n    pass", False),
    ],
)
def test_a_wrong_import_would_be_seen(room: str, source: str, is_right: bool) -> None:
    module = Module(f"crypto_ws_sync.{room}.x", room, ast.parse(source), is_package=False)
    assert (_wrong_imports(module) == []) is is_right


def _is_in(module: Module, rooms: tuple[str, ...]) -> bool:
    inner = module.name.removeprefix("crypto_ws_sync.") + "."
    return any(inner.startswith(room + ".") for room in rooms)


@pytest.mark.parametrize("module", [each for each in MODULES if _is_in(each, PURE)], ids=_id)
def test_pure_rooms_know_no_clock_thread_or_socket(module: Module) -> None:
    wrong = [
        f"line {found.line}: {found.target}"
        for found in _imports(module)
        if found.target.split(".")[0] in IMPURE_MODULES
    ]
    assert not wrong


@pytest.mark.parametrize("module", [each for each in MODULES if each.room not in THREADS_IN], ids=_id)
def test_threads_start_and_loops_are_called_behind_the_door_only(module: Module) -> None:
    wrong = []
    for node in ast.walk(module.tree):
        name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
        if name in THREAD_WORDS:
            wrong.append(f"line {getattr(node, 'lineno', 0)}: {name}")
    assert not wrong


def _called(value: ast.expr) -> str:
    if not isinstance(value, ast.Call):
        return ""
    function = value.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _module_names(module: Module) -> Iterator[tuple[str, ast.expr, int]]:
    for node in module.tree.body:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    yield target.id, node.value, node.lineno
        elif isinstance(node, ast.AnnAssign) and node.value is not None and isinstance(node.target, ast.Name):
            yield node.target.id, node.value, node.lineno


def _name_of(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def _changes(module: Module) -> Iterator[tuple[str, int]]:
    """Yield the names whose objects are changed in place, and the lines."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
            yield _name_of(node.value), node.lineno
        elif (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in MUTATORS
        ):
            yield _name_of(node.func.value), node.lineno
        elif isinstance(node, ast.AugAssign):
            yield _name_of(node.target), node.lineno


def _local_names(module: Module) -> set[str]:
    """Return the names that functions bind for themselves."""
    found: set[str] = set()
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        found |= {argument.arg for argument in ast.walk(node) if isinstance(argument, ast.arg)}
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                found.add(inner.id)
    return found


def _changing_state(module: Module) -> list[str]:
    wrong = [f"line {node.lineno}: global" for node in ast.walk(module.tree) if isinstance(node, ast.Global)]
    names = {each.target.rpartition(".")[2] for each in _imports(module) if each.is_on_loading}
    for name, value, line in _module_names(module):
        names.add(name)
        if _called(value) in MUTABLE_KINDS and not getattr(value, "args", None):
            wrong.append(f"line {line}: {name} begins empty, so something must fill it")
    local = _local_names(module)
    wrong += [
        f"line {line}: {name} is changed"
        for name, line in _changes(module)
        if name in names and name not in local
    ]
    return wrong


@pytest.mark.parametrize(
    "module", [each for each in MODULES if not (each.name + ".").startswith(STATE_IN)], ids=_id
)
def test_modules_hold_no_state_that_changes(module: Module) -> None:
    assert not _changing_state(module)


@pytest.mark.parametrize(
    ("source", "is_right"),
    [
        ("TABLE = {'a': 1}", True),
        ("TABLE = {'a': 1}\ndef f():\n    return TABLE['a']", True),
        ("def f():\n    seen = {}\n    seen['a'] = 1", True),
        ("SEEN = {}\ndef f():\n    SEEN['a'] = 1", False),
        ("SEEN = []\ndef f():\n    SEEN.append(1)", False),
        ("SEEN = deque()", False),
        ("LIVE = weakref.WeakSet()", False),
        ("count = 0\ndef f():\n    global count\n    count += 1", False),
        ("from crypto_ws_sync.model.x import TABLE\ndef f():\n    del TABLE['a']", False),
    ],
)
def test_state_that_changes_would_be_seen(source: str, is_right: bool) -> None:
    module = Module("crypto_ws_sync.model.y", "model", ast.parse(source), is_package=False)
    assert (_changing_state(module) == []) is is_right


def test_no_module_is_named_for_being_useful() -> None:
    assert not [module.name for module in MODULES if module.name.rpartition(".")[2] in NO_NAMES]


@pytest.mark.parametrize(
    "path", sorted(TESTS.rglob("*.py")), ids=lambda path: path.relative_to(TESTS).as_posix()
)
def test_tests_wait_for_events_and_always_run(path: Path) -> None:
    """No fixed sleeps, which are too short on a busy machine; no test that is left out."""
    wrong = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Attribute):
            continue
        name = f"{_name_of(node.value)}.{node.attr}"
        if name in {"time.sleep", "pytest.skip", "pytest.xfail", "pytest.importorskip", "mark.skip"}:
            wrong.append(f"line {node.lineno}: {name}")
        elif isinstance(node.value, ast.Attribute) and node.attr in {"skip", "skipif", "xfail"}:
            wrong.append(f"line {node.lineno}: {node.attr}")
    assert not wrong


def test_cases_are_named_the_same_in_every_process(request: pytest.FixtureRequest) -> None:
    """What runs in several processes must be found by its name in each: no address of an object, as in its repr."""
    assert [item.nodeid for item in request.session.items if re.search(r" at 0x[0-9a-f]+", item.nodeid)] == []
