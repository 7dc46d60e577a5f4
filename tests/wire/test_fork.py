"""A process that forks while its session runs: the child's calls say what to do, the parent notices nothing."""

from __future__ import annotations

import importlib.util
import json
import os
import select
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from complaints import complaints

from crypto_ws_sync.simulator import SimulatedExchange

PROGRAM = Path(__file__).with_name("forking_program.py")
ROOT = Path(__file__).parents[2]
CALLS = ("request", "typed", "submit", "many", "order", "start", "wait", "event")


AS_ELSEWHERE = (
    "import os, runpy, select, sys; del select.epoll, os.eventfd; "
    "sys.argv.pop(0); runpy.run_path(sys.argv[0], run_name='__main__')"
)


def _run(exchange: SimulatedExchange, ending: str, loop: str) -> dict[str, Any]:
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [
            sys.executable,
            *(["-c", AS_ELSEWHERE] if loop == "without epoll" else []),
            str(PROGRAM),
            exchange.endpoint,
            exchange.api_key,
            exchange.api_secret,
            ending,
        ],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr
    # From Python 3.12 on a fork beside threads is warned of, which is the forking program's own concern.
    told = [line for line in done.stderr.splitlines() if "fork" not in line]
    assert not complaints(told), done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.timeout(30)  # two interpreters start one after the other
@pytest.mark.parametrize("loop", ["as here", "without epoll"])
@pytest.mark.parametrize("ending", ["exit", "_exit"])
def test_a_fork_leaves_the_parent_alone_and_tells_the_child(loop: str, ending: str) -> None:
    with SimulatedExchange(rate_limits={"REQUEST_WEIGHT": 10_000_000}) as exchange:
        found = _run(exchange, ending, loop)
        orders = exchange.orders()
        connections = {seen.connection for seen in exchange.requests()}
    child, parent = found["child"], found["parent"]
    assert found["status"] == 0
    for call in CALLS:
        assert child[call].startswith("SessionClosed: "), (call, child[call])
        assert "fork" in child[call]
    assert child["wakes taken"] == 0
    assert child["operational"] == "False"
    assert child["own session"] == {}
    assert parent["order"] == "FILLED"
    assert parent["event"] == "executionReport"
    assert parent["reconnects"] == {}
    assert parent["failed"] == 0
    assert parent["answered"] > 0
    assert len(orders) == 1
    assert len(connections) == 2, "the parent's, and that of the child's own session"
    has_uvloop = importlib.util.find_spec("uvloop") is not None
    elsewhere = "uvloop" if has_uvloop else "asyncio"
    here = "crypto_ws_sync.bridge" if hasattr(select, "epoll") else elsewhere
    assert parent["loop"].startswith(here if loop == "as here" else elsewhere), parent["loop"]
