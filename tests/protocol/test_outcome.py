"""What is known of a write: whatever tells first tells the same, and absence is never told too early."""

from __future__ import annotations

import pickle
from itertools import pairwise, permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto_ws_sync.errors import ApiError, OrderRejected
from crypto_ws_sync.model.counters import Counters
from crypto_ws_sync.protocol.outcome import (
    CACHE_MARGIN,
    Finding,
    FindingKind,
    OutcomeSearch,
    Question,
    Verdict,
    VerdictKind,
)

NOON = 1_700_000_040.0
WINDOW = 5.0
ORDER = {"orderId": 7, "status": "NEW"}
REFUSAL = OrderRejected(status=400, code=-2010, msg="Account has insufficient balance for requested action.")
MISSING, NOTHING = Finding(FindingKind.MISSING), Finding(FindingKind.NOTHING)


def question(timestamp: float = NOON, clock_error: float = 0.0) -> Question:
    return Question(
        1, "order.place", {"symbol": "BTCUSDT"}, "ours", timestamp, timestamp + WINDOW, clock_error
    )


def ask(search: OutcomeSearch, finding: Finding, at: float) -> Verdict | None:
    """Ask and be answered at one moment."""
    search.asked(at)
    return search.found(finding, at)


@pytest.mark.parametrize(
    ("finding", "verdict"),
    [
        (Finding(FindingKind.DONE, ORDER), Verdict(VerdictKind.EXECUTED, ORDER)),
        (Finding(FindingKind.REFUSED, error=REFUSAL), Verdict(VerdictKind.REFUSED, error=REFUSAL)),
    ],
    ids=["done", "refused"],
)
def test_reply_event_and_lookups_in_any_order_give_one_verdict(finding: Finding, verdict: Verdict) -> None:
    for sources in permutations(["reply", "event", "found", "missing", "missing", "nothing"]):
        search = OutcomeSearch(question(), NOON)
        now, settled = NOON, None
        for source in sources:
            now += 0.5
            if source in ("reply", "event"):
                settled = search.answered(Verdict(verdict.kind, verdict.result, verdict.error))
            else:
                told = {"found": finding, "missing": MISSING, "nothing": NOTHING}[source]
                settled = ask(search, told, now)
            assert settled == search.verdict
        assert search.verdict == verdict


def test_the_first_to_settle_it_stays() -> None:
    search = OutcomeSearch(question(), NOON)
    first = search.answered(Verdict(VerdictKind.EXECUTED, {"orderId": 7, "status": "FILLED"}))
    assert ask(search, Finding(FindingKind.DONE, ORDER), NOON + 1) is first
    assert search.answered(Verdict(VerdictKind.REFUSED, error=REFUSAL)) is first


def test_a_miss_within_the_receive_window_proves_nothing() -> None:
    search = OutcomeSearch(question(clock_error=0.5), NOON)
    last = NOON + WINDOW + 0.5 + CACHE_MARGIN
    for moment in (NOON, NOON + 1, NOON + 4, last):
        assert ask(search, MISSING, moment) is None
    assert ask(search, MISSING, last + 0.001) == Verdict(VerdictKind.NOT_EXECUTED)


def test_what_counts_is_when_a_lookup_was_asked_and_not_when_it_was_answered() -> None:
    search = OutcomeSearch(question(), NOON)
    ask(search, MISSING, NOON + 1)
    search.asked(NOON + 2)
    assert search.found(MISSING, NOON + 60) is None
    assert ask(search, MISSING, NOON + 61) == Verdict(VerdictKind.NOT_EXECUTED)


def test_misses_that_were_not_asked_for_prove_nothing() -> None:
    """However late it is: what says so may be older than the write."""
    search = OutcomeSearch(question(), NOON + 60)
    for moment in (NOON + 60, NOON + 61, NOON + 62):
        assert search.found(MISSING, moment) is None
    assert ask(search, MISSING, NOON + 63) == Verdict(VerdictKind.NOT_EXECUTED)


def test_one_miss_alone_is_no_proof_and_a_failed_lookup_breaks_the_row() -> None:
    search = OutcomeSearch(question(), NOON)
    late = NOON + 30
    assert ask(search, MISSING, late) is None
    assert ask(search, NOTHING, late + 1) is None
    assert ask(search, MISSING, late + 2) is None
    assert ask(search, MISSING, late + 3) == Verdict(VerdictKind.NOT_EXECUTED)


def test_questions_come_at_once_then_ever_more_slowly_and_the_last_just_in_time() -> None:
    search = OutcomeSearch(question(), NOON)
    asked = []
    while search.verdict is None:
        asked.append(search.next_lookup - NOON)
        ask(search, MISSING, search.next_lookup)
    assert search.lookups == len(asked)
    assert asked[:4] == pytest.approx([0, 0.1, 0.3, 0.7])
    pauses = [later - sooner for sooner, later in pairwise(asked)]
    assert max(pauses) == pytest.approx(1.0)
    # The caller's ten seconds are meant to be enough for that.
    assert asked[-1] == pytest.approx(WINDOW + 3, abs=0.01)


