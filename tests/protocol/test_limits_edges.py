"""Limits where one window ends and the next begins, and where the clock is corrected."""

from __future__ import annotations

import pytest
from ledger_probes import (
    DAY,
    MINUTE,
    NOON,
    START,
    TEN_SECONDS,
    refused,
    reserve,
    room,
    weight,
)

from crypto_ws_sync.protocol.limits import EDGE_MARGIN, Bucket, Full, Ledger, Limit, Reading
from crypto_ws_sync.protocol.method import Charge

EDGE = NOON + 60


@pytest.mark.parametrize("error", [0.0, 0.5])
def test_what_was_lost_is_forgotten_once_it_can_be_executed_no_more(error: float) -> None:
    """A second after its connection is gone, at either end of what the clock may be wrong by."""
    ledger = Ledger([MINUTE])
    ledger.set_clock_error(error)
    ledger.forfeit(reserve(ledger, charge=Charge(4)), START)
    for _ in range(3):
        ledger.set_clock_error(error)
    soon, later = START + 0.9 + 2 * error, START + 1.1 + 2 * error
    for used in (1, 2):
        ledger.settle(reserve(ledger, soon), [weight(used)], soon)
    assert room(ledger, soon) == 10 - 2 - 4
    for used in (3, 4):
        ledger.settle(reserve(ledger, later), [weight(used)], later)
    assert room(ledger, later) == 10 - 4


def test_what_is_spent_near_an_edge_after_a_clock_was_set_back_counts_beyond_it() -> None:
    ledger = Ledger([MINUTE])
    reserve(ledger, START + 3600, Charge(0))
    ledger.spend(Bucket.WEIGHT, 4, EDGE - 0.5)
    assert room(ledger, EDGE - 0.4) == 6
    assert room(ledger, EDGE + 1) == 6


def test_a_window_first_told_of_knows_that_something_lost_may_still_be_executed() -> None:
    ledger = Ledger([MINUTE])
    ledger.forfeit(reserve(ledger, charge=Charge(4)), START)
    soon = START + 0.1
    for used in (1, 2, 3):
        ledger.settle(reserve(ledger, soon), [weight(used, 10, 30)], soon)
    assert room(ledger, soon) == 10 - 3 - 4


def test_what_is_carried_over_one_edge_is_not_carried_over_the_next() -> None:
    ledger = Ledger([MINUTE])
    ledger.set_clock_error(0.5)
    ledger.settle(reserve(ledger, EDGE - 0.2, Charge(4)), [], EDGE - 0.2)
    assert room(ledger, EDGE + 1) == 6
    ledger.settle(reserve(ledger, EDGE + 59.8, Charge(2)), [], EDGE + 59.8)
    assert room(ledger, EDGE + 61) == 8


@pytest.mark.parametrize("way", ["spend", "settle"])
def test_what_was_carried_over_an_edge_is_gone_when_the_next_is_heard_of_long_after(way: str) -> None:
    ledger = Ledger([MINUTE])
    ledger.set_clock_error(0.5)
    slow = reserve(ledger, EDGE - 1, Charge(2))
    ledger.settle(reserve(ledger, EDGE - 0.2, Charge(4)), [], EDGE - 0.2)
    later = EDGE + 301
    if way == "spend":
        ledger.release(slow)
        ledger.spend(Bucket.WEIGHT, 2, later)
    else:
        ledger.settle(slow, [], later)
    assert room(ledger, later) == 8


@pytest.mark.parametrize("told", [[], [weight(4)]], ids=["without counts", "with counts"])
def test_what_is_answered_on_the_very_edge_counts_on_both_sides(told: list[Reading]) -> None:
    ledger = Ledger([MINUTE])
    ledger.settle(reserve(ledger, EDGE - 1, Charge(4)), told, EDGE)
    assert (room(ledger, EDGE), room(ledger, EDGE + 1)) == (6, 6)


def test_what_was_lost_a_second_before_an_edge_may_be_executed_on_it() -> None:
    ledger = Ledger([MINUTE])
    ledger.forfeit(reserve(ledger, EDGE - 2, Charge(4)), EDGE - 1)
    assert room(ledger, EDGE + 1) == 6


