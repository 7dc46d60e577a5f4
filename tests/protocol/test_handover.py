"""Two sources of the same events: each event once, whatever is late, lost or doubled."""

from __future__ import annotations

import gc
import tracemalloc
import weakref
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto_ws_sync.protocol.handover import DROP_WINDOW, HOLD, Handover, Phase, body_key


@dataclass
class Reader:
    """What somebody would hear through one handover."""

    handover: Handover[str]
    heard: list[str] = field(default_factory=list)

    def old(self, *bodies: str) -> None:
        """Let the old source bring bodies."""
        self.heard += [body for body in bodies if self.handover.from_old(body)]

    def new(self, *bodies: str) -> None:
        """Let the new source bring bodies."""
        self.heard += [body for body in bodies if self.handover.from_new(body, body)]

    def confirm(self, now: float) -> None:
        """Confirm the new subscription."""
        self.heard += self.handover.confirm(now)

    def advance(self, now: float) -> None:
        """Let time pass."""
        self.heard += self.handover.advance(now)

    def end_old(self, now: float, *, is_complete: bool = True) -> None:
        """End the old source."""
        self.heard += self.handover.old_ended(now, is_complete=is_complete)


def _reader(*, has_old: bool = True) -> Reader:
    return Reader(Handover(has_old=has_old))


def test_the_usual_way() -> None:
    reader = _reader()
    reader.old("a", "b")
    reader.new("b")
    assert reader.heard == ["a", "b"], "the old source delivers, the new one is held back"
    reader.confirm(100.0)
    assert reader.handover.next_at == 100.0 + HOLD
    assert not reader.handover.has_switched
    reader.old("c")
    reader.new("c", "d")
    reader.advance(100.0 + HOLD - 0.001)
    assert reader.heard == ["a", "b", "c"]
    reader.advance(100.0 + HOLD)
    assert reader.heard == ["a", "b", "c", "d"], "what the old one did not bring comes from the new one"
    assert reader.handover.has_switched
    reader.old("d", "e")
    reader.new("e", "f")
    assert reader.heard == ["a", "b", "c", "d", "e", "f"]
    reader.advance(100.0 + HOLD + DROP_WINDOW)
    assert reader.handover.phase is Phase.OVER
    assert reader.handover.next_at is None
    assert reader.handover.is_seamless
    reader.old("g")
    reader.new("a", "h")
    assert reader.heard[6:] == ["a", "h"], "then the new one alone counts, whatever was before"


def test_without_an_old_source_nothing_is_held_once_confirmed() -> None:
    reader = _reader(has_old=False)
    reader.new("a", "a")
    assert reader.heard == []
    reader.confirm(5.0)
    reader.new("b")
    assert reader.heard == ["a", "a", "b"]
    assert reader.handover.phase is Phase.OVER
    assert reader.handover.next_at is None
    assert not reader.handover.is_seamless


def test_an_old_source_that_ends_before_the_confirmation_leaves_a_seam_but_no_doubles() -> None:
    reader = _reader()
    reader.old("a", "b")
    reader.new("b")
    reader.end_old(9.0)
    assert reader.heard == ["a", "b"]
    reader.confirm(10.0)
    assert not reader.handover.is_seamless
    assert reader.handover.phase is Phase.DROPPING
    assert reader.handover.next_at == 10.0 + DROP_WINDOW
    assert dict(reader.handover.left_over) == {"a": 1}, "what has come from both is forgotten"
    reader.new("a", "c")
    assert reader.heard == ["a", "b", "c"]
    assert not dict(reader.handover.left_over)


@pytest.mark.parametrize("is_complete", [True, False])
def test_an_old_source_that_ends_in_the_hold_ends_the_hold(is_complete: bool) -> None:
    reader = _reader()
    reader.new("a")
    reader.confirm(10.0)
    reader.end_old(10.1, is_complete=is_complete)
    assert reader.heard == ["a"]
    assert reader.handover.phase is Phase.DROPPING
    assert reader.handover.is_seamless is is_complete


def test_an_old_source_that_ends_incomplete_after_the_change_leaves_a_seam() -> None:
    reader = _reader()
    reader.confirm(10.0)
    reader.advance(11.0)
    reader.end_old(12.0, is_complete=True)
    assert reader.handover.is_seamless
    reader.end_old(12.0, is_complete=False)
    assert not reader.handover.is_seamless
    reader.advance(11.0 + DROP_WINDOW)
    reader.end_old(30.0, is_complete=False)
    assert reader.handover.phase is Phase.OVER


def test_a_second_handover_inherits_what_is_still_to_come_double() -> None:
    first = _reader()
    first.old("a", "b")
    first.confirm(0.0)
    first.advance(HOLD)
    assert first.handover.left_over == Counter(a=1, b=1)
    second = Reader(Handover(has_old=True, doubles=first.handover.left_over))
    second.old("a", "c")
    second.confirm(2.0)
    second.new("a", "b", "c", "d")
    second.old("b")
    second.advance(2.0 + HOLD)
    assert second.heard == ["c", "d"]


