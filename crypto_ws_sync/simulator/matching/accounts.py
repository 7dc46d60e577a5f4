"""Who trades: balances, commission rates and each account's own orders and fills."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from operator import attrgetter
from typing import TYPE_CHECKING

from .account_filters import AccountFilters
from .commissions import DISCOUNT_ASSET, CommissionRates, ExchangeRates, Rates, Tariff
from .orders import STOP_TYPES, Order, OrderList
from .records import Amendment, Balance, Fill, PreventedMatch
from .symbols import SymbolRules

if TYPE_CHECKING:
    from .market import Market

_ORDER_LIST_ID = attrgetter("order_list_id")
_ORDER_ID = attrgetter("order_id")


class Holding:
    """One asset of one account.

    Owner: the engine's thread.
    """

    __slots__ = ("asset", "free", "locked")

    def __init__(self, asset: str, free: int = 0) -> None:
        self.asset = asset
        self.free = free
        self.locked = 0

    def balance(self) -> Balance:
        """Return what is held now."""
        return Balance(self.asset, self.free, self.locked)


class Account:
    """One account: its holdings and, for each symbol, its orders.

    `is_observed` accounts get events and keep their closed orders and fills; of the others nothing is kept
    but what is open, so a synthetic trader costs no memory however long it trades.

    Owner: the engine's thread.
    """

    def __init__(
        self,
        account_id: int,
        balances: Mapping[str, int],
        rates: CommissionRates,
        trade_group_id: int,
        is_observed: bool,
    ) -> None:
        self.account_id = account_id
        self.tariff = Tariff(rates)
        self.tariffs: dict[str, Tariff] = {}
        self.pays_in_bnb = False
        self.trade_group_id = trade_group_id
        self.is_observed = is_observed
        self.holdings: dict[str, Holding] = {asset: Holding(asset, free) for asset, free in balances.items()}
        self.desks: dict[str, SymbolAccount] = {}
        self.open_count = 0
        self.algo_count = 0
        self.iceberg_count = 0
        self.open_lists: dict[int, OrderList] = {}
        self.lists: list[OrderList] = []
        self.lists_by_client_id: dict[str, OrderList] = {}
        self.updated_at = 0
        self.locked_from_outside: dict[str, int] = {}
        # None: bound by no symbol's permission sets
        self.permissions: frozenset[str] | None = None
        self.filters: AccountFilters | None = None

    def may_trade(self, rules: SymbolRules) -> bool:
        """Whether every permission set of a symbol has a permission that the account has, too."""
        own = self.permissions
        return own is None or all(own & wanted for wanted in rules.permission_sets)

    @property
    def rates(self) -> CommissionRates:
        """The standard rates on every symbol that has no rates of its own."""
        return self.tariff.standard

    def tariff_of(self, symbol: str) -> Tariff:
        """Return what the account pays on a symbol."""
        return self.tariffs.get(symbol, self.tariff)

    def holding(self, asset: str) -> Holding:
        """Return the holding of an asset, empty if it never had any."""
        holding = self.holdings.get(asset)
        if holding is None:
            holding = self.holdings[asset] = Holding(asset)
        return holding

    def opened_list(self, order_list: OrderList) -> None:
        """Count a new list in."""
        self.open_lists[order_list.order_list_id] = order_list
        self.lists_by_client_id[order_list.list_client_order_id] = order_list
        if self.is_observed:
            self.lists.append(order_list)
        order_list.desk.list_count += 1

    def find_list(self, order_list_id: int) -> OrderList | None:
        """Return the list with this id, open or closed."""
        order_list = self.open_lists.get(order_list_id)
        if order_list is None:
            index = bisect_left(self.lists, order_list_id, key=_ORDER_LIST_ID)
            if index < len(self.lists) and self.lists[index].order_list_id == order_list_id:
                order_list = self.lists[index]
        return order_list

    def closed_list(self, order_list: OrderList) -> None:
        """Count a finished list out."""
        del self.open_lists[order_list.order_list_id]
        order_list.desk.list_count -= 1
        if not self.is_observed:
            del self.lists_by_client_id[order_list.list_client_order_id]


class SymbolAccount:
    """What one account has on one symbol.

    `orders`, `fills` and `allocations` stand in order of their ids. `by_client_id` leads to the latest order
    of that id.

    Owner: the engine's thread.
    """

    __slots__ = (
        "account",
        "account_id",
        "algo_count",
        "allocations",
        "amendments",
        "base",
        "by_client_id",
        "discount",
        "exchange_rates",
        "fills",
        "iceberg_count",
        "is_observed",
        "list_count",
        "market",
        "open",
        "orders",
        "prevented_matches",
        "quote",
        "rates",
        "symbol",
    )

    def __init__(
        self,
        account: Account,
        market: Market,
        exchange_rates: ExchangeRates,
    ) -> None:
        self.account = account
        self.account_id = account.account_id
        self.is_observed = account.is_observed
        self.market = market
        self.symbol = market.rules.symbol
        self.base = account.holding(market.rules.base_asset)
        self.quote = account.holding(market.rules.quote_asset)
        self.exchange_rates = exchange_rates
        self.apply_tariff()
        self.open: dict[int, Order] = {}
        self.by_client_id: dict[str, Order] = {}
        self.orders: list[Order] = []
        self.fills: list[Fill] = []
        self.allocations: list[Fill] = []
        self.amendments: dict[int, list[Amendment]] = {}
        self.prevented_matches: list[PreventedMatch] = []
        self.algo_count = 0
        self.iceberg_count = 0
        self.list_count = 0

    def apply_tariff(self) -> None:
        """Take over what the account pays on this symbol from now on."""
        tariff, account = self.account.tariff_of(self.symbol), self.account
        # rates[is_buyer][is_maker]
        self.rates = tuple(
            tuple(
                Rates(
                    *(
                        each.of(is_buyer=is_buyer, is_maker=is_maker)
                        for each in (tariff.standard, tariff.special, tariff.tax)
                    )
                )
                for is_maker in (False, True)
            )
            for is_buyer in (False, True)
        )
        self.discount = tariff.discount if account.pays_in_bnb and tariff.is_discount_enabled else None

    def commission(self, received: int, *, is_buyer: bool, is_maker: bool) -> tuple[int, Holding]:
        """Return what a fill costs, and which holding pays: what was received, or BNB if there is enough."""
        holding = self.base if is_buyer else self.quote
        rates = self.rates[is_buyer][is_maker]
        if self.discount is not None:
            ratio = self.exchange_rates.ratio(holding.asset, DISCOUNT_ASSET)
            if ratio is not None:
                amount = rates.discounted(received, self.discount, ratio)
                if holding.asset == DISCOUNT_ASSET:
                    return amount, holding
                bnb = self.account.holding(DISCOUNT_ASSET)
                if bnb.free >= amount:
                    return amount, bnb
        return rates.of(received), holding

    def opened(self, order: Order) -> None:
        """Count a new order in."""
        self.open[order.order_id] = order
        self.by_client_id[order.client_order_id] = order
        if self.is_observed:
            self.orders.append(order)
        account = self.account
        account.open_count += 1
        if order.type in STOP_TYPES:
            self.algo_count += 1
            account.algo_count += 1
        if order.iceberg_quantity:
            self.iceberg_count += 1
            account.iceberg_count += 1

    def closed(self, order: Order) -> None:
        """Count an order that ended out."""
        del self.open[order.order_id]
        account = self.account
        account.open_count -= 1
        if order.type in STOP_TYPES:
            self.algo_count -= 1
            account.algo_count -= 1
        if order.iceberg_quantity:
            self.iceberg_count -= 1
            account.iceberg_count -= 1
        if not self.is_observed:
            del self.by_client_id[order.client_order_id]

    def renamed(self, order: Order, client_order_id: str) -> None:
        """Give an open order another client order id."""
        del self.by_client_id[order.client_order_id]
        order.client_order_id = client_order_id
        self.by_client_id[client_order_id] = order

    def find(self, order_id: int) -> Order | None:
        """Return the order with this id, open or closed."""
        order = self.open.get(order_id)
        if order is None:
            index = bisect_left(self.orders, order_id, key=_ORDER_ID)
            if index < len(self.orders) and self.orders[index].order_id == order_id:
                order = self.orders[index]
        return order