def test_a_clock_set_back_by_more_than_its_error_opens_the_window_before() -> None:
    ledger = Ledger([MINUTE])
    ledger.set_clock_error(0.5)
    ledger.settle(reserve(ledger, EDGE + 1, Charge(9)), [weight(10)], EDGE + 1)
    assert refused(ledger, EDGE - 0.499).until == pytest.approx(EDGE + 60.5 + EDGE_MARGIN, abs=1e-5)
    assert refused(ledger, EDGE - 0.501).until == pytest.approx(EDGE + 0.5 + EDGE_MARGIN, abs=1e-5)


def test_a_clock_that_was_an_hour_ahead_closes_no_window_for_an_hour_beside_longer_ones() -> None:
    ledger = Ledger([MINUTE, TEN_SECONDS, DAY])
    ledger.settle(reserve(ledger, START + 3600, Charge(10, 3)), [], START + 3600)
    assert refused(ledger, START).until == EDGE + EDGE_MARGIN
    assert refused(ledger, START, Charge(0, 1)).until == NOON + 10 + EDGE_MARGIN


@pytest.mark.parametrize("later", [EDGE + EDGE_MARGIN, EDGE + 600])
def test_a_window_first_told_of_knows_nothing_of_windows_that_have_ended(later: float) -> None:
    ledger = Ledger([MINUTE])
    ledger.read([weight(0, 10, 60)], START)
    ledger.spend(Bucket.WEIGHT, 4, START)
    ledger.read([weight(1, 20, 30)], later)
    assert room(ledger, later) == 10
    ledger.spend(Bucket.WEIGHT, 1, later)
    assert {usage.seconds: usage.used for usage in ledger.usage(later)} == {60: 1, 30: 2}


def test_limits_told_before_the_first_request_count_nothing() -> None:
    ledger = Ledger([MINUTE])
    ledger.read([weight(0, 20, 30)], START)
    assert room(ledger) == 20


def test_what_was_held_back_goes_at_the_moment_that_was_told() -> None:
    ledger = Ledger([MINUTE, TEN_SECONDS])
    ledger.ban(NOON + 20, "banned")
    until = refused(ledger).until
    assert ledger.banned_until(until) is None
    assert ledger.look(Charge(1), until) is None
    reserve(ledger, until)
    ledger.ban(NOON + 40, "too many orders", orders_only=True)
    held = refused(ledger, charge=Charge(1, 1))
    assert held == Full(
        Bucket.ORDERS, "the exchange refused orders for their number", NOON + 40 + EDGE_MARGIN
    )
    assert ledger.look(Charge(1, 1), held.until) is None
    reserve(ledger, held.until, Charge(1, 1))


def test_of_a_ban_and_a_longer_one_on_orders_each_holds_what_it_is_about() -> None:
    ledger = Ledger([MINUTE, TEN_SECONDS])
    ledger.ban(NOON + 20, "banned")
    ledger.ban(NOON + 40, "too many orders", orders_only=True)
    assert (refused(ledger).until, refused(ledger).reason) == (NOON + 20 + EDGE_MARGIN, "banned")
    assert refused(ledger, charge=Charge(1, 1)).until == NOON + 40 + EDGE_MARGIN
    ledger.ban(NOON + 50, "banned for longer")
    assert refused(ledger, charge=Charge(1, 1)).reason == "banned for longer"


def test_counts_that_come_with_an_attempt_to_connect_are_believed() -> None:
    """It is later than the beginning of its window, and than all that was settled before it."""
    ledger = Ledger([MINUTE, Limit(Bucket.CONNECTIONS, 300, 5)])
    attempt = Charge(2, connections=1)
    told = [Reading(Bucket.CONNECTIONS, 300, 5, 4), weight(5)]
    ledger.settle(reserve(ledger, charge=attempt), told, START)
    assert {usage.bucket: usage.used for usage in ledger.usage(START)} == {"weight": 5, "connections": 4}
    ledger.settle(reserve(ledger, charge=attempt), [], START)
    assert refused(ledger, charge=attempt).bucket is Bucket.CONNECTIONS
