"""The values that the exchange's parameters and answers are known to take.

Editors offer these while one types. Any other text is accepted as well, because the exchange adds values
without notice, and a program must not break, or be held back, by one that is newer than this file.
"""

from typing import Literal, TypeAlias

__all__ = [
    "AllocationType",
    "CancelReplaceMode",
    "CancelReplaceResult",
    "CancelRestrictions",
    "ConnectionEventType",
    "ContingencyType",
    "ExecutionRuleType",
    "ExecutionType",
    "ExpiryReason",
    "KlineInterval",
    "ListOrderStatus",
    "ListStatusType",
    "MatchType",
    "OcoLegType",
    "OrderRateLimitExceededMode",
    "OrderRejectReason",
    "OrderStatus",
    "OrderType",
    "PegOffsetType",
    "PegPriceType",
    "Permission",
    "RateLimitInterval",
    "RateLimitType",
    "ReferencePriceCalculationType",
    "ResponseType",
    "SelfTradePreventionMode",
    "Side",
    "SorOrderType",
    "SymbolStatus",
    "SymbolStatusFilter",
    "TickerType",
    "TimeInForce",
    "UserDataEventType",
    "WindowSize",
    "WorkingFloor",
    "WorkingType",
]

# --- Orders ---

Side: TypeAlias = Literal["BUY", "SELL"] | str

OrderType: TypeAlias = (
    Literal[
        "LIMIT",
        "MARKET",
        "STOP_LOSS",
        "STOP_LOSS_LIMIT",
        "TAKE_PROFIT",
        "TAKE_PROFIT_LIMIT",
        "LIMIT_MAKER",
    ]
    | str
)

OcoLegType: TypeAlias = (
    Literal["STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT", "LIMIT_MAKER"] | str
)
"""What a leg of an OCO pair can be."""

WorkingType: TypeAlias = Literal["LIMIT", "LIMIT_MAKER"] | str
"""What an order can be on which others wait."""

SorOrderType: TypeAlias = Literal["LIMIT", "MARKET"] | str
"""What smart order routing takes."""

TimeInForce: TypeAlias = Literal["GTC", "IOC", "FOK"] | str

ResponseType: TypeAlias = Literal["ACK", "RESULT", "FULL"] | str
"""How much an answer to a placement tells."""

OrderStatus: TypeAlias = (
    Literal[
        "NEW",
        "PENDING_NEW",
        "PARTIALLY_FILLED",
        "FILLED",
        "CANCELED",
        "PENDING_CANCEL",
        "REJECTED",
        "EXPIRED",
        "EXPIRED_IN_MATCH",
    ]
    | str
)

SelfTradePreventionMode: TypeAlias = (
    Literal["NONE", "EXPIRE_MAKER", "EXPIRE_TAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER"] | str
)

PegPriceType: TypeAlias = Literal["PRIMARY_PEG", "MARKET_PEG"] | str
PegOffsetType: TypeAlias = Literal["PRICE_LEVEL"] | str

CancelRestrictions: TypeAlias = Literal["ONLY_NEW", "ONLY_PARTIALLY_FILLED"] | str
CancelReplaceMode: TypeAlias = Literal["STOP_ON_FAILURE", "ALLOW_FAILURE"] | str
CancelReplaceResult: TypeAlias = Literal["SUCCESS", "FAILURE", "NOT_ATTEMPTED"] | str
OrderRateLimitExceededMode: TypeAlias = Literal["DO_NOTHING", "CANCEL_ONLY"] | str

ExpiryReason: TypeAlias = (
    Literal[
        "NONE",
        "REJECTED",
        "EXCHANGE_CANCELED",
        "OCO_TRIGGER",
        "OTO_PHASE_ONE_EXPIRED",
        "UNFILLED_IOC_QUANTITY_EXPIRED",
        "UNFILLED_FOK_ORDER_EXPIRED",
        "INSUFFICIENT_LIQUIDITY",
        "EXECUTION_RULE_PRICE_RANGE_EXCEEDED",
    ]
    | str
)

OrderRejectReason: TypeAlias = (
    Literal[
        "NONE",
        "INSUFFICIENT_BALANCES",
        "STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY",
        "WOULD_MATCH_IMMEDIATELY",
        "OCO_BAD_PRICES",
    ]
    | str
)

