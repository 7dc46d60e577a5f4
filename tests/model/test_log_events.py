"""The vocabulary of log records: nothing else is said, all of it is, and the README lists it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from crypto_ws_sync.model.log_events import LOG_EVENTS

ROOT = Path(__file__).parents[2]
ROOMS = ("engine", "bridge", "transport", "session")
TELLING = {"info", "warning", "error", "exception"}


def _records() -> Iterator[tuple[str, str | None]]:
    """Yield where each record above DEBUG is made, and the event that it bears."""
    for room in ROOMS:
        for path in sorted((ROOT / "crypto_ws_sync" / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                    continue
                logger = node.func.value
                if node.func.attr in TELLING and isinstance(logger, ast.Name) and logger.id == "log":
                    extra = next(
                        (ast.unparse(each.value) for each in node.keywords if each.arg == "extra"), ""
                    )
                    found = re.fullmatch(r"\{'event': '(\w+)'\}", extra)
                    yield f"{path.name}:{node.lineno}", found.group(1) if found else None


def test_every_record_bears_an_event_of_the_vocabulary() -> None:
    records = list(_records())
    assert len(records) > 20
    assert not [place for place, event in records if event not in LOG_EVENTS]


def test_every_word_of_the_vocabulary_is_used() -> None:
    assert {event for _, event in _records()} == set(LOG_EVENTS)


def test_the_readme_lists_the_vocabulary() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.split("## What the log tells\n")[1].split("\n## ")[0]
    assert dict(re.findall(r"^- `(\w+)`: (.+)$", section, re.MULTILINE)) == dict(LOG_EVENTS)
