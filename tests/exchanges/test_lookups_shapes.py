"""What the simulated exchange cannot show: look-ups of smart-routed orders and of chains that sell what was bought."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from crypto_ws_sync.exchanges.binance.lookups import judge, next_questions
from crypto_ws_sync.protocol.dialect import Outcome, Reply
from crypto_ws_sync.protocol.outcome import Finding, FindingKind, Question

SAMPLES = Path(__file__).parents[1] / "data" / "samples"
NOON = 1_700_000_000.0
AT = 1_700_000_000_100

Answer = Callable[[Mapping[str, Any]], Any]


def sample(method: str, place: int = 0) -> Any:
    """Return the result of one of the exchange's published answers."""
    return json.loads((SAMPLES / f"{method}.json").read_text("utf-8"))["responses"][place]["result"]


def look_up(method: str, params: dict[str, Any], exchange: Mapping[str, Answer]) -> Finding:
    """Ask one round of an exchange that knows these answers, and judge it."""
    question = Question(1, method, params, str(params.get("newClientOrderId")), NOON, NOON + 5, 0.001)
    if "listClientOrderId" in params:
        question = Question(1, method, params, params["listClientOrderId"], NOON, NOON + 5, 0.001)
    replies: list[Reply] = []
    while asked := next_questions(question, replies):
        replies += [
            Reply(number, Outcome.OK, exchange[name](given)) for number, (name, given) in enumerate(asked)
        ]
    return judge(question, replies, is_last=False)


def names(value: Any) -> Any:
    """Return the names in an answer."""
    if isinstance(value, dict):
        return {name: names(each) for name, each in value.items()}
    return [names(each) for each in value] if isinstance(value, list) else None


def test_a_smart_routed_order_is_found_with_its_fills_from_other_books() -> None:
    (placed,) = sample("sor.order.place")
    fills = placed["fills"]
    state = {name: value for name, value in placed.items() if name not in ("fills", "transactTime")}
    status = {
        **state,
        "stopPrice": "0.0",
        "icebergQty": "0.0",
        "isWorking": True,
        "time": AT,
        "updateTime": AT,
    }
    allocations = [
        {**sample("myAllocations")[0], **{name: fill[name] for name in ("price", "qty", "commission")},
         "commissionAsset": fill["commissionAsset"], "allocationId": fill["allocId"]}
        for fill in fills
    ]  # fmt: skip
    exchange: dict[str, Answer] = {
        "order.status": lambda asked: status,
        "myTrades": lambda asked: [],
        "myAllocations": lambda asked: allocations,
    }
    params = {
        "symbol": placed["symbol"],
        "side": placed["side"],
        "type": placed["type"],
        "quantity": placed["origQty"],
        "newClientOrderId": placed["clientOrderId"],
    }
    finding = look_up("sor.order.place", params, exchange)
    assert finding.kind is FindingKind.DONE
    assert finding.result == [{**placed, "transactTime": AT}]


@pytest.mark.parametrize(
    ("method", "legs"),
    [
        ("orderList.place.opo", ("workingClientOrderId", "pendingClientOrderId")),
        (
            "orderList.place.opoco",
            ("workingClientOrderId", "pendingAboveClientOrderId", "pendingBelowClientOrderId"),
        ),
    ],
)
def test_a_chain_that_sells_what_was_bought_is_found_with_all_its_legs(
    method: str, legs: tuple[str, ...]
) -> None:
    placed = sample(method)
    reports = {report["orderId"]: report for report in placed["orderReports"]}
    order_list = {name: value for name, value in placed.items() if name != "orderReports"}

    def status(asked: Mapping[str, Any]) -> Any:
        report = reports[asked["orderId"]]
        return {
            "stopPrice": "0.0",
            "icebergQty": "0.0",
            **report,
            "isWorking": True,
            "time": AT,
            "updateTime": AT,
        }

    exchange: dict[str, Answer] = {"orderList.status": lambda asked: order_list, "order.status": status}
    ids = [leg["clientOrderId"] for leg in placed["orders"]]
    params = {
        "symbol": placed["symbol"],
        "listClientOrderId": placed["listClientOrderId"],
        **dict(zip(legs, ids, strict=True)),
    }
    finding = look_up(method, params, exchange)
    assert finding.kind is FindingKind.DONE
    assert names(finding.result) == names(placed)
    other = look_up(method, {**params, **dict.fromkeys(legs, "another's")}, exchange)
    assert other.kind is FindingKind.MISSING


def test_fills_that_were_prevented_are_listed_as_in_an_answer() -> None:
    match = sample("myPreventedMatches")[0]
    status = {
        **sample("order.status"),
        "symbol": match["symbol"],
        "type": "LIMIT",
        "executedQty": "0.00000000",
        "preventedMatchId": match["preventedMatchId"],
        "time": AT,
        "updateTime": AT,
    }
    params = {
        "symbol": match["symbol"],
        "side": status["side"],
        "type": "LIMIT",
        "quantity": status["origQty"],
        "newClientOrderId": status["clientOrderId"],
    }
    exchange: dict[str, Answer] = {
        "order.status": lambda asked: status,
        "myPreventedMatches": lambda asked: [match],
    }
    finding = look_up("order.place", params, exchange)
    assert finding.kind is FindingKind.DONE
    (prevented,) = finding.result["preventedMatches"]
    assert prevented["preventedMatchId"] == match["preventedMatchId"]
    assert prevented["makerOrderId"] == match["makerOrderId"]
    assert "preventedMatchId" not in finding.result
