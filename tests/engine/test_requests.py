"""Requests on their way, and the room where they wait: look-ups first, then first come, first served."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto_ws_sync.engine.requests import Entry, Inbox, WaitingRoom, unsent_error
from crypto_ws_sync.errors import ConnectionLost, OutOfService, RequestTimeout, SessionClosed
from crypto_ws_sync.protocol.limits import Bucket, Full
from crypto_ws_sync.protocol.method import Charge, MethodSpec, Request

PLAIN, ORDER, URGENT = "plain", "order", "urgent"


def make(kind: str = PLAIN, reply: Any = None) -> Entry:
    spec = MethodSpec("order.place" if kind == ORDER else "ping", orders=int(kind == ORDER))
    request = Request(spec, spec.name, {}, False, False, "ours" if kind == ORDER else None, spec.charge({}))
    return Entry(request, reply or Future[Any](), 10.0, is_internal=kind == URGENT)


def serve_all(room: WaitingRoom, *, skip_orders: bool = False) -> list[Entry]:
    """Serve one after the other until nothing is left that may be served."""
    served = []
    while (entry := room.first(skip_orders=skip_orders)) is not None:
        room.remove(entry)
        served.append(entry)
    return served


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "add", "add", "serve", "serve but orders", "discard", "serve and put back"]),
        st.sampled_from([PLAIN, ORDER, URGENT]),
        st.integers(0, 5),
    ),
    max_size=40,
)


@given(steps=STEPS)
def test_each_is_served_once_and_in_its_turn(steps: list[tuple[str, str, int]]) -> None:
    room = WaitingRoom()
    waiting: list[tuple[str, Entry]] = []

    def turn(*, skip_orders: bool = False) -> tuple[str, Entry] | None:
        urgent = [pair for pair in waiting if pair[0] == URGENT]
        others = [pair for pair in waiting if pair[0] == PLAIN or (pair[0] == ORDER and not skip_orders)]
        return next(iter(urgent or others), None)

    for step, kind, number in steps:
        if step == "add":
            waiting.append((kind, make(kind)))
            room.add(waiting[-1][1])
        elif step == "discard":
            gone = waiting[number : number + 2]
            waiting = [pair for pair in waiting if pair not in gone]
            room.discard([entry for _, entry in gone])
        else:
            skips = step == "serve but orders"
            expected, found = turn(skip_orders=skips), room.first(skip_orders=skips)
            assert (expected and expected[1]) is found
            if expected is not None and found is not None:
                room.remove(found)
                waiting.remove(expected)
                if step == "serve and put back":
                    room.put_back(found)
                    waiting.insert(0, expected)
        assert len(room) == len(waiting)
        assert set(map(id, room)) == {id(entry) for _, entry in waiting}
    in_turn = []
    while (pair := turn()) is not None:
        waiting.remove(pair)
        in_turn.append(pair[1])
    assert serve_all(room) == in_turn


def test_a_full_order_count_holds_back_nothing_else() -> None:
    room = WaitingRoom()
    first, order, last = make(), make(ORDER), make()
    for entry in (order, first, last):
        room.add(entry)
    assert serve_all(room, skip_orders=True) == [first, last]
    assert list(room) == [order]


def test_lookups_go_before_all_others() -> None:
    room = WaitingRoom()
    plain, order, urgent = make(), make(ORDER), make(URGENT)
    for entry in (plain, order, urgent):
        room.add(entry)
    assert serve_all(room) == [urgent, plain, order]


def test_who_is_put_back_in_reverse_is_served_in_the_old_order() -> None:
    room = WaitingRoom()
    early, late, new = make(), make(), make()
    room.add(new)
    for entry in (late, early):
        room.put_back(entry)
    assert serve_all(room) == [early, late, new]


def test_those_behind_a_held_one_come_in_the_order_of_service() -> None:
    room = WaitingRoom()
    entries = [make(kind) for kind in (PLAIN, ORDER, PLAIN, ORDER, URGENT, PLAIN)]
    for entry in entries:
        room.add(entry)
    held, one, two, three, urgent, four = entries
    assert room.behind(held, 10) == [urgent, one, two, three, four]
    assert room.behind(held, 10, skip_orders=True) == [urgent, two, four]
    assert room.behind(held, 1) == [urgent, one]
    assert len(room) == 6


def test_one_may_leave_from_the_middle_of_its_line() -> None:
    room = WaitingRoom()
    entries = [make() for _ in range(3)]
    for entry in entries:
        room.add(entry)
    room.remove(entries[1])
    assert serve_all(room) == [entries[0], entries[2]]


@pytest.mark.parametrize("kind", ["thread", "loop"])
def test_a_caller_is_served_once(kind: str) -> None:
    async def serve() -> None:
        reply: Any = Future[Any]() if kind == "thread" else asyncio.get_running_loop().create_future()
        entry = make(reply=reply)
        assert not entry.is_over
        entry.finish("the answer")
        entry.finish("another")
        entry.fail(ConnectionLost("too late"))
        assert entry.is_over
        assert reply.result() == "the answer"

    asyncio.run(serve())


def test_who_has_gone_is_told_nothing() -> None:
    entry = make()
    entry.reply.cancel()
    entry.finish("the answer")
    entry.fail(ConnectionLost("gone"))
    assert entry.is_abandoned
    assert entry.reply.cancelled()


def test_a_claim_makes_a_request_nobodys() -> None:
    entry = make()
    entry.claimed = True
    assert entry.is_abandoned
    assert entry.is_over
    assert not entry.may_have_left


def test_whoever_is_in_the_inbox_at_the_end_is_told() -> None:
    inbox = Inbox()
    entries = [make(), make()]
    inbox.entries.extend(entries)
    inbox.is_armed = True
    inbox.fail_all(lambda: SessionClosed("stopped"))
    assert not inbox.entries
    assert not inbox.is_armed
    assert all(isinstance(entry.reply.exception(), SessionClosed) for entry in entries)


def test_who_was_not_sent_in_time_is_told_what_held_it() -> None:
    entry = make(ORDER)
    assert isinstance(unsent_error(entry, False, 0.0), ConnectionLost)
    assert isinstance(unsent_error(entry, True, 0.0), RequestTimeout)
    entry.held = Full(Bucket.ORDERS, "orders: 50 of 50 per 10 s used", 1_700_000_050.0)
    held = unsent_error(entry, True, -40.0)
    assert isinstance(held, OutOfService)
    assert held.reason == "orders: 50 of 50 per 10 s used"
    assert held.retry_at == 1_700_000_010.0
    for error in (held, unsent_error(make(ORDER), False, 0.0), unsent_error(make(ORDER), True, 0.0)):
        assert error.method == "order.place"
        assert error.client_order_id == "ours"


def test_a_charge_decides_the_line() -> None:
    assert make(ORDER).request.charge == Charge(1, 1)
    assert make().request.charge == Charge(1)
