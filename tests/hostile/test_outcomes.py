"""Orders whose answers are lost, late or "unknown": never sent twice, never called "not executed" if they stand."""

from __future__ import annotations

import pickle
from concurrent.futures import wait
from threading import Event
from typing import Any

import pytest
from bytes_server import LIMIT, Wire
from hostile_exchange import Call, HostileExchange, Open

from crypto_ws_sync import (
    ConnectionLost,
    CryptoWSError,
    OutcomeUnknown,
    RequestTimeout,
    ServerError,
    SessionClosed,
    TimestampError,
    UserWSSession,
)
from crypto_ws_sync.simulator import ManualClock

ORDER = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "1",
    "price": "100",
}


def _order(name: str) -> dict[str, str]:
    return {**ORDER, "newClientOrderId": name}


def _swallow(call: Call) -> None:
    call.execute()


def _lose(call: Call) -> None:
    """Neither do nor answer anything."""


def _unknown(session: UserWSSession, name: str, timeout: float = 0.05) -> OutcomeUnknown:
    """Place an order whose answer does not come within `timeout`."""
    with pytest.raises(OutcomeUnknown) as caught:
        session.handle_request("order.place", _order(name), timeout=timeout)
    assert caught.value.client_order_id == name
    assert caught.value.method == "order.place"
    return caught.value


def test_a_late_answer_is_found_by_resolve(exchange: HostileExchange, session: UserWSSession) -> None:
    exchange.on("order.place", _swallow)
    error = _unknown(session, "one")
    assert error.resolve()["clientOrderId"] == "one"
    assert error.resolve()["clientOrderId"] == "one"
    assert not session.unresolved()


def test_what_is_open_is_listed_at_once(exchange: HostileExchange, session: UserWSSession) -> None:
    exchange.on("order.place", _swallow)
    exchange.on("order.status", _lose)
    for number in range(3):
        _unknown(session, f"n{number}", 0.01)
        assert [each.client_order_id for each in session.unresolved()] == [f"n{i}" for i in range(number + 1)]
    exchange.on("order.status", Call.answer)


def test_an_absent_order_resolves_to_not_executed(exchange: HostileExchange) -> None:
    exchange.clock = clock = ManualClock()
    exchange.on("order.place", _lose)
    with UserWSSession(*exchange.credentials, endpoint=exchange.url, clock=clock) as session:
        error = _unknown(session, "absent")
        with pytest.raises(OutcomeUnknown):
            error.resolve(0.05)
        clock.advance(20)
        exchange.wait_for("order.status", 2)
        clock.advance(20)
        with pytest.raises(ConnectionLost):
            error.resolve()
    assert len(exchange.seen("order.place")) == 1


def test_resolve_works_after_pickling_with_any_session(exchange: HostileExchange, open_session: Open) -> None:
    first, second = open_session(), open_session()
    exchange.on("order.place", _swallow)
    error = pickle.loads(pickle.dumps(_unknown(first, "pickled")))
    with pytest.raises(SessionClosed, match="session="):
        error.resolve()
    assert error.resolve(session=second)["clientOrderId"] == "pickled"
    assert error.resolve(session=first)["clientOrderId"] == "pickled"


def test_errors_of_two_sessions_are_not_mixed_up(exchange: HostileExchange, open_session: Open) -> None:
    """Each session numbers its writes from 1, so another's error must not take the place of one's own."""
    first, second = open_session(), open_session()
    exchange.on("order.place", _swallow)
    exchange.on("order.status", _lose)
    mine, other = _unknown(first, "mine"), _unknown(second, "other")
    with pytest.raises(OutcomeUnknown):
        other.resolve(0.1, session=first)
    names = {each.client_order_id for each in first.unresolved()}
    assert names == {"mine", "other"}
    exchange.on("order.status", Call.answer)
    for wire in (1, 2):
        exchange.wire(wire).cut()
    assert mine.resolve()["clientOrderId"] == "mine"
    assert other.resolve(session=first)["clientOrderId"] == "other"


