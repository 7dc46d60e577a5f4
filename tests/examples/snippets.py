"""Snippets of Markdown pages, run the way a reader would who copies them into one program."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crypto_ws_sync.simulator import Account, SimulatedExchange

__all__ = ["Snippet", "blocks", "run", "snippets_of", "write_config"]

_FENCED = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<body>.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Snippet:
    """One fenced block: its language, what else stands behind the fence, its text, and where it begins."""

    language: str
    note: str
    text: str
    line: int


def snippets_of(path: Path) -> Iterator[Snippet]:
    """Yield the fenced blocks of a page in their order."""
    page = path.read_text(encoding="utf-8")
    for found in _FENCED.finditer(page):
        language, _, note = found["info"].partition(" ")
        yield Snippet(language, note.strip(), found["body"], page.count("\n", 0, found.start()) + 2)


def blocks(path: Path, language: str) -> list[str]:
    """Return the texts of a page's blocks in one language."""
    return [snippet.text for snippet in snippets_of(path) if snippet.language == language]


def run(path: Path, snippet: Snippet, names: dict[str, Any]) -> None:
    """Run a snippet with the names that those before it have left; errors point at the line in the page."""
    source = "\n" * (snippet.line - 1) + snippet.text
    exec(compile(source, path.name, "exec"), names)


def write_config(
    path: Path,
    exchange: SimulatedExchange,
    name: str,
    *,
    test_net: str = "true",
    account: Account | None = None,
) -> None:
    """Write a config file with one account of a simulated exchange, by default its first."""
    key, secret = (account or exchange).api_key, (account or exchange).api_secret
    path.touch(0o600)
    path.write_text(
        "[endpoint.binance]\n"
        + "".join(f'{each} = "{exchange.endpoint}"\n' for each in ("ws_api", "ws_api_test"))
        + f'[[accounts]]\nname = "{name}"\nexchange = "binance"\ntest_net = {test_net}\n'
        + f'api_key = "{key}"\napi_secret = """\n{secret}"""\n',
        encoding="utf-8",
    )
