"""The thread that runs users' callbacks: nothing that one of them raises takes it from the others."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest
from tearing import each_line

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


def test_a_callback_may_be_posted_wherever_its_thread_posts_one() -> None:
    """As by a signal's handler: the lock that it needs is its own thread's."""
    callbacks = CallbackThread("callbacks")
    called: list[threading.Event] = []

    def post() -> None:
        called.append(threading.Event())
        callbacks.post(called[-1].set)

    def counts(path: str, name: str) -> bool:
        return Path(path).name == "reply.py" and name == "post"

    def look(error: BaseException | None) -> None:
        assert error is None

    assert each_line(post, post, counts, after=look) > 3
    assert all(each.wait(5) for each in called)
    callbacks.stop(5)


def test_callbacks_wait_for_a_thread_while_the_system_lets_none_begin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    callbacks = CallbackThread("callbacks")
    called: list[int] = []
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="new thread"):
            callbacks.post(lambda: called.append(1))
        callbacks.stop(5)
    callbacks = CallbackThread("callbacks")
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="new thread"):
            callbacks.post(lambda: called.append(2))
    callbacks.post(lambda: called.append(3))
    callbacks.stop(5)
    assert called == [2, 3]
