"""Small wrong changes of a module's syntax tree, one at a time: what `mutants` has the tests notice."""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["Mutant", "mutants"]

OTHERS: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Mult,),
    ast.Mod: (ast.Mult,),
    ast.Pow: (ast.Mult,),
    ast.LShift: (ast.RShift,),
    ast.RShift: (ast.LShift,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
    ast.BitXor: (ast.BitAnd,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
}
OTHER_FUNCTIONS = {"min": "max", "max": "min", "any": "all", "all": "any"}
LEFT_OUT = (ast.Expr, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Raise, ast.Assert, ast.Delete)
PLAIN_NAMES = {"__all__", "__slots__"}
FOR_TYPES = {"TypeVar", "ParamSpec", "NewType"}
UNREAD = {"annotation", "returns", "decorator_list", "bases", "msg", "type_params"}
"""Fields of a syntax tree that are left as they are."""


@dataclass(frozen=True)
class Mutant:
    """One change: where it is and what it does, in the words by which it is found again."""

    line: int
    name: str


@dataclass(frozen=True)
class _Place:
    """Where a node hangs in the tree, and what it is part of."""

    owner: ast.AST
    field: str
    index: int | None
    function: str
    statement: ast.stmt

    def put(self, node: ast.AST) -> None:
        if self.index is None:
            setattr(self.owner, self.field, node)
        else:
            getattr(self.owner, self.field)[self.index] = node


def _name_of(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _is_read_by_tools_only(node: ast.AST) -> bool:
    """Tell whether nothing in here is ever computed with: docstrings, types, exported names, messages' texts."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.If):
        return _name_of(node.test) == "TYPE_CHECKING"
    if isinstance(node, ast.AnnAssign):
        return node.value is None or _name_of(node.annotation) == "TypeAlias"
    if isinstance(node, ast.Assign):
        is_type = isinstance(node.value, ast.Call) and _name_of(node.value.func) in FOR_TYPES
        return is_type or any(_name_of(target) in PLAIN_NAMES for target in node.targets)
    return isinstance(node, ast.Import | ast.ImportFrom | ast.expr_context)


def _places(owner: ast.AST, function: str, statement: ast.stmt | None) -> Iterator[tuple[_Place, ast.AST]]:
    """Yield every node that may be changed, with its place."""
    for field, value in ast.iter_fields(owner):
        if field in UNREAD or (
            isinstance(owner, ast.JoinedStr | ast.FormattedValue) and field == "format_spec"
        ):
            continue
        for index, node in enumerate(value) if isinstance(value, list) else ((None, value),):
            if not isinstance(node, ast.AST) or _is_read_by_tools_only(node):
                continue
            inner, within = function, statement
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                inner = f"{function}.{node.name}".lstrip(".")
            if isinstance(node, ast.stmt):
                within = node
            if within is not None and not (
                isinstance(owner, ast.JoinedStr) and isinstance(node, ast.Constant)
            ):
                yield _Place(owner, field, index, inner, within), node
            yield from _places(node, inner, within)


def _with(node: Any, **fields: Any) -> Any:
    changed = copy.copy(node)
    for field, value in fields.items():
        setattr(changed, field, value)
    return changed


def _constants(value: object) -> Iterator[ast.AST]:
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int):
        yield ast.Constant(value + 1)
    elif isinstance(value, float):
        yield ast.Constant(value * 2 or 1.0)
    elif isinstance(value, str) and " " not in value:  # what has spaces is a sentence for people
        yield ast.Constant(value + "?")
    elif isinstance(value, bytes):
        yield ast.Constant(value + b"?")


def _expressions(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what may stand instead of an expression."""
    if isinstance(node, ast.Constant):
        yield from _constants(node.value)
    elif isinstance(node, ast.Compare):
        for index, op in enumerate(node.ops):
            for other in OTHERS[type(op)]:
                yield _with(node, ops=[*node.ops[:index], other(), *node.ops[index + 1 :]])
    elif isinstance(node, ast.BinOp | ast.BoolOp):
        for other in OTHERS.get(type(node.op), ()):
            yield _with(node, op=other())
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        yield node.operand
    elif (
        isinstance(node, ast.Call)
        and _name_of(node.func) in OTHER_FUNCTIONS
        and isinstance(node.func, ast.Name)
    ):
        yield _with(node, func=ast.Name(OTHER_FUNCTIONS[node.func.id], ast.Load()))
    elif isinstance(node, ast.Set):
        for index in range(len(node.elts)):
            left = node.elts[:index] + node.elts[index + 1 :]
            yield ast.Set(left or [ast.Starred(ast.Tuple([], ast.Load()), ast.Load())])


def _statements(place: _Place, node: ast.AST) -> Iterator[ast.AST]:
    """Yield what may stand instead of a statement."""
    if isinstance(node, ast.Break):
        yield from (ast.Continue(), ast.Pass())
    elif isinstance(node, ast.Continue):
        yield from (ast.Break(), ast.Pass())
    elif isinstance(node, ast.Return):
        if node.value is None:
            yield ast.Pass()
        elif not (isinstance(node.value, ast.Constant) and node.value.value is None):
            yield ast.Return(ast.Constant(None))
    elif isinstance(node, LEFT_OUT) and not isinstance(place.owner, ast.Module | ast.ClassDef):
        yield ast.Pass()
    if isinstance(node, ast.AugAssign):
        for other in OTHERS.get(type(node.op), ()):
            yield _with(node, op=other())


def _conditions(place: _Place, node: ast.AST) -> Iterator[ast.AST]:
    """Yield a condition turned round, where nothing else in it can be changed."""
    if place.field not in {"test", "ifs"} or not isinstance(node, ast.expr):
        return
    if not isinstance(node, ast.Compare | ast.BoolOp | ast.UnaryOp | ast.Constant):
        yield ast.UnaryOp(ast.Not(), node)


def _line(statement: ast.stmt) -> str:
    """Return a statement in one line, without what stands inside of it."""
    bare: Any = copy.copy(statement)
    if hasattr(bare, "body"):
        bare.body = [ast.Pass()]
        for field in ("orelse", "finalbody", "handlers", "decorator_list"):
            if hasattr(bare, field):
                setattr(bare, field, [])
    if isinstance(bare, ast.Pass):
        return "nothing"
    if isinstance(bare, ast.FunctionDef | ast.AsyncFunctionDef):
        return f"({ast.unparse(bare.args)})"
    return " ".join(ast.unparse(bare).removesuffix("pass").rstrip(" :\n").split())


def mutants(tree: ast.Module) -> Iterator[Mutant]:
    """Change the tree in one place after the other; each change is undone when the next is asked for."""
    seen: Counter[str] = Counter()
    for place, node in list(_places(tree, "", None)):
        others = [*_expressions(node), *_statements(place, node), *_conditions(place, node)]
        before = _line(place.statement)
        for other in others:
            ast.fix_missing_locations(ast.copy_location(other, node))
            place.put(other)
            is_whole = node is place.statement
            after = _line(other if is_whole else place.statement)  # type: ignore[arg-type]  # whole: a statement
            name = f"{place.function or 'module'}: {before} -> {after}"
            seen[name] += 1
            nth = f" ({seen[name]})" if seen[name] > 1 else ""
            try:
                yield Mutant(getattr(node, "lineno", place.statement.lineno), name + nth)
            finally:
                place.put(node)
