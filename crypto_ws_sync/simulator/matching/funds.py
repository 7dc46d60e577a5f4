"""Money set aside for orders and moved by trades; every unit that leaves one place arrives in another."""

from __future__ import annotations

from .accounts import Holding
from .amounts import quote_to_lock
from .orders import LIMIT_TYPES, Order, OrderList


def holding_of(order: Order) -> Holding:
    """Return what the order pays with."""
    return order.desk.quote if order.is_buy else order.desk.base


def need(order: Order, last_price: int) -> int:
    """Return what has to be set aside while the order is open.

    A sale sets its quantity aside. A purchase sets aside its limit price times quantity; a stop without a
    limit, or a pegged order that has no price yet, its stop price (where there is none the last price) times
    quantity; a market order nothing, since what it will cost is not known before it executes.
    """
    if not order.is_buy:
        return order.open_quantity
    if order.type in LIMIT_TYPES and order.price:
        return quote_to_lock(order.price, order.open_quantity)
    if order.type == "MARKET":
        return 0
    return quote_to_lock(order.stop_price or last_price, order.open_quantity)


def lock(order: Order, amount: int) -> None:
    """Set `amount` aside for an order; the caller has seen that it is there."""
    holding = holding_of(order)
    holding.free -= amount
    holding.locked += amount
    order.locked += amount


def release(order: Order) -> None:
    """Free all that is set aside for an order."""
    if order.locked:
        holding = holding_of(order)
        holding.locked -= order.locked
        holding.free += order.locked
        order.locked = 0


def lower(order: Order, amount: int) -> None:
    """Free what is set aside for an order beyond `amount`."""
    freed = order.locked - amount
    if freed > 0:
        holding = holding_of(order)
        holding.locked -= freed
        holding.free += freed
        order.locked = amount


def share(order_list: OrderList, amount: int) -> None:
    """Set aside once what either leg of a pair may need."""
    holding = holding_of(order_list.pair[0])
    holding.free -= amount
    holding.locked += amount
    order_list.shared_lock += amount


def unshare(order_list: OrderList, amount: int = 0) -> None:
    """Free what is set aside for a pair beyond `amount`."""
    freed = order_list.shared_lock - amount
    if freed > 0:
        holding = holding_of(order_list.pair[0])
        holding.locked -= freed
        holding.free += freed
        order_list.shared_lock = amount


def can_pay(buyer: Order, quote: int) -> bool:
    """Whether a purchase can pay `quote` now; only those without money set aside may be short."""
    return bool(buyer.locked) or buyer.desk.quote.free >= quote


def settle_buyer(buyer: Order, quantity: int, quote: int) -> None:
    """Pay for a fill and take in the base asset; called before the order counts the fill as executed."""
    desk = buyer.desk
    if buyer.locked:
        still_locked = quote_to_lock(buyer.price, buyer.open_quantity - quantity)
        released = buyer.locked - still_locked
        buyer.locked = still_locked
        desk.quote.locked -= released
        desk.quote.free += released - quote
    else:
        desk.quote.free -= quote
    desk.base.free += quantity


def settle_seller(seller: Order, quantity: int, quote: int) -> None:
    """Hand over a fill's base asset and take in the quote asset."""
    desk = seller.desk
    seller.locked -= quantity
    desk.base.locked -= quantity
    desk.quote.free += quote