@given(
    executed_after=st.one_of(st.none(), st.floats(0, WINDOW)),
    lag=st.floats(0, CACHE_MARGIN - 0.001),
    clock_error=st.floats(0, 0.4),
    skew=st.floats(-1, 1),
    behind=st.floats(0, 1),
    delays=st.lists(st.floats(0, 3), min_size=1, max_size=20),
    failures=st.sets(st.integers(0, 20), max_size=10),
    begin=st.floats(0, 12),
)
def test_absence_is_told_of_nothing_that_was_executed(
    executed_after: float | None,
    lag: float,
    clock_error: float,
    skew: float,
    behind: float,
    delays: list[float],
    failures: set[int],
    begin: float,
) -> None:
    """The exchange executes until the window ends by its clock, its caches lag, and our clock is off."""
    off = clock_error * skew
    # Timestamps are never ahead of the exchange, and at most twice the error behind.
    timestamp = NOON - 2 * clock_error * behind
    visible_from = None if executed_after is None else timestamp + executed_after + lag
    search = OutcomeSearch(question(timestamp, clock_error), NOON + begin + off)
    for turn in range(100):
        truth = search.next_lookup - off
        search.asked(search.next_lookup)
        answered = truth + delays[turn % len(delays)]
        if turn in failures:
            told = NOTHING
        elif visible_from is not None and visible_from <= truth:
            told = Finding(FindingKind.DONE, ORDER)
        else:
            told = MISSING
        verdict = search.found(told, answered + off)
        if verdict is not None:
            break
    expected = VerdictKind.NOT_EXECUTED if executed_after is None else VerdictKind.EXECUTED
    assert search.verdict is not None
    assert search.verdict.kind is expected


@pytest.mark.parametrize("told", [ORDER, None])
def test_a_verdict_carries_what_the_call_would_have_had(told: Any) -> None:
    search = OutcomeSearch(question(), NOON)
    error = ApiError(status=500, code=-1000, msg="") if told is None else None
    finding = Finding(FindingKind.DONE, told) if error is None else Finding(FindingKind.REFUSED, error=error)
    verdict = ask(search, finding, NOON)
    assert verdict is not None
    assert (verdict.result, verdict.error) == (told, error)


FACTS: Any = (3, "order.place", {"symbol": "BTCUSDT"}, "ours", NOON, NOON + WINDOW, 0.01, True, 9)
OTHER_FACTS: Any = (4, "order.cancel", {}, None, NOON + 1, NOON + WINDOW + 1, 0.02, False, None)


def test_a_question_shows_what_it_is_about_and_none_of_its_parameters() -> None:
    assert repr(question()) == "<Question 1 of order.place ours>"
    assert repr(Question(*OTHER_FACTS)).replace(" >", ">") == "<Question 4 of order.cancel>"


@pytest.mark.parametrize("place", range(len(FACTS)))
def test_questions_are_equal_where_all_that_is_asked_is(place: int) -> None:
    changed: Any = (*FACTS[:place], OTHER_FACTS[place], *FACTS[place + 1 :])
    assert Question(*changed) != Question(*FACTS)
    assert Question(*changed) == Question(*changed)
    assert Question(*changed) != changed


def test_a_question_that_stays_open_for_longer_is_another_one() -> None:
    asked = Question(*FACTS)
    longer = asked.open_until(NOON + 60, 0.5)
    changed: Any = (*FACTS[:5], NOON + 60, 0.5, *FACTS[7:])
    assert longer == Question(*changed)
    assert asked == Question(*FACTS)


def test_a_question_is_of_no_placement_and_knows_of_no_order_unless_that_is_said() -> None:
    asked = question()
    assert asked.is_placement is False
    assert asked.latest_order is None


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_question_travels_to_another_process(protocol: int) -> None:
    asked = Question(*FACTS)
    arrived = pickle.loads(pickle.dumps(asked, protocol))
    assert arrived == asked
    assert arrived.latest_order == 9


def test_each_verdict_is_counted_from_the_beginning() -> None:
    names = Counters().by_name()
    assert all(names[f"verdict_{kind.value.replace(' ', '_')}"] == 0 for kind in VerdictKind)
    assert len({kind.value for kind in VerdictKind}) == sum(name.startswith("verdict_") for name in names)


def test_the_last_round_is_the_one_whose_miss_would_be_proof() -> None:
    """In it a look-up asks for more, as what is half done by then stays so."""
    search = OutcomeSearch(question(clock_error=0.5), NOON)
    last = NOON + WINDOW + 0.5 + CACHE_MARGIN
    assert not search.is_last_round
    search.asked(last + 1)
    assert not search.is_last_round, "one miss has to come before"
    search.found(MISSING, last + 1)
    search.asked(last)
    assert not search.is_last_round, "asked within the window"
    search.asked(last + 0.001)
    assert search.is_last_round
    search.found(NOTHING, last + 0.001)
    search.asked(last + 2)
    assert not search.is_last_round, "a failed look-up breaks the row"


def test_among_many_the_questions_that_would_prove_nothing_are_spared() -> None:
    search = OutcomeSearch(question(), NOON)
    search.asked(NOON)
    search.found(MISSING, NOON, is_crowded=True)
    assert search.next_lookup == pytest.approx(NOON + WINDOW + CACHE_MARGIN, abs=0.01)
    assert search.next_lookup > NOON + WINDOW + CACHE_MARGIN


def test_at_the_very_moment_of_the_last_question_one_that_failed_is_not_repeated_at_once() -> None:
    """A clock that a test holds still would have it repeated without end."""
    search = OutcomeSearch(question(), NOON)
    search.asked(NOON)
    search.found(MISSING, NOON, is_crowded=True)
    last = search.next_lookup
    search.asked(last)
    search.found(NOTHING, last)
    assert search.next_lookup > last + 0.05


@pytest.mark.parametrize("is_crowded", [False, True])
def test_after_the_last_moment_questions_keep_their_pauses(is_crowded: bool) -> None:
    """A look-up that fails then is not repeated at once and for ever."""
    search = OutcomeSearch(question(), NOON)
    now = NOON + WINDOW + CACHE_MARGIN + 1
    for pause in (0.1, 0.2, 0.4, 0.8, 1.0, 1.0):
        search.asked(now)
        search.found(NOTHING, now, is_crowded=is_crowded)
        assert search.next_lookup - now == pytest.approx(pause, abs=1e-5)
        now = search.next_lookup
