"""A loop in a thread of its own: how a program with threads uses a client that is written for asyncio."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

__all__ = ["OnALoop"]


class OnALoop:
    """Runs coroutines for any thread, and waits for them.

    Owner: shared; the loop's own calls guard it.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Return what a coroutine returns."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)
