"""What can go wrong on purpose, seen by a bare client."""

from __future__ import annotations

import json
import threading
import time

import pytest
import websocket
from bare_client import BareClient, Closed

from crypto_ws_sync.simulator import ManualClock, SimulatedExchange

ORDER = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.01",
    "price": "60000",
}


def statuses(exchange: SimulatedExchange) -> list[str]:
    return [order["status"] for order in exchange.orders()]


def test_connection_drops_before_execution(client: BareClient) -> None:
    fault = client.exchange.faults.drop("before", method="order.place")
    assert client.result("ping") == {}
    client.send("order.place", ORDER, signed=True)
    with pytest.raises(Closed) as closed:
        client.receive()
    assert closed.value.code is None
    assert statuses(client.exchange) == []
    assert fault.strikes == 1
    assert client.exchange.requests()[-1].fault == "dropped before execution"
    with BareClient(client.exchange) as again:
        again.place_limit("60000")


def test_connection_drops_after_execution(client: BareClient) -> None:
    client.exchange.faults.drop("after", method="order.place")
    client.send("order.place", ORDER, signed=True)
    with pytest.raises(Closed):
        client.receive()
    assert statuses(client.exchange) == ["NEW"]


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1011, 1012])
def test_connection_closes_with_a_code(client: BareClient, code: int) -> None:
    client.exchange.faults.drop("after", code=code)
    client.send("ping")
    with pytest.raises(Closed) as closed:
        client.receive()
    assert closed.value.code == code


@pytest.mark.parametrize(("moment", "stands"), [("before", []), ("after", ["NEW"])])
def test_answer_is_swallowed_and_the_line_stays(client: BareClient, moment: str, stands: list[str]) -> None:
    client.exchange.faults.swallow(moment, method="order.place")  # type: ignore[arg-type]
    client.send("order.place", ORDER, signed=True)
    assert client.result("ping") == {}
    assert statuses(client.exchange) == stands


def test_answer_is_delayed_and_others_overtake_it(client: BareClient) -> None:
    client.exchange.faults.delay(0.1, method="time", times=1)
    late = client.send("time")
    early = client.send("ping")
    assert [client.receive()["id"], client.receive()["id"]] == [early, late]


def test_answers_are_shuffled(client: BareClient) -> None:
    client.exchange.faults.shuffle(hold=20, within=5, seed=3)
    sent = [client.send("ping") for _ in range(20)]
    received = [client.receive()["id"] for _ in range(20)]
    assert received != sent
    assert sorted(received) == sent


def test_held_answers_are_let_go_after_a_while(client: BareClient) -> None:
    client.exchange.faults.shuffle(hold=100, within=0.01)
    sent = {client.send("ping") for _ in range(3)}
    assert {client.receive()["id"] for _ in range(3)} == sent


@pytest.mark.parametrize(("executed", "stands"), [(False, []), (True, ["NEW"])])
def test_5xx_whether_executed_or_not(client: BareClient, executed: bool, stands: list[str]) -> None:
    client.exchange.faults.unavailable(executed=executed, method="order.place")
    status, code, msg = client.refusal("order.place", ORDER, signed=True)
    assert (status, code) == (503, -1007)
    assert msg.startswith("Timeout waiting for response from backend server.")
    assert statuses(client.exchange) == stands


def test_5xx_with_another_code(client: BareClient) -> None:
    client.exchange.faults.unavailable(executed=False, status=500, code=-1001, msg="Internal error.")
    assert client.refusal("ping") == (500, -1001, "Internal error.")


def test_stalled_socket_stays_open_and_silent(client: BareClient) -> None:
    fault = client.exchange.faults.stall(method="order.place")
    client.send("order.place", ORDER, signed=True)
    assert fault.wait(5)
    client.socket.ping("are you there")
    client.socket.settimeout(0.2)
    with pytest.raises(websocket.WebSocketTimeoutException):
        client.receive()
    assert statuses(client.exchange) == []
    with BareClient(client.exchange) as other:
        assert other.result("ping") == {}


def test_every_socket_stalls_at_once(client: BareClient) -> None:
    client.exchange.faults.stall_all()
    client.send("ping")
    client.socket.settimeout(0.2)
    with pytest.raises(websocket.WebSocketTimeoutException):
        client.receive()


def test_answer_comes_in_fragments_and_the_next_ones_wait_for_it(client: BareClient) -> None:
    client.exchange.faults.split_frames(size=10, method="exchangeInfo")
    sent = [client.send("exchangeInfo"), client.send("ping")]
    first = client.socket.recv_frame()
    assert (first.fin, len(first.data)) == (0, 10)
    text = first.data
    while not first.fin:
        first = client.socket.recv_frame()
        text += first.data
    assert json.loads(text)["id"] == sent[0]
    assert client.receive()["id"] == sent[1]


def test_handshake_is_refused_with_status_and_headers(exchange: SimulatedExchange) -> None:
    exchange.faults.refuse_handshake(429, headers={"Retry-After": "7"}, times=2)
    for _ in range(2):
        with pytest.raises(websocket.WebSocketBadStatusException) as refused:
            BareClient(exchange)
        assert refused.value.status_code == 429
        assert refused.value.resp_headers is not None
        assert refused.value.resp_headers["retry-after"] == "7"
    with BareClient(exchange) as client:
        assert client.result("ping") == {}


