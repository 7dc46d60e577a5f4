"""The writes of a session whose outcome was ever open: found again, counted by name, and not kept for ever."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

import pytest

from crypto_ws_sync.engine.outcome_book import OpenWrite, OutcomeBook
from crypto_ws_sync.protocol.outcome import Question, Verdict, VerdictKind

NOON = 1_700_000_040.0
DONE = Verdict(VerdictKind.EXECUTED, {"orderId": 7})


def _write(serial: int, name: str | None = "ours", *, is_placement: bool = True) -> OpenWrite:
    question = Question(serial, "order.place", {}, name, NOON, NOON + 5, 0.0, is_placement)
    return OpenWrite(question, NOON, None)


def _settled(book: OutcomeBook, write: OpenWrite, *, is_told: bool) -> None:
    book.add(write)
    write.search.answered(DONE)
    book.close(write)
    if is_told:
        waiter: Future[Any] = Future()
        assert write.settle(waiter)
        book.note_told(write)


def test_a_name_is_taken_until_the_last_placement_under_it_is_settled() -> None:
    book = OutcomeBook()
    first, second = _write(1), _write(2)
    for write in (first, second, first):
        book.add(write)
    book.add(_write(3, "cancelled", is_placement=False))
    book.add(_write(4, None))
    assert book.has_placed("ours")
    assert not book.has_placed("cancelled")
    book.close(first)
    book.close(first)
    assert book.has_placed("ours")
    book.close(second)
    assert not book.has_placed("ours")


def test_a_name_is_looked_up_and_not_searched_for() -> None:
    """However many writes are open, nothing of them is touched."""

    class Counted(Question):
        asked = 0

        def __getattribute__(self, name: str) -> Any:
            if name != "__class__":
                Counted.asked += 1
            return super().__getattribute__(name)

    book = OutcomeBook()
    for serial in range(100):
        write = _write(serial, f"n{serial}")
        write.question = Counted(serial, "order.place", {}, f"n{serial}", NOON, NOON + 5, 0.0, True)
        book.add(write)
    Counted.asked = 0
    assert book.has_placed("n99")
    assert not book.has_placed("n100")
    assert Counted.asked == 0


@pytest.mark.parametrize(("is_told", "most"), [(True, 1_000), (False, 10_000)])
def test_verdicts_are_kept_and_not_for_ever(is_told: bool, most: int) -> None:
    book = OutcomeBook()
    writes = [_write(serial) for serial in range(most + 5)]
    for write in writes:
        _settled(book, write, is_told=is_told)
    assert book.kept == most
    assert not len(book)
    assert book.find(writes[4].question) is None
    assert book.find(writes[5].question) is writes[5]
    assert book.find(writes[-1].question) is writes[-1]


def test_what_nobody_was_told_outlasts_what_was() -> None:
    book = OutcomeBook()
    untold = _write(0)
    _settled(book, untold, is_told=False)
    for serial in range(1, 2_000):
        _settled(book, _write(serial), is_told=True)
    assert book.find(untold.question) is untold
