"""README does what it says: its snippets run, its tables are whole, its commands exist."""

from __future__ import annotations

import configparser
import re
from pathlib import Path
from typing import Any

import pytest
from snippets import blocks, run, snippets_of, write_config

import crypto_ws_sync.errors
from crypto_ws_sync.simulator import SimulatedExchange

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "README.md"
README = PAGE.read_text(encoding="utf-8")


@pytest.mark.timeout(30)  # several sessions one after the other, each with its own connection
def test_the_snippets_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with SimulatedExchange() as exchange:
        config = tmp_path / "ws_api.toml"
        write_config(config, exchange, "Demo - Binance")
        monkeypatch.setenv("CRYPTO_WS_SYNC_CONFIG", str(config))
        names: dict[str, Any] = {"__name__": "__main__"}
        shown = []
        for snippet in snippets_of(PAGE):
            if snippet.language == "python":
                run(PAGE, snippet, names)
                shown.append(capsys.readouterr().out)
    account, service, orders, typed, threads, told, own = shown
    assert account.startswith("True True\n")
    assert account.endswith("SPOT True\n")
    assert "best bid ['" in service
    assert "server time 1" in service
    assert re.fullmatch(r"NEW \d+\nNEW\nCANCELED\n", orders)
    assert typed == "CANCELED\n"
    assert len(re.findall(r"\d+\.\d+", threads)) == 6
    assert re.match(
        r"NEW 0\.0+\n(PARTIALLY_FILLED \S+\n)*FILLED 0\.00100000\nopened 1772323200000 closed at ", told
    )
    assert told.count("closed at") == 24
    assert own.startswith("FILLED\n")


def test_two_commands_for_a_fresh_machine() -> None:
    commands = blocks(PAGE, "console")
    assert len(commands) == 2
    for block in commands:
        assert block.count("\n") == 1
        assert not block.startswith("$")
    assert "crypto_ws_sync_demo" in commands[0]
    assert "-m pytest" in commands[1]


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
