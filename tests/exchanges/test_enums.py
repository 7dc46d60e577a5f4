"""The known values of parameters and answers against the exchange's documents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest

from crypto_ws_sync.model import enums
from crypto_ws_sync.protocol.method import Security

DATA = Path(__file__).parents[1] / "data"
DOCUMENTED: dict[str, dict[str, Any]] = json.loads((DATA / "enums.json").read_text("utf-8"))
ALIASES = {
    "symbolStatus": "SymbolStatus",
    "permissions": "Permission",
    "orderStatus": "OrderStatus",
    "listStatusType": "ListStatusType",
    "listOrderStatus": "ListOrderStatus",
    "contingencyType": "ContingencyType",
    "allocationType": "AllocationType",
    "orderType": "OrderType",
    "newOrderRespType": "ResponseType",
    "workingFloor": "WorkingFloor",
    "side": "Side",
    "timeInForce": "TimeInForce",
    "selfTradePreventionMode": "SelfTradePreventionMode",
    "executionType": "ExecutionType",
    "executionRuleType": "ExecutionRuleType",
    "expiryReason": "ExpiryReason",
    "rateLimitIntervalOnWire": "RateLimitInterval",
    "symbolStatusQuery": "SymbolStatusFilter",
    "cancelReplaceMode": "CancelReplaceMode",
    "cancelReplaceResult": "CancelReplaceResult",
    "cancelRestrictions": "CancelRestrictions",
    "orderRateLimitExceededMode": "OrderRateLimitExceededMode",
    "pegPriceType": "PegPriceType",
    "pegOffsetType": "PegOffsetType",
    "tickerType": "TickerType",
    "klineInterval": "KlineInterval",
    "matchType": "MatchType",
    "referencePriceCalculationType": "ReferencePriceCalculationType",
    "orderRejectReason": "OrderRejectReason",
    "userDataEvent": "UserDataEventType",
    "connectionEvent": "ConnectionEventType",
}
ELSEWHERE = {
    "rateLimitType",  # one alias for both spellings, below
    "rateLimitTypeOnWire",
    "rateLimitInterval",  # a part of what comes on the wire
    "securityType",  # an enum of its own, below
    "timeUnit",  # options of a connection, not of a request
    "apiKeyType",
}


def values(alias: Any) -> set[str]:
    """Return the literal values in an alias that takes any other text as well."""
    literal, other = get_args(alias)
    assert get_origin(literal) is Literal
    assert other is str
    return set(get_args(literal))


def test_every_documented_enumeration_is_considered() -> None:
    assert set(DOCUMENTED) == set(ALIASES) | ELSEWHERE


@pytest.mark.parametrize("name", ALIASES)
def test_values_are_the_documented_ones(name: str) -> None:
    assert values(getattr(enums, ALIASES[name])) == set(DOCUMENTED[name]["values"])


def test_rate_limit_types_have_both_spellings() -> None:
    both = {*DOCUMENTED["rateLimitType"]["values"], *DOCUMENTED["rateLimitTypeOnWire"]["values"]}
    assert values(enums.RateLimitType) == both
    assert values(enums.RateLimitInterval) >= set(DOCUMENTED["rateLimitInterval"]["values"])


def test_security_types_are_the_documented_ones() -> None:
    names = {security.value for security in Security if security is not Security.SIGNED}
    assert names == set(DOCUMENTED["securityType"]["values"])


def test_every_alias_is_exported() -> None:
    aliases = {name for name, value in vars(enums).items() if get_origin(value) is not None}
    assert aliases == set(enums.__all__)
    assert all(values(getattr(enums, name)) for name in aliases)
