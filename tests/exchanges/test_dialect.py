"""Binance's dialect from end to end: requests as they go out, and texts as they come in, with either JSON codec."""

from __future__ import annotations

import json
import math
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from both_codecs import CODECS, MODULES, PLAIN, shown
from hypothesis import assume, given
from hypothesis import strategies as st

from crypto_ws_sync.errors import (
    ApiError,
    AuthError,
    InvalidParameter,
    IPBanned,
    OrderRejected,
    PartialFailure,
    RateLimited,
    ServerError,
    TimestampError,
)
from crypto_ws_sync.exchanges.binance import dialect as dialects
from crypto_ws_sync.exchanges.binance.client_ids import new_client_order_id
from crypto_ws_sync.exchanges.binance.dialect import BinanceDialect
from crypto_ws_sync.exchanges.binance.log_on import LogOn
from crypto_ws_sync.protocol.dialect import Event, Fault, Ignored, Notice, NoticeKind, Outcome, Reply, Stamp
from crypto_ws_sync.protocol.limits import Bucket, Reading
from crypto_ws_sync.protocol.method import Charge, Kind
from crypto_ws_sync.signing.keys import load_signer

DATA = Path(__file__).parents[1] / "data"
PROTOCOL: list[dict[str, Any]] = json.loads((DATA / "samples" / "protocol.json").read_text("utf-8"))
EVENTS: dict[str, list[dict[str, Any]]] = json.loads((DATA / "samples" / "events.json").read_text("utf-8"))
VECTORS = [
    vector
    for vector in json.loads((DATA / "signing.json").read_text("utf-8"))
    if vector["verified"] and vector["params"]
]
NOON = 1_700_000_040.0
LIMIT_ORDER = {
    "symbol": "BTCUSDT",
    "side": "SELL",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.01",
    "price": "52000.00",
}


def make(module: Any = dialects, secret: str = "secret", key: str = "the key", **options: Any) -> Any:
    return module.BinanceDialect(key, load_signer(secret), **options)


def unused() -> str:
    return "x" * 22


@pytest.fixture(params=sorted(CODECS))
def dialect(request: pytest.FixtureRequest) -> Any:
    return make(CODECS[request.param])


def said(dialect: Any, value: Any) -> Any:
    """What the dialect makes of one value sent as text."""
    (incoming,) = dialect.classify(json.dumps(value))
    return incoming


# -- requests -------------------------------------------------------------------------------------------------


def test_both_codecs_are_really_tried() -> None:
    assert PLAIN is not dialects
    assert PLAIN.encode is PLAIN.BinanceDialect.compose.__globals__["encode"]
    assert PLAIN.encode.__self__.__class__ is json.JSONEncoder
    assert sys.modules[MODULES[1]] is dialects


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
@pytest.mark.parametrize("codec", sorted(CODECS))
def test_signatures_equal_the_published_ones_from_end_to_end(codec: str, vector: dict[str, Any]) -> None:
    secret = vector.get("secret_key") or vector["private_key"]
    dialect = make(CODECS[codec], secret, vector["api_key"], log_on=False)
    given = {k: v for k, v in vector["params"].items() if k not in ("apiKey", "timestamp")}
    params = {**given, "newClientOrderId": None}
    request = dialect.request("order.test", params, True, True, unused)
    _, text = dialect.compose(request, Stamp(vector["params"]["timestamp"] / 1000 + 0.0005))
    sent = json.loads(text)["params"]
    assert sent == {**vector["params"], "signature": vector["signature"]}


WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.one_of(
    *(WORDS, st.booleans(), st.integers(-(2**70), 2**70)),
    st.lists(st.one_of(WORDS, st.booleans(), st.integers(-(2**70), 2**70)), max_size=3),
)


class EchoSigner:
    """Signs with the text itself, so that a test can read what was signed."""

    key_type = "hmac"
    is_slow = False

    def sign(self, payload: bytes) -> str:
        return payload.decode("utf-8")


