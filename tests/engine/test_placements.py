"""Client order ids of placements under way: none is given to two at once, and each is free again in time."""

from __future__ import annotations

from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest

from crypto_ws_sync.engine.outcome_book import OpenWrite, OutcomeBook
from crypto_ws_sync.engine.placements import KEPT, Placements
from crypto_ws_sync.engine.requests import Entry
from crypto_ws_sync.errors import InvalidParameter, OutcomeUnknown
from crypto_ws_sync.protocol.dialect import Outcome, Reply
from crypto_ws_sync.protocol.method import MethodSpec, Request
from crypto_ws_sync.protocol.outcome import Question, Verdict, VerdictKind
from crypto_ws_sync.protocol.pending import PendingTable

NOON = 1_700_000_040.0
SPEC = MethodSpec("order.place", orders=1)
DONE = Reply(1, Outcome.OK, {"orderId": 7})
REFUSED = Reply(1, Outcome.REJECTED)


class Counted(Entry):
    """A placement that counts how often its state is looked at."""

    looks = 0

    @property
    def is_over(self) -> bool:
        Counted.looks += 1
        return super().is_over


def entry(name: str | None = "ours", kind: type[Entry] = Entry) -> Entry:
    return kind(Request(SPEC, SPEC.name, {}, False, False, name, SPEC.charge({})), Future[Any](), 10.0)


def send(placement: Entry, serial: int = 1) -> PendingTable[Entry]:
    """Have a placement sent; return what waits for answers on its connection."""
    placement.sent, placement.key = True, serial
    name = placement.request.client_order_id
    placement.question = Question(serial, SPEC.name, {}, name, NOON, NOON + 5, 0.0, True)
    pending: PendingTable[Entry] = PendingTable()
    pending.add(serial, placement)
    connection: Any = SimpleNamespace(pending=pending)
    placement.connection = connection
    return pending


@pytest.fixture
def book() -> OutcomeBook:
    return OutcomeBook()


@pytest.fixture
def placements(book: OutcomeBook) -> Placements:
    return Placements(book)


def assert_refused(placements: Placements, name: str = "ours") -> None:
    """Another placement under this name is told why it cannot be, and changes nothing."""
    count, second = len(placements), entry(name)
    assert placements.takes(second) is False
    error = second.reply.exception()  # type: ignore[attr-defined]  # a future, as made above
    assert isinstance(error, InvalidParameter)
    assert (error.method, error.client_order_id) == ("order.place", name)
    assert str(error).startswith(
        f"order.place: the client order id {name!r} is in flight or unresolved in this"
    )
    assert "choose another" in str(error)
    assert len(placements) == count


def test_an_id_in_flight_is_refused_and_others_are_not(placements: Placements) -> None:
    first, other = entry(), entry("another")
    assert placements.takes(first)
    assert placements.takes(other)
    assert_refused(placements)
    assert_refused(placements, "another")
    send(first)
    assert_refused(placements)
    assert not first.reply.done()
    assert not other.reply.done()


def test_any_number_may_go_without_an_id_and_leave_no_trace(placements: Placements) -> None:
    nameless = [entry(None) for _ in range(3)]
    assert all(map(placements.takes, nameless))
    assert len(placements) == 0
    placements.answered(nameless[0], DONE)
    assert not any(each.reply.done() for each in nameless)


def test_an_answer_that_tells_of_success_forgets_it_and_only_that_one(placements: Placements) -> None:
    first, other = entry(), entry("another")
    for each in (first, other):
        placements.takes(each)
        send(each)
    placements.answered(first, DONE)
    assert len(placements) == 1
    assert_refused(placements, "another")
    again = entry()
    assert placements.takes(again)
    placements.answered(first, DONE)
    assert_refused(placements)


def test_an_answer_that_tells_of_no_success_leaves_the_rest_to_what_becomes_of_it(
    placements: Placements,
) -> None:
    first = entry()
    placements.takes(first)
    send(first)
    placements.answered(first, REFUSED)
    assert_refused(placements)
    first.fail(InvalidParameter("refused"))
    assert placements.takes(entry())


@pytest.mark.parametrize("is_given_up", [True, False])
def test_one_that_was_never_sent_leaves_its_id_when_it_is_over(
    placements: Placements, is_given_up: bool
) -> None:
    first = entry()
    placements.takes(first)
    if is_given_up:
        first.claimed = True
    else:
        first.fail(OutcomeUnknown("stopped"))
    assert placements.takes(entry())
    assert_refused(placements)


