"""Look-ups keep to their share of every weight limit, in turn, and none waits for longer than it must."""

from __future__ import annotations

import asyncio
import itertools
import selectors
from collections import Counter
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from toy_dialect import ToyDialect

from crypto_ws_sync.engine.context import Context, TimeSource
from crypto_ws_sync.engine.ledgers import LedgerKeys, find_ledgers
from crypto_ws_sync.engine.lookup_budget import SHARE, LookupBudget
from crypto_ws_sync.model.counters import Counters
from crypto_ws_sync.protocol.limits import Bucket, Limit, Reading
from crypto_ws_sync.protocol.server_clock import GRAIN, ClockSample, ServerClock
from crypto_ws_sync.simulator import ManualClock
from crypto_ws_sync.transport.port import Target
from crypto_ws_sync.transport.websocket_client import WebSocketTransport

MINUTE = Limit(Bucket.WEIGHT, 60, 6000)
NOON = 1_700_000_040.0
"""A multiple of a minute, at which the loop's time is 0."""
SOON = 0.02
"""Seconds by which a window is late at most where the clock is known well: both margins and the clock's grain."""

_venues = itertools.count()


class _Leaps(selectors.SelectSelector):
    """Waits for nothing: the time of the next timer is there at once."""

    def __init__(self, now: float) -> None:
        super().__init__()
        self.now = now

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "nothing would ever happen again"
            self.now += timeout
        return ready


class Desk:
    """A budget on the time of a loop of its own, on which no time is spent waiting.

    Owner: the test's thread.
    """

    def __init__(
        self, *limits: Limit, start: float = 1.0, error: float | None = 0.0, is_manual: bool = False
    ) -> None:
        self.leaps = _Leaps(start)
        self.loop = asyncio.SelectorEventLoop(self.leaps)
        self.loop.time = lambda: self.leaps.now  # type: ignore[method-assign]  # what call_later counts from
        self.manual = ManualClock(NOON + start)
        time = TimeSource(self.manual if is_manual else None)
        if not is_manual:
            time.monotonic = self.loop.time
        clock = ServerClock(NOON + start, time.monotonic())
        if error is not None:
            # The longer a question for the time takes, the less is known.
            asked = time.monotonic()
            clock.add(ClockSample(asked - error, asked + error, NOON + start - GRAIN / 2))
        self.gate = find_ledgers(LedgerKeys(f"budget {next(_venues)}", "", ""), limits).gate(
            0.0, lambda: None
        )
        self.context = Context(
            dialect=ToyDialect("token"),
            transport=WebSocketTransport(),
            target=Target("ws://127.0.0.1:1"),
            time=time,
            ledger=self.gate,
            clock=clock,
            counters=Counters(),
        )
        self.budget = LookupBudget(self.context)
        self.spent: list[tuple[float, int]] = []
        """When each look-up went, in seconds from noon, and its weight; in order."""

    def __enter__(self) -> Desk:
        return self

    def __exit__(self, *exception: object) -> None:
        self.loop.close()

    @property
    def now(self) -> float:
        """The exchange's time as believed here, in seconds from noon."""
        return self.context.server_now() - NOON

    async def look_up(self, weight: int) -> None:
        """Spend weight, and note when that could be."""
        await self.budget.spend(weight)
        self.spent.append((self.now, weight))

    def play(self, scene: Coroutine[Any, Any, None]) -> None:
        """Play a scene to its end."""
        self.loop.run_until_complete(scene)

    async def pass_by(self, seconds: float) -> None:
        """Return when the loop's own time, which leaps, is so much later: what was due by then has been done."""
        passed = asyncio.Event()
        self.loop.call_later(seconds, passed.set)
        await passed.wait()

    def spend(self, *weights: int) -> list[float]:
        """Let look-ups come all at once; return when each went, in the order in which they came."""
        begun = len(self.spent)

        async def scene() -> None:
            await asyncio.gather(*map(self.look_up, weights))

        self.play(scene())
        gone = self.spent[begun:]
        assert [weight for _, weight in gone] == list(weights), "first come, first served"
        return [at for at, _ in gone]


def moments(*seconds: float) -> Any:
    """Return times to compare with; those of the exchange's clock come in steps of a quarter of a microsecond."""
    return pytest.approx(list(seconds), rel=0, abs=1e-5)


@pytest.fixture
def desk() -> Iterator[Desk]:
    """A budget under the usual limit, of which look-ups may take 600 in a minute."""
    with Desk(MINUTE) as desk:
        yield desk


def test_look_ups_go_at_once_until_their_share_is_spent_and_then_with_the_next_window(desk: Desk) -> None:
    times = desk.spend(*[200] * 7)
    assert times[:3] == moments(1, 1, 1)
    assert all(60 <= at < 60 + SOON for at in times[3:6])
    assert 120 <= times[6] < 120 + SOON


def test_one_that_does_not_fit_is_not_passed_by_one_that_would(desk: Desk) -> None:
    times = desk.spend(599, 2, 1)
    assert times[:1] == moments(1)
    assert 60 <= times[1] <= times[2] < 60 + SOON


def test_what_a_window_has_left_is_not_saved_up(desk: Desk) -> None:
    desk.spend(1)
    desk.leaps.now = 200.0
    times = desk.spend(300, 300, 300)
    assert times[:2] == moments(200, 200)
    assert 240 <= times[2] < 240 + SOON


