"""The shapes of events, with the exchange's letters for their fields.

`e` is the kind of event, and type checkers narrow a `UserDataEvent` by it. `E` is the time of the event.
"""

from typing import Literal, TypeAlias, TypedDict

from crypto_ws_sync.model.enums import (
    ContingencyType,
    ExecutionType,
    ExpiryReason,
    ListOrderStatus,
    ListStatusType,
    MatchType,
    OrderRejectReason,
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
    "AccountPosition",
    "BalanceUpdate",
    "EventBalance",
    "EventOrder",
    "ExecutionReport",
    "ExternalLockUpdate",
    "ListStatus",
    "ServerShutdown",
    "StreamTerminated",
    "UserDataEvent",
]


class EventBalance(TypedDict):
    """What the account holds of one asset: a asset, f free, l locked."""

    a: str
    f: str
    l: str  # noqa: E741  (the exchange's name)


class AccountPosition(TypedDict):
    """Balances that an order may have changed: u time of the last change, B the balances."""

    e: Literal["outboundAccountPosition"]
    E: int
    u: int
    B: list[EventBalance]


class BalanceUpdate(TypedDict):
    """A deposit, withdrawal or transfer: a asset, d change, T time it was cleared."""

    e: Literal["balanceUpdate"]
    E: int
    a: str
    d: str
    T: int


class ExternalLockUpdate(TypedDict):
    """A part of the balance was locked or released from outside: a asset, d change, T time."""

    e: Literal["externalLockUpdate"]
    E: int
    a: str
    d: str
    T: int


class StreamTerminated(TypedDict):
    """The subscription has ended."""

    e: Literal["eventStreamTerminated"]
    E: int


class ServerShutdown(TypedDict):
    """The connection is about to end; it concerns no account."""

    e: Literal["serverShutdown"]
    E: int


class EventOrder(TypedDict):
    """An order of a list: s symbol, i order id, c client order id."""

    s: str
    i: int
    c: str


class ListStatus(TypedDict):
    """A change of an order list.

    s symbol, g list id, c contingency type, l list status type, L list order status, r reason of a refusal,
    C list client order id, T time, O the orders.
    """

    e: Literal["listStatus"]
    E: int
    s: str
    g: int
    c: ContingencyType
    l: ListStatusType  # noqa: E741  (the exchange's name)
    L: ListOrderStatus
    r: OrderRejectReason
    C: str
    T: int
    O: list[EventOrder]  # noqa: E741  (the exchange's name)


class _ExecutionReportBase(TypedDict):
    e: Literal["executionReport"]
    E: int
    s: str
    c: str
    S: Side
    o: OrderType
    f: TimeInForce
    q: str
    p: str
    P: str
    F: str
    g: int
    C: str
    x: ExecutionType
    X: OrderStatus
    r: OrderRejectReason
    i: int
    l: str  # noqa: E741  (the exchange's name)
    z: str
    L: str
    n: str
    N: str | None
    T: int
    t: int
    I: int  # noqa: E741  (the exchange's name)
    w: bool
    m: bool
    M: bool
    O: int  # noqa: E741  (the exchange's name)
    Z: str
    Y: str
    Q: str
    V: SelfTradePreventionMode


class ExecutionReport(_ExecutionReportBase, total=False):
    """A change of one order; `x` says what happened.

    s symbol, c client order id, S side, o type, f time in force, q quantity, p price, P stop price, F
    iceberg quantity, g list id (-1: none), C original client order id of a cancelled order, x execution
    type, X order status, r reason of a refusal, i order id, l last executed quantity, z executed quantity,
    L last executed price, n commission, N its asset, T transaction time, t trade id (-1: none), I execution
    id, w on the book, m maker, M to be ignored, O creation time, Z executed quote quantity, Y last executed
    quote quantity, Q quote order quantity, V self-trade prevention mode.

    In some cases only: d trailing delta, D trailing time, j and J strategy id and type, W working time;
    self-trade prevention: v prevented match id, A prevented quantity, B last prevented quantity, u trade
    group id, U counter order id, Cs counter symbol, pl, pL and pY prevented quantity, price and quote
    quantity; smart order routing: b match type, a allocation id, k working floor, uS used; pegged orders:
    gP price type, gOT and gOV offset type and value, gp price; eR reason of an expiry.
    """

    d: int
    D: int
    j: int
    J: int
    W: int
    v: int
    A: str
    B: str
    u: int
    U: int
    Cs: str
    pl: str
    pL: str
    pY: str
    b: MatchType
    a: int
    k: WorkingFloor
    uS: bool
    gP: PegPriceType
    gOT: PegOffsetType
    gOV: int
    gp: str
    eR: ExpiryReason


UserDataEvent: TypeAlias = (
    ExecutionReport | ListStatus | AccountPosition | BalanceUpdate | ExternalLockUpdate | StreamTerminated
)
"""The events of an account. (Kinds that are not known here come as well, as they are.)"""
