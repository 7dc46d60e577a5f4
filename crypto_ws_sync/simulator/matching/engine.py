"""The matching engine: every request a trader can make, and every question that can be asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice

from . import contingencies, filters, funds, rejections
from .accounts import Account, CommissionRates, SymbolAccount
from .action import Action, Outcome
from .amounts import UNIT, quote_of
from .book import Level
from .market import Market
from .orders import STOP_TYPES, NewOrder, Order
from .records import AccountPosition, Balance
from .rejections import Rejection, new_order
from .symbols import ExchangeFilters, SymbolRules

__all__ = ["MatchingEngine"]


class MatchingEngine:
    """A venue without wires: books, orders, balances. See the package's docstring for how to drive it.

    Owner: the thread that calls it; it takes no locks.
    """

    def __init__(self, exchange_filters: ExchangeFilters | None = None) -> None:
        self._exchange_filters = exchange_filters or ExchangeFilters()
        self._markets: dict[str, Market] = {}
        self._accounts: dict[int, Account] = {}
        self._next_list_id = 0
        self.fees: dict[str, int] = {}

    # setting up

    def add_symbol(
        self, rules: SymbolRules, *, last_price: int = 0, first_order_id: int = 1, first_trade_id: int = 1
    ) -> None:
        """Open a symbol for trading; the ids of its orders and trades go on from the given ones."""
        self._markets[rules.symbol] = Market(rules, last_price, first_order_id, first_trade_id)

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

    def deposit(self, account_id: int, asset: str, amount: int, now: int) -> AccountPosition:
        """Add to what is free of an asset (a negative amount takes away), and return the new position."""
        account = self._accounts[account_id]
        holding = account.holding(asset)
        if holding.free + amount < 0:
            raise ValueError(f"account {account_id} has less {asset} than that")
        holding.free += amount
        account.updated_at = now
        return AccountPosition(account_id, now, (holding.balance(),))

    # placing

    def test(self, account_id: int, new: NewOrder, now: int) -> None:
        """Raise what would keep the order from reaching the engine; nothing is placed.

        Raises:
            Rejection: The order's parameters or a filter.
        """
        market = self._market(new.symbol)
        self._check(market, self._desk(account_id, market), (new,), now, is_list=False)

    def place(self, account_id: int, new: NewOrder, now: int) -> Outcome:
        """Place one order.

        Raises:
            Rejection: The order was refused; nothing has changed, no id was used up.
        """
        market = self._market(new.symbol)
        desk = self._desk(account_id, market)
        self._check(market, desk, (new,), now, is_list=False)
        return self._place(market, desk, new, now)

    def _place(self, market: Market, desk: SymbolAccount, new: NewOrder, now: int) -> Outcome:
        order = self._make(market, desk, new, now)
        self._check_at_engine(market, order)
        amount = funds.need(order, market.last_price)
        if amount > funds.holding_of(order).free:
            raise new_order(rejections.INSUFFICIENT_BALANCE)
        action = Action(market, now)
        if order.type == "MARKET" and order.is_buy and not action.can_afford(order):
            raise new_order(rejections.INSUFFICIENT_BALANCE)
        market.order_id += 1
        desk.opened(order)
        funds.lock(order, amount)
        action.outcome.orders.append(order)
        action.start(order)
        return self._finish(action)

    def _make(self, market: Market, desk: SymbolAccount, new: NewOrder, now: int) -> Order:
        rules = market.rules
        known = desk.by_client_id.get(new.client_order_id)
        if known is not None and known.is_open:
            raise new_order(rejections.DUPLICATE_ORDER)
        quantity = new.quantity or _quantity_for_quote(market, new)
        return Order(market.order_id, desk, new, quantity, new.stp_mode or rules.default_stp_mode, now)

    def _check(
        self, market: Market, desk: SymbolAccount, orders: tuple[NewOrder, ...], now: int, *, is_list: bool
    ) -> None:
        if market.rules.status != "TRADING":
            raise new_order(rejections.MARKET_CLOSED)
        for order in orders:
            filters.check_composition(market.rules, order)
            filters.check_order(market, order, now)
        filters.check_counts(market, self._exchange_filters, desk, orders, is_list=is_list)

    def _check_at_engine(self, market: Market, order: Order) -> None:
        if order.type == "LIMIT_MAKER" and market.side(not order.is_buy).crosses(order.price):
            raise new_order(rejections.WOULD_MATCH)
        if order.type in STOP_TYPES and contingencies.would_trigger(order, market.last_price):
            raise new_order(rejections.WOULD_TRIGGER)

    # cancelling

    def cancel(
        self,
        account_id: int,
        symbol: str,
        now: int,
        *,
        order_id: int | None = None,
        client_order_id: str | None = None,
        new_client_order_id: str,
        restrictions: str | None = None,
    ) -> Outcome:
        """Cancel one order, and with it the list it belongs to.

        Raises:
            Rejection: No such open order, or not in the state that `restrictions` asks for.
        """
        market = self._market(symbol)
        if restrictions not in (None, "ONLY_NEW", "ONLY_PARTIALLY_FILLED"):
            raise Rejection(rejections.INVALID_CANCEL_RESTRICTIONS, "Invalid cancelRestrictions")
        order = _find(self._desk(account_id, market), order_id, client_order_id)
        if order is None or not order.is_open:
            raise Rejection(rejections.CANCEL_REJECTED, rejections.UNKNOWN_ORDER)
        if restrictions is not None and order.status != restrictions.removeprefix("ONLY_"):
            raise Rejection(rejections.CANCEL_REJECTED, rejections.CANCEL_RESTRICTED)
        action = Action(market, now)
        self._cancel(action, order, new_client_order_id)
        return self._finish(action)

    def cancel_all(
        self, account_id: int, symbol: str, now: int, make_client_order_id: Callable[[], str]
    ) -> list[Outcome]:
        """Cancel every open order and list on a symbol; an outcome for each order or list, oldest first.

        Raises:
            Rejection: Nothing was open.
        """
        market = self._market(symbol)
        desk = self._desk(account_id, market)
        if not desk.open:
            raise Rejection(rejections.CANCEL_REJECTED, rejections.UNKNOWN_ORDER)
        outcomes = []
        for order in list(desk.open.values()):
            if order.is_open:
                action = Action(market, now)
                self._cancel(action, order, make_client_order_id())
                outcomes.append(self._finish(action))
        return outcomes

    def _cancel(self, action: Action, order: Order, client_order_id: str) -> None:
        outcome = action.outcome
        outcome.client_order_id = client_order_id
        if order.order_list is None:
            outcome.orders.append(order)
            action.cancel(order, client_order_id)
        else:
            outcome.order_list = order.order_list
            outcome.orders.extend(leg for leg in order.order_list.orders if leg.is_open)
            contingencies.cancel(action, order.order_list, client_order_id)

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
        order = _find(self._desk(account_id, self._market(symbol)), order_id, None)
        if order_id is None and client_order_id is not None:
            order = _find(self._desk(account_id, self._market(symbol)), None, client_order_id)
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
            desk = SymbolAccount(account, rules.symbol, rules.base_asset, rules.quote_asset)
            account.desks[rules.symbol] = desk
        return desk

    def _finish(self, action: Action) -> Outcome:
        action.keep_reply()
        outcome = action.follow_up()
        for asset, amount in outcome.fees.items():
            self.fees[asset] = self.fees.get(asset, 0) + amount
        return outcome


def _find(desk: SymbolAccount, order_id: int | None, client_order_id: str | None) -> Order | None:
    """Find by the numeric id if there is one (then the client id must match too), else by the client id."""
    if order_id is None:
        return None if client_order_id is None else desk.by_client_id.get(client_order_id)
    order = desk.find(order_id)
    if order is not None and client_order_id is not None and order.client_order_id != client_order_id:
        return None
    return order


def _levels(levels: Iterator[Level], limit: int) -> list[tuple[int, int]]:
    return [(level.price, level.visible) for level in islice(levels, limit)]


def _quantity_for_quote(market: Market, new: NewOrder) -> int:
    """Return the quantity whose notional comes nearest to a quote amount without passing it.

    Where the book is too thin, what is missing counts at the last level's price, to expire unexecuted.
    """
    left = new.quote_order_quantity
    quantity = price = 0
    for level in market.side(new.side != "BUY").walk():
        price = level.price
        notional = quote_of(price, level.total)
        if notional >= left:
            break
        quantity += level.total
        left -= notional
    if not price:
        raise new_order("Order book liquidity is less than symbol minimum quantity.")
    quantity += left * UNIT // price
    for lot, name in (
        (market.rules.filters.lot_size, "LOT_SIZE"),
        (market.rules.filters.market_lot_size, "MARKET_LOT_SIZE"),
    ):
        if lot is not None:
            if lot.step_size:
                quantity -= quantity % lot.step_size
            if quantity < lot.min_quantity:
                raise new_order(f"Order book liquidity is less than `{name}` filter minimum quantity.")
            filters.check_lot(lot, quantity, name)
    if not quantity:
        raise new_order("Order book liquidity is less than symbol minimum quantity.")
    return quantity