WorkingFloor: TypeAlias = Literal["EXCHANGE", "SOR"] | str
AllocationType: TypeAlias = Literal["SOR"] | str
MatchType: TypeAlias = Literal["ONE_PARTY_TRADE_REPORT"] | str

# --- Order lists ---

ContingencyType: TypeAlias = Literal["OCO", "OTO"] | str
ListStatusType: TypeAlias = Literal["RESPONSE", "EXEC_STARTED", "UPDATED", "ALL_DONE"] | str
ListOrderStatus: TypeAlias = Literal["EXECUTING", "ALL_DONE", "REJECT"] | str

# --- Market data ---

SymbolStatus: TypeAlias = Literal["TRADING", "END_OF_DAY", "HALT", "BREAK", "CANCEL_ONLY"] | str

SymbolStatusFilter: TypeAlias = Literal["TRADING", "HALT", "BREAK"] | str
"""The states of a symbol that can be asked for."""

Permission: TypeAlias = (
    Literal[
        "SPOT",
        "MARGIN",
        "LEVERAGED",
        "TRD_GRP_002",
        "TRD_GRP_003",
        "TRD_GRP_004",
        "TRD_GRP_005",
        "TRD_GRP_006",
        "TRD_GRP_007",
        "TRD_GRP_008",
        "TRD_GRP_009",
        "TRD_GRP_010",
        "TRD_GRP_011",
        "TRD_GRP_012",
        "TRD_GRP_013",
        "TRD_GRP_014",
        "TRD_GRP_015",
        "TRD_GRP_016",
        "TRD_GRP_017",
        "TRD_GRP_018",
        "TRD_GRP_019",
        "TRD_GRP_020",
        "TRD_GRP_021",
        "TRD_GRP_022",
        "TRD_GRP_023",
        "TRD_GRP_024",
        "TRD_GRP_025",
    ]
    | str
)

KlineInterval: TypeAlias = (
    Literal[
        "1s",
        "1m",
        "3m",
        "5m",
        "15m",
        "30m",
        "1h",
        "2h",
        "4h",
        "6h",
        "8h",
        "12h",
        "1d",
        "3d",
        "1w",
        "1M",
    ]
    | str
)

# fmt: off
WindowSize: TypeAlias = (
    Literal[
        "1m", "2m", "3m", "4m", "5m", "6m", "7m", "8m", "9m", "10m", "11m", "12m", "13m", "14m", "15m",
        "16m", "17m", "18m", "19m", "20m", "21m", "22m", "23m", "24m", "25m", "26m", "27m", "28m", "29m",
        "30m", "31m", "32m", "33m", "34m", "35m", "36m", "37m", "38m", "39m", "40m", "41m", "42m", "43m",
        "44m", "45m", "46m", "47m", "48m", "49m", "50m", "51m", "52m", "53m", "54m", "55m", "56m", "57m",
        "58m", "59m", "1h", "2h", "3h", "4h", "5h", "6h", "7h", "8h", "9h", "10h", "11h", "12h", "13h",
        "14h", "15h", "16h", "17h", "18h", "19h", "20h", "21h", "22h", "23h", "1d", "2d", "3d", "4d", "5d",
        "6d", "7d",
    ]
    | str
)
# fmt: on

TickerType: TypeAlias = Literal["FULL", "MINI"] | str
ReferencePriceCalculationType: TypeAlias = Literal["ARITHMETIC_MEAN", "EXTERNAL"] | str
ExecutionRuleType: TypeAlias = Literal["PRICE_RANGE"] | str
RateLimitType: TypeAlias = Literal["REQUEST_WEIGHT", "ORDERS", "RAW_REQUESTS", "CONNECTIONS"] | str
RateLimitInterval: TypeAlias = Literal["SECOND", "MINUTE", "HOUR", "DAY"] | str

# --- Events ---

ExecutionType: TypeAlias = (
    Literal["NEW", "CANCELED", "REPLACED", "REJECTED", "TRADE", "EXPIRED", "TRADE_PREVENTION"] | str
)

UserDataEventType: TypeAlias = (
    Literal[
        "outboundAccountPosition",
        "balanceUpdate",
        "executionReport",
        "listStatus",
        "eventStreamTerminated",
        "externalLockUpdate",
    ]
    | str
)

ConnectionEventType: TypeAlias = Literal["serverShutdown"] | str
