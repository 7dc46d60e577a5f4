"""What the engine promises, over two languages that have nothing in common."""

from __future__ import annotations

import threading
import time
from concurrent.futures import wait
from typing import Any

import pytest
from bench import Bench, OpenBench, execute_and_lose, execute_only, lose
from bytes_server import LIMIT, Wire
from hostile_exchange import Call

from crypto_ws_sync import (
    AuthError,
    ConnectionLost,
    InvalidParameter,
    OutcomeUnknown,
    SessionClosed,
    StreamGap,
)
from crypto_ws_sync.protocol.dialect import LinePolicy


def _refuse(
    bench: Bench, call: Call, binance: tuple[int, int], toy: str, retry_in: float | None = None
) -> None:
    """Refuse a request in the exchange's own words."""
    retry_at = None if retry_in is None else bench.exchange.now() + retry_in
    if bench.dialect.name == "toy":
        call.wire.send_text([["no", call.id, toy, "no", *([] if retry_at is None else [retry_at])]])
    else:
        data = None if retry_at is None else {"retryAfter": int(retry_at * 1000)}
        call.refuse(*binance, "no", data)


# -- reads --------------------------------------------------------------------------------------------------


def test_each_caller_gets_its_own_answer(bench: Bench) -> None:
    held: list[Call] = []

    def hold_five(call: Call) -> None:
        held.append(call)
        if len(held) % 5 == 0:
            for each in reversed(held[-5:]):
                each.answer()

    bench.exchange.on(bench.words.read, hold_five)
    futures = [bench.submit(bench.words.read, {"number": number}) for number in range(20)]
    assert [future.result(5) for future in futures] == [{"number": number} for number in range(20)]


def test_a_read_is_asked_again_over_the_next_connection(bench: Bench) -> None:
    bench.exchange.once(bench.words.read, lose)
    assert bench.call(bench.words.read, {"number": 1}) == {"number": 1}
    assert [call.wire.number for call in bench.exchange.seen(bench.words.read)] == [1, 2]
    assert bench.status().reconnects == {"1006": 1}


def test_an_error_without_an_owner_hits_nobody(bench: Bench) -> None:
    def complain(call: Call) -> None:
        call.wire.send_text(bench.words.ownerless)
        call.answer()

    bench.exchange.on(bench.words.read, complain)
    futures = [bench.submit(bench.words.read, {"number": number}) for number in range(5)]
    assert [future.result(5) for future in futures] == [{"number": number} for number in range(5)]
    assert not bench.status().reconnects


def test_a_refused_time_is_mended_with_a_new_one(bench: Bench) -> None:
    bench.exchange.once(bench.words.write, lambda call: _refuse(bench, call, (400, -1021), "late"))
    bench.call(bench.words.write, bench.words.named("one"))
    assert len(bench.exchange.seen(bench.words.write)) == 2
    assert bench.status().counters["clock_repairs"] == 1


def test_who_waits_is_sent_again_when_the_exchange_allows_it(bench: Bench) -> None:
    bench.exchange.once(
        bench.words.read, lambda call: _refuse(bench, call, (429, -1003), "slow down", retry_in=0.3)
    )
    began = time.monotonic()
    assert bench.call(bench.words.read, {"number": 1}) == {"number": 1}
    assert time.monotonic() - began > 0.2


# -- writes -------------------------------------------------------------------------------------------------


def test_an_executed_order_is_found(bench: Bench) -> None:
    bench.exchange.once(bench.words.write, execute_and_lose)
    bench.call(bench.words.write, bench.words.named("mine"))
    assert set(bench.exchange.orders) == {"mine"}
    assert len(bench.exchange.seen(bench.words.write)) == 1
    assert bench.status().counters["verdict_executed"] == 1


def test_an_absent_order_is_told_after_its_window(open_bench: OpenBench) -> None:
    bench = open_bench(is_timed=True)
    assert bench.clock is not None
    bench.exchange.once(bench.words.write, lose)
    future = bench.submit(bench.words.write, bench.words.named("mine"))
    bench.exchange.wait_for(bench.words.find)
    moved = 0.0
    while not wait([future], 0.02).done:
        bench.clock.advance(0.25)
        moved += 0.25
    with pytest.raises(ConnectionLost):
        future.result(0)
    assert moved >= 5.0
    assert not bench.exchange.orders


def test_an_unknown_answer_is_looked_up(bench: Bench) -> None:
    def do_and_doubt(call: Call) -> None:
        call.execute()
        _refuse(bench, call, (504, -1007), "dizzy")

    bench.exchange.once(bench.words.write, do_and_doubt)
    bench.call(bench.words.write, bench.words.named("mine"))
    assert len(bench.exchange.seen(bench.words.write)) == 1


