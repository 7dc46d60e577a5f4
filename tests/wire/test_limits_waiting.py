"""Who waits for a limit and who is told: first come first served, and `on_limit` for full windows alone."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest
from counting_server import CountingServer, Rule, orders, weight
from limits_bench import A_WHILE, NOON, PLACEMENT, SOON, Bench, eventually

from crypto_ws_sync import OutOfService, UserWSSession
from crypto_ws_sync.simulator import ManualClock, SimulatedExchange

TEN = weight(60, 10)


def fill(session: UserWSSession) -> int:
    """Use up what a window allows; return how many were served."""
    served = 0
    while session.handle_request("ping", on_limit="none") is not None:
        served += 1
    return served


def test_a_full_window_is_answered_as_the_caller_asked() -> None:
    with Bench(TEN) as bench:
        session = bench.open()
        assert 10 - 2 - 1 - 2 <= fill(session) <= 10 - 2 - 1
        assert session.handle_request("ping", on_limit="none") is None
        with pytest.raises(OutOfService) as held:
            session.handle_request("ping", on_limit="raise")
        assert held.value.retry_at == pytest.approx(NOON + 60.0, abs=0.1)
        assert "weight" in held.value.reason
        waiting = session.submit("ping", on_limit="wait", timeout=15.0)
        assert not session.wait_operational(A_WHILE)
        bench.clock.advance(59.1)
        assert waiting.result(SOON) == {}
        assert not bench.server.refused()


def test_a_caller_whose_time_ends_before_the_window_is_told_at_once() -> None:
    with CountingServer([weight(86400, 10)]) as server:
        # The day may end while this runs, so it is one that has just begun.
        server.skew = -(server.now() % 86400)
        with UserWSSession(endpoint=server.url, timeout=60.0) as session:
            fill(session)
            with pytest.raises(OutOfService) as held:
                session.handle_request("ping", on_limit="wait")
            assert held.value.retry_at == pytest.approx(time.time() + 86400, abs=60.0)
            with pytest.raises(OutOfService):
                session.ping()


def test_typed_methods_wait_for_the_window() -> None:
    with Bench(TEN) as bench:
        session = bench.open(on_limit="none")
        fill(session)
        answers: list[Any] = []
        caller = threading.Thread(target=lambda: answers.append(session.ping()))
        caller.start()
        eventually(lambda: session.status().waiting == 1)
        bench.clock.advance(59.1)
        caller.join(SOON)
        assert answers == [{}]


def hold_answers(bench: Bench, method: str) -> list[int]:
    """Let the server execute a method without answering; return the ids it owes answers to."""
    owed: list[int] = []

    def keep(key: int, params: Any) -> None:
        owed.append(key)

    bench.server.hooks[method] = keep
    return owed


def answer(bench: Bench, key: int, **more: Any) -> None:
    bench.server.say(json.dumps({"id": key, "status": 200, "result": {}, **more}))


def test_requests_in_flight_make_others_wait_whatever_they_asked_for() -> None:
    with Bench(TEN) as bench:
        session = bench.open()
        owed = hold_answers(bench, "ping")
        bench.server.rules = (weight(60, 1000),)
        asked = [session.submit("ping", on_limit=chosen) for chosen in ("none", "raise", "wait") * 5]
        eventually(lambda: session.status().waiting > 0)
        status = session.status()
        assert status.in_flight + status.waiting == len(asked)
        assert status.out_of_service is None
        assert session.operational_status
        assert not any(future.done() for future in asked)
        # The exchange has counted next to nothing, so all the room comes back with each answer.
        for number in range(len(asked)):
            bench.server.wait(lambda number=number: len(owed) > number)  # type: ignore[misc]  # bound early
            answer(bench, owed[number], rateLimits=[TEN.told(1)])
        assert [future.result(SOON) for future in asked] == [{}] * len(asked)


def test_who_waited_for_requests_in_flight_is_told_when_the_window_is_full_after_all() -> None:
    with Bench(TEN) as bench:
        session = bench.open()
        owed = hold_answers(bench, "ping")
        patient = [session.submit("ping", on_limit="wait", timeout=15.0) for _ in range(20)]
        none = session.submit("ping", on_limit="none")
        at_once = session.submit("ping", on_limit="raise")
        eventually(lambda: session.status().waiting >= 12)
        assert not none.done()
        in_flight = session.status().in_flight
        bench.server.wait(lambda: len(owed) == in_flight)
        for key in owed:
            answer(bench, key, rateLimits=[TEN.told(10)])
        assert none.result(SOON) is None
        assert isinstance(at_once.exception(SOON), OutOfService)
        eventually(lambda: sum(future.done() for future in patient) == in_flight)
        assert session.status().waiting == len(patient) - in_flight


def test_waiting_requests_are_served_in_the_order_in_which_they_came() -> None:
    with Bench(weight(60, 40)) as bench:
        session = bench.open(on_limit="wait")
        fill(session)
        symbols = [f"S{number}USDT" for number in range(60)]
        waiting = [session.submit("avgPrice", {"symbol": symbol}, timeout=30.0) for symbol in symbols]
        eventually(lambda: session.status().waiting == len(symbols))
        for served in (20, 40, 60):
            bench.clock.advance(60.0)
            assert all(future.result(SOON) == {} for future in waiting[:served])
            assert not any(future.done() for future in waiting[served:])
        assert [seen.params["symbol"] for seen in bench.server.of("avgPrice")] == symbols
        assert not bench.server.refused()


def test_a_heavy_request_that_waits_for_the_window_lets_light_ones_pass_and_is_first_in_the_next() -> None:
    with Bench(weight(60, 100)) as bench:
        session = bench.open()
        session.handle_request("depth", {"symbol": "BTCUSDT", "limit": 1000})
        heavy = session.submit("ticker.24hr", on_limit="wait", timeout=30.0)
        eventually(lambda: session.status().waiting == 1)
        assert session.handle_request("ping", on_limit="none") == {}
        assert session.operational_status
        assert fill(session) > 20
        light = [session.submit("avgPrice", {"symbol": "X"}, on_limit="wait", timeout=30.0) for _ in range(5)]
        eventually(lambda: session.status().waiting == 6)
        bench.clock.advance(59.1)
        assert [future.result(SOON) for future in (heavy, *light)] == [{}] * 6
        assert bench.server.seen[-6].method == "ticker.24hr"
        assert not bench.server.refused()


def test_what_no_window_could_ever_hold_is_refused_at_once() -> None:
    with Bench(weight(60, 50)) as bench:
        session = bench.open(on_limit="wait")
        with pytest.raises(OutOfService, match="more than may ever be used"):
            session.handle_request("ticker.24hr")
        assert session.handle_request("ping") == {}


def test_headroom_is_left_unused() -> None:
    with Bench(weight(60, 100)) as bench:
        session = bench.open(headroom=0.5)
        fill(session)
        assert bench.server.use(bench.server.rules[0])[int(NOON // 60)] <= 0.5


def test_documented_limits_hold_where_answers_tell_none() -> None:
    with Bench() as bench:
        bench.server.tells_limits = False
        session = bench.open(endpoint=bench.server.url + "?returnRateLimits=false")
        while session.handle_request("depth", {"symbol": "X", "limit": 5000}, on_limit="none") is not None:
            pass
        fill(session)
        placed = 0
        bench.clock.advance(60.0)
        while session.handle_request("order.place", PLACEMENT, on_limit="none") is not None:
            placed += 1
        assert placed == 50
        assert session.operational_status
        assert not bench.server.refused()
        assert 0.99 <= bench.server.use(bench.server.rules[0])[int(NOON // 60)] <= 1.0


def test_exchange_info_is_read_for_limits_when_the_caller_asks_for_it() -> None:
    with Bench(weight(60, 100), orders(10, 3)) as bench:
        bench.server.tells_limits = False
        session = bench.open()
        session.handle_request("exchangeInfo")
        limits = {usage.name: usage.limit for usage in session.status().limits}
        assert limits["weight_60s"] == 100
        assert limits["orders_10s"] == 3
        fill(session)
        assert not bench.server.refused()
        assert len(bench.server.of("exchangeInfo")) == 1


def test_order_counts_are_read_after_a_reconnect_if_orders_were_placed() -> None:
    with Bench() as bench:
        session = bench.open()
        bench.server.drop_all()
        bench.server.wait(lambda: len(bench.server.of("time")) == 2)
        assert session.handle_request("ping") == {}
        session.handle_request("order.place", PLACEMENT)
        assert not bench.server.of("account.rateLimits.orders")
        bench.use_up(bench.server.rules[1])
        bench.server.drop_all()
        bench.server.wait(lambda: len(bench.server.of("account.rateLimits.orders")) == 1)
        eventually(lambda: not session.order_handling)
        assert session.handle_request("order.place", PLACEMENT, on_limit="none") is None


def test_order_counts_are_not_read_where_they_do_not_fit() -> None:
    with Bench() as bench:
        session = bench.open()
        session.handle_request("order.place", PLACEMENT)
        bench.use_up(bench.server.rules[0], all_but=30)
        assert session.handle_request("ping") == {}
        bench.server.drop_all()
        bench.server.wait(lambda: len(bench.server.of("time")) == 2)
        assert session.handle_request("ping") == {}
        assert not bench.server.of("account.rateLimits.orders")


def test_fills_give_room_back() -> None:
    clock = ManualClock(NOON + 1.0)
    few: list[dict[str, str | int]] = [
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000},
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 5},
    ]
    with (
        SimulatedExchange(clock=clock, rate_limits=few) as exchange,
        UserWSSession(
            exchange.api_key, exchange.api_secret, endpoint=exchange.endpoint, clock=clock, on_limit="raise"
        ) as session,
    ):
        for _ in range(20):
            session.order_place(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.001")
        bid = float(session.ticker_book(symbol="BTCUSDT")["bidPrice"])
        resting = {**PLACEMENT, "quantity": "0.001", "price": f"{bid * 0.97:.2f}"}
        rested = 0
        while session.handle_request("order.place", resting, on_limit="none") is not None:
            rested += 1
        assert 1 <= rested <= 5
        assert not session.order_handling
        assert session.operational_status


def test_a_fill_that_the_account_is_asked_for_opens_the_window_again() -> None:
    few = Rule("ORDERS", 10, 3)
    with Bench(weight(60, 6000), few) as bench:
        session = bench.open()
        for _ in range(3):
            session.handle_request("order.place", PLACEMENT)
        assert not session.order_handling
        bench.use_up(few, all_but=2)
        session.account_rate_limits_orders()
        assert session.order_handling
        assert session.handle_request("order.place", PLACEMENT)["status"] == "NEW"
        assert not bench.server.refused()


def test_a_session_that_ends_leaves_its_room_to_the_others() -> None:
    with Bench(TEN) as bench:
        first, second = bench.open(), bench.open()
        owed = hold_answers(bench, "ping")
        in_flight = [first.submit("ping") for _ in range(20)]
        waiting = second.submit("ping", on_limit="wait", timeout=15.0)
        eventually(lambda: second.status().waiting == 1)
        first.stop(0.5)
        assert all(future.exception(SOON) is not None for future in in_flight)
        eventually(lambda: second.status().out_of_service is not None)
        sent = len(owed)
        bench.clock.advance(60.0)
        bench.server.wait(lambda: len(owed) == sent + 1)
        answer(bench, owed[-1])
        assert waiting.result(SOON) == {}
