"""The server ends the connection, properly or not: reads are answered over the next one, nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import wait
from threading import Event

import pytest
from bytes_server import CLOSE, LIMIT, Wire, frame
from hostile_exchange import Call, HostileExchange

from crypto_ws_sync import ConnectionLost, OutcomeUnknown, UserWSSession
from crypto_ws_sync.simulator import ManualClock


def _close(code: int) -> Callable[[Wire], None]:
    return lambda wire: wire.send_close(code, "as the test wants")


ENDINGS: dict[str, tuple[Callable[[Wire], None], str]] = {
    **{str(code): (_close(code), str(code)) for code in (1000, 1001, 1008, 1011, 1012)},
    "no code": (lambda wire: wire.send_bytes(frame(CLOSE)), "1005"),
    "fin": (Wire.finish, "1006"),
    "rst": (Wire.reset, "1006"),
}

ORDER = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "1",
    "price": "100",
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_read_in_flight_is_answered_over_the_next_connection(
    exchange: HostileExchange, session: UserWSSession, ending: str
) -> None:
    end, code = ENDINGS[ending]
    exchange.once("test.echo", lambda call: end(call.wire))
    assert session.handle_request("test.echo", {"value": 5}) == {"value": 5}
    first, second = exchange.seen("test.echo")
    assert (first.wire.number, second.wire.number) == (1, 2)
    status = session.status()
    assert status.reconnects == {code: 1}
    assert status.in_flight == status.waiting == 0


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_order_that_stands_is_found_over_the_next_connection(
    exchange: HostileExchange, session: UserWSSession, ending: str
) -> None:
    def execute_and_end(call: Call) -> None:
        call.execute()
        ENDINGS[ending][0](call.wire)

    exchange.once("order.place", execute_and_end)
    placed = session.handle_request("order.place", {**ORDER, "newClientOrderId": "mine"})
    assert placed["orderId"] == exchange.orders["mine"]["orderId"]
    assert len(exchange.seen("order.place")) == 1


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_order_that_does_not_stand_is_told_not_executed(exchange: HostileExchange, ending: str) -> None:
    exchange.clock = clock = ManualClock()
    exchange.once("order.place", lambda call: ENDINGS[ending][0](call.wire))
    with UserWSSession(*exchange.credentials, endpoint=exchange.url, clock=clock) as session:
        future = session.submit("order.place", ORDER)
        exchange.wait_for("order.status")
        steps = 0
        while not wait([future], 0.02).done:
            clock.advance(1.0)
            steps += 1
        # The exchange may accept the order until its receive window ends, and its caches lag by some more.
        assert steps >= 8
        with pytest.raises(ConnectionLost):
            future.result(LIMIT)
    assert not exchange.orders
    assert len(exchange.seen("order.place")) == 1


def test_a_write_without_a_look_up_says_that_it_may_have_been_done(
    exchange: HostileExchange, session: UserWSSession
) -> None:
    exchange.once("test.write", lambda call: call.wire.finish())
    with pytest.raises(OutcomeUnknown, match="no look-up") as caught:
        session.handle_request("test.write", {"value": 1}, signed=True)
    with pytest.raises(OutcomeUnknown):
        caught.value.resolve(1.0)
    assert len(exchange.seen("test.write")) == 1


def test_a_hundred_reads_survive_a_close_after_each_tenth_answer(
    exchange: HostileExchange, session: UserWSSession
) -> None:
    answered = 0

    def hook(call: Call) -> None:
        nonlocal answered
        answered += 1
        call.answer()
        if answered % 10 == 0:
            call.wire.send_close(1001)

    exchange.on("test.echo", hook)
    futures = [session.submit("test.echo", {"number": number}) for number in range(100)]
    assert not wait(futures, 8).not_done
    assert [future.result(0) for future in futures] == [{"number": number} for number in range(100)]
    assert len(exchange.server.wires) >= 10


def test_what_was_not_sent_waits_for_the_next_connection(
    exchange: HostileExchange, session: UserWSSession
) -> None:
    """Requests made while there is no connection, orders too, are sent over the next one."""
    may_connect = Event()

    def hold_back(wire: Wire) -> None:
        wire.read_handshake()
        assert may_connect.wait(LIMIT)
        wire.send_bytes(wire.acceptance())
        exchange.converse(wire)

    exchange.server.scripts.insert(1, hold_back)
    exchange.wire(1).cut()
    exchange.wire(2)
    futures = [
        session.submit("order.place", {**ORDER, "newClientOrderId": "late"}),
        session.submit("test.echo", {"value": 1}),
    ]
    assert not session.operational_status
    may_connect.set()
    assert futures[0].result(LIMIT)["clientOrderId"] == "late"
    assert futures[1].result(LIMIT) == {"value": 1}
    assert session.operational_status


def test_an_unsent_order_that_finds_no_connection_in_time_was_not_sent(
    exchange: HostileExchange, session: UserWSSession
) -> None:
    exchange.server.scripts.insert(1, Wire.park)
    exchange.wire(1).cut()
    exchange.wire(2)
    with pytest.raises(ConnectionLost, match="not sent"):
        session.handle_request("order.place", ORDER, timeout=0.3)
    late = session.submit("order.place", ORDER, timeout=0.3)
    with pytest.raises(ConnectionLost, match="not sent"):
        late.result(LIMIT)
    assert not exchange.seen("order.place")
