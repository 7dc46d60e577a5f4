"""Every example runs on the simulated exchange and does what it says."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import re
import runpy
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from complaints import complaints
from snippets import write_config

from crypto_ws_sync.simulator import SimulatedExchange

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"

Run = Callable[..., str]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return what runs an example as a program of its own would be, and gives what it prints."""

    def run(name: str, *arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", [name, *arguments])
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        return capsys.readouterr().out

    return run


def test_every_example_is_run_by_a_test() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    elsewhere = {"test_trading_bot.py"}
    names = {path.name for path in EXAMPLES.glob("*.py")}
    assert len(names) >= 7
    assert [name for name in names - elsewhere if f'"{name}"' not in source] == []


def test_every_example_says_how_to_run_it() -> None:
    for path in EXAMPLES.glob("*.py"):
        assert f"    python {'-m pytest ' if path.name.startswith('test_') else ''}examples/{path.name}" in (
            path.read_text(encoding="utf-8")
        ), path.name


def test_the_plain_script(run: Run) -> None:
    lines = run("plain_script.py").splitlines()
    assert "  BTC 10.00000000" in lines
    assert re.fullmatch(r"order \d+ is NEW", lines[-3])
    assert lines[-2:] == ["read back: 0.00000000 of 0.00100000 executed", "cancelled"]


@pytest.mark.parametrize(("test_net", "trades"), [("true", True), ("false", False)])
def test_the_plain_script_trades_on_play_money_only(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, test_net: str, trades: bool
) -> None:
    config = tmp_path / "ws_api.toml"
    monkeypatch.setenv("CRYPTO_WS_SYNC_CONFIG", str(config))
    with SimulatedExchange() as exchange:
        write_config(config, exchange, "Mine", test_net=test_net)
        if trades:
            run("plain_script.py", "Mine")
            assert [order["status"] for order in exchange.orders()] == ["CANCELED"]
        else:
            with pytest.raises(SystemExit, match="live account"):
                run("plain_script.py", "Mine")
            assert exchange.requests() == []


def test_the_legacy_threads(run: Run) -> None:
    lines = run("legacy_threads.py", "12").splitlines()
    assert lines[-1] == "12 in the books, 12 at the exchange"
    assert (
        sum(bool(re.fullmatch(r"(BTC|ETH)USDT (BUY|SELL) 0\.\d+ at \d+\.\d\d", line)) for line in lines) == 12
    )


def test_the_risk_limit_holds_while_connections_are_killed(run: Run) -> None:
    first, second, third = run("risk_limit.py", "60").splitlines()
    found = re.fullmatch(r"(\d+) orders, (\d+) of them without an answer, (\d+) reconnects", first)
    assert found is not None
    orders, lost, reconnects = map(int, found.groups())
    assert orders >= 10
    assert lost == orders // 5
    assert reconnects >= lost
    positions = re.fullmatch(r"position by the strategy (\S+), by the exchange (\S+)", second)
    assert positions is not None
    assert float(positions[1]) == float(positions[2])
    highest = re.fullmatch(r"never more than (\S+) of 0\.05 allowed", third)
    assert highest is not None
    assert 0 < float(highest[1]) <= 0.05


def test_history_to_csv_carries_on_where_it_ended(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "candles.csv"
    assert run("history_to_csv.py", str(path), "2026-03-01", "2026-03-02").startswith("24 candles added")
    assert run("history_to_csv.py", str(path), "2026-03-01", "2026-03-04").startswith("48 candles added")
    assert run("history_to_csv.py", str(path), "2026-03-01", "2026-03-04").startswith("0 candles added")
    with path.open(encoding="utf-8", newline="") as file:
        times = [int(row["openTime"]) for row in csv.DictReader(file)]
    assert len(times) == 72
    assert {after - before for before, after in pairwise(times)} == {3_600_000}


@pytest.mark.timeout(30)  # where it draws its first picture, matplotlib reads all fonts
def test_history_to_chart_draws_what_history_to_csv_has_written(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or says what it needs, where that is not installed."""
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path))
    candles, picture = tmp_path / "candles.csv", tmp_path / "candles.svg"
    run("history_to_csv.py", str(candles), "2026-03-01", "2026-03-03")
    if importlib.util.find_spec("matplotlib") is None:
        with pytest.raises(SystemExit, match="pip install"):
            run("history_to_chart.py", str(candles), str(picture))
        return
    assert run("history_to_chart.py", str(candles), str(picture)).startswith("48 candles in")
    drawn = picture.read_text(encoding="utf-8")
    # Two bars, one for its prices and one for its volume, in the colour of each candle.
    assert drawn.count("fill: #2a9d6f") + drawn.count("fill: #cc4b5c") == 2 * 48


def test_a_day_can_be_replayed(capsys: pytest.CaptureFixture[str]) -> None:
    """Two hours of it: its length is a constant of the script."""
    names = runpy.run_path(str(EXAMPLES / "replay_a_day.py"))
    names["main"].__globals__["MINUTES"] = 120
    names["main"](7)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("02:00  low ")
    assert lines[-1].startswith("a day in ")


@pytest.mark.timeout(30)  # a process of its own
@pytest.mark.parametrize("display", sorted({os.environ.get("DISPLAY", ""), ""}))
def test_the_window_works_or_says_why_it_cannot_open(display: str) -> None:
    """Where there is a display, it is shown there; without one nothing is."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("DISPLAY", None)
    if display:
        environment["DISPLAY"] = display
    done = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / "window.py"), "--latency", "0.2", "--seconds", "1"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        assert re.fullmatch(r"1 orders; the window never paused for more than \d+ ms\n", done.stdout)
        assert complaints(done.stderr.splitlines(keepends=True)) == ""
        assert display or sys.platform != "linux"
    else:
        missing = "tkinter" if display else "(tkinter|a display)"
        assert re.match(f"this example needs {missing}", done.stderr)


# --- the service ---------------------------------------------------------------------------------------------


@contextmanager
def _service(*options: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-W", "error", str(EXAMPLES / "service.py"), *options],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def _lines(process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    """Yield what it logs, for as long as it runs."""
    assert process.stderr is not None
    for line in process.stderr:
        logged: dict[str, Any] = json.loads(line)
        assert logged.keys() >= {"time", "level", "logger", "message"}
        yield logged


@pytest.mark.timeout(30)  # a process of its own
def test_the_service_exports_its_status_and_ends_orderly(tmp_path: Path) -> None:
    status = tmp_path / "status.json"
    with _service("--status", str(status), "--every", "0.05") as process:
        exports = 0
        for line in _lines(process):
            exports += line.get("event") == "status"
            if exports == 3:
                break
        seen = json.loads(status.read_text(encoding="utf-8"))
        process.send_signal(signal.SIGTERM)
        rest = list(_lines(process))
        assert process.wait(50) == 0
    assert seen["state"] == "ready"
    assert seen["limits"]["weight_60s"]["limit"] == 6000
    assert rest[-1]["event"] == "stopped"
    assert [line for line in rest if line["level"] == "ERROR"] == []
    assert [line for line in rest if line.get("event") == "lost"] == [], (
        "an end that was asked for is no loss"
    )


@pytest.mark.timeout(30)  # a process of its own
def test_the_service_says_why_it_cannot_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRYPTO_WS_SYNC_CONFIG", str(tmp_path / "none.toml"))
    with _service("--account", "Mine", "--status", str(tmp_path / "status.json")) as process:
        (line,) = _lines(process)
        assert process.wait(50) == 1
    assert line["message"].startswith("ConfigError: there is no config file")


@pytest.mark.timeout(30)  # a process of its own
def test_the_service_asks_to_be_tried_again_where_it_cannot_connect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exchange takes no connection for the next ten minutes: exit code 75, which systemd starts again."""
    config = tmp_path / "ws_api.toml"
    monkeypatch.setenv("CRYPTO_WS_SYNC_CONFIG", str(config))
    with SimulatedExchange() as exchange:
        write_config(config, exchange, "Mine")
        refused = exchange.faults.refuse_handshake(429, headers={"Retry-After": "600"}, times=None)
        with _service("--account", "Mine", "--status", str(tmp_path / "status.json")) as process:
            lines = list(_lines(process))
            assert process.wait(50) == 75
        assert refused.strikes >= 1
        assert exchange.requests() == []
    assert lines[-1]["event"] == "not_connected"
    assert "429" in lines[-1]["message"]
    assert not (tmp_path / "status.json").exists()
    unit = (EXAMPLES / "trading.service").read_text(encoding="utf-8")
    assert "Restart=on-failure" in unit
    assert "75" not in re.findall(r"^RestartPreventExitStatus=(.*)$", unit, re.MULTILINE)[0].split()


def test_the_unit_leaves_the_service_time_to_end() -> None:
    unit = (EXAMPLES / "trading.service").read_text(encoding="utf-8")
    within = runpy.run_path(str(EXAMPLES / "service.py"))["STOP_WITHIN"]
    (limit,) = re.findall(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)
    assert float(limit) > within
    assert "KillSignal=SIGTERM" in unit
