"""A few seconds of the soak run, and its judgement of what grows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from soak_gauges import GAUGES, judge

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(60)  # some seconds of trading through faults, each of which holds calls up for seconds
def test_trading_through_troubles_leaves_nothing_behind() -> None:
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [
            sys.executable,
            *("-m", "tests.benchmarks.soak", "--minutes", "0.06", "--warm-up", "1", "--every", "0.4"),
            # In so short a run memory is still finding its size; the tables and what is left count.
            *("--verdicts", "5", "--slack", "30"),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=55,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert done.stdout.endswith("\n0 grow, 0 wrong\n")
    # There was trouble indeed.
    assert "'drop':" in done.stdout
    assert "'answered':" in done.stdout


FLAT = {gauge.name: 100.0 for gauge in GAUGES}


@pytest.mark.parametrize("gauge", GAUGES, ids=lambda gauge: gauge.name)
def test_what_grows_is_seen_in_spite_of_its_ups_and_downs(gauge: Any) -> None:
    step = max(gauge.slack, gauge.share * 100) / 10
    ups_and_downs = [(-1) ** number * gauge.slack for number in range(60)]
    samples = [{**FLAT, gauge.name: 100 + wave} for wave in ups_and_downs]
    assert all(trend.is_flat for trend in judge(samples))
    samples = [{**FLAT, gauge.name: 100 + wave + step * at} for at, wave in enumerate(ups_and_downs)]
    assert [trend.gauge.name for trend in judge(samples) if not trend.is_flat] == [gauge.name]
