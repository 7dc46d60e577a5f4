"""Run `examples/notebook.ipynb` in a kernel of its own and keep what its cells show.

    python -m tests.looks.run_notebook                       # writes the outputs into the notebook
    python -m tests.looks.run_notebook --output other.ipynb  # leaves it as it is

What changes from one machine to the next, such as the names of interpreters, is not kept. Needs the extra `dev`.
"""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path
from typing import Any

from nbclient import NotebookClient

nbformat: Any = import_module("nbformat")  # whose functions are not typed

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "examples" / "notebook.ipynb"

_SECONDS = 60
"""For each cell; none needs more than a few, but a kernel that draws its first picture reads its fonts."""


def execute(path: Path = NOTEBOOK) -> Any:
    """Return the notebook with what its cells show now; an exception of a cell is raised here."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    NotebookClient(notebook, timeout=_SECONDS, record_timing=False).execute(cwd=str(ROOT))
    notebook.metadata.language_info = {"name": "python"}
    return notebook


def main() -> None:
    """Run it and write it."""
    parser = argparse.ArgumentParser(description="Run the example notebook.")
    parser.add_argument("--output", type=Path, default=NOTEBOOK, metavar="FILE")
    output: Path = parser.parse_args().output
    notebook = execute()
    nbformat.write(notebook, output)
    shown = sum(len(cell.get("outputs", ())) for cell in notebook.cells)
    print(f"{shown} outputs in {output.name}, {output.stat().st_size // 1024} KB")


if __name__ == "__main__":
    main()