def test_one_that_was_composed_and_taken_back_leaves_its_id(placements: Placements) -> None:
    """Nothing of it left, so nobody has to look for it; its connection may still know its key."""
    first = entry()
    placements.takes(first)
    send(first)
    first.sent = False
    first.claimed = True
    assert placements.takes(entry())


def test_one_that_nothing_could_be_found_out_about_leaves_its_id(placements: Placements) -> None:
    first = entry()
    placements.takes(first)
    send(first)
    first.question = None
    first.claimed = True
    assert placements.takes(entry())


def test_an_id_is_taken_as_long_as_its_outcome_is_open(placements: Placements, book: OutcomeBook) -> None:
    first = entry()
    placements.takes(first)
    pending = send(first)
    assert first.question is not None
    write = OpenWrite(first.question, NOON, None)
    book.add(write)
    first.claimed = True
    assert_refused(placements)
    pending.drop(1)
    assert_refused(placements)
    # Between the verdict and the moment at which the book learns of it the outcome is open no more.
    write.search.answered(Verdict(VerdictKind.NOT_EXECUTED))
    book.close(write)
    assert placements.takes(entry())


def test_a_write_that_bears_the_name_of_no_order_is_open_as_long_as_its_outcome_is(
    placements: Placements, book: OutcomeBook
) -> None:
    """The book counts names of placements alone, so its search has to be asked."""
    first = entry()
    placements.takes(first)
    send(first)
    assert first.question is not None
    first.question.is_placement = False
    write = OpenWrite(first.question, NOON, None)
    book.add(write)
    first.claimed = True
    assert_refused(placements)
    write.search.answered(Verdict(VerdictKind.NOT_EXECUTED))
    assert placements.takes(entry())


def test_what_an_earlier_run_left_open_keeps_its_id(placements: Placements, book: OutcomeBook) -> None:
    write = OpenWrite(Question(9, SPEC.name, {}, "ours", NOON, NOON + 5, 0.0, True), NOON, None)
    book.add(write)
    assert_refused(placements)
    write.search.answered(Verdict(VerdictKind.EXECUTED, {"orderId": 7}))
    book.close(write)
    assert placements.takes(entry())


def test_one_whose_caller_has_gone_keeps_its_id_until_its_answer_comes(placements: Placements) -> None:
    first = entry()
    placements.takes(first)
    pending = send(first)
    first.claimed = True
    assert_refused(placements)
    pending.take(1)
    assert placements.takes(entry())


def test_one_whose_caller_was_served_leaves_its_id_whatever_its_connection_waits_for(
    placements: Placements,
) -> None:
    first = entry()
    placements.takes(first)
    send(first)
    first.finish({"orderId": 7})
    assert placements.takes(entry())


def test_one_whose_connection_was_taken_from_it_leaves_its_id(placements: Placements) -> None:
    first = entry()
    placements.takes(first)
    send(first)
    first.connection = None
    first.claimed = True
    assert placements.takes(entry())


def test_refused_ones_are_not_kept_without_end(placements: Placements) -> None:
    most = 0
    for number in range(1000):
        placement = entry(f"n{number}")
        assert placements.takes(placement)
        placement.fail(InvalidParameter("refused"))
        most = max(most, len(placements))
    assert most <= 2 * KEPT


def test_many_open_ones_are_all_kept_and_looked_through_seldom(placements: Placements) -> None:
    count = 2000
    Counted.looks = 0
    for number in range(count):
        assert placements.takes(entry(f"n{number}", Counted))
    assert len(placements) == count
    assert Counted.looks < 3 * count
    for number in (0, KEPT, count - 1):
        assert_refused(placements, f"n{number}")


def test_once_many_are_over_few_are_kept_again(placements: Placements) -> None:
    many = [entry(f"n{number}") for number in range(500)]
    assert all(map(placements.takes, many))
    for each in many[1:]:
        each.fail(InvalidParameter("refused"))
    for number in range(2000):
        placement = entry(f"m{number}")
        assert placements.takes(placement)
        placement.fail(InvalidParameter("refused"))
    assert len(placements) <= 2 * KEPT
    assert_refused(placements, "n0")
