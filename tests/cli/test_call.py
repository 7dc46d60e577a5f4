"""`call`: what goes out, what comes back, and what is never sent."""

from __future__ import annotations

import io
import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crypto_ws_sync.cli.main import main
from crypto_ws_sync.cli.output import print_error, print_line, print_table
from crypto_ws_sync.simulator import SimulatedExchange

ORDER = ["call", "order.place", "symbol=BTCUSDT", "side=BUY", "type=MARKET", "quantity=0.010"]
ROOT = Path(__file__).parents[2]
Account = Callable[[str], None]


def _sent(exchange: SimulatedExchange, method: str) -> dict[str, Any]:
    (request,) = [each for each in exchange.requests() if each.method == method]
    return dict(request.params)


def test_the_result_is_one_line_of_json(account: Account, capsys: pytest.CaptureFixture[str]) -> None:
    account("true")
    assert main(["call", "ticker.price", "symbol=BTCUSDT"]) == 0
    shown = capsys.readouterr()
    assert shown.out.count("\n") == 1
    assert json.loads(shown.out)["symbol"] == "BTCUSDT"
    assert shown.err == "Using account 'Mine' on the test network\n"


def test_an_order_goes_out_as_it_was_typed(
    account: Account, exchange: SimulatedExchange, capsys: pytest.CaptureFixture[str]
) -> None:
    account('"demo"')
    assert main([*ORDER, "--account", "Mine"]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert json.loads(shown.out)["status"] == "FILLED"
    sent = _sent(exchange, "order.place")
    assert sent["quantity"] == "0.010"
    assert sent["newClientOrderId"] == exchange.orders()[0]["clientOrderId"]


@pytest.mark.parametrize(
    ("words", "params"),
    [
        (["exchangeInfo", 'symbols=["BTCUSDT","ETHUSDT"]'], {"symbols": ["BTCUSDT", "ETHUSDT"]}),
        (["exchange_info", "symbols=BTCUSDT,ETHUSDT"], {"symbols": ["BTCUSDT", "ETHUSDT"]}),
        (["v3/exchangeInfo", "symbols=BTCUSDT"], {"symbols": ["BTCUSDT"]}),
        (["exchangeInfo", "permissions=SPOT"], {"permissions": "SPOT"}),
        (["exchangeInfo", "showPermissionSets=False"], {"showPermissionSets": False}),
        (["depth", "symbol=BTCUSDT", "limit=5"], {"symbol": "BTCUSDT", "limit": 5}),
        (
            ["klines", "symbol=BTCUSDT", "interval=1m", "start_time=2026-03-01", "endTime=1772326800000"],
            {"symbol": "BTCUSDT", "interval": "1m", "startTime": 1772323200000, "endTime": 1772326800000},
        ),
        (
            ["order.test", "symbol=BTCUSDT", "side=BUY", "type=MARKET", "quoteOrderQty=1.5e3"],
            {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quoteOrderQty": "1500"},
        ),
        (
            ["--unchecked", "some.thing", "flag=true", "number=0.10", "list=[1]", "text=x=y"],
            {"flag": True, "number": "0.10", "list": [1], "text": "x=y"},
        ),
        (
            ["--unchecked", "depth", "symbol=BTCUSDT", "limit=5", "new=1"],
            {"symbol": "BTCUSDT", "limit": 5, "new": "1"},
        ),
    ],
)
def test_values_become_what_the_method_takes(
    words: list[str], params: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["call", *words, "--dry-run"]) == 0
    frame = json.loads(capsys.readouterr().out)
    frame.get("params", {}).pop("timestamp", None)
    assert frame["params"] == params


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["order.plase"], "Did you mean order.place"),
        (["order_plase"], "Did you mean order_place"),
        (["depth", "symbl=BTCUSDT"], "Did you mean symbol?"),
        (
            ["depth", "zzzzzzzz=1"],
            "depth has no parameter 'zzzzzzzz'. All of them: crypto_ws_sync methods depth",
        ),
        (["depth", "BTCUSDT"], "write name=value"),
        (["depth", "symbol=BTCUSDT", "symbol=ETHUSDT"], "given twice"),
        (["depth", "symbol=BTCUSDT", "limit=five"], "'five' is no whole number"),
        (["depth"], "symbol"),
        (["exchangeInfo", "showPermissionSets=perhaps"], "neither true nor false"),
        (["exchangeInfo", "symbols=[BTCUSDT]"], "no JSON list"),
        (["order.test", "symbol=X", "side=BUY", "type=MARKET", "quantity=1,5"], "'1,5' is no number"),
        (["order.test", "symbol=X", "side=BUY", "type=MARKET", "quantity=nan"], "'nan' is no number"),
        (["klines", "symbol=X", "interval=1m", "startTime=2026-03-01T10:00"], "time zone"),
        (["order.place", "symbol=BTCUSDT"], "side"),
    ],
)
def test_what_cannot_be_right_is_told_before_anything_is_sent(
    words: list[str],
    hint: str,
    account: Account,
    exchange: SimulatedExchange,
    capsys: pytest.CaptureFixture[str],
) -> None:
    account("true")
    assert main(["call", *words]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert shown.err.startswith("InvalidParameter: ")
    assert hint in shown.err
    assert exchange.requests() == []


def test_a_dry_run_shows_the_request_without_key_and_signature_and_sends_nothing(
    account: Account, exchange: SimulatedExchange, capsys: pytest.CaptureFixture[str]
) -> None:
    account("false")
    assert main([*ORDER, "--dry-run", "--account", "Mine"]) == 0
    frame = json.loads(capsys.readouterr().out)
    assert frame["method"] == "order.place"
    assert set(frame["params"]) == {"symbol", "side", "type", "quantity", "newClientOrderId", "timestamp"}
    assert main(["call", "userDataStream.subscribe.signature", "--dry-run"]) == 0
    assert set(json.loads(capsys.readouterr().out)["params"]) == {"timestamp"}
    assert exchange.requests() == []


def test_a_live_account_does_not_trade_where_nobody_can_be_asked(
    account: Account,
    exchange: SimulatedExchange,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account("false")
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert main(ORDER) == 1
    assert "Add --yes." in capsys.readouterr().err
    assert exchange.requests() == []


@pytest.mark.parametrize("answer", ["\n", "n\n", "", "yeah\n"])
def test_a_live_account_does_not_trade_without_a_yes(
    account: Account,
    exchange: SimulatedExchange,
    capsys: pytest.CaptureFixture[str],
    typed: Callable[[str], None],
    answer: str,
) -> None:
    account("false")
    typed(answer)
    assert main(ORDER) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "This trades with account 'Mine' on the live exchange" in shown.err
    assert '"quantity": "0.010"' in shown.err
    # At the end of input nobody has ended the question's line.
    end = "" if answer else "\n"
    assert shown.err.endswith(f"Send it? [y/N] {end}Not sent.\n")
    assert exchange.requests() == []


def test_a_live_account_trades_after_a_yes_or_with_the_option(
    account: Account,
    exchange: SimulatedExchange,
    capsys: pytest.CaptureFixture[str],
    typed: Callable[[str], None],
) -> None:
    account("false")
    typed("y\n")
    assert main(ORDER) == 0
    typed("")
    assert main([*ORDER, "--yes"]) == 0
    assert len(exchange.orders()) == 2


def test_a_live_account_is_read_without_questions(
    account: Account, exchange: SimulatedExchange, capsys: pytest.CaptureFixture[str]
) -> None:
    account("false")
    assert main(["call", "account.status", "omitZeroBalances=true"]) == 0
    assert json.loads(capsys.readouterr().out)["accountType"] == "SPOT"
    assert _sent(exchange, "account.status")["omitZeroBalances"] is True


def test_what_the_exchange_refuses_is_an_error_in_words(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    account("true")
    assert main(["call", "ticker.price", "symbol=NOSUCH"]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "BadRequest: ticker.price: Invalid symbol. (status 400, code -1121)" in shown.err


def test_a_half_done_replacement_shows_both_halves(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    account("true")
    price = ["price=70000", "timeInForce=GTC", "quantity=0.01"]
    assert main(["call", "order.place", "symbol=BTCUSDT", "side=BUY", "type=LIMIT", *price]) == 0
    order_id = json.loads(capsys.readouterr().out)["orderId"]
    replacing = [f"cancelOrderId={order_id}", "cancelReplaceMode=ALLOW_FAILURE", "quantity=50"]
    assert main(["call", "order.cancelReplace", "symbol=BTCUSDT", "side=BUY", "type=MARKET", *replacing]) == 1
    _, halves, error = capsys.readouterr().err.splitlines()
    assert json.loads(halves)["cancelResult"] == "SUCCESS"
    assert error.startswith("PartialFailure: ")


def test_an_order_whose_answer_is_lost_is_looked_up(
    account: Account, exchange: SimulatedExchange, capsys: pytest.CaptureFixture[str]
) -> None:
    account("true")
    exchange.faults.drop("after", method="order.place")
    assert main(ORDER) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "FILLED"
    assert len(exchange.orders()) == 1


def test_an_outcome_that_cannot_be_had_says_what_to_ask_for(
    account: Account, exchange: SimulatedExchange, capsys: pytest.CaptureFixture[str]
) -> None:
    account("true")
    exchange.faults.swallow("after", method="order.place")
    exchange.faults.unavailable(executed=False, method=["order.status", "myTrades"], times=None)
    assert main([*ORDER, "newClientOrderId=mine", "--timeout", "0.3"]) == 1
    errors = capsys.readouterr().err
    assert "The answer was lost; asking what has become of it" in errors
    assert "Ask for client order id mine" in errors
    assert errors.splitlines()[-1].startswith("OutcomeUnknown: ")
    assert len(exchange.orders()) == 1


@pytest.mark.timeout(30)  # a process of its own, and a session that gives a sent order time to be answered
def test_an_interrupted_order_says_that_it_may_have_been_executed(
    account: Account, exchange: SimulatedExchange
) -> None:
    account("true")
    swallowed = exchange.faults.swallow("after", method="order.place")
    command = [sys.executable, "-m", "crypto_ws_sync", *ORDER, "newClientOrderId=mine"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert swallowed.wait(15)
        process.send_signal(signal.SIGINT)
        shown, errors = process.communicate(timeout=15)
    assert (process.returncode, shown) == (130, "")
    assert "order.place may have been executed" in errors
    assert "client order id mine" in errors
    assert errors.endswith("interrupted\n")


def test_no_account_is_an_error_that_says_what_to_do(
    config: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["call", "time"]) == 1
    errors = capsys.readouterr().err
    assert errors.startswith("ConfigError: no account is set up: ")
    assert "crypto_ws_sync_init" in errors
    assert "--simulated" in errors


def test_the_simulated_exchange_needs_no_account(config: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ORDER, "--simulated"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["status"] == "FILLED"
    assert shown.err == ""


@pytest.mark.parametrize(
    "words", [["--timeout", "0"], ["--timeout", "x"], ["--account", "Mine", "--simulated"], []]
)
def test_wrong_usage(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["call", *(["time", *words] if words else [])])
    assert ended.value.code == 2


@pytest.mark.parametrize("number", ["1e999999999", "-1e999999999", "1e-999999999", "1E+1000"])
def test_a_number_with_an_absurd_exponent_is_refused(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Written out it would take gigabytes."""
    order = ["symbol=BTCUSDT", "side=BUY", "type=MARKET", f"quantity={number}"]
    assert main(["call", "order.place", *order, "--dry-run"]) == 1
    assert "digits" in capsys.readouterr().err


def test_what_others_say_does_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_line("red \x1b[31m, title \x9d0;x\x07, back \b\r, tab \t, two\nlines, \u00e4")
    print_error("\x1b]0;title\x07")
    print_table(["\x1b[2J"], [["\x1b[H"]])
    told = capsys.readouterr()
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", told.out + told.err)
    assert "red \\x1b[31m" in told.out
    assert "tab \t, two\nlines, \u00e4" in told.out


def test_at_a_terminal_it_is_json_over_several_lines(
    account: Account, shown_at_terminal: Callable[[list[str]], str]
) -> None:
    account("true")
    shown = shown_at_terminal(["call", "depth", "symbol=BTCUSDT", "limit=1"])
    assert shown.count("\n") > 5
    assert '"lastUpdateId"' in shown
