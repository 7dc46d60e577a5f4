"""The pytest plugin: found by pytest, light to load, and one clock for both sides."""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from importlib import import_module
from pathlib import Path

import pytest

from crypto_ws_sync import ConnectionLost, OutOfService, StreamGap, UserWSSession
from crypto_ws_sync.simulator import ManualClock, SimulatedExchange

pytest_plugins = ["crypto_ws_sync.pytest_plugin"]

ROOT = Path(__file__).parents[1]
PLUGIN = "crypto_ws_sync.pytest_plugin"


def _pytest(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", PLUGIN, "-p", "no:cacheprovider", "-W", "error", *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


# --- how pytest finds it -------------------------------------------------------------------------------------


def test_the_entry_point_leads_to_the_fixtures() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    name, _, module = setup["options.entry_points"]["pytest11"].strip().partition(" = ")
    # The same name as of the module, so that `-p` with the module's name does not load it a second time.
    assert name == module == PLUGIN
    plugin = import_module(module)
    assert {"simulated_exchange", "user_session"} <= set(plugin.__all__)


def test_loading_it_brings_neither_the_simulator_nor_anything_heavy() -> None:
    program = (
        f"import sys, pytest; before = set(sys.modules); import {PLUGIN}; "
        "heavy = {'cryptography', 'websockets', 'pandas', 'numpy', 'platformdirs', 'tomli', 'rich', "
        "'crypto_ws_sync.simulator'}; print(sorted(heavy & (set(sys.modules) - before)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.timeout(60)  # a pytest run of its own, with five tests
def test_the_example_of_a_trading_bot_runs(tmp_path: Path) -> None:
    done = _pytest(tmp_path, str(ROOT / "examples" / "test_trading_bot.py"))
    assert done.returncode == 0, done.stdout
    assert " 5 passed" in done.stdout


@pytest.mark.timeout(60)  # a pytest run of its own
def test_a_project_may_bring_its_own_time_and_sees_the_same_market_in_every_test(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        "import pytest\n"
        "from crypto_ws_sync.simulator import ManualClock\n"
        "@pytest.fixture\n"
        "def manual_clock():\n"
        "    return ManualClock(start=1_700_000_000)\n",
        encoding="utf-8",
    )
    (tmp_path / "test_mine.py").write_text(
        "import pytest\n"
        "seen = []\n"
        "@pytest.mark.parametrize('number', range(2))\n"
        "def test_price(user_session, simulated_exchange, number):\n"
        "    assert user_session.time()['serverTime'] == 1_700_000_000_000\n"
        "    simulated_exchange.clock.advance(30)\n"
        "    seen.append(user_session.ticker_price(symbol='BTCUSDT'))\n"
        "    assert seen == [seen[0]] * (number + 1)\n",
        encoding="utf-8",
    )
    done = _pytest(tmp_path)
    assert done.returncode == 0, done.stdout
    assert " 2 passed" in done.stdout


# --- one clock for both sides --------------------------------------------------------------------------------


def test_timestamps_follow_the_clock(
    user_session: UserWSSession, simulated_exchange: SimulatedExchange, manual_clock: ManualClock
) -> None:
    assert simulated_exchange.clock is manual_clock
    for tens in range(3):
        user_session.account_status()
        # The session may ask for the time beside it.
        (*_, request) = [seen for seen in simulated_exchange.requests() if seen.method == "account.status"]
        assert request.status == 200
        assert request.time == manual_clock.now()
        # As late as is certainly not ahead of the exchange: after ten minutes without a look at its clock, 0.03 s.
        assert 0 <= manual_clock.now() * 1000 - request.params["timestamp"] <= 1 + 30 * tens
        manual_clock.advance(600)
    assert user_session.status().counters["clock_repairs"] == 0


def _use_up(session: UserWSSession) -> None:
    while session.handle_request("exchangeInfo", {"symbol": "BTCUSDT"}, on_limit="none") is not None:
        pass


def test_windows_roll_over_when_the_clock_says_so(
    user_session: UserWSSession, simulated_exchange: SimulatedExchange, manual_clock: ManualClock
) -> None:
    _use_up(user_session)
    window_end = manual_clock.now() // 60 * 60 + 60
    with pytest.raises(OutOfService) as held:
        user_session.handle_request("exchangeInfo", {"symbol": "BTCUSDT"}, on_limit="raise")
    assert held.value.retry_at == pytest.approx(window_end, abs=0.1)
    manual_clock.advance(window_end - manual_clock.now() - 0.5)
    assert user_session.handle_request("exchangeInfo", {"symbol": "BTCUSDT"}, on_limit="none") is None
    manual_clock.advance(1)
    assert user_session.wait_operational()
    assert user_session.handle_request("exchangeInfo", {"symbol": "BTCUSDT"}, on_limit="none")
    assert [request for request in simulated_exchange.requests() if request.status == 429] == []


def test_a_wait_for_a_window_ends_when_the_clock_is_moved(
    user_session: UserWSSession, manual_clock: ManualClock
) -> None:
    _use_up(user_session)
    waiting = user_session.submit("exchangeInfo", {"symbol": "BTCUSDT"}, on_limit="wait")
    assert not waiting.done()
    manual_clock.advance(60)
    assert waiting.result(5)["symbols"][0]["symbol"] == "BTCUSDT"


def test_a_lost_order_is_told_absent_once_its_receive_window_has_passed_on_the_clock(
    user_session: UserWSSession, simulated_exchange: SimulatedExchange, manual_clock: ManualClock
) -> None:
    never_there = simulated_exchange.faults.drop("before", method="order.place")
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
    placed = user_session.submit("order.place", order)
    assert never_there.wait(5)
    # The session asks until the exchange's time says that the order will not come any more, then once again.
    while not wait([placed], 0.02).done:
        manual_clock.advance(1)
    with pytest.raises(ConnectionLost):
        placed.result(0)
    assert simulated_exchange.orders() == []


def test_events_carry_the_time_of_the_clock(user_session: UserWSSession, manual_clock: ManualClock) -> None:
    manual_clock.advance(17)
    with user_session.user_data(timeout=5) as events:
        user_session.order_place(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01")
        event = next(events)
        assert not isinstance(event, StreamGap)
        assert event["e"] == "executionReport"
        assert event["E"] == manual_clock.now() * 1000


def test_orders_fill_as_the_market_moves_with_the_clock(
    user_session: UserWSSession, simulated_exchange: SimulatedExchange, manual_clock: ManualClock
) -> None:
    bid = user_session.ticker_book(symbol="BTCUSDT")["bidPrice"]
    user_session.order_place(
        symbol="BTCUSDT", side="BUY", type="LIMIT", time_in_force="GTC", quantity="0.01", price=bid
    )
    for _ in range(60):
        manual_clock.advance(60)
        (order,) = simulated_exchange.orders()
        if order["status"] == "FILLED":
            break
    assert order["status"] == "FILLED"
    assert order["updateTime"] > order["time"]


def test_threads_share_the_session_while_one_moves_the_clock(
    user_session: UserWSSession, manual_clock: ManualClock
) -> None:
    together = threading.Barrier(5)

    def ask() -> int:
        together.wait()
        return sum(user_session.time()["serverTime"] > 0 for _ in range(50))

    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(ask) for _ in range(4)]
        together.wait()
        for _ in range(50):
            manual_clock.advance(0.5)
        assert [each.result(8) for each in asked] == [50] * 4
