"""The thread that runs users' callbacks: nothing that one of them raises takes it from the others."""

from __future__ import annotations

import logging
import threading

import pytest

from crypto_ws_sync.bridge.reply import CallbackThread, ReplyFuture


@pytest.mark.parametrize("kind", [ValueError, SystemExit, KeyboardInterrupt, GeneratorExit])
def test_what_a_callback_raises_is_logged_and_ends_nothing(
    kind: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    callbacks = CallbackThread("callbacks")
    threads: list[threading.Thread] = []
    called = threading.Event()

    def fail() -> None:
        threads.append(threading.current_thread())
        raise kind("on purpose")

    def go_on(future: object) -> None:
        threads.append(threading.current_thread())
        called.set()

    with caplog.at_level(logging.ERROR, "crypto_ws_sync.bridge"):
        callbacks.post(fail)
        reply = ReplyFuture(callbacks)
        reply.add_done_callback(go_on)
        reply.set_result(None)
        assert called.wait(5)
    callbacks.stop(5)
    assert threads[0] is threads[1]
    assert [record.__dict__["event"] for record in caplog.records] == ["callback_failed"]


def test_a_callback_that_is_due_after_the_end_runs_at_once_and_raises_nothing() -> None:
    callbacks = CallbackThread("callbacks")
    callbacks.stop(5)
    threads: list[threading.Thread] = []

    def leave() -> None:
        threads.append(threading.current_thread())
        raise SystemExit

    callbacks.post(leave)
    assert threads == [threading.current_thread()]
