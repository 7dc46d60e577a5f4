"""Orders and order lists: what is asked for, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .accounts import SymbolAccount
    from .book import Level

LIMIT_TYPES = frozenset({"LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"})
PRIMARY_PEG = "PRIMARY_PEG"
OPO_KINDS = frozenset({"OPO", "OPOCO"})
STOP_TYPES = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"})


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order as asked for. Amounts in units of 10**-8; 0, "" and `None` mean not sent.

    `client_order_id` must be given: the caller makes one up where the request has none.
    `stp_mode` "" takes the symbol's default. With `peg_price_type` PRIMARY_PEG or MARKET_PEG the price comes
    from the book, `peg_offset` levels deeper, and `price` is the worst to be accepted, 0 for any. `uses_sor`
    lets it take from the other books of the symbol's pool as well.
    """

    symbol: str
    side: str
    type: str
    client_order_id: str
    quantity: int = 0
    price: int = 0
    time_in_force: str = ""
    quote_order_quantity: int = 0
    stop_price: int = 0
    trailing_delta: int = 0
    iceberg_quantity: int = 0
    strategy_id: int | None = None
    strategy_type: int | None = None
    stp_mode: str = ""
    peg_price_type: str = ""
    peg_offset: int | None = None
    uses_sor: bool = False


@dataclass(frozen=True, slots=True)
class NewOrderList:
    """An order list as asked for.

    `kind` is "OCO" with `orders` (above, below), "OTO" with (working, pending) or "OTOCO" with (working,
    pending above, pending below); "OPO" and "OPOCO" are like those two, with pending orders that carry no
    quantity: it will be what the working order brought in. The legs carry the list's symbol, and those of a
    pair its side and quantity. Order ids follow the order of `orders`; `is_above_first=False` says that
    a pair stands as (below, above), as in the deprecated form, where the stop comes first.
    """

    kind: str
    symbol: str
    list_client_order_id: str
    orders: tuple[NewOrder, ...]
    is_above_first: bool = True


class Order:
    """One order and what became of it; read it, never write to it.

    Times are microseconds. `status` is the exchange's word. `executed_quote` is the sum of the fills' quote
    quantities, `prevented` what self-trade prevention took away, `visible` what an open order shows in the
    book. `working_time` is -1 until the order is on the book (or was, or took from it), `trailing_time` -1
    until tracking began. `price` is what it is matched at; for a pegged order that is `pegged_price`, 0 until
    the book has given one, while `sent_price` stays as it was asked for. `working_floor` says where an order
    with smart routing was active last: "SOR" or, on the book of its own symbol, "EXCHANGE".

    Owner: the engine's thread.
    """

    __slots__ = (
        "after",
        "amend_count",
        "before",
        "client_order_id",
        "desk",
        "executed",
        "executed_quote",
        "expiry_reason",
        "extreme",
        "iceberg_quantity",
        "is_buy",
        "is_open",
        "level",
        "locked",
        "order_id",
        "order_list",
        "peg_offset",
        "peg_price_type",
        "pegged_price",
        "prevented",
        "prevented_match_id",
        "price",
        "quantity",
        "quote_order_quantity",
        "sent_price",
        "status",
        "stop_price",
        "stp_mode",
        "strategy_id",
        "strategy_type",
        "time",
        "time_in_force",
        "trailing_delta",
        "trailing_time",
        "type",
        "update_time",
        "uses_sor",
        "visible",
        "working_floor",
        "working_time",
    )

    order_id: int
    desk: SymbolAccount
    client_order_id: str
    is_buy: bool
    type: str
    time_in_force: str
    quantity: int
    price: int
    sent_price: int
    peg_price_type: str
    peg_offset: int | None
    pegged_price: int
    uses_sor: bool
    working_floor: str
    quote_order_quantity: int
    stop_price: int
    trailing_delta: int
    iceberg_quantity: int
    strategy_id: int | None
    strategy_type: int | None
    stp_mode: str
    status: str
    is_open: bool
    executed: int
    executed_quote: int
    prevented: int
    prevented_match_id: int
    time: int
    update_time: int
    working_time: int
    trailing_time: int
    expiry_reason: str
    order_list: OrderList | None
    amend_count: int
    locked: int
    extreme: int
    visible: int
    level: Level | None
    before: Order | None
    after: Order | None

    def __init__(
        self, order_id: int, desk: SymbolAccount, new: NewOrder, quantity: int, stp_mode: str, now: int
    ) -> None:
        self.order_id = order_id
        self.desk = desk
        self.client_order_id = new.client_order_id
        self.is_buy = new.side == "BUY"
        self.type = new.type
        self.time_in_force = new.time_in_force or "GTC"
        self.quantity = quantity
        self.price = self.sent_price = new.price
        self.peg_price_type = new.peg_price_type
        self.peg_offset = new.peg_offset
        self.pegged_price = 0
        self.uses_sor = new.uses_sor
        self.working_floor = "SOR" if new.uses_sor else ""
        self.quote_order_quantity = new.quote_order_quantity
        self.stop_price = new.stop_price
        self.trailing_delta = new.trailing_delta
        self.iceberg_quantity = new.iceberg_quantity
        self.strategy_id = new.strategy_id
        self.strategy_type = new.strategy_type
        self.stp_mode = stp_mode
        self.status = "NEW"
        self.is_open = True
        self.executed = 0
        self.executed_quote = 0
        self.prevented = 0
        self.prevented_match_id = -1
        self.time = now
        self.update_time = now
        self.working_time = -1
        self.trailing_time = -1
        self.expiry_reason = "NONE"
        self.order_list = None
        self.amend_count = 0
        self.locked = 0
        self.extreme = 0
        self.visible = 0
        self.level = None
        self.before = None
        self.after = None

    @property
    def symbol(self) -> str:
        """The symbol traded."""
        return self.desk.symbol

    @property
    def account_id(self) -> int:
        """The account whose order it is."""
        return self.desk.account_id

    @property
    def side(self) -> str:
        """BUY or SELL."""
        return "BUY" if self.is_buy else "SELL"

    @property
    def order_list_id(self) -> int:
        """The order list it belongs to, -1 for none."""
        return -1 if self.order_list is None else self.order_list.order_list_id

    @property
    def open_quantity(self) -> int:
        """What may still be executed."""
        return self.quantity - self.executed - self.prevented

    @property
    def is_working(self) -> bool:
        """Whether it is or was on the book."""
        return self.working_time != -1

    def snapshot(self) -> Order:
        """Return a copy that later changes do not reach, detached from the book."""
        copy = object.__new__(Order)
        for name in Order.__slots__:
            setattr(copy, name, getattr(self, name))
        copy.level = copy.before = copy.after = None
        return copy


