"""The states of a session's engine, and the legal moves between them.

    IDLE -> CONNECTING -> READY <-> RECONNECTING
              |             |            |
              +-------------+------------+--> STOPPING -> STOPPED -> CONNECTING

A session that stopped may start again; nothing else leads back.
"""

from __future__ import annotations

import enum

__all__ = ["MOVES", "Lifecycle", "State"]


class State(enum.Enum):
    """Where a session is in its life."""

    IDLE = "idle"
    CONNECTING = "connecting"
    READY = "ready"
    RECONNECTING = "reconnecting"
    STOPPING = "stopping"
    STOPPED = "stopped"


MOVES: dict[State, frozenset[State]] = {
    State.IDLE: frozenset({State.CONNECTING, State.STOPPING}),
    State.CONNECTING: frozenset({State.READY, State.STOPPING}),
    State.READY: frozenset({State.RECONNECTING, State.STOPPING}),
    State.RECONNECTING: frozenset({State.READY, State.STOPPING}),
    State.STOPPING: frozenset({State.STOPPED}),
    State.STOPPED: frozenset({State.CONNECTING}),
}


class Lifecycle:
    """The current state; refuses moves that are not in the table.

    Owner: loop thread.
    """

    __slots__ = ("state",)

    def __init__(self, state: State = State.IDLE) -> None:
        self.state = state

    def move(self, to: State) -> None:
        """Go to another state.

        Raises:
            ValueError: The table has no such move.
        """
        if to not in MOVES[self.state]:
            raise ValueError(f"a session cannot go from {self.state.value} to {to.value}")
        self.state = to
