"""Many threads, many requests, answers in any order: each caller gets its own, over ws and wss."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hostile_exchange import HostileExchange, Shuffler

from crypto_ws_sync import UserWSSession
from crypto_ws_sync.simulator.certificates import Certificates

THREADS, EACH = 64, 100


@pytest.fixture(params=["ws", "wss"])
def shuffled(request: pytest.FixtureRequest, certificates: Certificates) -> Iterator[Any]:
    """A session on an exchange that delays and shuffles its answers."""
    is_tls = request.param == "wss"
    exchange = HostileExchange(tls=certificates.server_context if is_tls else None)
    shuffler = Shuffler(exchange, seed=7)
    exchange.server.scripts = [shuffler.serve]
    exchange.on("test.echo", shuffler.hold)
    context = certificates.client_context if is_tls else None
    with (
        exchange.server,
        UserWSSession(*exchange.credentials, endpoint=exchange.url, ssl_context=context) as session,
    ):
        yield exchange, session, shuffler


def _ids_are_unique(exchange: HostileExchange) -> bool:
    ids = [call.id for call in exchange.calls]
    return len(ids) == len(set(ids))


@pytest.mark.timeout(30)  # 6400 requests, and each of them shuffled
def test_every_caller_of_64_threads_gets_its_own_answer(shuffled: Any) -> None:
    exchange, session, shuffler = shuffled
    barrier = threading.Barrier(THREADS)

    def work(name: int) -> int:
        barrier.wait()
        right = 0
        for number in range(EACH):
            asked = {"thread": name, "number": number}
            right += session.handle_request("test.echo", asked, on_limit="raise") == asked
        return right

    with ThreadPoolExecutor(THREADS) as pool:
        assert sum(pool.map(work, range(THREADS))) == THREADS * EACH
    assert _ids_are_unique(exchange)
    assert len(exchange.seen("test.echo")) == THREADS * EACH
    assert len(exchange.server.wires) == 1
    assert shuffler.longest > 8, "the answers were not held back"


def test_a_thousand_submitted_by_one_thread(shuffled: Any) -> None:
    exchange, session, shuffler = shuffled
    futures = [session.submit("test.echo", {"number": number}) for number in range(1000)]
    assert [future.result(8) for future in futures] == [{"number": number} for number in range(1000)]
    assert _ids_are_unique(exchange)
    assert shuffler.longest > 8, "the answers were not held back"


def test_a_thousand_in_one_hand_over(shuffled: Any) -> None:
    exchange, session, _ = shuffled
    found = session.handle_requests([("test.echo", {"number": number}) for number in range(1000)])
    assert found == [{"number": number} for number in range(1000)]
    assert _ids_are_unique(exchange)


def test_two_thousand_in_one_hand_over_with_wrong_ones_in_between(shuffled: Any) -> None:
    _, session, _ = shuffled
    asked: list[tuple[str, Any]] = [("test.echo", {"number": number}) for number in range(2000)]
    asked[1500] = ("", {})
    found = session.handle_requests(asked)
    assert type(found[1500]).__name__ == "InvalidParameter"
    del found[1500]
    assert found == [{"number": number} for number in range(2000) if number != 1500]
