"""Streams of user data over real sockets, against the simulated exchange."""

from __future__ import annotations

import gc
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tearing import each_line

from crypto_ws_sync import (
    AuthError,
    ConfigError,
    ConnectionLost,
    InvalidParameter,
    RateLimited,
    RequestTimeout,
    SessionClosed,
    StreamGap,
    UserDataStream,
    UserWSSession,
)
from crypto_ws_sync.session.user_data import UserDataItem
from crypto_ws_sync.simulator import Account, SimulatedExchange
from crypto_ws_sync.simulator.keys import KeyType

SUBSCRIBE = "userDataStream.subscribe*"


@pytest.fixture
def exchange() -> Iterator[SimulatedExchange]:
    with SimulatedExchange() as exchange:
        yield exchange


@pytest.fixture
def session(exchange: SimulatedExchange) -> Iterator[UserWSSession]:
    with _session(exchange, exchange.accounts[0]) as session:
        yield session


def _session(exchange: SimulatedExchange, account: Account, **options: Any) -> UserWSSession:
    return UserWSSession(account.api_key, account.api_secret, endpoint=exchange.endpoint, **options)


def _asked(exchange: SimulatedExchange, word: str = "userDataStream") -> list[str]:
    """Return the requests about streams that the exchange has seen, in short."""
    return [
        seen.method.removeprefix("userDataStream.") for seen in exchange.requests() if word in seen.method
    ]


def _kinds(stream: UserDataStream, count: int) -> list[str]:
    """Return the kinds of the next items."""
    return [_kind(next(stream)) for _ in range(count)]


def _kind(item: UserDataItem) -> str:
    return "gap" if isinstance(item, StreamGap) else item["e"]


def _rest(session: UserWSSession) -> Any:
    """Place an order that rests on the book; return the answer."""
    bid = Decimal(session.ticker_book(symbol="BTCUSDT")["bidPrice"])
    return session.order_place(
        symbol="BTCUSDT",
        side="BUY",
        type="LIMIT_MAKER",
        quantity="0.01",
        price=(bid * Decimal("0.95")).quantize(1),
    )


def _changes(stream: UserDataStream, count: int) -> list[str]:
    """Return the amounts of the next deposits told, with gaps between, leaving out account positions."""
    found: list[str] = []
    while len(found) < count:
        item = next(stream)
        if isinstance(item, StreamGap):
            found.append("gap")
        elif item["e"] == "balanceUpdate":
            found.append(item["d"])
    return found


@pytest.mark.parametrize(
    ("key_type", "method"),
    [("hmac", "subscribe.signature"), ("rsa", "subscribe.signature"), ("ed25519", "subscribe")],
)
def test_a_stream_hears_what_happens_to_the_account(
    exchange: SimulatedExchange, key_type: KeyType, method: str
) -> None:
    account = exchange.add_account(key_type)
    with _session(exchange, account) as session, session.user_data(timeout=5) as stream:
        assert repr(stream) == "<UserDataStream open>"
        placed = _rest(session)
        first = next(stream)
        assert not isinstance(first, StreamGap)
        assert first["e"] == "executionReport"
        assert (first["c"], first["x"], first["X"]) == (placed["clientOrderId"], "NEW", "NEW")
        assert _kinds(stream, 1) == ["outboundAccountPosition"]
        exchange.deposit("BTC", "0.5", account)
        assert _kinds(stream, 2) == ["balanceUpdate", "outboundAccountPosition"]
    assert repr(stream) == "<UserDataStream closed>"
    assert _asked(exchange) == [method, "unsubscribe"]


def test_streams_of_one_session_share_one_subscription(
    exchange: SimulatedExchange, session: UserWSSession
) -> None:
    with session.user_data(timeout=5) as first:
        with session.user_data(timeout=5) as second:
            exchange.deposit("BTC", "1")
            ours, theirs = next(first), next(second)
            assert ours == theirs
            assert ours is not theirs, "each reader may change what it got"
            assert _asked(exchange) == ["subscribe.signature"]
        exchange.deposit("BTC", "2")
        assert _changes(first, 1) == ["2.00000000"]
        assert list(second) == []
        assert _asked(exchange) == ["subscribe.signature"]
    assert _asked(exchange) == ["subscribe.signature", "unsubscribe"]
    with session.user_data(timeout=5) as third:
        exchange.deposit("BTC", "3")
        assert _changes(third, 1) == ["3.00000000"]
    assert _asked(exchange)[2:] == ["subscribe.signature", "unsubscribe"]


