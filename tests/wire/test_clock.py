"""Signed requests over real sockets, whatever the exchange's clock and this machine's do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest
from counting_server import API_KEY, API_SECRET, CountingServer, Seen, orders, weight
from limits_bench import NOON, PLACEMENT, SOON, Bench, eventually

from crypto_ws_sync import TimestampError, UserWSSession
from crypto_ws_sync.engine import deadlines
from crypto_ws_sync.engine.context import TimeSource

PLENTY = (weight(60, 100_000), orders(10, 10_000))
ASK_AGAIN = 600.0
HOUR = 3600.0


@pytest.fixture
def server() -> Iterator[CountingServer]:
    with CountingServer(PLENTY) as server:
        yield server


def open_session(server: CountingServer, **more: Any) -> UserWSSession:
    return UserWSSession(API_KEY, API_SECRET, **{"endpoint": server.url, "timeout": SOON, **more})


def ages(placed: list[Seen]) -> list[float]:
    """Return how old each timestamp was by the exchange's clock when its request was executed."""
    return [seen.at - seen.params["timestamp"] / 1000 for seen in placed]


def assert_offset(session: UserWSSession, offset: float) -> None:
    """The session knows the clock's offset as well as it says: a question that took long leaves doubt."""

    def is_right() -> bool:
        status = session.status()
        assert status.clock_offset is not None
        assert status.clock_error is not None
        return abs(status.clock_offset - offset) <= status.clock_error + 0.01

    # Time may pass between its looks at the two clocks, but not each time.
    assert any(is_right() for _ in range(20))


def time_of(session: UserWSSession) -> TimeSource:
    """Return where a session reads this machine's clocks."""
    return session._time


@pytest.mark.parametrize("skew", [40.0, -40.0])
def test_the_first_signed_request_is_accepted_by_an_exchange_whose_clock_is_far_off(
    server: CountingServer, skew: float
) -> None:
    server.skew = skew
    with open_session(server) as session:
        session.handle_request("order.place", PLACEMENT)
        assert_offset(session, skew)
    assert [seen.status for seen in server.of("order.place")] == [200]


@pytest.mark.parametrize("jump", [7.0, -7.0])
def test_a_jump_of_the_exchange_s_clock_is_not_noticed_by_callers(
    server: CountingServer, jump: float
) -> None:
    with open_session(server) as session:
        before = [session.submit("order.place", PLACEMENT) for _ in range(10)]
        assert all(future.result(SOON)["status"] == "NEW" for future in before)
        server.skew = jump
        after: list[Future[Any]] = [session.submit("order.place", PLACEMENT) for _ in range(10)]
        after += [session.submit("account.status") for _ in range(10)]
        assert all(future.exception(SOON) is None for future in after)
        assert session.status().counters["clock_repairs"] >= 1
        assert_offset(session, jump)
    assert len(server.orders) == 20
    assert len(server.attempts) == 1


def test_a_refused_timestamp_is_sent_once_more_with_the_same_id_and_a_new_time() -> None:
    with Bench(*PLENTY) as bench:
        session, server = bench.open(), bench.server
        server.skew = 7.0
        session.handle_request("order.place", PLACEMENT)
        used = {usage.name: usage.used for usage in session.status().limits}
    first, second = server.of("order.place")
    assert (first.status, second.status) == (400, 200)
    assert first.params["newClientOrderId"] == second.params["newClientOrderId"]
    assert second.params["timestamp"] - first.params["timestamp"] == pytest.approx(7000, abs=10)
    assert [seen.method for seen in server.seen] == ["time", "order.place", "time", "order.place"]
    assert used["orders_10s"] >= 1


def test_a_timestamp_that_is_refused_again_is_told(server: CountingServer) -> None:
    def refuse(key: Any, params: Any) -> dict[str, Any]:
        return {"id": key, "status": 400, "error": {"code": -1021, "msg": "outside of the recvWindow"}}

    server.hooks["order.place"] = refuse
    with open_session(server) as session, pytest.raises(TimestampError):
        session.handle_request("order.place", PLACEMENT)
    assert len(server.of("order.place")) == 2


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_a_step_of_the_local_wall_clock_changes_nothing(server: CountingServer, step: float) -> None:
    with open_session(server) as session:
        session.handle_request("order.place", PLACEMENT)
        before = session.status()
        time_of(session).wall = lambda: time.time() + step
        for _ in range(5):
            session.handle_request("order.place", PLACEMENT)
        # It looks like a machine that slept, so the time is asked for once more.
        server.wait(lambda: len(server.of("time")) == 2)
        session.handle_request("order.place", PLACEMENT)
        after = session.status()
        assert_offset(session, -step)
    assert after.counters["clock_repairs"] == 0
    assert after.reconnects == {}
    assert after.limits[0].resets_at == pytest.approx(before.limits[0].resets_at + step, abs=61.0)
    assert all(-1.0 < age < 5.0 for age in ages(server.of("order.place")))


