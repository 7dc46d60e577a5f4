"""Texts that are no answers, answers to nobody, and answers with rubbish inside: counted, and the session goes on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hostile_exchange import Call, HostileExchange, refusal

from crypto_ws_sync import ApiError, RequestTimeout, UserWSSession

RUBBISH: list[Any] = [
    "",
    " ",
    "rubbish",
    "{",
    '{"id":1,"status":200,"result":{}}{',
    "null",
    "true",
    "5",
    '"text"',
    "[]",
    '[{"id":1,"status":200,"result":{}}]',
    "{}",
    '{"id":1}',
    '{"id":1,"result":{}}',
    '{"id":1,"status":"200","result":{}}',
    '{"id":1,"status":null,"result":{}}',
    '{"id":1,"status":true,"result":{}}',
    '{"id":1,"status":200.0,"result":{}}',
    '{"status":200,"result":{}}',
    '{"id":NaN,"status":200,"result":{}}',
    "[" * 100_000,
    '{"a":' * 100_000,
    '{"id":1,"status":200,"result":NaN}',
    '{"id":1,"status":200,"result":[Infinity]}',
    '{"id":1,"status":200,"result":' + "[" * 100_000,
    '{"id":1,"status":200,"result":' + "[" * 256 + "]" * 256 + "}",
    '{"id":1,"status":200,"result":' + '{"a":' * 950 + "1" + "}" * 951,
    '{"id":1,"status":200,"result":{}}\n{"id":1,"status":200,"result":{}}',
    '{"event":null}',
    '{"event":5}',
    '{"event":{}}',
    '{"event":{"e":5}}',
    '{"subscriptionId":[],"event":{"e":"news"}}',
    "\ufeff{}",
    "1" * 5000,
    '{"id":' + "9" * 5000 + ',"status":200}',
]

WRONG_IDS: list[Any] = [
    None,
    "1",
    "unknown",
    "",
    0,
    -1,
    10**9,
    2**63,
    2**64,
    -(2**70),
    10**400,
    1.0,
    2.5,
    True,
    [],
    [1],
    {},
    {"id": 1},
    "x" * 10_000,
]


@pytest.mark.parametrize("text", RUBBISH, ids=lambda text: repr(text[:40]))
def test_a_text_that_is_no_answer_is_ignored(
    exchange: HostileExchange, session: UserWSSession, text: str
) -> None:
    def answer(call: Call) -> None:
        # The last id that was used is the one most likely to hit somebody.
        call.wire.send_text(text.replace('"id":1,', f'"id":{call.id},') if "200," in text else text)
        call.answer()

    exchange.on("test.echo", answer)
    assert session.handle_request("test.echo", {"value": 1}) == {"value": 1}
    assert session.handle_request("test.echo", {"value": 2}) == {"value": 2}
    counters = session.status().counters
    assert counters["ignored"] + counters["events"] == 2
    assert len(exchange.server.wires) == 1


@pytest.mark.parametrize("status", [200, 400, 429, 418, 503])
def test_an_answer_with_a_wrong_id_reaches_nobody(
    exchange: HostileExchange, session: UserWSSession, status: int
) -> None:
    for wrong in WRONG_IDS:
        said = refusal(wrong, status, -1000) if status != 200 else {"id": wrong, "status": 200, "result": 5}
        exchange.once("test.echo", lambda call, said=said: (call.wire.send_text(said), call.answer())[1])  # type: ignore[misc]
        assert session.handle_request("test.echo", {"value": 1}) == {"value": 1}
    assert len(exchange.server.wires) == 1


def test_the_first_of_two_answers_is_the_answer(exchange: HostileExchange, session: UserWSSession) -> None:
    def twice(call: Call) -> None:
        call.answer()
        call.answer({"id": call.id, "status": 200, "result": "second"})
        call.refuse(400, -1100)

    exchange.on("test.echo", twice)
    for value in range(20):
        assert session.handle_request("test.echo", {"value": value}) == {"value": value}
    session.handle_request("ping")
    assert session.status().counters["duplicate"] == 40


WRONG_ERRORS: list[Any] = [
    None,
    5,
    "text",
    [],
    {},
    {"code": "x", "msg": 5},
    {"code": None},
    {"code": 10**30, "msg": "big"},
    {"code": -1100, "msg": None, "data": 7},
    {"code": -1100, "msg": "", "data": {"retryAfter": "soon"}},
    {"code": -2021, "msg": "", "data": {"cancelResult": []}},
]


@pytest.mark.parametrize("status", [400, 401, 403, 409, 500, 599, 1, 0, -1])
def test_an_error_of_any_shape_is_an_error_of_ours(
    exchange: HostileExchange, session: UserWSSession, status: int
) -> None:
    for error in WRONG_ERRORS:
        said = {"status": status, "error": error}
        exchange.on("test.echo", lambda call, said=said: call.answer({"id": call.id, **said}))  # type: ignore[misc]
        with pytest.raises(ApiError) as caught:
            session.handle_request("test.echo")
        assert (caught.value.method, caught.value.status) == ("test.echo", status)


WRONG_LIMITS: list[Any] = [
    None,
    5,
    "text",
    {},
    [None],
    [[]],
    [{}],
    [{"rateLimitType": []}],
    [{"rateLimitType": "REQUEST_WEIGHT", "interval": {}, "intervalNum": 1, "limit": 5, "count": 9}],
    [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": "1", "limit": 5, "count": 9}],
    [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 0, "limit": 5, "count": 9}],
    [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": -1, "limit": 5, "count": 9}],
    [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 10**30, "limit": 5, "count": 9}],
    [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": "x", "count": 9}],
    [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 0, "count": 9}],
    [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": -5, "count": 9}],
    [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 10**30, "count": 9}],
    [{"rateLimitType": "UNHEARD_OF", "interval": "MINUTE", "intervalNum": 1, "limit": 5, "count": 9}],
    [{"rateLimitType": "REQUEST_WEIGHT", "interval": "AEON", "intervalNum": 1, "limit": 5, "count": 9}],
]  # fmt: skip


@pytest.mark.parametrize("limits", WRONG_LIMITS, ids=lambda limits: repr(limits)[-60:])
def test_limits_that_make_no_sense_hold_nobody_back(
    exchange: HostileExchange, session: UserWSSession, limits: Any
) -> None:
    exchange.on("test.echo", lambda call: call.answer({**call.execute(), "rateLimits": limits}))
    for value in range(3):
        asked = {"value": value}
        assert session.handle_request("test.echo", asked, on_limit="raise") == asked
    assert session.operational_status


def test_answers_that_tell_ever_more_limits_slow_nothing_down(
    exchange: HostileExchange, session: UserWSSession
) -> None:
    """Each window costs every request its time."""
    one = {"rateLimitType": "REQUEST_WEIGHT", "interval": "SECOND", "limit": 10**6, "count": 1}
    numbers = iter(range(1, 10**6))
    exchange.on(
        "test.echo",
        lambda call: call.answer(
            {**call.execute(), "rateLimits": [{**one, "intervalNum": next(numbers)} for _ in range(40)]}
        ),
    )
    for value in range(50):
        assert session.handle_request("test.echo", {"value": value}) == {"value": value}
    assert len(session.status().limits) < 24


@pytest.mark.parametrize("result", [None, 0, False, "", [], {}, 1.5, "text", [None]])
def test_a_result_of_any_kind_is_the_result(
    exchange: HostileExchange, session: UserWSSession, result: Any
) -> None:
    exchange.on("test.echo", lambda call: call.answer({"id": call.id, "status": 200, "result": result}))
    assert session.handle_request("test.echo") == result


@pytest.mark.parametrize("number", [2**53 + 1, -(2**53) - 1, 2**63, 2**64 + 1, 10**25 + 1])
def test_a_whole_number_keeps_all_its_digits(
    exchange: HostileExchange, session: UserWSSession, number: int
) -> None:
    exchange.on("test.echo", lambda call: call.answer({"id": call.id, "status": 200, "result": [number]}))
    assert str(session.handle_request("test.echo")) == f"[{number}]"


def test_of_repeated_keys_the_last_counts(exchange: HostileExchange, session: UserWSSession) -> None:
    """An answer with two ids belongs to one caller, and to the same with either codec."""
    exchange.on(
        "test.echo",
        lambda call: call.wire.send_text(
            f'{{"id":{call.id + 1},"id":{call.id},"status":400,"status":200,"result":1,"result":{{"a":1,"a":2}}}}'
        ),
    )
    assert session.handle_request("test.echo") == {"a": 2}
    assert session.status().counters["ignored"] == 0


def _nested(levels: int) -> Any:
    found: Any = "x"
    for level in range(levels):
        found = [found] if level % 2 else {"a": found, "b": "[{"}
    return found


def test_an_answer_of_256_levels_is_read_and_a_deeper_one_is_none(
    exchange: HostileExchange, session: UserWSSession
) -> None:
    """Both JSON codecs stop there; the read ends for want of an answer, and the next one is answered."""
    levels = 255

    def answer(call: Call) -> None:
        call.answer({"id": call.id, "status": 200, "result": _nested(levels)})

    exchange.on("test.echo", answer)
    assert session.handle_request("test.echo") == _nested(255)
    levels = 256
    with pytest.raises(RequestTimeout):
        session.handle_request("test.echo", timeout=2)
    levels = 255
    assert session.handle_request("test.echo") == _nested(255)
    assert session.status().counters["ignored"] == 1
    assert len(exchange.server.wires) == 1


@pytest.mark.timeout(
    60
)  # the look-up begins when 2 s have passed without an answer; a guard for a busy machine
def test_an_order_whose_answer_is_nested_too_deep_is_looked_up(
    exchange: HostileExchange, session: UserWSSession
) -> None:
    exchange.on("order.place", lambda call: call.answer({**call.execute(), "more": _nested(300)}))
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    order |= {"quantity": "1", "price": "100", "newClientOrderId": "mine"}
    placed = session.handle_request("order.place", order, timeout=25)
    assert (placed["clientOrderId"], placed["orderId"]) == ("mine", 1)
    assert len(exchange.seen("order.place")) == 1
    assert exchange.seen("order.status")


@pytest.mark.parametrize("key", ["mine", 5, None, "", [], {}])
def test_events_of_unknown_types_reach_the_stream_as_they_are(
    exchange: HostileExchange, session: UserWSSession, key: Any
) -> None:
    told = {"e": "neverHeardOf", "E": 1, "big": 2**70, "deep": [[{"a": None}]], "e2": key}
    with session.user_data(timeout=5) as events:
        call = exchange.wait_for("userDataStream.subscribe.signature")
        call.wire.send_text({"subscriptionId": 0, "event": told})
        call.wire.send_text({"event": told})
        assert next(events) == told
        assert next(events) == told


def test_an_answer_without_a_result_is_none(exchange: HostileExchange, session: UserWSSession) -> None:
    exchange.on("test.echo", lambda call: call.answer({"id": call.id, "status": 200}))
    assert session.handle_request("test.echo") is None


def test_rubbish_between_the_handshake_and_the_first_answer() -> None:
    exchange = HostileExchange()

    def greet(call: Call) -> None:
        for text in ("", "[]", '{"event":{"e":"news"}}', json.dumps({"id": None, "status": 200})):
            call.wire.send_text(text)
        call.answer()

    exchange.once("time", greet)
    with exchange.server, UserWSSession(endpoint=exchange.url) as session:
        assert session.handle_request("test.echo", {"value": 1}) == {"value": 1}
