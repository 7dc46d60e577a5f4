"""The error tree: each branch where it is promised, every error whole after pickling, and no secret in any."""

from __future__ import annotations

import copy
import pickle
import traceback
from typing import Any

import pytest

import crypto_ws_sync
from crypto_ws_sync import errors
from crypto_ws_sync.errors import (
    ApiError,
    CryptoWSError,
    InvalidParameter,
    IPBanned,
    OutcomeUnknown,
    RateLimited,
    SessionClosed,
)
from crypto_ws_sync.exchanges.binance.dialect import BinanceDialect
from crypto_ws_sync.protocol.dialect import Reply, Stamp
from crypto_ws_sync.protocol.outcome import Question
from crypto_ws_sync.signing.keys import load_signer

TREE = {
    "CryptoWSError": ("Exception", ""),
    "ConfigError": ("CryptoWSError", ""),
    "InvalidParameter": ("CryptoWSError", "ValueError"),
    "SessionClosed": ("CryptoWSError", ""),
    "OutOfService": ("CryptoWSError", ""),
    "ConnectionFailed": ("CryptoWSError", "ConnectionError"),
    "ConnectionLost": ("CryptoWSError", "ConnectionError"),
    "RequestTimeout": ("CryptoWSError", "TimeoutError"),
    "OutcomeUnknown": ("CryptoWSError", ""),
    "ApiError": ("CryptoWSError", ""),
    "AuthError": ("ApiError", ""),
    "TimestampError": ("ApiError", ""),
    "BadRequest": ("ApiError", ""),
    "NotFound": ("ApiError", ""),
    "OrderRejected": ("ApiError", ""),
    "CancelRejected": ("ApiError", ""),
    "PartialFailure": ("ApiError", ""),
    "ServerError": ("ApiError", ""),
    "WAFBlocked": ("ApiError", ""),
    "RateLimited": ("ApiError", ""),
    "IPBanned": ("RateLimited", ""),
}
NAMED: dict[str, Any] = {"method": "order.place", "request_id": 7, "client_order_id": "ours"}
QUESTION = Question(3, "order.place", {"symbol": "BTCUSDT"}, "ours", 1.7e9, 1.7e9 + 5, 0.01)
DETAILS: dict[str, dict[str, Any]] = {
    "InvalidParameter": {"method": "order.place", "parameter": "price", "client_order_id": "ours"},
    "OutOfService": {"method": "ping", "reason": "weight", "retry_at": 1.7e9, "client_order_id": "ours"},
    "ConnectionFailed": {"status": 429, "retry_at": 1.7e9},
    "OutcomeUnknown": {**NAMED, "question": QUESTION},
}
ANSWERED: dict[str, Any] = {
    **NAMED,
    "status": 400,
    "code": -2010,
    "msg": "No.",
    "data": {"cancelResult": "SUCCESS", "rest": [1, None]},
}
CLASSES = [getattr(errors, name) for name in TREE]


def details(kind: type[CryptoWSError]) -> dict[str, Any]:
    if issubclass(kind, ApiError):
        return {**ANSWERED, **({"retry_at": 1.7e9} if issubclass(kind, RateLimited) else {})}
    return DETAILS.get(kind.__name__, dict(NAMED))


def make(kind: type[CryptoWSError]) -> CryptoWSError:
    return kind("what happened", **details(kind))


def test_the_tree_is_as_promised_and_public() -> None:
    assert set(errors.__all__) == set(TREE)
    for name, (parent, also) in TREE.items():
        bases = tuple(base.__name__ for base in getattr(errors, name).__bases__)
        assert bases == (parent, also)[: 1 + bool(also)]
        assert getattr(crypto_ws_sync, name) is getattr(errors, name)


@pytest.mark.parametrize("kind", [OutcomeUnknown, ApiError])
def test_what_must_not_be_repeated_blindly_is_no_network_error(kind: type[CryptoWSError]) -> None:
    assert not issubclass(kind, OSError)


