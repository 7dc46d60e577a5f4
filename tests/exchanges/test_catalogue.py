"""The catalogue against the exchange's documents, in both directions."""

from __future__ import annotations

import inspect
import itertools
import json
import pydoc
import re
from pathlib import Path
from typing import Any

import pytest

from crypto_ws_sync.exchanges.binance.methods import CATALOGUE, GROUPS, BinanceMethods
from crypto_ws_sync.exchanges.binance.methods.catalogue import known_values, wire_name
from crypto_ws_sync.protocol.method import Kind, MethodSpec, Security

DATA = Path(__file__).parents[1] / "data"
DOCUMENTED: dict[str, dict[str, Any]] = {
    entry["method"]: entry for entry in json.loads((DATA / "methods.json").read_text("utf-8"))
}
BY_SESSION = {"apiKey", "timestamp", "signature"}
"""Parameters that the session supplies itself."""

METHODS = pytest.mark.parametrize("name", DOCUMENTED)


def written(name: str) -> tuple[MethodSpec, Any, dict[str, Any]]:
    """Return the spec, the typed method and the documents' entry of a method."""
    spec = CATALOGUE[name]
    return spec, getattr(BinanceMethods, spec.python_name), DOCUMENTED[name]


def python_name(name: str) -> str:
    """Return the name that a typed method must have: `order.cancelReplace` -> `order_cancel_replace`."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name.replace(".", "_")).lower()


def documented_weight(rule: Any, params: dict[str, Any]) -> Any:
    """Evaluate a weight rule as the documents describe it, independently of the catalogue."""
    if isinstance(rule, int):
        return rule
    if rule["by"] == "limit":
        limit = params.get("limit", rule["default"])
        return next(weight for top, weight in rule["steps"] if limit <= top)
    if rule["by"] == "symbols":
        if "symbol" in params:
            return rule["symbol"]
        if "symbols" not in params:
            return rule["none"]
        number = len(params["symbols"])
        for top, weight in rule.get("steps", []):
            if number <= top:
                return weight
        return min(rule["per"] * number, rule["cap"]) if "per" in rule else rule["over"]
    for case in rule["cases"]:
        if case["param"] in params and ("equals" not in case or params[case["param"]] == case["equals"]):
            return case["weight"]
    return rule["else"]


def weight_samples(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """Return parameters that reach every part of the entry's weight rule."""
    rule = entry["weight"]
    if isinstance(rule, int):
        return [{}, {"symbol": "BTCUSDT", "limit": 1000}]
    if rule["by"] == "limit":
        return [{}, *({"limit": top + more} for top, _ in rule["steps"] for more in (-1, 0))] + [
            {"limit": top + 1} for top, _ in rule["steps"][:-1]
        ]
    if rule["by"] == "symbols":
        names = [parameter["name"] for parameter in entry["params"]]
        samples: list[dict[str, Any]] = [{"symbol": "BTCUSDT"}]
        if "none" in rule:
            samples.append({})
        if "symbols" in names:
            samples += [
                {"symbols": ["A"] * number} for number in (1, 2, 19, 20, 21, 50, 51, 99, 100, 101, 300)
            ]
        return samples
    chosen = [case["param"] for case in rule["cases"]]
    return [
        {name: value for name, value in zip(chosen, values, strict=True) if value is not None}
        for values in itertools.product((None, True, False, 7), repeat=len(chosen))
    ]


def test_every_documented_method_is_written_and_no_other() -> None:
    assert set(CATALOGUE) == set(DOCUMENTED)
    assert len(DOCUMENTED) == 55


def test_every_group_holds_the_methods_of_its_section() -> None:
    sections: dict[str, list[str]] = {}
    for name, entry in DOCUMENTED.items():
        sections.setdefault(entry["section"], []).append(name)
    for group in GROUPS:
        section = group.__module__.rpartition(".")[2]
        found = [value.__dict__["spec"].name for value in vars(group).values() if hasattr(value, "spec")]
        assert sorted(found) == sorted(sections.pop(section))
    assert not sections


