"""Rules of the exchange that a request breaks for certain, told before it is sent.

Only what the exchange's documents state is checked. Limits that it may move (allowed values, lengths of
pages, filters of a symbol) are left to it, and so are parameters that are not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from crypto_ws_sync.errors import InvalidParameter
from crypto_ws_sync.protocol.method import Check

__all__ = [
    "Rule",
    "at_least_one",
    "at_most_one",
    "compile_check",
    "exactly_one",
    "excludes",
    "one_of_combinations",
    "order_type_needs",
    "together",
]

Rule: TypeAlias = Callable[[Mapping[str, Any]], tuple[str, str] | None]
"""Wire parameters -> the parameter at fault and the rule in words, or None."""


def _listed(names: Iterable[str], word: str) -> str:
    *most, last = names
    return f"{', '.join(most)} {word} {last}" if most else last


def at_least_one(*names: str) -> Rule:
    """Return the rule that one of these is needed."""
    wanted = frozenset(names)
    fault = (names[0], f"{_listed(names, 'or')} is needed")

    def rule(params: Mapping[str, Any]) -> tuple[str, str] | None:
        return fault if wanted.isdisjoint(params) else None

    return rule


def at_most_one(*names: str) -> Rule:
    """Return the rule that these exclude each other."""
    single = frozenset(names)

    def rule(params: Mapping[str, Any]) -> tuple[str, str] | None:
        if len(single & params.keys()) < 2:
            return None
        given = [name for name in names if name in params]
        return given[1], f"{_listed(given, 'and')} exclude each other: leave out all but one"

    return rule


def exactly_one(*names: str) -> Rule:
    """Return the rule that one of these is needed, and no more than one."""
    least, most = at_least_one(*names), at_most_one(*names)

    def rule(params: Mapping[str, Any]) -> tuple[str, str] | None:
        return least(params) or most(params)

    return rule


def excludes(name: str, *others: str) -> Rule:
    """Return the rule that `name` goes with none of the others."""
    barred = frozenset(others)

    def rule(params: Mapping[str, Any]) -> tuple[str, str] | None:
        if name not in params or barred.isdisjoint(params):
            return None
        given = [other for other in others if other in params]
        return name, f"{name} does not go together with {_listed(given, 'and')}"

    return rule


def together(*names: str) -> Rule:
    """Return the rule that these are sent all, or not at all."""
    group = frozenset(names)

    def rule(params: Mapping[str, Any]) -> tuple[str, str] | None:
        if group.isdisjoint(params) or group <= params.keys():
            return None
        missing = next(name for name in names if name not in params)
        return missing, f"{_listed(names, 'and')} are sent together or not at all"

    return rule


def one_of_combinations(*combinations: str) -> Rule:
    """Return the rule that the parameters which select records come in one of these combinations.

    Args:
        combinations: Wire names with spaces between them; "" stands for none of them.
    """
    allowed = frozenset(frozenset(combination.split()) for combination in combinations)
    selecting = frozenset[str]().union(*allowed)
    text = "; ".join(" + ".join(combination.split()) or "none of them" for combination in combinations)
    order = list(dict.fromkeys(name for combination in combinations for name in combination.split()))

    def rule(params: Mapping[str, Any]) -> tuple[str, str] | None:
        given = selecting & params.keys()
        if given in allowed:
            return None
        at_fault = [name for name in order if name in given] or order
        return at_fault[-1], f"records can be asked for by: {text}"

    return rule


def order_type_needs(prefix: str = "", *, has_quantity: bool = False, only: tuple[str, ...] = ()) -> Rule:
    """Return the rule of what each order type needs beyond what all need.

    A pegged order takes its price from the book, so its own price may be left out.

    Args:
        prefix: Which leg of an order list, such as "above"; "" for a single order.
        has_quantity: The order carries its own quantity, which its type may ask for.
        only: Order types that the rule covers; all by default.
    """

    def wire(name: str) -> str:
        return f"{prefix}{name[0].upper()}{name[1:]}" if prefix else name

    kind, peg, price = wire("type"), wire("pegPriceType"), wire("price")
    priced = frozenset(wire(name) for name in ("timeInForce", "price"))
    amount = frozenset([wire("quantity")] if has_quantity else [])
    trigger = (wire("stopPrice"), wire("trailingDelta"))
    stop, stop_limit = (amount, trigger), (amount | priced, trigger)
    table: dict[str, tuple[frozenset[str], tuple[str, ...]]] = {
        "LIMIT": (amount | priced, ()),
        "LIMIT_MAKER": (amount | {price}, ()),
        "STOP_LOSS": stop,
        "TAKE_PROFIT": stop,
        "STOP_LOSS_LIMIT": stop_limit,
        "TAKE_PROFIT_LIMIT": stop_limit,
    }
    if only:
        table = {name: table[name] for name in only}

    def rule(params: Mapping[str, Any]) -> tuple[str, str] | None:
        value = params.get(kind)
        needs = table.get(value) if isinstance(value, str) else None
        if needs is None:
            return None
        every, some = needs
        if not every <= params.keys():
            for name in sorted(every - params.keys()):
                if name != price or peg not in params:
                    return name, f"{name} is needed where {kind} is {value}"
        if some and some[0] not in params and some[1] not in params:
            return some[0], f"{some[0]} or {some[1]} is needed where {kind} is {value}"
        return None

    return rule


def market_amount(params: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return what is wrong with a MARKET order's amount: it is one of two, and never both."""
    if params.get("type") != "MARKET" or ("quantity" in params) != ("quoteOrderQty" in params):
        return None
    return "quantity", "either quantity or quoteOrderQty is needed where type is MARKET, and not both"


def compile_check(
    method: str, required: Iterable[str], rules: tuple[Rule, ...], waived_by: Mapping[str, str]
) -> Check | None:
    """Return a function that refuses wire parameters which break a rule; None where there is no rule.

    Args:
        method: Wire name of the method, for the error.
        required: Wire names without which every request is refused.
        rules: Further rules.
        waived_by: A required name -> the parameter beside which it may be missing.
    """
    needed = tuple(required)
    all_needed = frozenset(needed)
    if not needed and not rules:
        return None

    def refuse(parameter: str, text: str) -> None:
        raise InvalidParameter(f"{method}: {text}", method=method, parameter=parameter)

    def check(params: Mapping[str, Any]) -> None:
        if not all_needed <= params.keys():
            for name in needed:
                if name not in params and waived_by.get(name) not in params:
                    refuse(name, f"{name} is needed")
        for rule in rules:
            fault = rule(params)
            if fault is not None:
                refuse(*fault)

    return check
