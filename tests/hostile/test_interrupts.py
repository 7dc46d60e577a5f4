"""Ctrl-C at every line of a call in turn."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from bytes_server import LIMIT
from hostile_exchange import HostileExchange
from tearing import each_line

from crypto_ws_sync import ConnectionFailed, UserWSSession

ASKED = {"value": 1}


def interrupt() -> None:
    raise KeyboardInterrupt


def _threads_of(session: UserWSSession) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith(session._name)]


def _is_over(session: UserWSSession) -> None:
    """See that nothing of a session runs any more."""
    for thread in _threads_of(session):
        thread.join(LIMIT)
    assert not _threads_of(session)


@pytest.mark.timeout(30)  # dozens of starts, each interrupted elsewhere
def test_a_start_that_was_interrupted_leaves_nothing_running(exchange: HostileExchange) -> None:
    session = UserWSSession(endpoint=exchange.url)

    def look(error: BaseException | None) -> None:
        assert isinstance(error, KeyboardInterrupt)
        if session._run is None:
            _is_over(session)
        with session:
            assert session.handle_request("test.echo", ASKED) == ASKED
        _is_over(session)

    def counts(path: str, name: str) -> bool:
        return name == "start" and "crypto_ws_sync" in path

    assert each_line(session.start, interrupt, counts, after=look) > 10
    session.stop()


@pytest.mark.parametrize("name", ["the loop's", "the journal's"])
def test_an_interrupt_right_after_a_thread_has_begun_does_not_leave_it_running(
    exchange: HostileExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    session = UserWSSession(endpoint=exchange.url, journal=tmp_path / "journal")
    wanted = session._name + (" journal" if name == "the journal's" else "")
    begin = threading.Thread.start

    def start(thread: threading.Thread) -> None:
        begin(thread)
        if thread.name == wanted:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        with pytest.raises(KeyboardInterrupt):
            session.start()
    _is_over(session)
    with session:
        assert session.handle_request("test.echo", ASKED) == ASKED


def test_a_session_that_cannot_have_a_thread_says_so_and_leaves_nothing(
    exchange: HostileExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = UserWSSession(endpoint=exchange.url, journal=tmp_path / "journal")
    begin = threading.Thread.start

    def start(thread: threading.Thread) -> None:
        if thread.name == session._name:
            raise RuntimeError("can't start new thread")
        begin(thread)

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        with pytest.raises(ConnectionFailed, match="thread cannot be started"):
            session.start()
    _is_over(session)
    with session:
        assert session.handle_request("test.echo", ASKED) == ASKED


@pytest.mark.timeout(30)  # dozens of stops, each interrupted elsewhere
def test_a_session_whose_stop_was_interrupted_starts_again(exchange: HostileExchange) -> None:
    session = UserWSSession(endpoint=exchange.url)

    def stop() -> None:
        session.start()
        session.stop()

    def look(error: BaseException | None) -> None:
        assert isinstance(error, KeyboardInterrupt)
        with session:
            assert session.handle_request("test.echo", ASKED) == ASKED

    def counts(path: str, name: str) -> bool:
        return name == "stop" and "crypto_ws_sync" in path

    assert each_line(stop, interrupt, counts, after=look) > 10
