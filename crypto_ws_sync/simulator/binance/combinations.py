"""Which parameters go together, need each other, or exclude each other; compiled from methods.json."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .refusals import Refusal, missing, missing_either, not_needed

__all__ = ["Rule", "compile_rules", "is_pegged"]

Rule = Callable[[Mapping[str, Any]], None]
"""Raises a Refusal where the arguments break it."""

_PRICED = frozenset({"LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"})
_TIMED = frozenset({"LIMIT", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"})
_TRIGGERED = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"})


def compile_rules(entry: Mapping[str, Any]) -> tuple[Rule, ...]:
    """The rules of one method, in the order in which they are checked."""
    rules: list[Rule] = []
    waived: Mapping[str, Any] = {}
    for constraint in entry.get("constraints", ()):
        if "waives" in constraint:
            waived = constraint["waives"]
        else:
            rules.append(_constraint(constraint))
    conditions: dict[str, dict[str, Rule]] = {}
    for condition in entry.get("required_when", ()):
        ((name, values),) = condition["when"].items()
        for value in values:
            conditions.setdefault(name, {})[value] = _required(condition, waived)
    rules.extend(_required_by(name, cases) for name, cases in conditions.items())
    names = {param["name"] for param in entry["params"]}
    if {"side", "type", "quantity"} <= names:
        rules.append(_fits_order_type)
    return tuple(rules)


def is_pegged(name: str, arguments: Mapping[str, Any]) -> bool:
    """Whether a price may be left out because the book is to give it: the price of a leg with a peg."""
    return name.endswith("Price") and f"{name[:-5]}PegPriceType" in arguments


def _bad_combination() -> Refusal:
    return Refusal(400, -1128, "Combination of optional parameters invalid.")


def _constraint(constraint: Mapping[str, Any]) -> Rule:
    if "at_least_one" in constraint:
        return _at_least_one(constraint["at_least_one"])
    if "exactly_one" in constraint:
        return _exactly_one(constraint["exactly_one"])
    if "at_most_one" in constraint:
        return _at_most_one(constraint["at_most_one"])
    if "excludes" in constraint:
        return _excludes(*constraint["excludes"])
    if "together" in constraint:
        return _together(constraint["together"])
    return _one_of(constraint["one_of_combinations"])


def _at_least_one(names: Sequence[str]) -> Rule:
    first, second = names

    def check(arguments: Mapping[str, Any]) -> None:
        if first not in arguments and second not in arguments:
            raise missing_either(first, second)

    return check


def _exactly_one(names: Sequence[str]) -> Rule:
    first, second = names

    def check(arguments: Mapping[str, Any]) -> None:
        if first in arguments and second in arguments:
            raise _bad_combination()
        if first not in arguments and second not in arguments:
            raise missing_either(first, second)

    return check


def _at_most_one(names: Sequence[str]) -> Rule:
    def check(arguments: Mapping[str, Any]) -> None:
        if sum(name in arguments for name in names) > 1:
            raise _bad_combination()

    return check


def _excludes(name: str, others: Sequence[str]) -> Rule:
    def check(arguments: Mapping[str, Any]) -> None:
        if name in arguments and any(other in arguments for other in others):
            raise _bad_combination()

    return check


def _together(names: Sequence[str]) -> Rule:
    def check(arguments: Mapping[str, Any]) -> None:
        if 0 < sum(name in arguments for name in names) < len(names):
            text = ", ".join(f"'{name}'" for name in names)
            raise Refusal(400, -1128, f"Fields [{text}] must be sent together or omitted entirely.")

    return check


def _one_of(combinations: Sequence[Sequence[str]]) -> Rule:
    names = frozenset(name for combination in combinations for name in combination)
    allowed = frozenset(frozenset(combination) for combination in combinations)
    ignores_limit = "limit" not in names

    def check(arguments: Mapping[str, Any]) -> None:
        given = frozenset(arguments) & names
        if given not in allowed and (ignores_limit or given - {"limit"} not in allowed):
            raise _bad_combination()

    return check


def _required_by(name: str, cases: Mapping[str, Rule]) -> Rule:
    def check(arguments: Mapping[str, Any]) -> None:
        rule = cases.get(arguments.get(name, ""))
        if rule is not None:
            rule(arguments)

    return check


def _required(condition: Mapping[str, Any], waived: Mapping[str, Any]) -> Rule:
    needed: Sequence[str] = condition.get("all", ())
    choices: Sequence[Sequence[str]] = condition.get("any", ())
    waiver, may_lack = waived.get("param"), frozenset(waived.get("waived", ()))

    def check(arguments: Mapping[str, Any]) -> None:
        for each in needed:
            is_waived = each in may_lack and waiver in arguments
            if each not in arguments and not is_waived and not is_pegged(each, arguments):
                raise missing(each)
        for first, second in choices:
            if first not in arguments and second not in arguments:
                raise missing_either(first, second)

    return check


def _fits_order_type(arguments: Mapping[str, Any]) -> None:
    """Refuse what the order type has no use for."""
    kind = arguments["type"]
    if "price" in arguments and kind not in _PRICED:
        raise not_needed("price")
    if "timeInForce" in arguments and kind not in _TIMED:
        raise Refusal(400, -1114, "TimeInForce parameter sent when not required.")
    if kind not in _TRIGGERED:
        if "stopPrice" in arguments:
            raise not_needed("stopPrice")
        if "trailingDelta" in arguments:
            raise not_needed("trailingDelta")
    if "quoteOrderQty" in arguments:
        if kind != "MARKET":
            raise not_needed("quoteOrderQty")
        if "quantity" in arguments:
            raise _bad_combination()
    if "icebergQty" in arguments:
        if kind not in _PRICED:
            raise not_needed("icebergQty")
        if arguments.get("timeInForce", "GTC") != "GTC":
            raise Refusal(400, -1106, "Parameter 'icebergQty' sent when not required.")
    if arguments.get("strategyType", 1_000_000) < 1_000_000:
        raise Refusal(400, -1134, "strategyType was less than 1000000.")
