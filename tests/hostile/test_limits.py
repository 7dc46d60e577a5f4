"""429, 418 and rate limits in answers: out of service until the window ends, as `on_limit` says."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from bytes_server import LIMIT
from hostile_exchange import WEIGHT_LIMIT, Call, HostileExchange, Open, refusal

from crypto_ws_sync import IPBanned, OutOfService, RateLimited, RequestTimeout, UserWSSession
from crypto_ws_sync.simulator import ManualClock

ASKED = {"value": 1}
ORDER = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "1",
    "price": "100",
}


def _throttle(seconds: float | None, status: int = 429, code: int = -1003) -> Callable[[Call], None]:
    def hook(call: Call) -> None:
        now = call.exchange.now()
        data = None
        if seconds is not None:
            data = {"serverTime": int(now * 1000), "retryAfter": int((now + seconds) * 1000)}
        call.refuse(status, code, "Too much.", data)

    return hook


@pytest.mark.parametrize("on_limit", ["none", "raise"])
def test_a_429_is_told_and_holds_everything_back(
    exchange: HostileExchange, session: UserWSSession, on_limit: str
) -> None:
    exchange.once("test.echo", _throttle(60))
    asked_at = time.time()
    with pytest.raises(RateLimited) as caught:
        session.handle_request("test.echo", ASKED, on_limit=on_limit)
    assert caught.value.retry_at is not None
    assert asked_at - 1 <= caught.value.retry_at - 60 <= time.time() + 1
    assert not session.operational_status
    assert not session.order_handling
    assert session.handle_request("test.echo", ASKED, on_limit="none") is None
    with pytest.raises(OutOfService) as held:
        session.handle_request("test.echo", ASKED, on_limit="raise")
    assert held.value.retry_at == pytest.approx(caught.value.retry_at, abs=0.1)
    begun = time.monotonic()
    with pytest.raises(OutOfService):
        session.handle_request("test.echo", ASKED, on_limit="wait", timeout=20)
    with pytest.raises(OutOfService):
        session.ping(timeout=20)
    assert session.wait_operational(0.05) is False
    assert time.monotonic() - begun < 8
    assert session.handle_requests([("test.echo", ASKED)] * 3) == [None] * 3
    assert session.submit("test.echo", ASKED).result(LIMIT) is None
    assert len(exchange.seen("test.echo")) == 1
    status = session.status()
    assert status.out_of_service
    assert status.retry_at == pytest.approx(held.value.retry_at, abs=0.1)


def test_who_waits_is_sent_again_after_the_window(exchange: HostileExchange, session: UserWSSession) -> None:
    exchange.once("test.echo", _throttle(0.4))
    exchange.once("order.place", Call.answer)
    begun = time.monotonic()
    assert session.handle_request("test.echo", ASKED, on_limit="wait") == ASKED
    assert 0.35 < time.monotonic() - begun < 8
    assert session.operational_status


def test_an_order_is_sent_again_after_a_429_under_the_same_id(
    exchange: HostileExchange, session: UserWSSession
) -> None:
    exchange.once("order.place", _throttle(0.3, 429, -1015))
    placed = session.handle_request("order.place", {**ORDER, "newClientOrderId": "one"}, on_limit="wait")
    assert placed["clientOrderId"] == "one"
    assert [call.params["newClientOrderId"] for call in exchange.seen("order.place")] == ["one", "one"]
    first, second = exchange.seen("order.place")
    assert second.params["timestamp"] > first.params["timestamp"]


def test_many_who_wait_come_back_without_a_herd(exchange: HostileExchange, session: UserWSSession) -> None:
    count = 0

    def hook(call: Call) -> None:
        nonlocal count
        count += 1
        (_throttle(0.3) if count <= 20 else Call.answer)(call)

    exchange.on("test.echo", hook)
    found = session.handle_requests([("test.echo", {"n": n}) for n in range(60)], on_limit="wait")
    assert found == [{"n": n} for n in range(60)]


@pytest.mark.parametrize("seconds", [-1000.0, -0.001, 0.0])
def test_a_retry_after_that_has_passed_is_no_leave_to_storm(
    exchange: HostileExchange, session: UserWSSession, seconds: float
) -> None:
    exchange.on("test.echo", _throttle(seconds))
    with pytest.raises((RateLimited, OutOfService, RequestTimeout)):
        session.handle_request("test.echo", ASKED, on_limit="wait", timeout=0.5)
    assert len(exchange.seen("test.echo")) < 5


def test_a_429_that_comes_when_its_caller_has_gone_holds_everybody_back(
    exchange: HostileExchange, session: UserWSSession
) -> None:
    late: list[Call] = []
    exchange.once("test.echo", late.append)
    with pytest.raises(RequestTimeout):
        session.handle_request("test.echo", ASKED, timeout=2)
    exchange.wait_for("test.echo")
    _throttle(30)(late[0])
    assert session.handle_request("test.echo", ASKED) in (ASKED, None), "it may have come in between"
    with pytest.raises(OutOfService) as held:
        session.handle_request("test.echo", ASKED, on_limit="raise")
    assert held.value.retry_at == pytest.approx(time.time() + 30, abs=5)
    assert not session.operational_status


def test_minus_1015_holds_back_placements_alone(exchange: HostileExchange, open_session: Open) -> None:
    # In the middle of the shortest window of orders, which does not end meanwhile.
    exchange.clock = clock = ManualClock(1_700_000_004.0)
    session = open_session(clock=clock)
    exchange.once("order.place", _throttle(None, 429, -1015))
    with pytest.raises(RateLimited) as caught:
        session.handle_request("order.place", ORDER)
    assert caught.value.retry_at == pytest.approx(1_700_000_010.0, abs=0.1)
    assert session.operational_status
    assert not session.order_handling
    assert session.handle_request("order.place", ORDER) is None
    assert session.handle_request("test.echo", ASKED) == ASKED
    assert len(exchange.seen("order.place")) == 1


def test_minus_1003_without_retry_after_holds_until_the_minute_ends(
    exchange: HostileExchange, open_session: Open
) -> None:
    exchange.clock = clock = ManualClock(1_700_000_004.0)
    session = open_session(clock=clock)
    exchange.once("test.echo", _throttle(None))
    with pytest.raises(RateLimited) as caught:
        session.handle_request("test.echo", ASKED)
    assert caught.value.retry_at is not None
    now = exchange.now()
    assert caught.value.retry_at == pytest.approx((now // 60 + 1) * 60, abs=1)
    assert not session.operational_status


def test_a_418_is_a_ban_of_everything(exchange: HostileExchange, session: UserWSSession) -> None:
    exchange.once("test.echo", _throttle(60, 418))
    with pytest.raises(IPBanned):
        session.handle_request("test.echo", ASKED, on_limit="wait")
    assert not session.operational_status
    # It closes the connection, too: no other is tried while the ban lasts, and callers are told of the ban.
    exchange.wire(1).cut()
    with pytest.raises(OutOfService):
        session.handle_request("test.echo", ASKED, on_limit="wait")
    assert session.handle_request("test.echo", ASKED) is None
    assert len(exchange.server.wires) == 1


def _limits(limit: int, count: int, interval: str = "SECOND", number: int = 1) -> list[dict[str, Any]]:
    return [
        {**WEIGHT_LIMIT, "count": 1},
        {
            "rateLimitType": "REQUEST_WEIGHT",
            "interval": interval,
            "intervalNum": number,
            "limit": limit,
            "count": count,
        },
    ]


def test_a_full_window_in_an_answer_puts_the_session_out_of_service_until_it_ends(
    exchange: HostileExchange, session: UserWSSession
) -> None:
    exchange.limits = _limits(10, 10)
    session.handle_request("test.echo", ASKED)
    exchange.limits = _limits(10, 1)
    begun = time.monotonic()
    assert session.handle_request("test.echo", ASKED, on_limit="wait") == ASKED
    assert time.monotonic() - begun < 8
    assert session.operational_status


@pytest.mark.parametrize("interval", ["MINUTE", "HOUR", "DAY"])
def test_a_full_long_window_is_told_with_its_end(
    exchange: HostileExchange, open_session: Open, interval: str
) -> None:
    exchange.clock = clock = ManualClock(1_700_000_004.0)
    session = open_session(clock=clock)
    seconds = {"MINUTE": 60, "HOUR": 3600, "DAY": 86400}[interval]
    number = 7
    exchange.limits = _limits(10, 10, interval, number)
    session.handle_request("test.echo", ASKED)
    assert not session.operational_status
    with pytest.raises(OutOfService) as caught:
        session.handle_request("test.echo", ASKED, on_limit="raise")
    span = seconds * number
    assert caught.value.retry_at == pytest.approx((exchange.now() // span + 1) * span, abs=1)


def test_no_number_of_threads_overruns_a_window(exchange: HostileExchange, session: UserWSSession) -> None:
    """A server that counts for itself, one second at a time, and refuses what is too much, refuses nothing."""
    counts: dict[int, int] = {}
    refused = []

    def hook(call: Call) -> None:
        second = int(exchange.now())
        counts[second] = counts.get(second, 0) + 1
        if counts[second] > 50:
            refused.append(call)
        exchange.limits = _limits(50, counts[second])
        call.answer()

    exchange.on("test.echo", hook)
    session.handle_request("test.echo", ASKED)
    found = session.handle_requests([("test.echo", {"n": n}) for n in range(80)], on_limit="wait")
    assert found == [{"n": n} for n in range(80)]
    assert not refused
    assert max(counts.values()) >= 40


def test_a_refusal_of_the_first_question_is_waited_out(exchange: HostileExchange) -> None:
    exchange.once("time", _throttle(0.3))
    begun = time.monotonic()
    with UserWSSession(endpoint=exchange.url) as session:
        assert session.handle_request("test.echo", ASKED) == ASKED
    assert 0.2 < time.monotonic() - begun < 8


def test_a_look_up_that_is_refused_is_asked_again_after_the_window(
    exchange: HostileExchange, session: UserWSSession
) -> None:
    exchange.once("order.place", lambda call: (call.execute(), call.wire.finish())[1])
    exchange.once("order.status", _throttle(0.3))
    placed = session.handle_request("order.place", {**ORDER, "newClientOrderId": "one"})
    assert placed["clientOrderId"] == "one"


def test_an_answer_with_429_to_a_wrong_id_is_not_believed(
    exchange: HostileExchange, session: UserWSSession
) -> None:
    exchange.once(
        "test.echo", lambda call: (call.wire.send_text(refusal(10**6, 429, -1003)), call.answer())[1]
    )
    assert session.handle_request("test.echo", ASKED) == ASKED
    assert session.operational_status


def test_sessions_of_one_address_share_a_ban(exchange: HostileExchange, open_session: Open) -> None:
    first, second = open_session(), open_session()
    exchange.once("test.echo", _throttle(30))
    with pytest.raises(RateLimited):
        first.handle_request("test.echo", ASKED)
    assert second.handle_request("test.echo", ASKED) is None
    assert not second.operational_status


@pytest.mark.parametrize("key", [None, "own"])
def test_no_ban_is_longer_than_the_longest_there_is(
    exchange: HostileExchange, session: UserWSSession, key: str | None
) -> None:
    """Three days by the exchange's documents: a time in another unit would keep a program out for good."""
    data = {"retryAfter": int((time.time() + 1e8) * 1000)}
    exchange.once(
        "test.echo",
        lambda call: call.wire.send_text(refusal(call.id if key else None, 418, -1003, "no", data)),
    )
    with pytest.raises((OutOfService, RateLimited, RequestTimeout)):
        session.handle_request("test.echo", timeout=0.3)
    with pytest.raises(OutOfService) as caught:
        session.handle_request("test.echo", on_limit="raise")
    assert caught.value.retry_at is not None
    assert caught.value.retry_at - time.time() == pytest.approx(3 * 86400, abs=60)
