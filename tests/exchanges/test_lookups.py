"""What a look-up says of a write: the very order, an older one under the same id, none, or nothing at all."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto_ws_sync.errors import AuthError, NotFound, OrderRejected, ServerError
from crypto_ws_sync.exchanges.binance import evidence
from crypto_ws_sync.exchanges.binance.client_ids import PLACED_IDS
from crypto_ws_sync.exchanges.binance.dialect import BinanceDialect
from crypto_ws_sync.exchanges.binance.lookups import judge, next_questions
from crypto_ws_sync.protocol.dialect import Outcome, Reply
from crypto_ws_sync.protocol.outcome import FindingKind, Question
from crypto_ws_sync.signing.keys import load_signer

SAMPLES = Path(__file__).parents[1] / "data" / "samples"
EVENTS: dict[str, list[dict[str, Any]]] = json.loads((SAMPLES / "events.json").read_text("utf-8"))
NOON = 1_700_000_040.0
PLACED = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT_MAKER",
    "quantity": "0.0100",
    "price": "30000",
    "newClientOrderId": "ours",
}


def question(method: str = "order.place", error: float = 0.01, **params: Any) -> Question:
    return Question(1, method, {**PLACED, **params}, "ours", NOON, NOON + 5, error)


def order(**fields: Any) -> dict[str, Any]:
    """The order as the exchange keeps it, made half a second after it was signed."""
    return {
        "symbol": "BTCUSDT",
        "orderId": 7,
        "orderListId": -1,
        "clientOrderId": "ours",
        "side": "BUY",
        "type": "LIMIT_MAKER",
        "origQty": "0.01000000",
        "executedQty": "0.00000000",
        "status": "NEW",
        "time": 1_700_000_040_500,
        "updateTime": 1_700_000_041_500,
        **fields,
    }


def found(result: Any, asked: Question | None = None, is_last: bool = False) -> FindingKind:
    return judge(asked or question(), [Reply(1, Outcome.OK, result)], is_last).kind


def failed(kind: Any, code: int) -> Reply:
    return Reply(1, Outcome.REJECTED, None, kind(status=400, code=code, msg=""))


def test_a_placement_is_looked_up_by_its_client_order_id() -> None:
    dialect = BinanceDialect("key", load_signer("secret"))
    placed = dialect.request("order.place", PLACED, True, True, str)
    asked = dialect.question(placed, NOON, 0.0, 1)
    (lookup,) = dialect.lookups(asked, [])
    assert lookup.spec.name == "order.status"
    assert lookup.params == {"symbol": "BTCUSDT", "origClientOrderId": "ours"}
    assert lookup.is_signed
    assert not lookup.is_write


def test_the_very_order_is_the_answer_in_the_shape_of_one() -> None:
    finding = judge(question(), [Reply(1, Outcome.OK, order())], False)
    assert finding.kind is FindingKind.DONE
    assert finding.result["transactTime"] == 1_700_000_040_500
    assert finding.result["orderId"] == 7


@pytest.mark.parametrize(
    "difference",
    [
        {"time": 1_700_000_038_900},
        {"symbol": "ETHUSDT"},
        {"side": "SELL"},
        {"type": "LIMIT"},
        {"origQty": "0.02"},
        {"origQty": "NaN"},
    ],
    ids=str,
)
def test_an_older_or_different_order_under_the_same_id_is_not_taken_for_ours(
    difference: dict[str, Any],
) -> None:
    assert found(order(**difference)) is FindingKind.MISSING


@pytest.mark.parametrize(
    ("made_at", "error", "kind"),
    [
        (1_700_000_040_000, 0.0, FindingKind.DONE),
        (1_700_000_039_001, 0.0, FindingKind.DONE),
        (1_700_000_038_900, 0.0, FindingKind.MISSING),
        (1_700_000_038_900, 0.2, FindingKind.DONE),
        (1_700_000_039_100_000, 0.0, FindingKind.DONE),
        (1_700_000_038_900_000, 0.0, FindingKind.MISSING),
    ],
)
def test_an_order_counts_as_ours_from_a_second_and_the_clocks_error_before_its_timestamp(
    made_at: int, error: float, kind: FindingKind
) -> None:
    assert found(order(time=made_at), question(error=error)) is kind


def test_an_amount_in_quote_asset_must_agree_too() -> None:
    asked = question(quoteOrderQty="100.0")
    assert found(order(origQuoteOrderQty="100.000000"), asked) is FindingKind.DONE
    assert found(order(origQuoteOrderQty="0.000000"), asked) is FindingKind.MISSING


def test_a_rejected_order_is_a_refusal() -> None:
    finding = judge(question(), [Reply(1, Outcome.OK, order(status="REJECTED"))], False)
    assert finding.kind is FindingKind.REFUSED
    assert isinstance(finding.error, OrderRejected)
    assert finding.error.client_order_id == "ours"


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (failed(NotFound, -2013), FindingKind.MISSING),
        (failed(NotFound, -2026), FindingKind.MISSING),
        (failed(AuthError, -2015), FindingKind.NOTHING),
        (failed(ServerError, -1000), FindingKind.NOTHING),
        (Reply(1, Outcome.THROTTLED, None, ServerError(status=429, code=-1003)), FindingKind.NOTHING),
    ],
)
def test_only_the_words_that_there_is_no_such_order_mean_that(reply: Reply, kind: FindingKind) -> None:
    assert judge(question(), [reply], True).kind is kind


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"status": "CANCELED"}, FindingKind.DONE),
        ({"status": "EXPIRED"}, FindingKind.DONE),
        ({"status": "NEW"}, FindingKind.MISSING),
        ({"status": "PARTIALLY_FILLED"}, FindingKind.MISSING),
        ({"status": "FILLED"}, FindingKind.REFUSED),
        ({"status": "CANCELED", "updateTime": 1_700_000_038_900}, FindingKind.REFUSED),
    ],
    ids=str,
)
def test_a_cancel_is_settled_by_the_orders_state(fields: dict[str, Any], kind: FindingKind) -> None:
    asked = question("order.cancel", origClientOrderId="ours")
    assert found(order(**fields), asked) is kind


def test_a_write_without_a_lookup_is_never_settled() -> None:
    asked = question("brand.new")
    assert not next_questions(asked, [])
    assert judge(asked, [], True).kind is FindingKind.NOTHING


METHODS = [
    *PLACED_IDS,
    *("order.cancel", "order.amend.keepPriority", "openOrders.cancelAll", "orderList.cancel", "brand.new"),
]
ODD: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        *(st.none(), st.booleans(), st.sampled_from([0, -1, 7, 10**14, 10**400, 1_700_000_041_000])),
        st.sampled_from(
            ["NEW", "CANCELED", "FILLED", "REPLACED", "ALL_DONE", "BTCUSDT", "ours", "1", "LIMIT", "BUY"]
        ),
        st.sampled_from([1.5, 1e308, "sNaN"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["status", "orders", "symbol", "time", "updateTime", "orderId", "clientOrderId"])
            | st.sampled_from(
                ["listOrderStatus", "orderListId", "origQty", "side", "type", "executedQty", "price"]
            ),
            inner,
            max_size=6,
        ),
        st.dictionaries(st.sampled_from(list("exXTciCsmogSqQzO")), inner, max_size=8),
    ),
    max_leaves=12,
)
HALF_RIGHT = st.dictionaries(st.sampled_from(sorted(order())), ODD, max_size=2).map(lambda odd: order(**odd))


ODD_VALUES: list[Any] = [
    None,
    [],
    {},
    [1],
    {"status": []},
    True,
    1.5,
    -1,
    10**400,
    "",
    "sNaN",
    [{}],
    [[]],
    [{"symbol": 7}],
]
STATES = ("NEW", "FILLED", "CANCELED", "REJECTED")


def look_up(method: str, results: list[Any], is_last: bool) -> None:
    """Ask in rounds as the engine does, the results coming round and round."""
    dialect = BinanceDialect("key", load_signer("secret"))
    names: dict[str, Any] = dict.fromkeys(
        [*PLACED_IDS.get(method, ()), "newQty", "origClientOrderId"], "ours"
    )
    asked = question(method, **{"cancelOrigClientOrderId": "old", "listClientOrderId": "ours", **names})
    replies: list[Reply] = []
    while requests := dialect.lookups(asked, replies):
        for request in requests:
            assert not request.is_write
            replies.append(Reply(1, Outcome.OK, results[len(replies) % len(results)]))
    assert isinstance(dialect.judge(asked, replies, is_last).kind, FindingKind)


@pytest.mark.parametrize("method", METHODS)
def test_no_odd_field_breaks_a_lookup(method: str) -> None:
    legs = [{"symbol": "BTCUSDT", "orderId": 7, "clientOrderId": "ours"}]
    whole = order(orderListId=3, orders=legs, listOrderStatus="ALL_DONE")
    for name, odd in itertools.product(whole, ODD_VALUES):
        for state in STATES:
            broken = {**whole, "status": state, name: odd}
            look_up(method, [broken], True)
            look_up(method, [[broken]], True)
            look_up(method, [whole, broken, odd], False)
    for odd in ODD_VALUES:
        look_up(method, [odd], False)
        look_up(method, [order(orderListId=3), {"orders": [odd]}, odd], True)


@pytest.mark.parametrize("method", METHODS)
def test_no_odd_field_breaks_what_an_event_says(method: str) -> None:
    asked = question(method, origClientOrderId="ours")
    letters = [*"XTciCsmogSqQzO", "x"]
    for sample, state in itertools.product(EVENTS["executionReport"], STATES):
        likely = {**sample["event"], "c": "ours", "s": "BTCUSDT", "T": 1_700_000_041_000, "X": state}
        for letter, odd, kind in itertools.product(
            letters, ODD_VALUES, ("NEW", "TRADE", "CANCELED", "REPLACED")
        ):
            told = {**likely, "x": kind, letter: odd}
            assert isinstance(evidence.named_in(told), frozenset)
            finding = evidence.settles(
                asked, [told, {"e": "outboundAccountPosition", "u": 1_700_000_041_000}]
            )
            assert finding is None or isinstance(finding.kind, FindingKind)


@given(
    method=st.sampled_from(METHODS),
    results=st.lists(st.one_of(ODD, HALF_RIGHT, st.lists(HALF_RIGHT, max_size=2)), min_size=1, max_size=4),
    is_last=st.booleans(),
)
def test_no_answer_whatsoever_breaks_a_lookup(method: str, results: list[Any], is_last: bool) -> None:
    look_up(method, results, is_last)
