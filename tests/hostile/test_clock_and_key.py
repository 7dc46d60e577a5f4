"""A clock that is wrong or jumps, and a key that goes: repaired unseen, or told as it is."""

from __future__ import annotations

import logging
import time
from concurrent.futures import wait
from typing import Any

import pytest
from bytes_server import LIMIT
from hostile_exchange import Call, HostileExchange, Open, refusal

from crypto_ws_sync import AuthError, OutcomeUnknown, TimestampError, UserWSSession
from crypto_ws_sync.simulator import ManualClock, SimulatedExchange

ASKED = {"value": 1}
SUBSCRIBE = "userDataStream.subscribe.signature"
ORDER = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "1",
    "price": "100",
}


def _assert_offset(session: UserWSSession, offset: float) -> None:
    """The session knows the clock's offset as well as it says: a question that took long leaves doubt."""

    def is_right() -> bool:
        status = session.status()
        assert status.clock_offset is not None
        assert status.clock_error is not None
        return abs(status.clock_offset - offset) <= status.clock_error + 0.01

    # Time may pass between its looks at the two clocks, but not each time.
    assert any(is_right() for _ in range(20))


@pytest.mark.parametrize("offset", [-40.0, 40.0, -1e6, 1e6])
def test_a_server_whose_clock_is_elsewhere(
    exchange: HostileExchange, open_session: Open, offset: float
) -> None:
    exchange.clock_offset = offset
    session = open_session()
    assert session.handle_request("order.place", ORDER)["orderId"] == 1
    assert len(exchange.seen("order.place")) == 1
    _assert_offset(session, offset)


@pytest.mark.parametrize("jump", [-40.0, 40.0])
def test_a_clock_that_jumps_is_repaired_unseen(
    exchange: HostileExchange, session: UserWSSession, jump: float
) -> None:
    session.handle_request("order.place", ORDER)
    for step in (1, 2):
        exchange.clock_offset += jump
        orders = [session.submit("order.place", ORDER) for _ in range(20)]
        assert not wait(orders, LIMIT).not_done
        assert {order.result()["status"] for order in orders} == {"NEW"}
        assert len(exchange.orders) == 1 + 20 * step
        _assert_offset(session, exchange.clock_offset)


@pytest.mark.parametrize("jump", [-40.0, 40.0])
def test_a_clock_that_jumps_while_the_connection_is_lost(
    exchange: HostileExchange, session: UserWSSession, jump: float
) -> None:
    exchange.clock_offset = jump
    exchange.wire(1).cut()
    exchange.wire(2)
    session.handle_request("test.echo")
    session.handle_request("order.place", ORDER)
    assert len(exchange.seen("order.place")) == 1, "the old sample was used"


def test_a_log_on_whose_timestamp_is_refused_is_tried_again() -> None:
    """The clock jumps between the question for the time and the log-on."""
    with SimulatedExchange() as simulated:
        account = simulated.add_account("ed25519")
        exchange = HostileExchange()
        exchange.once("session.logon", lambda call: call.refuse(400, -1021, "Timestamp."))
        with (
            exchange.server,
            UserWSSession(account.api_key, account.api_secret, endpoint=exchange.url) as session,
        ):
            assert session.handle_request("order.place", ORDER)["status"] == "NEW"
            assert session.status().logged_on
            exchange.once("session.logon", lambda call: call.refuse(400, -1021, "Timestamp."))
            last = len(exchange.server.wires)
            exchange.wire(last).cut()
            exchange.wire(last + 2)
            assert session.handle_request("order.place", ORDER)["status"] == "NEW"
            assert session.status().degraded is None


@pytest.mark.parametrize("question", ["order.place", SUBSCRIBE])
def test_a_time_that_is_not_told_ends_nothing(
    exchange: HostileExchange, session: UserWSSession, caplog: pytest.LogCaptureFixture, question: str
) -> None:
    """A timestamp was refused, and the question for the time is refused as well: the old time serves on."""
    exchange.once(question, lambda call: call.refuse(400, -1021, "Timestamp."))
    exchange.once("time", lambda call: call.refuse(400, -1000, "Not now."))
    with caplog.at_level(logging.WARNING, "crypto_ws_sync"):
        if question == SUBSCRIBE:
            exchange.once(SUBSCRIBE, lambda call: call.answer(_subscribed(call)))
            with session.user_data(timeout=5):
                pass
        else:
            assert session.handle_request("order.place", ORDER)["status"] == "NEW"
    assert [getattr(record, "event", "") for record in caplog.records] == ["clock_unknown"]
    assert len(exchange.seen(question)) == 2


def _subscribed(call: Call) -> dict[str, Any]:
    return {"id": call.id, "status": 200, "result": {"subscriptionId": 0}}


def test_the_time_that_is_asked_again_for_may_be_refused(
    caplog: pytest.LogCaptureFixture, exchange: HostileExchange
) -> None:
    exchange.clock = clock = ManualClock()
    key, secret = exchange.credentials
    with UserWSSession(key, secret, endpoint=exchange.url, clock=clock) as session:
        asked = len(exchange.seen("time"))
        exchange.once("time", lambda call: call.refuse(400, -1000, "Not now."))
        with caplog.at_level(logging.INFO, "crypto_ws_sync"):
            clock.advance(601.0)
            exchange.wait_for("time", asked + 1)
            deadline = time.monotonic() + LIMIT
            while "clock_unknown" not in [getattr(record, "event", "") for record in caplog.records]:
                assert time.monotonic() < deadline
        assert session.handle_request("order.place", ORDER)["status"] == "NEW"


