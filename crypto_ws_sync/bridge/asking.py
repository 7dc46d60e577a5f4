"""What callers ask of the loop itself, and wait for: its status, a stream, a moment of service."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

from crypto_ws_sync.bridge.loop_thread import LONGEST_WAIT, LoopThread
from crypto_ws_sync.bridge.reply import OneAnswer
from crypto_ws_sync.engine.requests import Wakes
from crypto_ws_sync.errors import RequestTimeout, SessionClosed

__all__ = ["Asking"]


class Asking:
    """The way of such a question onto the loop, and of its answer back.

    Owner: shared; the tasks are touched on the loop alone.
    """

    def __init__(self, door: LoopThread, wakes: Wakes) -> None:
        self._door = door
        self._wakes = wakes
        self._tasks: set[asyncio.Task[None]] = set()

    def ask(self, begin: Callable[[], Coroutine[Any, Any, Any]], timeout: float) -> Any:
        """Run one of the engine's coroutines and return its result.

        Args:
            begin: Makes it. Called on the loop, whose it is from the first to the last: after a Ctrl-C nobody could
                tell here whether it has begun, and whether to close it.
            timeout: Seconds.

        Raises:
            SessionClosed: The session was stopped meanwhile.
            RequestTimeout: The loop did not come to it in time.
        """
        # Not by waiting for a future: an interrupt at the wrong moment would leave its lock taken, and the loop, which
        # gives it its result, would wait for that for ever.
        reply = OneAnswer(self._wakes)
        tasks: list[asyncio.Task[None]] = []
        is_given_up: list[bool] = []

        def run() -> None:
            if not is_given_up:
                task = asyncio.get_running_loop().create_task(_answered(begin, reply))
                # The loop itself would let go of it once its caller has.
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
                tasks.append(task)

        self._door.hand_over(run)
        deadline = time.monotonic() + timeout
        while not reply.wait(min(deadline, time.monotonic() + LONGEST_WAIT), LONGEST_WAIT):
            if self._door.is_closed and not reply.done():
                # A loop that ends may cancel what has not begun.
                raise SessionClosed("the session was stopped")
            if time.monotonic() >= deadline:
                is_given_up.append(True)
                for task in tasks:
                    self._door.call(task.cancel)
                raise RequestTimeout("the session did not answer in time")
        return reply.take()


async def _answered(begin: Callable[[], Coroutine[Any, Any, Any]], reply: OneAnswer) -> None:
    """Give what a coroutine returns or raises to whoever waits."""
    try:
        result = await begin()
    except asyncio.CancelledError:
        reply.set_exception(SessionClosed("the session was stopped"))
        raise
    except Exception as error:
        reply.set_exception(error)
    else:
        reply.set_result(result)
