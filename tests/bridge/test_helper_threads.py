"""The threads that sign and that write: what one piece of work raises is told, and the next one is done."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from crypto_ws_sync.bridge.signing_thread import SigningThread
from crypto_ws_sync.bridge.writer_thread import WriterThread

LIMIT = 8.0


def test_work_that_raises_is_answered_with_its_error() -> None:
    told: list[Any] = []
    done = threading.Event()

    def call(function: Callable[[], object]) -> None:
        function()

    signing = SigningThread("signing", call)

    def fail() -> None:
        raise LookupError("on purpose")

    def note(result: Any) -> None:
        told.append(result)
        done.set()

    signing.offload(fail, told.append)
    signing.offload(lambda: "signed", note)
    assert done.wait(LIMIT)
    signing.stop(LIMIT)
    assert isinstance(told[0], LookupError)
    assert told[1:] == ["signed"]


def test_what_cannot_be_written_is_told_and_the_rest_is_written(caplog: pytest.LogCaptureFixture) -> None:
    written: list[int] = []
    failed, ended = threading.Event(), threading.Event()

    def write(items: Sequence[int]) -> None:
        if 1 in items:
            failed.set()
            raise LookupError("on purpose")
        written.extend(items)

    thread: WriterThread[int] = WriterThread("writer", write, at_end=ended.set, at_fork=lambda: None)
    with caplog.at_level(logging.ERROR, "crypto_ws_sync.bridge"):
        thread.start()
        thread.post(1)
        assert failed.wait(LIMIT)
        thread.post(2)
        thread.stop(LIMIT)
    assert ended.is_set()
    assert written == [2]
    assert [getattr(record, "event", "") for record in caplog.records] == ["engine_failed"]
