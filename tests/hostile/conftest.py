"""A hostile exchange, and sessions that end with their test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hostile_exchange import HostileExchange, Open

from crypto_ws_sync import UserWSSession
from crypto_ws_sync.simulator.certificates import Certificates


@pytest.fixture(scope="session")
def certificates() -> Iterator[Certificates]:
    made = Certificates("127.0.0.1")
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _no_mistake_of_ours(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail a test in which something was caught at the last moment that should not have been thrown."""
    yield
    records = [record for phase in ("setup", "call") for record in caplog.get_records(phase)]
    mistakes = [record for record in records if getattr(record, "event", "") == "engine_failed"]
    assert not mistakes, [record.getMessage() for record in mistakes]


@pytest.fixture
def exchange() -> Iterator[HostileExchange]:
    exchange = HostileExchange()
    with exchange.server:
        yield exchange


@pytest.fixture
def open_session(exchange: HostileExchange) -> Iterator[Open]:
    """Make and start sessions on the hostile exchange; they are stopped at the end."""
    made: list[UserWSSession] = []

    def open_session(**options: Any) -> UserWSSession:
        key, secret = exchange.credentials
        session = UserWSSession(key, secret, **{"endpoint": exchange.url, "timeout": 20.0, **options})
        made.append(session)
        return session.start()

    yield open_session
    for session in made:
        session.stop(0.5)


@pytest.fixture
def session(open_session: Open) -> UserWSSession:
    """A session that has started on the hostile exchange."""
    return open_session()
