"""Calls made while another thread is in start(): they wait for it, within their own time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from bytes_server import LIMIT, Wire
from hostile_exchange import HostileExchange

from crypto_ws_sync import ConnectionFailed, ConnectionLost, UserWSSession

SHORT = 0.2


class Starting:
    """A thread that is in start(), on an exchange that does not answer the handshake yet.

    Owner: the test's thread.
    """

    def __init__(self, exchange: HostileExchange) -> None:
        self.session = UserWSSession(endpoint=exchange.url)
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._start, daemon=True)
        exchange.server.scripts = [Wire.park]
        self._thread.start()
        exchange.wire(1)

    def _start(self) -> None:
        try:
            self.session.start(60)
        except BaseException as error:
            self.error = error

    @property
    def is_under_way(self) -> bool:
        """Whether start() has not returned."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """End it."""
        self.session.stop(1.0)
        self._thread.join(LIMIT)


@pytest.fixture
def starting(exchange: HostileExchange) -> Iterator[Starting]:
    """A session whose start() does not come to an end."""
    found = Starting(exchange)
    yield found
    found.stop()


CALLS: dict[str, Callable[[UserWSSession], Any]] = {
    "handle_request": lambda session: session.handle_request("ping", timeout=SHORT),
    "a typed call": lambda session: session.ping(timeout=SHORT),
    "submit": lambda session: session.submit("ping", timeout=SHORT).result(5),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_waits_for_it_no_longer_than_its_own_timeout(starting: Starting, name: str) -> None:
    with pytest.raises(ConnectionLost, match="start"):
        CALLS[name](starting.session)
    assert starting.is_under_way


def test_so_do_calls_that_raise_nothing(starting: Starting) -> None:
    found = starting.session.handle_requests([("ping", None), ("time", None)], timeout=SHORT)
    assert [type(each) for each in found] == [ConnectionLost, ConnectionLost]
    assert starting.session.wait_operational(SHORT) is False
    assert starting.is_under_way


def test_so_does_another_start(starting: Starting) -> None:
    with pytest.raises(ConnectionFailed, match="another thread"):
        starting.session.start(SHORT)
    assert starting.is_under_way


def test_a_call_is_served_as_soon_as_the_session_has_started(exchange: HostileExchange) -> None:
    starting = Starting(exchange)
    answers: list[Any] = []
    threads = [
        threading.Thread(
            target=lambda: answers.append(starting.session.handle_request("test.echo", timeout=8))
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    exchange.server.scripts = [exchange.serve]
    exchange.wire(1).finish()
    for thread in threads:
        thread.join(LIMIT)
    assert answers == [{}] * 4
    starting.stop()
