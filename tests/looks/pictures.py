"""Pictures of what people see: the notebook on light and dark pages, and each table of the command line.

    python -m tests.looks.pictures FOLDER

Then look at them. Needs the extra `dev`, nbconvert, and a chromium or chrome on the PATH:

    python -m pip install ".[dev]" nbconvert; apt-get install chromium
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.looks.run_notebook import execute
from tests.looks.terminal import page_of, take_down

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_MEASURE = "<script>document.title = document.documentElement.scrollHeight</script>"

COMMANDS: dict[str, list[str]] = {
    "help": ["--help"],
    "status": ["status", "--simulated"],
    "methods": ["methods"],
    "method": ["methods", "order.place"],
    "call": ["call", "ticker.24hr", "symbol=BTCUSDT", "--simulated"],
    "dry_run": ["call", "order.place", "symbol=BTCUSDT", "side=BUY", "type=MARKET", "quantity=0.01", "--dry-run"],
    "misspelled": ["call", "order.plaze", "--simulated"],
    "history": [
        "history", "klines", "symbol=BTCUSDT", "interval=1d", "start=2026-03-01", "end=2026-03-04", "--simulated",
    ],
    "history_to_file": [
        "history", "klines", "symbol=BTCUSDT", "interval=1h", "start=2026-01-01", "end=2026-03-01", "--simulated",
        "-o", os.devnull,
    ],
    "demo": ["demo", "--simulated"],
}  # fmt: skip
"""What is drawn of the command line: a name, and what is typed after crypto_ws_sync."""


def notebook_pages() -> Iterator[tuple[str, str]]:
    """Yield the notebook on a light and on a dark page."""
    exporters: Any = import_module("nbconvert")  # not typed
    notebook = execute()
    for theme in ("light", "dark"):
        # The scripts that it would fetch only typeset mathematics and widgets.
        exporter = exporters.HTMLExporter(theme=theme, mathjax_url="", require_js_url="", jquery_url="")
        yield f"notebook_{theme}", exporter.from_notebook_node(notebook)[0]


def terminal_pages() -> Iterator[tuple[str, str]]:
    """Yield each command with rich, some on a light page or a narrow terminal, and those with tables without rich."""
    for name, command in COMMANDS.items():
        yield f"terminal_{name}", page_of(take_down(command))
    for name in ("status", "method"):
        yield f"terminal_{name}_light", page_of(take_down(COMMANDS[name]), theme="light")
    for name in ("status", "methods", "method"):
        yield f"terminal_{name}_without_rich", page_of(take_down(COMMANDS[name], fancy=False))
        yield f"terminal_{name}_narrow", page_of(take_down(COMMANDS[name], columns=60), columns=60)


def photograph(browser: str, page: Path, picture: Path, width: int) -> None:
    """Write a picture of a whole page."""
    address = page.resolve().as_uri()
    base = [browser, "--headless", "--disable-gpu", "--hide-scrollbars", f"--window-size={width},200"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        base.append("--no-sandbox")  # which it refuses to work with for root
    text = page.read_text(encoding="utf-8")
    page.write_text(text + _MEASURE, encoding="utf-8")
    measured = subprocess.run([*base, "--dump-dom", address], capture_output=True, text=True, check=True)
    page.write_text(text, encoding="utf-8")
    found = re.search(r"<title>(\d+)</title>", measured.stdout)
    height = int(found[1]) if found else 1000
    base[4] = f"--window-size={width},{height}"
    subprocess.run([*base, f"--screenshot={picture.resolve()}", address], capture_output=True, check=True)


def main() -> None:
    """Draw everything."""
    parser = argparse.ArgumentParser(description="Draw the notebook and the command line's tables.")
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        sys.exit(f"no browser: one of {', '.join(_BROWSERS)} must be on the PATH")
    folder.mkdir(parents=True, exist_ok=True)
    for pages, width in ((terminal_pages(), 1000), (notebook_pages(), 900)):
        for name, text in pages:
            page = folder / f"{name}.html"
            page.write_text(text, encoding="utf-8")
            photograph(browser, page, folder / f"{name}.png", width)
            print(folder / f"{name}.png")


if __name__ == "__main__":
    main()
