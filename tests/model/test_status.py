"""What a session tells of itself: as text, as plain data, and always growing counts."""

from __future__ import annotations

import dataclasses
import json
import pickle

import pytest

from crypto_ws_sync.model.status import LimitUsage, SessionStatus, percentile

FULL = SessionStatus(
    state="ready",
    endpoint="wss://host/ws-api/v3",
    operational=False,
    order_handling=False,
    logged_on=True,
    degraded="the key was refused",
    connection_age=12.34,
    in_flight=3,
    waiting=2,
    unresolved=1,
    out_of_service="weight: 6000 of 6000 per 60 s used",
    retry_at=1_700_000_100.0,
    clock_offset=-40.0,
    clock_error=0.0123,
    limits=(
        LimitUsage("weight", 60, 6000, 6000, 1_700_000_100.0),
        LimitUsage("orders", 10, 4, 50, 1_700_000_050.0),
    ),
    reconnects={"1006": 2},
    requests={"time ok": 5},
    counters={"late": 1},
)
EMPTY = SessionStatus(state="idle", endpoint="wss://host", operational=False, order_handling=False)


@pytest.mark.parametrize("status", [FULL, EMPTY])
def test_a_status_as_a_dict_is_plain_data(status: SessionStatus) -> None:
    plain = status.as_dict()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert plain["state"] == status.state


def test_keys_are_the_same_whatever_the_state() -> None:
    assert FULL.as_dict().keys() == EMPTY.as_dict().keys()
    assert {field.name for field in dataclasses.fields(SessionStatus)} <= FULL.as_dict().keys()


def test_limits_are_found_by_name() -> None:
    limits = FULL.as_dict()["limits"]
    assert limits["weight_60s"]["used"] == 6000
    assert limits["orders_10s"]["limit"] == 50


@pytest.mark.parametrize(
    "words",
    ["ready", "wss://host", "the key was refused", "6000 of 6000", "4 of 50", "-40.0000", "1006", "12.3 s"],
)
def test_a_status_as_text_tells_what_matters(words: str) -> None:
    assert words in str(FULL)


def test_a_status_as_text_leaves_out_what_is_not() -> None:
    text = str(EMPTY)
    assert "idle" in text
    for absent in ("Degraded", "Clock", "Out of service", "None"):
        assert absent not in text


def test_a_status_is_frozen_and_can_be_kept() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        FULL.state = "gone"  # type: ignore[misc]  # that is what is tested
    assert pickle.loads(pickle.dumps(FULL)) == FULL


def test_a_limit_about_to_be_counted_anew_does_not_reset_in_the_past() -> None:
    """The window's end is awaited until the clock's error cannot deny it."""
    usage = LimitUsage("orders", 10, 3, 50, resets_at=1000.0)
    status = SessionStatus(
        "ready", "wss://x", True, True, out_of_service="weight", retry_at=999.9, limits=(usage,), at=1000.02
    )
    rows = dict(status.rows())
    assert rows["orders per 10 s"] == "3 of 50; resets in 0.0 s"
    assert rows["Out of service"] == "weight; ends in 0.0 s"


def test_nothing_measured_has_no_percentiles() -> None:
    assert percentile([], 0.5) is None
    assert [percentile([1.0, 2.0, 3.0], share) for share in (0.0, 0.5, 0.99, 1.0)] == [1.0, 2.0, 3.0, 3.0]
