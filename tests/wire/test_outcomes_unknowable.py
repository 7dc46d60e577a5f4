"""Writes that no look-up can settle: only their own answer can, and when that cannot come any more, that is said."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

import pytest
from venue import Venue

from crypto_ws_sync import ApiError, OutcomeUnknown
from crypto_ws_sync.engine import deadlines

NEW = "brand.new"


def _write(venue: Venue, timeout: float = 8.0) -> Future[Any]:
    """Send a signed request of a kind that nobody here knows."""
    return venue.session.submit(NEW, {"anything": 1}, signed=True, timeout=timeout)


def _is_over(venue: Venue) -> bool:
    status = venue.session.status()
    return not status.unresolved and status.counters["verdict_unknown"] == 1


def _refused_at_once(unknown: OutcomeUnknown) -> None:
    with pytest.raises(OutcomeUnknown, match="no look-up can tell"):
        unknown.resolve(5)


def test_a_lost_line_ends_it(venue: Venue) -> None:
    venue.exchange.faults.drop("before", method=NEW)
    with pytest.raises(OutcomeUnknown, match="no look-up can tell") as caught:
        _write(venue).result(5)
    assert _is_over(venue)
    assert not venue.session.unresolved()
    _refused_at_once(caught.value)


def test_an_answer_that_says_unknown_ends_it(venue: Venue) -> None:
    venue.exchange.faults.unavailable(executed=False, method=NEW)
    with pytest.raises(OutcomeUnknown, match="no look-up can tell"):
        _write(venue).result(5)
    assert _is_over(venue)


def test_its_own_answer_settles_it_as_long_as_that_may_come(venue: Venue) -> None:
    late = venue.exchange.faults.delay(1.3, method=NEW)
    with pytest.raises(OutcomeUnknown) as caught:
        _write(venue, timeout=1.0).result(5)
    assert [each.method for each in venue.session.unresolved()] == [NEW]
    while venue.session.unresolved():
        late.wait(0.01, strikes=2)
    assert venue.session.status().counters["verdict_refused"] == 1
    with pytest.raises(ApiError, match=r"brand\.new"):
        caught.value.resolve(5)


def test_the_end_of_waiting_for_its_answer_ends_it(venue: Venue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "ABANDONED_KEPT", 1.3)
    swallowed = venue.exchange.faults.swallow("before", method=NEW)
    with pytest.raises(OutcomeUnknown) as caught:
        _write(venue, timeout=1.0).result(5)
    while venue.session.unresolved():
        swallowed.wait(0.01, strikes=2)
    assert _is_over(venue)
    assert venue.session.status().in_flight == 0
    _refused_at_once(caught.value)


def test_a_stop_ends_it_with_the_next_start(venue: Venue) -> None:
    venue.exchange.faults.swallow("before", method=NEW)
    future = _write(venue)
    while not venue.session.status().in_flight:
        venue.exchange.faults.strike("nothing")
    venue.session.stop(0.2)
    with pytest.raises(OutcomeUnknown) as caught:
        future.result(0)
    assert len(venue.session.unresolved()) <= 1
    venue.session.start()
    assert not venue.session.unresolved()
    _refused_at_once(caught.value)
