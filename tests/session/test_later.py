"""What a session loads after itself: in which order, and what becomes of it where that fails."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable
from importlib import import_module

import pytest

from crypto_ws_sync.errors import ConfigError
from crypto_ws_sync.session import later
from crypto_ws_sync.session.later import LOOK_UPS, NEAR, NEAREST, RETRYING, Later


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is loaded, in its order; nothing really is."""
    found: list[str] = []
    monkeypatch.setattr(later, "import_module", found.append)
    return found


@pytest.mark.parametrize(
    ("answers_after", "at_once", "expected"),
    [
        (0.0, False, []),
        (0.0, True, [LOOK_UPS]),
        (NEAREST, False, [LOOK_UPS]),
        (NEAR, False, [LOOK_UPS, RETRYING]),
        (NEAR, True, [LOOK_UPS, RETRYING]),
    ],
)
def test_what_there_is_time_for_is_loaded(
    loaded: list[str], answers_after: float, at_once: bool, expected: list[str]
) -> None:
    tried = Later()
    tried.load_while_waiting(lambda seconds: seconds > answers_after, 10.0, at_once=at_once)
    assert loaded == expected
    assert tried.lacks_look_ups is (LOOK_UPS not in expected)


def test_no_wait_is_longer_than_the_time_there_is(loaded: list[str]) -> None:
    waits: list[float] = []
    Later().load_while_waiting(lambda seconds: bool(waits.append(seconds)), 0.001, at_once=False)
    assert waits == [0.001, 0.001]
    assert loaded == [LOOK_UPS, RETRYING]


def _raiser(error: Exception) -> Callable[[str], object]:
    def fail(name: str) -> object:
        raise error

    return fail


@pytest.mark.parametrize("error", [ImportError("gone"), OSError(errno.EMFILE, "too many files")])
def test_what_cannot_be_loaded_is_told_and_tried_again(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    tried = Later()
    monkeypatch.setattr(later, "import_module", _raiser(error))
    with pytest.raises(ConfigError, match=r"lost answers cannot be loaded: .*(gone|too many files)") as told:
        tried.load_look_ups()
    assert told.value.__cause__ is error
    assert tried.lacks_look_ups
    monkeypatch.setattr(later, "import_module", import_module)
    tried.load_look_ups()
    assert not tried.lacks_look_ups
    assert LOOK_UPS in sys.modules


def test_what_a_signals_handler_raises_meanwhile_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(later, "import_module", _raiser(TimeoutError("the handler's")))
    with pytest.raises(TimeoutError, match="the handler's"):
        Later().load_look_ups()
