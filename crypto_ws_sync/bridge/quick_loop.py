"""An event loop of asyncio's own kind that answers ready files in fewer steps, where the system has epoll."""

from __future__ import annotations

import asyncio
import os
import select
import selectors
from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from contextvars import Context

    from _typeshed import FileDescriptorLike
    from typing_extensions import TypeVarTuple, Unpack

    _Ts = TypeVarTuple("_Ts")

__all__ = ["QuickLoop"]

_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
_READABLE, _WRITABLE = select.EPOLLIN, select.EPOLLOUT


class Attended(Protocol):
    """A bell that is asked before each sleep of the loop whether somebody rang meanwhile."""

    is_rung: bool
    is_asleep: bool
    on_ring: Callable[[], object]


class _QuickSelector(selectors.EpollSelector):
    """Tells what is ready, and calls on the spot those who asked for that.

    Attributes:
        is_touched: Something was left for a later turn of the loop.

    Owner: loop thread.
    """

    def __init__(self, on_error: Callable[[Exception], object]) -> None:
        super().__init__()
        # The same files under a number of our own, since the base keeps its object to itself.
        self._files = select.epoll.fromfd(os.dup(self.fileno()))
        self._keys: dict[int, selectors.SelectorKey] = {}
        self._answers: dict[int, Callable[[], object]] = {}
        self._bell: Attended | None = None
        self._on_error = on_error
        self.is_touched = False

    def answer(self, fd: int, answer: Callable[[], object]) -> None:
        """Call a function each time that a registered file is readable, until it is unregistered or modified."""
        self._answers[fd] = answer

    def attend(self, bell: Attended, fd: int) -> None:
        """Ask a bell before each sleep, and tell of its file once each time that something comes, read or not."""
        self._bell = bell
        self._files.modify(fd, _READABLE | select.EPOLLET)

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = super().register(fileobj, events, data)
        self._keys[key.fd] = key
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        key = super().unregister(fileobj)
        self._keys.pop(key.fd, None)
        self._answers.pop(key.fd, None)
        return key

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = super().modify(fileobj, events, data)
        self._keys[key.fd] = key
        if not events & _READ:
            self._answers.pop(key.fd, None)
        return key

    def close(self) -> None:
        self._files.close()
        super().close()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready, that nobody is called for, within so many seconds; see the base class.

        As long as only those called on the spot have something to do, and leave nothing for a later turn, this goes on:
        asyncio's turn around it takes longer than the rest of what a bell's answer does.
        """
        self.is_touched = False
        until = None if timeout is None else monotonic() + timeout
        ready: list[tuple[selectors.SelectorKey, int]] = []
        bell = self._bell
        while True:
            wait = timeout
            if bell is not None:
                bell.is_asleep = True
                if bell.is_rung:
                    # While this is done nobody has to wake the loop: it looks again.
                    bell.is_rung = bell.is_asleep = False
                    try:
                        bell.on_ring()
                    except Exception as error:
                        self._on_error(error)
                    bell.is_asleep = True
                    if bell.is_rung or self.is_touched:
                        # However often somebody rings, what has come is read in between.
                        wait = 0.0
            events = self._files.poll(wait, len(self._keys) or 1)
            if bell is not None:
                bell.is_asleep = False
            for fd, event in events:
                # Looked for now: an answer before this one may have ended it.
                answer = self._answers.get(fd)
                if answer is not None and event == _READABLE:
                    try:
                        answer()
                    except Exception as error:
                        self._on_error(error)
                    continue
                key = self._keys.get(fd)
                if key is not None:
                    mask = (_WRITE if event & ~_READABLE else 0) | (_READ if event & ~_WRITABLE else 0)
                    ready.append((key, mask & key.events))
            if ready or self.is_touched:
                return ready
            if until is not None:
                timeout = until - monotonic()
                if timeout <= 0:
                    return ready


class QuickLoop(asyncio.SelectorEventLoop):
    """A loop that calls readers straight from where it learns that their files are readable.

    asyncio puts a handle into a queue for each, runs it in a context of its own, and looks at its timers and the clock
    in between. On the way of one request that happens twice, and took a tenth of it. Here the loop comes back from
    looking for ready files only when something is left for another turn of its own. In debug mode readers are called
    asyncio's way, which tells of those that take long.

    Owner: loop thread.
    """

    _is_made = False

    def __init__(self) -> None:
        self._quick = _QuickSelector(self._tell)
        super().__init__(self._quick)
        self._is_made = True

    def __del__(self) -> None:
        # The base closes what is still open, and would complain of all that a loop lacks which could not be made, for
        # want of files, say.
        if self._is_made:
            super().__del__()

    def add_reader(
        self, fd: FileDescriptorLike, callback: Callable[[Unpack[_Ts]], Any], *args: Unpack[_Ts]
    ) -> None:
        """Have a function called whenever a file is readable; see the base class."""
        super().add_reader(fd, callback, *args)
        if not self.get_debug():
            number = fd if isinstance(fd, int) else fd.fileno()
            self._quick.answer(number, partial(callback, *args) if args else callback)

    def attend(self, bell: Attended, fd: int) -> None:
        """Ask a bell before each sleep whether it was rung.

        While the loop sleeps, its file's reader is called, once each time that something comes and whether that is read
        or not.
        """
        self._quick.attend(bell, fd)

    def call_soon(
        self, callback: Callable[[Unpack[_Ts]], object], *args: Unpack[_Ts], context: Context | None = None
    ) -> asyncio.Handle:
        """Have a function called in the next turn; see the base class."""
        self._quick.is_touched = True
        return super().call_soon(callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[_Ts]], object],
        *args: Unpack[_Ts],
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Have a function called at a time; see the base class."""
        self._quick.is_touched = True
        return super().call_at(when, callback, *args, context=context)

    def stop(self) -> None:
        """End the loop after this turn; see the base class."""
        self._quick.is_touched = True
        super().stop()

    def _tell(self, error: Exception) -> None:
        self.call_exception_handler({"message": "a reader failed", "exception": error})
