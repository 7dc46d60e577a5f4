"""An account whose network is played by a simulated exchange, and somebody at the terminal."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crypto_ws_sync.cli.main import main
from crypto_ws_sync.simulator import SimulatedExchange


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where the config file is looked for; there is none yet."""
    path = tmp_path / "ws_api.toml"
    monkeypatch.setenv("CRYPTO_WS_SYNC_CONFIG", str(path))
    return path


@pytest.fixture
def exchange() -> Iterator[SimulatedExchange]:
    """Give an exchange that plays a network."""
    with SimulatedExchange() as exchange:
        yield exchange


@pytest.fixture
def account(config: Path, exchange: SimulatedExchange) -> Callable[[str], None]:
    """Return what writes a config file with the account "Mine", on a network of a kind."""

    def write(test_net: str) -> None:
        config.touch(0o600)
        config.write_text(
            "[endpoint.binance]\n"
            + "".join(f'{key} = "{exchange.endpoint}"\n' for key in ("ws_api", "ws_api_test", "ws_api_demo"))
            + f'[[accounts]]\nname = "Mine"\nexchange = "binance"\ntest_net = {test_net}\n'
            + f'api_key = "{exchange.api_key}"\napi_secret = "{exchange.api_secret}"\n',
            encoding="utf-8",
        )

    return write


class Typed(io.StringIO):
    """What somebody types at a terminal."""

    def isatty(self) -> bool:
        """Tell that it is one."""
        return True


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return what lets somebody type at the terminal."""
    return lambda text: monkeypatch.setattr(sys, "stdin", Typed(text))


class Screen(io.StringIO):
    """A terminal and what stands on it."""

    def isatty(self) -> bool:
        """Tell that it is one."""
        return True


@pytest.fixture
def shown_at_terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[str]], str]:
    """Return what runs a command with a wide terminal for stdout and gives what is shown there."""

    def run(argv: list[str]) -> str:
        # Set here and not with the fixture, as pytest sets its own stdout anew when the test itself begins.
        screen = Screen()
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", screen)
            patched.setenv("COLUMNS", "300")
            assert main(argv) == 0
        return screen.getvalue()

    return run