def test_the_catalogue_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        CATALOGUE["order.place"] = CATALOGUE["ping"]  # type: ignore[index]  # what the test is about


@METHODS
def test_names_follow_the_rule(name: str) -> None:
    spec, function, _ = written(name)
    assert spec.name == name
    assert spec.python_name == function.__name__ == python_name(name)
    assert all(wire_name(parameter.name) == parameter.wire for parameter in spec.parameters)
    assert spec.names == tuple((parameter.name, parameter.wire) for parameter in spec.parameters)


@METHODS
def test_parameters_are_the_documented_ones(name: str) -> None:
    spec, _, entry = written(name)
    documented = {
        parameter["name"]: parameter["required"] is True
        for parameter in entry["params"]
        if parameter["name"] not in BY_SESSION
    }
    assert {parameter.wire: parameter.is_required for parameter in spec.parameters} == documented


@METHODS
def test_parameters_have_the_documented_types(name: str) -> None:
    spec, _, entry = written(name)
    kinds = {parameter["name"]: parameter["type"] for parameter in entry["params"]}
    whole = {"int", "Time"}
    for parameter in spec.parameters:
        kind, words = kinds[parameter.wire], set(re.findall(r"\w+", parameter.annotation)) - {"None"}
        if kind == "BOOLEAN":
            assert words == {"bool"}
        elif kind == "DECIMAL":
            assert words == ({"int"} if parameter.name.endswith("trailing_delta") else {"Number"})
        elif kind in ("INT", "LONG"):
            assert words <= whole or parameter.name.endswith("iceberg_qty")
        elif kind == "STRING":
            assert words == {"Names"} if parameter.wire == "symbols" else {"str"}
        elif kind == "ARRAY of STRING":
            assert "Names" in words
        else:
            assert kind == "ENUM"
            assert parameter.wire in known_values(written(name)[1])


@METHODS
def test_known_values_are_the_documented_ones(name: str) -> None:
    _, function, entry = written(name)
    documented = {
        parameter["name"]: set(parameter["enum"]) for parameter in entry["params"] if "enum" in parameter
    }
    found = {wire: set(values) for wire, values in known_values(function).items() if wire != "permissions"}
    assert found == documented


@METHODS
def test_weight_is_the_documented_one(name: str) -> None:
    spec, _, entry = written(name)
    for params in weight_samples(entry):
        assert spec.charge(params).weight == documented_weight(entry["weight"], params), params


@METHODS
def test_weight_on_success_is_the_documented_one(name: str) -> None:
    spec, _, entry = written(name)
    documented = entry.get("weight_on_success")
    if isinstance(documented, dict):
        # It depends on the answer, so what is set aside is the full weight; the answer's count corrects it.
        assert documented["else"] == entry["weight"]
        documented = None
    assert spec.weight_on_success == documented


@METHODS
def test_charges_signing_and_marks_are_the_documented_ones(name: str) -> None:
    spec, _, entry = written(name)
    assert spec.orders == spec.charge({}).orders == entry["unfilled_order_count"]
    assert spec.security is Security(entry["security"])
    assert spec.is_signed is entry["signed"]
    assert spec.is_always_signed is entry["always_signed"]
    assert spec.needs_log_on is entry["requires_session"]
    assert spec.is_deprecated is entry["deprecated"]
    assert spec.is_known


@METHODS
def test_kind_says_what_repeating_does(name: str) -> None:
    spec, _, entry = written(name)
    if entry["places_order"] or not entry["idempotent"]:
        assert spec.kind is Kind.WRITE
    if spec.kind is Kind.WRITE:
        assert entry["data_source"] == "Matching Engine"
        assert spec.settles_by is not None
        assert CATALOGUE[spec.settles_by].kind is Kind.READ
    else:
        assert entry["data_source"] != "Matching Engine"
        assert entry["idempotent"]
        assert spec.settles_by is None
    if spec.kind is Kind.CONNECTION:
        assert entry["section"] in ("authentication", "user_data_stream")