def as_sent(value: Any) -> str:
    """A value as it stands in the text, but for the quotes around text."""
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


@given(params=st.dictionaries(WORDS, VALUES, max_size=5), key=WORDS)
def test_the_signature_is_over_exactly_what_is_sent(params: dict[str, Any], key: str) -> None:
    assume(params.keys().isdisjoint({"apiKey", "timestamp", "signature"}))
    texts = set()
    for module in CODECS.values():
        dialect = module.BinanceDialect(key, EchoSigner(), recv_window=5000.5)
        _, text = dialect.compose(dialect.request("no.such.method", params, True, True, unused), Stamp(NOON))
        texts.add(text)
        sent = json.loads(text)["params"]
        signature = sent.pop("signature")
        assert signature == "&".join(f"{name}={as_sent(sent[name])}" for name in sorted(sent))
        assert sent == {"recvWindow": "5000.5", **params, "apiKey": key, "timestamp": 1_700_000_040_000}
    assert len(texts) == 1


def test_every_request_has_a_key_of_its_own(dialect: Any) -> None:
    request = dialect.request("time", None, False, False, unused)
    composed = [dialect.compose(request, Stamp(NOON)) for _ in range(3)]
    assert composed == [(key, f'{{"id":{key},"method":"time"}}') for key in (1, 2, 3)]


def test_a_logged_on_connection_is_sent_a_timestamp_alone(dialect: Any) -> None:
    request = dialect.request("account.status", {"omitZeroBalances": True}, True, True, unused)
    _, text = dialect.compose(request, Stamp(NOON, is_logged_on=True))
    assert json.loads(text)["params"] == {"omitZeroBalances": True, "timestamp": 1_700_000_040_000}


def test_a_repeat_is_composed_anew(dialect: Any) -> None:
    request = dialect.request("account.status", None, True, True, unused)
    first, again = (json.loads(dialect.compose(request, Stamp(NOON + n))[1]) for n in range(2))
    assert first["id"] != again["id"]
    assert again["params"]["timestamp"] - first["params"]["timestamp"] == 1000
    assert first["params"]["signature"] != again["params"]["signature"]
    assert request.params == {}


@pytest.mark.parametrize("stamp", [NOON + 0.0004, NOON + 0.9999, NOON + 0.123456])
def test_timestamps_are_cut_to_milliseconds_and_never_rounded_up(dialect: Any, stamp: float) -> None:
    request = dialect.request("account.status", None, True, True, unused)
    _, text = dialect.compose(request, Stamp(stamp))
    timestamp = json.loads(text)["params"]["timestamp"]
    assert stamp - 0.001 < timestamp / 1000 <= stamp
    assert timestamp == math.floor(stamp * 1000)


def test_the_sessions_receive_window_goes_with_signed_requests_that_take_it() -> None:
    dialect = make(recv_window=1500)
    signed = dialect.request("account.status", None, True, True, unused)
    own = dialect.request("account.status", {"recvWindow": 200}, True, True, unused)
    public = dialect.request("depth", {"symbol": "BTCUSDT"}, False, False, unused)
    assert signed.params == {"recvWindow": 1500}
    assert own.params == {"recvWindow": 200}
    assert "recvWindow" not in public.params


@pytest.mark.parametrize("method", ["v3/order.place", "order.place"])
def test_a_version_prefix_is_kept_and_known(dialect: Any, method: str) -> None:
    request = dialect.request(method, LIMIT_ORDER, True, True, unused)
    assert request.spec.name == "order.place"
    assert json.loads(dialect.compose(request, Stamp(NOON))[1])["method"] == method
    assert request.charge == Charge(1, 1)


def test_an_order_gets_a_client_order_id_unless_it_has_one(dialect: Any) -> None:
    own = {**LIMIT_ORDER, "newClientOrderId": "mine"}
    assert dialect.request("order.place", LIMIT_ORDER, True, True, unused).client_order_id == unused()
    assert dialect.request("order.place", own, True, True, unused).client_order_id == "mine"
    assert "newClientOrderId" not in LIMIT_ORDER


