"""What the limits cost a request: counted in calls of functions, Python's and C's, which no busy machine changes."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from types import FrameType
from typing import Any

import pytest
from counting_server import API_KEY, API_SECRET, CountingServer, orders, weight

from crypto_ws_sync import UserWSSession
from crypto_ws_sync.engine.ledgers import Gate

REQUESTS = 20
GATE = (Gate.reserve.__code__, Gate.settle.__code__)


class CallCount:
    """Counts calls of functions in all threads it is set for, and apart those below the gate.

    Owner: shared; each thread touches its own depth, and counts are only read when all is quiet.
    """

    def __init__(self) -> None:
        self.is_on = False
        self.calls: Counter[object] = Counter()
        self.of_gate: Counter[object] = Counter()
        self._depth = threading.local()

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        depth: int = getattr(self._depth, "below", 0)
        if event == "call":
            inside = depth > 0 or frame.f_code in GATE
            self._depth.below = depth + inside
            if self.is_on:
                self.calls[frame.f_code] += 1
                if inside:
                    self.of_gate[frame.f_code] += 1
        elif event == "c_call":
            if self.is_on:
                self.calls[argument.__name__] += 1
                if depth:
                    self.of_gate[argument.__name__] += 1
        elif event == "return" and depth:
            self._depth.below = depth - 1


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("ping", None),
        ("order.place", {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "1"}),
    ],
)
def test_reserving_and_settling_are_under_a_twentieth_of_the_calls_of_a_request(
    method: str, params: dict[str, Any] | None
) -> None:
    count = CallCount()
    rules = [weight(60, 6000), orders(10, 6000), orders(86400, 160_000)]
    with CountingServer(rules) as server:
        threading.setprofile(count)
        try:
            session = UserWSSession(API_KEY, API_SECRET, endpoint=server.url).start()
        finally:
            threading.setprofile(None)
        with session:
            session.handle_request(method, params)
            assert session._run is not None
            bell = session._run.door._bell
            assert bell is not None
            before = sys.getprofile()
            sys.setprofile(count)
            try:
                count.is_on = True
                for _ in range(REQUESTS):
                    # A loop that is still awake is not woken, which takes fewer calls, by chance.
                    while not bell.is_asleep:
                        pass
                    session.handle_request(method, params)
                count.is_on = False
            finally:
                sys.setprofile(before)
    assert count.of_gate[Gate.reserve.__code__] == count.of_gate[Gate.settle.__code__] == REQUESTS
    assert count.calls.total() > 50 * REQUESTS, "both threads are counted"
    share = count.of_gate.total() / count.calls.total()
    assert share < 0.05, count.of_gate
