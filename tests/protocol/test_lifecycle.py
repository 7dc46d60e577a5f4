"""The states of a session: legal moves and no others."""

from __future__ import annotations

from itertools import product

import pytest

from crypto_ws_sync.protocol.lifecycle import MOVES, Lifecycle, State


def walk(*states: State) -> State:
    life = Lifecycle()
    for state in states:
        life.move(state)
    return life.state


def test_a_session_starts_reconnects_stops_and_starts_again() -> None:
    once = [State.CONNECTING, State.READY, State.RECONNECTING, State.READY, State.STOPPING, State.STOPPED]
    assert walk(*once, *once) is State.STOPPED


def test_a_new_session_is_idle() -> None:
    assert walk() is State.IDLE


@pytest.mark.parametrize("state", [state for state in State if state is not State.STOPPED])
def test_every_living_state_can_be_stopped(state: State) -> None:
    life = Lifecycle(state)
    if state is not State.STOPPING:
        life.move(State.STOPPING)
    life.move(State.STOPPED)
    assert life.state is State.STOPPED


@pytest.mark.parametrize(
    ("here", "there"),
    [pair for pair in product(State, State) if pair[1] not in MOVES[pair[0]]],
    ids=lambda state: state.value,
)
def test_other_moves_are_refused_and_change_nothing(here: State, there: State) -> None:
    life = Lifecycle(here)
    with pytest.raises(ValueError, match=f"from {here.value} to {there.value}"):
        life.move(there)
    assert life.state is here


def test_nothing_serves_before_it_connects() -> None:
    leading_to_ready = {state for state in State if State.READY in MOVES[state]}
    assert leading_to_ready == {State.CONNECTING, State.RECONNECTING}