@pytest.mark.parametrize(
    ("signed", "kind"), [(False, Kind.READ), (True, Kind.WRITE)], ids=["public", "signed"]
)
def test_an_unknown_method_is_a_write_if_it_is_signed(dialect: Any, signed: bool, kind: Kind) -> None:
    request = dialect.request("brand.new", {"anything": [1, "two"]}, signed, signed, unused)
    assert request.spec.kind is kind
    assert not request.spec.is_known
    assert json.loads(dialect.compose(request, Stamp(NOON))[1])["params"]["anything"] == [1, "two"]


@pytest.mark.parametrize(
    "own",
    [{"timestamp": 1}, {"signature": "by hand"}, {"apiKey": "key", "timestamp": 1, "signature": "by hand"}],
)
def test_an_unknown_method_that_its_caller_signed_is_a_write_too(dialect: Any, own: dict[str, Any]) -> None:
    """It would be asked again when its connection breaks, and might then trade twice."""
    assert dialect.request("brand.new", own, False, False, unused).spec.kind is Kind.WRITE
    assert dialect.request("brand.new", {"apiKey": "key"}, False, False, unused).spec.kind is Kind.READ


@pytest.mark.parametrize(("written", "meant"), [("order_place", "order.place"), ("v3/avg_price", "avgPrice")])
def test_a_method_by_its_name_in_python_is_told_the_exchanges(dialect: Any, written: str, meant: str) -> None:
    with pytest.raises(InvalidParameter, match=re.escape(f"ask for {meant!r}, or call session.")):
        dialect.request(written, LIMIT_ORDER, False, False, unused)


@pytest.mark.parametrize("blank", ["", " ", "\t\n"])
@pytest.mark.parametrize(
    ("method", "params", "name"),
    [
        ("order.place", LIMIT_ORDER, "newClientOrderId"),
        ("order.cancel", {"symbol": "BTCUSDT"}, "origClientOrderId"),
        ("orderList.cancel", {"symbol": "BTCUSDT"}, "listClientOrderId"),
    ],
)
def test_a_name_by_which_nothing_can_be_found_is_refused(
    dialect: Any, method: str, params: dict[str, Any], name: str, blank: str
) -> None:
    with pytest.raises(InvalidParameter, match="blank") as caught:
        dialect.request(method, {**params, name: blank}, True, True, unused)
    assert caught.value.parameter == name


def test_an_error_inside_a_good_answer_is_an_error(dialect: Any) -> None:
    """None would mean that nothing was sent; and of a write it says too little."""
    body = {"code": -2010, "msg": "no"}
    incoming = said(dialect, {"id": 1, "status": 200, "error": body})
    assert (incoming.outcome, incoming.error.code) == (Outcome.UNKNOWN, -2010)
    incoming = said(dialect, {"id": 1, "status": 200, "result": body})
    assert (incoming.outcome, incoming.error.code) == (Outcome.UNKNOWN, -2010)


def test_no_more_limits_are_read_than_an_answer_can_tell(dialect: Any) -> None:
    one = {"rateLimitType": "REQUEST_WEIGHT", "interval": "SECOND", "limit": 5, "count": 1}
    many = [{**one, "intervalNum": number} for number in range(1, 10_000)]
    incoming = said(dialect, {"id": 1, "status": 200, "result": {}, "rateLimits": many})
    assert [reading.seconds for reading in incoming.readings] == list(range(1, 17))


def test_an_unknown_method_may_be_sent_the_key_alone(dialect: Any) -> None:
    request = dialect.request("brand.new", None, True, False, unused)
    assert json.loads(dialect.compose(request, Stamp(NOON))[1])["params"] == {"apiKey": "the key"}