def test_a_restarted_session_still_settles_what_was_open(
    exchange: HostileExchange, session: UserWSSession
) -> None:
    exchange.on("order.place", _swallow)
    exchange.on("order.status", _lose)
    errors = [_unknown(session, f"old{number}") for number in range(3)]
    session.stop()
    assert [each.client_order_id for each in session.unresolved()] == ["old0", "old1", "old2"]
    with pytest.raises(SessionClosed):
        errors[0].resolve()
    session.start()
    # The new run's own open writes must not push out the old ones.
    errors += [_unknown(session, f"new{number}") for number in range(3)]
    assert len(session.unresolved()) == 6
    exchange.on("order.status", Call.answer)
    exchange.wire(2).cut()
    assert [error.resolve()["clientOrderId"] for error in errors] == [
        "old0", "old1", "old2", "new0", "new1", "new2"
    ]  # fmt: skip
    assert not session.unresolved()


@pytest.mark.timeout(20)  # look-ups begin after 2 s without an answer, a lost one is asked again after 3 s
def test_writes_that_are_not_answered_for_a_while(exchange: HostileExchange, session: UserWSSession) -> None:
    """One is found by a second look-up, the first being lost; one without a look-up is answered in the end."""
    held: list[Call] = []
    exchange.on("test.write", held.append)
    exchange.on("order.place", _swallow)
    exchange.once("order.status", _lose)
    slow = session.submit("test.write", {"value": 7}, signed=True)
    error = _unknown(session, "one")
    assert error.resolve(8)["clientOrderId"] == "one"
    assert not slow.done()
    held[0].answer({"id": held[0].id, "status": 200, "result": "done"})
    assert slow.result(LIMIT) == "done"
    # The line was asked whether it lives, and did: nothing was opened beside it.
    assert exchange.wire(1).pings
    assert session.status().reconnects == {}
    assert len(exchange.server.wires) == 1


def test_an_answer_that_comes_after_the_caller_left_settles_a_write_without_a_look_up(
    exchange: HostileExchange, session: UserWSSession
) -> None:
    held: list[Call] = []
    exchange.on("test.write", held.append)
    with pytest.raises(OutcomeUnknown) as caught:
        session.handle_request("test.write", {"value": 7}, signed=True, timeout=0.05)
    held[0].answer({"id": held[0].id, "status": 200, "result": "done"})
    session.handle_request("ping")
    assert caught.value.resolve(1) == "done"
    assert not session.unresolved()


@pytest.mark.parametrize("is_executed", [True, False])
def test_an_unknown_answer_is_settled_by_a_look_up(exchange: HostileExchange, is_executed: bool) -> None:
    exchange.clock = clock = ManualClock()

    def unknown(call: Call) -> None:
        if is_executed:
            call.execute()
        call.refuse(503, -1007, "Timeout waiting for response from backend server.")

    exchange.on("order.place", unknown)
    with UserWSSession(*exchange.credentials, endpoint=exchange.url, clock=clock) as session:
        future = session.submit("order.place", _order("one"))
        exchange.wait_for("order.status")
        while not wait([future], 0.02).done:
            clock.advance(2)
        if is_executed:
            assert future.result()["clientOrderId"] == "one"
        else:
            with pytest.raises(ServerError, match="Timeout") as caught:
                future.result()
            assert caught.value.code == -1007
    assert len(exchange.seen("order.place")) == 1


def test_a_submitted_order_ends_at_its_deadline_though_the_exchange_is_gone(
    exchange: HostileExchange, session: UserWSSession
) -> None:
    exchange.server.scripts[1:] = [Wire.park]

    def execute_and_go(call: Call) -> None:
        call.execute()
        call.wire.finish()

    exchange.on("order.place", execute_and_go)
    future = session.submit("order.place", _order("one"), timeout=0.5)
    with pytest.raises(OutcomeUnknown):
        future.result(2)


