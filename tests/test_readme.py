"""README does what it says: its snippets run, its tables are whole, its commands exist."""

from __future__ import annotations

import configparser
import re
from pathlib import Path
from typing import Any

import pytest

import crypto_ws_sync.errors
from crypto_ws_sync.simulator import SimulatedExchange

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


@pytest.mark.timeout(30)  # several sessions one after the other, each with its own connection
def test_the_snippets_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    snippets = _blocks("python")
    with SimulatedExchange() as exchange:
        config = tmp_path / "ws_api.toml"
        config.touch(0o600)
        config.write_text(
            f'[endpoint.binance]\nws_api_test = "{exchange.endpoint}"\n'
            '[[accounts]]\nname = "Demo - Binance"\nexchange = "binance"\ntest_net = true\n'
            f'api_key = "{exchange.api_key}"\napi_secret = "{exchange.api_secret}"\n',
            encoding="utf-8",
        )
        monkeypatch.setenv("CRYPTO_WS_SYNC_CONFIG", str(config))
        names: dict[str, Any] = {"__name__": "__main__"}
        shown = []
        for number, snippet in enumerate(snippets, 1):
            exec(compile(snippet, f"README.md, snippet {number}", "exec"), names)
            shown.append(capsys.readouterr().out)
    account, service, orders, typed, threads, own = shown
    assert account.startswith("True True\n")
    assert account.endswith("SPOT True\n")
    assert "best bid ['" in service
    assert "server time 1" in service
    assert re.fullmatch(r"NEW \d+\nNEW\nCANCELED\n", orders)
    assert typed == "CANCELED\n"
    assert len(re.findall(r"\d+\.\d+", threads)) == 6
    assert own.startswith("FILLED\n")


def test_two_commands_for_a_fresh_machine() -> None:
    blocks = _blocks("console")
    assert len(blocks) == 2
    for block in blocks:
        assert block.count("\n") == 1
        assert not block.startswith("$")
    assert "crypto_ws_sync_demo" in blocks[0]
    assert "-m pytest" in blocks[1]


def test_the_commands_it_names_exist() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    scripts = {
        line.partition("=")[0].strip()
        for line in setup["options.entry_points"]["console_scripts"].strip().splitlines()
    }
    assert set(re.findall(r"\bcrypto_ws_sync_\w+", README)) <= scripts
    extras = set(setup["options.extras_require"])
    assert {name for names in re.findall(r"\.\[([\w,]+)\]", README) for name in names.split(",")} <= extras


def test_the_table_of_errors_is_whole() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE)
    assert sorted(listed) == sorted(crypto_ws_sync.errors.__all__)
