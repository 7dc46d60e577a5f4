"""What is certainly wrong is refused before it is sent; what the exchange may change is left to it."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto_ws_sync.errors import InvalidParameter
from crypto_ws_sync.exchanges.binance.methods import CATALOGUE

DATA = Path(__file__).parents[1] / "data"
DOCUMENTED: dict[str, dict[str, Any]] = {
    entry["method"]: entry for entry in json.loads((DATA / "methods.json").read_text("utf-8"))
}
BY_SESSION = {"apiKey", "timestamp", "signature"}
ORDER = {"symbol": "BTCUSDT", "side": "BUY"}
LIMIT = {**ORDER, "type": "LIMIT", "timeInForce": "GTC", "price": "1", "quantity": "2"}
OTO = {
    "symbol": "BTCUSDT",
    "workingType": "LIMIT",
    "workingSide": "BUY",
    "workingTimeInForce": "GTC",
    "workingPrice": "1",
    "workingQuantity": "2",
    "pendingType": "MARKET",
    "pendingSide": "SELL",
    "pendingQuantity": "2",
}


def check(name: str, params: dict[str, Any]) -> None:
    """Refuse parameters of a method as a session would."""
    known = CATALOGUE[name].check
    if known is not None:
        known(params)


def refused(name: str, params: dict[str, Any]) -> InvalidParameter:
    """Return the error with which the parameters are refused."""
    with pytest.raises(InvalidParameter) as caught:
        check(name, params)
    error = caught.value
    assert error.method == name
    assert error.parameter is not None
    assert str(error).startswith(f"{name}: ")
    assert error.parameter in str(error)
    return error


def value_of(entry: dict[str, Any], name: str) -> Any:
    """Return a value that the documents allow for a parameter."""
    parameter = next(parameter for parameter in entry["params"] if parameter["name"] == name)
    return parameter["enum"][0] if "enum" in parameter else "1"


def least(entry: dict[str, Any]) -> dict[str, Any]:
    """Return the required parameters, with what any constraint asks for."""
    params = {
        parameter["name"]: value_of(entry, parameter["name"])
        for parameter in entry["params"]
        if parameter["required"] is True and parameter["name"] not in BY_SESSION
    }
    for constraint in entry.get("constraints", []):
        for kind in ("at_least_one", "exactly_one"):
            if kind in constraint:
                params[constraint[kind][0]] = "1"
        if "one_of_combinations" in constraint:
            params.update(dict.fromkeys(constraint["one_of_combinations"][0], "1"))
    return params


def completed(entry: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters with all that their order types ask for."""
    params = dict(params)
    for rule in entry.get("required_when", []):
        if all(params.get(name) in values for name, values in rule["when"].items()):
            for name in rule.get("all", []):
                params.setdefault(name, value_of(entry, name))
            for some in rule.get("any", []):
                if not params.keys() & set(some):
                    params[some[0]] = value_of(entry, some[0])
    return params


def type_rules() -> Iterator[tuple[str, dict[str, Any], str, str]]:
    """Yield each documented rule of what an order type needs, type by type."""
    for name, entry in DOCUMENTED.items():
        for rule in entry.get("required_when", []):
            ((kind, types),) = rule["when"].items()
            for value in types:
                yield name, rule, kind, value


TYPE_RULES = list(type_rules())


@pytest.mark.parametrize("name", DOCUMENTED)
def test_the_least_that_is_documented_is_let_through(name: str) -> None:
    entry = DOCUMENTED[name]
    check(name, completed(entry, least(entry)))


@pytest.mark.parametrize("name", DOCUMENTED)
def test_each_required_parameter_is_missed(name: str) -> None:
    entry = DOCUMENTED[name]
    params = completed(entry, least(entry))
    required = [p["name"] for p in entry["params"] if p["required"] is True and p["name"] not in BY_SESSION]
    for missing in required:
        rest = {key: value for key, value in params.items() if key != missing}
        assert refused(name, rest).parameter == missing


@pytest.mark.parametrize(
    ("name", "rule", "kind", "value"), TYPE_RULES, ids=[f"{n}-{k}-{v}" for n, _, k, v in TYPE_RULES]
)
def test_each_order_type_needs_what_is_documented(
    name: str, rule: dict[str, Any], kind: str, value: str
) -> None:
    entry = DOCUMENTED[name]
    params = completed(entry, {**least(entry), kind: value})
    check(name, params)
    for missing in rule.get("all", []):
        rest = {key: kept for key, kept in params.items() if key != missing}
        assert refused(name, rest).parameter == missing
    for some in rule.get("any", []):
        rest = {key: kept for key, kept in params.items() if key not in some}
        error = refused(name, rest)
        assert error.parameter == some[0]
        assert some[1] in str(error)
        for one in some:
            check(name, {**rest, one: "1"})


