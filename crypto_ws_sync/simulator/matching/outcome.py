"""What one request did, as far as its caller may want to tell others."""

from __future__ import annotations

from .orders import Order, OrderList
from .records import Amendment, Event, Fill, FirstFill, ListStatus, PreventedMatch, Trade


class Outcome:
    """What one request did.

    `orders` are the orders to reply with, as they stood when the request itself was done (what stops and
    pending orders then set off is in `events` only); `order` is the first of them. `order_list` is the list
    placed, cancelled or amended, `list_status` its state at the same moment. `fills` and `prevented_matches`
    belong to the order placed (of a list, its first). `client_order_id` is what a cancel calls itself.
    `events` are all events in order, of every observed account; `trades` all trades; `first_fills` what
    lowers unfilled-order counts; `fees` what commissions took, by asset; `exchanged` what smart order routing
    took in of one quote asset and gave out of another for it.

    Owner: the engine's thread.
    """

    __slots__ = (
        "amendment",
        "client_order_id",
        "events",
        "exchanged",
        "fees",
        "fills",
        "first_fills",
        "list_status",
        "order_list",
        "orders",
        "prevented_matches",
        "time",
        "trades",
    )

    def __init__(self, now: int) -> None:
        self.time = now
        self.orders: list[Order] = []
        self.order_list: OrderList | None = None
        self.list_status: ListStatus | None = None
        self.fills: list[Fill] = []
        self.prevented_matches: list[PreventedMatch] = []
        self.client_order_id = ""
        self.amendment: Amendment | None = None
        self.events: list[Event] = []
        self.trades: list[Trade] = []
        self.first_fills: list[FirstFill] = []
        self.fees: dict[str, int] = {}
        self.exchanged: dict[str, int] = {}

    @property
    def order(self) -> Order:
        """The order placed, cancelled or amended."""
        return self.orders[0]
