"""Seats: whoever is answered wakes, nobody for another for good, no seat has two, and the system's files are kept."""

from __future__ import annotations

import errno
import gc
import os
import select
import sys
import threading
import time
from pathlib import Path
from types import FrameType

import pytest
from tearing import each_line

from crypto_ws_sync.bridge.reply import OneAnswer
from crypto_ws_sync.bridge.seat import Seats
from crypto_ws_sync.engine.requests import Wakes

LONG = 5.0
HAS_COUNTS = hasattr(os, "eventfd") and hasattr(select, "epoll")


def _soon(seconds: float = LONG) -> float:
    return time.monotonic() + seconds


def _files() -> int:
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0


@pytest.fixture(params=[8, 0], ids=["seats", "locks"])
def seats(request: pytest.FixtureRequest) -> Seats:
    """Seats, or none, so that there are locks instead."""
    return Seats(request.param)


def test_an_answer_from_another_thread_ends_the_wait(seats: Seats) -> None:
    wakes = Wakes()
    for number in range(200):
        reply = OneAnswer(wakes, seats)
        thread = threading.Thread(target=reply.set_result, args=(number,))
        thread.start()
        assert reply.wait(_soon(), LONG)
        reply.leave()
        assert reply.take() == number
        thread.join()


def test_an_answer_that_is_there_already_is_not_waited_for(seats: Seats) -> None:
    reply = OneAnswer(Wakes(), seats)
    reply.set_exception(ValueError("no"))
    assert reply.wait(time.monotonic() - 1, LONG)
    reply.leave()
    with pytest.raises(ValueError, match="no"):
        reply.take()


def test_a_wait_ends_at_its_time_and_not_before(seats: Seats) -> None:
    reply = OneAnswer(Wakes(), seats)
    until = _soon(0.03)
    assert not reply.wait(until, 0.01)
    assert until <= time.monotonic() < until + LONG


def test_whoever_is_woken_for_somebody_before_waits_on_until_its_own_answer_or_time() -> None:
    seats = Seats()
    first = OneAnswer(Wakes(), seats)
    wake = first._wake
    first.leave()
    second = OneAnswer(Wakes(), seats)
    wake()
    until = _soon(0.03)
    assert not second.wait(until, LONG)
    assert time.monotonic() >= until
    wake()
    threading.Timer(0.03, second.set_result, (2,)).start()
    assert second.wait(_soon(), LONG)
    assert second.take() == 2


def test_an_answer_after_its_caller_has_left_wakes_nobody_else() -> None:
    seats = Seats(1)
    first = OneAnswer(Wakes(), seats)
    first.leave()
    second = OneAnswer(Wakes(), seats)
    first.set_result(1)
    assert not second.wait(_soon(0.01), LONG)
    assert first.take() == 1


def test_those_held_back_wake_when_the_loop_says_so(seats: Seats) -> None:
    wakes = Wakes()
    wakes.held = []
    replies = [OneAnswer(wakes, seats) for _ in range(12)]
    woken: list[int] = []
    threads = [
        threading.Thread(target=lambda each=each: woken.append(each.wait(_soon(), LONG))) for each in replies
    ]
    for thread in threads:
        thread.start()
    for reply in replies:
        reply.set_result(None)
    wakes.end()
    for thread in threads:
        thread.join()
    assert woken == [True] * 12


def test_seats_are_woken_before_locks_and_each_in_its_turn() -> None:
    seats, wakes, order = Seats(3), Wakes(), list[int]()
    wakes.held = []
    # Every other one has a seat, as long as there are any.
    replies = [OneAnswer(wakes, seats if number % 2 else None) for number in range(8)]
    for number, reply in enumerate(replies):
        reply._wake = lambda number=number: order.append(number)
        reply.set_result(None)
    assert order == []
    wakes.end()
    seated = [1, 3, 5] if HAS_COUNTS else []
    assert order == [*seated, *(number for number in range(8) if number not in seated)]
    assert (wakes.held, wakes.first) == (None, [])
    seats.close()


def test_no_more_files_are_open_than_for_the_seats() -> None:
    before = _files()
    seats = Seats(3)
    for _ in range(4):
        replies = [OneAnswer(Wakes(), seats) for _ in range(10)]
        assert _files() - before == (6 if HAS_COUNTS and before else 0)
        for reply in replies:
            reply.leave()
    seats.close()
    assert _files() == before


def test_a_seat_that_is_given_back_after_the_end_is_closed() -> None:
    before = _files()
    seats = Seats()
    reply = OneAnswer(Wakes(), seats)
    seats.close()
    reply.leave()
    late = OneAnswer(Wakes(), seats)
    assert _files() == before
    late.set_result(3)
    assert late.wait(_soon(), LONG)


@pytest.mark.parametrize("refused", ["eventfd", "epoll", "register"])
def test_a_process_without_free_files_waits_by_locks_meanwhile(
    refused: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    class Refusing:
        fromfd = getattr(getattr(select, "epoll", None), "fromfd", None)
        register = refuse

        def __init__(self) -> None:
            if refused == "epoll":
                refuse()

    before = _files()
    seats = Seats(1)
    with monkeypatch.context() as patch:
        if refused == "eventfd":
            patch.setattr(os, "eventfd", refuse, raising=False)
        else:
            patch.setattr(select, "epoll", Refusing, raising=False)
        reply = OneAnswer(Wakes(), seats)
        reply.set_result(4)
        assert reply.wait(_soon(), LONG)
        reply.leave()
        assert _files() == before
    OneAnswer(Wakes(), seats).leave()
    assert len(seats.free) == HAS_COUNTS


def test_a_system_without_counts_has_no_seats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "eventfd", raising=False)
    seats = Seats()
    reply = OneAnswer(Wakes(), seats)
    reply.leave()
    assert not seats.free


def test_no_seat_is_given_to_two_wherever_a_caller_was_interrupted() -> None:
    seats = Seats(4)
    before = _files()

    def call() -> None:
        reply = OneAnswer(Wakes(), seats)
        reply.set_result(None)
        reply.wait(_soon(), LONG)
        reply.leave()

    def interrupt() -> None:
        raise KeyboardInterrupt

    def counts(path: str, name: str) -> bool:
        return Path(path).name in {"reply.py", "seat.py"}

    def look(error: BaseException | None) -> None:
        if error is not None:
            error.__traceback__ = None  # which holds what was interrupted
        assert len({id(seat) for seat in seats.free}) == len(seats.free) <= 4
        # Those lost to an interrupt are closed, and the rest are all that is open.
        assert _files() - before in {0, 2 * len(seats.free)}
        call()
        assert len(seats.free) >= HAS_COUNTS

    assert each_line(call, interrupt, counts, after=look) > 15


def test_no_file_is_lost_wherever_whoever_makes_or_drops_a_seat_is_interrupted() -> None:
    gc.collect()  # which would close others' files meanwhile
    before = _files()
    left = number = 0

    def call() -> None:
        reply = OneAnswer(Wakes(), Seats())
        reply.set_result(None)
        reply.wait(_soon(), LONG)

    def interrupt(frame: FrameType, event: str, _: object) -> None:
        # Where the interpreter lets a signal's handler run: as a function begins, and as one of the system's ends.
        nonlocal left
        if event in {"call", "c_return"} and Path(frame.f_code.co_filename).name in {"reply.py", "seat.py"}:
            left -= 1
            if not left:
                raise KeyboardInterrupt

    while not left:
        number += 1
        left = number
        sys.setprofile(interrupt)
        try:
            call()
        except KeyboardInterrupt:
            pass
        finally:
            sys.setprofile(None)
        assert _files() == before, number
    assert number > 10
