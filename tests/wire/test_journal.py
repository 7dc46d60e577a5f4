"""Sessions that keep a journal: what a program leaves open when it ends, the next one settles."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from journal_kill import run_round
from venue import Venue
from writes import SYMBOL, WRITES, shape

from crypto_ws_sync import (
    ConnectionLost,
    InvalidParameter,
    OutcomeUnknown,
    UserWSSession,
)
from crypto_ws_sync.protocol.outcome import Question
from crypto_ws_sync.session.journal import account_mark
from crypto_ws_sync.session.journal_file import read_journal
from crypto_ws_sync.session.journal_lines import record_line

WINDOW, MARGIN = 1.5, 3.0
"""Seconds for which an order may be accepted, and for which the exchange's caches may lag behind its engine."""
AHEAD = 1.0
"""Seconds by which a timestamp may be ahead of the exchange."""

KINDS = [
    "a limit order",
    "a market order",
    "a cancel",
    "a cancel of a leg",
    "a replacement",
    "a replacement under the same name",
    "an amendment",
    "a pair",
    "a chain",
    "a cancel of a list",
]
"""Writes that do not touch one another, and that may all stand at once."""

Restart = Callable[..., UserWSSession]


@pytest.fixture
def restart(kept: Venue, path: Path) -> Iterator[Restart]:
    """End the session without waiting for answers, and start another one with its journal."""
    made: list[UserWSSession] = []

    def restart(**options: Any) -> UserWSSession:
        for session in (kept.session, *made):
            session.stop(0.02)
        settings = {"endpoint": kept.exchange.endpoint, "clock": kept.clock, "recv_window": 1500}
        key, secret = kept.exchange.api_key, kept.exchange.api_secret
        made.append(UserWSSession(key, secret, **{**settings, "journal": path, **options}))
        return made[-1].start()

    yield restart
    for session in made:
        session.stop(0.1)


def leave_open(
    kept: Venue, params: dict[str, Any], moment: Any = "after", method: str = "order.place"
) -> None:
    """Send a write that is executed (or not), and whose answer never comes."""
    swallowed = kept.exchange.faults.swallow(moment, method=method)
    kept.session.submit(method, params)
    assert swallowed.wait(5)


def outcome(kept: Venue, ask: Callable[[], Any]) -> Any:
    """Return what asking comes to, with the clock moving on meanwhile."""
    told: list[Any] = []

    def work() -> None:
        try:
            told.append(ask())
        except Exception as error:
            told.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    while thread.is_alive():
        thread.join(0.02)
        kept.clock.advance(0.25)
    return told[0]


# -- what is left open, and how it is settled ---------------------------------------------------------------


@pytest.mark.timeout(30)  # two programs start, are killed, and leave some hundred orders to be resolved
@pytest.mark.parametrize("seed", [5, 6])
def test_killed_in_the_middle_of_200_orders_every_one_is_settled_by_the_next_start(
    tmp_path: Path, seed: int
) -> None:
    found = run_round(seed, tmp_path)
    assert not found.wrong
    assert found.recorded >= found.executed > 0


