"""What a session loads after itself: while it waits for the exchange, else before it is needed."""

from __future__ import annotations

import errno
from collections.abc import Callable
from importlib import import_module

from crypto_ws_sync.errors import ConfigError

__all__ = ["LOOK_UPS", "NO_ROOM", "Later"]

LOOK_UPS = "crypto_ws_sync.exchanges.binance.evidence"
"""What a lost answer needs. It is there before a write is handed over, and not looked for when it is needed: then the
process may have no file descriptor left for it, or another version's files."""
RETRYING = "tenacity"
"""What a second try to connect needs, which takes a quarter as long to load as the session itself; so it is loaded
while there is time to wait for the exchange, else for that second try. A first try needs none of it, so a session that
cannot load it reconnects all the same, a try a second."""

NEAREST, NEAR = 0.005, 0.05
"""Seconds within which an exchange is so near that there is no time to load the one, or the other.

Loading and connecting take turns with the interpreter: beside each other they take as long as one after the other.
"""

NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""What the system says when it lets no more files be opened. (What a signal's handler raises has no number.)"""


class Later:
    """What one run of a session has still to load.

    Attributes:
        lacks_look_ups: What a lost answer needs is not there yet.

    Owner: shared; loading twice changes nothing.
    """

    __slots__ = ("lacks_look_ups",)

    def __init__(self) -> None:
        self.lacks_look_ups = True

    def load_while_waiting(self, wait: Callable[[float], bool], timeout: float, *, at_once: bool) -> None:
        """Load what there is time for.

        Args:
            wait: Waits so many seconds for the exchange; tells whether it is there.
            timeout: Seconds that there are in all.
            at_once: Lost answers will be looked up from the beginning.

        Raises:
            OSError, ImportError: It cannot be loaded.
        """
        if at_once or not wait(min(NEAREST, timeout)):
            self._load_look_ups()
        if not wait(min(NEAR, timeout)):
            import_module(RETRYING)

    def load_look_ups(self) -> None:
        """Load what a lost answer needs.

        Raises:
            ConfigError: It cannot be loaded.
        """
        try:
            self._load_look_ups()
        except (ImportError, OSError) as error:
            if isinstance(error, OSError) and error.errno not in NO_ROOM:
                # What a signal's handler raised, most likely a TimeoutError, which is one of these.
                raise
            raise ConfigError(f"what looks up lost answers cannot be loaded: {error}") from error

    def _load_look_ups(self) -> None:
        import_module(LOOK_UPS)
        self.lacks_look_ups = False
