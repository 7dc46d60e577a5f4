"""What every test starts from, and what it must not leave behind: threads, sockets, tasks."""

from __future__ import annotations

import gc
import ipaddress
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

_LIMIT = 20.0
"""Seconds that threads which are about to end may still take."""

_PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "ws_proxy", "wss_proxy", "no_proxy")

# Cores are shared where these tests run, so how long one example takes says nothing.
# In CI the same cases every time, so that a run there tells of the change and not of its luck; at a desk new ones.
settings.register_profile(
    "house",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
)
settings.load_profile("house")


# Test files of different rooms may share a name, so pytest leaves sys.path alone; what they share with
# their neighbours is imported by its bare name all the same.
_HERE = Path(__file__).parent
sys.path += sorted({str(path.parent) for path in _HERE.rglob("*.py")} - {str(_HERE)})


def _refuse_the_outside(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "socket.connect":
        return
    address = arguments[1]
    if not isinstance(address, tuple) or address[0] == "localhost":
        return
    try:
        is_loopback = ipaddress.ip_address(address[0].partition("%")[0]).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise RuntimeError(f"a test must not connect to {address}")


def pytest_configure() -> None:
    """Watch for connections to the outside from here on, and let Ctrl-C be tested."""
    sys.addaudithook(_refuse_the_outside)
    # A shell that runs the tests in the background has them ignore it, and every program that they start, too.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give tests of many drawn cases more time: nothing in them waits, but a busy machine may take long over them.

    Where the environment grants every test more than a test says that it needs, it grants it to that one, too.
    """
    granted = float(os.environ.get("PYTEST_TIMEOUT") or 0)
    for item in items:
        said = item.get_closest_marker("timeout")
        if said is not None and granted > said.args[0]:
            item.add_marker(pytest.mark.timeout(granted), append=False)
        is_drawn = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
        if is_drawn and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(60))


def _sockets() -> set[str]:
    """Return the open sockets of this process, where the system can tell."""
    folder = Path("/proc/self/fd")
    found: set[str] = set()
    for name in os.listdir(folder) if folder.is_dir() else ():
        try:
            target = os.readlink(folder / name)
        except OSError:
            continue
        if target.startswith("socket:"):
            found.add(target)
    return found


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the user's proxies and real keys out of the tests."""
    for name in _PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    missing = tmp_path_factory.getbasetemp() / "no_such_config.toml"
    monkeypatch.setenv("CRYPTO_WS_SYNC_CONFIG", str(missing))


@pytest.fixture(autouse=True)
def _nothing_outlives_a_test() -> Iterator[None]:
    """Fail a test that leaves a thread or a socket behind."""
    threads, sockets = set(threading.enumerate()), _sockets()
    yield
    deadline = time.monotonic() + _LIMIT
    for thread in set(threading.enumerate()) - threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    left = sorted(thread.name for thread in set(threading.enumerate()) - threads)
    assert not left, f"threads outlive the test: {left}"
    if _sockets() - sockets:
        gc.collect()
    open_still = _sockets() - sockets
    assert not open_still, f"{len(open_still)} sockets outlive the test"


class _Complaints(logging.Handler):
    """Keeps what asyncio reports of tasks and exceptions that nobody waited for.

    Other complaints of its are no leaks: in debug mode a client that hangs up early is one.

    Owner: shared, guarded by the handler's own lock.
    """

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record that tells of something left behind."""
        told = record.getMessage()
        if "destroyed but it is pending" in told or "never retrieved" in told:
            self.told.append(told)


@pytest.fixture(autouse=True, scope="module")
def _no_task_outlives_a_module() -> Iterator[None]:
    """Fail where asyncio found a task or an exception that nobody waited for."""
    complaints, log = _Complaints(), logging.getLogger("asyncio")
    log.addHandler(complaints)
    yield
    gc.collect()
    log.removeHandler(complaints)
    assert not complaints.told
