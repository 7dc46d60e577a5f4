"""What the dialect says of subscriptions, and what events say of open writes."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from crypto_ws_sync.errors import ApiError, CancelRejected, InvalidParameter, OrderRejected
from crypto_ws_sync.exchanges.binance import evidence
from crypto_ws_sync.exchanges.binance.dialect import BinanceDialect
from crypto_ws_sync.exchanges.binance.events import ends_subscription
from crypto_ws_sync.protocol.dialect import Event, Stamp
from crypto_ws_sync.protocol.outcome import Finding, FindingKind, Question
from crypto_ws_sync.signing.keys import load_signer

SAMPLES = Path(__file__).parents[1] / "data" / "samples"
PLACED_AT = 1_499_405_658.6


def _dialect() -> BinanceDialect:
    return BinanceDialect("key", load_signer("secret"))


def _question(method: str = "order.place", **params: Any) -> Question:
    given = {"symbol": "ETHBTC", "side": "BUY", "type": "LIMIT", "quantity": "1", "price": "0.1", **params}
    name = "mine" if method != "order.cancel" else params.get("origClientOrderId")
    return Question(1, method, given, name, PLACED_AT, PLACED_AT + 5, 0.0)


def _report(**letters: Any) -> dict[str, Any]:
    """Return the documented report of a new order, with other values where given."""
    samples = json.loads((SAMPLES / "events.json").read_text(encoding="utf-8"))
    return {**samples["executionReport"][0]["event"], "c": "mine", **letters}


def settles(question: Question, *told: dict[str, Any]) -> Finding | None:
    return evidence.settles(question, told)


def _concerns(question: Question, body: dict[str, Any]) -> bool:
    return not evidence.names_of(question).isdisjoint(evidence.named_in(body))


def test_a_logged_on_connection_needs_no_signature_to_subscribe() -> None:
    dialect = _dialect()
    _, text = dialect.compose(dialect.subscribe(True), Stamp(PLACED_AT, is_logged_on=True))
    assert json.loads(text) == {"id": 1, "method": "userDataStream.subscribe"}


@pytest.mark.parametrize("is_logged_on", [False, True])
def test_any_other_subscribes_with_a_signature(is_logged_on: bool) -> None:
    dialect = _dialect()
    _, text = dialect.compose(dialect.subscribe(False), Stamp(PLACED_AT, is_logged_on))
    said = json.loads(text)
    assert said["method"] == "userDataStream.subscribe.signature"
    assert set(said["params"]) == {"apiKey", "timestamp", "signature"}


def test_without_a_key_there_is_nothing_to_subscribe_with() -> None:
    with pytest.raises(InvalidParameter, match="give the session api_key and api_secret"):
        BinanceDialect().subscribe(False)


def test_one_subscription_is_ended_by_its_id_and_an_unknown_one_with_all() -> None:
    dialect = _dialect()
    _, one = dialect.compose(dialect.unsubscribe(7), Stamp(0.0))
    _, all_of_them = dialect.compose(dialect.unsubscribe(None), Stamp(0.0))
    assert json.loads(one) == {
        "id": 1,
        "method": "userDataStream.unsubscribe",
        "params": {"subscriptionId": 7},
    }
    assert json.loads(all_of_them) == {"id": 2, "method": "userDataStream.unsubscribe"}


@pytest.mark.parametrize(
    ("result", "name"),
    [
        ({"subscriptionId": 0}, 0),
        ({"subscriptionId": "x"}, "x"),
        ({}, None),
        ({"subscriptionId": True}, None),
        ([], None),
    ],
)
def test_the_answer_names_the_subscription(result: Any, name: Any) -> None:
    assert _dialect().subscription(result) == name


def test_an_active_subscription_is_told_from_other_refusals() -> None:
    dialect = _dialect()
    assert dialect.is_subscribed_already(ApiError(status=400, code=-2035))
    assert not dialect.is_subscribed_already(ApiError(status=400, code=-2036))


def test_every_documented_event_is_sorted() -> None:
    samples = json.loads((SAMPLES / "events.json").read_text(encoding="utf-8"))
    dialect = _dialect()
    for kind, frames in samples.items():
        for frame in frames:
            (said,) = dialect.classify(json.dumps(frame))
            assert isinstance(said, Event) is (kind != "serverShutdown")
            if isinstance(said, Event):
                assert said.subscription == 0
                assert said.body == frame["event"]
                assert dialect.ends_subscription(said.body) is (kind == "eventStreamTerminated")
    assert not ends_subscription({})


@pytest.mark.parametrize(
    "letters",
    [
        {"x": "TRADE", "X": "FILLED", "z": "1.00000000"},
        {"x": "EXPIRED", "X": "EXPIRED"},
        {"x": "CANCELED", "X": "CANCELED", "c": "the cancel", "C": "mine"},
        {"x": "TRADE", "X": "PARTIALLY_FILLED", "m": True},
    ],
)
def test_a_placed_order_in_a_settled_state_settles_its_placement(letters: dict[str, Any]) -> None:
    report = _report(**letters)
    finding = settles(_question(newOrderRespType="RESULT"), report)
    assert finding is not None
    assert finding.kind is FindingKind.DONE
    assert finding.result["clientOrderId"] == "mine"
    assert finding.result["status"] == letters["X"]
    assert finding.result["orderId"] == report["i"]
    assert finding.result["transactTime"] == report["O"]
    assert finding.result["executedQty"] == report["z"]


def test_an_order_that_cannot_trade_at_once_is_settled_by_its_first_event() -> None:
    finding = settles(_question(type="LIMIT_MAKER", newOrderRespType="RESULT"), _report(o="LIMIT_MAKER"))
    assert finding is not None
    assert finding.result["status"] == "NEW"


def test_a_smart_routed_order_comes_in_a_list_as_its_answer_does() -> None:
    finding = settles(_question("sor.order.place", newOrderRespType="RESULT"), _report(x="TRADE", X="FILLED"))
    assert finding is not None
    assert [order["clientOrderId"] for order in finding.result] == ["mine"]


@pytest.mark.parametrize(
    "letters",
    [
        {},  # accepted, and maybe about to trade: the answer would show more
        {"x": "TRADE", "X": "PARTIALLY_FILLED", "m": False},
        {"x": "TRADE", "X": "FILLED", "z": "1.00000000"},  # the answer would list the fills
        {"X": "FILLED", "c": "another"},
        {"X": "FILLED", "C": "mine", "c": "another"},
        {"X": "FILLED", "s": "BTCUSDT"},
        {"X": "FILLED", "S": "SELL"},
        {"X": "FILLED", "q": "2.00000000"},
        {"X": "FILLED", "O": 1_499_405_000_000},  # an older order under the same id
        {"X": "FILLED", "e": "listStatus"},
        {"X": "FILLED", "T": None},
        {"X": "FILLED", "T": 1_499_405_000_000_000},  # in microseconds, and from before
    ],
)
def test_an_event_of_something_else_settles_nothing(letters: dict[str, Any]) -> None:
    assert settles(_question(), _report(**letters)) is None


def test_what_comes_over_two_connections_settles_as_what_comes_over_one() -> None:
    """However the two are shuffled into each other, an order is settled once all of it was told, and as it was."""
    samples = json.loads((SAMPLES / "sequences.json").read_text(encoding="utf-8"))
    sample = samples["market_order_insufficient_liquidity"]
    answer, events = sample["response"], sample["events"]
    at = answer["transactTime"] / 1000
    params = {"symbol": "LTCBNB", "side": "BUY", "type": "MARKET", "quantity": "6"}
    question = Question(1, "order.place", params, answer["clientOrderId"], at, at + 5, 0.0)
    for places in combinations(range(2 * len(events)), len(events)):
        first, second = iter(events), iter(events)
        told = [next(first) if place in places else next(second) for place in range(2 * len(events))]
        settled = [settles(question, *told[: count + 1]) for count in range(len(told))]
        complete = next(count for count, event in enumerate(told) if event.get("X") == "EXPIRED")
        assert not any(settled[:complete]), "more may come until the order's last event"
        for finding in settled[complete:]:
            assert finding is not None
            assert finding.result["status"] == "EXPIRED"
            assert finding.result["fills"] == answer["fills"]


def test_a_missed_fill_leaves_an_order_to_its_look_up() -> None:
    samples = json.loads((SAMPLES / "sequences.json").read_text(encoding="utf-8"))
    sample = samples["market_order_insufficient_liquidity"]
    at = sample["response"]["transactTime"] / 1000
    params = {"symbol": "LTCBNB", "side": "BUY", "type": "MARKET", "quantity": "6"}
    question = Question(1, "order.place", params, sample["response"]["clientOrderId"], at, at + 5, 0.0)
    events = sample["events"]
    assert settles(question, *events) is not None
    assert settles(question, *events[:1], *events[2:]) is None


def test_an_event_concerns_the_writes_that_name_what_it_names() -> None:
    placement = _question()
    assert _concerns(placement, _report())
    assert not _concerns(placement, _report(c="another"))
    cancel = _question("order.cancel", origClientOrderId="mine")
    assert _concerns(cancel, _report(x="CANCELED", c="the cancel", C="mine"))
    legs = [{"s": "ETHBTC", "i": 7, "c": "a leg"}]
    told = {"e": "listStatus", "g": 3, "C": "a list", "O": legs}
    assert _concerns(_question("orderList.cancel", orderListId=3), told)
    assert _concerns(_question("order.cancel", origClientOrderId="a leg"), told)
    assert not _concerns(placement, told)
    assert not _concerns(placement, {"e": "outboundAccountPosition", "u": 1})


def test_a_rejected_order_is_refused() -> None:
    finding = settles(_question(), _report(x="REJECTED", X="REJECTED", r="INSUFFICIENT_BALANCES"))
    assert finding is not None
    assert isinstance(finding.error, OrderRejected)


@pytest.mark.parametrize("named_by", [{"origClientOrderId": "mine"}, {"orderId": 4293153}])
def test_a_cancel_is_settled_by_the_orders_end(named_by: dict[str, Any]) -> None:
    question = _question("order.cancel", **named_by)
    cancelled = settles(question, _report(x="CANCELED", X="CANCELED", c="the cancel", C="mine"))
    assert cancelled is not None
    assert cancelled.kind is FindingKind.DONE
    assert cancelled.result["origClientOrderId"] == "mine"
    assert cancelled.result["clientOrderId"] == "the cancel"
    filled = settles(question, _report(x="TRADE", X="FILLED"))
    assert filled is not None
    assert isinstance(filled.error, CancelRejected)
    assert settles(question, _report(x="TRADE", X="PARTIALLY_FILLED")) is None
    assert settles(question, _report(x="CANCELED", X="CANCELED", C="other", i=1)) is None
    assert settles(question, _report(x="CANCELED", X="CANCELED", C="mine", s="BTCUSDT")) is None
    assert settles(question, _report(x="CANCELED", X="CANCELED", C="mine", T=1_499_405_000_000)) is None


def test_an_amendment_is_settled_by_the_order_under_its_new_name() -> None:
    question = _question(
        "order.amend.keepPriority", origClientOrderId="old", newClientOrderId="mine", newQty="1"
    )
    amended = settles(question, _report(x="REPLACED", C="old"))
    assert amended is not None
    assert amended.result["amendedOrder"]["origClientOrderId"] == "old"
    assert amended.result["amendedOrder"]["qty"] == "1.00000000"
    assert settles(question, _report(x="REPLACED", C="old", q="2.00000000")) is None
    assert settles(question, _report(x="NEW")) is None


def test_other_writes_are_left_to_their_look_ups() -> None:
    assert settles(_question("order.cancelReplace"), _report(x="TRADE", X="FILLED")) is None


def test_the_cancel_of_a_lists_leg_is_left_to_its_look_up() -> None:
    question = _question("order.cancel", origClientOrderId="mine")
    assert settles(question, _report(x="CANCELED", X="CANCELED", c="the cancel", C="mine", g=7)) is None


def test_a_list_whose_legs_have_ended_is_left_to_the_event_that_says_so() -> None:
    status = json.loads((SAMPLES / "events.json").read_text(encoding="utf-8"))["listStatus"][0]["event"]
    question = _question(
        "orderList.cancel", symbol=status["s"], orderListId=status["g"], origClientOrderId=status["C"]
    )
    legs = [
        _report(s=leg["s"], i=leg["i"], I=leg["i"], C=leg["c"], g=status["g"], x="CANCELED", X="CANCELED")
        for leg in status["O"]
    ]
    executing = {**status, "l": "EXEC_STARTED", "L": "EXECUTING"}
    assert settles(question, executing, *legs) is None
    ended = {**status, "l": "ALL_DONE", "L": "ALL_DONE"}
    found = settles(question, executing, *legs, ended)
    assert found is not None
    assert found.result["listOrderStatus"] == "ALL_DONE"