def test_what_one_engine_leaves_open_the_next_one_settles(bench: Bench) -> None:
    bench.exchange.on(bench.words.write, execute_only)
    bench.exchange.on(bench.words.find, lambda call: None)
    future = bench.submit(bench.words.write, bench.words.named("mine"))
    bench.exchange.wait_for(bench.words.write)
    bench.run.stop(0.4)
    with pytest.raises(OutcomeUnknown):
        future.result(0)
    (open_write,) = bench.book.open_writes()
    bench.exchange.on(bench.words.find, Call.answer)
    bench.restart()
    deadline = time.monotonic() + LIMIT
    while bench.book.open_writes():
        assert time.monotonic() < deadline
    assert open_write.search.verdict is not None
    assert (
        open_write.search.verdict.result["clientOrderId" if bench.words.name != "name" else "name"] == "mine"
    )


# -- connections --------------------------------------------------------------------------------------------


def test_the_log_on_comes_before_any_request(bench: Bench) -> None:
    bench.call(bench.words.write, bench.words.named("one"))
    methods = [call.method for call in bench.exchange.calls]
    assert methods.index(bench.words.log_on) < methods.index(bench.words.write)
    assert not {"signature", "token"} & set(bench.exchange.seen(bench.words.write)[0].params)


def test_a_notice_brings_another_connection_and_the_old_one_finishes(bench: Bench) -> None:
    held: list[Call] = []
    bench.exchange.once(bench.words.read, held.append)
    slow = bench.submit(bench.words.read, {"number": 1})
    first = bench.exchange.wait_for(bench.words.read).wire
    first.send_text(bench.words.notice)
    second = bench.exchange.wire(2)
    while (
        bench.call(bench.words.read, {"number": 2})
        and bench.exchange.seen(bench.words.read)[-1].wire.number != 2
    ):
        assert not slow.done()
    held[0].answer()
    assert slow.result(5) == {"number": 1}
    deadline = time.monotonic() + LIMIT
    while first.close_code is None:
        assert time.monotonic() < deadline
    assert first.close_code == 1000
    assert second.close_code is None
    assert bench.status().reconnects == {"server shutdown": 1}


def test_a_key_that_is_gone_for_good_leaves_the_public_part(bench: Bench) -> None:
    def no_more(call: Call) -> None:
        if bench.dialect.name == "toy":
            call.wire.send_text([["no", "hello", "stranger", "the key has gone"]])
        else:
            call.refuse(401, -2015, "the key has gone")

    bench.exchange.on(bench.words.log_on, no_more)
    bench.exchange.once(bench.words.find, lambda call: call.wire.send_text(bench.words.key_gone))
    asked = {"symbol": "BTCUSDT", "origClientOrderId": "x"} if bench.words.name != "name" else {"name": "x"}
    with pytest.raises(AuthError, match="gone"):
        bench.call(bench.words.find, asked)
    deadline = time.monotonic() + LIMIT
    while bench.status().degraded is None:
        assert time.monotonic() < deadline
    assert "gone" in str(bench.status().degraded)
    with pytest.raises(AuthError):
        bench.call(bench.words.write, bench.words.named("one"))
    assert not bench.exchange.seen(bench.words.write)
    assert bench.call(bench.words.read, {"number": 1}) == {"number": 1}


def test_a_line_is_pinged_in_its_own_way(open_bench: OpenBench) -> None:
    policy = LinePolicy(ping_after=0.1, give_up_after=5.0)
    bench = open_bench(policy=policy)
    wire = bench.exchange.wire(1)
    if bench.dialect.name == "toy":
        bench.stop()
        bench.dialect.policy = LinePolicy(ping_after=0.1, give_up_after=5.0, ping_text='["ping"]')
        bench.restart()
        wire = bench.exchange.wire(2)
    deadline = time.monotonic() + LIMIT
    while wire.pings < 3:
        assert time.monotonic() < deadline
    assert bench.call(bench.words.read, {"number": 1}) == {"number": 1}
    assert not bench.status().reconnects


def test_a_silent_line_is_replaced(open_bench: OpenBench) -> None:
    bench = open_bench(policy=LinePolicy(unanswered_after=0.1, silent_after_early_ping=0.2))
    over = threading.Event()

    def fall_silent(call: Call) -> None:
        over.wait(LIMIT)

    bench.exchange.once(bench.words.read, fall_silent)
    assert bench.call(bench.words.read, {"number": 1}) == {"number": 1}
    assert bench.status().reconnects == {"silent": 1}
    over.set()


