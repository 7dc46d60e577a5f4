"""What a command shows at a terminal, taken down over a pseudo-terminal and drawn as a page.

    python -m tests.looks.terminal page.html status --simulated

Colours are kept; a line that is drawn over, as a progress bar is, is shown as it was last. Needs the extra `dev`, and a
system with pseudo-terminals.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import DEFAULT_TERMINAL_THEME, DIMMED_MONOKAI
from rich.text import Text

ROOT = Path(__file__).parents[2]

_THEMES = {"light": DEFAULT_TERMINAL_THEME, "dark": DIMMED_MONOKAI}
_CURSOR = re.compile(r"\x1b\[\??[0-9;]*[A-HJKSThlrsu]")
"""Everything but colours, whose sequences end in m."""

_PAGE = """<!doctype html><meta charset="utf-8"><style>{stylesheet}
body {{ color: {foreground}; background: {background}; margin: 16px }}
pre {{ font: 14px/normal "DejaVu Sans Mono", monospace; margin: 0; width: COLUMNSch; white-space: pre-wrap;
word-break: break-all }}</style><pre>{code}</pre>
"""


def take_down(command: list[str], *, columns: int = 100, rows: int = 40, fancy: bool = True) -> str:
    """Return what a command writes to a terminal of that size, and its prompt; fails where the command fails.

    Args:
        command: Arguments of crypto_ws_sync.
        columns: Width of the terminal.
        rows: Its height.
        fancy: With rich, where it is installed; else as where it is not.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    hide = "" if fancy else "sys.modules['rich'] = None; "
    program = f"import sys; {hide}from crypto_ws_sync.cli.main import main; sys.exit(main(sys.argv[1:]))"
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "TERM": "xterm-256color",
        "COLUMNS": str(columns),
        "CRYPTO_WS_SYNC_CONFIG": str(ROOT / "no such file"),
    }
    process = subprocess.Popen(
        [sys.executable, "-c", program, *command],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        cwd=ROOT,
    )
    os.close(theirs)
    chunks = []
    while True:
        try:
            chunk = os.read(ours, 65536)
        except OSError:  # On Linux the end of a terminal is an error and not an empty read.
            break
        if not chunk:
            break
        chunks.append(chunk)
    os.close(ours)
    code = process.wait()
    told = b"".join(chunks).decode("utf-8", "replace").replace("\r\n", "\n")
    shown = "\n".join(_CURSOR.sub("", line.rstrip("\r")).rpartition("\r")[2] for line in told.split("\n"))
    return f"$ crypto_ws_sync {' '.join(command)}\n{shown}" + (f"[exit code {code}]\n" if code else "")


def page_of(shown: str, *, columns: int = 100, theme: str = "dark") -> str:
    """Return what a terminal showed as a page."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        console = Console(
            record=True, width=columns, file=nowhere, force_terminal=True, color_system="truecolor"
        )
        console.print(Text.from_ansi(shown), soft_wrap=True)
        return console.export_html(
            theme=_THEMES[theme], code_format=_PAGE.replace("COLUMNS", str(columns + 1))
        )


def main() -> None:
    """Run one command and write the page."""
    parser = argparse.ArgumentParser(description="Draw what a command shows at a terminal.")
    parser.add_argument("--columns", type=int, default=100)
    parser.add_argument("--theme", choices=_THEMES, default="dark")
    parser.add_argument("--plain", action="store_true", help="as where rich is not installed")
    parser.add_argument("page", type=Path, metavar="FILE.html")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="of crypto_ws_sync, with its arguments")
    arguments = parser.parse_args()
    shown = take_down(arguments.command, columns=arguments.columns, fancy=not arguments.plain)
    arguments.page.write_text(
        page_of(shown, columns=arguments.columns, theme=arguments.theme), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
