"""Streams of user data while a connection is replaced on purpose: nothing lost, nothing doubled, no needless gap."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from bytes_server import LIMIT
from hostile_exchange import Call, HostileExchange

from crypto_ws_sync import StreamGap, UserDataStream, UserWSSession
from crypto_ws_sync.simulator import ManualClock, SimulatedExchange

SUBSCRIBE = "userDataStream.subscribe.signature"


def _changes(stream: UserDataStream, last: str) -> list[str]:
    """Return the amounts of deposits up to the last one, with gaps between."""
    found: list[str] = []
    while last not in found:
        item = next(stream)
        if isinstance(item, StreamGap):
            found.append("gap")
        elif item["e"] == "balanceUpdate":
            found.append(item["d"])
    return found


@pytest.mark.parametrize("key_type", ["hmac", "ed25519"])
def test_rotations_on_the_heels_of_each_other_are_not_noticed(key_type: Any) -> None:
    clock = ManualClock()
    with SimulatedExchange(clock=clock) as exchange:
        account = exchange.add_account(key_type)
        session = UserWSSession(account.api_key, account.api_secret, endpoint=exchange.endpoint, clock=clock)
        with session, session.user_data(timeout=5) as stream:
            amount = 0
            for _ in range(4):
                again = exchange.faults.delay(0.0, method="userDataStream.subscribe*", times=1)
                exchange.faults.announce_shutdown()
                # Less than the drop window, so that each handover begins while the one before is looked after.
                for _ in range(30):
                    amount += 1
                    exchange.deposit("BTC", amount, account)
                    session.ping()
                    clock.advance(0.1)
                assert again.wait(5)
            amount += 1
            exchange.deposit("BTC", amount, account)
            told = _changes(stream, f"{amount}.00000000")
            assert told == [f"{number}.00000000" for number in range(1, amount + 1)]
            assert session.status().reconnects == {"server shutdown": 4}


def test_a_stream_under_load_keeps_its_order_through_a_rotation() -> None:
    with SimulatedExchange() as exchange:
        session = UserWSSession(exchange.api_key, exchange.api_secret, endpoint=exchange.endpoint)
        with session, session.user_data(timeout=5) as stream:
            again = exchange.faults.delay(0.0, method=SUBSCRIBE, times=1)
            amounts: list[int] = []
            over = threading.Event()

            def feed() -> None:
                while not over.is_set():
                    amounts.append(len(amounts) + 1)
                    exchange.deposit("BTC", amounts[-1])
                    session.ping()

            feeder = threading.Thread(target=feed)
            feeder.start()
            exchange.faults.announce_shutdown()
            assert again.wait(5)
            begun = time.monotonic()
            told: list[str] = []
            # The old connection delivers for one more second.
            while time.monotonic() < begun + 1.3:
                told += _changes(stream, f"{len(told) + 1}.00000000")
            over.set()
            feeder.join()
            while len(told) < len(amounts):
                told += _changes(stream, f"{len(told) + 1}.00000000")
            assert told == [f"{number}.00000000" for number in amounts]


@dataclass
class Scene:
    """A session with an open stream on a server that the test leads."""

    exchange: HostileExchange
    session: UserWSSession
    stream: UserDataStream
    clock: ManualClock

    def say(self, connection: int, number: int) -> None:
        """Tell an event on a connection."""
        body = {"e": "balanceUpdate", "E": 1, "a": "BTC", "d": str(number), "T": 1}
        self.exchange.wire(connection).send_text({"subscriptionId": connection, "event": body})

    def replace(self, *, confirm: bool) -> Call:
        """Have the session replace its connection; return the subscription on the next one."""
        count = len(self.exchange.seen(SUBSCRIBE))
        self.exchange.once(SUBSCRIBE, _confirm if confirm else _keep_waiting)
        self.exchange.wire(count).send_text({"event": {"e": "serverShutdown", "E": 1}})
        return self.exchange.wait_for(SUBSCRIBE, count + 1)

    def hear(self) -> str:
        """Return what the stream gives next, letting the clock go on while nothing comes."""
        while True:
            try:
                item = next(self.stream)
            except TimeoutError:
                self.clock.advance(0.2)
                continue
            return "gap" if isinstance(item, StreamGap) else str(item.get("d"))

    def is_silent(self) -> bool:
        """Tell whether nothing has come by the time that a request is answered."""
        self.session.ping()
        try:
            next(self.stream)
        except TimeoutError:
            return True
        return False


def _confirm(call: Call) -> None:
    call.answer({"id": call.id, "status": 200, "result": {"subscriptionId": call.wire.number}})


def _keep_waiting(call: Call) -> None:
    """Leave the request unanswered, for the test to confirm."""


def _confirm_and_fall_silent(call: Call) -> None:
    _confirm(call)
    call.wire.park()


def _scene(exchange: HostileExchange) -> Iterator[Scene]:
    clock = ManualClock()
    exchange.clock = clock
    key, secret = exchange.credentials
    exchange.on(SUBSCRIBE, _confirm)
    with exchange.server:
        session = UserWSSession(key, secret, endpoint=exchange.url, clock=clock)
        with session, session.user_data(timeout=0.02) as stream:
            yield Scene(exchange, session, stream, clock)


@pytest.fixture
def scene() -> Iterator[Scene]:
    yield from _scene(HostileExchange())


@pytest.fixture
def scene_of_silence() -> Iterator[Scene]:
    """A scene whose first connection answers nothing, not even pings, once the stream is open."""
    exchange = HostileExchange()
    exchange.once(SUBSCRIBE, _confirm_and_fall_silent)
    yield from _scene(exchange)


def test_the_old_connection_delivers_until_the_new_one_takes_over(scene: Scene) -> None:
    asked = scene.replace(confirm=False)
    scene.say(2, 2)
    scene.say(1, 1)
    assert scene.hear() == "1"
    scene.say(1, 2)
    assert scene.hear() == "2"
    _confirm(asked)
    scene.say(2, 3)
    assert scene.is_silent(), "the new one is held back, as the old one may be about to tell the same"
    scene.say(1, 3)
    assert scene.hear() == "3"
    scene.say(2, 4)
    assert scene.hear() == "4", "the hold is over"
    scene.say(1, 4)
    scene.say(1, 5)
    assert scene.hear() == "5", "a late one is still taken from the old one, a double is not"
    scene.say(2, 5)
    scene.say(2, 6)
    assert scene.hear() == "6"


def test_the_old_connection_is_closed_when_the_window_is_over(scene: Scene) -> None:
    scene.replace(confirm=True)
    scene.say(2, 1)
    assert scene.hear() == "1"
    old = scene.exchange.wire(1)
    assert old.close_code is None
    deadline = time.monotonic() + 5
    while old.close_code is None and time.monotonic() < deadline:
        scene.clock.advance(1.0)
        assert scene.is_silent()
    assert old.close_code == 1000
    scene.say(2, 2)
    assert scene.hear() == "2"


def test_an_old_connection_lost_before_the_confirmation_leaves_one_gap(scene: Scene) -> None:
    scene.say(1, 1)
    assert scene.hear() == "1"
    asked = scene.replace(confirm=False)
    scene.say(2, 2)
    scene.exchange.wire(1).cut()
    assert scene.is_silent(), "what comes before the confirmation waits until the gap is told"
    _confirm(asked)
    assert [scene.hear(), scene.hear()] == ["gap", "2"]
    scene.say(2, 3)
    assert scene.hear() == "3"


def test_an_old_connection_that_has_spoken_since_the_confirmation_has_told_all(scene: Scene) -> None:
    scene.replace(confirm=True)
    scene.say(2, 1)
    assert scene.is_silent()
    scene.exchange.wire(1).send_text({"event": {"e": "last words"}})
    assert scene.hear() == "None"
    scene.exchange.wire(1).cut()
    assert scene.hear() == "1", "bytes come in order, so all from before had come"


def test_an_old_connection_lost_in_silence_after_the_confirmation_may_have_kept_something(
    scene_of_silence: Scene,
) -> None:
    scene = scene_of_silence
    scene.replace(confirm=True)
    scene.say(2, 1)
    assert scene.is_silent()
    scene.exchange.wire(1).cut()
    assert [scene.hear(), scene.hear()] == ["gap", "1"]


def test_an_old_connection_that_stays_silent_may_have_kept_something(scene_of_silence: Scene) -> None:
    scene = scene_of_silence
    scene.replace(confirm=True)
    scene.say(2, 1)
    assert [scene.hear(), scene.hear()] == ["1", "gap"]


def test_an_old_connection_lost_after_its_place_was_taken_has_told_all(scene: Scene) -> None:
    scene.replace(confirm=True)
    scene.say(2, 1)
    assert scene.hear() == "1"
    scene.exchange.wire(1).cut()
    assert scene.is_silent(), "it had answered a ping since the confirmation"
    scene.say(2, 2)
    assert scene.hear() == "2"


def test_a_silent_old_connection_lost_after_its_place_was_taken_may_have_kept_something(
    scene_of_silence: Scene,
) -> None:
    scene = scene_of_silence
    scene.replace(confirm=True)
    scene.say(2, 1)
    assert scene.hear() == "1"
    scene.exchange.wire(1).cut()
    deadline = time.monotonic() + LIMIT
    # The clock stands still, so that it is not the end of the wait that tells.
    while scene.is_silent():
        assert time.monotonic() < deadline
    scene.say(2, 2)
    assert scene.hear() == "2"


def test_a_new_connection_lost_before_it_takes_over_changes_nothing(scene: Scene) -> None:
    scene.replace(confirm=True)
    scene.say(2, 1)
    scene.exchange.wire(2).cut()
    scene.exchange.wait_for(SUBSCRIBE, 3)
    scene.say(1, 1)
    assert scene.hear() == "1"
    scene.say(3, 1)
    scene.say(3, 2)
    assert scene.hear() == "2"


def test_a_new_connection_lost_after_it_took_over_leaves_one_gap(scene: Scene) -> None:
    scene.replace(confirm=True)
    scene.say(2, 1)
    assert scene.hear() == "1"
    scene.exchange.wire(2).cut()
    scene.exchange.wait_for(SUBSCRIBE, 3)
    assert scene.hear() == "gap"
    scene.say(3, 2)
    assert scene.hear() == "2"


def test_closing_the_stream_lets_the_old_connection_go(scene: Scene) -> None:
    scene.replace(confirm=True)
    scene.say(1, 1)
    assert scene.hear() == "1"
    scene.stream.close()
    scene.exchange.wait_for("userDataStream.unsubscribe")
    deadline = time.monotonic() + 5
    while scene.exchange.wire(1).close_code is None and time.monotonic() < deadline:
        scene.session.ping()
    assert scene.exchange.wire(1).close_code == 1000


def test_a_refusal_on_the_next_connection_ends_the_stream_with_it(scene: Scene) -> None:
    scene.exchange.once(
        SUBSCRIBE, lambda call: call.refuse(401, -2015, "Invalid API-key, IP, or permissions.")
    )
    scene.exchange.wire(1).send_text({"event": {"e": "serverShutdown", "E": 1}})
    with pytest.raises(Exception, match="Invalid API-key"):
        scene.hear()
