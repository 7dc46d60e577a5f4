"""Every documented error code and message lands on its branch of the error tree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from crypto_ws_sync.errors import (
    ApiError,
    AuthError,
    BadRequest,
    CancelRejected,
    IPBanned,
    NotFound,
    OrderRejected,
    PartialFailure,
    RateLimited,
    ServerError,
    TimestampError,
    WAFBlocked,
)
from crypto_ws_sync.exchanges.binance.codes import (
    CODES,
    MESSAGES,
    error_class,
    is_outcome_known,
    proves_no_effect,
)

DATA = Path(__file__).parents[1] / "data"
DOCUMENTED: list[dict[str, Any]] = json.loads((DATA / "errors.json").read_text("utf-8"))
BRANCHES: dict[str, type[ApiError]] = {
    "auth": AuthError,
    "signature": AuthError,
    "timestamp": TimestampError,
    "bad_request": BadRequest,
    "stream": BadRequest,
    "other": BadRequest,
    "not_found": NotFound,
    "order_rejected": OrderRejected,
    "cancel_rejected": CancelRejected,
    "partial": PartialFailure,
    "overload": ServerError,
    "network": ServerError,
    "unknown_outcome": ServerError,
    "rate_limit": RateLimited,
}
ENGINE = {-1010, -2010, -2011, -2038}
REASONS = [
    (message, entry["code"])
    for entry in DOCUMENTED
    for message in entry["messages"]
    if entry["code"] == -1010
]


def words(message: Any) -> str:
    """Return a documented message, which may stand alone or with its class."""
    return str(message["msg"] if isinstance(message, dict) else message)


@pytest.mark.parametrize("entry", DOCUMENTED, ids=lambda entry: str(entry["code"]))
def test_each_code_lands_on_its_branch(entry: dict[str, Any]) -> None:
    code, branch = entry["code"], BRANCHES[entry["class"]]
    assert CODES[code] is branch
    assert error_class(400, code, "words that no table knows") is branch
    assert error_class(0, code, "") is branch
    if code not in ENGINE:
        for message in entry.get("messages", []):
            assert error_class(400, code, words(message)) is branch


def test_no_code_is_made_up() -> None:
    assert set(CODES) == {entry["code"] for entry in DOCUMENTED}


@pytest.mark.parametrize("entry", DOCUMENTED, ids=lambda entry: str(entry["code"]))
def test_each_code_says_whether_the_outcome_is_known(entry: dict[str, Any]) -> None:
    code = entry["code"]
    assert proves_no_effect(400, code, "") is entry["retry_safe"]
    assert is_outcome_known(400, code, "") is (entry["retry_safe"] or entry["class"] == "partial")


@pytest.mark.parametrize(
    ("message", "code"), REASONS, ids=lambda value: words(value) if value != -1010 else ""
)
def test_each_reason_of_the_matching_engine_lands_on_its_branch(message: dict[str, Any], code: int) -> None:
    branch = BRANCHES[message["class"]]
    assert MESSAGES[message["msg"]] is branch
    for given in (code, *message["codes"]):
        assert error_class(400, given, message["msg"]) is branch


def test_each_message_of_an_engine_code_is_in_the_table() -> None:
    told = {
        words(message) for entry in DOCUMENTED if entry["code"] in ENGINE for message in entry["messages"]
    }
    assert told == set(MESSAGES)


def test_filter_failures_reject_the_order() -> None:
    failures = next(entry for entry in DOCUMENTED if entry["code"] == -1013)["filter_failures"]
    assert len(failures) == 20
    for failure in failures:
        assert error_class(400, -1013, failure["msg"]) is OrderRejected


@pytest.mark.parametrize(
    ("status", "code", "branch"),
    [
        (400, None, BadRequest),
        (400, -9999, BadRequest),
        (401, None, AuthError),
        (401, -2015, AuthError),
        (403, None, WAFBlocked),
        (403, -2015, WAFBlocked),
        (404, None, BadRequest),
        (409, None, PartialFailure),
        (409, -2021, PartialFailure),
        (418, None, IPBanned),
        (418, -1003, IPBanned),
        (429, None, RateLimited),
        (429, -1003, RateLimited),
        (429, -1015, RateLimited),
        (500, None, ServerError),
        (503, -1008, ServerError),
        (504, -2010, ServerError),
        (200, -2043, NotFound),
    ],
)
def test_statuses(status: int, code: int | None, branch: type[ApiError]) -> None:
    assert error_class(status, code, "") is branch
    is_refusal = status < 500 and (code is not None or status not in (400, 404))
    assert is_outcome_known(status, code, "") is is_refusal


@pytest.mark.parametrize("status", [-1, 0, 1, 100, 199, 200, 201, 204, 299, 300, 302, 399])
@pytest.mark.parametrize("code", [None, -2010, -1100])
def test_what_is_no_refusal_as_documented_says_nothing_of_a_write(status: int, code: int | None) -> None:
    assert not is_outcome_known(status, code, "")
    assert not proves_no_effect(status, code, "")


@pytest.mark.parametrize("status", [400, 409, 429])
def test_a_half_that_was_done_shows_whatever_the_status(status: int) -> None:
    data = {
        "cancelResult": "SUCCESS",
        "newOrderResult": "FAILURE",
        "cancelResponse": {"status": "CANCELED"},
        "newOrderResponse": {"code": -1015, "msg": "Too many new orders."},
    }
    assert error_class(status, -1015, "", data) is PartialFailure
    assert is_outcome_known(status, -1015, "", data)
    assert not proves_no_effect(status, -1015, "", data)


def test_a_half_of_unknown_outcome_leaves_the_whole_open() -> None:
    data = {
        "cancelResult": "SUCCESS",
        "newOrderResult": "FAILURE",
        "cancelResponse": {"status": "CANCELED"},
        "newOrderResponse": {"code": -1007, "msg": "Timeout waiting for response from backend server."},
    }
    assert error_class(409, -2021, "", data) is PartialFailure
    assert not is_outcome_known(409, -2021, "", data)
    assert not proves_no_effect(409, -2021, "", data)


def test_a_cancel_replace_of_which_nothing_was_done_is_a_rejection() -> None:
    data = {
        "cancelResult": "FAILURE",
        "newOrderResult": "NOT_ATTEMPTED",
        "cancelResponse": {"code": -2011, "msg": "Unknown order sent."},
        "newOrderResponse": None,
    }
    assert error_class(400, -2022, "Order cancel-replace failed.", data) is OrderRejected
    assert proves_no_effect(400, -2022, "Order cancel-replace failed.", data)


@pytest.mark.parametrize("data", [None, [], "text", {}, {"cancelResult": "SUCCESS"}, {"cancelResponse": 7}])
def test_odd_data_never_breaks_the_map(data: Any) -> None:
    branch = PartialFailure if data == {"cancelResult": "SUCCESS"} else OrderRejected
    assert error_class(400, -2010, "Duplicate order sent.", data) is branch
    assert is_outcome_known(400, -2010, "Duplicate order sent.", data)
