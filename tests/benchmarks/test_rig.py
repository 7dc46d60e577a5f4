"""The rig itself: clients that are compared must do the same, and verdicts must be the right way round."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))

from tests.benchmarks import contender  # noqa: E402  # found from the root only
from tests.benchmarks.bare_server import bare_server  # noqa: E402
from tests.benchmarks.clients import Client, open_client  # noqa: E402
from tests.benchmarks.operations import OPERATIONS  # noqa: E402
from tests.benchmarks.rig import Missing, Rig, Spot  # noqa: E402
from tests.benchmarks.rows import Row, Target, chosen  # noqa: E402

# A server's process begins first, which takes a while on a busy machine.
pytestmark = pytest.mark.timeout(30)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Where the bare server listens."""
    with bare_server() as port:
        yield f"ws://127.0.0.1:{port}/ws-api/v3"


@pytest.fixture(params=["floor", "session"])
def client(request: pytest.FixtureRequest, url: str) -> Iterator[Client]:
    """One of those that are compared."""
    made: Client = open_client(request.param, url, None)
    yield made
    made.close()


def _result(answer: Any) -> Any:
    return answer.get("result", answer)


def test_whoever_is_compared_gets_the_same_answers(client: Client) -> None:
    results = {method: _result(client.call(method, params)) for method, params in OPERATIONS.items()}
    assert set(results["time"]) == {"serverTime"}
    assert results["order.place"]["orderId"] == 12510053279
    assert len(results["depth"]["bids"]) == len(results["depth"]["asks"]) == 95


def test_whoever_is_compared_reads_all_events(client: Any) -> None:
    client.events(300)
    client.events(1)


def test_a_matcher_written_by_hand_gets_the_same_answers(url: str) -> None:
    # In a process of its own, with which its reading thread ends.
    program = (
        "import json, sys; from tests.benchmarks.clients import open_client;"
        f"client = open_client('matcher', {url!r}, None);"
        "print(json.dumps(client.call('order.place', {'symbol': 'BTCUSDT'})['orderId']))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, check=True)
    assert json.loads(done.stdout) == 12510053279


@pytest.mark.parametrize(
    ("is_more_better", "figure", "holds"),
    [(False, 1.99, True), (False, 2.004, True), (False, 2.01, False), (True, 2.0, True), (True, 1.99, False)],
)
def test_a_figure_holds_on_the_right_side(is_more_better: bool, figure: float, holds: bool) -> None:
    assert Row("x", is_more_better=is_more_better).holds(figure, 2.0) is holds


def test_targets_are_those_of_the_line_and_the_extra() -> None:
    row = Row("x", Target(2.0, 1.6, 1.2), Target(1.9, 1.3))
    assert row.targets(Rig()) == Target(2.0, 1.6, 1.2)
    assert row.targets(Rig(tls=True)) == Target(1.9, 1.3)
    assert row.targets(Rig(delay=0.001)) is None
    assert [Target(2.0, 1.6, 1.2).aims(with_speed) for with_speed in (False, True)] == [1.6, 1.2]


def test_of_another_tree_the_package_is_measured_by_the_program_here(tmp_path: Path) -> None:
    for name, words in (("crypto_ws_sync", "its package"), ("tests/benchmarks", "its program")):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text(f"raise ImportError({words!r})\n", encoding="utf-8")
    with Rig() as rig, pytest.raises(Missing, match="its package"):
        rig.can(Spot("session", tree=tmp_path))


class Clocked:
    """A client whose calls take a second each, of a clock that nothing else moves.

    Owner: the test's thread.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.calls = 0
        monkeypatch.setattr(contender.time, "perf_counter", lambda: self.now)
        monkeypatch.setattr(contender.time, "process_time", lambda: self.now / 2)

    def call(self, method: str, params: Any) -> Any:
        """Take a second."""
        self.calls += 1
        self.now += 1.0

    def close(self) -> None:
        """Do nothing."""


@pytest.mark.parametrize(
    ("turn", "timed", "untimed"),
    [
        ({"count": 3}, 3, 0),
        ({"count": 20}, 20, contender.COLD),
        ({"count": 3, "settle": 2.0}, 3, 2),
        ({"count": 3, "settle": 2.0, "seconds": 10.0}, 10, 2),
        ({"count": 20, "settle": 10.0, "seconds": 5.0}, 20, 10),
    ],
)
def test_a_turn_has_the_calls_and_the_time_that_were_asked_for(
    monkeypatch: pytest.MonkeyPatch, turn: dict[str, Any], timed: int, untimed: int
) -> None:
    client = Clocked(monkeypatch)
    assert contender.Contender(client).latency("time", **turn)["times"] == [1.0] * timed
    assert client.calls == timed + untimed


@pytest.mark.parametrize(("settle", "untimed"), [(0.0, 1), (5.0, 6)])
def test_what_has_to_settle_does_not_count_in_a_rate(
    monkeypatch: pytest.MonkeyPatch, settle: float, untimed: int
) -> None:
    client = Clocked(monkeypatch)
    told = contender.Contender(client).rate("alone", "time", seconds=10.0, settle=settle)
    assert told == {"per_second": 1.0, "cpu": 0.5}
    assert client.calls == 10 + untimed


def test_rows_are_chosen_by_pattern() -> None:
    assert [row.name for group in chosen(["time p?0"]) for row in group.rows] == ["time p50", "time p10"]
    assert not chosen(["no such row"])
    assert len({row.name for group in chosen([]) for row in group.rows}) == sum(
        len(group.rows) for group in chosen([])
    )
