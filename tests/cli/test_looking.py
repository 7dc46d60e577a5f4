"""`status`, `methods`, `history` and `watch`: JSON in a pipe, tables and words at a terminal."""

from __future__ import annotations

import csv
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from complaints import complaints

from crypto_ws_sync import StreamGap, UserWSSession
from crypto_ws_sync.cli.commands.watch import _line
from crypto_ws_sync.cli.main import main
from crypto_ws_sync.cli.output import _aligned, print_table
from crypto_ws_sync.exchanges.binance.methods import CATALOGUE
from crypto_ws_sync.simulator import SimulatedExchange

ROOT = Path(__file__).parents[2]
Account = Callable[[str], None]
Show = Callable[[list[str]], str]


# --- status --------------------------------------------------------------------------------------------------


def test_status_in_a_pipe_is_json(
    account: Account, exchange: SimulatedExchange, capsys: pytest.CaptureFixture[str]
) -> None:
    account("true")
    assert main(["status"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert status["endpoint"] == exchange.endpoint
    assert status["operational"] == 1
    assert abs(status["clock_offset"]) < 1
    assert status["limits"]["weight_60s"]["limit"] == 6000


def test_status_at_a_terminal_is_a_table(shown_at_terminal: Show) -> None:
    lines = shown_at_terminal(["status", "--simulated"]).splitlines()
    (state,) = [line for line in lines if "State" in line]
    assert "ready, ws://127.0.0.1:" in state
    assert any("weight per 60 s" in line and "of 6000" in line for line in lines)


def test_status_without_a_way_there(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with SimulatedExchange() as gone:
        endpoint = gone.endpoint
    config.touch(0o600)
    config.write_text(
        f'[endpoint.binance]\nws_api_test = "{endpoint}"\n[[accounts]]\nname = "Mine"\nexchange = "binance"\n'
        f'test_net = true\napi_key = "{gone.api_key}"\napi_secret = "{gone.api_secret}"\n',
        encoding="utf-8",
    )
    assert main(["call", "time", "--timeout", "0.2"]) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("ConnectionFailed: ")


# --- methods -------------------------------------------------------------------------------------------------


def test_methods_in_a_pipe_are_a_line_of_json_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["methods"]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["method"] for each in told] == list(CATALOGUE)
    assert all(each["summary"].endswith(".") and each["weight"] for each in told)
    by_name = {each["method"]: each for each in told}
    assert by_name["order.place"]["writes"] is True
    assert by_name["order.place"]["weight"] == "1; 0 on success"
    assert by_name["depth"]["weight"] == "5 up to 100 levels, 25 up to 500, 50 up to 1000, 250 up to 5000"
    assert by_name["klines"]["has_history"] is True


def test_methods_at_a_terminal_are_a_table(shown_at_terminal: Show) -> None:
    shown = shown_at_terminal(["methods"])
    assert "what it does" in shown
    assert all(name in shown for name in CATALOGUE)


@pytest.mark.parametrize("name", ["order.place", "order_place", "v3/order.place"])
def test_one_method_is_told_with_its_parameters(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["methods", name]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["python"] == "order_place"
    parameters = {each["name"]: each for each in told["parameters"]}
    assert parameters["symbol"]["is_required"] is True
    assert parameters["side"]["values"] == ["BUY", "SELL"]
    assert parameters["timeInForce"]["python"] == "time_in_force"
    assert parameters["quantity"]["what"] == "Amount in base asset; a multiple of the symbol's lot size."
    assert parameters["quantity"]["type"] == "Number"


def test_every_parameter_of_every_method_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    for name in CATALOGUE:
        assert main(["methods", name]) == 0
        told = json.loads(capsys.readouterr().out)
        assert [each["name"] for each in told["parameters"] if not each["what"]] == []


def test_one_method_at_a_terminal(shown_at_terminal: Show) -> None:
    shown = shown_at_terminal(["methods", "klines"])
    assert "In Python: session.klines(...)" in shown
    assert "crypto_ws_sync history klines" in shown
    assert "required" in shown
    assert "The exchange may withdraw it." in shown_at_terminal(["methods", "orderList.place"])


def test_an_unknown_method_is_answered_with_near_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["methods", "kline"]) == 1
    assert "Did you mean klines" in capsys.readouterr().err


# --- history -------------------------------------------------------------------------------------------------


def test_history_is_a_line_of_json_for_each_record(
    account: Account, exchange: SimulatedExchange, capsys: pytest.CaptureFixture[str]
) -> None:
    account("true")
    words = ["symbol=BTCUSDT", "interval=1m", "start=2026-03-01", "end=2026-03-02", "limit=500"]
    assert main(["history", "klines", *words]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row[0] for row in rows] == list(range(1772323200000, 1772409600000, 60_000))
    assert sum(request.method == "klines" for request in exchange.requests()) >= 3


def test_history_into_a_csv_file(
    account: Account, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    account("true")
    path = tmp_path / "candles.csv"
    words = ["symbol=BTCUSDT", "interval=1h", "start=1772323200000", "end=2026-03-01T03:00Z"]
    assert main(["history", "klines", *words, "-o", str(path)]) == 0
    shown = capsys.readouterr()
    assert shown.out == ""
    assert f"3 records in {path}" in shown.err
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["openTime"] for row in rows] == ["1772323200000", "1772326800000", "1772330400000"]
    assert set(rows[0]) >= {"open", "high", "low", "close", "volume"}
    assert "." in rows[0]["close"]


def test_history_of_orders_has_a_column_for_every_field(
    account: Account, exchange: SimulatedExchange, tmp_path: Path
) -> None:
    account("true")
    with UserWSSession(exchange.api_key, exchange.api_secret, endpoint=exchange.endpoint) as session:
        session.order_place(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01")
        session.order_place(
            symbol="BTCUSDT",
            side="SELL",
            type="LIMIT",
            time_in_force="GTC",
            quantity="0.01",
            price="200000",
            iceberg_qty="0.005",
            strategy_id=7,
        )
    path = tmp_path / "orders.csv"
    assert main(["history", "allOrders", "symbol=BTCUSDT", "-o", str(path)]) == 0
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["status"], row["strategyId"]) for row in rows] == [("FILLED", ""), ("NEW", "7")]
    assert rows[0]["isWorking"] == "true"


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["depth", "symbol=BTCUSDT"], "depth has no history; these have: "),
        (["klines", "symbol=BTCUSDT", "interval=1m", "start=yesterday"], "'yesterday' is no moment"),
        (["klines", "symbol=BTCUSDT", "intervall=1m"], "Did you mean interval"),
        (["trades.historical", "symbol=BTCUSDT", "from_id=x"], "whole number"),
    ],
)
def test_history_that_cannot_be(
    words: list[str], hint: str, account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    account("true")
    assert main(["history", *words]) == 1
    assert hint in capsys.readouterr().err.splitlines()[-1]


def test_history_into_a_place_that_cannot_be_written(
    account: Account, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    account("true")
    assert main(["history", "klines", "symbol=BTCUSDT", "interval=1m", "-o", str(tmp_path)]) == 1
    assert "cannot be written" in capsys.readouterr().err


# --- watch ---------------------------------------------------------------------------------------------------


def _trade_when_watched(exchange: SimulatedExchange, process: subprocess.Popen[str]) -> None:
    """Place an order once the process says that it watches."""
    assert process.stderr is not None
    while not (line := process.stderr.readline()).startswith("Watching"):
        assert line, "it ended before it watched"
    with UserWSSession(exchange.api_key, exchange.api_secret, endpoint=exchange.endpoint) as session:
        session.order_place(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01")


@pytest.mark.timeout(30)  # a process of its own
def test_watch_tells_events_as_they_happen_and_ends_by_count(
    account: Account, exchange: SimulatedExchange
) -> None:
    account("true")
    command = [sys.executable, "-m", "crypto_ws_sync", "watch", "--count", "3"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        _trade_when_watched(exchange, process)
        shown, errors = process.communicate(timeout=50)
    assert (process.returncode, complaints(errors.splitlines(keepends=True))) == (0, "")
    events: list[dict[str, Any]] = [json.loads(line) for line in shown.splitlines()]
    assert [event["e"] for event in events][:2] == ["executionReport", "executionReport"]
    assert [event.get("x") for event in events][:2] == ["NEW", "TRADE"]


@pytest.mark.timeout(30)  # a process of its own
def test_watch_at_a_real_terminal_speaks_in_words_and_ends_with_ctrl_c(
    account: Account, exchange: SimulatedExchange
) -> None:
    account("true")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "crypto_ws_sync", "watch", "--account", "Mine"]
    # In a session of its own, so that the Ctrl-C typed there reaches this process alone.
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=_take_terminal,
    ) as process:
        os.close(theirs)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(_trade_when_watched, exchange, process).result(50)
        shown = ""
        while "balances: " not in shown:
            shown += os.read(ours, 4096).decode("utf-8")
        os.write(ours, b"\x03")
        assert process.wait(50) == 0
        assert process.stderr is not None
        assert complaints(process.stderr) == ""
    os.close(ours)
    assert "BTCUSDT BUY 0.01 MARKET: NEW, NEW" in shown
    assert "BTCUSDT BUY 0.01 MARKET: TRADE, FILLED, 0.01 at " in shown


def _take_terminal() -> None:
    """Make the terminal on stdin the one whose Ctrl-C this process hears."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_watching_a_simulated_exchange_there_is_something_to_see(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["watch", "--simulated", "--count", "3"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["e"] for event in events] == [
        "executionReport",
        "executionReport",
        "outboundAccountPosition",
    ]


def test_gaps_and_unknown_events_are_told_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    gap = StreamGap(1000.0, 1001.5, 3)
    assert json.loads(_line(gap)) == {"gap": {"since": 1000.0, "until": 1001.5, "missed": 3}}
    assert json.loads(_line({"e": "somethingNew", "E": 1})) == {"e": "somethingNew", "E": 1}
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert _line(gap).startswith("3 events were dropped")
    assert _line({"e": "somethingNew", "E": 1}) == '{"e": "somethingNew", "E": 1}'
    assert (
        _line({"e": "balanceUpdate", "E": 1_000, "a": "BTC", "d": "-0.5"})
        == "00:00:01.000 balance of BTC: -0.5"
    )


@pytest.mark.parametrize("count", ["0", "-1", "x"])
def test_watch_counts_events(count: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["watch", "--count", count])
    assert ended.value.code == 2


# --- tables --------------------------------------------------------------------------------------------------


def test_a_table_without_a_terminal_is_plain_text_in_columns(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("name", "what"), [("a", "[bold]"), ("long name", "b" * 300)])
    assert capsys.readouterr().out.splitlines() == [
        "name       what",
        "a          [bold]",
        "long name  " + "b" * 300,
    ]


def test_a_table_at_a_terminal_shows_what_looks_like_marks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    print_table(("name", "what"), [("a", "[bold]")])
    assert "[bold]" in capsys.readouterr().out


@pytest.mark.parametrize("width", ["40", "60", "200"])
def test_names_stay_whole_however_narrow_the_terminal(
    width: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are there to be copied."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", width)
    assert main(["methods"]) == 0
    lines = capsys.readouterr().out
    assert [name for name in CATALOGUE if name not in lines] == []
    assert main(["methods", "order.place"]) == 0
    one = capsys.readouterr().out
    assert "selfTradePreventionMode" in one
    assert "peg_offset_type" not in one, "parameters have the exchange's names here"


def test_the_last_column_wraps_in_a_narrow_terminal() -> None:
    rows = [["a", "one two three four five six seven"]]
    assert _aligned(("name", "what"), rows, 30) == [
        "name  what",
        "a     one two three four five",
        "      six seven",
    ]
    assert _aligned(("name", "what"), rows, 20) == [
        "name",
        "    what",
        "a",
        "    one two three four",
        "    five six seven",
    ]
    assert _aligned(("", ""), [["", "x"]], 80) == ["  x"]