def test_a_caller_may_sign_by_itself(dialect: Any) -> None:
    own = {"apiKey": "another", "timestamp": 1_700_000_000_000, "signature": "by hand"}
    request = dialect.request("account.status", own, True, True, unused)
    assert json.loads(dialect.compose(request, Stamp(NOON))[1])["params"] == own


@pytest.mark.parametrize(
    ("method", "params", "parameter"),
    [
        ("", None, None),
        (None, None, None),
        ("time\ud800", None, None),
        ("order.place", {"symbol": "BTCUSDT"}, "side"),
        ("order.place", {**LIMIT_ORDER, "price": float("nan")}, "price"),
        ("order.place", {**LIMIT_ORDER, "price": 0.1 + 0.2}, "price"),
        ("order.place", {**LIMIT_ORDER, "timestamp": 1}, "timestamp"),
        ("order.place", {**LIMIT_ORDER, "apiKey": "k"}, "apiKey"),
        ("order.place", {**LIMIT_ORDER, "signature": "by hand"}, "signature"),
        ("order.place", {**LIMIT_ORDER, "signature": "by hand", "timestamp": 1}, "timestamp"),
        ("order.place", ["symbol", "BTCUSDT"], None),
        ("ping", {1: "one"}, None),
        ("ping", {"half\udfff": "one"}, None),
        ("ping", {"half": "one\udfff"}, "half"),
        ("ping", {"bytes": b"one"}, "bytes"),
    ],
)
def test_what_certainly_cannot_be_right_is_refused(
    dialect: Any, method: Any, params: Any, parameter: str | None
) -> None:
    with pytest.raises(InvalidParameter) as caught:
        dialect.request(method, params, True, True, unused)
    assert caught.value.parameter == parameter


def test_signed_requests_need_a_key() -> None:
    with pytest.raises(InvalidParameter, match="needs a key"):
        BinanceDialect().request("account.status", None, True, True, unused)
    with pytest.raises(InvalidParameter, match="the session has none"):
        BinanceDialect().request("brand.new", None, True, False, unused)


@given(key=st.text(st.characters(min_codepoint=33, exclude_categories=["Cs"]), min_size=4, max_size=20))
def test_what_is_logged_holds_neither_key_nor_signature(key: str) -> None:
    assume(key not in "account.status***params")
    for module in CODECS.values():
        dialect = module.BinanceDialect(key, EchoSigner())
        _, text = dialect.compose(dialect.request("account.status", None, True, True, unused), Stamp(NOON))
        redacted = json.loads(dialect.redact(text))
        assert redacted["params"] == {"timestamp": 1_700_000_040_000, "apiKey": "***", "signature": "***"}


# -- texts ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", PROTOCOL, ids=lambda sample: f"{sample['id']}-{sample['status']}")
def test_every_documented_answer_is_understood(dialect: Any, sample: dict[str, Any]) -> None:
    incoming = said(dialect, sample)
    if sample["id"] is None:
        assert isinstance(incoming, Fault)
        assert incoming.outcome is Outcome.AUTH
        return
    assert incoming.key == sample["id"]
    assert incoming.result == sample.get("result")
    assert len(incoming.readings) == len(sample.get("rateLimits", []))
    assert (incoming.error is None) == (sample["status"] == 200) == (incoming.outcome is Outcome.OK)
    if incoming.error is not None:
        assert incoming.error.code == sample["error"]["code"]
        assert incoming.error.msg == sample["error"]["msg"]
        assert incoming.error.status == sample["status"]


@pytest.mark.parametrize(
    "sample", [pair for samples in EVENTS.values() for pair in samples], ids=lambda event: event["event"]["e"]
)
def test_every_documented_event_is_understood(dialect: Any, sample: dict[str, Any]) -> None:
    incoming = said(dialect, sample)
    if sample["event"]["e"] == "serverShutdown":
        assert incoming == Notice(NoticeKind.SHUTDOWN)
    else:
        assert incoming == Event(0, sample["event"])