def test_a_refused_timestamp_ends_at_its_deadline_though_the_exchange_is_gone(
    exchange: HostileExchange, session: UserWSSession
) -> None:
    """Refused for its timestamp, it had no effect, whatever becomes of the repair."""
    exchange.server.scripts[1:] = [Wire.park]
    exchange.on("time", lambda call: call.wire.finish())
    exchange.on("order.place", lambda call: call.refuse(400, -1021))
    future = session.submit("order.place", _order("one"), timeout=0.5)
    with pytest.raises(ConnectionLost):
        future.result(2)
    with pytest.raises(ConnectionLost):
        session.handle_request("order.place", _order("two"), timeout=0.3)
    assert not session.unresolved()


@pytest.mark.timeout(20)  # a search begins when 2 s have passed without an answer
def test_an_order_told_not_executed_is_not_sent_again(exchange: HostileExchange) -> None:
    """A refusal that comes after the verdict comes too late for a repeat: the caller has been told."""
    exchange.clock = clock = ManualClock()
    held: list[Call] = []
    exchange.once("order.place", held.append, held.append)
    with UserWSSession(*exchange.credentials, endpoint=exchange.url, clock=clock, on_limit="wait") as session:
        futures = [session.submit("order.place", _order(name)) for name in ("one", "two")]
        exchange.wait_for("order.status", 2)
        while wait(futures, 0.02).not_done:
            clock.advance(2)
        for future in futures:
            assert isinstance(future.exception(), ConnectionLost)
        held[0].refuse(400, -1021)
        held[1].refuse(429, -1015, "Too many orders.", {"retryAfter": int(clock.now() * 1000) + 100})
        session.handle_request("ping")
        clock.advance(60)
        assert session.wait_operational(orders=True)
        # What waits to be sent again would be sent before this one.
        session.handle_request("order.place", _order("three"))
    assert [call.params["newClientOrderId"] for call in exchange.seen("order.place")] == [
        "one",
        "two",
        "three",
    ]


@pytest.mark.timeout(60)  # a search begins when 2 s have passed without an answer; guards for a busy machine
def test_orders_that_never_left_are_sent_once_and_told_right(exchange: HostileExchange) -> None:
    """A server that stops reading: orders stand in the out-buffer, then the line ends, and they go over the next."""
    found: dict[str, Any] = {}

    def read_no_more(wire: Wire) -> None:
        wire.accept()
        exchange.take(wire, wire.read_text())
        may_end.wait(30)
        wire.reset()

    may_end = Event()
    exchange.server.scripts = [read_no_more, exchange.serve]
    late: list[Call] = []
    searched: set[str] = set()

    def tell_status(call: Call) -> None:
        # Nothing is found until the search has given its verdict, then what stands is what was executed. But what
        # has come over the second connection may well be asked for when it is not answered soon: told nothing.
        name = call.params["origClientOrderId"]
        if name in searched or all(name != each.params["newClientOrderId"] for each in late):
            call.refuse(400, -2013, "Order does not exist.")

    exchange.on("order.status", tell_status)
    exchange.on("order.place", late.append)
    exchange.on("test.echo", lambda call: call.answer({"id": call.id, "status": 200, "result": 1}))
    with UserWSSession(*exchange.credentials, endpoint=exchange.url, recv_window=1) as session:
        names = [f"n{number}" for number in range(40)]
        for name in names:
            session.submit("test.echo", {"fill": "x" * 200_000})
            found[name] = session.submit("order.place", _order(name), timeout=25)
        while not session.status().unresolved:
            assert not wait(found.values(), 0.05).done
        # A few ticks more, so that whatever is looked up while the line lives is.
        assert not wait(found.values(), 0.4).done
        searched.update(each.client_order_id or "" for each in session.unresolved())
        may_end.set()
        exchange.wire(2)
        # Those that left are settled by look-ups, the others have come over the second connection by then.
        while len(wait(found.values(), 0.05).done) + len(late) < len(names):
            pass
        for call in list(late):
            call.exchange.orders[call.params["newClientOrderId"]] = dict(call.params)
            call.answer(
                {"id": call.id, "status": 200, "result": {"clientOrderId": call.params["newClientOrderId"]}}
            )
        assert not wait(found.values(), 20.0).not_done
    sent = [call.params["newClientOrderId"] for call in exchange.seen("order.place")]
    assert sent, "no order was in the out-buffer"
    assert len(sent) == len(set(sent))
    for name, future in found.items():
        if name in exchange.orders:
            assert future.exception() is None, f"{name} stands"
        else:
            assert isinstance(future.exception(), ConnectionLost)


