"""The loop that answers ready files on the spot: nobody is missed, called too late, or able to end it."""

from __future__ import annotations

import asyncio
import select
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from crypto_ws_sync.bridge.bell import Bell

QuickLoop: Any = None
if hasattr(select, "epoll"):
    from crypto_ws_sync.bridge.quick_loop import QuickLoop


@pytest.fixture(params=[False, True], ids=["quick", "debug mode"])
def loop(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A loop that answers on the spot where the system has epoll, and in debug mode by asyncio's own steps."""
    made: asyncio.AbstractEventLoop = QuickLoop() if QuickLoop else asyncio.SelectorEventLoop()
    made.set_debug(request.param)
    yield made
    made.close()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of one line."""
    here, there = socket.socketpair()
    here.setblocking(False)
    with here, there:
        yield here, there


def _run(loop: Any, begin: Callable[[], object], ended: asyncio.Event) -> None:
    async def main() -> None:
        begin()
        await asyncio.wait_for(ended.wait(), 5)

    loop.run_until_complete(main())


def test_a_reader_is_called_with_its_arguments_each_time_something_is_there(loop: Any, pair: Any) -> None:
    here, there = pair
    heard: list[bytes] = []
    ended = asyncio.Event()

    def read(tag: str) -> None:
        heard.append(tag.encode() + here.recv(1))
        if len(heard) == 3:
            ended.set()

    loop.add_reader(here, read, "a")
    _run(loop, lambda: there.send(b"xyz"), ended)
    assert heard == [b"ax", b"ay", b"az"]
    assert loop.remove_reader(here)


def test_what_a_reader_has_called_soon_runs_without_another_event(loop: Any, pair: Any) -> None:
    here, there = pair
    ended = asyncio.Event()

    def read() -> None:
        here.recv(1)
        loop.call_soon(ended.set)

    loop.add_reader(here, read)
    _run(loop, lambda: there.send(b"x"), ended)
    assert loop.remove_reader(here)


def test_a_reader_that_raises_is_reported_and_the_loop_goes_on(loop: Any, pair: Any) -> None:
    here, there = pair
    told: list[Any] = []
    ended = asyncio.Event()
    loop.set_exception_handler(lambda _, context: told.append(context["exception"]))

    def read() -> None:
        if here.recv(1) == b"x":
            raise RuntimeError("x came")
        ended.set()

    loop.add_reader(here, read)
    _run(loop, lambda: there.send(b"xy"), ended)
    assert [str(error) for error in told] == ["x came"]
    assert loop.remove_reader(here)


def test_a_reader_ended_by_the_one_before_it_is_not_called(loop: Any) -> None:
    lines = [socket.socketpair() for _ in range(2)]
    called: list[int] = []
    ended = asyncio.Event()

    def read(number: int) -> None:
        called.append(number)
        for here, _ in lines:
            loop.remove_reader(here)
        # Whoever was to be called after this one has had its turn when this comes.
        loop.call_soon(ended.set)

    for number, (here, there) in enumerate(lines):
        here.setblocking(False)
        there.send(b"x")
        loop.add_reader(here, read, number)
    _run(loop, lambda: None, ended)
    assert len(called) == 1
    for line in lines:
        for end in line:
            end.close()


def test_reader_and_writer_of_one_file_are_both_called(loop: Any, pair: Any) -> None:
    here, there = pair
    heard: list[bytes] = []
    ended = asyncio.Event()

    def read() -> None:
        heard.append(here.recv(1))
        if heard == [b"1", b"2"]:
            ended.set()

    def write() -> None:
        assert loop.remove_writer(here)
        there.send(b"2")

    def begin() -> None:
        there.send(b"1")
        loop.add_writer(here, write)

    loop.add_reader(here, read)
    _run(loop, begin, ended)
    assert heard == [b"1", b"2"]
    assert loop.remove_reader(here)


def test_a_file_whose_reader_has_gone_is_still_written(loop: Any, pair: Any) -> None:
    here, there = pair
    ended = asyncio.Event()
    loop.add_reader(here, pytest.fail, "nobody reads any more")
    loop.add_writer(here, ended.set)
    assert loop.remove_reader(here)
    _run(loop, lambda: there.send(b"x"), ended)
    assert loop.remove_writer(here)


def test_the_end_of_a_line_reaches_its_reader(loop: Any, pair: Any) -> None:
    here, there = pair
    heard: list[bytes] = []
    ended = asyncio.Event()

    def read() -> None:
        heard.append(here.recv(1))
        if heard[-1] == b"":
            loop.remove_reader(here)
            ended.set()

    def begin() -> None:
        there.send(b"x")
        there.close()

    loop.add_reader(here, read)
    _run(loop, begin, ended)
    assert heard == [b"x", b""]


def test_timers_go_on_beside_readers(loop: Any, pair: Any) -> None:
    here, there = pair
    ended = asyncio.Event()
    loop.add_reader(here, lambda: (here.recv(1), there.send(b"x")))
    _run(loop, lambda: (there.send(b"x"), loop.call_later(0.01, ended.set)), ended)
    assert loop.remove_reader(here)


def test_a_reader_may_end_the_loop(loop: Any, pair: Any) -> None:
    here, there = pair
    loop.add_reader(here, lambda: (here.recv(1), loop.stop()))
    there.send(b"xy")
    loop.run_forever()
    assert here.recv(1) == b"y"
    assert loop.remove_reader(here)


def test_a_time_that_a_reader_sets_comes(loop: Any, pair: Any) -> None:
    here, there = pair
    ended = asyncio.Event()
    loop.add_reader(here, lambda: (here.recv(1), loop.call_later(0.01, ended.set)))
    _run(loop, lambda: there.send(b"x"), ended)
    assert loop.remove_reader(here)


def test_a_task_that_a_reader_wakes_goes_on(loop: Any, pair: Any) -> None:
    here, there = pair
    ended = asyncio.Event()

    async def wait(heard: asyncio.Future[bytes]) -> None:
        assert await heard == b"x"
        ended.set()

    def begin() -> None:
        heard: asyncio.Future[bytes] = loop.create_future()
        tasks.append(loop.create_task(wait(heard)))
        loop.add_reader(here, lambda: heard.set_result(here.recv(1)))
        loop.call_later(0.01, there.send, b"x")

    tasks: list[asyncio.Task[None]] = []
    _run(loop, begin, ended)
    assert loop.remove_reader(here)


def test_a_bell_rung_while_the_loop_is_awake_is_answered_without_waking_it(loop: Any, pair: Any) -> None:
    here, there = pair
    bell = Bell()
    ended = asyncio.Event()
    strokes: list[object] = []
    strike = bell._strike
    bell._strike = lambda stroke: (strokes.append(stroke), strike(stroke))

    def read() -> None:
        here.recv(1)
        thread = threading.Thread(target=bell.ring)
        thread.start()
        thread.join()

    bell.hang(loop, lambda: loop.call_soon(ended.set))
    loop.add_reader(here, read)
    _run(loop, lambda: there.send(b"x"), ended)
    assert loop.remove_reader(here)
    assert bool(strokes) == (QuickLoop is None)
    bell.take_down(loop)


def test_readers_and_timers_have_their_turn_however_often_somebody_rings(loop: Any, pair: Any) -> None:
    here, there = pair
    bell = Bell()
    heard: list[str] = []
    ended = asyncio.Event()

    def tell(what: str) -> None:
        heard.append(what)
        if len(heard) == 2:
            ended.set()

    def begin() -> None:
        loop.add_reader(here, lambda: (here.recv(1), tell("reader")))
        bell.hang(loop, bell.ring)
        bell.ring()
        there.send(b"x")
        loop.call_later(0.01, tell, "timer")

    _run(loop, begin, ended)
    assert sorted(heard) == ["reader", "timer"]
    assert loop.remove_reader(here)
    bell.take_down(loop)


def test_a_bell_whose_answer_raises_is_reported_and_heard_again(loop: Any) -> None:
    bell = Bell()
    told: list[Any] = []
    ended = asyncio.Event()
    loop.set_exception_handler(lambda _, context: told.append(context["exception"]))

    def answer() -> None:
        if not told:
            loop.call_soon(bell.ring)
            raise RuntimeError("the first ring")
        loop.call_soon(ended.set)

    bell.hang(loop, answer)
    _run(loop, bell.ring, ended)
    assert [str(error) for error in told] == ["the first ring"]
    bell.take_down(loop)


def test_a_bell_is_heard_after_each_of_many_rings(loop: Any) -> None:
    bell = Bell()
    heard = threading.Semaphore(0)
    ended = asyncio.Event()

    def ring() -> None:
        for _ in range(1000):
            bell.ring()
            assert heard.acquire(timeout=5)
        loop.call_soon_threadsafe(ended.set)

    bell.hang(loop, heard.release)
    thread = threading.Thread(target=ring)
    _run(loop, thread.start, ended)
    thread.join()
    bell.take_down(loop)
    with pytest.raises(OSError, match="nobody"):
        bell.ring()