@METHODS
def test_history_is_the_documented_one(name: str) -> None:
    spec, _, entry = written(name)
    documented = entry["history"]
    if documented is None:
        assert spec.history is None
        return
    rule = spec.history
    assert rule is not None
    assert (rule.id_param, rule.id_field) == (documented["id_param"], documented["id_field"])
    assert rule.has_times is (documented["time_params"] is not None)
    assert documented["time_params"] in (None, ["startTime", "endTime"])
    assert rule.time_field == documented["time_field"]
    assert rule.max_window_ms == documented["max_window_ms"]
    assert (rule.page_param, rule.page_default, rule.page_max) == (
        documented["page_param"],
        documented["page_default"],
        documented["page_max"],
    )
    assert documented["order"] == "asc"
    names = {parameter.wire for parameter in spec.parameters}
    assert {rule.id_param or "limit", rule.page_param, *rule.id_needs} <= names


@METHODS
def test_signatures_are_keyword_only_with_a_timeout(name: str) -> None:
    spec, function, _ = written(name)
    signature = inspect.signature(function)
    this, *parameters = signature.parameters.values()
    assert this.name == "self"
    assert all(parameter.kind is inspect.Parameter.KEYWORD_ONLY for parameter in parameters)
    assert [parameter.name for parameter in parameters] == [p.name for p in spec.parameters] + ["timeout"]
    assert parameters[-1].default is None
    assert parameters[-1].annotation == "float | None"
    for parameter, known in zip(parameters, spec.parameters, strict=False):
        assert (parameter.default is inspect.Parameter.empty) is known.is_required
        assert parameter.default in (inspect.Parameter.empty, None)
    assert signature.return_annotation not in (inspect.Signature.empty, "Any")


@METHODS
def test_help_explains_every_parameter(name: str) -> None:
    _, function, _ = written(name)
    text = pydoc.plain(pydoc.render_doc(function))
    documentation = inspect.getdoc(function) or ""
    assert documentation.splitlines()[0].endswith(".")
    assert f"'{name}'" in documentation
    assert "Cost: " in documentation
    assert "Raises:" in documentation
    arguments = documentation.partition("Args:")[2].partition("Raises:")[0]
    explained = re.findall(r"^    (\w+): ", arguments, re.MULTILINE)
    assert explained == [p for p in inspect.signature(function).parameters if p != "self"]
    assert documentation.splitlines()[0] in text


def test_deprecated_methods_say_so() -> None:
    for spec in CATALOGUE.values():
        documentation = inspect.getdoc(getattr(BinanceMethods, spec.python_name)) or ""
        assert ("Deprecated" in documentation) is spec.is_deprecated


def test_weight_rules_describe_themselves() -> None:
    assert (
        str(CATALOGUE["depth"].weight) == "by limit: up to 100 5, up to 500 25, up to 1000 50, up to 5000 250"
    )
    assert str(CATALOGUE["ticker"].weight) == "symbol 4; 4 a symbol, at most 200"
    assert str(CATALOGUE["ticker.price"].weight) == "symbol 2; symbols 4; neither 4"
    assert str(CATALOGUE["myTrades"].weight) == "with orderId 5; else 20"


@pytest.mark.parametrize(
    ("name", "params", "weight"),
    [
        ("depth", {"limit": 6000}, 250),
        ("depth", {"limit": "500"}, 25),
        ("depth", {"limit": "many"}, 250),
        ("ticker.24hr", {"symbols": '["BTCUSDT","BNBBTC"]'}, 2),
        ("ticker.24hr", {"symbols": 7}, 80),
        ("ticker", {"symbols": 7}, 200),
        ("ticker", {}, 200),
        ("order.test", {"computeCommissionRates": "true"}, 20),
        ("order.test", {"computeCommissionRates": False}, 1),
    ],
)
def test_weights_of_odd_parameters_are_never_too_low(name: str, params: dict[str, Any], weight: int) -> None:
    assert CATALOGUE[name].charge(params).weight == weight