def test_many_threads_open_read_and_close_streams(
    exchange: SimulatedExchange, session: UserWSSession
) -> None:
    barrier = threading.Barrier(8)

    def follow(_: int) -> list[str]:
        barrier.wait()
        with session.user_data(timeout=5) as stream:
            barrier.wait()
            barrier.wait()
            return _changes(stream, 3)

    with ThreadPoolExecutor(7) as pool:
        heard = pool.map(follow, range(7))
        barrier.wait()
        barrier.wait()
        for amount in (1, 2, 3):
            exchange.deposit("BTC", amount)
        barrier.wait()
        assert list(heard) == [["1.00000000", "2.00000000", "3.00000000"]] * 7
    assert _asked(exchange) == ["subscribe.signature", "unsubscribe"]


def test_iterating_opens_a_stream_as_well(exchange: SimulatedExchange, session: UserWSSession) -> None:
    stream = session.user_data(timeout=5)
    assert repr(stream) == "<UserDataStream not open>"
    events = iter(stream)
    exchange.deposit("BTC", "1")
    assert _changes(events, 1) == ["1.00000000"]
    stream.close()
    stream.close()
    assert list(stream) == []
    with pytest.raises(SessionClosed, match="open another"), stream:
        pass


def test_a_forgotten_stream_ends_its_subscription(
    exchange: SimulatedExchange, session: UserWSSession
) -> None:
    asked = exchange.faults.delay(0.0, method="userDataStream.unsubscribe")
    stream = session.user_data(timeout=5)
    iter(stream)
    del stream
    gc.collect()
    assert asked.wait(5)


def test_a_session_without_keys_cannot_open_one(exchange: SimulatedExchange) -> None:
    with (
        UserWSSession(endpoint=exchange.endpoint) as session,
        pytest.raises(InvalidParameter, match="give the session api_key and api_secret"),
    ):
        session.user_data()


@pytest.mark.parametrize("wrong", [{"maxsize": 0}, {"maxsize": True}, {"maxsize": 1.5}, {"timeout": 0}])
def test_wrong_arguments_are_refused(exchange: SimulatedExchange, wrong: dict[str, Any]) -> None:
    session = _session(exchange, exchange.accounts[0])
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        session.user_data(**wrong)


def test_a_session_that_is_not_started_says_so(exchange: SimulatedExchange) -> None:
    session = _session(exchange, exchange.accounts[0])
    with pytest.raises(SessionClosed, match=r"start\(\)"), session.user_data():
        pass


def test_a_refused_subscription_is_the_exchanges_error(
    exchange: SimulatedExchange, session: UserWSSession
) -> None:
    exchange.faults.revoke(exchange.api_key)
    stream = session.user_data()
    with pytest.raises(AuthError) as refused, stream:
        pass
    assert refused.value.method == "userDataStream.subscribe.signature"
    assert refused.value.code == -2015
    assert session.ping() == {}


def test_nothing_in_time_is_a_timeout_and_the_stream_goes_on(
    exchange: SimulatedExchange, session: UserWSSession
) -> None:
    with session.user_data(timeout=0.01) as stream:
        with pytest.raises(TimeoutError):
            next(stream)
        exchange.deposit("BTC", "1")
        session.ping()
        assert _changes(stream, 1) == ["1.00000000"]


def test_stop_ends_a_waiting_reader_after_what_has_come(exchange: SimulatedExchange) -> None:
    session = _session(exchange, exchange.accounts[0]).start()
    read = threading.Semaphore(0)

    def follow(stream: UserDataStream) -> list[str]:
        kinds = []
        for event in stream:
            kinds.append(_kind(event))
            read.release()
        return kinds

    with ThreadPoolExecutor(1) as pool, session.user_data() as stream:
        following = pool.submit(follow, stream)
        exchange.deposit("BTC", "1")
        assert read.acquire(timeout=5)
        session.stop()
        assert following.result(5) == ["balanceUpdate", "outboundAccountPosition"]
        assert list(stream) == []


def test_what_was_not_read_before_stop_can_still_be_read(exchange: SimulatedExchange) -> None:
    session = _session(exchange, exchange.accounts[0]).start()
    stream = iter(session.user_data())
    exchange.deposit("BTC", "1")
    session.ping()
    session.stop()
    assert [event["e"] for event in stream if not isinstance(event, StreamGap)] == [
        "balanceUpdate",
        "outboundAccountPosition",
    ]
    session.start()
    with session.user_data(timeout=5) as another:
        exchange.deposit("BTC", "2")
        assert _changes(another, 1) == ["2.00000000"]
    session.stop()