def test_events_go_on_over_the_next_connection_after_a_gap(bench: Bench) -> None:
    def tell(number: int) -> dict[str, Any]:
        wire = bench.exchange.server.wires[-1]
        body = {"e": "balanceUpdate", "d": str(number)}
        wire.send_text([["event", body]] if bench.dialect.name == "toy" else {"event": body})
        return body

    with bench.stream() as events:
        first = tell(1)
        assert next(events) == first
        bench.exchange.wire(1).cut()
        assert isinstance(next(events), StreamGap)
        second = tell(2)
        assert next(events) == second


def test_stopping_ends_what_waits(bench: Bench) -> None:
    bench.exchange.on(bench.words.read, lambda call: None)
    future = bench.submit(bench.words.read, {"number": 1})
    bench.exchange.wait_for(bench.words.read)
    bench.stop()
    with pytest.raises(SessionClosed):
        future.result(0)


# -- what only the toy does ---------------------------------------------------------------------------------


def test_a_first_reply_is_not_the_last(toy: Bench) -> None:
    held: list[Any] = []

    def hear(call: Call) -> None:
        held.append(call.execute())  # says "heard" at once
        held.append(call)

    toy.exchange.on("buy", hear)
    future = toy.submit("buy", toy.words.named("mine"))
    toy.exchange.wait_for("buy")
    assert toy.call("echo", {"number": 1}) == {"number": 1}
    assert not future.done()
    held[1].answer(held[0])
    assert future.result(5) == {"name": "mine", "number": 1}
    assert toy.status().counters["duplicate"] == 0


def test_what_cannot_be_composed_is_told_and_keeps_nobody_else_back(toy: Bench) -> None:
    """Neither what it had reserved nor those who wait behind it."""
    odd = {"thing": {1, 2}}  # JSON has no sets, and the toy dialect looks at nothing before
    with pytest.raises(InvalidParameter, match="not sent"):
        toy.call("echo", odd)
    assert toy.status().in_flight == 0
    hold = threading.Event()

    def wait(wire: Wire) -> None:
        wire.read_handshake()
        hold.wait(LIMIT)
        wire.send_bytes(wire.acceptance())
        toy.exchange.converse(wire)

    toy.exchange.server.scripts.insert(1, wait)
    toy.exchange.wire(1).cut()
    toy.exchange.wire(2)
    futures = [
        toy.submit("buy", {**odd, "name": "odd"}),
        *(toy.submit("echo", params) for params in ({"number": 1}, odd, {"number": 2}, odd, {"number": 3})),
    ]
    hold.set()
    found = [future.exception(5) or future.result(5) for future in futures]
    assert [each for each in found if not isinstance(each, InvalidParameter)] == [
        {"number": n} for n in (1, 2, 3)
    ]
    usage = {limit.name: limit.used for limit in toy.status().limits}
    # What was sent, and the time asked for twice; less where a window has ended meanwhile.
    assert usage["weight_60s"] <= 5
    assert usage["orders_60s"] == 0
    assert not toy.exchange.seen("buy")


def test_one_frame_may_hold_many_messages(toy: Bench) -> None:
    held: list[Call] = []

    def answer_together(call: Call) -> None:
        held.append(call)
        if len(held) == 3:
            answers = [["ok", each.id, each.params["number"]] for each in held]
            call.wire.send_text([["pong"], *answers, ["nonsense"], ["wrong", "too much"]])

    toy.exchange.on("echo", answer_together)
    futures = [toy.submit("echo", {"number": number}) for number in range(3)]
    assert [future.result(5) for future in futures] == [0, 1, 2]
    assert toy.status().counters["ignored"] == 1


def test_a_text_ping_is_answered_with_a_text(toy: Bench) -> None:
    wire = toy.exchange.wire(1)
    wire.send_text([["ping"]])
    deadline = time.monotonic() + LIMIT
    while not wire.pongs:
        assert time.monotonic() < deadline


def test_an_event_settles_an_order_before_any_look_up(toy: Bench) -> None:
    toy.exchange.on("find", lambda call: None)
    with toy.stream() as events:
        toy.exchange.on("buy", execute_only)
        future = toy.submit("buy", toy.words.named("mine"), timeout=1.0)
        with pytest.raises(OutcomeUnknown) as unknown:
            future.result(5)
        assert next(events)["bought"] == "mine"  # type: ignore[index,typeddict-item]  # the toy's own event
        write = toy.book.find(unknown.value.question)
        assert write is not None
        assert write.search.verdict is not None
    assert not toy.exchange.seen("find")
