"""A few hundred writes through chaos: no answer disagrees with the exchange's books."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(60)  # look-ups that prove an absence take 3.5 s each, on several threads at a time
@pytest.mark.parametrize(
    ("server", "more"),
    [("simulated", []), ("rule-breaking", ["--stream"])],
    ids=["looking up", "listening, too"],
)
def test_no_answer_is_wrong(server: str, more: list[str]) -> None:
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [
            sys.executable,
            *("-m", "tests.benchmarks.chaos", "--server", server),
            *("--orders", "300", "--threads", "12", "--seed", "11", "--rate", "0.01"),
            *("--recv-window", "500", "--timeout", "5", *more),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=55,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert done.stdout.endswith("\n0 wrong\n")
    # It was chaos indeed: connections were lost, and outcomes looked up.
    assert int(re.search(r"Reconnects, 1006 +(\d+)", done.stdout).group(1)) > 0  # type: ignore[union-attr]
    assert int(re.search(r"(\d+) verdict executed", done.stdout).group(1)) > 0  # type: ignore[union-attr]
