"""One request being carried out on its market: each change of an order's state, with the event to tell it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from . import contingencies, funds, pegging, proceeds, routing
from .accounts import Holding, SymbolAccount
from .amounts import quote_of
from .book import Level
from .market import Market
from .orders import LIMIT_TYPES, STOP_TYPES, Order, OrderList
from .outcome import Outcome
from .prevention import belong_together, prevent
from .price_range import OUT_OF_RANGE, PriceLimits
from .records import (
    AccountPosition,
    Balance,
    Execution,
    Fill,
    FirstFill,
    ListStatus,
    PreventedMatch,
    Trade,
)

TAKER_RELIEF = 1
MAKER_RELIEF = 5


class Action:
    """Carries one request out and writes down what happened.

    Owner: the engine's thread.
    """

    __slots__ = ("activations", "market", "now", "outcome", "paid_from", "pool", "routed_ids", "touched")

    def __init__(self, market: Market, now: int, pool: tuple[Market, ...] = ()) -> None:
        """Carry out a request on a market; one with smart routing on the markets of its pool as well."""
        self.market = market
        self.pool = pool or (market,)
        self.routed_ids: dict[Market, int] = {}
        self.now = now
        self.outcome = Outcome(now)
        self.activations: deque[OrderList] = deque()
        self.touched: dict[SymbolAccount, None] = {}
        self.paid_from: dict[SymbolAccount, Holding] = {}

    # what happens to one order

    def start(self, order: Order) -> None:
        """Let an accepted order wait for its price, or go to market."""
        if order.type in STOP_TYPES:
            self.report(order, "NEW")
            order.desk.market.triggers.add(order)
        else:
            order.working_time = self.now
            self.report(order, "NEW", is_on_book=True)
            self.work(order)

    def work(self, order: Order) -> None:
        """Match an order against the book, or those of its pool, then rest or expire what is left of it."""
        market = order.desk.market
        is_limited = order.type in LIMIT_TYPES
        limit = order.price if is_limited else 0
        # set once for all that the order takes
        bounds = market.taker_limits(order.is_buy, self.now)
        if order.time_in_force == "FOK" and is_limited and not self._fills_whole(order, limit, bounds):
            would_fill = bounds is not None and self._fills_whole(order, limit, None)
            self.expire(order, OUT_OF_RANGE if would_fill else "UNFILLED_FOK_ORDER_EXPIRED")
            return
        if order.uses_sor:
            routing.match(self, order, limit, bounds)
        elif not limit or market.side(not order.is_buy).crosses(limit):
            self._match(order, limit, bounds)
        if not order.is_open:
            return
        if not is_limited:
            self.expire(order, "INSUFFICIENT_LIQUIDITY")
        elif order.time_in_force == "IOC":
            self.expire(order, "UNFILLED_IOC_QUANTITY_EXPIRED")
        else:
            if order.uses_sor:
                order.working_floor = routing.EXCHANGE
            market.side(order.is_buy).add(order)

    def expire(self, order: Order, reason: str) -> int:
        """End an order because its own rules, or its list's, say so; return the execution's id."""
        self.close(order, "EXPIRED", reason)
        execution_id = self.report(order, "EXPIRED", expiry_reason=reason)
        contingencies.after_end(self, order)
        return execution_id

    def refuse(self, order: Order, reason: str) -> None:
        """End an order that was accepted to wait, and cannot go to market now that it should.

        What follows for its list is the caller's business.
        """
        self.close(order, "REJECTED")
        self.report(order, "REJECTED", reject_reason=reason)

    def cancel(self, order: Order, client_order_id: str) -> None:
        """End an order at its owner's wish; the other orders of its list are the caller's business."""
        self.close(order, "CANCELED")
        self.report(order, "CANCELED", client_order_id, order.client_order_id)

    def close(self, order: Order, status: str, expiry_reason: str = "NONE") -> None:
        """Take an order out of play and free what was set aside for it."""
        if order.level is not None:
            order.desk.market.side(order.is_buy).remove(order)
        elif order.type in STOP_TYPES:
            order.desk.market.triggers.remove(order)
        if order.order_list is not None:
            contingencies.unshare(order, status)
        funds.release(order)
        order.status = status
        order.is_open = False
        order.expiry_reason = expiry_reason
        order.update_time = self.now
        order.visible = 0
        order.desk.closed(order)

    # matching

    def _fills_whole(self, order: Order, limit: int, bounds: PriceLimits | None) -> bool:
        needed = order.open_quantity
        prevents = order.stp_mode != "NONE"
        for level in self._levels(order, limit):
            if bounds is not None and not bounds.allow(level):
                return False
            if not prevents:
                needed -= level.total
            else:
                for maker in level:
                    if not belong_together(order, maker):
                        needed -= maker.open_quantity
                    elif order.stp_mode != "EXPIRE_MAKER":
                        return needed <= 0
            if needed <= 0:
                return True
        return False

    def _levels(self, order: Order, limit: int = 0) -> Iterator[Level]:
        """Yield what an order may take from, best first."""
        if order.uses_sor:
            return routing.levels(self.pool, order.is_buy, limit)
        return order.desk.market.side(not order.is_buy).within(limit)

    def _match(self, taker: Order, limit: int, bounds: PriceLimits | None) -> None:
        side = taker.desk.market.side(not taker.is_buy)
        # prices with the side's sign: the best one has the largest key
        worst = -limit if taker.is_buy else limit
        keys = side.keys
        while taker.is_open and keys and (not limit or keys[-1] >= worst):
            if not self.meet(taker, side.levels[keys[-1]], bounds):
                return

    def meet(self, taker: Order, level: Level, bounds: PriceLimits | None) -> bool:
        """Let an order meet the first of a level: trade, or prevent that.

        False if it can go no further: it cannot pay any more, or has expired at the bounds of its price range.
        """
        if bounds is not None and not bounds.allow(level):
            self.expire(taker, OUT_OF_RANGE)
            return False
        maker = level.head
        assert maker is not None
        if taker.stp_mode != "NONE" and belong_together(taker, maker):
            prevent(self, taker, maker)
            return True
        return self._trade(taker, maker, level.price, min(taker.open_quantity, maker.visible))

    def _trade(self, taker: Order, maker: Order, price: int, quantity: int) -> bool:
        market = maker.desk.market
        buyer, seller = (taker, maker) if taker.is_buy else (maker, taker)
        quote = quote_of(price, quantity)
        if taker.is_buy and not funds.can_pay(taker, quote):
            return False
        if maker.order_list is not None:
            contingencies.before_execution(self, maker)
        trade_id = market.trade_id
        market.trade_id = trade_id + 1
        funds.settle_buyer(buyer, quantity, quote)
        funds.settle_seller(seller, quantity, quote)
        # One after the other: both may be of one account, and have enough BNB for one of them alone.
        buyer_fee, buyer_pays = self._charge(buyer, quantity, buyer is maker)
        if buyer.order_list is not None:
            proceeds.keep(buyer, quantity, buyer_fee, buyer_pays)
        seller_fee, seller_pays = self._charge(seller, quote, seller is maker)
        buyer_cost, seller_cost = (buyer_fee, buyer_pays.asset), (seller_fee, seller_pays.asset)
        taker_id, allocation_id = taker.order_id, -1
        if taker.uses_sor:
            taker_id, allocation_id = routing.allocate(self, taker, maker, quote)
        buyer_id, seller_id = (taker_id, maker.order_id) if taker.is_buy else (maker.order_id, taker_id)
        market.side(maker.is_buy).execute(maker, quantity)
        self.outcome.trades.append(
            Trade(
                market.rules.symbol,
                trade_id,
                price,
                quantity,
                quote,
                self.now,
                buyer is maker,
                buyer_id,
                seller_id,
            )
        )
        taker_cost, maker_cost = (buyer_cost, seller_cost) if taker.is_buy else (seller_cost, buyer_cost)
        taken_id = trade_id if allocation_id < 0 else -1
        self._filled(taker, taken_id, price, quantity, quote, taker_cost, False, allocation_id)
        self._filled(maker, trade_id, price, quantity, quote, maker_cost, True)
        market.traded(self.now, price, quantity)
        market.fired.extend(market.triggers.observe(price, self.now))
        if not taker.is_open:
            contingencies.after_end(self, taker)
        if not maker.is_open:
            contingencies.after_end(self, maker)
        return True

    def _filled(
        self,
        order: Order,
        trade_id: int,
        price: int,
        quantity: int,
        quote: int,
        cost: tuple[int, str],
        is_maker: bool,
        allocation_id: int = -1,
    ) -> None:
        desk = order.desk
        is_first = not order.executed
        order.executed += quantity
        order.executed_quote += quote
        order.update_time = self.now
        if order.open_quantity:
            order.status = "PARTIALLY_FILLED"
        else:
            self.close(order, "FILLED")
        if not desk.is_observed:
            desk.market.execution_id += 1
            return
        fill = Fill(
            desk.symbol,
            trade_id,
            order.order_id,
            order.order_list_id,
            price,
            quantity,
            quote,
            *cost,
            self.now,
            order.is_buy,
            is_maker,
            allocation_id,
        )
        (desk.fills if allocation_id < 0 else desk.allocations).append(fill)
        if not is_maker and self.outcome.orders and order is self.outcome.orders[0]:
            self.outcome.fills.append(fill)
        if is_first:
            relief = MAKER_RELIEF if is_maker else TAKER_RELIEF
            self.outcome.first_fills.append(
                FirstFill(desk.account_id, desk.symbol, order.order_id, is_maker, relief)
            )
        rests = is_maker or (order.type in LIMIT_TYPES and order.time_in_force == "GTC")
        self.report(order, "TRADE", is_on_book=order.is_open and rests, fill=fill)

    def _charge(self, order: Order, received: int, is_maker: bool) -> tuple[int, Holding]:
        """Take the commission on what a fill brought in; return how much, and out of which holding."""
        desk = order.desk
        amount, holding = desk.commission(received, is_buyer=order.is_buy, is_maker=is_maker)
        if amount:
            holding.free -= amount
            fees = self.outcome.fees
            fees[holding.asset] = fees.get(holding.asset, 0) + amount
            if holding is not desk.base and holding is not desk.quote:
                self.paid_from[desk] = holding
        return amount, holding

    # what follows from it

    def keep_reply(self) -> None:
        """Keep the replied orders as they are now, if what follows may change them."""
        if self.outcome.order_list is not None:
            self.outcome.list_status = self._list_status(self.outcome.order_list)
        if self.activations or any(market.fired for market in self.pool):
            self.outcome.orders = [order.snapshot() for order in self.outcome.orders]

    def follow_up(self) -> Outcome:
        """Carry out all that the request set off, tell the balances, and return the outcome."""
        while self.activations or any(market.fired for market in self.pool):
            if self.activations:
                contingencies.activate(self, self.activations.popleft())
            else:
                order = next(market.fired for market in self.pool if market.fired).popleft()
                if order.is_open:
                    self._trigger(order)
        events = self.outcome.events
        for desk in self.touched:
            desk.account.updated_at = self.now
            balances: tuple[Balance, ...] = (desk.base.balance(), desk.quote.balance())
            paid_from = self.paid_from.get(desk)
            if paid_from is not None:
                balances += (paid_from.balance(),)
            events.append(AccountPosition(desk.account_id, self.now, balances))
        return self.outcome

    def _trigger(self, order: Order) -> None:
        contingencies.before_execution(self, order)
        reason = ""
        if order.peg_price_type:
            reason = pegging.settle(order.desk.market, order, self.now)
        elif order.type not in LIMIT_TYPES and order.is_buy:
            funds.release(order)
            reason = "" if self.can_afford(order) else "INSUFFICIENT_BALANCES"
        if reason:
            self.refuse(order, reason)
            contingencies.after_end(self, order)
            return
        order.working_time = order.update_time = self.now
        self.report(order, "NEW", is_on_book=True)
        self.work(order)

    def can_afford(self, order: Order) -> bool:
        """Whether free funds pay for a purchase at whatever price the book asks."""
        cost = 0
        left = order.open_quantity
        for level in self._levels(order):
            quantity = min(left, level.total)
            cost += quote_of(level.price, quantity)
            left -= quantity
            if not left:
                break
        return cost <= order.desk.quote.free

    # telling it

    def report(
        self,
        order: Order,
        execution_type: str,
        client_order_id: str = "",
        orig_client_order_id: str = "",
        *,
        is_on_book: bool = False,
        fill: Fill | None = None,
        prevented_match: PreventedMatch | None = None,
        last_prevented: int = 0,
        counter: Order | None = None,
        reject_reason: str = "NONE",
        expiry_reason: str = "NONE",
    ) -> int:
        """Tell a change of an order to its account and return the execution's id."""
        desk = order.desk
        market = desk.market
        execution_id = market.execution_id = market.execution_id + 1
        if desk.is_observed:
            self.touched[desk] = None
            self.outcome.events.append(
                Execution(
                    desk.account_id,
                    order,
                    execution_type,
                    execution_id,
                    self.now,
                    order.status,
                    client_order_id or order.client_order_id,
                    orig_client_order_id,
                    order.quantity,
                    order.executed,
                    order.executed_quote,
                    order.prevented,
                    order.working_time,
                    order.trailing_time,
                    is_on_book,
                    fill,
                    prevented_match,
                    last_prevented,
                    -1 if counter is None else counter.order_id,
                    reject_reason,
                    expiry_reason,
                    order.pegged_price,
                    order.working_floor,
                )
            )
        return execution_id

    def report_list(self, order_list: OrderList) -> None:
        """Tell the state of an order list to its account."""
        if order_list.desk.is_observed:
            self.outcome.events.append(self._list_status(order_list))

    def _list_status(self, order_list: OrderList) -> ListStatus:
        return ListStatus(
            order_list.account_id,
            order_list,
            self.now,
            order_list.list_status_type,
            order_list.list_order_status,
            order_list.legs(),
        )
