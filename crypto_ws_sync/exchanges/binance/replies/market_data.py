"""The shapes of results that anyone may ask for: the exchange's rules, prices and trades."""

from typing import Any, TypeAlias, TypedDict

from crypto_ws_sync.model.enums import (
    ExecutionRuleType,
    OrderType,
    RateLimitInterval,
    RateLimitType,
    ReferencePriceCalculationType,
    SelfTradePreventionMode,
    SymbolStatus,
)

__all__ = [
    "AggregateTrade",
    "AveragePrice",
    "BlockTrade",
    "BookTicker",
    "ExchangeInfo",
    "ExecutionRule",
    "ExecutionRules",
    "Kline",
    "MiniTicker",
    "OrderBook",
    "PriceTicker",
    "RateLimit",
    "ReferencePrice",
    "ReferencePriceCalculation",
    "ServerTime",
    "SorInfo",
    "SymbolInfo",
    "SymbolRules",
    "Ticker",
    "Ticker24hr",
    "Trade",
]


class ServerTime(TypedDict):
    """The exchange's clock."""

    serverTime: int


class RateLimit(TypedDict):
    """One limit: at most `limit` in each window of `intervalNum` intervals."""

    rateLimitType: RateLimitType
    interval: RateLimitInterval
    intervalNum: int
    limit: int


class _SymbolInfoBase(TypedDict):
    symbol: str
    status: SymbolStatus
    baseAsset: str
    baseAssetPrecision: int
    quoteAsset: str
    quotePrecision: int
    quoteAssetPrecision: int
    orderTypes: list[OrderType]
    icebergAllowed: bool
    filters: list[dict[str, Any]]
    permissionSets: list[list[str]]


class SymbolInfo(_SymbolInfoBase, total=False):
    """Trading rules of a symbol. (A filter's keys depend on its `filterType`.)"""

    baseCommissionPrecision: int
    quoteCommissionPrecision: int
    ocoAllowed: bool
    otoAllowed: bool
    opoAllowed: bool
    quoteOrderQtyMarketAllowed: bool
    allowTrailingStop: bool
    cancelReplaceAllowed: bool
    amendAllowed: bool
    pegInstructionsAllowed: bool
    isSpotTradingAllowed: bool
    isMarginTradingAllowed: bool
    permissions: list[str]
    defaultSelfTradePreventionMode: SelfTradePreventionMode
    allowedSelfTradePreventionModes: list[SelfTradePreventionMode]


class SorInfo(TypedDict):
    """Symbols between which smart order routing may choose."""

    baseAsset: str
    symbols: list[str]


class _ExchangeInfoBase(TypedDict):
    timezone: str
    serverTime: int
    rateLimits: list[RateLimit]
    exchangeFilters: list[dict[str, Any]]
    symbols: list[SymbolInfo]


class ExchangeInfo(_ExchangeInfoBase, total=False):
    """The exchange's limits and the trading rules of its symbols. (`sors`: where routing is offered.)"""

    sors: list[SorInfo]


class _ExecutionRuleBase(TypedDict):
    ruleType: ExecutionRuleType


class ExecutionRule(_ExecutionRuleBase, total=False):
    """One rule for takers; multipliers of the reference price."""

    bidLimitMultUp: str
    bidLimitMultDown: str
    askLimitMultUp: str
    askLimitMultDown: str


class SymbolRules(TypedDict):
    """The execution rules of a symbol."""

    symbol: str
    rules: list[ExecutionRule]


class ExecutionRules(TypedDict):
    """Execution rules, symbol by symbol."""

    symbolRules: list[SymbolRules]


class OrderBook(TypedDict):
    """Best bids and asks first; each level is its price and its quantity."""

    lastUpdateId: int
    bids: list[list[str]]
    asks: list[list[str]]


class _TradeBase(TypedDict):
    id: int
    price: str
    qty: str
    quoteQty: str
    time: int
    isBuyerMaker: bool


class Trade(_TradeBase):
    """One public trade."""

    isBestMatch: bool


class BlockTrade(_TradeBase):
    """One trade made off the book."""


class AggregateTrade(TypedDict):
    """Fills of one taker order at one price.

    By letter: a id, p price, q quantity, f and l first and last trade id, T time, m whether the buyer was the
    maker, M whether it was the best price match.
    """

    a: int
    p: str
    q: str
    f: int
    l: int  # noqa: E741  (the exchange's name)
    T: int
    m: bool
    M: bool


Kline: TypeAlias = list[int | str]
"""One candle by position: open time, open, high, low, close, volume, close time, quote asset volume,
number of trades, taker's base volume, taker's quote volume, a field without use."""


class AveragePrice(TypedDict):
    """The average price over the last minutes."""

    mins: int
    price: str
    closeTime: int


class MiniTicker(TypedDict):
    """Price statistics of a symbol, in brief."""

    symbol: str
    openPrice: str
    highPrice: str
    lowPrice: str
    lastPrice: str
    volume: str
    quoteVolume: str
    openTime: int
    closeTime: int
    firstId: int
    lastId: int
    count: int


class Ticker(MiniTicker):
    """Price statistics of a symbol."""

    priceChange: str
    priceChangePercent: str
    weightedAvgPrice: str


class Ticker24hr(Ticker):
    """Price statistics of a symbol over 24 hours."""

    prevClosePrice: str
    lastQty: str
    bidPrice: str
    bidQty: str
    askPrice: str
    askQty: str


class PriceTicker(TypedDict):
    """The last price of a symbol."""

    symbol: str
    price: str


class BookTicker(TypedDict):
    """The best bid and ask of a symbol."""

    symbol: str
    bidPrice: str
    bidQty: str
    askPrice: str
    askQty: str


class ReferencePrice(TypedDict):
    """The reference price of a symbol; None while there is none."""

    symbol: str
    referencePrice: str | None
    timestamp: int


class _CalculationBase(TypedDict):
    symbol: str
    calculationType: ReferencePriceCalculationType


class ReferencePriceCalculation(_CalculationBase, total=False):
    """How a reference price is computed; which fields are there depends on `calculationType`."""

    bucketCount: int
    bucketWidthMs: int
    externalCalculationId: int
