"""From the arguments of a typed method to the request that it makes."""

from __future__ import annotations

import inspect
import json
from decimal import Decimal
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from crypto_ws_sync.errors import InvalidParameter
from crypto_ws_sync.exchanges.binance import replies
from crypto_ws_sync.exchanges.binance.methods import CATALOGUE, BinanceMethods
from crypto_ws_sync.model.numbers import render
from crypto_ws_sync.protocol.method import MethodSpec

SAMPLES = Path(__file__).parents[1] / "data" / "samples"
BY_SESSION = {"apiKey", "timestamp", "signature"}


class Recorder(BinanceMethods):
    """Remembers the last request instead of sending it.

    Owner: caller thread.
    """

    def __init__(self) -> None:
        self.spec: MethodSpec | None = None
        self.params: dict[str, Any] = {}
        self.timeout: float | None = None

    def _call_typed(self, spec: MethodSpec, params: dict[str, Any], timeout: float | None) -> Any:
        self.spec, self.params, self.timeout = spec, params, timeout
        return {"from": spec.name}


def documented_requests() -> dict[str, dict[str, Any]]:
    """Return the documents' sample requests by method."""
    requests = {}
    for name in CATALOGUE:
        sample = json.loads((SAMPLES / f"{name}.json").read_text("utf-8"))
        assert sample["request"]["method"] == name
        requests[name] = sample["request"].get("params") or {}
    return requests


REQUESTS = documented_requests()


def required_arguments(spec: MethodSpec) -> dict[str, Any]:
    """Return an argument for each required parameter."""
    return {parameter.name: "1" for parameter in spec.parameters if parameter.is_required}


def is_number(value: Any) -> bool:
    """Tell whether a value stands for a number, as a JSON number or as text."""
    if isinstance(value, bool):
        return False
    if isinstance(value, int | float):
        return True
    return isinstance(value, str) and value.replace(".", "", 1).isdigit()


@pytest.mark.parametrize("name", REQUESTS)
def test_each_documented_request_can_be_made(name: str) -> None:
    documented = {wire: value for wire, value in REQUESTS[name].items() if wire not in BY_SESSION}
    spec = CATALOGUE[name]
    words = {parameter.wire: parameter.name for parameter in spec.parameters}
    recorder = Recorder()
    arguments = {words[wire]: value for wire, value in documented.items()}

    assert getattr(recorder, spec.python_name)(**arguments) == {"from": name}

    if spec.check is not None:
        spec.check(recorder.params)
    sent = {wire: render(value) for wire, value in recorder.params.items()}
    assert sent.keys() == documented.keys()
    for wire, value in documented.items():
        if is_number(value):
            assert Decimal(str(sent[wire])) == Decimal(str(value))
        else:
            assert sent[wire] == value


@pytest.mark.parametrize("name", CATALOGUE)
def test_each_method_asks_for_itself(name: str) -> None:
    spec, recorder = CATALOGUE[name], Recorder()
    function = getattr(recorder, spec.python_name)
    function(**required_arguments(spec), timeout=2.5)
    assert recorder.spec is spec
    assert recorder.params == dict.fromkeys((p.wire for p in spec.parameters if p.is_required), "1")
    assert recorder.timeout == 2.5


@pytest.mark.parametrize("name", CATALOGUE)
def test_each_argument_goes_out_under_its_wire_name(name: str) -> None:
    spec, recorder = CATALOGUE[name], Recorder()
    arguments = {parameter.name: f"value of {parameter.wire}" for parameter in spec.parameters}
    getattr(recorder, spec.python_name)(**arguments)
    assert recorder.params == {p.wire: f"value of {p.wire}" for p in spec.parameters}
    assert recorder.timeout is None


@pytest.mark.parametrize("name", CATALOGUE)
def test_none_is_left_out(name: str) -> None:
    spec, recorder = CATALOGUE[name], Recorder()
    arguments = {parameter.name: None for parameter in spec.parameters}
    getattr(recorder, spec.python_name)(**arguments)
    assert recorder.params == {}


def test_false_and_zero_are_sent() -> None:
    recorder = Recorder()
    recorder.exchange_info(symbol="", show_permission_sets=False)
    assert recorder.params == {"symbol": "", "showPermissionSets": False}
    recorder.trades_historical(symbol="BTCUSDT", from_id=0)
    assert recorder.params == {"symbol": "BTCUSDT", "fromId": 0}


def test_a_required_argument_given_as_none_is_refused_by_the_check() -> None:
    recorder = Recorder()
    recorder.depth(symbol=None)  # type: ignore[arg-type]  # what the test is about
    assert recorder.spec is not None
    assert recorder.spec.check is not None
    with pytest.raises(InvalidParameter, match="symbol is needed"):
        recorder.spec.check(recorder.params)


def test_wrong_arguments_are_refused_by_python() -> None:
    recorder = Recorder()
    with pytest.raises(TypeError, match="symbol"):
        recorder.depth()  # type: ignore[call-arg]  # what the test is about
    with pytest.raises(TypeError, match="symbols"):
        recorder.depth(symbol="BTCUSDT", symbols="BTCUSDT")  # type: ignore[call-arg]  # the same
    with pytest.raises(TypeError, match="positional"):
        recorder.depth("BTCUSDT")  # type: ignore[call-arg]  # the same
    assert recorder.spec is None


def test_bound_methods_show_their_true_signature() -> None:
    signature = inspect.signature(Recorder().order_place)
    assert list(signature.parameters)[:3] == ["symbol", "side", "type"]
    assert str(signature.parameters["price"]) == "price: 'Number | None' = None"
    assert signature.return_annotation == "replies.PlacedOrder"
    assert get_type_hints(Recorder.order_place)["return"] is replies.PlacedOrder


def test_methods_without_a_way_to_send_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="_call_typed"):
        BinanceMethods()  # type: ignore[abstract]  # what the test is about