def test_limits_are_read(dialect: Any) -> None:
    assert said(dialect, PROTOCOL[0]).readings == [
        Reading(Bucket.ORDERS, 10, 50, 12),
        Reading(Bucket.ORDERS, 86400, 160000, 4043),
        Reading(Bucket.WEIGHT, 60, 6000, 321),
    ]


@pytest.mark.parametrize(
    "entry",
    [
        *(None, 7, "ORDERS", [], {}),
        {"rateLimitType": "ORDERS"},
        {"rateLimitType": "NEW_KIND", "interval": "DAY", "intervalNum": 1, "limit": 5, "count": 1},
        {"rateLimitType": [], "interval": "DAY", "intervalNum": 1, "limit": 5, "count": 1},
        {"rateLimitType": "ORDERS", "interval": {}, "intervalNum": 1, "limit": 5, "count": 1},
        *(
            {
                "rateLimitType": "ORDERS",
                "interval": "DAY",
                "intervalNum": 1,
                "limit": 5,
                "count": 1,
                name: value,
            }
            for name in ("intervalNum", "limit", "count")
            for value in (None, "1", True, 1.5, -1, 10**400, 10**15, "x" * 1000, [1])
        ),
    ],
)
def test_limits_that_make_no_sense_are_left_out(dialect: Any, entry: Any) -> None:
    incoming = said(dialect, {"id": 1, "status": 200, "result": {}, "rateLimits": [entry]})
    assert list(incoming.readings) == []


def test_limits_without_counts_tell_the_limits_alone(dialect: Any) -> None:
    entry = {"rateLimitType": "CONNECTIONS", "interval": "MINUTE", "intervalNum": 5, "limit": 300}
    assert dialect.limits_told({"rateLimits": [entry]}) == [Reading(Bucket.CONNECTIONS, 300, 300, None)]


def error(status: int, code: Any, msg: Any = "", data: Any = None, key: Any = 1) -> dict[str, Any]:
    body = {"code": code, "msg": msg} | ({} if data is None else {"data": data})
    return {"id": key, "status": status, "error": body}


HALF = {
    "cancelResult": "SUCCESS",
    "newOrderResult": "FAILURE",
    "newOrderResponse": {"code": -2010, "msg": ""},
}
OPEN_HALF = {
    "cancelResult": "SUCCESS",
    "newOrderResult": "FAILURE",
    "newOrderResponse": {"code": -1007, "msg": ""},
}


@pytest.mark.parametrize(
    ("sample", "outcome", "kind"),
    [
        (error(400, -2010), Outcome.REJECTED, OrderRejected),
        (error(400, -1021), Outcome.CLOCK, TimestampError),
        (error(401, -2015), Outcome.AUTH, AuthError),
        (error(400, -1022), Outcome.AUTH, AuthError),
        (error(409, -2021, data=HALF), Outcome.PARTIAL, PartialFailure),
        (error(429, -1015, data=HALF), Outcome.PARTIAL, PartialFailure),
        (error(409, -2021, data=OPEN_HALF), Outcome.UNKNOWN, PartialFailure),
        (error(429, -1003), Outcome.THROTTLED, RateLimited),
        (error(429, -1015), Outcome.THROTTLED, RateLimited),
        (error(418, -1003), Outcome.THROTTLED, IPBanned),
        (error(500, -1000), Outcome.UNKNOWN, ServerError),
        (error(503, None), Outcome.UNKNOWN, ServerError),
        (error(400, -1007), Outcome.UNKNOWN, ServerError),
        (error(400, -1006), Outcome.UNKNOWN, ServerError),
        (error(400, "odd", ["odd"], "odd"), Outcome.UNKNOWN, ApiError),
    ],
    ids=lambda value: f"{value['status']}{value['error']['code']}" if isinstance(value, dict) else "",
)
def test_an_error_says_what_became_of_the_request(
    dialect: Any, sample: dict[str, Any], outcome: Outcome, kind: type[ApiError]
) -> None:
    incoming = said(dialect, sample)
    assert incoming.outcome is outcome
    assert isinstance(incoming.error, kind)


