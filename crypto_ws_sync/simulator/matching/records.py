"""What the engine tells about: frozen records of trades, fills and events, in amounts of 10**-8."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .orders import Order, OrderList


class Balance(NamedTuple):
    """What an account holds of one asset."""

    asset: str
    free: int
    locked: int


class Trade(NamedTuple):
    """One trade as everybody sees it. `time` in microseconds."""

    symbol: str
    trade_id: int
    price: int
    quantity: int
    quote_quantity: int
    time: int
    is_buyer_maker: bool
    buyer_order_id: int
    seller_order_id: int


class Fill(NamedTuple):
    """One side of a trade, as the account that had the order sees it. `time` in microseconds.

    What smart order routing brought from another book is no trade of the account's but an allocation: it has
    an `allocation_id`, and -1 for its `trade_id`.
    """

    symbol: str
    trade_id: int
    order_id: int
    order_list_id: int
    price: int
    quantity: int
    quote_quantity: int
    commission: int
    commission_asset: str
    time: int
    is_buyer: bool
    is_maker: bool
    allocation_id: int = -1

    @property
    def is_allocation(self) -> bool:
        """Whether it came from another symbol's book."""
        return self.allocation_id >= 0


class PreventedMatch(NamedTuple):
    """A match that did not happen because both sides belong together.

    `taker_prevented_quantity` and `maker_prevented_quantity` are 0 for the side that did not expire.
    `quantity` is what would have been traded. `maker_symbol` differs from `symbol`, that of the taker, where
    smart order routing led the taker to another book.
    """

    symbol: str
    prevented_match_id: int
    taker_order_id: int
    maker_order_id: int
    trade_group_id: int
    self_trade_prevention_mode: str
    price: int
    quantity: int
    taker_prevented_quantity: int
    maker_prevented_quantity: int
    transact_time: int
    maker_symbol: str = ""


class Amendment(NamedTuple):
    """One change of an order's quantity. `time` in microseconds."""

    symbol: str
    order_id: int
    execution_id: int
    orig_client_order_id: str
    new_client_order_id: str
    orig_quantity: int
    new_quantity: int
    time: int


class FirstFill(NamedTuple):
    """The first fill of an order: its account's unfilled-order count falls by `relief`."""

    account_id: int
    symbol: str
    order_id: int
    is_maker: bool
    relief: int


class Execution(NamedTuple):
    """A change of one order (`executionReport`); what cannot change is read off `order`.

    `client_order_id` is the wire's `c` and `orig_client_order_id` its `C`: for CANCELED the id of the cancel
    and that of the order, for REPLACED the new id and the old one, else the order's own and "".
    `working_time` is -1 until the order is on the book.
    """

    account_id: int
    order: Order
    execution_type: str
    execution_id: int
    time: int
    status: str
    client_order_id: str
    orig_client_order_id: str
    quantity: int
    executed_quantity: int
    executed_quote: int
    prevented_quantity: int
    working_time: int
    trailing_time: int
    is_on_book: bool
    fill: Fill | None = None
    prevented_match: PreventedMatch | None = None
    last_prevented_quantity: int = 0
    counter_order_id: int = -1
    reject_reason: str = "NONE"
    expiry_reason: str = "NONE"
    pegged_price: int = 0
    working_floor: str = ""


class ListStatus(NamedTuple):
    """A change of one order list (`listStatus`); `legs` are order ids with their client order ids."""

    account_id: int
    order_list: OrderList
    time: int
    list_status_type: str
    list_order_status: str
    legs: tuple[tuple[int, str], ...]


class AccountPosition(NamedTuple):
    """The balances an action may have changed (`outboundAccountPosition`)."""

    account_id: int
    time: int
    balances: tuple[Balance, ...]


Event = Execution | ListStatus | AccountPosition
