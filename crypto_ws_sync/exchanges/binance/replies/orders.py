"""The shapes of results about orders and order lists.

Those that come in place of each other are final, so that type checkers tell them apart by a field: an answer
with "orderReports" in it is a list's, one with "code" in it is an error.
"""

from typing import Any, TypedDict, final

from crypto_ws_sync.model.enums import (
    CancelReplaceResult,
    ContingencyType,
    ExpiryReason,
    ListOrderStatus,
    ListStatusType,
    MatchType,
    OrderStatus,
    OrderType,
    PegOffsetType,
    PegPriceType,
    SelfTradePreventionMode,
    Side,
    TimeInForce,
    WorkingFloor,
)

__all__ = [
    "AmendListStatus",
    "AmendedOrder",
    "Amendment",
    "CancelReplaceReport",
    "CanceledOrder",
    "CanceledOrderList",
    "CommissionPair",
    "Discount",
    "ErrorObject",
    "Fill",
    "ListedOrder",
    "OrderAmendment",
    "OrderList",
    "OrderState",
    "OrderTest",
    "PlacedOrder",
    "PlacedOrderList",
    "PreventedFill",
]


class _FillBase(TypedDict):
    price: str
    qty: str
    commission: str
    commissionAsset: str
    tradeId: int


class Fill(_FillBase, total=False):
    """One execution of an order. (`matchType` and `allocId`: from smart order routing, with `tradeId` -1.)"""

    matchType: MatchType
    allocId: int


class PreventedFill(TypedDict, total=False):
    """One match that self-trade prevention stopped, as told in the answer to a placement."""

    preventedMatchId: int
    makerOrderId: int
    makerSymbol: str
    price: str
    takerPreventedQuantity: str
    makerPreventedQuantity: str


class _OrderDetails(TypedDict, total=False):
    """Fields that any order may carry, by its type, state and labels."""

    stopPrice: str
    trailingDelta: int
    trailingTime: int
    icebergQty: str
    strategyId: int
    strategyType: int
    preventedMatchId: int
    preventedQuantity: str
    tradeGroupId: int
    usedSor: bool
    workingFloor: WorkingFloor
    pegPriceType: PegPriceType
    pegOffsetType: PegOffsetType
    pegOffsetValue: int
    peggedPrice: str
    expiryReason: ExpiryReason
    selfTradePreventionMode: SelfTradePreventionMode


class _PlacedBase(TypedDict):
    symbol: str
    orderId: int
    orderListId: int
    clientOrderId: str
    transactTime: int


@final
class PlacedOrder(_PlacedBase, _OrderDetails, total=False):
    """The answer to a placement: ACK has the required fields only, RESULT the state too, FULL also `fills`.

    In a list whose pending quantity comes from the working order, `origQty` is left out until it is known.
    """

    price: str
    origQty: str
    executedQty: str
    origQuoteOrderQty: str
    cummulativeQuoteQty: str
    status: OrderStatus
    timeInForce: TimeInForce
    type: OrderType
    side: Side
    workingTime: int
    fills: list[Fill]
    preventedMatches: list[PreventedFill]


class _OrderStateBase(TypedDict):
    symbol: str
    orderId: int
    orderListId: int
    clientOrderId: str
    price: str
    origQty: str
    executedQty: str
    cummulativeQuoteQty: str
    status: OrderStatus
    timeInForce: TimeInForce
    type: OrderType
    side: Side
    time: int
    updateTime: int
    isWorking: bool
    workingTime: int
    origQuoteOrderQty: str


class OrderState(_OrderStateBase, _OrderDetails, total=False):
    """One order as the exchange knows it now."""


class _CanceledBase(TypedDict):
    symbol: str
    orderId: int
    orderListId: int
    clientOrderId: str
    transactTime: int
    price: str
    origQty: str
    executedQty: str
    cummulativeQuoteQty: str
    status: OrderStatus
    timeInForce: TimeInForce
    type: OrderType
    side: Side


@final
class CanceledOrder(_CanceledBase, _OrderDetails, total=False):
    """One cancelled order. (`origClientOrderId` is the order's id; `clientOrderId` the cancel's.)"""

    origClientOrderId: str
    origQuoteOrderQty: str


class ListedOrder(TypedDict):
    """An order of a list, by its ids."""

    symbol: str
    orderId: int
    clientOrderId: str


class OrderList(TypedDict):
    """One order list as the exchange knows it now. (OCO lists are OCO, all others OTO.)"""

    orderListId: int
    contingencyType: ContingencyType
    listStatusType: ListStatusType
    listOrderStatus: ListOrderStatus
    listClientOrderId: str
    transactionTime: int
    symbol: str
    orders: list[ListedOrder]


class PlacedOrderList(OrderList):
    """The answer to the placement of a list: `orderReports` has one report for each order."""

    orderReports: list[PlacedOrder]


@final
class CanceledOrderList(OrderList):
    """One cancelled list: `orderReports` has one report for each order."""

    orderReports: list[CanceledOrder]


class _ErrorBase(TypedDict):
    code: int
    msg: str


@final
class ErrorObject(_ErrorBase, total=False):
    """What the exchange says of a half that failed."""

    data: Any


class CancelReplaceReport(TypedDict):
    """Both halves of a cancel-replace. (`newOrderResponse` is None where it was not attempted.)"""

    cancelResult: CancelReplaceResult
    newOrderResult: CancelReplaceResult
    cancelResponse: CanceledOrder | CanceledOrderList | ErrorObject
    newOrderResponse: PlacedOrder | ErrorObject | None


class _AmendedBase(TypedDict):
    symbol: str
    orderId: int
    orderListId: int
    origClientOrderId: str
    clientOrderId: str
    price: str
    qty: str
    executedQty: str
    preventedQty: str
    quoteOrderQty: str
    cumulativeQuoteQty: str
    status: OrderStatus
    timeInForce: TimeInForce
    type: OrderType
    side: Side
    workingTime: int


class AmendedOrder(_AmendedBase, _OrderDetails, total=False):
    """The order after its amendment. (These fields are spelled otherwise than in other results.)"""


class AmendListStatus(TypedDict):
    """The list of an amended order."""

    orderListId: int
    contingencyType: ContingencyType
    listOrderStatus: ListOrderStatus
    listClientOrderId: str
    symbol: str
    orders: list[ListedOrder]


class _OrderAmendmentBase(TypedDict):
    transactTime: int
    executionId: int
    amendedOrder: AmendedOrder


class OrderAmendment(_OrderAmendmentBase, total=False):
    """The answer to an amendment. (`listStatus`: where the order belongs to a list.)"""

    listStatus: AmendListStatus


class Amendment(TypedDict):
    """One amendment in an order's history."""

    symbol: str
    orderId: int
    executionId: int
    origClientOrderId: str
    newClientOrderId: str
    origQty: str
    newQty: str
    time: int


class CommissionPair(TypedDict):
    """Rates of an order as maker and as taker."""

    maker: str
    taker: str


class Discount(TypedDict):
    """What paying commissions in another asset does."""

    enabledForAccount: bool
    enabledForSymbol: bool
    discountAsset: str
    discount: str


class OrderTest(TypedDict, total=False):
    """Commission rates of the tested order; empty where they were not asked for."""

    standardCommissionForOrder: CommissionPair
    specialCommissionForOrder: CommissionPair
    taxCommissionForOrder: CommissionPair
    discount: Discount
