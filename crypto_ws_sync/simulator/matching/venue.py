"""The venue at rest: its markets and accounts, and every question that can be asked of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from . import rejections
from .accounts import Account, SymbolAccount
from .book import Level
from .commissions import CommissionRates, ExchangeRates, Tariff
from .market import Market
from .orders import Order, OrderList
from .price_range import PriceRange
from .records import AccountPosition, Balance
from .reference_price import ReferencePrice
from .rejections import Rejection
from .symbols import ExchangeFilters, SymbolRules


class Venue:
    """Markets and accounts.

    Owner: the thread that calls it; it takes no locks.
    """

    def __init__(self, exchange_filters: ExchangeFilters | None = None) -> None:
        self._exchange_filters = exchange_filters or ExchangeFilters()
        self._markets: dict[str, Market] = {}
        self._accounts: dict[int, Account] = {}
        self._exchange_rates = ExchangeRates(self._markets)
        self._next_list_id = 0
        self._pools: dict[str, tuple[Market, ...]] = {}
        self.fees: dict[str, int] = {}
        self.exchanged: dict[str, int] = {}

    # setting up

    def add_symbol(
        self, rules: SymbolRules, *, last_price: int = 0, first_order_id: int = 1, first_trade_id: int = 1
    ) -> None:
        """Open a symbol for trading; the ids of its orders and trades go on from the given ones."""
        self._markets[rules.symbol] = Market(rules, last_price, first_order_id, first_trade_id)

    def add_pool(self, symbols: Sequence[str]) -> None:
        """Let orders on one of these symbols be routed to the others, quote assets counting one for one.

        Raises:
            ValueError: Their base assets differ.
        """
        markets = [self._market(symbol) for symbol in symbols]
        if len({market.rules.base_asset for market in markets}) > 1:
            raise ValueError(f"the symbols of a pool have one base asset: {', '.join(symbols)}")
        for market in markets:
            # The order's own book first: it wins where another has the same price.
            others = [each for each in markets if each is not market]
            self._pools[market.rules.symbol] = (market, *others)

    def remember_trades(self, symbol: str, trades: Iterable[tuple[int, int, int]]) -> None:
        """Take in past trades (time, price, quantity), oldest first, for the last and the average price."""
        self._market(symbol).remember(trades)

    def add_account(
        self,
        account_id: int,
        balances: Mapping[str, int],
        *,
        rates: CommissionRates | None = None,
        trade_group_id: int = -1,
        is_observed: bool = True,
    ) -> None:
        """Open an account. Without `is_observed` it gets no events, and nothing of what it closed is kept."""
        if account_id in self._accounts:
            raise ValueError(f"account {account_id} exists")
        self._accounts[account_id] = Account(
            account_id, balances, rates or CommissionRates(), trade_group_id, is_observed
        )

    def set_rules(self, rules: SymbolRules) -> None:
        """Let other rules hold for a symbol from now on; what is open stays open."""
        self._market(rules.symbol).rules = rules

    def set_price_range(self, symbol: str, price_range: PriceRange | None) -> None:
        """Keep takers of a symbol within a range around its reference price; `None` lifts the rule."""
        self._market(symbol).price_range = price_range

    def set_reference(self, symbol: str, reference: ReferencePrice | None) -> None:
        """Give a symbol a reference price; a mean takes in the trades of the last minutes."""
        self._market(symbol).refer_to(reference)

    def set_tariff(self, account_id: int, tariff: Tariff, symbol: str | None = None) -> None:
        """Let an account pay these commissions from now on, on one symbol or wherever it has none of its own."""
        account = self._accounts[account_id]
        if symbol is None:
            account.tariff = tariff
        else:
            account.tariffs[self._market(symbol).rules.symbol] = tariff
        for desk in account.desks.values():
            desk.apply_tariff()

    def pay_in_bnb(self, account_id: int, is_on: bool) -> None:
        """Let an account pay its commissions in BNB, at a discount, wherever it has enough of it."""
        account = self._accounts[account_id]
        account.pays_in_bnb = is_on
        for desk in account.desks.values():
            desk.apply_tariff()

    def deposit(self, account_id: int, asset: str, amount: int, now: int) -> AccountPosition:
        """Add to what is free of an asset (a negative amount takes away), and return the new position."""
        account = self._accounts[account_id]
        holding = account.holding(asset)
        if holding.free + amount < 0:
            raise ValueError(f"account {account_id} has less {asset} than that")
        holding.free += amount
        account.updated_at = now
        return AccountPosition(account_id, now, (holding.balance(),))

    def lock_from_outside(self, account_id: int, asset: str, amount: int, now: int) -> AccountPosition:
        """Lock some of what is free of an asset; a negative amount frees what was locked this way before."""
        account = self._accounts[account_id]
        holding = account.holding(asset)
        locked = account.locked_from_outside.get(asset, 0) + amount
        if holding.free < amount or locked < 0:
            raise ValueError(f"account {account_id} has not that much {asset} to lock or to free")
        account.locked_from_outside[asset] = locked
        holding.free -= amount
        holding.locked += amount
        account.updated_at = now
        return AccountPosition(account_id, now, (holding.balance(),))

    # asking

    def rules(self, symbol: str) -> SymbolRules:
        """Return a symbol's rules."""
        return self._market(symbol).rules

    def last_price(self, symbol: str) -> int:
        """Return the price of the last trade, 0 before the first."""
        return self._market(symbol).last_price

    def average_price(self, symbol: str, minutes: int, now: int) -> int:
        """Return the volume-weighted price of the last minutes (at most the symbol's longest, 5 or more)."""
        return self._market(symbol).average_price(minutes, now)

    def price_range(self, symbol: str) -> PriceRange | None:
        """Return the range that binds takers of a symbol; `None` for no such rule."""
        return self._market(symbol).price_range

    def reference(self, symbol: str) -> ReferencePrice | None:
        """Return where a symbol's reference price comes from; `None` for nowhere."""
        return self._market(symbol).reference

    def has_had_reference_price(self, symbol: str) -> bool:
        """Return whether a symbol has had a reference price at all."""
        return self._market(symbol).has_had_reference_price()

    def reference_price(self, symbol: str, now: int) -> int | None:
        """Return the reference price; `None` if the symbol has none now."""
        return self._market(symbol).reference_price(now)

    def next_trade_id(self, symbol: str) -> int:
        """Return the id that the next trade will have."""
        return self._market(symbol).trade_id

    def best(self, symbol: str) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
        """Return the best bid and the best ask as (price, visible quantity); `None` for an empty side."""
        market = self._market(symbol)
        bids, asks = _levels(market.bids.walk(), 1), _levels(market.asks.walk(), 1)
        return bids[0] if bids else None, asks[0] if asks else None

    def depth(self, symbol: str, limit: int) -> tuple[int, list[tuple[int, int]], list[tuple[int, int]]]:
        """Return (last update id, bids, asks), sides as (price, visible quantity), best first."""
        market = self._market(symbol)
        return market.execution_id, _levels(market.bids.walk(), limit), _levels(market.asks.walk(), limit)

    def find_order(
        self, account_id: int, symbol: str, *, order_id: int | None = None, client_order_id: str | None = None
    ) -> Order:
        """Return one order, open or closed.

        Raises:
            Rejection: No such order, or not with this client order id.
        """
        desk = self._desk(account_id, self._market(symbol))
        order = desk.find(order_id) if order_id is not None else desk.by_client_id.get(client_order_id or "")
        if order is None:
            raise Rejection(rejections.NO_SUCH_ORDER, "Order does not exist.")
        if client_order_id is not None and order.client_order_id != client_order_id:
            raise Rejection(
                rejections.CLIENT_ORDER_ID_INVALID, "Client order ID is not correct for this order ID."
            )
        return order

    def open_orders(self, account_id: int, symbol: str | None = None) -> list[Order]:
        """Return open orders by symbol, oldest first."""
        if symbol is not None:
            return list(self._desk(account_id, self._market(symbol)).open.values())
        return [order for desk in self._accounts[account_id].desks.values() for order in desk.open.values()]

    def find_list(
        self, account_id: int, *, order_list_id: int | None = None, list_client_order_id: str | None = None
    ) -> OrderList:
        """Return one order list, open or closed; the client id wins where both are given.

        Raises:
            Rejection: No such list.
        """
        account = self._accounts[account_id]
        if list_client_order_id is not None:
            order_list = account.lists_by_client_id.get(list_client_order_id)
        else:
            order_list = None if order_list_id is None else account.find_list(order_list_id)
        if order_list is None:
            raise Rejection(rejections.NO_SUCH_ORDER, "Order does not exist.")
        return order_list

    def open_lists(self, account_id: int) -> list[OrderList]:
        """Return open order lists, oldest first."""
        return list(self._accounts[account_id].open_lists.values())

    def desk(self, account_id: int, symbol: str) -> SymbolAccount:
        """Return what an account has on a symbol: orders, fills, amendments, prevented matches. Read only."""
        return self._desk(account_id, self._market(symbol))

    def account(self, account_id: int) -> Account:
        """Return an account: holdings, lists, commission rates. Read only."""
        return self._accounts[account_id]

    def balances(self, account_id: int) -> list[Balance]:
        """Return what an account holds, by name of the asset."""
        holdings = self._accounts[account_id].holdings
        return [holdings[asset].balance() for asset in sorted(holdings)]

    # inside

    def _market(self, symbol: str) -> Market:
        market = self._markets.get(symbol)
        if market is None:
            raise Rejection(rejections.BAD_SYMBOL, "Invalid symbol.")
        return market

    def _desk(self, account_id: int, market: Market) -> SymbolAccount:
        account = self._accounts[account_id]
        rules = market.rules
        desk = account.desks.get(rules.symbol)
        if desk is None:
            desk = SymbolAccount(account, market, self._exchange_rates)
            account.desks[rules.symbol] = desk
        return desk


def _levels(levels: Iterator[Level], limit: int) -> list[tuple[int, int]]:
    return [(level.price, level.visible) for level in islice(levels, limit)]
