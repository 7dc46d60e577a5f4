"""The matching engine: every request that a trader can make of the venue."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from . import amending, contingencies, filters, funds, order_lists, pegging, rejections, routing
from .accounts import SymbolAccount
from .action import Action
from .amounts import UNIT, quote_of
from .market import Market
from .orders import OPO_KINDS, STOP_TYPES, NewOrder, NewOrderList, Order
from .outcome import Outcome
from .rejections import Rejection, new_order
from .venue import Venue

__all__ = ["CancelReplaced", "MatchingEngine"]


CANCELLABLE = ("TRADING", "CANCEL_ONLY")


class CancelReplaced(NamedTuple):
    """How the halves of a cancel-replace ended; `placed` is `None` where it was not attempted."""

    cancelled: Outcome | Rejection
    placed: Outcome | Rejection | None


class MatchingEngine(Venue):
    """A venue without wires: books, orders, balances. See the package's docstring for how to drive it.

    Owner: the thread that calls it; it takes no locks.
    """

    # placing

    def test(self, account_id: int, new: NewOrder, now: int) -> None:
        """Raise what would keep the order from reaching the engine; nothing is placed.

        Raises:
            Rejection: The order's parameters or a filter.
        """
        market = self._market(new.symbol)
        self._check(market, self._desk(account_id, market), (new,), now)

    def place(self, account_id: int, new: NewOrder, now: int) -> Outcome:
        """Place one order.

        Raises:
            Rejection: The order was refused; nothing has changed, no id was used up.
        """
        market = self._market(new.symbol)
        desk = self._desk(account_id, market)
        self._check(market, desk, (new,), now)
        return self._place(market, desk, new, now)

    def _place(self, market: Market, desk: SymbolAccount, new: NewOrder, now: int) -> Outcome:
        _check_open(market)
        order = self._make(market, desk, new, now)
        self._check_at_engine(market, order)
        amount = funds.need(order, market.last_price)
        if amount > funds.holding_of(order).free:
            raise new_order(rejections.INSUFFICIENT_BALANCE)
        pool = routing.open_ones(self._pools[new.symbol]) if new.uses_sor else ()
        action = Action(market, now, pool)
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
        if desk.account.filters is not None:
            desk.account.filters.check_quantity(rules, quantity)
        order = Order(market.order_id, desk, new, quantity, new.stp_mode or rules.default_stp_mode, now)
        if pegging.is_due(new):
            # The cancel of a cancel-replace may have changed the book since the filters saw it.
            filters.check_order(market, pegging.at_its_price(market, new), now)
            pegging.fix(market, order)
        return order

    def _check(
        self, market: Market, desk: SymbolAccount, orders: tuple[NewOrder, ...], now: int, *, kind: str = ""
    ) -> None:
        """Check the parameters and filters of an order, or of those of a list of a kind.

        A pegged order has to pass with the price it was sent with, if any, and with that of the book; one
        that waits is looked at again when the book gives it its price.
        """
        account = desk.account
        if not account.may_trade(market.rules):
            raise new_order(rejections.NOT_PERMITTED)
        for place, order in enumerate(orders):
            if order.uses_sor:
                routing.check_composition(order, self._pools.get(order.symbol))
            filters.check_composition(market.rules, order, awaits_quantity=kind in OPO_KINDS and place > 0)
            filters.check_order(market, order, now)
            priced = order
            if pegging.is_due(order) and (kind in ("", "OCO") or not place):
                priced = pegging.at_its_price(market, order)
                filters.check_order(market, priced, now)
            if account.filters is not None:
                account.filters.check_assets(market, priced, now)
        filters.check_counts(market, self._exchange_filters, desk, orders, is_list=bool(kind))

    def _check_at_engine(self, market: Market, order: Order) -> None:
        if order.type == "LIMIT_MAKER" and market.side(not order.is_buy).crosses(order.price):
            raise new_order(rejections.WOULD_MATCH)
        if order.type in STOP_TYPES and contingencies.would_trigger(order, market.last_price):
            raise new_order(rejections.WOULD_TRIGGER)

    def place_list(self, account_id: int, new: NewOrderList, now: int) -> Outcome:
        """Place an order list; its orders get ids in wire order.

        Raises:
            Rejection: The list was refused whole; nothing has changed.
        """
        market = self._market(new.symbol)
        desk = self._desk(account_id, market)
        order_lists.check_composition(market.rules, new)
        self._check(market, desk, new.orders, now, kind=new.kind)
        _check_open(market)
        action = order_lists.place(market, desk, new, self._next_list_id, now)
        self._next_list_id += 1
        return self._finish(action)

    def cancel_replace(
        self,
        account_id: int,
        new: NewOrder,
        now: int,
        *,
        mode: str,
        cancel_order_id: int | None = None,
        cancel_client_order_id: str | None = None,
        cancel_new_client_order_id: str,
        restrictions: str | None = None,
    ) -> CancelReplaced:
        """Cancel one order and place another on the same symbol, each with its own end.

        `mode` STOP_ON_FAILURE leaves the new order unattempted when the cancel fails, ALLOW_FAILURE does not.

        Raises:
            Rejection: The new order's parameters or a filter; nothing was cancelled.
        """
        market = self._market(new.symbol)
        desk = self._desk(account_id, market)
        if not market.rules.cancel_replace_allowed:
            raise new_order("Order cancel-replace is not supported for this symbol.")
        self._check(market, desk, (new,), now)
        cancelled: Outcome | Rejection
        try:
            cancelled = self.cancel(
                account_id,
                new.symbol,
                now,
                order_id=cancel_order_id,
                client_order_id=cancel_client_order_id,
                new_client_order_id=cancel_new_client_order_id,
                restrictions=restrictions,
            )
        except Rejection as refusal:
            if refusal.code != rejections.CANCEL_REJECTED:
                raise
            if mode == "STOP_ON_FAILURE":
                return CancelReplaced(refusal, None)
            cancelled = refusal
        try:
            return CancelReplaced(cancelled, self._place(market, desk, new, now))
        except Rejection as refusal:
            return CancelReplaced(cancelled, refusal)

    def amend(
        self,
        account_id: int,
        symbol: str,
        now: int,
        *,
        order_id: int | None = None,
        client_order_id: str | None = None,
        new_quantity: int,
        new_client_order_id: str,
    ) -> Outcome:
        """Lower an open order's quantity; it keeps its place in the queue.

        Raises:
            Rejection: The amendment was refused; the order is as it was.
        """
        market = self._market(symbol)
        if market.rules.status not in CANCELLABLE:
            raise Rejection(rejections.ORDER_AMEND_REJECTED, rejections.MARKET_CLOSED)
        order = _find(self._desk(account_id, market), order_id, client_order_id)
        if order is None or not order.is_open:
            raise Rejection(rejections.ORDER_AMEND_REJECTED, rejections.UNKNOWN_ORDER)
        return self._finish(amending.amend(market, order, new_quantity, new_client_order_id, now))

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
        market = self._cancellable(symbol)
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
        market = self._cancellable(symbol)
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

    def cancel_list(
        self,
        account_id: int,
        symbol: str,
        now: int,
        *,
        order_list_id: int | None = None,
        list_client_order_id: str | None = None,
        new_client_order_id: str,
    ) -> Outcome:
        """Cancel every open order of a list.

        Raises:
            Rejection: No such open list.
        """
        market = self._cancellable(symbol)
        account = self._accounts[account_id]
        if order_list_id is not None:
            order_list = account.find_list(order_list_id)
        else:
            order_list = account.lists_by_client_id.get(list_client_order_id or "")
        if (
            order_list is None
            or not order_list.is_open
            or order_list.symbol != symbol
            or list_client_order_id not in (None, order_list.list_client_order_id)
        ):
            raise Rejection(rejections.CANCEL_REJECTED, rejections.UNKNOWN_ORDER)
        action = Action(market, now)
        self._cancel(action, next(order for order in order_list.orders if order.is_open), new_client_order_id)
        return self._finish(action)

    def _cancellable(self, symbol: str) -> Market:
        market = self._market(symbol)
        if market.rules.status not in CANCELLABLE:
            raise Rejection(rejections.CANCEL_REJECTED, rejections.MARKET_CLOSED)
        return market

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

    def _finish(self, action: Action) -> Outcome:
        action.keep_reply()
        outcome = action.follow_up()
        for asset, amount in outcome.fees.items():
            self.fees[asset] = self.fees.get(asset, 0) + amount
        for asset, amount in outcome.exchanged.items():
            self.exchanged[asset] = self.exchanged.get(asset, 0) + amount
        return outcome


def _check_open(market: Market) -> None:
    """Raise unless orders can be placed on the symbol now; a cancel may have gone before."""
    if market.rules.status != "TRADING":
        raise new_order(rejections.MARKET_CLOSED)


def _find(desk: SymbolAccount, order_id: int | None, client_order_id: str | None) -> Order | None:
    """Find by the numeric id if there is one (then the client id must match too), else by the client id."""
    if order_id is None:
        return None if client_order_id is None else desk.by_client_id.get(client_order_id)
    order = desk.find(order_id)
    if order is not None and client_order_id is not None and order.client_order_id != client_order_id:
        return None
    return order


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
