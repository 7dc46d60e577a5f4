"""The log-on of a fresh connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crypto_ws_sync.protocol.dialect import Fault, Reply, Stamp

if TYPE_CHECKING:
    from crypto_ws_sync.exchanges.binance.dialect import BinanceDialect

__all__ = ["LogOn"]


class LogOn:
    """Binds the key to a fresh connection: `session.logon`.

    Owner: loop thread.
    """

    charge_weight = 2

    def __init__(self, dialect: BinanceDialect) -> None:
        self._dialect = dialect
        self._key: int | str | None = None
        self.is_done = False
        self.answer: Reply | None = None

    def begin(self, timestamp: float) -> str | None:
        """Return the request."""
        dialect = self._dialect
        request = dialect.request("session.logon", None, True, True, str)
        self._key, text = dialect.compose(request, Stamp(timestamp))
        return text

    def feed(self, text: str, timestamp: float) -> str | None:
        """Take its answer.

        Raises:
            ApiError: The exchange refused.
        """
        for said in self._dialect.classify(text):
            if isinstance(said, Reply) and said.key == self._key:
                self.answer = said
                if said.error is not None:
                    error = said.error
                    error.method = "session.logon"
                    error.args = (
                        f"session.logon was refused: {error.msg} (status {error.status}, code {error.code})",
                    )
                    raise error
                self.is_done = True
            elif isinstance(said, Fault):
                raise said.error
        return None
