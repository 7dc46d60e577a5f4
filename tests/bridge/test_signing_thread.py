"""The thread for slow signatures: where it cannot be had, they are made all the same."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from crypto_ws_sync.bridge.signing_thread import SigningThread


def test_what_cannot_be_signed_elsewhere_is_signed_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    done = threading.Event()

    def call(function: Callable[[], object]) -> None:
        function()

    def then(result: Any) -> None:
        signed.append((result, threading.current_thread()))
        if len(signed) == 2:
            done.set()

    signed: list[tuple[Any, threading.Thread]] = []
    signing = SigningThread("signing", call)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        signing.offload(lambda: "one", then)
    assert signed == [("one", threading.current_thread())]
    signing.offload(lambda: "two", then)
    assert done.wait(5)
    signing.stop(5)
    assert signed[1][0] == "two"
    assert signed[1][1].name == "signing"
