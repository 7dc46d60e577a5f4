"""Progress: a bar where tqdm is installed, lines on stderr without it."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from crypto_ws_sync.session.progress import Bar, Lines, show_progress

TIME = 1_769_860_800_000_000


class FakeBar:
    """What tqdm's bar is asked to do."""

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.told: list[Any] = []

    def update(self, n: int) -> None:
        self.told.append(n)

    def set_postfix_str(self, s: str, refresh: bool = True) -> None:
        self.told.append(s)

    def close(self) -> None:
        self.told.append("closed")


def test_a_bar_where_tqdm_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    bars: list[FakeBar] = []

    def make_bar(**options: Any) -> FakeBar:
        bars.append(FakeBar(**options))
        return bars[-1]

    monkeypatch.setitem(sys.modules, "tqdm", SimpleNamespace(tqdm=make_bar))
    shown = show_progress("klines BTCUSDT")
    assert isinstance(shown, Bar)
    shown.advance(1000, TIME)
    shown.hold(12.3)
    shown.advance(7, 0)
    shown.close()
    assert bars[0].options == {"desc": "klines BTCUSDT", "unit": " records", "file": sys.stderr}
    assert bars[0].told == ["2026-01-31 12:00:00 UTC", 1000, "waiting 12 s for the limit", 7, "closed"]


def test_lines_without_tqdm(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    shown = show_progress("klines BTCUSDT")
    assert isinstance(shown, Lines)
    shown.advance(1000, TIME)
    shown.hold(12.3)
    shown.close()
    shown.close()
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "klines BTCUSDT: 1000 records, up to 2026-01-31 12:00:00 UTC",
        "klines BTCUSDT: waiting 12 s for the limit",
        "klines BTCUSDT: 1000 records in all",
    ]


def test_a_line_a_second_is_enough(capsys: pytest.CaptureFixture[str]) -> None:
    moments = iter([0.0, 0.5, 0.9, 1.0, 1.2])
    shown = Lines("x", lambda: next(moments))
    for _ in range(5):
        shown.advance(10, 0)
    assert capsys.readouterr().err.splitlines() == ["x: 10 records", "x: 40 records"]
