"""Which client order ids are in use by this session's own placements."""

from __future__ import annotations

from crypto_ws_sync.engine.outcome_book import OutcomeBook
from crypto_ws_sync.engine.requests import Entry
from crypto_ws_sync.errors import InvalidParameter
from crypto_ws_sync.protocol.dialect import Outcome, Reply

__all__ = ["Placements"]

KEPT = 10
_OK = Outcome.OK


class Placements:
    """The placements under way, by client order id: a second one under the same id could not be told from the first.

    Owner: loop thread.
    """

    __slots__ = ("_book", "_entries", "_forget_at")

    def __init__(self, book: OutcomeBook) -> None:
        self._book = book
        self._entries: dict[str, Entry] = {}
        self._forget_at = 2 * KEPT

    def __len__(self) -> int:
        return len(self._entries)

    def takes(self, entry: Entry) -> bool:
        """Take a placement in, or refuse it: its id is in flight or unresolved in this session."""
        name = entry.request.client_order_id
        if name is None:
            return True
        known = self._entries.get(name)
        if (known is None or not self._is_open(known)) and not self._book.has_placed(name):
            if len(self._entries) >= self._forget_at:
                self._entries = {key: old for key, old in self._entries.items() if self._is_open(old)}
                # Looked through again only when as many have come anew, so that many open ones cost no more each.
                self._forget_at = 2 * max(KEPT, len(self._entries))
            self._entries[name] = entry
            return True
        entry.fail(
            InvalidParameter(
                f"{entry.request.method}: the client order id {name!r} is in flight or unresolved "
                "in this session: wait for its outcome, or choose another",
                method=entry.request.method,
                client_order_id=name,
            )
        )
        return False

    def answered(self, entry: Entry, reply: Reply) -> None:
        """Forget a placement that was answered: kept, the garbage collector would look through it again and again."""
        name = entry.request.client_order_id
        if name is not None and reply.outcome is _OK and self._entries.get(name) is entry:
            del self._entries[name]

    def _is_open(self, entry: Entry) -> bool:
        """Tell whether a placement is under way or its outcome unknown."""
        if not entry.is_over:
            return True
        if not entry.sent or entry.question is None:
            return False
        write = self._book.find(entry.question)
        if write is not None:
            return write.search.verdict is None
        return entry.is_abandoned and entry.connection is not None and entry.key in entry.connection.pending
