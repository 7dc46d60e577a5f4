"""What threads do to one session at a time, and what must hold however they are scheduled."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from typing import Any

from crypto_ws_sync import (
    ApiError,
    ConnectionFailed,
    ConnectionLost,
    CryptoWSError,
    OutcomeUnknown,
    OutOfService,
    RequestTimeout,
    SessionClosed,
    StreamGap,
    UserWSSession,
)
from crypto_ws_sync.simulator import SimulatedExchange

__all__ = ["SCENARIOS", "Stage"]

THREADS = 4
PATIENCE = 20.0
"""Seconds after which a thread hangs."""
SYMBOL = "BTCUSDT"


class Stage:
    """An exchange, the randomness of one round, and what went wrong.

    Owner: shared; `wrong` is appended to by any thread.
    """

    def __init__(self, exchange: SimulatedExchange, seed: str) -> None:
        self.exchange = exchange
        self.wrong: list[str] = []
        self._seed = seed
        self._number = 0

    def random(self) -> random.Random:
        """Return randomness of one's own."""
        self._number += 1
        return random.Random(f"{self._seed} {self._number}")

    def session(self, **options: Any) -> UserWSSession:
        """Return a session that has not been started."""
        exchange = self.exchange
        settings = {"recv_window": 300, "timeout": 10.0, "on_limit": "wait", **options}
        return UserWSSession(exchange.api_key, exchange.api_secret, endpoint=exchange.endpoint, **settings)

    def order(self, name: str) -> dict[str, Any]:
        """Return the parameters of an order that is filled at once."""
        side = "BUY" if hash(name) % 2 else "SELL"
        return {
            "symbol": SYMBOL,
            "side": side,
            "type": "MARKET",
            "quantity": "0.001",
            "newClientOrderId": name,
        }

    def place(self, session: UserWSSession, name: str, timeout: float | None = None) -> tuple[str, Any]:
        """Place an order; return its name, and what the call returned or raised."""
        return name, self.ended(
            lambda: session.handle_request("order.place", self.order(name), timeout=timeout)
        )

    def placed(self, name: str) -> bool:
        """Tell whether the exchange has an order of that name."""
        return any(order["clientOrderId"] == name for order in self.exchange.orders())

    def expect(self, holds: bool, words: str) -> None:
        """Note what does not hold."""
        if not holds:
            self.wrong.append(words)

    def together(self, *deeds: Callable[[], None]) -> None:
        """Do all of it at the same time; note what raises or hangs."""
        barrier = threading.Barrier(len(deeds))

        def run(deed: Callable[[], None]) -> None:
            try:
                barrier.wait(PATIENCE)
                deed()
            except BaseException as error:
                self.wrong.append(f"{deed.__qualname__} raised {error!r}")

        threads = [threading.Thread(target=run, args=(deed,), daemon=True) for deed in deeds]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
            self.expect(not thread.is_alive(), "a thread hangs")

    def ended(self, call: Callable[[], Any]) -> Any:
        """Return what a call returned or raised, if that is of our kinds."""
        try:
            return call()
        except (CryptoWSError, CancelledError) as error:
            return error


def _names(stage: Stage) -> Callable[[], str]:
    chance = stage.random()
    return lambda: f"s{chance.getrandbits(60):x}"


def _agrees(stage: Stage, name: str, outcome: Any) -> None:
    """See that what a caller was told of an order is what the exchange has."""
    if isinstance(outcome, OutcomeUnknown):
        outcome = stage.ended(lambda: outcome.resolve(PATIENCE))
    if isinstance(outcome, dict):
        stage.expect(stage.placed(name), f"{name} was answered and is not there")
    elif isinstance(outcome, OutcomeUnknown):
        stage.expect(False, f"{name} was never resolved")
    else:
        told = isinstance(outcome, ConnectionLost | RequestTimeout | OutOfService | SessionClosed | ApiError)
        stage.expect(told or isinstance(outcome, CancelledError), f"{name} ended as {outcome!r}")
        stage.expect(not stage.placed(name), f"{name} was told {outcome!r} and is there")


def callers_and_a_stop(stage: Stage) -> None:
    """Reads end with an answer or SessionClosed when another thread stops the session."""
    session = stage.session().start()

    def read() -> None:
        for _ in range(6):
            outcome = stage.ended(lambda: session.handle_request("time"))
            right = isinstance(outcome, SessionClosed) or (
                isinstance(outcome, dict) and "serverTime" in outcome
            )
            stage.expect(right, f"a read ended as {outcome!r}")

    stage.together(*[read] * THREADS, lambda: session.stop(2.0), lambda: session.stop(2.0))
    stage.expect(isinstance(stage.ended(session.ping), SessionClosed), "a stopped session answers")


def hand_overs(stage: Stage) -> None:
    """However two requests meet on their way to the loop, none is left lying there: no third one would wake it."""
    with stage.session(timeout=4.0) as session:
        for _ in range(25):
            stage.together(session.ping, session.ping)


