"""An event loop of asyncio's own kind that answers ready files in fewer steps, where the system has epoll."""

from __future__ import annotations

import asyncio
import os
import select
import selectors
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike
    from typing_extensions import TypeVarTuple, Unpack

    _Ts = TypeVarTuple("_Ts")

__all__ = ["QuickLoop"]

_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
_READABLE, _WRITABLE = select.EPOLLIN, select.EPOLLOUT


class _QuickSelector(selectors.EpollSelector):
    """Tells what is ready, and calls on the spot those who asked for that.

    Owner: loop thread.
    """

    def __init__(self, on_error: Callable[[Exception], object]) -> None:
        super().__init__()
        # The same files under a number of our own, since the base keeps its object to itself.
        self._files = select.epoll.fromfd(os.dup(self.fileno()))
        self._keys: dict[int, selectors.SelectorKey] = {}
        self._answers: dict[int, Callable[[], object]] = {}
        self._on_error = on_error

    def answer(self, fd: int, answer: Callable[[], object]) -> None:
        """Call a function each time that a registered file is readable, until it is unregistered or modified."""
        self._answers[fd] = answer

    def tell_once(self, fd: int) -> None:
        """Tell of a registered file once each time that something comes, whether it is read or not."""
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
        try:
            events = self._files.poll(timeout, len(self._keys) or 1)
        except InterruptedError:
            return []
        ready = []
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
        return ready


class QuickLoop(asyncio.SelectorEventLoop):
    """A loop that calls readers straight from where it learns that their files are readable.

    asyncio puts a handle into a queue for each, runs it in a context of its own and looks at the clock in between. On
    the way of one request that happens twice, and took a twentieth of it. In debug mode it is done asyncio's way,
    which tells of callbacks that take long.

    Owner: loop thread.
    """

    def __init__(self) -> None:
        self._quick = _QuickSelector(self._tell)
        super().__init__(self._quick)

    def add_reader(
        self, fd: FileDescriptorLike, callback: Callable[[Unpack[_Ts]], Any], *args: Unpack[_Ts]
    ) -> None:
        """Have a function called whenever a file is readable; see the base class."""
        super().add_reader(fd, callback, *args)
        if not self.get_debug():
            number = fd if isinstance(fd, int) else fd.fileno()
            self._quick.answer(number, partial(callback, *args) if args else callback)

    def tell_once(self, fd: int) -> None:
        """Call the reader of a file once each time that something comes, so that it need not read what that was."""
        self._quick.tell_once(fd)

    def _tell(self, error: Exception) -> None:
        self.call_exception_handler({"message": "a reader failed", "exception": error})