def test_a_machine_that_slept_asks_for_the_time_at_once(server: CountingServer) -> None:
    with open_session(server) as session:
        # The monotonic clock stood still while the world went on.
        time_of(session).wall = lambda: time.time() + HOUR
        server.skew = HOUR
        server.wait(lambda: len(server.of("time")) == 2)
        eventually(lambda: (session.status().clock_error or 1.0) < 0.5)
        session.handle_request("order.place", PLACEMENT)
        assert_offset(session, 0.0)
        status = session.status()
    assert status.counters["clock_repairs"] == 0


@pytest.mark.parametrize(
    "delays", [((0.4, 0.4), (0.0, 0.0)), ((0.0, 0.0), (0.4, 0.4)), ((0.0, 0.4), (0.0, 0.4))]
)
def test_timestamps_stay_in_the_window_whatever_the_way_there_and_back_take(
    server: CountingServer, delays: tuple[tuple[float, float], tuple[float, float]]
) -> None:
    server.delays = delays
    began = time.monotonic()
    with open_session(server) as session:
        placed = [session.submit("order.place", PLACEMENT) for _ in range(20)]
        assert all(future.result(SOON)["status"] == "NEW" for future in placed)
        took = time.monotonic() - began
    # Never ahead of the exchange, and behind it by no more than the two ways and the round trip of the sample, which
    # a busy machine may make longer than they are.
    assert all(-0.002 <= age <= max(0.4 + 0.8, took) for age in ages(server.of("order.place")))


def test_the_time_is_asked_for_every_ten_minutes_and_after_each_reconnect() -> None:
    with Bench() as bench:
        session = bench.open()
        bench.clock.advance(ASK_AGAIN - 1.0)
        session.handle_request("ping")
        assert len(bench.server.of("time")) == 1
        bench.clock.advance(1.5)
        bench.server.wait(lambda: len(bench.server.of("time")) == 2)
        bench.server.drop_all()
        bench.server.wait(lambda: len(bench.server.of("time")) == 3)
        session.handle_request("ping")
        bench.clock.advance(ASK_AGAIN - 1.0)
        session.handle_request("ping")
        assert len(bench.server.of("time")) == 3


def test_a_jump_is_found_when_the_time_is_asked_for_again() -> None:
    with Bench() as bench:
        session = bench.open()
        bench.server.skew = -30.0
        bench.clock.advance(ASK_AGAIN + 0.5)
        eventually(lambda: round(session.status().clock_offset or 0.0) == -30)
        session.handle_request("order.place", PLACEMENT)
        assert session.status().counters["clock_repairs"] == 0


def fill(session: UserWSSession) -> None:
    """Use up what a window of orders allows."""
    while session.handle_request("order.place", PLACEMENT, on_limit="none") is not None:
        pass


def test_a_manual_clock_rules_timestamps_windows_and_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    # Each wait ends with the move of the clock, and not because somebody looks at it again a tick later.
    monkeypatch.setattr(deadlines, "TICK", 60.0)
    with Bench(weight(60, 1000), orders(10, 2)) as bench:
        session = bench.open(on_limit="wait")
        fill(session)
        stamps = {seen.params["timestamp"] for seen in bench.server.of("order.place")}
        assert stamps == {int(NOON * 1000) + 1000}
        assert session.status().orders_retry_at == pytest.approx(NOON + 10.0, abs=0.1)
        for _ in range(20):
            fill(session)
            waiting = session.submit("order.place", PLACEMENT, timeout=30.0)
            eventually(lambda: session.status().waiting == 1)
            bench.clock.advance(10.0)
            assert waiting.result(SOON)["status"] == "NEW"


def test_a_manual_clock_that_moves_during_the_question_does_not_leave_the_time_uncertain() -> None:
    with Bench(*PLENTY) as bench:
        session = bench.open()
        server, leaps = bench.server, iter([60.0, 60.0])

        def answer(key: Any, params: Any) -> dict[str, Any]:
            told = int(server_now() * 1000)
            bench.clock.advance(next(leaps, 0.0))
            return {"id": key, "status": 200, "result": {"serverTime": told}}

        def server_now() -> float:
            return bench.clock.now() + server.skew

        server.hooks["time"] = answer
        server.skew = 7.0
        # Its timestamp is refused, the time is asked for, and the clock moves twice before it has been told.
        session.handle_request("order.place", PLACEMENT)
        assert next(leaps, None) is None
        assert [seen.status for seen in server.of("order.place")] == [400, 200]
        assert session.status().clock_offset == pytest.approx(7.0, abs=0.01)
        assert session.status().clock_error < 0.01