@pytest.mark.parametrize("again", [lambda e: pickle.loads(pickle.dumps(e)), copy.copy, copy.deepcopy])
@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_is_whole_after_pickling(kind: type[CryptoWSError], again: Any) -> None:
    error = make(kind)
    error.args = ("what happened, in other words",)
    copied = again(error)
    assert type(copied) is kind
    assert copied.args == error.args
    assert str(copied) == "what happened, in other words"
    for name, value in details(kind).items():
        assert getattr(copied, name) == value
    assert vars(copied) == vars(error)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_pickle_protocol_will_do(protocol: int) -> None:
    for kind in CLASSES:
        assert vars(pickle.loads(pickle.dumps(make(kind), protocol))) == vars(make(kind))


@pytest.mark.parametrize("kind", CLASSES)
def test_an_error_without_a_word_can_be_made_and_pickled(kind: type[CryptoWSError]) -> None:
    assert type(pickle.loads(pickle.dumps(kind()))) is kind


def test_a_note_is_kept() -> None:
    error = make(OutcomeUnknown)
    error.__dict__["__notes__"] = ["interrupted while waiting"]
    assert pickle.loads(pickle.dumps(error)).__notes__ == ["interrupted while waiting"]


def test_an_answer_says_method_words_status_and_code() -> None:
    assert str(ApiError(**ANSWERED)) == "order.place: No. (status 400, code -2010)"
    assert str(IPBanned(method="ping", status=418, code=-1003, msg="Banned.")).startswith("ping: Banned.")


class Resolver:
    """Notes what it is asked to settle."""

    def __init__(self) -> None:
        self.asked: list[tuple[OutcomeUnknown, float | None]] = []

    def resolve_outcome(self, error: OutcomeUnknown, timeout: float | None) -> Any:
        self.asked.append((error, timeout))
        return {"orderId": 7}


def test_an_open_outcome_is_settled_by_its_session() -> None:
    session = Resolver()
    error = OutcomeUnknown("open", **NAMED, question=QUESTION, resolver=session)
    assert error.resolve() == error.resolve(2.5) == {"orderId": 7}
    assert session.asked == [(error, None), (error, 2.5)]


def test_after_pickling_a_session_has_to_be_given() -> None:
    home, abroad = Resolver(), Resolver()
    error = pickle.loads(pickle.dumps(OutcomeUnknown("open", **NAMED, question=QUESTION, resolver=home)))
    with pytest.raises(SessionClosed, match=r"resolve\(session=") as caught:
        error.resolve()
    assert (caught.value.method, caught.value.client_order_id) == ("order.place", "ours")
    assert error.resolve(1.0, session=abroad) == {"orderId": 7}
    assert home.asked == []
    assert abroad.asked == [(error, 1.0)]


def test_errors_of_signed_requests_hold_neither_key_nor_signature() -> None:
    dialect = BinanceDialect("the-api-key", load_signer("the-secret"))
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "1"}
    request = dialect.request("order.place", order, True, True, lambda: "x" * 22)
    key, text = dialect.compose(request, Stamp(1.7e9))
    signature = text.rpartition('"signature":"')[2].rstrip('"}')
    (said,) = dialect.classify(f'{{"id":{key},"status":400,"error":{{"code":-1022,"msg":"Signature"}}}}')
    assert isinstance(said, Reply)
    refused = said.error
    question = dialect.question(request, 1.7e9, 0.0, 1)
    unknown = OutcomeUnknown("open", question=question, resolver=None)
    with pytest.raises(InvalidParameter) as caught:
        dialect.request("order.place", {**order, "quantity": float("nan")}, True, True, str)
    for error in (refused, unknown, caught.value):
        shown = [repr(error), str(error), repr(vars(error)), "".join(traceback.format_exception(error))]
        shown.append(repr(pickle.dumps(error)))
        for hidden in ("the-api-key", "the-secret", signature):
            assert len(hidden) > 8
            assert not any(hidden in words for words in shown)