def test_a_read_that_is_refused_for_its_timestamp_twice(
    exchange: HostileExchange, session: UserWSSession
) -> None:
    exchange.on("account.status", lambda call: call.refuse(400, -1021, "Timestamp."))
    with pytest.raises(TimestampError):
        session.handle_request("account.status")
    assert len(exchange.seen("account.status")) == 2


@pytest.fixture
def ed25519() -> Any:
    with SimulatedExchange() as simulated:
        return simulated.add_account("ed25519")


def _gone(call: Call) -> None:
    call.wire.send_text(refusal(None, 401, -2015, "Invalid API-key, IP, or permissions for action."))


def test_a_key_that_goes_and_comes_back(exchange: HostileExchange, ed25519: Any) -> None:
    with UserWSSession(ed25519.api_key, ed25519.api_secret, endpoint=exchange.url, timeout=5) as session:
        exchange.once("account.status", _gone)
        with pytest.raises(AuthError) as caught:
            session.handle_request("account.status")
        assert caught.value.code == -2015
        exchange.wire(2)
        while not session.status().logged_on:
            session.wait_operational(0.01, orders=True)
        assert set(session.handle_request("account.status")) == {"timestamp"}
        assert len(exchange.seen("session.logon")) == 2
        assert session.status().logged_on


def test_a_key_that_goes_for_good_leaves_the_public_methods(exchange: HostileExchange, ed25519: Any) -> None:
    with UserWSSession(ed25519.api_key, ed25519.api_secret, endpoint=exchange.url, timeout=5) as session:
        exchange.once("account.status", _gone)
        exchange.on("session.logon", lambda call: call.refuse(401, -2015, "Invalid API-key."))
        with pytest.raises(AuthError):
            session.handle_request("account.status")
        exchange.wire(2)
        while session.status().degraded is None:
            session.wait_operational(0.02, orders=True)
        with pytest.raises(AuthError):
            session.handle_request("order.place", ORDER)
        assert not exchange.seen("order.place")
        assert session.handle_request("test.echo", ASKED) == ASKED
        assert session.operational_status
        assert not session.order_handling


def test_an_order_in_flight_when_the_key_goes_is_settled_first(
    exchange: HostileExchange, ed25519: Any
) -> None:
    def execute_then_gone(call: Call) -> None:
        call.execute()
        _gone(call)

    with UserWSSession(ed25519.api_key, ed25519.api_secret, endpoint=exchange.url, timeout=5) as session:
        exchange.once("order.place", execute_then_gone)
        placed = session.handle_request("order.place", {**ORDER, "newClientOrderId": "one"})
        assert placed["clientOrderId"] == "one"
        exchange.once("test.write", _gone)
        with pytest.raises(OutcomeUnknown):
            session.handle_request("test.write", {}, signed=True)


def test_a_key_that_goes_takes_no_public_request_with_it(exchange: HostileExchange, ed25519: Any) -> None:
    held: list[Call] = []
    exchange.once("test.echo", held.append)
    with UserWSSession(ed25519.api_key, ed25519.api_secret, endpoint=exchange.url, timeout=5) as session:
        public = session.submit("test.echo", ASKED)
        exchange.wait_for("test.echo")
        exchange.once("account.status", _gone)
        with pytest.raises(AuthError):
            session.handle_request("account.status")
        assert not public.done()
        held[0].answer()
        assert public.result(LIMIT) == ASKED


def test_a_log_on_that_is_throttled_is_waited_for_by_all(exchange: HostileExchange, ed25519: Any) -> None:
    def throttle(call: Call) -> None:
        now = int(exchange.now() * 1000)
        call.refuse(429, -1003, "Too much.", {"serverTime": now, "retryAfter": now + 700})

    exchange.once("session.logon", throttle)
    begun = time.monotonic()
    with UserWSSession(ed25519.api_key, ed25519.api_secret, endpoint=exchange.url, timeout=8) as session:
        assert time.monotonic() - begun > 0.6
        assert session.status().logged_on
    assert len(exchange.seen("session.logon")) == 2


def test_a_refused_log_on_is_raised_at_start(exchange: HostileExchange, ed25519: Any) -> None:
    exchange.on("session.logon", lambda call: call.refuse(401, -2015, "Invalid API-key."))
    session = UserWSSession(ed25519.api_key, ed25519.api_secret, endpoint=exchange.url)
    with pytest.raises(AuthError, match="Invalid API-key"):
        session.start()
    assert session.status().state == "idle"


def test_a_busy_log_on_is_tried_again(exchange: HostileExchange, ed25519: Any) -> None:
    exchange.once("session.logon", lambda call: call.refuse(503, -1008, "Busy."))
    with UserWSSession(ed25519.api_key, ed25519.api_secret, endpoint=exchange.url) as session:
        assert session.status().logged_on
    assert len(exchange.server.wires) == 2


def test_a_fault_that_is_none_of_ours_harms_nobody(exchange: HostileExchange, session: UserWSSession) -> None:
    def hook(call: Call) -> None:
        call.wire.send_text(refusal(None, 400, -1135, "Invalid JSON."))
        call.answer()

    exchange.on("test.echo", hook)
    assert session.handle_request("test.echo", ASKED) == ASKED
    assert len(exchange.server.wires) == 1
