"""Orders that wait for a price: stops, take-profits and trailing stops of one symbol."""

from __future__ import annotations

from bisect import bisect_left, insort

from .orders import Order

BASIS_POINTS = 10_000


def triggers_when_rising(order_type: str, is_buy: bool) -> bool:
    """Whether a stop or take-profit order is met by a price at or above its stop price."""
    return is_buy == order_type.startswith("STOP_LOSS")


class TriggerBook:
    """Waiting orders by the price that sets them off; cost per trade does not depend on how many wait.

    Only trailing orders that are tracking are looked at on every trade.

    Owner: the engine's thread.
    """

    __slots__ = ("_falling", "_orders", "_rising", "_tracking")

    def __init__(self) -> None:
        # (price with the sign that puts the first to be met last, minus the order id)
        self._rising: list[tuple[int, int]] = []
        self._falling: list[tuple[int, int]] = []
        self._orders: dict[int, Order] = {}
        self._tracking: dict[int, Order] = {}

    def add(self, order: Order) -> None:
        """Let an order wait for its stop price or, without one, trail from the next trade on."""
        if not order.stop_price:
            self._tracking[order.order_id] = order
            return
        self._orders[order.order_id] = order
        if triggers_when_rising(order.type, order.is_buy):
            insort(self._rising, (-order.stop_price, -order.order_id))
        else:
            insort(self._falling, (order.stop_price, -order.order_id))

    def remove(self, order: Order) -> None:
        """Forget an order, if it still waits."""
        if self._tracking.pop(order.order_id, None) is not None:
            return
        if self._orders.pop(order.order_id, None) is None:
            return
        if triggers_when_rising(order.type, order.is_buy):
            waiting, entry = self._rising, (-order.stop_price, -order.order_id)
        else:
            waiting, entry = self._falling, (order.stop_price, -order.order_id)
        del waiting[bisect_left(waiting, entry)]

    def observe(self, price: int, now: int) -> list[Order]:
        """Return the orders that a trade at `price` sets off, and let the trailing ones follow it."""
        fired: list[Order] = []
        if self._tracking:
            self._follow(price, now, fired)
        rising, falling = self._rising, self._falling
        while rising and -rising[-1][0] <= price:
            self._met(-rising.pop()[1], price, now, fired)
        while falling and falling[-1][0] >= price:
            self._met(-falling.pop()[1], price, now, fired)
        return fired

    def _met(self, order_id: int, price: int, now: int, fired: list[Order]) -> None:
        order = self._orders.pop(order_id)
        if order.trailing_delta:
            order.extreme = price
            order.trailing_time = now
            self._tracking[order_id] = order
        else:
            fired.append(order)

    def _follow(self, price: int, now: int, fired: list[Order]) -> None:
        for order in self._tracking.values():
            extreme = order.extreme
            if not extreme:
                order.extreme = price
                order.trailing_time = now
            elif order.is_buy:
                if price < extreme:
                    order.extreme = price
                elif price * BASIS_POINTS >= extreme * (BASIS_POINTS + order.trailing_delta):
                    fired.append(order)
            elif price > extreme:
                order.extreme = price
            elif price * BASIS_POINTS <= extreme * (BASIS_POINTS - order.trailing_delta):
                fired.append(order)
        for order in fired:
            del self._tracking[order.order_id]
