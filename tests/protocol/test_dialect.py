"""What crosses the port to an exchange says, where it is told and where it is not."""

from __future__ import annotations

from collections import Counter

from crypto_ws_sync.errors import ApiError
from crypto_ws_sync.protocol.dialect import Fault, LinePolicy, Outcome, Reply, Stamp
from crypto_ws_sync.protocol.limits import Bucket, Reading

HOUR = 3600.0


def test_lines_live_by_what_the_exchange_says_of_them() -> None:
    """It ends a connection after 24 hours, pings it every 20 seconds, and bans nobody for more than three days."""
    policy = LinePolicy()
    assert 24 * HOUR - policy.maximum_age >= 600, (
        "there is time to open another one, and to finish what is asked"
    )
    assert policy.maximum_age - policy.age_jitter > 23 * HOUR + 2400, (
        "and it is used for nearly as long as it lasts"
    )
    assert policy.age_jitter >= 60, "sessions that began together do not end together"
    assert policy.ping_after + policy.give_up_after <= 20, "what is silent for longer than that is dead"
    assert policy.longest_ban == 72 * HOUR
    assert policy.ping_text is None


def test_a_call_with_the_usual_timeout_outlives_its_line() -> None:
    """It has ten seconds, and another line and another answer take some of them."""
    policy = LinePolicy()
    assert policy.unanswered_after + policy.silent_after_early_ping <= 5
    assert policy.suspicions_apart <= 30


def test_a_reply_holds_what_it_is_told_and_is_the_last_one_for_everybody_unless_that_is_said() -> None:
    plain = Reply(7, Outcome.OK)
    assert (plain.key, plain.outcome, plain.result, plain.error) == (7, Outcome.OK, None, None)
    assert (tuple(plain.readings), plain.retry_at) == ((), None)
    assert plain.is_final is True
    assert plain.is_orders_only is False
    readings, error = [Reading(Bucket.ORDERS, 10, 50, 51)], ApiError(status=429, code=-1015)
    full = Reply("k", Outcome.THROTTLED, {"a": 1}, error, readings, 1.7e9, True, False)
    assert (full.key, full.outcome, full.result, full.error) == ("k", Outcome.THROTTLED, {"a": 1}, error)
    assert (full.readings, full.retry_at) == (readings, 1.7e9)
    assert full.is_orders_only is True
    assert full.is_final is False


def test_what_is_not_told_is_taken_as_the_least() -> None:
    assert Stamp(1.7e9).is_logged_on is False, "a request is signed unless the line surely knows the key"
    assert Fault(Outcome.AUTH, ApiError(status=401)).retry_at is None


def test_outcomes_are_told_apart_in_a_status_by_words() -> None:
    words = Counter(outcome.value for outcome in Outcome)
    assert words == Counter(
        ["ok", "partial", "rejected", "throttled", "auth", "clock", "unavailable", "unknown"]
    )
