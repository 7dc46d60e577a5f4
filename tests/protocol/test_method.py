"""What a method costs, before and after its answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from crypto_ws_sync.protocol.method import Charge, Kind, MethodSpec, Request


def by_limit(params: Mapping[str, Any]) -> int:
    return 5 if params.get("limit", 100) <= 100 else 25


@pytest.mark.parametrize(
    ("spec", "params", "charge"),
    [
        (MethodSpec("ping"), {}, Charge(1)),
        (MethodSpec("depth", weight=by_limit), {}, Charge(5)),
        (MethodSpec("depth", weight=by_limit), {"limit": 101}, Charge(25)),
        (MethodSpec("orderList.place.oco", orders=2), {}, Charge(1, 2)),
    ],
)
def test_a_request_is_charged_by_its_parameters(
    spec: MethodSpec, params: dict[str, Any], charge: Charge
) -> None:
    assert spec.charge(params) == charge


@pytest.mark.parametrize(("on_success", "spent"), [(None, None), (0, Charge(0, 1)), (by_limit, None)])
def test_success_may_cost_less_where_that_is_a_plain_number(on_success: Any, spent: Charge | None) -> None:
    spec = MethodSpec("order.place", weight=4, weight_on_success=on_success, orders=1)
    assert spec.fixed_spent == spent


@pytest.mark.parametrize(
    ("kind", "is_write"), [(Kind.READ, False), (Kind.WRITE, True), (Kind.CONNECTION, False)]
)
def test_only_writes_must_not_be_repeated(kind: Kind, is_write: bool) -> None:
    spec = MethodSpec("some.method", kind=kind)
    request = Request(spec, spec.name, {"secret": "of the caller"}, False, False, None, Charge(1))
    assert request.is_write is is_write
    assert "of the caller" not in repr(request)