def test_closing_in_another_thread_ends_a_waiting_reader(session: UserWSSession) -> None:
    stream = iter(session.user_data())
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(list, stream)
        stream.close()
        assert following.result(5) == []


def _after_starting(calls: threading.Timer, stream: UserDataStream) -> None:
    calls.start()
    next(stream)


def test_ctrl_c_ends_the_wait_and_the_session_serves_on(
    exchange: SimulatedExchange, session: UserWSSession
) -> None:
    main = threading.main_thread().ident
    assert main is not None
    calls = threading.Timer(0.05, signal.pthread_kill, (main, signal.SIGINT))
    with session.user_data() as stream:
        with pytest.raises(KeyboardInterrupt):
            _after_starting(calls, stream)
        calls.join()
        exchange.deposit("BTC", "1")
        assert _changes(stream, 1) == ["1.00000000"]


def test_a_reader_that_is_too_slow_is_told_how_many_went(
    exchange: SimulatedExchange, session: UserWSSession
) -> None:
    with session.user_data(timeout=5, maxsize=3) as stream:
        for amount in range(1, 6):
            exchange.deposit("BTC", amount)
        session.ping()  # its answer comes after the ten events
        gap = next(stream)
        assert isinstance(gap, StreamGap)
        assert gap.missed == 7
        assert gap.since <= gap.until
        assert _kinds(stream, 3) == ["outboundAccountPosition", "balanceUpdate", "outboundAccountPosition"]
        exchange.deposit("BTC", 9)
        assert _changes(stream, 1) == ["9.00000000"]


@pytest.mark.parametrize("key_type", ["hmac", "ed25519"])
def test_after_a_lost_connection_there_is_one_gap_in_each_stream(
    exchange: SimulatedExchange, key_type: KeyType
) -> None:
    account = exchange.add_account(key_type)
    with (
        _session(exchange, account) as session,
        session.user_data(timeout=5) as one,
        session.user_data(timeout=5) as two,
    ):
        exchange.deposit("BTC", 1, account)
        assert _changes(one, 1) == ["1.00000000"]
        exchange.faults.drop_all()
        session.ping()
        gap = next(item for item in one if isinstance(item, StreamGap))
        assert gap.missed is None
        assert 0 <= gap.until - gap.since < 10
        exchange.deposit("BTC", 2, account)
        assert _changes(one, 1) == ["2.00000000"]
        assert _changes(two, 3) == ["1.00000000", "gap", "2.00000000"]


def test_events_before_the_confirmation_wait_until_the_gap_is_told(
    exchange: SimulatedExchange, session: UserWSSession
) -> None:
    with session.user_data(timeout=5) as stream:
        # Subscribed at once, confirmed late.
        late = exchange.faults.delay(0.1, method=SUBSCRIBE, times=1)
        exchange.faults.drop_all()
        assert late.wait(5)
        exchange.deposit("BTC", 1)
        assert _changes(stream, 2) == ["gap", "1.00000000"]


def test_a_stream_opened_while_the_subscription_is_renewed_hears_of_no_gap(
    exchange: SimulatedExchange, session: UserWSSession
) -> None:
    with session.user_data(timeout=5) as before:
        late = exchange.faults.delay(0.1, method=SUBSCRIBE, times=1)
        exchange.faults.drop_all()
        assert late.wait(5)
        with session.user_data(timeout=5) as after:
            exchange.deposit("BTC", 1)
            assert _changes(after, 1) == ["1.00000000"]
            assert _changes(before, 2) == ["gap", "1.00000000"]


def test_losing_connections_again_and_again_tells_one_gap_for_each(
    exchange: SimulatedExchange, session: UserWSSession
) -> None:
    with session.user_data(timeout=5) as stream:
        for amount in range(1, 4):
            exchange.faults.drop_all()
            assert _kinds(stream, 1) == ["gap"]
            exchange.deposit("BTC", amount)
            assert _changes(stream, 1) == [f"{amount}.00000000"]
            assert _kinds(stream, 1) == ["outboundAccountPosition"]


