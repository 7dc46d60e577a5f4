"""Many threads, many requests, answers in any order: each caller gets its own, over ws and wss."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import pytest
from bytes_server import LIMIT, Wire
from hostile_exchange import HostileExchange, Shuffler

from crypto_ws_sync import UserWSSession
from crypto_ws_sync.engine.engine import FIRST_SENT
from crypto_ws_sync.exchanges.binance.dialect import BinanceDialect
from crypto_ws_sync.protocol.dialect import Stamp
from crypto_ws_sync.protocol.method import Request
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


@pytest.mark.timeout(30)  # megabytes go both ways; a guard for a busy machine
@pytest.mark.parametrize("is_tls", [False, True], ids=["ws", "wss"])
def test_a_server_that_reads_late_gets_everything_once_and_in_order(
    certificates: Certificates, is_tls: bool
) -> None:
    """The kernel's buffers fill, with TLS in the middle of a record; nothing is lost when they drain."""
    may_read = threading.Event()

    def read_late(wire: Wire) -> None:
        wire.accept()
        exchange.take(wire, wire.read_text())
        may_read.wait(LIMIT)
        exchange.converse(wire)

    exchange = HostileExchange(tls=certificates.server_context if is_tls else None, first=read_late)
    exchange.on(
        "test.echo", lambda call: call.answer({"id": call.id, "status": 200, "result": call.params["n"]})
    )
    options: dict[str, Any] = {"ssl_context": certificates.client_context} if is_tls else {}
    with exchange.server, UserWSSession(endpoint=exchange.url, timeout=20, **options) as session:
        asked = [session.submit("test.echo", {"n": n, "fill": "x" * 150_000}) for n in range(80)]
        assert not wait(asked, 0.2).done
        may_read.set()
        assert [future.result(20) for future in asked] == list(range(80))
        assert [call.params["n"] for call in exchange.seen("test.echo")] == list(range(80))
        assert len(exchange.server.wires) == 1


def test_the_first_of_many_are_under_way_while_the_last_are_composed(exchange: HostileExchange) -> None:
    came: list[int] = []

    class Late(BinanceDialect):
        """Goes on after the first few only when these have arrived.

        Owner: shared; what it notes, on the loop thread.
        """

        def compose(self, request: Request, stamp: Stamp) -> tuple[int | str, str]:
            if request.params.get("number") == FIRST_SENT:
                exchange.wait_for("test.echo", FIRST_SENT)
                came.append(len(exchange.seen("test.echo")))
            return super().compose(request, stamp)

    class LateSession(UserWSSession):
        """A session with it."""

        _dialect_kind = Late

    asked = [{"number": number} for number in range(4 * FIRST_SENT)]
    with LateSession(endpoint=exchange.url, timeout=2 * LIMIT) as session:
        assert session.handle_requests([("test.echo", each) for each in asked]) == asked
    assert came == [FIRST_SENT]
    assert [call.params for call in exchange.seen("test.echo")] == asked
