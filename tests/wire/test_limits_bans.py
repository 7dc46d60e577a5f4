"""What the exchange's refusals do: everybody holds back until it says, and then service resumes by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest
from counting_server import Rule, orders, weight
from limits_bench import A_WHILE, NOON, PLACEMENT, SOON, Bench, eventually

from crypto_ws_sync import ConnectionFailed, IPBanned, OutOfService, RateLimited, ServerError, UserWSSession
from crypto_ws_sync.simulator import ManualClock, SimulatedExchange

# Each waits some ten times for the session's thread and the server's, on a machine that may stall for seconds.
pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def bench() -> Iterator[Bench]:
    with Bench() as bench:
        yield bench


def ask_in_all_ways(session: UserWSSession) -> float:
    """Ask while held back; return when service is said to resume."""
    with pytest.raises(OutOfService) as held:
        session.handle_request("ping")
    assert session.handle_request("ping", on_limit="none") is None
    with pytest.raises(OutOfService):
        session.handle_request("order.place", PLACEMENT)
    assert not session.operational_status
    assert not session.order_handling
    assert not session.wait_operational(A_WHILE)
    assert held.value.reason
    assert held.value.retry_at is not None
    return held.value.retry_at


def unknown_answer(key: Any, params: Any) -> dict[str, Any]:
    """Answer that nobody knows what became of a request."""
    return {"id": key, "status": 503, "error": {"code": -1007, "msg": "Timeout waiting for response."}}


def test_a_ban_stops_requests_look_ups_and_reconnects_until_it_ends(bench: Bench) -> None:
    server, clock = bench.server, bench.clock
    session = bench.open()
    until = clock.now() + 120.0

    def place(key: Any, params: Any) -> dict[str, Any]:
        server.banned_until = until
        return unknown_answer(key, params)

    server.hooks["order.place"] = place
    lost = session.submit("order.place", PLACEMENT, timeout=60.0)
    # The look-up of the lost order is what runs into the ban: once, if the machine does not stall for seconds.
    eventually(lambda: session.status().counters["throttled"] >= 1)
    waiting = session.submit("ping", on_limit="wait", timeout=60.0)
    with pytest.raises(OutOfService) as held:
        session.handle_request("ping")
    assert held.value.retry_at == pytest.approx(until, abs=0.1)
    server.drop_all()
    assert {seen.method for seen in server.refused()} == {"order.status"}
    before = bench.traffic()
    ask_in_all_ways(session)
    clock.advance(119.0)
    ask_in_all_ways(session)
    assert bench.traffic() == before
    assert not waiting.done()
    clock.advance(1.1)
    assert session.wait_operational(SOON)
    assert waiting.result(SOON) == {}
    server.wait(lambda: len(server.of("order.status")) >= 2)
    assert server.attempts[-1] >= until
    assert all(seen.at >= until for seen in server.seen[before[0] :])

    def is_told_absent() -> bool:
        # The look-ups go by the exchange's clock, so it has to go on; the session is asked to keep pace with it.
        clock.advance(0.5)
        return session.status().unresolved == 0

    eventually(is_told_absent)
    assert isinstance(lost.exception(), ServerError)
    assert session.status().counters["throttled"] == len(server.refused())


@pytest.mark.parametrize("tells", [True, False], ids=["retryAfter", "without retryAfter"])
def test_a_429_for_weight_stops_everything_until_its_window_ends(bench: Bench, tells: bool) -> None:
    server, clock = bench.server, bench.clock
    session = bench.open()
    server.tells_retry_after = tells
    bench.use_up(server.rules[0])
    with pytest.raises(RateLimited) as refused:
        session.handle_request("ping")
    assert refused.value.retry_at == pytest.approx(NOON + 60.0, abs=0.1)
    waiting = session.submit("ping", on_limit="wait", timeout=15.0)
    before = bench.traffic()
    assert ask_in_all_ways(session) == pytest.approx(NOON + 60.0, abs=0.1)
    assert bench.traffic() == before
    clock.advance(59.1)
    assert waiting.result(SOON) == {}
    assert session.operational_status


def test_who_waits_is_sent_again_after_a_429_and_sees_nothing_of_it(bench: Bench) -> None:
    server, clock = bench.server, bench.clock
    session = bench.open()
    bench.use_up(server.rules[0])
    waiting = session.submit("ping", on_limit="wait", timeout=15.0)
    eventually(lambda: session.status().counters["throttled"] == 1)
    assert not session.wait_operational(A_WHILE)
    clock.advance(60.0)
    assert waiting.result(SOON) == {}
    assert len(server.refused()) == 1


def test_an_answer_of_418_says_that_the_address_is_banned(bench: Bench) -> None:
    server, clock = bench.server, bench.clock
    session = bench.open()
    server.banned_until = clock.now() + 120.0
    with pytest.raises(IPBanned) as banned:
        session.handle_request("ping")
    assert banned.value.retry_at == pytest.approx(clock.now() + 120.0, abs=0.1)
    status = session.status()
    assert status.out_of_service
    assert status.retry_at == pytest.approx(clock.now() + 120.0, abs=0.1)


def test_a_ban_that_belongs_to_no_request_is_obeyed_too(bench: Bench) -> None:
    server, clock = bench.server, bench.clock
    session = bench.open()
    until = clock.now() + 30.0
    data = {"retryAfter": round(until * 1000)}
    server.say(json.dumps({"id": None, "status": 418, "error": {"code": -1003, "msg": "", "data": data}}))
    eventually(lambda: not session.operational_status)
    assert ask_in_all_ways(session) == pytest.approx(until, abs=0.1)
    clock.advance(30.1)
    assert session.wait_operational(SOON)


def test_too_many_orders_stop_placements_and_nothing_else(bench: Bench) -> None:
    server, clock = bench.server, bench.clock
    session = bench.open()
    server.tells_limits = False
    server.tells_retry_after = False
    server.rules = (weight(60, 6000), orders(10, 5))
    for _ in range(5):
        session.handle_request("order.place", PLACEMENT)
    with pytest.raises(RateLimited) as refused:
        session.handle_request("order.place", PLACEMENT)
    assert refused.value.code == -1015
    assert refused.value.retry_at == pytest.approx(NOON + 10.0, abs=0.1)
    assert session.operational_status
    assert not session.order_handling
    assert session.handle_request("order.place", PLACEMENT, on_limit="none") is None
    with pytest.raises(OutOfService):
        session.handle_request("order.place", PLACEMENT)
    waiting: Future[Any] = session.submit("order.place", PLACEMENT, on_limit="wait", timeout=15.0)
    assert session.handle_request("ping") == {}
    assert session.handle_request("depth", {"symbol": "BTCUSDT"}) == {}
    assert len(server.of("order.place")) == 6
    status = session.status()
    assert status.out_of_service is None
    assert status.orders_out_of_service
    assert status.orders_retry_at == pytest.approx(NOON + 10.0, abs=0.1)
    clock.advance(9.1)
    assert waiting.result(SOON)["status"] == "NEW"
    assert session.order_handling


@pytest.mark.parametrize("tells", [True, False], ids=["retryAfter", "without retryAfter"])
def test_fills_give_room_back_where_the_exchange_has_not_said_until_when(bench: Bench, tells: bool) -> None:
    server = bench.server
    session = bench.open()
    server.tells_retry_after = tells
    bench.use_up(server.rules[1])
    with pytest.raises(RateLimited):
        session.handle_request("order.place", PLACEMENT)
    session.account_rate_limits_orders()
    assert not session.order_handling, "the count is as it was"
    bench.use_up(server.rules[1], all_but=5)
    session.account_rate_limits_orders()
    assert session.order_handling is not tells
    assert (session.handle_request("order.place", PLACEMENT, on_limit="none") is None) is tells


@pytest.mark.parametrize("status", [429, 418])
def test_a_refused_handshake_holds_other_sessions_back_too(bench: Bench, status: int) -> None:
    server, clock = bench.server, bench.clock
    serving = bench.open()
    server.refusals = [(status, "30")]
    late = bench.make()
    with pytest.raises(ConnectionFailed) as failed:
        late.start(A_WHILE)
    assert failed.value.retry_at == pytest.approx(clock.now() + 30.0, abs=0.1)
    before = bench.traffic()
    assert ask_in_all_ways(serving) == pytest.approx(clock.now() + 30.0, abs=0.1)
    with pytest.raises(ConnectionFailed) as failed:
        late.start(A_WHILE)
    assert failed.value.retry_at == pytest.approx(clock.now() + 30.0, abs=0.1)
    assert bench.traffic() == before
    clock.advance(30.1)
    assert serving.wait_operational(SOON)
    assert late.start().handle_request("ping") == {}


def test_reconnects_go_through_the_limit_of_connections(bench: Bench) -> None:
    server, clock = bench.server, bench.clock
    session = bench.open()
    server.rules = (weight(60, 6000), Rule("CONNECTIONS", 300, 3))
    session.handle_request("exchangeInfo")
    for attempts in (2, 3):
        server.drop_all()
        server.wait(lambda attempts=attempts: len(server.attempts) == attempts)  # type: ignore[misc]  # bound early
        assert session.handle_request("ping") == {}
    server.drop_all()
    eventually(lambda: session.status().connection_age is None)
    assert not session.wait_operational(A_WHILE)
    assert len(server.attempts) == 3
    clock.advance(300.0)
    assert session.wait_operational(SOON)
    assert len(server.attempts) == 4


def test_two_exchanges_in_one_process_do_not_throttle_each_other() -> None:
    few = {"REQUEST_WEIGHT": 20}
    clock = ManualClock(NOON + 1.0)
    with (
        SimulatedExchange(rate_limits=few, clock=clock) as one,
        SimulatedExchange(clock=clock) as other,
        UserWSSession(endpoint=one.endpoint, clock=clock) as first,
        UserWSSession(endpoint=other.endpoint, clock=clock) as second,
    ):
        while first.handle_request("ping") is not None:
            pass
        assert not first.operational_status
        assert second.operational_status
        assert [second.handle_request("ping") for _ in range(50)] == [{}] * 50
        one.faults.ban(120)
        clock.advance(60.0)
        eventually(lambda: first.status().retry_at is not None)
        assert first.handle_request("ping") is None
        assert second.handle_request("ping") == {}