@pytest.mark.timeout(
    60
)  # what may have left is looked up until its window is over; a guard for a busy machine
def test_what_its_caller_gave_up_and_never_left_is_told_so(exchange: HostileExchange) -> None:
    """A server that stops reading: all time out in the out-buffer, then the line ends."""

    def read_no_more(wire: Wire) -> None:
        wire.accept()
        exchange.take(wire, wire.read_text())
        may_end.wait(LIMIT)
        wire.reset()

    may_end = Event()
    exchange.server.scripts = [read_no_more, exchange.serve]
    with UserWSSession(*exchange.credentials, endpoint=exchange.url, recv_window=1) as session:
        orders, reads = [], []
        for number in range(40):
            reads.append(session.submit("test.echo", {"fill": "x" * 200_000}, timeout=1))
            orders.append(session.submit("order.place", _order(f"n{number}"), timeout=1))
        assert not wait(orders + reads, LIMIT).not_done
        may_end.set()
        exchange.wire(2)
        assert {type(read.exception()) for read in reads} == {RequestTimeout}
        unknown = [order.exception() for order in orders if isinstance(order.exception(), OutcomeUnknown)]
        assert unknown, "no order was in the out-buffer"
        for error in unknown:
            assert isinstance(error, OutcomeUnknown)
            with pytest.raises(ConnectionLost):
                error.resolve(20)
        assert {type(order.exception()) for order in orders} <= {OutcomeUnknown, RequestTimeout}
        assert not session.unresolved()
    assert not exchange.orders
    assert not exchange.seen("order.place")


def test_an_exchange_whose_clock_is_a_little_behind_does_not_hide_an_order(
    exchange: HostileExchange, session: UserWSSession
) -> None:
    """An order is accepted up to a second before its timestamp, so its time may lie that much before it."""
    exchange.clock_offset = -0.9
    exchange.once("order.place", lambda call: (call.execute(), call.wire.finish())[1])
    exchange.on(
        "time",
        lambda call: call.answer(
            {**call.execute(), "result": {"serverTime": int((exchange.now() + 0.9) * 1000)}}
        ),
    )
    assert session.handle_request("order.place", _order("one"))["clientOrderId"] == "one"


def test_an_older_order_under_the_same_id_is_not_taken_for_the_new_one(exchange: HostileExchange) -> None:
    exchange.clock = clock = ManualClock()
    with UserWSSession(*exchange.credentials, endpoint=exchange.url, clock=clock) as session:
        session.handle_request("order.place", _order("one"))
        session.handle_request("order.cancel", {"symbol": "BTCUSDT", "origClientOrderId": "one"})
        clock.advance(30)
        exchange.once("order.place", lambda call: call.wire.finish())
        future = session.submit("order.place", _order("one"))
        exchange.wait_for("order.status")
        while not wait([future], 0.02).done:
            clock.advance(2)
        with pytest.raises(ConnectionLost):
            future.result()


