"""Each rule of the limits by itself."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import pytest
from ledger_probes import (
    DAY,
    MINUTE,
    NOON,
    START,
    TEN_SECONDS,
    TOMORROW,
    order_room,
    orders,
    refused,
    reserve,
    room,
    weight,
)

from crypto_ws_sync.protocol.limits import (
    EDGE_MARGIN,
    MOST_WINDOWS,
    Bucket,
    Contended,
    Full,
    Granted,
    Ledger,
    Limit,
    Reading,
)
from crypto_ws_sync.protocol.method import Charge


def test_no_more_is_granted_than_a_window_holds() -> None:
    ledger = Ledger([MINUTE])
    held = [reserve(ledger) for _ in range(10)]
    assert ledger.reserve(Charge(1), START) == Contended(Bucket.WEIGHT)
    for used, reservation in enumerate(held, 1):
        ledger.settle(reservation, [weight(used)], START)
    full = refused(ledger)
    assert full == Full(Bucket.WEIGHT, "weight: 10 of 10 per 60 s used", NOON + 60 + EDGE_MARGIN)
    assert isinstance(ledger.reserve(Charge(1), full.until), Granted)


def test_only_what_is_in_flight_in_the_way_is_no_reason_to_refuse() -> None:
    ledger = Ledger([MINUTE])
    first = reserve(ledger, charge=Charge(8))
    assert ledger.reserve(Charge(3), START) == Contended(Bucket.WEIGHT)
    assert ledger.held_until(Charge(3), START) == 0
    ledger.settle(first, [weight(1)], START)
    assert room(ledger) == 9


def test_a_request_without_a_charge_passes_through_full_windows() -> None:
    ledger = Ledger([MINUTE])
    ledger.settle(reserve(ledger), [weight(10)], START)
    assert isinstance(ledger.reserve(Charge(0), START), Granted)


def test_the_exchanges_count_is_the_truth() -> None:
    ledger = Ledger([MINUTE])
    ledger.settle(reserve(ledger, charge=Charge(5)), [weight(2)], START)
    assert room(ledger) == 8
    ledger.settle(reserve(ledger), [weight(9)], START)
    assert room(ledger) == 1


def test_without_counts_the_documented_charge_is_what_was_spent() -> None:
    ledger = Ledger([MINUTE])
    ledger.settle(reserve(ledger, charge=Charge(4)), [], START)
    assert room(ledger) == 6
    ledger.settle(reserve(ledger, charge=Charge(4)), [], START, Charge(0))
    assert room(ledger) == 6


def test_answers_out_of_order_never_lower_a_weight() -> None:
    ledger = Ledger([MINUTE])
    first, second = reserve(ledger), reserve(ledger)
    ledger.settle(second, [weight(2)], START)
    ledger.settle(first, [weight(1)], START)
    assert room(ledger) == 8
    ledger.settle(reserve(ledger), [weight(1)], START)
    assert room(ledger) == 8


def test_a_count_does_not_forget_what_was_spent_unseen_after_it() -> None:
    ledger = Ledger([MINUTE])
    seen, unseen = reserve(ledger), reserve(ledger, charge=Charge(5))
    ledger.settle(unseen, [], START)
    # Executed before the other, so its count of 1 does not hold the 5.
    ledger.settle(seen, [weight(1)], START)
    assert room(ledger) == 4


def test_a_count_asked_for_before_the_latest_one_was_believed_forgets_nothing() -> None:
    ledger = Ledger([MINUTE])
    first, unseen, last = reserve(ledger), reserve(ledger, charge=Charge(5)), reserve(ledger)
    ledger.settle(unseen, [], START)
    ledger.settle(first, [weight(1)], START)
    # Executed before the 5, too.
    ledger.settle(last, [weight(2)], START)
    assert room(ledger) == 10 - 2 - 5


def test_counts_of_later_requests_hold_what_was_unseen_before_them() -> None:
    ledger = Ledger([MINUTE])
    ledger.settle(reserve(ledger, charge=Charge(4)), [], START)
    for used in (5, 6):
        ledger.settle(reserve(ledger), [weight(used)], START)
    assert room(ledger) == 4


def test_fills_give_room_back() -> None:
    ledger = Ledger([TEN_SECONDS, DAY])
    order = Charge(0, 1)
    for used in (1, 2):
        ledger.settle(reserve(ledger, charge=order), [orders(used), orders(used, 5, 86400)], START)
    assert order_room(ledger) == 1
    ledger.settle(reserve(ledger, charge=order), [orders(1), orders(1, 5, 86400)], START)
    assert order_room(ledger) == 2


def test_fills_give_room_back_while_orders_are_in_flight_all_the_time() -> None:
    ledger = Ledger([Limit(Bucket.ORDERS, 10, 20)])
    flying = [reserve(ledger, charge=Charge(0, 1)) for _ in range(4)]
    for used in (16, 15, 14, *([2] * 10)):
        ledger.settle(flying.pop(0), [orders(used, 20)], START)
        flying.append(reserve(ledger, charge=Charge(0, 1)))
    assert order_room(ledger) == 20 - 2 - 4


def test_answers_out_of_order_do_not_give_order_room_back() -> None:
    ledger = Ledger([TEN_SECONDS])
    first, second = (reserve(ledger, charge=Charge(0, 1)) for _ in range(2))
    ledger.settle(second, [orders(2)], START)
    ledger.settle(first, [orders(1)], START)
    assert order_room(ledger) == 1


def test_a_later_request_does_not_hide_an_earlier_one_that_was_executed_after_it() -> None:
    ledger = Ledger([TEN_SECONDS])
    slow = reserve(ledger, charge=Charge(0, 1))
    ledger.settle(reserve(ledger, charge=Charge(0, 1)), [orders(1)], START)
    quick = reserve(ledger, charge=Charge(0, 1))
    ledger.settle(slow, [orders(3)], START)
    ledger.settle(quick, [orders(2)], START)
    assert order_room(ledger) == 0


def test_a_count_from_the_window_before_does_not_fill_this_one() -> None:
    ledger = Ledger([MINUTE])
    reservation = reserve(ledger, NOON + 59, Charge(2))
    ledger.settle(reservation, [weight(10)], NOON + 61)
    assert room(ledger, NOON + 61) == 8


def test_a_request_that_an_edge_passes_belongs_to_both_windows() -> None:
    ledger = Ledger([MINUTE])
    reservation = reserve(ledger, NOON + 59.9, Charge(7))
    assert room(ledger, NOON + 61) == 3
    ledger.settle(reservation, [weight(9)], NOON + 61)
    assert room(ledger, NOON + 61) == 3
    assert room(ledger, NOON + 121) == 10


def test_near_an_edge_an_answer_counts_on_both_sides() -> None:
    ledger = Ledger([MINUTE])
    ledger.set_clock_error(0.5)
    ledger.settle(reserve(ledger, NOON + 59, Charge(4)), [weight(7)], NOON + 59.6)
    assert room(ledger, NOON + 59.7) == 3
    assert room(ledger, NOON + 60.6) == 6


def test_a_window_opens_a_clock_error_after_its_edge() -> None:
    ledger = Ledger([MINUTE])
    ledger.set_clock_error(0.25)
    ledger.settle(reserve(ledger), [weight(10)], START)
    full = refused(ledger, NOON + 60.25)
    assert full.until == pytest.approx(NOON + 60.254, abs=1e-6)
    assert room(ledger, full.until) == 10


def test_with_a_clock_error_of_more_than_a_window_spending_reaches_as_far() -> None:
    ledger = Ledger([Limit(Bucket.WEIGHT, 10, 10)])
    ledger.set_clock_error(12)
    ledger.settle(reserve(ledger, NOON + 15, Charge(4)), [], NOON + 15)
    rooms = [room(ledger, NOON + moment) for moment in (15, 25, 35, 45)]
    assert rooms == [6, 6, 6, 10]


def test_windows_that_passed_unused_leave_nothing_behind() -> None:
    ledger = Ledger([MINUTE])
    ledger.set_clock_error(0.5)
    ledger.settle(reserve(ledger, NOON + 59.7, Charge(4)), [], NOON + 59.7)
    assert ledger.held_until(Charge(10), NOON + 61) == pytest.approx(NOON + 120.504)
    assert ledger.held_until(Charge(10), NOON + 121) == 0
    assert room(ledger, NOON + 200) == 10


def test_all_windows_bind_at_once_and_the_last_to_end_says_when() -> None:
    ledger = Ledger([TEN_SECONDS, DAY])
    order = Charge(0, 1)
    for used in (1, 2, 3):
        ledger.settle(reserve(ledger, charge=order), [orders(used), orders(used, 5, 86400)], START)
    assert refused(ledger, charge=order).until == NOON + 10 + EDGE_MARGIN
    later = NOON + 11
    for used in (4, 5):
        reading = [orders(used - 3), orders(used, 5, 86400)]
        ledger.settle(reserve(ledger, later, order), reading, later)
    ledger.settle(reserve(ledger, later, Charge(0)), [orders(3)], later)
    assert refused(ledger, later, order) == Full(
        Bucket.ORDERS, "orders: 5 of 5 per 86400 s used", TOMORROW + EDGE_MARGIN
    )


def test_full_orders_hold_back_nothing_else() -> None:
    ledger = Ledger([MINUTE, TEN_SECONDS])
    for used in (1, 2, 3):
        ledger.settle(reserve(ledger, charge=Charge(1, 1)), [orders(used), weight(0)], START)
    assert refused(ledger, charge=Charge(1, 1)).bucket is Bucket.ORDERS
    assert room(ledger) == 10


def test_headroom_is_left_to_others() -> None:
    ledger = Ledger([Limit(Bucket.WEIGHT, 60, 100)], headroom=0.3)
    assert room(ledger) == 70
    ledger.settle(reserve(ledger, charge=Charge(70)), [weight(70, 100)], START)
    refused(ledger)


def test_what_no_window_can_hold_is_refused_for_ever() -> None:
    ledger = Ledger([MINUTE], headroom=0.5)
    full = refused(ledger, charge=Charge(6))
    assert full.until == float("inf")
    assert full.reason == "weight: 6 is more than may ever be used of 10 per 60 s"


def test_a_lost_request_is_spent_and_one_that_never_left_is_not() -> None:
    ledger = Ledger([MINUTE, TEN_SECONDS])
    lost, unsent = reserve(ledger, charge=Charge(2, 1)), reserve(ledger, charge=Charge(5, 1))
    ledger.forfeit(lost, START)
    ledger.release(unsent)
    assert (room(ledger), order_room(ledger)) == (8, 2)


def test_a_reservation_is_settled_once() -> None:
    ledger = Ledger([MINUTE])
    reservation = reserve(ledger)
    ledger.settle(reservation, [], START)
    ledger.settle(reservation, [weight(9)], START)
    assert ledger.close(reservation, [weight(9)], START) == 0
    ledger.forfeit(reservation, START)
    ledger.release(reservation)
    assert room(ledger) == 9


def test_a_request_lost_just_before_an_edge_counts_beyond_it() -> None:
    ledger = Ledger([MINUTE])
    ledger.forfeit(reserve(ledger, NOON + 58, Charge(3)), NOON + 59.5)
    assert room(ledger, NOON + 61) == 7


@pytest.mark.parametrize("error", [0.0, 1.0])
def test_a_correction_of_the_clock_does_not_shorten_the_grace_of_what_was_lost(error: float) -> None:
    ledger = Ledger([MINUTE])
    ledger.set_clock_error(error)
    lost_at = NOON + 20 - error
    ledger.forfeit(reserve(ledger, lost_at, Charge(4)), lost_at)
    ledger.set_clock_error(1.0)
    # A tenth of a second later by the exchange's clock, and the lost one may still be on its way.
    now = NOON + 20.1 + 1.0
    for used in (1, 2, 3):
        ledger.settle(reserve(ledger, now), [weight(used)], now)
    assert room(ledger, now) == 10 - 4 - 3
    later = now + 3.0
    for used in (4, 5):
        ledger.settle(reserve(ledger, later), [weight(used)], later)
    assert room(ledger, later) == 5


def test_spending_without_a_request_counts() -> None:
    ledger = Ledger([MINUTE])
    ledger.spend(Bucket.WEIGHT, 2, START)
    assert room(ledger) == 8


def test_connection_attempts_have_windows_of_their_own() -> None:
    ledger = Ledger([MINUTE, Limit(Bucket.CONNECTIONS, 300, 2)])
    attempt = Charge(2, connections=1)
    first = reserve(ledger, charge=attempt)
    second = reserve(ledger, charge=attempt)
    assert ledger.reserve(attempt, START) == Contended(Bucket.CONNECTIONS)
    ledger.forfeit(first, START)
    ledger.settle(second, [], START)
    assert refused(ledger, charge=attempt).bucket is Bucket.CONNECTIONS
    assert room(ledger) == 6


def test_a_ban_stops_everything_until_it_surely_ended() -> None:
    ledger = Ledger([MINUTE])
    ledger.set_clock_error(0.5)
    ledger.ban(NOON + 30, "banned")
    assert refused(ledger, NOON + 30.5, Charge(0)) == Full(Bucket.WEIGHT, "banned", NOON + 30.5 + EDGE_MARGIN)
    assert ledger.banned_until(NOON + 30.5) == NOON + 30.5 + EDGE_MARGIN
    assert ledger.banned_until(NOON + 31) is None
    reserve(ledger, NOON + 31)


def test_a_shorter_ban_does_not_end_a_longer_one() -> None:
    ledger = Ledger([MINUTE])
    ledger.ban(NOON + 50, "long")
    ledger.ban(NOON + 20, "short")
    assert refused(ledger).reason == "long"


def test_a_ban_on_orders_stops_placements_alone() -> None:
    ledger = Ledger([MINUTE, TEN_SECONDS])
    ledger.ban(NOON + 30, "too many orders", orders_only=True)
    assert refused(ledger, charge=Charge(1, 1)).until == NOON + 30 + EDGE_MARGIN
    assert room(ledger) == 10
    assert ledger.banned_until(START) is None
    reserve(ledger, NOON + 31, Charge(1, 1))


def test_a_new_limit_holds_from_the_answer_that_tells_of_it() -> None:
    ledger = Ledger([MINUTE])
    ledger.settle(reserve(ledger), [weight(1, limit=50)], START)
    assert room(ledger) == 49
    ledger.settle(reserve(ledger), [weight(2, limit=3)], START)
    assert room(ledger) == 1


def test_windows_that_are_told_of_take_the_place_of_documented_ones() -> None:
    ledger = Ledger([MINUTE, TEN_SECONDS])
    held = reserve(ledger, charge=Charge(4))
    ledger.settle(reserve(ledger), [weight(1, 30, 2)], START)
    assert [(usage.bucket, usage.seconds) for usage in ledger.usage(START)] == [("orders", 10), ("weight", 2)]
    assert room(ledger) == 30 - 1 - 4
    ledger.settle(held, [weight(5, 30, 2)], START)
    assert room(ledger) == 25


def test_a_window_first_told_of_near_an_edge_counts_beyond_it() -> None:
    ledger = Ledger([])
    ledger.set_clock_error(0.02)
    ledger.settle(reserve(ledger, NOON - 0.01), [weight(3)], NOON - 0.01)
    assert room(ledger, START) == 7


def test_a_second_window_of_a_bucket_binds_beside_the_first() -> None:
    ledger = Ledger([MINUTE])
    ledger.settle(reserve(ledger), [weight(1)], START)
    ledger.settle(reserve(ledger), [weight(2), weight(2, 4, 2)], START)
    assert room(ledger) == 2
    assert room(ledger, NOON + 3) == 4
    assert room(ledger, NOON + 61) == 4


def test_counts_of_unknown_age_tell_limits_alone() -> None:
    ledger = Ledger([MINUTE, TEN_SECONDS])
    ledger.settle(reserve(ledger, charge=Charge(1, 2)), [weight(1), orders(2)], START)
    ledger.read([weight(9, 20), orders(0, 4)], START)
    assert (room(ledger), order_room(ledger)) == (19, 2)


def test_limits_told_without_counts_leave_the_counts_alone() -> None:
    connections = Limit(Bucket.CONNECTIONS, 300, 3)
    ledger = Ledger([MINUTE, TEN_SECONDS, connections])
    ledger.spend(Bucket.CONNECTIONS, 2, START)
    told = [Reading(Bucket.CONNECTIONS, 300, 5, None), Reading(Bucket.WEIGHT, 60, 20, None)]
    for _ in range(3):
        ledger.settle(reserve(ledger, START + 5), [*told, Reading(Bucket.WEIGHT, 2, 9, None)], START + 5)
    used = {(usage.bucket, usage.seconds): (usage.used, usage.limit) for usage in ledger.usage(START + 5)}
    assert used["connections", 300] == (2, 5)
    assert used["weight", 60] == (3, 20)
    assert used["weight", 2] == (3, 9)


def test_counts_of_windows_that_a_request_takes_nothing_from_are_believed() -> None:
    ledger = Ledger([MINUTE, TEN_SECONDS])
    ledger.settle(reserve(ledger), [weight(1), orders(2)], START)
    assert order_room(ledger) == 1


def test_a_clock_that_was_an_hour_ahead_does_not_close_a_window_for_an_hour() -> None:
    ledger = Ledger([MINUTE])
    ledger.settle(reserve(ledger, START + 3600, Charge(2)), [], START + 3600)
    ledger.set_clock_error(0.01)
    assert room(ledger, START) == 8
    ledger.settle(reserve(ledger, START, Charge(8)), [], START)
    assert refused(ledger, START).until == pytest.approx(NOON + 60.014, abs=1e-6)


def test_a_corrected_clock_carries_nothing_over_the_edges_of_a_wrong_one() -> None:
    ledger = Ledger([MINUTE])
    ledger.set_clock_error(1.0)
    ledger.settle(reserve(ledger, NOON + 3659.5, Charge(2)), [], NOON + 3659.5)
    ledger.set_clock_error(0.01)
    assert room(ledger, START) == 8
    assert room(ledger, NOON + 61) == 10


def test_a_clock_set_back_within_its_error_does_not_open_the_window_before() -> None:
    ledger = Ledger([MINUTE])
    ledger.set_clock_error(0.1)
    ledger.settle(reserve(ledger, NOON + 60.2, Charge(9)), [], NOON + 60.2)
    assert room(ledger, NOON + 59.95) == 1


@pytest.mark.parametrize(
    ("bucket", "end"),
    [(Bucket.WEIGHT, NOON + 60), (Bucket.ORDERS, NOON + 10), (Bucket.CONNECTIONS, START + 60)],
)
def test_a_refusal_without_a_time_means_the_shortest_window(bucket: Bucket, end: float) -> None:
    assert Ledger([MINUTE, DAY, TEN_SECONDS]).window_end(bucket, START) == end


def test_a_refusal_without_a_time_means_the_window_that_is_full() -> None:
    ledger = Ledger([TEN_SECONDS, DAY])
    ledger.settle(reserve(ledger, charge=Charge(0, 1)), [orders(1), orders(5, 5, 86400)], START)
    assert ledger.window_end(Bucket.ORDERS, START) == TOMORROW


def test_usage_shows_each_window() -> None:
    ledger = Ledger([MINUTE, DAY])
    ledger.settle(reserve(ledger), [weight(4)], START)
    reserve(ledger, charge=Charge(2, 1))
    shown = [(u.bucket, u.seconds, u.limit, u.used, u.resets_at) for u in ledger.usage(START)]
    assert shown == [("weight", 60, 10, 6, NOON + 60), ("orders", 86400, 5, 1, TOMORROW)]


def contents(value: Any) -> Any:
    """All that an object holds, down to plain values."""
    if isinstance(value, list | tuple):
        return [contents(item) for item in value]
    names = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
    return {name: contents(getattr(value, name)) for name in names} if names else value


def test_asking_how_long_a_charge_is_held_changes_nothing() -> None:
    ledger = Ledger([MINUTE, TEN_SECONDS, DAY])
    ledger.set_clock_error(0.1)
    ledger.settle(reserve(ledger, charge=Charge(3, 3)), [orders(3)], NOON + 9.95)
    before = contents(ledger)
    moments = (START, NOON + 10.05, NOON + 15, NOON + 75, TOMORROW + 1)
    held = [ledger.held_until(Charge(1, 1), now) for now in moments]
    assert contents(ledger) == before
    assert [until > now for until, now in zip(held, moments, strict=True)] == [True, True, True, False, False]


def test_admitting_and_settling_a_request_take_few_calls() -> None:
    ledger = Ledger(
        [Limit(Bucket.WEIGHT, 60, 6000), Limit(Bucket.ORDERS, 10, 50), Limit(Bucket.ORDERS, 86400, 500)]
    )
    readings = [orders(1, 50), orders(1, 500, 86400), weight(1, 6000)]
    charge = Charge(1, 1)
    ledger.settle(reserve(ledger, charge=charge), readings, START)
    calls: list[str] = []

    def count(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            calls.append(frame.f_code.co_name)

    sys.setprofile(count)
    try:
        verdict = ledger.reserve(charge, START)
        assert isinstance(verdict, Granted)
        ledger.settle(verdict.reservation, readings, START, charge)
    finally:
        sys.setprofile(None)
    assert len(calls) <= 6, calls


CONNECT = Charge(2, connections=1)


@pytest.mark.parametrize("way", ["settle", "release", "forfeit"])
def test_an_attempt_to_connect_that_is_over_is_in_flight_no_more(way: str) -> None:
    ledger = Ledger([Limit(Bucket.WEIGHT, 60, 100), Limit(Bucket.CONNECTIONS, 300, 3)])
    for _ in range(3):
        held = reserve(ledger, charge=CONNECT)
        if way == "settle":
            ledger.settle(held, [], START)
        elif way == "release":
            ledger.release(held)
        else:
            ledger.forfeit(held, START)
    if way == "release":
        assert room(ledger) == 100
    else:
        assert refused(ledger, charge=CONNECT).bucket is Bucket.CONNECTIONS
        assert room(ledger) == 94
    later = NOON + 301
    for _ in range(3):
        reserve(ledger, later, CONNECT)
    assert ledger.look(CONNECT, later) == Contended(Bucket.CONNECTIONS)
    assert room(ledger, later) == 94


def test_what_is_given_back_or_lost_twice_counts_once() -> None:
    """Otherwise there would be more room than there is."""
    ledger = Ledger([MINUTE, TEN_SECONDS, Limit(Bucket.CONNECTIONS, 300, 3)])
    other = reserve(ledger, charge=Charge(2, 1, 1))
    unsent, lost = reserve(ledger, charge=Charge(3, 1, 1)), reserve(ledger, charge=Charge(4, 1, 1))
    for _ in range(2):
        ledger.release(unsent)
        ledger.forfeit(unsent, START)
    assert (room(ledger), order_room(ledger)) == (4, 1)
    for _ in range(2):
        ledger.forfeit(lost, START)
        ledger.release(lost)
    assert (room(ledger), order_room(ledger)) == (4, 1)
    ledger.release(other)
    assert (room(ledger), order_room(ledger)) == (6, 2)


def test_a_ban_ends_as_much_later_as_the_clock_may_be_wrong() -> None:
    ledger = Ledger([MINUTE, TEN_SECONDS])
    ledger.ban(NOON + 10, "banned")
    ledger.ban(NOON + 20, "too many orders", orders_only=True)
    for error in (0.5, 0.1):
        ledger.set_clock_error(error)
        assert refused(ledger).until == pytest.approx(NOON + 10 + error + EDGE_MARGIN, abs=1e-5)
        assert refused(ledger, charge=Charge(1, 1)).until == pytest.approx(
            NOON + 20 + error + EDGE_MARGIN, abs=1e-5
        )


def test_placements_go_on_when_their_ban_is_lifted() -> None:
    ledger = Ledger([MINUTE, TEN_SECONDS])
    ledger.ban(NOON + 30, "too many orders", orders_only=True)
    ledger.lift_orders_ban()
    reserve(ledger, charge=Charge(1, 1))


def test_headroom_may_change_and_holds_for_windows_that_come_later() -> None:
    ledger = Ledger([Limit(Bucket.WEIGHT, 60, 100)])
    ledger.set_headroom(0.5)
    assert room(ledger) == 50
    ledger.read([Reading(Bucket.WEIGHT, 10, 40, None), Reading(Bucket.WEIGHT, 60, 100, None)], START)
    assert room(ledger) == 20
    ledger.set_headroom(0.25)
    assert room(ledger) == 30


def test_a_window_that_was_confirmed_stays_when_others_are_told_of() -> None:
    ledger = Ledger([MINUTE])
    ledger.settle(reserve(ledger), [weight(1)], START)
    ledger.settle(reserve(ledger), [weight(2, 30, 2)], START)
    assert [usage.seconds for usage in ledger.usage(START)] == [60, 2]
    ledger.read([weight(2, 40, 5)], START)
    assert [usage.seconds for usage in ledger.usage(START)] == [60, 2, 5]


def test_what_was_spent_in_the_middle_of_a_window_ends_with_it() -> None:
    ledger = Ledger([MINUTE])
    ledger.spend(Bucket.WEIGHT, 4, NOON + 30)
    ledger.forfeit(reserve(ledger, NOON + 31, Charge(2)), NOON + 31)
    assert room(ledger, NOON + 40) == 4
    assert room(ledger, NOON + 61) == 10


def test_a_window_first_told_of_in_its_middle_ends_alone_and_knows_what_was_spent() -> None:
    ledger = Ledger([MINUTE])
    ledger.spend(Bucket.WEIGHT, 4, NOON + 20)
    ledger.read([weight(1, 12, 30)], NOON + 21)
    assert room(ledger, NOON + 22) == 12 - 4
    assert room(ledger, NOON + 31) == 12


def test_near_an_edge_an_older_count_lowers_nothing() -> None:
    ledger = Ledger([Limit(Bucket.WEIGHT, 60, 100)])
    ledger.set_clock_error(0.5)
    now = NOON + 59.8
    first, second = reserve(ledger, now), reserve(ledger, now)
    ledger.settle(second, [weight(40, 100)], now)
    ledger.settle(first, [weight(39, 100)], now)
    assert room(ledger, now) == 60


def test_an_exchange_that_tells_ever_more_windows_is_not_believed_for_ever() -> None:
    """Each window costs every request its time."""
    ledger = Ledger([MINUTE])
    for seconds in range(1, 1000):
        ledger.read([weight(1, 100, seconds)], START)
    assert len(list(ledger.usage(START))) <= MOST_WINDOWS


def test_a_refusal_without_a_time_means_the_last_to_end_of_the_windows_that_are_full() -> None:
    ledger = Ledger([Limit(Bucket.ORDERS, 10, 1), DAY])
    for _ in range(5):
        ledger.spend(Bucket.ORDERS, 1, START)
    assert ledger.window_end(Bucket.ORDERS, START) == TOMORROW


def test_a_reservation_is_closed_once() -> None:
    """Whoever closes it again, for an answer that came twice, frees and counts nothing."""
    ledger = Ledger([Limit(Bucket.WEIGHT, 60, 100)])
    first, second = reserve(ledger), reserve(ledger)
    assert ledger.close(first, [weight(1, 100)], START) == 1
    before = room(ledger, START)
    assert ledger.close(first, [weight(50, 100)], START) == 0
    assert room(ledger, START) == before
    assert ledger.close(second, [], START) == 0
    assert room(ledger, START) == before
