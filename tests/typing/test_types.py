"""A type checker accepts right calls and refuses wrong ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mypy import api

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
SETTINGS = [
    "--strict",
    "--explicit-package-bases",
    "--no-error-summary",
    # Only the calls are judged here: the package itself is, elsewhere, where its optional libraries are at hand.
    "--follow-imports=silent",
    "--config-file",
    str(ROOT / "pyproject.toml"),
]


@pytest.fixture
def in_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run where the package is found by its name."""
    monkeypatch.chdir(ROOT)


# Without its cache mypy reads the whole of the standard library's types first.
@pytest.mark.timeout(60)
@pytest.mark.usefixtures("in_root")
@pytest.mark.parametrize("name", ["right_calls.py", "wrong_calls.py"])
def test_calls_are_judged_as_they_should_be(name: str) -> None:
    report, problems, code = api.run([*SETTINGS, str(FOLDER / name)])
    assert (report, problems, code) == ("", "", 0)


@pytest.mark.timeout(60)
@pytest.mark.usefixtures("in_root")
def test_each_wrong_call_is_told_where_it_stands(tmp_path: Path) -> None:
    source = (FOLDER / "wrong_calls.py").read_text("utf-8")
    wrong = [line for line, text in enumerate(source.splitlines(), 1) if "# type: ignore" in text]
    bare = tmp_path / "bare_calls.py"
    bare.write_text(re.sub(r"  # type: ignore.*", "", source), "utf-8")
    report, problems, code = api.run([*SETTINGS, str(bare)])
    told = {int(number) for number in re.findall(r"bare_calls\.py:(\d+): error", report)}
    assert (sorted(told), problems, code) == (wrong, "", 1)