def _all_left_open(kept: Venue, restart: Restart, moment: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the answers to every kind of write, and what the next program finds out where the answers were lost."""
    desk = kept.desk()
    direct = {}
    for kind in KINDS:
        direct[kind] = kept.session.handle_request(WRITES[kind].method, WRITES[kind].prepare(desk))
    kept.session.handle_request("openOrders.cancelAll", {"symbol": SYMBOL})
    kept.clock.advance(20)
    prepared = [(WRITES[kind].method, WRITES[kind].prepare(desk)) for kind in KINDS]
    kept.clock.advance(20)
    before = kept.exchange.orders()
    for method, params in prepared:
        leave_open(kept, params, moment, method)
    left = restart().unresolved()
    assert [each.method for each in left] == [method for method, _ in prepared]
    found = {kind: outcome(kept, each.resolve) for kind, each in zip(KINDS, left, strict=True)}
    assert (kept.exchange.orders() == before) is (moment == "before")
    return direct, found


def test_writes_of_every_kind_are_found_in_the_shapes_of_their_answers(kept: Venue, restart: Restart) -> None:
    direct, found = _all_left_open(kept, restart, "after")
    assert {kind: shape(each) for kind, each in found.items()} == {
        kind: shape(each) for kind, each in direct.items()
    }


def test_writes_of_every_kind_that_were_not_executed_are_told_so(kept: Venue, restart: Restart) -> None:
    _, found = _all_left_open(kept, restart, "before")
    assert {kind: type(each) for kind, each in found.items()} == dict.fromkeys(KINDS, ConnectionLost)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_cancel_of_all(kept: Venue, restart: Restart, moment: Any) -> None:
    params = WRITES["a cancel of all"].prepare(kept.desk())
    kept.clock.advance(2)
    leave_open(kept, params, moment, "openOrders.cancelAll")
    (left,) = restart().unresolved()
    assert isinstance(outcome(kept, left.resolve), list if moment == "after" else ConnectionLost)


def test_an_order_that_is_executed_after_the_program_has_ended_is_found(
    kept: Venue, restart: Restart
) -> None:
    late = kept.exchange.faults.delay(WINDOW - 0.1, moment="before", method="order.place", times=1)
    kept.session.submit("order.place", kept.desk().limit())
    assert late.wait(5)
    looked = kept.exchange.faults.delay(0.0, method="order.status", times=None)
    (left,) = restart().unresolved()
    assert looked.wait(5)
    kept.clock.advance(WINDOW - 0.2)
    assert not kept.exchange.orders()
    kept.clock.advance(0.12)
    while not kept.exchange.orders():
        looked.wait(0.01, strikes=1_000_000)
    (order,) = kept.exchange.orders()
    assert outcome(kept, left.resolve)["orderId"] == order["orderId"]


def _record(
    kept: Venue, params: dict[str, Any], *, ago: float, waits: float, method: str = "order.place"
) -> bytes:
    """Return the record of an order that a program was to send within `waits` seconds, a while ago."""
    now = kept.clock.now() - ago
    asked = Question(7, method, params, params["newClientOrderId"], now, now + WINDOW, 0.01, True)
    mark = account_mark(kept.exchange.endpoint.split("/")[2], kept.exchange.api_key)
    return record_line(asked, now + waits, WINDOW, mark)


@pytest.mark.parametrize(
    ("ago", "waits", "not_before", "by"),
    [
        (60.0, 10.0, 0.0, WINDOW + MARGIN),
        (20.0, 18.0, WINDOW + MARGIN - 2.0, 60.0),
        (1.0, 3600.0, WINDOW + MARGIN + AHEAD, 60.0),
    ],
    ids=["long over", "just over", "for an hour to come"],
)
def test_an_order_that_was_never_sent_is_told_once_none_can_be_accepted_any_more(
    kept: Venue, restart: Restart, path: Path, ago: float, waits: float, not_before: float, by: float
) -> None:
    """Its call may have had an hour, but the program that would have sent it has ended."""
    params = kept.desk().limit()
    kept.session.stop()
    with path.open("ab") as file:
        file.write(_record(kept, params, ago=ago, waits=waits))
    looked = kept.exchange.faults.delay(0.0, method="order.status", times=None)
    begun = kept.clock.now()
    (left,) = restart().unresolved()
    told: list[Exception] = []

    def ask() -> None:
        try:
            left.resolve(50)
        except ConnectionLost as error:
            told.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    assert looked.wait(5)
    if not_before:
        kept.clock.advance(not_before - 0.5)
        count = looked.strikes
        while looked.strikes <= count:
            kept.clock.advance(0.002)
            thread.join(0.01)
        assert not told
        assert kept.clock.now() - begun < not_before
    while thread.is_alive():
        kept.clock.advance(0.02)
        thread.join(0.01)
    assert told
    assert not_before <= kept.clock.now() - begun < by


def test_what_is_settled_in_the_background_is_listed_until_somebody_has_heard_of_it(
    kept: Venue, restart: Restart, path: Path
) -> None:
    params = kept.desk().limit()
    leave_open(kept, params)
    session = restart()
    deadline = time.monotonic() + 5
    while session.status().counters["verdict_executed"] < 1:
        assert time.monotonic() < deadline
    assert session.status().unresolved == 0
    assert [each.client_order_id for each in session.unresolved()] == [params["newClientOrderId"]]
    (left,) = session.unresolved()
    assert left.resolve()["clientOrderId"] == params["newClientOrderId"]
    assert session.unresolved() == []
    session.stop()
    assert not read_journal(path).left_open
    assert restart().unresolved() == []


def test_nothing_is_placed_again_and_no_name_that_is_open_can_be_used(kept: Venue, restart: Restart) -> None:
    there, absent = kept.desk().limit(), kept.desk().limit()
    leave_open(kept, there)
    leave_open(kept, absent, "before")
    session = restart()
    with pytest.raises(InvalidParameter, match="unresolved"):
        session.handle_request("order.place", absent)
    results = [outcome(kept, each.resolve) for each in session.unresolved()]
    assert results[0]["clientOrderId"] == there["newClientOrderId"]
    assert isinstance(results[1], ConnectionLost)
    assert len(kept.exchange.orders()) == 1
    assert session.handle_request("order.place", absent)["status"] == "NEW"


def test_a_second_crash_while_the_first_is_being_settled_loses_nothing(kept: Venue, restart: Restart) -> None:
    names = []
    for moment in ("before", "after", "before"):
        params = kept.desk().limit()
        names.append(params["newClientOrderId"])
        leave_open(kept, params, moment)
    kept.exchange.faults.swallow("before", method=["order.status", "openOrders.status"], times=None)
    for _ in range(3):
        assert [each.client_order_id for each in restart().unresolved()] == names
    kept.exchange.faults.clear()
    session = restart()
    results = [outcome(kept, each.resolve) for each in session.unresolved()]
    assert [type(result) for result in results] == [ConnectionLost, dict, ConnectionLost]


def test_the_same_session_started_again_lists_each_once(kept: Venue, path: Path) -> None:
    params = kept.desk().limit()
    leave_open(kept, params, "before")
    kept.session.stop(0.02)
    assert len(kept.session.unresolved()) == 1
    kept.session.start()
    (left,) = kept.session.unresolved()
    assert isinstance(outcome(kept, left.resolve), ConnectionLost)
    assert not kept.session.unresolved()
    kept.session.stop()
    assert not read_journal(path).left_open


def test_a_write_that_no_look_up_can_tell_of_is_listed_once(
    kept: Venue, restart: Restart, path: Path
) -> None:
    kept.session.stop()
    with path.open("ab") as file:
        file.write(_record(kept, {"newClientOrderId": "far"}, ago=1, waits=5, method="order.teleport"))
    session = restart()
    (left,) = session.unresolved()
    with pytest.raises(OutcomeUnknown, match="no look-up can tell"):
        left.resolve(2)
    assert session.unresolved() == []
    session.stop()
    assert [each.verdict for each in read_journal(path).settled.values()] == ["unknown"]
    assert restart().unresolved() == []


def test_what_another_key_recorded_is_not_looked_up_with_this_one(
    kept: Venue, restart: Restart, caplog: pytest.LogCaptureFixture
) -> None:
    """Asked with another account's key the exchange would say that there is no such order."""
    params = kept.desk().limit()
    leave_open(kept, params)
    kept.session.stop(0.02)
    other = kept.exchange.add_account()
    seen = len(kept.seen("order.status"))
    with caplog.at_level(logging.WARNING):
        kept.session.stop()
        stranger = UserWSSession(
            other.api_key,
            other.api_secret,
            endpoint=kept.exchange.endpoint,
            clock=kept.clock,
            journal=kept.session._journal,
        )
        with stranger:
            (left,) = stranger.unresolved()
            assert left.client_order_id == params["newClientOrderId"]
            with pytest.raises(OutcomeUnknown, match="another key or endpoint"):
                left.resolve()
    assert "recorded with another key" in caplog.text
    assert len(kept.seen("order.status")) == seen
    (left,) = restart().unresolved()
    assert left.resolve(5)["clientOrderId"] == params["newClientOrderId"]
