"""The example notebook runs, shows what it showed when it was committed, and stays small."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "examples" / "notebook.ipynb"

NEEDED = {"pandas", "matplotlib", "nbclient", "ipykernel"}
HAS = {name for name in NEEDED if importlib.util.find_spec(name)}


def _code(path: Path = NOTEBOOK) -> list[dict[str, Any]]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def _printed(cells: list[dict[str, Any]]) -> dict[str, str]:
    """Return what each cell printed, by the cell's id; addresses, pictures and warnings differ from run to run."""
    return {
        cell["id"]: "".join(
            "".join(output["text"]) for output in cell["outputs"] if output.get("name") == "stdout"
        )
        for cell in cells
    }


def _pictures(cells: list[dict[str, Any]]) -> list[str]:
    return [
        cell["id"] for cell in cells for output in cell["outputs"] if "image/png" in output.get("data", {})
    ]


def test_the_committed_outputs_are_small_and_whole() -> None:
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert len(text) < 150_000
    assert str(ROOT) not in text
    cells = _code()
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    kinds = {output["output_type"] for cell in cells for output in cell["outputs"]}
    assert kinds == {"execute_result", "display_data", "stream"}
    assert _pictures(cells) == ["candlesticks", "depth", "life"]


@pytest.mark.timeout(60)  # a kernel of its own, which draws pictures
def test_the_notebook_runs_in_a_kernel_or_its_cells_run_here(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without what draws pictures or makes kernels, the cells that do without run in this process."""
    if HAS != NEEDED:
        names: dict[str, Any] = {}
        for cell in _code():
            if set(cell["metadata"].get("tags", ())) <= HAS:
                exec(compile("".join(cell["source"]), cell["id"], "exec"), names)
        assert "FILLED in" in capsys.readouterr().out
        assert not names["session"].operational_status
        return
    output = tmp_path / "run.ipynb"
    done = subprocess.run(
        [sys.executable, "-m", "tests.looks.run_notebook", "--output", str(output)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "MPLCONFIGDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert _printed(_code(output)) == _printed(_code()), (
        "keep what its cells show now:  python -m tests.looks.run_notebook"
    )
    assert _pictures(_code(output)) == _pictures(_code())
    assert [cell["source"] for cell in _code(output)] == [cell["source"] for cell in _code()]


@pytest.mark.timeout(60)  # a kernel of its own, interrupted four times
def test_interrupting_the_kernel_ends_the_call_and_not_the_session() -> None:
    """Without a kernel it says what it needs; a program's Ctrl-C is tried elsewhere."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.looks.interrupt_kernel"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if {"ipykernel", "nbclient"} <= HAS:
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("the session goes on") == 4
    else:
        assert done.returncode == 1
        assert "pip install" in done.stderr
