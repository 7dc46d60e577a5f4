"""The guides in `examples/*.md`: their snippets run and print what they say, their links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from guides import EXAMPLES, GUIDES, PEERS, check, main, run_guide
from snippets import Snippet, snippets_of

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(
    30
)  # an order is certainly missing only after its receive window and the exchange's memory
@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_our_side_of_every_guide_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "ws_api.toml"
    monkeypatch.setenv("CRYPTO_WS_SYNC_CONFIG", str(config))
    ours, theirs = run_guide(page, config)
    written = [snippet for snippet in snippets_of(page) if snippet.language == "python"]
    assert ours == sum(snippet.note != "before" for snippet in written) >= 4
    assert theirs == 0


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_the_other_side_is_at_least_python(page: Path) -> None:
    notes = []
    for snippet in snippets_of(page):
        if snippet.language == "python":
            compile(snippet.text, page.name, "exec")
            notes.append(snippet.note)
    assert set(notes) <= {"", "before", "after"}
    assert ("before" in notes) is (page.name in PEERS)


def test_guides_without_their_package_say_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One library's package is never in an environment of the tests."""
    monkeypatch.setenv("CRYPTO_WS_SYNC_CONFIG", "set anew for each guide")
    monkeypatch.setattr("sys.argv", ["guides", "from_binance_connector.md"])
    main()
    told = capsys.readouterr().err
    assert "the other side is left out" in told
    assert "pip install binance-connector" in told


def test_what_a_snippet_prints_is_compared() -> None:
    page = Path("page.md")
    snippet = Snippet("python", "", "print(x)  # one ...\nprint(y)\nprint(z)  # three\n", 1)
    check(page, snippet, "one 1\ntwo\nthree\n")
    for printed in ("one 1\ntwo\n", "three\none 1\n", "one\nthree\n"):
        with pytest.raises(AssertionError, match="was not printed"):
            check(page, snippet, printed)


@pytest.mark.parametrize("page", [ROOT / "README.md", *GUIDES], ids=lambda page: page.name)
def test_links_and_examples_named_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []
    named = re.findall(r"examples/([\w.]+\.\w+)", text)
    assert [name for name in named if not (EXAMPLES / name).exists()] == []