@pytest.mark.parametrize("name", [name for name, entry in DOCUMENTED.items() if "constraints" in entry])
def test_each_documented_constraint_holds(name: str) -> None:
    entry = DOCUMENTED[name]
    params = completed(entry, least(entry))
    for constraint in entry["constraints"]:
        if "at_least_one" in constraint or "exactly_one" in constraint:
            names = constraint.get("at_least_one") or constraint["exactly_one"]
            bare = {key: value for key, value in params.items() if key not in names}
            assert refused(name, bare).parameter == names[0]
            for one in names:
                check(name, {**bare, one: "1"})
            if "at_least_one" in constraint:
                check(name, {**bare, **dict.fromkeys(names, "1")})
        if "at_most_one" in constraint or "exactly_one" in constraint:
            names = constraint.get("at_most_one") or constraint["exactly_one"]
            bare = {key: value for key, value in params.items() if key not in names}
            for first in names:
                for second in names:
                    if first < second:
                        assert refused(name, {**bare, first: "1", second: "1"}).parameter in (first, second)
        if "excludes" in constraint:
            one, others = constraint["excludes"]
            bare = {key: value for key, value in params.items() if key not in (one, *others)}
            check(
                name, {**bare, **dict.fromkeys(others, "1")} if one != "symbolStatus" else {**bare, one: "1"}
            )
            for other in others:
                assert refused(name, {**bare, one: "1", other: "1"}).parameter == one
        if "together" in constraint:
            for one in constraint["together"]:
                (absent,) = set(constraint["together"]) - {one}
                assert refused(name, {**params, one: "1"}).parameter == absent
            check(name, {**params, **dict.fromkeys(constraint["together"], "1")})
        if "waives" in constraint:
            waives = constraint["waives"]
            for kind in waives["types"]:
                pegged = completed(entry, {**params, "type": kind})
                for waived in waives["waived"]:
                    del pegged[waived]
                    refused(name, pegged)
                check(name, {**pegged, waives["param"]: "PRIMARY_PEG"})
        for combination in constraint.get("one_of_combinations", []):
            check(name, dict.fromkeys(combination, "1"))


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("myPreventedMatches", {"symbol": "A"}),
        ("myPreventedMatches", {"symbol": "A", "fromPreventedMatchId": 1}),
        ("myPreventedMatches", {"symbol": "A", "preventedMatchId": 1, "orderId": 2}),
        ("myAllocations", {"symbol": "A", "startTime": 1, "orderId": 2}),
        ("myAllocations", {"symbol": "A", "fromAllocationId": 1, "endTime": 2}),
    ],
)
def test_other_combinations_are_refused(name: str, params: dict[str, Any]) -> None:
    assert "records can be asked for by" in str(refused(name, params))


@pytest.mark.parametrize("limit", [{}, {"limit": 10}, {"recvWindow": 5000}])
def test_the_length_of_a_page_goes_with_every_combination(limit: dict[str, Any]) -> None:
    check("myPreventedMatches", {"symbol": "A", "orderId": 1, **limit})
    check("myAllocations", {"symbol": "A", "startTime": 1, **limit})


@pytest.mark.parametrize("name", ["order.place", "order.test"])
def test_a_market_order_has_one_amount_and_never_two(name: str) -> None:
    market = {**ORDER, "type": "MARKET"}
    check(name, {**market, "quantity": "1"})
    check(name, {**market, "quoteOrderQty": "1"})
    for amounts in ({}, {"quantity": "1", "quoteOrderQty": "1"}):
        error = refused(name, {**market, **amounts})
        assert error.parameter == "quantity"
        assert "quoteOrderQty" in str(error)


def test_a_pegged_order_of_a_list_needs_no_price() -> None:
    without = {name: value for name, value in OTO.items() if name != "workingPrice"}
    assert refused("orderList.place.oto", without).parameter == "workingPrice"
    check("orderList.place.oto", {**without, "workingPegPriceType": "PRIMARY_PEG"})
    pending = {**OTO, "pendingType": "LIMIT", "pendingTimeInForce": "GTC"}
    assert refused("orderList.place.oto", pending).parameter == "pendingPrice"
    check("orderList.place.oto", {**pending, "pendingPegPriceType": "PRIMARY_PEG"})


def test_offsets_of_pegs_come_whole_in_lists_too() -> None:
    error = refused("orderList.place.oto", {**OTO, "workingPegOffsetType": "PRICE_LEVEL"})
    assert error.parameter == "workingPegOffsetValue"


@pytest.mark.parametrize(
    "more",
    [
        {"type": "ICEBERG_OF_NEXT_YEAR"},
        {"type": 7},
        {"type": ["LIMIT"]},
        {"timeInForce": "GTX"},
        {"side": "SHORT"},
        {"newParameter": "1"},
        {"strategyType": 1},
        {"recvWindow": 99999},
        {"returnRateLimits": False},
        {"apiKey": "key", "timestamp": 1, "signature": "text"},
    ],
)
def test_what_the_exchange_may_change_is_left_to_it(more: dict[str, Any]) -> None:
    check("order.place", {**LIMIT, **more})


def test_the_error_is_a_value_error_that_pickles() -> None:
    error = refused("order.place", ORDER)
    assert isinstance(error, ValueError)
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.method, copy.parameter) == (str(error), "order.place", "type")
    assert str(error) == "order.place: type is needed"
    missing = {name: value for name, value in LIMIT.items() if name != "timeInForce"}
    assert str(refused("order.place", missing)) == "order.place: timeInForce is needed where type is LIMIT"


WIRE_NAMES = sorted({parameter.wire for spec in CATALOGUE.values() for parameter in spec.parameters})
VALUES = ["", "1", "LIMIT", "MARKET", "STOP_LOSS_LIMIT", "no number", 0, -1, 10**40, 2.5, True, [], ["A"], {}]


@given(
    name=st.sampled_from(sorted(CATALOGUE)),
    params=st.dictionaries(st.sampled_from(WIRE_NAMES), st.sampled_from(VALUES), max_size=12),
)
def test_no_parameters_raise_anything_but_our_error(name: str, params: dict[str, Any]) -> None:
    try:
        check(name, params)
    except InvalidParameter as error:
        named = (error.method, error.parameter is not None)
    else:
        named = (name, True)
    assert named == (name, True)
    assert CATALOGUE[name].charge(params).weight >= 1
