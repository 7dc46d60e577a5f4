"""The queue between the loop and a blocking reader: order, bounds, gaps, ends, waits."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto_ws_sync.bridge import event_stream
from crypto_ws_sync.bridge.event_stream import EventStream
from crypto_ws_sync.errors import ServerError
from crypto_ws_sync.model.stream import StreamGap


def _all(stream: EventStream) -> Iterator[Mapping[str, Any] | StreamGap]:
    """Yield what a stream holds, until it ends."""
    while True:
        try:
            item = stream.take(0)
        except StopIteration:
            return
        yield item


def test_events_and_gaps_come_in_order() -> None:
    stream = EventStream(10)
    stream.opened(1.0)
    gap = StreamGap(2.0, 3.0)
    stream.put({"n": 1}, 2.0)
    stream.gap(gap)
    stream.put({"n": 2}, 4.0)
    stream.end()
    assert list(_all(stream)) == [{"n": 1}, gap, {"n": 2}]


def test_the_oldest_go_and_one_gap_tells_how_many() -> None:
    stream = EventStream(2)
    stream.opened(1.0)
    for number in range(7):
        stream.put({"n": number}, 10.0 + number)
    stream.end()
    assert list(_all(stream)) == [StreamGap(1.0, 15.0, 5), {"n": 5}, {"n": 6}]


def test_a_gap_begins_where_the_reader_was() -> None:
    stream = EventStream(1)
    stream.put({"n": 0}, 10.0)
    assert stream.take(0) == {"n": 0}
    for number in (1, 2):
        stream.put({"n": number}, 10.0 + number)
    assert stream.take(0) == StreamGap(10.0, 12.0, 1)
    assert stream.take(0) == {"n": 2}
    for number in (3, 4):
        stream.put({"n": number}, 10.0 + number)
    stream.end()
    assert list(_all(stream)) == [StreamGap(12.0, 14.0, 1), {"n": 4}]


def test_where_a_gap_was_dropped_nobody_knows_how_much_is_missing() -> None:
    stream = EventStream(1)
    stream.opened(1.0)
    stream.put({"n": 0}, 2.0)
    stream.gap(StreamGap(2.0, 3.0))
    stream.put({"n": 1}, 4.0)
    stream.end()
    assert list(_all(stream)) == [StreamGap(1.0, 4.0, None), {"n": 1}]


def test_dropped_events_before_a_gap_stand_in_a_gap_of_their_own() -> None:
    stream = EventStream(2)
    stream.opened(1.0)
    for number in range(3):
        stream.put({"n": number}, 2.0)
    gap = StreamGap(2.0, 3.0)
    stream.gap(gap)
    stream.end()
    assert list(_all(stream)) == [StreamGap(1.0, 2.0, 2), {"n": 2}, gap]


@given(st.lists(st.sampled_from(["put", "gap", "take"]), max_size=60), st.integers(1, 5))
def test_nothing_is_dropped_silently(steps: list[str], maxsize: int) -> None:
    stream = EventStream(maxsize)
    put = 0
    items: list[Mapping[str, Any] | StreamGap] = []
    for step in steps:
        if step == "put":
            stream.put({"n": put}, float(put))
            put += 1
        elif step == "gap":
            stream.gap(StreamGap(0.0, float(put)))
        else:
            try:
                items.append(stream.take(0))
            except TimeoutError:
                continue
    stream.end()
    items += _all(stream)
    expected = 0
    is_open = False
    for item in items:
        if not isinstance(item, StreamGap):
            assert item["n"] == expected or (is_open and item["n"] > expected)
            expected, is_open = item["n"] + 1, False
        elif item.missed is not None:
            expected += item.missed
        else:
            is_open = True
    assert expected == put or is_open


def test_an_end_with_an_error_comes_after_all_that_was_there() -> None:
    stream = EventStream(5)
    stream.put({"n": 1}, 0.0)
    stream.end(ServerError(status=500))
    stream.end()
    stream.put({"n": 2}, 0.0)
    assert stream.take(0) == {"n": 1}
    with pytest.raises(ServerError):
        stream.take(0)
    assert list(_all(stream)) == []


def test_a_closed_stream_ends_at_once() -> None:
    stream = EventStream(5)
    stream.put({"n": 1}, 0.0)
    stream.close()
    stream.put({"n": 2}, 0.0)
    assert list(_all(stream)) == []
    assert list(_all(stream)) == []


def test_nothing_in_time_is_a_timeout_and_the_stream_goes_on() -> None:
    stream = EventStream(5)
    for timeout in (0, 0.01):
        with pytest.raises(TimeoutError, match="no event came within"):
            stream.take(timeout)
    stream.put({"n": 1}, 0.0)
    assert stream.take(0) == {"n": 1}


@pytest.mark.parametrize("must_slice", [False, True])
def test_a_waiting_reader_wakes_at_once(must_slice: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "_SLICE", 60.0)
    stream = EventStream(5, must_slice=must_slice)
    woke: list[float] = []
    waits = threading.Event()

    def read() -> None:
        waits.set()
        stream.take(None)
        woke.append(time.monotonic())

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    waits.wait()
    stream.put({"n": 1}, 0.0)
    # Woken by what is put: the slice of waiting in which it came ends much later.
    reader.join(8.0)
    assert woke


@pytest.mark.parametrize("must_slice", [False, True])
def test_all_waiting_readers_see_the_end(must_slice: bool) -> None:
    stream = EventStream(5, must_slice=must_slice)
    barrier = threading.Barrier(4)

    def read(_: int) -> str:
        barrier.wait()
        try:
            stream.take(None)
        except StopIteration:
            return "ended"
        return "item"

    with ThreadPoolExecutor(3) as pool:
        reading = pool.map(read, range(3))
        barrier.wait()
        stream.end()
        assert list(reading) == ["ended"] * 3


def test_several_readers_share_the_items_without_false_gaps() -> None:
    stream = EventStream(10_000)
    count = 2000
    barrier = threading.Barrier(5)

    def read(_: int) -> list[Mapping[str, Any] | StreamGap]:
        barrier.wait()
        items = []
        while True:
            try:
                items.append(stream.take(None))
            except StopIteration:
                return items

    with ThreadPoolExecutor(4) as pool:
        reading = pool.map(read, range(4))
        barrier.wait()
        for number in range(count):
            stream.put({"n": number}, float(number))
        stream.end()
        items = [item for part in reading for item in part]
    assert sorted(item["n"] for item in items if not isinstance(item, StreamGap)) == list(range(count))
    assert len(items) == count


def test_ctrl_c_ends_the_wait_and_loses_nothing() -> None:
    stream = EventStream(5, must_slice=sys.platform == "win32")
    main = threading.main_thread().ident
    assert main is not None
    calls = threading.Timer(0.05, signal.pthread_kill, (main, signal.SIGINT))

    def wait() -> None:
        calls.start()
        stream.take(None)

    with pytest.raises(KeyboardInterrupt):
        wait()
    calls.join()
    stream.put({"n": 1}, 0.0)
    assert stream.take(0) == {"n": 1}


@pytest.mark.parametrize("must_slice", [False, True])
def test_who_waits_behind_another_reader_has_its_own_timeout(must_slice: bool) -> None:
    stream = EventStream(5, must_slice=must_slice)
    waits = threading.Event()

    def read() -> Any:
        waits.set()
        return stream.take(None)

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(read)
        waits.wait()
        with pytest.raises(TimeoutError, match=r"within 0\.3 s"):
            stream.take(0.3)
        assert not first.done()
        stream.put({"n": 1}, 0.0)
        assert first.result(8) == {"n": 1}
