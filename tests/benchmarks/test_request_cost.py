"""What a request may cost: counts, which no busy machine changes; seconds are for the commands beside this file.

Whoever makes a request cheaper lowers the cap here. `python -m tests.benchmarks.call_counts` and `held_memory` show
where the counts come from.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

# Each command starts two interpreters and sends thousands of requests, a few seconds' work on an idle machine.
pytestmark = pytest.mark.timeout(60)

CALLS = {
    "time single": (58.5, 3.5),
    "order.place single": (80.5, 7.5),
    "depth single": (63.5, 3.5),
    "time batch of 32": (40.0, 3.5),
    "order.place batch of 32": (63.0, 7.5),
}
"""Shape -> calls per request: of the package's own functions, and of the library's; both threads together.

The package's are as many with the extra `speed` as without, the library's those without it, where the system has epoll.
"""

LIBRARY_SLACK = 1.3
"""Other versions of Python take more steps inside the same call of the library."""

BLOCKS = {"time": 28.5, "order.place": 37.5, "depth": 30.5}
"""Method -> blocks of memory that a request in flight holds; two more with Python 3.10 than later."""


def _run(module: str, *arguments: str) -> Any:
    # A process of its own: no debug mode, and nobody else's threads and profiles.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONASYNCIODEBUG"}
    done = subprocess.run(
        [sys.executable, "-m", f"tests.benchmarks.{module}", "--json", *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return json.loads(done.stdout)


def test_a_request_takes_no_more_calls_than_it_did() -> None:
    costs = _run("call_counts", *(word for name in CALLS for word in ("--only", name)))
    assert {cost["name"] for cost in costs} == set(CALLS)
    for cost in costs:
        own, library = CALLS[cost["name"]]
        told = f"{cost['name']}: {cost['own']:.2f} of the package (at most {own}), "
        told += (
            f"{cost['library']:.2f} of the library (at most {library * LIBRARY_SLACK:.2f})\n{cost['table']}"
        )
        assert 20 < cost["own"] <= own, told
        assert cost["library"] <= library * LIBRARY_SLACK, told


@pytest.fixture(scope="module")
def held() -> Any:
    """What requests hold, by method."""
    return _run("held_memory")


def test_a_request_in_flight_holds_no_more_memory_than_it_did(held: Any) -> None:
    assert set(held) == set(BLOCKS)
    for method, most in BLOCKS.items():
        assert 5.0 < held[method]["blocks"] <= most, f"{method}: {held[method]}, at most {most} blocks"


def test_answered_requests_leave_nothing_behind(held: Any) -> None:
    assert held["time"]["left"] < 0.5
    assert held["order.place"]["left"] < 0.5
    assert held["depth"]["left"] < 0.5
