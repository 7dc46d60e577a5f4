"""Whether a value fits a result type, field by field."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

from crypto_ws_sync.exchanges.binance.methods import CATALOGUE, BinanceMethods


def faults(value: Any, wanted: Any, where: str) -> Iterator[str]:
    """Yield what in a value does not fit a type; fields that the type does not name are faults, too."""
    origin = get_origin(wanted)
    if wanted is Any:
        return
    if origin in (Union, UnionType):
        found = [list(faults(value, part, where)) for part in get_args(wanted)]
        if all(found):
            yield from min(found, key=len)
    elif origin is Literal:
        if value not in get_args(wanted):
            yield f"{where}: {value!r} is none of {wanted}"
    elif origin is list:
        if not isinstance(value, list):
            yield f"{where}: {value!r} is no list"
            return
        for place, item in enumerate(value):
            yield from faults(item, get_args(wanted)[0], f"{where}[{place}]")
    elif is_typeddict(wanted):
        yield from _faults_of_object(value, wanted, where)
    elif wanted is None or wanted is NoneType:
        if value is not None:
            yield f"{where}: {value!r} is not null"
    elif origin is dict:
        if not isinstance(value, dict):
            yield f"{where}: {value!r} is no object"
    elif type(value) is not wanted:
        yield f"{where}: {value!r} is no {wanted.__name__}"


def _faults_of_object(value: Any, wanted: Any, where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where}: {value!r} is no object"
        return
    fields = get_type_hints(wanted)
    for name in sorted(wanted.__required_keys__ - value.keys()):
        yield f"{where}: {name} is missing"
    for name, item in value.items():
        if name in fields:
            yield from faults(item, fields[name], f"{where}.{name}")
        else:
            yield f"{where}: {name} is not named in {wanted.__name__}"


def fits(value: Any, wanted: Any) -> bool:
    """Tell whether a value fits, and say why not."""
    found = list(faults(value, wanted, "reply"))
    assert not found, "\n".join(found)
    return True


def result_type(name: str) -> Any:
    """Return the evaluated result type of a typed method."""
    function = getattr(BinanceMethods, CATALOGUE[name].python_name)
    return eval(function.__annotations__["return"], vars(sys.modules[function.__module__]))
