"""The decorator that makes a written-out method an entry of the catalogue.

Wire name, security and cost stand in the decorator; parameters, their names and which of them are required
are read off the signature; so each fact stands once.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Literal, TypeAlias, TypeVar, get_args, get_origin

from crypto_ws_sync.exchanges.binance.methods.rules import Rule, compile_check
from crypto_ws_sync.protocol.method import Check, HistoryRule, Kind, MethodSpec, Parameter, Security, Weight

__all__ = ["Names", "Time", "TypedCalls", "known_values", "method", "specs_of", "wire_name"]

Time: TypeAlias = int | datetime
"""A moment: milliseconds or microseconds since 1970, UTC, or an aware datetime."""

Names: TypeAlias = list[str] | tuple[str, ...]
"""Several symbols or permissions. (Not any sequence of text: a text is one itself.)"""

_Result = TypeVar("_Result")
_Function = TypeVar("_Function", bound=Callable[..., Any])


def wire_name(name: str) -> str:
    """Return the exchange's spelling of a parameter: "time_in_force" -> "timeInForce"."""
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def method(
    name: str,
    *,
    weight: Weight,
    security: Security = Security.NONE,
    weight_on_success: Weight | None = None,
    orders: int = 0,
    kind: Kind = Kind.READ,
    settles_by: str | None = None,
    rules: tuple[Rule, ...] = (),
    waived_by: Mapping[str, str] | None = None,
    history: HistoryRule | None = None,
    is_always_signed: bool = False,
    needs_log_on: bool = False,
    is_deprecated: bool = False,
) -> Callable[[_Function], _Function]:
    """Return a decorator that attaches a `MethodSpec` to a method and leaves the method as it is.

    Args:
        name: Name on the wire.
        weight: Number or rule; what a request costs, for writes if it fails.
        security: What the exchange asks for; all but NONE are signed, save what a log-on stands for.
        weight_on_success: What a write costs if it succeeds, where that differs.
        orders: Unfilled orders that it adds.
        kind: Read, write, or a change of the connection's own state.
        settles_by: Wire name of the method that tells a lost answer's outcome.
        rules: What is certainly wrong, beyond a missing required parameter.
        waived_by: A required parameter's wire name -> the one beside which it may be missing.
        history: How its history is paged.
        is_always_signed: Key and signature go with it on a logged-on connection, too.
        needs_log_on: The logged-on connection stands for key and signature.
        is_deprecated: The exchange may withdraw it.
    """

    def attach(function: _Function) -> _Function:
        vars(function)["spec"] = MethodSpec(
            name=name,
            security=security,
            is_signed=security is not Security.NONE and not needs_log_on,
            is_always_signed=is_always_signed,
            weight=weight,
            weight_on_success=weight_on_success,
            orders=orders,
            kind=kind,
            settles_by=settles_by,
            is_deprecated=is_deprecated,
            needs_log_on=needs_log_on,
            history=history,
            python_name=function.__name__,
            read=partial(_read, function, name, rules, waived_by or {}),
        )
        return function

    return attach


def _read(
    function: Callable[..., Any], name: str, rules: tuple[Rule, ...], waived_by: Mapping[str, str]
) -> tuple[tuple[Parameter, ...], Check | None]:
    """Return what a method's signature tells of its parameters, and their check."""
    code = function.__code__
    keywords = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    defaults = function.__kwdefaults__ or {}
    parameters = tuple(
        Parameter(word, wire_name(word), word not in defaults, function.__annotations__[word])
        for word in keywords
        if word != "timeout"
    )
    required = (parameter.wire for parameter in parameters if parameter.is_required)
    return parameters, compile_check(name, required, rules, waived_by)


def specs_of(group: type[TypedCalls]) -> tuple[MethodSpec, ...]:
    """Return the specs of the methods written out in a class, in their order."""
    found = (vars(member).get("spec") for member in vars(group).values() if callable(member))
    return tuple(spec for spec in found if isinstance(spec, MethodSpec))


def known_values(function: Callable[..., Any]) -> dict[str, tuple[str, ...]]:
    """Return the values that a typed method's parameters are known to take, by wire name.

    The exchange may take more, and may have taken some away. (Not part of a spec, since evaluating the
    annotations of all methods would slow every import.)
    """
    spec: MethodSpec = vars(function)["spec"]
    names = vars(sys.modules[function.__module__])
    values: dict[str, tuple[str, ...]] = {}
    for parameter in spec.parameters:
        literal = _literal_values(eval(parameter.annotation, names))
        if literal:
            values[parameter.wire] = literal
    return values


def _literal_values(annotation: Any) -> tuple[str, ...]:
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return tuple(value for part in get_args(annotation) for value in _literal_values(part))


class TypedCalls(ABC):
    """What the groups of written-out methods share: the way from arguments to a request."""

    __slots__ = ()

    @abstractmethod
    def _call_typed(self, spec: MethodSpec, params: dict[str, Any], timeout: float | None) -> Any:
        """Return the result of one request.

        Args:
            spec: The method's facts.
            params: The exchange's names; None left out, values as the caller gave them.
            timeout: Seconds; the session's where it is None.
        """

    def _ask(self, function: Callable[..., _Result], given: Mapping[str, Any]) -> _Result:
        """Return the result of a typed method.

        Args:
            function: The method itself, for its spec and its result's type.
            given: Its arguments by name, as `locals()` has them.
        """
        spec: MethodSpec = vars(function)["spec"]
        params = {wire: value for name, wire in spec.names if (value := given[name]) is not None}
        result: _Result = self._call_typed(spec, params, given["timeout"])
        return result