def test_nothing_is_left_over_outside_the_window() -> None:
    reader = _reader()
    reader.old("a")
    assert reader.handover.left_over == Counter()
    reader.confirm(0.0)
    reader.advance(HOLD)
    reader.advance(HOLD + DROP_WINDOW)
    assert reader.handover.left_over == Counter()


def test_a_second_confirmation_means_nothing() -> None:
    reader = _reader()
    reader.confirm(0.0)
    reader.confirm(0.5)
    assert reader.handover.next_at == HOLD


def test_equal_bodies_have_equal_keys_in_any_order() -> None:
    assert body_key({"e": "x", "B": [{"a": "1", "f": None}]}) == body_key(
        {"B": [{"f": None, "a": "1"}], "e": "x"}
    )
    assert body_key({"e": "x", "d": "1.0"}) != body_key({"e": "x", "d": "1.00"})
    # An exchange's language may have its numbers read as they were written.
    assert body_key({"e": "x", "d": Decimal("1.0")}) != body_key({"e": "x", "d": Decimal("1.00")})


@dataclass
class World:
    """An exchange that tells the same events on two connections, each with its own delay.

    Attributes:
        bodies: What happens, one event at each moment.
        begins: The first moment that the new subscription tells.
        confirmed: The moment at which its confirmation arrives.
        lags: Moments by which the old and the new connection are late, for each event.
    """

    bodies: list[str]
    begins: int
    confirmed: int
    old_lags: list[int]
    new_lags: list[int]
    moments: list[int] = field(default_factory=lambda: list(range(100)))
    """When each event happens."""


STEPS_IN_HOLD = 10
"""Moments that the hold lasts, in the world of these tests."""


def _told_in_bursts(draw: st.DrawFn, count: int) -> list[str]:
    """Return events of which some are equal, as equal ones of the exchange are: told in the same moment."""
    bodies: list[str] = []
    moment = 0
    while len(bodies) < count:
        bodies += [
            f"{moment}{kind}" for kind in draw(st.lists(st.sampled_from("aab"), min_size=1, max_size=6))
        ]
        moment += 1
    return bodies[:count]


@st.composite
def _bursts(draw: st.DrawFn, longest_old_lag: int) -> World:
    """Draw a world in which several events, equal ones too, happen in one moment, and the new subscription begins
    anywhere among them."""
    bodies = _told_in_bursts(draw, draw(st.integers(1, 40)))
    count = len(bodies)
    begins = draw(st.integers(0, count))
    lags = st.lists(st.integers(0, 25), min_size=count, max_size=count)
    old_lags = [min(lag, longest_old_lag) for lag in draw(lags)]
    moments = [int(body[:-1]) for body in bodies]
    begun_at = moments[begins] if begins < count else moments[-1] + 1
    return World(bodies, begins, begun_at + draw(st.integers(0, 5)), old_lags, draw(lags), moments)


@st.composite
def _worlds(draw: st.DrawFn, longest_old_lag: int, *, is_distinct: bool | None = None) -> World:
    count = draw(st.integers(1, 40))
    if is_distinct is None:
        is_distinct = draw(st.booleans())
    bodies = [f"e{i}" if is_distinct else draw(st.sampled_from("abc")) for i in range(count)]
    begins = draw(st.integers(0, count))
    confirmed = begins + draw(st.integers(0, 5))
    old_lags = draw(st.lists(st.integers(0, longest_old_lag), min_size=count, max_size=count))
    new_lags = draw(st.lists(st.integers(0, 25), min_size=count, max_size=count))
    return World(bodies, begins, confirmed, old_lags, new_lags)


def _arrivals(moments: list[int], lags: list[int], first: int) -> dict[int, list[int]]:
    """Return which events arrive at which moment; a connection keeps their order."""
    arrivals: dict[int, list[int]] = {}
    at = 0
    for index in range(first, len(lags)):
        at = max(at, moments[index] + lags[index])
        arrivals.setdefault(at, []).append(index)
    return arrivals


def _run(world: World) -> Reader:
    """Play a world out, both connections living on; return who heard it."""
    reader = _reader()
    old, new = (
        _arrivals(world.moments, world.old_lags, 0),
        _arrivals(world.moments, world.new_lags, world.begins),
    )
    step = HOLD / STEPS_IN_HOLD
    for moment in range(max([*old, *new, world.confirmed + 2 * STEPS_IN_HOLD]) + 1):
        if moment == world.confirmed:
            reader.confirm(moment * step)
        reader.old(*(world.bodies[index] for index in old.get(moment, [])))
        reader.new(*(world.bodies[index] for index in new.get(moment, [])))
        reader.advance(moment * step)
    return reader


@given(_worlds(longest_old_lag=30))
def test_each_event_is_heard_once_whatever_is_late(world: World) -> None:
    reader = _run(world)
    assert Counter(reader.heard) == Counter(world.bodies)
    assert reader.handover.is_seamless


@given(_worlds(longest_old_lag=STEPS_IN_HOLD - 6, is_distinct=True))
def test_events_keep_their_order_where_the_old_source_is_late_by_less_than_the_hold(world: World) -> None:
    assert _run(world).heard == world.bodies


