"""Run the snippets of the guides in `examples/*.md`, those of other libraries too where these are installed.

    python -m tests.examples.guides                                   # every guide
    python -m tests.examples.guides from_python_binance.md            # one of them

The guides for moving over show both sides. The other side runs where its package is installed, on the same simulated
exchange; where it is not, it says what to install. Two of the packages call themselves `binance`, so each wants a
virtual environment of its own:

    python -m venv .venv-peer
    .venv-peer/bin/python -m pip install ".[sim]" python-binance      # or binance-connector, or exchanges-wrapper
    .venv-peer/bin/python -m tests.examples.guides from_python_binance.md

Each `print(...)  # text` of a snippet must print that text; `...` in it stands for anything.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import io
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crypto_ws_sync.simulator import SimulatedExchange
from tests.examples.snippets import Snippet, run, snippets_of, write_config

__all__ = ["GUIDES", "PEERS", "check", "run_guide"]

EXAMPLES = Path(__file__).parents[2] / "examples"
GUIDES = sorted(EXAMPLES.glob("*.md"))

_EXPECTED = re.compile(r"^\s*print\(.*\)  # (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Peer:
    """Another library: its distribution, what to install to have it, and the kind of key that it can use."""

    package: str
    install: str
    key_type: str


PEERS = {
    # Its session imports the server that it was made for, which brings it along.
    "from_crypto_ws_api.md": Peer("crypto-ws-api", "exchanges-wrapper", "ed25519"),
    "from_binance_connector.md": Peer("binance-connector", "binance-connector", "hmac"),
    "from_python_binance.md": Peer("python-binance", "python-binance", "hmac"),
}


def check(page: Path, snippet: Snippet, printed: str) -> None:
    """Fail unless a snippet printed what its comments say, in their order."""
    lines = iter(printed.splitlines())
    for expected in _EXPECTED.findall(snippet.text):
        pattern = ".*".join(map(re.escape, expected.split("...")))
        if not any(re.fullmatch(pattern, line) for line in lines):
            raise AssertionError(
                f"{page.name}, snippet at line {snippet.line}: {expected!r} was not printed, but:\n{printed}"
            )


def run_guide(page: Path, config: Path, *, with_peer: bool = False) -> tuple[int, int]:
    """Run a guide on a simulated exchange of its own; return how many snippets ran, ours and the other library's.

    Args:
        page: The guide.
        config: Where to write the config file, which `CRYPTO_WS_SYNC_CONFIG` must name.
        with_peer: Run the other library's side, too.
    """
    ours: dict[str, Any] = {"__name__": "__main__"}
    theirs: dict[str, Any] = {"__name__": "__main__"}
    peer = PEERS.get(page.name)
    counts = [0, 0]
    with SimulatedExchange() as exchange, _aimed(page.name if with_peer else "", exchange):
        if peer is not None and peer.key_type != "hmac":
            write_config(config, exchange, "Demo - Binance", account=exchange.add_account("ed25519"))
        else:
            write_config(config, exchange, "Demo - Binance")
        for snippet in snippets_of(page):
            if snippet.language != "python":
                continue
            sides = {"before": (theirs,), "after": (ours,)}.get(snippet.note, (ours, theirs))
            for names in sides:
                if names is theirs and not with_peer:
                    continue
                printed = io.StringIO()
                with contextlib.redirect_stdout(printed):
                    run(page, snippet, names)
                check(page, snippet, printed.getvalue())
                counts[names is theirs] += 1
    return counts[0], counts[1]


@contextlib.contextmanager
def _aimed(page: str, exchange: SimulatedExchange) -> Iterator[None]:
    """Have another library talk to the simulated exchange where its snippets cannot say so themselves."""
    if page == "from_python_binance.md":
        clients: Any = importlib.import_module("binance")
        for client in (clients.Client, clients.AsyncClient):
            client.WS_API_TESTNET_URL = exchange.endpoint
    if page == "from_crypto_ws_api.md":
        # It writes its log below the home folder, into a folder that only its server makes.
        with tempfile.TemporaryDirectory() as home:
            os.environ["HOME"] = home
            (Path(home) / ".MartinBinance" / "exch_srv_log").mkdir(parents=True)
            yield
        return
    yield


def main() -> None:
    """Run them and tell."""
    parser = argparse.ArgumentParser(description="Run the snippets of the guides.")
    parser.add_argument("guides", nargs="*", metavar="GUIDE.md", help="names in examples/; all by default")
    wanted: list[str] = parser.parse_args().guides or [page.name for page in GUIDES]
    for name in wanted:
        peer = PEERS.get(name)
        installed = peer is not None and _is_installed(peer.package) and _is_installed(peer.install)
        with tempfile.TemporaryDirectory() as folder:
            config = Path(folder) / "ws_api.toml"
            os.environ["CRYPTO_WS_SYNC_CONFIG"] = str(config)
            ours, theirs = run_guide(EXAMPLES / name, config, with_peer=installed)
        told = f"{name}: {ours} snippets ran"
        if peer is not None and installed:
            told += f", and {theirs} of the other side ({peer.package} {importlib.metadata.version(peer.package)})"
        elif peer is not None:
            told += f"; the other side is left out, since {peer.install} is not installed: pip install {peer.install}"
        print(told, file=sys.stderr if "left out" in told else sys.stdout)


def _is_installed(package: str) -> bool:
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


if __name__ == "__main__":
    main()
