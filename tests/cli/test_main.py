"""The command line up to the point where a command does its work."""

from __future__ import annotations

import argparse
import errno
import io
import json
import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from complaints import complaints

from crypto_ws_sync.cli.command import run_alone
from crypto_ws_sync.cli.commands import init
from crypto_ws_sync.cli.main import COMMANDS, main
from crypto_ws_sync.errors import OutOfService

ROOT = Path(__file__).parents[2]


class _Failing:
    SUMMARY = "Fails as it is told to."

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--times", type=int)

    def run(self, arguments: argparse.Namespace) -> int:
        print("begun")
        raise self.error


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "ws_api.toml"
    monkeypatch.setenv("CRYPTO_WS_SYNC_CONFIG", str(path))
    return path


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    for name in COMMANDS:
        assert f"{name} {import_module(f'crypto_ws_sync.cli.commands.{name}').SUMMARY}" in shown


def test_every_file_of_commands_is_in_the_list() -> None:
    folder = Path(init.__file__).parent
    assert {path.stem for path in folder.glob("*.py")} - {"__init__"} == set(COMMANDS)


@pytest.mark.parametrize("argv", [[], ["nonsense"], ["init", "--nonsense"]])
def test_wrong_usage_is_exit_code_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code == 2
    assert "usage: crypto_ws_sync" in capsys.readouterr().err


def test_a_misspelt_command_is_answered_with_near_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["histroy", "klines"])
    assert ended.value.code == 2
    assert "there is no command 'histroy'. Did you mean history?" in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("crypto_ws_sync ")


def test_errors_of_the_library_are_a_line_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_alone(_Failing(OutOfService("weight used up")), "prog", []) == 1
    shown = capsys.readouterr()
    assert shown.out == "begun\n"
    assert shown.err == "OutOfService: weight used up\n"


def test_ctrl_c_is_exit_code_130(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_alone(_Failing(KeyboardInterrupt()), "prog", []) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_a_full_disk_is_a_line_on_stderr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = io.StringIO()
    monkeypatch.setattr(sys, "stderr", told)
    with (tmp_path / "output").open("w", encoding="utf-8") as output:
        monkeypatch.setattr(sys, "stdout", output)
        assert run_alone(_Failing(OSError(errno.ENOSPC, "No space left on device")), "prog", []) == 1
    assert told.getvalue() == "cannot go on: No space left on device\n"


def _run(shell: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a line of shell in which "$@" is the command."""
    return subprocess.run(
        ["sh", "-c", shell, "sh", sys.executable, "-m", "crypto_ws_sync"],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.timeout(30)  # three programs, each with an exchange of its own
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-"])
def test_standard_streams_may_be_closed(closed: str) -> None:
    """A socket that is opened must not take the place of one, and be written to."""
    done = _run(f'"$@" call time --simulated {closed}')
    assert done.returncode == 0
    assert complaints(done.stderr.splitlines(keepends=True)) == ""
    assert done.stdout == "" if closed == ">&-" else "serverTime" in done.stdout


@pytest.mark.timeout(30)  # a program with an exchange of its own
@pytest.mark.parametrize(("option", "frames"), [("", 0), ("-v", 0), ("-vv", 2)])
def test_verbose_shows_more_and_no_secret(option: str, frames: int) -> None:
    done = _run(f'"$@" call account.rateLimits.orders --simulated {option}')
    assert done.returncode == 0
    assert [entry["rateLimitType"] for entry in json.loads(done.stdout)] == ["ORDERS", "ORDERS"]
    assert ("INFO crypto_ws_sync.engine: connected to ws://127.0.0.1:" in done.stderr) is bool(option)
    sent = [line for line in done.stderr.splitlines() if line.startswith("DEBUG crypto_ws_sync.engine: -> ")]
    assert len(sent) >= frames
    assert bool(sent) is bool(frames)
    assert ('"apiKey":"***"' in done.stderr and '"signature":"***"' in done.stderr) is bool(frames)
    # Keys, secrets and signatures are 64 letters and digits.
    assert re.search(r"\w{64}", done.stderr) is None


def test_a_terminal_without_the_characters_shows_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(shown, encoding="ascii", errors="strict"))
    assert run_alone(_Failing(OutOfService("\u5e01\u5b89USDT is full")), "prog", []) == 1
    assert shown.getvalue().strip() == b"OutOfService: ??USDT is full"


@pytest.mark.parametrize("through_main", [False, True])
def test_init_makes_the_file_once(
    config: Path, capsys: pytest.CaptureFixture[str], through_main: bool
) -> None:
    def run() -> str:
        assert (main(["init"]) if through_main else init.main([])) == 0
        return capsys.readouterr().out

    assert f"has been made, readable by you alone: {config}" in run()
    text = config.read_text(encoding="utf-8")
    again = run()
    assert f"stays as it is: {config}" in again
    assert "crypto_ws_sync_demo" in again
    assert config.read_text(encoding="utf-8") == text


def test_init_that_cannot_write(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.mkdir()
    assert init.main([]) == 1
    assert "ConfigError: the config file" in capsys.readouterr().err


def test_a_closed_pipe_ends_the_command_quietly(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "crypto_ws_sync", "init"],
            cwd=ROOT,
            env={**os.environ, "CRYPTO_WS_SYNC_CONFIG": str(tmp_path / "ws_api.toml")},
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writing)
    assert done.returncode == 1
    assert done.stderr == ""
