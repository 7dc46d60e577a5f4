"""A round of threads that meet in an order that chance finds; the command beside plays a thousand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(
    60
)  # an order that never arrived is told so after 3.3 s, and some rounds have several of them
def test_threads_that_meet_anyhow_are_told_the_truth() -> None:
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.schedules", "--rounds", "1", "--jobs", "1"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=55,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert done.stdout.endswith("\n0 wrong\n")
    assert "threads gave way 0 times" not in done.stdout