@pytest.mark.parametrize(
    ("stamp", "retry_at"),
    [
        (1659146400000, 1659146400.0),
        (1659146400000000, 1659146400.0),
        *((wrong, None) for wrong in (None, "1659146400000", True, 1.5, -1, 10**19, 10**400, [1])),
    ],
)
def test_when_to_come_back_is_read_where_it_can_be(dialect: Any, stamp: Any, retry_at: float | None) -> None:
    assert said(dialect, error(429, -1003, data={"retryAfter": stamp})).retry_at == retry_at


@pytest.mark.parametrize(
    ("status", "code", "alone"), [(429, -1015, True), (429, -1003, False), (418, -1015, False)]
)
def test_only_a_refusal_for_the_number_of_orders_concerns_orders_alone(
    dialect: Any, status: int, code: int, alone: bool
) -> None:
    assert said(dialect, error(status, code)).is_orders_only is alone


@pytest.mark.parametrize("key", [True, 1.5, [1], {"id": 1}, 2**63, -(2**63) - 1])
@pytest.mark.parametrize("status", [200, 400])
def test_an_answer_with_an_id_of_a_wrong_type_is_ignored(dialect: Any, key: Any, status: int) -> None:
    assert said(dialect, {"id": key, "status": status, "result": {}}) == Ignored(
        "an answer without a usable id"
    )


def test_an_answer_to_nobody_in_particular_hits_nobody(dialect: Any) -> None:
    assert said(dialect, {"id": None, "status": 200, "result": {}}) == Ignored(
        "an answer without a usable id"
    )
    fault = said(dialect, error(400, -1135, key=None))
    assert isinstance(fault, Fault)
    assert fault.outcome is Outcome.REJECTED


@pytest.mark.parametrize("key", ["1", "", "\u00e9", 0, -1, 2**63 - 1])
def test_an_id_keeps_its_type(dialect: Any, key: Any) -> None:
    found = said(dialect, {"id": key, "status": 200, "result": None}).key
    assert (found, type(found)) == (key, type(key))


@pytest.mark.parametrize("subscription", [[1], {}, 1.5, True, 2**70, None])
def test_an_event_of_an_odd_subscription_belongs_to_none(dialect: Any, subscription: Any) -> None:
    assert said(dialect, {"subscriptionId": subscription, "event": {"e": "x"}}) == Event(None, {"e": "x"})


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "null",
            "7",
            '"text"',
            "[]",
            "[1]",
            "{}",
            '{"id":1}',
            '{"status":"200"}',
            "{",
            "[" * 100_000,
        ),
        *('{"status":NaN}', '{"id":1,"status":true}', '{"event":[]}', "\ufeff{}", "\x00", '{"a":' * 5000),
    ],
)
def test_what_means_nothing_is_ignored_and_named(dialect: Any, text: str) -> None:
    (incoming,) = dialect.classify(text)
    assert isinstance(incoming, Ignored)
    assert incoming.why


JSON = st.recursive(
    st.one_of(
        *(st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.text(max_size=5)),
        st.floats(allow_nan=False, allow_infinity=False),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)
NAMES = st.sampled_from(
    [
        *(
            "id",
            "status",
            "result",
            "error",
            "event",
            "rateLimits",
            "subscriptionId",
            "code",
            "msg",
            "data",
            "e",
        ),
        *(
            "retryAfter",
            "cancelResult",
            "newOrderResult",
            "cancelResponse",
            "newOrderResponse",
            "count",
            "limit",
        ),
        *("rateLimitType", "interval", "intervalNum"),
    ]
)
LIKELY = st.recursive(
    st.one_of(
        JSON, st.sampled_from([200, 400, 401, 409, 429, 418, 500, -1003, -1015, -2021, "SUCCESS", 10**300])
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=6)),
    max_leaves=12,
)