@pytest.mark.parametrize("limit", [1, 9, 39])
def test_however_small_the_limit_one_look_up_goes_in_each_window(limit: int) -> None:
    with Desk(Limit(Bucket.WEIGHT, 10, limit)) as desk:
        times = desk.spend(4, 4, 4)
    assert times[:1] == moments(1)
    assert 10 <= times[1] < 10 + SOON
    assert 20 <= times[2] < 20 + SOON


@pytest.mark.parametrize("bucket", [Bucket.ORDERS, Bucket.CONNECTIONS])
def test_other_limits_hold_no_look_up_back_and_do_not_hide_those_of_weight(bucket: Bucket) -> None:
    with Desk(Limit(bucket, 10, 1), MINUTE) as desk:
        times = desk.spend(300, 300, 1)
    assert times[:2] == moments(1, 1)
    assert 60 <= times[2] < 60 + SOON


def test_without_any_limit_nothing_waits() -> None:
    with Desk() as desk:
        assert desk.spend(10_000, 10_000) == moments(1, 1)


def test_a_limit_that_the_exchange_tells_counts_at_once(desk: Desk) -> None:
    desk.gate.read([Reading(Bucket.WEIGHT, 60, 1000, None)], NOON + 1)
    times = desk.spend(60, 40, 40)
    assert times[:2] == moments(1, 1)
    assert 60 <= times[2] < 60 + SOON


@pytest.mark.parametrize("start", [1.0, 59.0, 59.9, 60.004, 60.2, 60.2505, 60.2535, 60.254])
def test_who_waits_goes_only_when_the_exchange_has_surely_opened_its_window(start: float) -> None:
    """However its clock stands within what is known of it."""
    error = 0.25
    with Desk(MINUTE, start=start, error=error) as desk:
        first, second = desk.spend(600, 600)
    assert [first] == moments(start)
    assert 60 + error < second < 60 + error + SOON


def test_before_the_clock_was_asked_windows_are_late_by_a_second() -> None:
    with Desk(MINUTE, start=5.0, error=None) as desk:
        first, second = desk.spend(600, 1)
    assert [first] == moments(5)
    assert 61 < second < 61 + SOON


def test_a_manual_clock_that_is_moved_lets_them_go_and_nothing_else_does() -> None:
    with Desk(MINUTE, is_manual=True) as desk:

        async def scene() -> None:
            await desk.look_up(600)
            waiting = asyncio.create_task(desk.look_up(600))
            await desk.pass_by(1.0)
            assert not waiting.done()
            desk.manual.advance(58.9)
            await desk.pass_by(1.0)
            assert not waiting.done()
            desk.manual.advance(0.2)
            moved = desk.loop.time()
            await waiting
            assert desk.loop.time() - moved < 0.05, "whoever moved it has not long to wait"

        desk.play(scene())


def test_one_that_gives_up_takes_nothing_and_holds_nobody_up(desk: Desk) -> None:
    async def scene() -> None:
        await desk.look_up(600)
        gone, staying = (asyncio.create_task(desk.look_up(weight)) for weight in (500, 200))
        await desk.pass_by(1.0)
        gone.cancel()
        await staying
        await desk.look_up(400)
        assert gone.cancelled()

    desk.play(scene())
    assert [weight for _, weight in desk.spent] == [600, 200, 400]
    assert all(60 <= at < 60 + SOON for at, _ in desk.spent[1:])


@given(
    limits=st.lists(
        st.builds(Limit, st.just(Bucket.WEIGHT), st.sampled_from([1, 10, 60]), st.integers(1, 600)),
        min_size=1,
        max_size=3,
        unique_by=lambda limit: limit.seconds,
    ),
    look_ups=st.lists(st.tuples(st.integers(0, 30), st.integers(1, 40)), min_size=1, max_size=12),
)
def test_no_window_gives_more_than_the_share_and_nobody_waits_in_vain(
    limits: list[Limit], look_ups: list[tuple[int, int]]
) -> None:
    came: list[float] = []
    # They come in the middle of a second, far from any edge.
    with Desk(*limits, start=0.5) as desk:

        async def scene() -> None:
            tasks = []
            for pause, weight in look_ups:
                await asyncio.sleep(pause)
                came.append(desk.now)
                tasks.append(asyncio.create_task(desk.look_up(weight)))
            await asyncio.gather(*tasks)

        desk.play(scene())
    assert [weight for _, weight in desk.spent] == [weight for _, weight in look_ups], (
        "first come, first served"
    )
    before = 0.0
    spent: Counter[tuple[int, int]] = Counter()
    for arrived, (at, weight) in zip(came, desk.spent, strict=True):
        if at > max(arrived, before) + 1e-5:
            assert any(
                at % limit.seconds < 0.1
                and (used := spent[limit.seconds, int(at // limit.seconds) - 1])
                and used + weight > limit.limit * SHARE
                for limit in limits
            ), "it waited for a window, though there was room in the one before"
        for limit in limits:
            window = limit.seconds, int(at // limit.seconds)
            assert spent[window] == 0 or spent[window] + weight <= limit.limit * SHARE
            spent[window] += weight
        before = at
