"""`crypto_ws_sync journal`: what a journal holds, for people and in a pipe."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from crypto_ws_sync import UserWSSession
from crypto_ws_sync.cli.main import main
from crypto_ws_sync.protocol.outcome import Question
from crypto_ws_sync.session.journal_lines import Settled, opening_line, record_line, verdict_line
from crypto_ws_sync.simulator import SimulatedExchange

NOON = 1_767_268_800.0
"""2026-01-01 12:00 UTC."""


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """A journal of four writes, of which one is open and one cannot be told by its order's id."""
    path = tmp_path / "orders.journal"
    params = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.5"}
    lines = [opening_line(1, NOON)]
    for number in range(1, 4):
        asked = Question(number, "order.place", params, f"mine{number}", NOON + number, NOON, 0.01, True)
        lines.append(record_line(asked, NOON + 10, 5.0, "account"))
    lines.append(verdict_line(1, Settled("executed", NOON + 2)))
    lines.append(verdict_line(3, Settled("refused", NOON + 3, -2010)))
    cancel = Question(4, "order.cancel", {"symbol": "BTCUSDT", "orderId": 9}, None, NOON + 4, NOON, 0.01)
    lines.append(record_line(cancel, float("inf"), 5.0, "account"))
    path.write_bytes(b"".join(lines))
    return path


def test_in_a_pipe_each_write_is_a_line(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["journal", str(journal)]) == 0
    shown = capsys.readouterr()
    rows = [json.loads(line) for line in shown.out.splitlines()]
    assert [row["outcome"] for row in rows] == ["executed", "open", "refused", "open"]
    assert [row["client_order_id"] for row in rows] == ["mine1", "mine2", "mine3", None]
    assert rows[2]["code"] == -2010
    assert rows[1]["params"]["quantity"] == "0.5"
    assert (rows[1]["recorded_at"], rows[1]["latest_at"], rows[1]["settled_at"]) == (
        NOON + 2,
        NOON + 10,
        None,
    )
    assert rows[3]["latest_at"] is None
    assert shown.err == ""


def test_at_a_terminal_it_is_a_table(journal: Path, shown_at_terminal: Callable[[list[str]], str]) -> None:
    shown = shown_at_terminal(["journal", str(journal)])
    assert "2026-01-01 12:00:02 UTC" in shown
    assert "refused (-2010)" in shown
    assert "symbol=BTCUSDT side=BUY" in shown
    assert shown.rstrip().endswith("4 writes, 2 of them open")


def test_what_cannot_be_read_is_counted(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journal.write_bytes(journal.read_bytes().replace(b"mine2", b"mine9") + b'{"n":')
    assert main(["journal", str(journal)]) == 0
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) == 3
    assert shown.err == "2 lines could not be read and were left out\n"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "cannot be read: No such file or directory"),
        (Path.mkdir, "is a folder"),
        (lambda path: path.write_text("my own notes\n"), "something else than a journal"),
    ],
    ids=["nothing", "a folder", "something else"],
)
def test_what_is_no_journal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], make: Callable[[Path], object], words: str
) -> None:
    path = tmp_path / "orders.journal"
    make(path)
    assert main(["journal", str(path)]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("ConfigError: ")
    assert words in shown.err


def test_it_can_be_looked_at_while_a_program_uses_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "orders.journal"
    with (
        SimulatedExchange(symbols=["BTCUSDT"]) as exchange,
        UserWSSession(
            exchange.api_key, exchange.api_secret, endpoint=exchange.endpoint, journal=path
        ) as session,
    ):
        session.order_place(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01")
        assert main(["journal", str(path)]) == 0
        (row,) = (json.loads(line) for line in capsys.readouterr().out.splitlines())
        assert row["method"] == "order.place"
        session.order_place(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01")
    assert main(["journal", str(path)]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["outcome"] for row in rows] == ["executed", "executed"]