@given(value=st.dictionaries(NAMES, LIKELY, max_size=6))
def test_no_json_whatsoever_raises_and_both_codecs_agree(value: dict[str, Any]) -> None:
    text = json.dumps(value)
    found = [[shown(incoming) for incoming in make(module).classify(text)] for module in CODECS.values()]
    assert len(found[0]) == 1
    assert all(other == found[0] for other in found)


@given(
    text=st.one_of(
        st.text(), JSON.map(json.dumps).flatmap(lambda t: st.integers(0, len(t)).map(lambda n: t[:n]))
    )
)
def test_no_text_whatsoever_raises_and_both_codecs_agree(text: str) -> None:
    found = [[shown(incoming) for incoming in make(module).classify(text)] for module in CODECS.values()]
    assert len(found[0]) == 1
    assert all(other == found[0] for other in found)


@pytest.mark.parametrize("result", ['"\\ud800"', "1e999"], ids=["half a pair", "infinite"])
def test_what_only_one_codec_reads_reaches_the_caller_all_the_same(dialect: Any, result: str) -> None:
    (incoming,) = dialect.classify(f'{{"id":1,"status":200,"result":{result}}}')
    assert isinstance(incoming, Reply)
    assert incoming.key == 1


# -- the clock, the log-on, and what a lost answer leaves to ask ------------------------------------------------


LONG = [
    2**53 + 1,
    2**63 - 1,
    2**63,
    -(2**63),
    -(2**63) - 1,
    2**64 - 1,
    2**64,
    10**18,
    10**19,
    10**30 + 7,
    10**400,
]


@pytest.mark.parametrize(
    "number", LONG, ids=lambda number: f"{len(str(number))} digits, {number % 10} at the end"
)
@pytest.mark.parametrize("form", ["%d", "[%d]", '{"n": %d }', '[0,{"a":[1,\n%d]}]'])
def test_no_digit_of_a_whole_number_is_lost(dialect: Any, number: int, form: str) -> None:
    text = form % number
    (incoming,) = dialect.classify(f'{{"id":1,"status":200,"result":{text}}}')
    assert incoming.result == json.loads(text)
    assert str(number) in str(incoming.result)


@pytest.mark.parametrize("power", [15, 16])
def test_no_digit_is_lost_wherever_a_number_stands_in_a_long_text(dialect: Any, power: int) -> None:
    number = 2**64 + 1
    for before in range(2**power - 80, 2**power + 10):
        result = f'["{"x" * before}",{number}]'
        (incoming,) = dialect.classify(f'{{"id":1,"status":200,"result":{result}}}')
        assert incoming.result[1] == number


@pytest.mark.parametrize(
    "text", ["NaN", "Infinity", "-Infinity", "[NaN]", '{"a":-Infinity}', "nan", "1" * 5000]
)
def test_what_is_no_number_in_json_or_has_no_end_is_ignored(dialect: Any, text: str) -> None:
    (incoming,) = dialect.classify(f'{{"id":1,"status":200,"result":{text}}}')
    assert isinstance(incoming, Ignored)


def test_of_a_repeated_key_the_last_counts(dialect: Any) -> None:
    """Both codecs read it so: an answer must not belong to one caller with one and to another with the other."""
    (incoming,) = dialect.classify(
        '{"id":1,"status":400,"id":2,"status":200,"result":1,"result":{"a":1,"a":2}}'
    )
    assert (incoming.key, incoming.outcome, incoming.result) == (2, Outcome.OK, {"a": 2})


@pytest.mark.parametrize(("depth", "is_read"), [(255, True), (256, False), (1000, False), (100_000, False)])
@pytest.mark.parametrize("brackets", ["[]", "{}"])
def test_how_deep_an_answer_may_be_nested(dialect: Any, depth: int, is_read: bool, brackets: str) -> None:
    one = '{"a":' if brackets == "{}" else "["
    (incoming,) = dialect.classify(f'{{"id":1,"status":200,"result":{one * depth}1{brackets[1] * depth}}}')
    assert isinstance(incoming, Reply if is_read else Ignored)