class OrderList:
    """One order list and what became of it; read it, never write to it.

    `orders` stand in wire order. `shared_lock` is what is set aside once for both legs of an untouched pair,
    `proceeds` what a working order has brought in for the pending ones that are to sell it.

    Owner: the engine's thread.
    """

    __slots__ = (
        "contingency_type",
        "desk",
        "kind",
        "list_client_order_id",
        "list_order_status",
        "list_status_type",
        "order_list_id",
        "orders",
        "proceeds",
        "shared_lock",
        "transaction_time",
    )

    def __init__(
        self, order_list_id: int, desk: SymbolAccount, kind: str, list_client_order_id: str, now: int
    ) -> None:
        self.order_list_id = order_list_id
        self.desk = desk
        self.kind = kind
        self.contingency_type = "OCO" if kind == "OCO" else "OTO"
        self.list_client_order_id = list_client_order_id
        self.list_status_type = "EXEC_STARTED"
        self.list_order_status = "EXECUTING"
        self.transaction_time = now
        self.orders: tuple[Order, ...] = ()
        self.shared_lock = 0
        self.proceeds = 0

    @property
    def symbol(self) -> str:
        """The symbol traded."""
        return self.desk.symbol

    @property
    def account_id(self) -> int:
        """The account whose list it is."""
        return self.desk.account_id

    @property
    def is_open(self) -> bool:
        """Whether any of its orders is open."""
        return self.list_order_status == "EXECUTING"

    @property
    def working(self) -> Order | None:
        """The order the others wait for; `None` in an OCO."""
        return None if self.kind == "OCO" else self.orders[0]

    @property
    def pending(self) -> tuple[Order, ...]:
        """The orders that wait, or waited, for the working one."""
        return () if self.kind == "OCO" else self.orders[1:]

    @property
    def pair(self) -> tuple[Order, ...]:
        """The two orders of which one cancels the other; empty in an OTO or OPO."""
        if self.kind in ("OTO", "OPO"):
            return ()
        return self.orders[-2:]

    @property
    def passes_on(self) -> bool:
        """Whether the pending orders sell what the working one has bought."""
        return self.kind in OPO_KINDS

    def legs(self) -> tuple[tuple[int, str], ...]:
        """Return order ids with their client order ids, in wire order."""
        return tuple((order.order_id, order.client_order_id) for order in self.orders)