def test_a_connection_lost_while_subscribing_adds_no_second_gap(
    exchange: SimulatedExchange, session: UserWSSession
) -> None:
    with session.user_data(timeout=5) as stream:
        dropped = exchange.faults.drop("after", method=SUBSCRIBE, times=2)
        exchange.faults.drop_all()
        assert _kinds(stream, 1) == ["gap"]
        assert dropped.strikes == 2
        exchange.deposit("BTC", 1)
        assert _changes(stream, 1) == ["1.00000000"]


def test_a_log_out_ends_the_subscription_and_another_begins(exchange: SimulatedExchange) -> None:
    account = exchange.add_account("ed25519")
    with _session(exchange, account) as session, session.user_data(timeout=5) as stream:
        session.session_logout()
        assert _kinds(stream, 2) == ["eventStreamTerminated", "gap"]
        exchange.deposit("BTC", 1, account)
        assert _changes(stream, 1) == ["1.00000000"]
    assert _asked(exchange) == ["subscribe", "subscribe.signature", "unsubscribe"]


def test_an_unsubscription_by_hand_is_made_good(exchange: SimulatedExchange, session: UserWSSession) -> None:
    with session.user_data(timeout=5) as stream:
        session.user_data_stream_unsubscribe()
        assert _kinds(stream, 2) == ["eventStreamTerminated", "gap"]
        exchange.deposit("BTC", 1)
        assert _changes(stream, 1) == ["1.00000000"]


def test_a_subscription_made_by_hand_is_taken_over(
    exchange: SimulatedExchange, session: UserWSSession
) -> None:
    session.user_data_stream_subscribe_signature()
    with session.user_data(timeout=5) as stream:
        exchange.deposit("BTC", 1)
        assert _changes(stream, 1) == ["1.00000000"]
    assert session.session_subscriptions() == []


@pytest.mark.parametrize("was_executed", [False, True])
def test_an_answer_that_says_nothing_is_asked_for_again(
    exchange: SimulatedExchange, session: UserWSSession, was_executed: bool
) -> None:
    exchange.faults.unavailable(executed=was_executed, method=SUBSCRIBE)
    with session.user_data(timeout=5) as stream:
        exchange.deposit("BTC", 1)
        assert _changes(stream, 1) == ["1.00000000"]


def test_an_answer_that_does_not_come_is_asked_for_again(
    exchange: SimulatedExchange, session: UserWSSession
) -> None:
    swallowed = exchange.faults.swallow("after", method=SUBSCRIBE)
    with session.user_data(timeout=5) as stream:  # takes the three seconds that an answer is waited for
        assert swallowed.strikes == 1
        exchange.deposit("BTC", 1)
        assert _changes(stream, 1) == ["1.00000000"]


def test_a_wrong_clock_is_set_right_first(exchange: SimulatedExchange, session: UserWSSession) -> None:
    exchange.faults.skew_clock(30)
    with session.user_data(timeout=5) as stream:
        exchange.deposit("BTC", 1)
        assert _changes(stream, 1) == ["1.00000000"]


def test_a_ban_is_told_where_it_outlasts_the_sessions_timeout(exchange: SimulatedExchange) -> None:
    exchange.faults.unavailable(executed=False, status=429, code=-1003, msg="Too many.", method=SUBSCRIBE)
    # In the middle of a minute by the exchange's clock, as such a ban lasts until its end.
    exchange.faults.skew_clock(20 - time.time() % 60)
    with (
        _session(exchange, exchange.accounts[0], timeout=3) as session,
        pytest.raises(RateLimited),
        session.user_data(),
    ):
        pass


def test_without_a_connection_it_cannot_be_opened_in_time(exchange: SimulatedExchange) -> None:
    with _session(exchange, exchange.accounts[0], timeout=0.3).start(30) as session:
        refused = exchange.faults.refuse_handshake(503, times=None)
        exchange.faults.drop_all()
        assert refused.wait(5)
        with pytest.raises(ConnectionLost, match="no connection"), session.user_data():
            pass


def test_without_a_confirmation_it_cannot_be_opened_in_time(exchange: SimulatedExchange) -> None:
    exchange.faults.swallow(method=SUBSCRIBE, times=None)
    with _session(exchange, exchange.accounts[0], timeout=0.5).start(30) as session:
        with pytest.raises(RequestTimeout, match="not confirmed"), session.user_data():
            pass
        assert session.operational_status