@given(_bursts(longest_old_lag=STEPS_IN_HOLD - 6))
def test_equal_events_of_one_moment_are_each_heard_once_and_in_order(world: World) -> None:
    """Bodies bear the time of their event, so equal ones belong to one moment, in which the new source may begin.

    What was told twice at times far apart could not be told from a double by anything; it does not occur.
    """
    reader = _run(world)
    assert reader.heard == world.bodies
    assert reader.handover.is_seamless


@given(_bursts(longest_old_lag=30))
def test_equal_events_are_each_heard_once_however_late_the_old_source_is(world: World) -> None:
    assert Counter(_run(world).heard) == Counter(world.bodies)


@given(_worlds(longest_old_lag=0, is_distinct=True) | _bursts(longest_old_lag=0), st.integers(0, 45))
def test_a_loss_of_the_old_source_never_doubles_and_tells_of_every_hole(world: World, ends: int) -> None:
    reader = _reader()
    old, new = (
        _arrivals(world.moments, world.old_lags, 0),
        _arrivals(world.moments, world.new_lags, world.begins),
    )
    step = HOLD / STEPS_IN_HOLD
    for moment in range(max([*old, *new, world.confirmed, ends]) + 1):
        if moment == ends:
            reader.end_old(moment * step)
        if moment == world.confirmed:
            reader.confirm(moment * step)
        if moment < ends:
            reader.old(*(world.bodies[index] for index in old.get(moment, [])))
        reader.new(*(world.bodies[index] for index in new.get(moment, [])))
        reader.advance(moment * step)
    reader.advance((world.confirmed + STEPS_IN_HOLD) * step)
    reader.advance((world.confirmed + STEPS_IN_HOLD + ends) * step)
    heard, told = Counter(reader.heard), Counter(world.bodies)
    assert not heard - told
    if reader.handover.is_seamless:
        assert reader.heard == world.bodies


def test_what_was_handed_on_from_a_third_source_is_dropped_once_from_each() -> None:
    reader = Reader(Handover(has_old=True, doubles=Counter({"a": 1})))
    reader.old("a")
    assert reader.heard == [], "it was handed on before this handover"
    assert dict(reader.handover.left_over) == {}
    reader.confirm(1.0)
    reader.advance(1.0 + HOLD)
    assert dict(reader.handover.left_over) == {"a": 1}
    reader.new("a", "a")
    assert reader.heard == ["a"], "the second of the same is news"


def test_a_double_is_looked_for_as_long_as_a_late_event_may_take_and_no_longer() -> None:
    """Ten seconds after the change it is a double; what comes much later is an event of its own."""
    for seconds, is_double in ((9.9, True), (12.0, False)):
        reader = _reader()
        reader.old("a")
        reader.confirm(1.0)
        reader.advance(1.0 + HOLD)
        reader.advance(1.0 + HOLD + seconds)
        reader.new("a")
        assert (reader.heard == ["a"]) is is_double


def test_an_end_after_all_is_over_leaves_no_seam() -> None:
    reader = _reader()
    reader.confirm(1.0)
    reader.advance(1.0 + HOLD)
    reader.advance(1.0 + HOLD + DROP_WINDOW)
    reader.end_old(20.0, is_complete=False)
    assert reader.handover.is_seamless


class Key(str):
    """A body of which can be told whether anybody still remembers it."""

    __slots__ = ("__weakref__",)


def test_what_was_remembered_is_forgotten_once_all_is_over() -> None:
    """A handover stands as long as its new source, which may be a day."""
    keys = [Key(name) for name in ("inherited", "by the old", "held", "by the new", "by both")]
    remembered = [weakref.ref(key) for key in keys]
    inherited, by_old, held, by_new, by_both = keys
    handover: Handover[str] = Handover(has_old=True, doubles=Counter({inherited: 1}))
    assert handover.from_old(by_old)
    assert handover.from_old(by_both)
    assert not handover.from_new(held, "held")
    handover.confirm(1.0)
    assert handover.advance(1.0 + HOLD) == ["held"]
    assert handover.from_new(by_new, "item")
    assert not handover.from_new(by_both, "item")
    del keys, inherited, by_old, held, by_new, by_both
    assert [key() is not None for key in remembered] == [True, True, True, True, False]
    handover.advance(1.0 + HOLD + DROP_WINDOW)
    gc.collect()
    assert [key() for key in remembered] == [None] * 5


def test_nothing_is_remembered_once_all_is_over() -> None:
    """A source may deliver for a day."""
    reader = _reader()
    reader.old("a", "b")
    reader.confirm(1.0)
    reader.new("b", "c")
    reader.advance(1.0 + HOLD)
    reader.advance(1.0 + HOLD + DROP_WINDOW)
    tracemalloc.start()
    try:
        for number in range(20_000):
            assert reader.handover.from_new(str(number), "item")
        assert tracemalloc.get_traced_memory()[0] < 100_000
    finally:
        tracemalloc.stop()