def deadlines_and_answers(stage: Stage) -> None:
    """Of an order whose time is up in the moment of its answer the caller learns what is true."""
    names = _names(stage)
    told: list[tuple[str, Any]] = []
    with stage.session() as session:

        def place(chance: random.Random) -> None:
            for _ in range(3):
                timeout = chance.choice([0.0003, 0.001, 0.002, 0.005])
                told.append(stage.place(session, names(), timeout))

        stage.together(*[lambda: place(stage.random()) for _ in range(THREADS)])
        for name, outcome in told:
            _agrees(stage, name, outcome)
        stage.expect(not session.unresolved(), "something is left unresolved")


def cancelled_futures(stage: Stage) -> None:
    """A future that could be cancelled was not sent; of any other the outcome is true. Callbacks run once."""
    names = _names(stage)
    called: list[str] = []
    futures: list[tuple[str, Future[Any], bool]] = []
    with stage.session() as session:

        def submit(chance: random.Random) -> None:
            for _ in range(3):
                name = names()
                future = session.submit("order.place", stage.order(name))
                future.add_done_callback(lambda future, name=name: called.append(name))  # type: ignore[misc]
                for _ in range(chance.randrange(3)):
                    session.operational_status  # noqa: B018  # passes a little time, as callers do
                futures.append((name, future, future.cancel()))

        stage.together(*[lambda: submit(stage.random()) for _ in range(THREADS)])
        for name, future, is_cancelled in futures:
            outcome = stage.ended(lambda future=future: future.result(PATIENCE))  # type: ignore[misc]
            stage.expect(is_cancelled is isinstance(outcome, CancelledError), f"{name}: cancelled or not?")
            _agrees(stage, name, outcome)
    stage.expect(
        sorted(called) == sorted(name for name, _, _ in futures), "a callback is missing, or ran twice"
    )


def lines_that_break(stage: Stage) -> None:
    """Orders and reads go on over connections that break between them."""
    names = _names(stage)
    told: list[tuple[str, Any]] = []
    with stage.session() as session:

        def trade() -> None:
            for _ in range(2):
                told.append(stage.place(session, names()))
                found = session.handle_requests([("time", None), ("ping", None)])
                stage.expect(
                    not any(isinstance(each, Exception) for each in found), f"reads ended as {found!r}"
                )

        stage.together(*[trade] * THREADS, lambda: stage.exchange.faults.drop_all())
        for name, outcome in told:
            _agrees(stage, name, outcome)


def streams_that_come_and_go(stage: Stage) -> None:
    """Each stream that is open all the time hears each order once, while others come and go beside it."""
    names = _names(stage)
    placed: list[str] = []
    heard: list[str] = []
    with stage.session() as session, session.user_data(timeout=PATIENCE) as stream:

        def trade() -> None:
            for _ in range(2):
                name = names()
                session.handle_request("order.place", stage.order(name))
                placed.append(name)

        def visit() -> None:
            for _ in range(2):
                with session.user_data(timeout=0.01) as other, contextlib.suppress(TimeoutError):
                    next(other)

        stage.together(trade, trade, visit, visit)
        while len(heard) < len(placed):
            event: Any = next(stream)
            stage.expect(not isinstance(event, StreamGap), "a gap, though nothing was missed")
            if isinstance(event, dict) and event.get("x") == "NEW":
                heard.append(event["c"])
    stage.expect(sorted(heard) == sorted(placed), f"placed {placed}, heard {heard}")


def starts_and_stops(stage: Stage) -> None:
    """Whoever starts, stops and calls at the same time, the session ends up as the last of them left it."""
    session = stage.session()

    def start() -> None:
        outcome = stage.ended(lambda: session.start(5.0))
        stage.expect(
            isinstance(outcome, UserWSSession | SessionClosed | ConnectionFailed), f"start: {outcome!r}"
        )

    def call() -> None:
        outcome = stage.ended(lambda: session.handle_request("time", timeout=5.0))
        stage.expect(
            isinstance(outcome, dict | SessionClosed | ConnectionLost), f"a call ended as {outcome!r}"
        )

    stage.together(start, start, call, call, lambda: session.stop(2.0))
    session.start()
    stage.expect("serverTime" in session.handle_request("time"), "it does not serve after all that")
    session.stop()


def sessions_that_share_limits(stage: Stage) -> None:
    """Two sessions of one account take turns, and neither is forgotten."""
    with stage.session() as one, stage.session() as two:

        def read(session: UserWSSession) -> None:
            answers = session.handle_requests([("time", None)] * 10)
            stage.expect(all(isinstance(answer, dict) for answer in answers), f"read {answers!r}")

        stage.together(*[lambda: read(one), lambda: read(two)] * 2)
        used = [
            [limit.used for limit in session.status().limits if limit.bucket == "weight"]
            for session in (one, two)
        ]
        stage.expect(used[0] == used[1], f"two truths: {used}")
        stage.expect(one.status().in_flight == two.status().in_flight == 0, "something is left in flight")


SCENARIOS: dict[str, Callable[[Stage], None]] = {
    each.__name__: each
    for each in (
        callers_and_a_stop,
        hand_overs,
        deadlines_and_answers,
        cancelled_futures,
        lines_that_break,
        streams_that_come_and_go,
        starts_and_stops,
        sessions_that_share_limits,
    )
}