def test_handshake_is_never_answered(exchange: SimulatedExchange) -> None:
    exchange.faults.refuse_handshake(None)
    with pytest.raises(websocket.WebSocketTimeoutException):
        websocket.create_connection(exchange.endpoint, timeout=0.2)
    with BareClient(exchange) as client:
        assert client.result("ping") == {}


def test_ban_closes_connections_and_refuses_new_ones_until_it_ends(
    exchange: SimulatedExchange, clock: ManualClock
) -> None:
    with BareClient(exchange) as client:
        exchange.faults.ban(90)
        with pytest.raises(Closed):
            client.receive()
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        BareClient(exchange)
    assert refused.value.status_code == 418
    assert refused.value.resp_headers is not None
    assert refused.value.resp_headers["retry-after"] == "90"
    clock.advance(90)
    BareClient(exchange).close()


def test_shutdown_is_announced_to_every_connection_without_a_subscription_id(
    exchange: SimulatedExchange, clock: ManualClock
) -> None:
    with BareClient(exchange) as one, BareClient(exchange) as two:
        exchange.faults.announce_shutdown()
        for client in (one, two):
            assert client.next_event() == {"event": {"e": "serverShutdown", "E": round(clock.now() * 1000)}}
            assert client.result("ping") == {}


def test_clock_is_skewed_and_right_again(client: BareClient, clock: ManualClock) -> None:
    params = client.signed()
    client.exchange.faults.skew_clock(30)
    assert client.result("time")["serverTime"] == round((clock.now() + 30) * 1000)
    assert client.refusal("account.status", params)[1] == -1021
    client.exchange.faults.skew_clock(-30)
    assert client.refusal("account.status", params)[1] == -1021
    client.exchange.faults.skew_clock(0)
    assert client.call("account.status", params)["status"] == 200


def test_revoked_key_is_refused(client: BareClient) -> None:
    client.exchange.faults.revoke(client.account.api_key)
    assert client.refusal("account.status", signed=True)[:2] == (401, -2015)


def test_every_connection_ends_at_once(client: BareClient) -> None:
    client.exchange.faults.drop_all()
    with pytest.raises(Closed):
        client.receive()


def test_any_frame_is_sent_to_every_connection(client: BareClient) -> None:
    client.exchange.faults.say("rubbish")
    client.exchange.faults.say(b"\xff\xfe")
    client.exchange.faults.ping(b"payload")
    frames = [client.socket.recv_frame() for _ in range(3)]
    assert [(frame.opcode, frame.data) for frame in frames] == [
        (1, b"rubbish"),
        (2, b"\xff\xfe"),
        (9, b"payload"),
    ]


def test_fault_strikes_every_nth_request(client: BareClient) -> None:
    fault = client.exchange.faults.unavailable(executed=False, every=3)
    assert [client.call("ping")["status"] for _ in range(7)] == [200, 200, 503, 200, 200, 503, 200]
    assert fault.strikes == 2
    fault.cancel()
    assert [client.call("ping")["status"] for _ in range(3)] == [200] * 3


def test_fault_strikes_with_a_probability_the_same_way_for_the_same_seed(client: BareClient) -> None:
    def pattern(seed: int) -> list[int]:
        client.exchange.faults.clear()
        client.exchange.faults.unavailable(executed=False, probability=0.5, seed=seed)
        return [client.call("ping")["status"] for _ in range(40)]

    first = pattern(1)
    assert 5 < first.count(503) < 35
    assert pattern(1) == first
    assert pattern(2) != first


def test_fault_strikes_until_a_time(client: BareClient, clock: ManualClock) -> None:
    client.exchange.faults.unavailable(executed=False, until=clock.now() + 10)
    assert client.call("ping")["status"] == 503
    clock.advance(10)
    assert client.call("ping")["status"] == 200


def test_fault_strikes_the_methods_it_names(client: BareClient) -> None:
    client.exchange.faults.unavailable(executed=False, method=["time", "ticker.*"], times=None)
    assert client.call("ping")["status"] == 200
    assert client.call("v3/time")["status"] == 503
    assert client.call("ticker.book")["status"] == 503


def test_waiting_for_a_fault_ends_with_its_timeout(exchange: SimulatedExchange) -> None:
    fault = exchange.faults.drop()
    began = time.monotonic()
    assert fault.wait(0.05) is False
    assert time.monotonic() - began < 8


def test_unknown_condition_is_an_error(exchange: SimulatedExchange) -> None:
    with pytest.raises(TypeError, match="no such condition: often"):
        exchange.faults.drop(often=True)
    with pytest.raises(ValueError, match="moment"):
        exchange.faults.drop("later")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="probability"):
        exchange.faults.drop(probability=2)
    with pytest.raises(ValueError, match="every"):
        exchange.faults.drop(every=0)


def test_faults_may_be_planned_from_any_thread(client: BareClient) -> None:
    threads = [
        threading.Thread(target=client.exchange.faults.unavailable, kwargs={"executed": False})
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Every planned fault strikes the first request that it sees.
    assert client.call("ping")["status"] == 503
    assert client.call("ping")["status"] == 200