@pytest.mark.parametrize("stamp", [1656400526260, 1656400526260000])
def test_the_exchanges_time_is_read_in_either_unit(dialect: Any, stamp: int) -> None:
    assert dialect.server_time({"serverTime": stamp}) == pytest.approx(1656400526.26, abs=1e-6)


@pytest.mark.parametrize(
    "result", [None, [], {}, *({"serverTime": x} for x in ("1", None, True, -1, 10**400))]
)
def test_an_answer_without_the_time_is_refused(dialect: Any, result: Any) -> None:
    with pytest.raises(ValueError, match="holds no serverTime"):
        dialect.server_time(result)


@pytest.mark.parametrize(
    ("recv_window", "seconds"),
    [
        *((None, 5.0), (100, 0.1), ("1500.5", 1.5005), (60000, 60.0)),
        *((wrong, 60.0) for wrong in ("nan", "inf", "-1", 10**9, 10**99, "no number", [1])),
    ],
)
def test_how_long_a_write_may_be_accepted_is_known(dialect: Any, recv_window: Any, seconds: float) -> None:
    request = dialect.request("order.place", {**LIMIT_ORDER, "recvWindow": recv_window}, True, True, unused)
    question = dialect.question(request, NOON, 0.25, 7)
    assert question.accepted_until == pytest.approx(NOON + seconds)
    assert (question.serial, question.timestamp, question.clock_error) == (7, NOON, 0.25)
    assert question.client_order_id == unused()


def ed25519(**options: Any) -> BinanceDialect:
    vector = next(vector for vector in VECTORS if vector["key_type"] == "Ed25519")
    return BinanceDialect("the key", load_signer(vector["private_key"]), **options)


def logging_on() -> tuple[LogOn, int]:
    handshake = ed25519().handshake()
    assert handshake is not None
    text = handshake.begin(NOON)
    assert text is not None
    request = json.loads(text)
    assert request["method"] == "session.logon"
    assert request["params"].keys() == {"apiKey", "timestamp", "signature"}
    assert not handshake.is_done
    return handshake, request["id"]


def test_only_some_keys_can_log_on_and_only_where_wanted() -> None:
    assert make().handshake() is None
    assert BinanceDialect().handshake() is None
    assert ed25519(log_on=False).handshake() is None


def test_a_log_on_is_done_when_its_own_answer_came() -> None:
    handshake, key = logging_on()
    for other in ({"id": key + 1, "status": 200, "result": {}}, {"event": {"e": "serverShutdown"}}, 7):
        assert handshake.feed(json.dumps(other), NOON) is None
        assert not handshake.is_done
    handshake.feed(json.dumps({"id": key, "status": 200, "result": {}}), NOON)
    assert handshake.is_done


@pytest.mark.parametrize("is_named", [True, False])
def test_a_refused_log_on_says_so(is_named: bool) -> None:
    handshake, key = logging_on()
    with pytest.raises(AuthError) as caught:
        handshake.feed(json.dumps(error(401, -2015, "Invalid API-key", key=key if is_named else None)), NOON)
    assert caught.value.code == -2015
    assert not handshake.is_done


def test_logging_out_is_told_from_all_else(dialect: Any) -> None:
    assert dialect.logs_off(dialect.request("session.logout", None, False, False, unused))
    assert not dialect.logs_off(dialect.request("session.status", None, False, False, unused))


@given(entropy=st.binary(min_size=22, max_size=36))
def test_client_order_ids_are_plain_and_spell_no_words(entropy: bytes) -> None:
    name = new_client_order_id(entropy)
    assert len(name) == len(entropy) <= 36
    assert name.isascii()
    assert name.isalnum()
    assert not set(name) & set("aeiouAEIOUlL")


def test_client_order_ids_use_all_of_their_alphabet() -> None:
    assert len(set(new_client_order_id(bytes(range(256))))) == 30
