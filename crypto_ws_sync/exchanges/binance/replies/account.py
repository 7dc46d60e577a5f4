"""The shapes of results about the account, the connection's log-on and its subscriptions."""

from typing import Any, TypedDict

from crypto_ws_sync.exchanges.binance.replies.orders import Discount
from crypto_ws_sync.model.enums import (
    AllocationType,
    RateLimitInterval,
    RateLimitType,
    SelfTradePreventionMode,
)

__all__ = [
    "AccountCommission",
    "AccountFilters",
    "AccountStatus",
    "Allocation",
    "Balance",
    "CommissionRates",
    "NoResult",
    "OrderCount",
    "OwnTrade",
    "PreventedMatch",
    "SessionState",
    "Subscription",
]


class NoResult(TypedDict):
    """An empty object: the answer says only that it was done."""


class Balance(TypedDict):
    """What the account holds of one asset."""

    asset: str
    free: str
    locked: str


class CommissionRates(TypedDict):
    """Fractions of what is received, by role and side."""

    maker: str
    taker: str
    buyer: str
    seller: str


class _AccountStatusBase(TypedDict):
    makerCommission: int
    takerCommission: int
    buyerCommission: int
    sellerCommission: int
    canTrade: bool
    canWithdraw: bool
    canDeposit: bool
    commissionRates: CommissionRates
    updateTime: int
    accountType: str
    balances: list[Balance]
    permissions: list[str]


class AccountStatus(_AccountStatusBase, total=False):
    """The account's flags, rates and balances. (`tradeGroupId` only where the account is in a trade group.)"""

    brokered: bool
    requireSelfTradePrevention: bool
    preventSor: bool
    uid: int
    tradeGroupId: int


class AccountCommission(TypedDict):
    """The account's commission rates on a symbol."""

    symbol: str
    standardCommission: CommissionRates
    specialCommission: CommissionRates
    taxCommission: CommissionRates
    discount: Discount


class OrderCount(TypedDict):
    """How many unfilled orders count in one window now."""

    rateLimitType: RateLimitType
    interval: RateLimitInterval
    intervalNum: int
    limit: int
    count: int


class OwnTrade(TypedDict):
    """One trade of the account."""

    symbol: str
    id: int
    orderId: int
    orderListId: int
    price: str
    qty: str
    quoteQty: str
    commission: str
    commissionAsset: str
    time: int
    isBuyer: bool
    isMaker: bool
    isBestMatch: bool


class _PreventedMatchBase(TypedDict):
    symbol: str
    preventedMatchId: int
    takerOrderId: int
    makerSymbol: str
    makerOrderId: int
    tradeGroupId: int
    selfTradePreventionMode: SelfTradePreventionMode
    price: str
    transactTime: int


class PreventedMatch(_PreventedMatchBase, total=False):
    """One match that self-trade prevention stopped. (Which quantity is there depends on the mode.)"""

    makerPreventedQuantity: str
    takerPreventedQuantity: str


class Allocation(TypedDict):
    """One fill that smart order routing brought from another book."""

    symbol: str
    allocationId: int
    allocationType: AllocationType
    orderId: int
    orderListId: int
    price: str
    qty: str
    quoteQty: str
    commission: str
    commissionAsset: str
    time: int
    isBuyer: bool
    isMaker: bool
    isAllocator: bool


class AccountFilters(TypedDict):
    """Filters that bind the account on a symbol. (A filter's keys depend on its `filterType`.)"""

    exchangeFilters: list[dict[str, Any]]
    symbolFilters: list[dict[str, Any]]
    assetFilters: list[dict[str, Any]]


class SessionState(TypedDict):
    """Which key the connection is logged on with; None where it is not."""

    apiKey: str | None
    authorizedSince: int | None
    connectedSince: int
    returnRateLimits: bool
    serverTime: int
    userDataStream: bool | None


class Subscription(TypedDict):
    """One subscription of this connection."""

    subscriptionId: int
