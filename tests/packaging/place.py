"""A virtual environment with nothing in it but what was asked for, and programs run there."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Place", "Ran", "make_place"]

PATIENCE = 120.0
"""Seconds that a program may take."""


@dataclass(frozen=True)
class Ran:
    """What a program said."""

    out: str
    err: str


@dataclass(frozen=True)
class Place:
    """A virtual environment and an empty folder to run in.

    Attributes:
        home: The folder of the environment.
        folder: Where programs run.
        environment: What they find in theirs.
    """

    home: Path
    folder: Path
    environment: dict[str, str] = field(repr=False)

    def run(self, program: str, *argv: str, code: int | None = 0, **changes: str) -> Ran:
        """Run a program of the environment; it must end with this code (None: any)."""
        done = subprocess.run(
            [str(self.home / "bin" / program), *argv],
            cwd=self.folder,
            env={**self.environment, **changes},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        if code is not None and done.returncode != code:
            raise RuntimeError(
                f"{program} {' '.join(argv)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
            )
        return Ran(done.stdout, done.stderr)

    def python(self, *argv: str, code: int | None = 0) -> Ran:
        """Run the environment's Python."""
        return self.run("python", *argv, code=code)

    def has(self, module: str) -> bool:
        """Tell whether a module is installed here."""
        found = self.python(
            "-c", f"import importlib.util; print(importlib.util.find_spec({module!r}) is not None)"
        )
        return found.out.strip() == "True"

    def at_terminal(self, program: str, *argv: str) -> str:
        """Run a program at a terminal and return what is shown there."""
        screen, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("4H", 40, 120, 0, 0))
        running = subprocess.Popen(
            [str(self.home / "bin" / program), *argv],
            cwd=self.folder,
            env={**self.environment, "TERM": "xterm-256color"},
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
        )
        os.close(terminal)
        shown = b""
        # At the end of a terminal, Linux gives an error in place of nothing.
        try:
            while part := os.read(screen, 65536):
                shown += part
        except OSError:
            pass
        os.close(screen)
        if running.wait(PATIENCE):
            raise RuntimeError(f"{program} {' '.join(argv)} at a terminal ended with {running.returncode}")
        return shown.decode("utf-8")

    @contextmanager
    def serving(self, program: str, *argv: str) -> Iterator[str]:
        """Give the first line of a program that serves until Ctrl-C ends it."""
        running = subprocess.Popen(
            [str(self.home / "bin" / program), *argv],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert running.stdout is not None
            yield running.stdout.readline()
        finally:
            running.send_signal(signal.SIGINT)
            running.communicate(timeout=PATIENCE)
        if running.returncode:
            raise RuntimeError(f"{program} ended with {running.returncode} on Ctrl-C")


def make_place(home: Path, *wanted: str, **environment: str) -> Place:
    """Make an environment with these packages."""
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    folder = home / "empty"
    folder.mkdir()
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))
    }
    binaries = f"{home / 'bin'}{os.pathsep}{kept.get('PATH', '')}"
    place = Place(home, folder, {**kept, "PATH": binaries, "HOME": str(folder), **environment})
    pip = subprocess.run(
        [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", *wanted],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if pip.returncode:
        raise RuntimeError(f"{' '.join(wanted)} cannot be installed:\n{pip.stderr}")
    return place