def test_an_end_that_is_not_confirmed_holds_nobody_up(
    exchange: SimulatedExchange, session: UserWSSession
) -> None:
    swallowed = exchange.faults.swallow(method="userDataStream.unsubscribe", times=1)
    with session.user_data(timeout=5):
        pass  # takes the second that the confirmation is waited for
    assert swallowed.strikes == 1
    with session.user_data(timeout=5) as stream:
        exchange.deposit("BTC", 1)
        assert _changes(stream, 1) == ["1.00000000"]


def test_a_session_that_is_stopped_opens_no_stream(exchange: SimulatedExchange) -> None:
    session = _session(exchange, exchange.accounts[0])
    stream = session.user_data()
    with session:
        pass
    with pytest.raises(SessionClosed):
        stream.open()


def test_stop_ends_the_wait_for_a_confirmation(exchange: SimulatedExchange) -> None:
    session = _session(exchange, exchange.accounts[0]).start()
    swallowed = exchange.faults.swallow(method=SUBSCRIBE, times=None)
    with ThreadPoolExecutor(1) as pool:
        opening = pool.submit(session.user_data().open)
        assert swallowed.wait(5)
        session.stop()
        with pytest.raises(SessionClosed):
            opening.result(5)


def test_a_key_that_goes_ends_the_streams_with_the_exchanges_words(
    exchange: SimulatedExchange, session: UserWSSession
) -> None:
    with session.user_data(timeout=5) as stream:
        exchange.deposit("BTC", 1)
        exchange.faults.revoke(exchange.api_key)
        exchange.faults.drop_all()
        with pytest.raises(AuthError):
            _changes(stream, 2)
        assert list(stream) == []


def test_unknown_events_pass_and_those_of_others_do_not(
    exchange: SimulatedExchange, session: UserWSSession
) -> None:
    with session.user_data(timeout=5) as stream:
        exchange.faults.say('{"subscriptionId":99,"event":{"e":"balanceUpdate","d":"another account"}}')
        exchange.faults.say('{"event":{"e":"brandNew","x":[1]}}')
        exchange.faults.say('{"subscriptionId":0,"event":{"e":"newer"}}')
        found: list[object] = [next(stream), next(stream)]
        assert found == [{"e": "brandNew", "x": [1]}, {"e": "newer"}]


def test_an_event_settles_an_order_whose_answer_said_nothing(
    exchange: SimulatedExchange, session: UserWSSession
) -> None:
    exchange.faults.unavailable(executed=True, method="order.place")
    exchange.faults.swallow(method="order.status", times=None)
    with session.user_data(timeout=5):
        placed = _rest(session)
    (order,) = exchange.orders()
    assert (placed["orderId"], placed["clientOrderId"]) == (order["orderId"], order["clientOrderId"])


def test_an_event_settles_a_cancel_that_somebody_else_made(
    exchange: SimulatedExchange, session: UserWSSession
) -> None:
    exchange.faults.swallow(method="order.status", times=None)
    with _session(exchange, exchange.accounts[0]) as other, session.user_data(timeout=5):
        placed = _rest(session)
        unknown = exchange.faults.unavailable(executed=False, method="order.cancel")
        name = placed["clientOrderId"]
        with ThreadPoolExecutor(1) as pool:
            params = {"symbol": "BTCUSDT", "origClientOrderId": name}
            cancelling = pool.submit(session.handle_request, "order.cancel", params)
            assert unknown.wait(5)
            cancelled = other.handle_request("order.cancel", params)
            settled = cancelling.result(5)
        assert settled["status"] == "CANCELED"
        assert settled["origClientOrderId"] == name
        assert settled["clientOrderId"] == cancelled["clientOrderId"]


@pytest.mark.timeout(40)  # a hundred streams, each interrupted elsewhere
def test_a_stream_that_was_interrupted_wherever_it_was_is_not_kept(session: UserWSSession) -> None:
    run = session._run
    assert run is not None
    assert run.engine is not None
    subscriptions = run.engine._subscriptions

    def interrupt() -> None:
        raise KeyboardInterrupt

    def open_and_close() -> None:
        with session.user_data():
            pass

    def look(error: BaseException | None) -> None:
        assert isinstance(error, KeyboardInterrupt)
        error.__traceback__ = None
        gc.collect()
        # Takes its turn on the loop behind whatever the stream has left to do there; a request would overtake it.
        session.status()
        assert subscriptions._streams == []

    def counts(path: str, name: str) -> bool:
        return Path(path).name == "user_data.py" and name != "_let_go"

    assert each_line(open_and_close, interrupt, counts, after=look) > 10
