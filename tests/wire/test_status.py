"""What `status()` tells of a session at work, and that its counts never fall."""

from __future__ import annotations

import json
from typing import Any

import pytest
from counting_server import orders, weight
from limits_bench import A_WHILE, NOON, PLACEMENT, SOON, Bench, eventually

from crypto_ws_sync import ApiError, OutOfService, RequestTimeout, UserWSSession


def hold_answers(bench: Bench, method: str) -> list[int]:
    """Let the server execute a method without answering; return the ids it owes answers to."""
    owed: list[int] = []

    def keep(key: int, params: Any) -> None:
        owed.append(key)

    bench.server.hooks[method] = keep
    return owed


def answer(bench: Bench, key: int) -> None:
    bench.server.say(json.dumps({"id": key, "status": 200, "result": {}}))


def counters(session: UserWSSession) -> dict[str, int]:
    return dict(session.status().counters)


def test_a_session_at_work_tells_all_of_itself() -> None:
    with Bench() as bench:
        bench.server.skew = 40.0
        session = bench.open()
        for _ in range(20):
            session.handle_request("ping")
        session.handle_request("order.place", PLACEMENT)
        bench.server.hooks["depth"] = lambda key, params: {
            "id": key,
            "status": 400,
            "error": {"code": -1121, "msg": "Invalid symbol."},
        }
        with pytest.raises(ApiError):
            session.handle_request("depth", {"symbol": "NONE"})
        status = session.status()
        assert (status.state, status.endpoint) == ("ready", bench.server.url)
        assert status.operational
        assert status.order_handling
        assert status.connection_age is not None
        assert status.connection_age < 10.0
        assert status.degraded is None
        assert status.clock_offset == pytest.approx(40.0, abs=0.5)
        assert status.clock_error is not None
        assert status.requests == {"depth rejected": 1, "order.place ok": 1, "ping ok": 20, "time ok": 1}
        assert status.round_trip_p50 is not None
        assert status.round_trip_p99 is not None
        assert 0 < status.round_trip_p50 <= status.round_trip_p99 < SOON
        limits = {usage.name: usage for usage in status.limits}
        assert {"weight_60s", "orders_10s"} <= limits.keys()
        assert limits["orders_10s"].used == 1
        assert limits["orders_10s"].limit == 50
        # By the local clock, which the exchange's is ahead of.
        assert limits["weight_60s"].resets_at == pytest.approx(NOON + 60.0 - 40.0, abs=0.1)


def test_requests_in_flight_waiting_and_held_back_are_told() -> None:
    with Bench(weight(60, 10), orders(10, 50)) as bench:
        session = bench.open()
        owed = hold_answers(bench, "ping")
        in_flight = session.submit("ping")
        bench.server.wait(lambda: len(owed) == 1)
        assert session.status().in_flight == 1
        answer(bench, owed[0])
        assert in_flight.result(SOON) == {}
        del bench.server.hooks["ping"]
        with pytest.raises(OutOfService):
            [session.handle_request("ping") for _ in range(10)]
        waiting = session.submit("ping", on_limit="wait", timeout=30.0)
        eventually(lambda: session.status().waiting == 1)
        status = session.status()
        assert status.out_of_service
        assert "weight" in status.out_of_service
        assert status.retry_at == pytest.approx(NOON + 60.0, abs=0.1)
        assert status.orders_out_of_service
        assert not status.operational
        assert not status.order_handling
        assert status.requests["ping out of service"] == 1
        assert "ends in 59.0 s" in str(status)
        bench.clock.advance(60.0)
        assert waiting.result(SOON) == {}