SAYS_NOTHING: list[dict[str, Any]] = [
    *({"status": 200, "result": result} for result in (None, 5, "done", [], {}, True)),
    {"status": 200},
    {"status": 200, "error": {"code": -2010, "msg": "no"}},
    {"status": 200, "result": {"code": -2010, "msg": "no"}},
    *({"status": status, "result": {}} for status in (0, 1, -1, 199, 201, 204, 302)),
    {"status": 400},
    {"status": 400, "error": {"msg": "no"}},
    {"status": 400, "error": {"code": "-2010", "msg": "no"}},
    {"status": 404, "error": "no"},
]


@pytest.mark.parametrize("said", SAYS_NOTHING, ids=str)
def test_an_answer_that_says_too_little_is_looked_up(
    exchange: HostileExchange, session: UserWSSession, said: dict[str, Any]
) -> None:
    """None would mean that nothing was sent, and a refusal that the order may be placed again."""
    exchange.once("order.place", lambda call: (call.execute(), call.answer({"id": call.id, **said}))[1])
    placed = session.handle_request("order.place", {**ORDER, "newClientOrderId": "mine"})
    assert placed["clientOrderId"] == "mine"
    assert len(exchange.seen("order.place")) == 1
    assert exchange.seen("order.status")


def test_an_answer_that_says_too_little_of_an_absent_order_is_no_success(exchange: HostileExchange) -> None:
    exchange.clock = clock = ManualClock()
    exchange.once("order.place", lambda call: call.answer({"id": call.id, "status": 200, "result": {}}))
    with UserWSSession(*exchange.credentials, endpoint=exchange.url, clock=clock) as session:
        future = session.submit("order.place", ORDER)
        exchange.wait_for("order.status")
        while not wait([future], 0.02).done:
            clock.advance(1.0)
        with pytest.raises(ConnectionLost):
            future.result(LIMIT)


def test_a_write_that_its_caller_signed_is_not_repeated(
    exchange: HostileExchange, session: UserWSSession
) -> None:
    """Of a method that this version does not know, signed by hand: nothing says that it only reads."""
    own = {"apiKey": "key", "timestamp": 1, "signature": "by hand"}
    exchange.once("order.brandNew", lambda call: (call.execute(), call.wire.finish())[1])
    with pytest.raises(OutcomeUnknown):
        session.handle_request("order.brandNew", own)
    assert len(exchange.seen("order.brandNew")) == 1


def test_an_id_that_is_open_is_not_used_again(exchange: HostileExchange, session: UserWSSession) -> None:
    exchange.on("order.place", _swallow)
    exchange.on("order.status", _lose)
    _unknown(session, "one", 0.05)
    with pytest.raises(CryptoWSError, match="in flight or unresolved"):
        session.handle_request("order.place", _order("one"))
    assert len(exchange.seen("order.place")) == 1


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_cancel_whose_answer_is_lost(exchange: HostileExchange, moment: str) -> None:
    exchange.clock = clock = ManualClock()

    def cut(call: Call) -> None:
        if moment == "after":
            call.execute()
        call.wire.finish()

    with UserWSSession(*exchange.credentials, endpoint=exchange.url, clock=clock) as session:
        session.handle_request("order.place", _order("one"))
        exchange.once("order.cancel", cut)
        future = session.submit("order.cancel", {"symbol": "BTCUSDT", "origClientOrderId": "one"})
        exchange.wait_for("order.status")
        while not wait([future], 0.02).done:
            clock.advance(2)
        if moment == "after":
            assert future.result()["status"] == "CANCELED"
        else:
            with pytest.raises(ConnectionLost):
                future.result()
    assert exchange.orders["one"]["status"] == ("CANCELED" if moment == "after" else "NEW")


def test_a_timestamp_refused_twice_is_told(exchange: HostileExchange, session: UserWSSession) -> None:
    exchange.on("order.place", lambda call: call.refuse(400, -1021))
    with pytest.raises(TimestampError):
        session.handle_request("order.place", _order("one"))
    assert len(exchange.seen("order.place")) == 2
