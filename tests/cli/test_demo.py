"""The tour on every kind of account; real networks are played by a simulated exchange."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from crypto_ws_sync.cli.commands import demo
from crypto_ws_sync.cli.main import main
from crypto_ws_sync.config import write_template
from crypto_ws_sync.simulator import SimulatedExchange


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between its readings the tour waits for the eyes of a reader, which a test does not need."""
    monkeypatch.setattr(demo, "_PAUSE", 0.01)


@pytest.fixture
def limits_told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Leave out the part about limits, which is the same on every account and waits for a real window to end.

    Return what tells whether the tour came to it.
    """
    told: list[str] = []
    monkeypatch.setattr(demo, "_show_out_of_service", lambda: told.append("limits"))
    return told


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "ws_api.toml"
    monkeypatch.setenv("CRYPTO_WS_SYNC_CONFIG", str(path))
    return path


@pytest.fixture
def exchange() -> Iterator[SimulatedExchange]:
    with SimulatedExchange() as exchange:
        yield exchange


def _set_up(config: Path, exchange: SimulatedExchange, test_net: str, name: str = "Mine") -> None:
    """Write a config file with one account, whose network is played by this exchange."""
    config.touch(0o600)
    config.write_text(
        "[endpoint.binance]\n"
        + "".join(f'{key} = "{exchange.endpoint}"\n' for key in ("ws_api", "ws_api_test", "ws_api_demo"))
        + f'[[accounts]]\nname = "{name}"\nexchange = "binance"\ntest_net = {test_net}\n'
        + f'api_key = "{exchange.api_key}"\napi_secret = "{exchange.api_secret}"\n',
        encoding="utf-8",
    )


def _methods(exchange: SimulatedExchange) -> set[str]:
    return {request.method for request in exchange.requests()}


# The tour waits for a real limit window of three seconds.
@pytest.mark.timeout(40)
def test_without_an_account_the_whole_story_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert demo.main([]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    lines = shown.out.splitlines()
    assert lines[0] == "No account is set up, so no real exchange is asked."
    assert "crypto_ws_sync_init" in lines[1]
    assert "simulated exchange" in lines[2]
    order = [
        "Operational status: True",
        "SPOT account, may trade: True",
        "CANCELED",
        "Operational status: False",
        "Operational status: True",
        "Operational status: False",
    ]
    assert [line for line in lines if line in order] == order
    assert lines[-1] == "Operational status: False"
    assert sum("UTC   BTCUSDT" in line for line in lines) == 3
    assert any(line.startswith("NEW, order ") for line in lines)
    assert any(line.endswith(" answers, then None: held back, nothing was sent") for line in lines)
    assert any(line.startswith("OutOfService: ") for line in lines)
    assert any(line.startswith("answered after ") for line in lines)


@pytest.mark.parametrize("test_net", ["true", '"demo"'])
def test_on_play_money_it_trades_and_cleans_up(
    config: Path,
    exchange: SimulatedExchange,
    capsys: pytest.CaptureFixture[str],
    test_net: str,
    limits_told: list[str],
) -> None:
    _set_up(config, exchange, test_net)
    assert main(["demo"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("Account 'Mine' on ")
    assert exchange.endpoint in shown.splitlines()[0]
    assert {"order.place", "order.status", "order.cancel"} <= _methods(exchange)
    assert [order["status"] for order in exchange.orders()] == ["CANCELED"]
    assert exchange.trades() == []
    assert limits_told == ["limits"]


def test_on_a_live_account_it_only_reads(
    config: Path, exchange: SimulatedExchange, capsys: pytest.CaptureFixture[str], limits_told: list[str]
) -> None:
    _set_up(config, exchange, "false")
    assert demo.main(["Mine"]) == 0
    assert "Left out: this is a live account" in capsys.readouterr().out
    assert "account.status" in _methods(exchange)
    assert not [method for method in _methods(exchange) if method.startswith(("order", "sor"))]
    assert exchange.orders() == []
    assert limits_told == ["limits"]


def test_a_refused_order_is_told_and_the_tour_goes_on(
    config: Path, capsys: pytest.CaptureFixture[str], limits_told: list[str]
) -> None:
    with SimulatedExchange(balances={"USDT": "0.01"}) as poor:
        _set_up(config, poor, "true")
        assert demo.main(["--account", "Mine"]) == 0
        assert "Refused, so nothing was executed: Account has insufficient balance" in capsys.readouterr().out
        assert poor.orders() == []
    assert limits_told == ["limits"]


def test_placeholders_lead_to_the_simulated_exchange(
    config: Path, capsys: pytest.CaptureFixture[str], limits_told: list[str]
) -> None:
    write_template()
    assert demo.main(["Demo - Binance"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "The account 'Demo - Binance' is not set up yet, so no real exchange is asked."
    assert str(config) in lines[1]
    assert "simulated exchange" in lines[2]
    assert limits_told == ["limits"]


def test_an_unknown_account_ends_it(
    config: Path, exchange: SimulatedExchange, capsys: pytest.CaptureFixture[str]
) -> None:
    _set_up(config, exchange, "true")
    assert demo.main(["Nobody"]) == 1
    assert "no account 'Nobody'" in capsys.readouterr().err
    assert list(exchange.requests()) == []


def test_an_account_that_is_set_up_can_be_left_alone(
    config: Path, exchange: SimulatedExchange, capsys: pytest.CaptureFixture[str], limits_told: list[str]
) -> None:
    _set_up(config, exchange, "false")
    assert demo.main(["--simulated"]) == 0
    assert capsys.readouterr().out.startswith("This is the simulated exchange")
    assert list(exchange.requests()) == []
    assert limits_told == ["limits"]


def test_a_wrong_key_is_an_error_in_words(
    config: Path, exchange: SimulatedExchange, capsys: pytest.CaptureFixture[str]
) -> None:
    _set_up(config, exchange, "true")
    config.write_text(
        config.read_text(encoding="utf-8").replace(exchange.api_secret, "x" * 64), encoding="utf-8"
    )
    assert demo.main([]) == 1
    shown = capsys.readouterr()
    assert "Signature for this request is not valid" in shown.err
    assert "Traceback" not in shown.err


def test_without_the_extra_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "websockets"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "websockets", None)
    assert demo.main([]) == 1
    assert "pip install" in capsys.readouterr().err