def test_late_doubled_and_unknown_answers_are_counted_and_outlive_their_connection() -> None:
    with Bench() as bench:
        session = bench.open()
        owed = hold_answers(bench, "ping")
        with pytest.raises(RequestTimeout):
            session.handle_request("ping", timeout=A_WHILE)
        answer(bench, owed[0])
        eventually(lambda: counters(session)["late"] == 1)
        answer(bench, owed[0])
        eventually(lambda: counters(session)["duplicate"] == 1)
        answer(bench, 1_000_000)
        eventually(lambda: counters(session)["unknown"] == 1)
        bench.server.say("no JSON")
        eventually(lambda: counters(session)["ignored"] == 1)
        before = counters(session)
        bench.server.drop_all()
        bench.server.wait(lambda: len(bench.server.of("time")) == 2)
        eventually(lambda: session.status().connection_age is not None)
        answer(bench, 1_000_000)
        eventually(lambda: counters(session)["unknown"] == 2)
        assert counters(session) == {**before, "unknown": 2}
        assert session.status().reconnects == {"1006": 1}
        session.stop()
        stopped = session.status()
        assert stopped.state == "stopped"
        assert stopped.counters == {**before, "unknown": 2}
        session.start()
        assert session.status().counters["late"] == 1
        assert session.status().reconnects == {"1006": 1}


def test_look_ups_and_their_verdicts_are_counted() -> None:
    with Bench() as bench:
        session = bench.open()

        def unknown(key: Any, params: Any) -> dict[str, Any]:
            bench.server._place(params, bench.clock.now())
            return {"id": key, "status": 503, "error": {"code": -1007, "msg": "Timeout"}}

        bench.server.hooks["order.place"] = unknown
        placed = session.handle_request("order.place", PLACEMENT)
        assert placed["orderId"] == 1
        status = session.status()
        assert status.counters["lookups"] >= 1
        assert status.counters["verdict_executed"] == 1
        assert status.counters["verdict_not_executed"] == 0
        assert status.requests["order.place unknown"] == 1
        assert status.unresolved == 0


def test_refused_timestamps_and_limits_are_counted() -> None:
    with Bench() as bench:
        session = bench.open()
        bench.server.skew = 7.0
        session.handle_request("order.place", PLACEMENT)
        bench.use_up(bench.server.rules[0])
        with pytest.raises(ApiError):
            session.handle_request("ping")
        status = session.status()
        assert (status.counters["clock_repairs"], status.counters["throttled"]) == (1, 1)
        assert status.requests["order.place clock"] == 1
        assert status.requests["ping throttled"] == 1


def flat(value: Any, name: str = "") -> dict[str, Any]:
    """Return the leaves of nested dicts under joined names, as a metrics system takes them."""
    if not isinstance(value, dict):
        return {name: value}
    found: dict[str, Any] = {}
    for key, inner in value.items():
        assert isinstance(key, str)
        found.update(flat(inner, f"{name}.{key}" if name else key))
    return found


def test_as_a_dict_it_is_numbers_and_text_under_the_same_keys_in_every_state() -> None:
    with Bench() as bench:
        session = bench.make()
        idle = session.status().as_dict()
        session.start()
        session.handle_request("ping")
        ready = session.status().as_dict()
        bench.server.banned_until = bench.clock.now() + 60.0
        with pytest.raises(ApiError):
            session.handle_request("ping")
        bench.server.drop_all()
        eventually(lambda: session.status().connection_age is None)
        banned = session.status().as_dict()
        session.stop()
        stopped = session.status().as_dict()
    assert idle.keys() == ready.keys() == banned.keys() == stopped.keys()
    for plain in (idle, ready, banned, stopped):
        assert all(isinstance(leaf, str | int | float) for leaf in flat(plain).values())
        assert json.loads(json.dumps(plain, allow_nan=False)) == plain
        assert plain["counters"].keys() == idle["counters"].keys()
    assert [plain["state"] for plain in (idle, ready, banned, stopped)] == [
        "idle",
        "ready",
        "reconnecting",
        "stopped",
    ]
    assert banned["retry_at"] == pytest.approx(NOON + 61.0, abs=0.1)
    assert ready["limits"]["weight_60s"]["limit"] == 6000
    assert flat(ready)["requests.ping ok"] == 1
    grown = flat({"counters": stopped["counters"], "requests": stopped["requests"]})
    for name, count in flat({"counters": ready["counters"], "requests": ready["requests"]}).items():
        assert grown[name] >= count
