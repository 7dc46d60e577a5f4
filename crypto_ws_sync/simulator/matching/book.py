"""The two sides of an order book: price levels, each a queue in order of time."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator

from .orders import Order


class Level:
    """All resting orders at one price, oldest first.

    `total` is what can be executed, `visible` what is shown; they differ by the hidden part of icebergs.

    Owner: the engine's thread.
    """

    __slots__ = ("head", "price", "tail", "total", "visible")

    def __init__(self, price: int) -> None:
        self.price = price
        self.head: Order | None = None
        self.tail: Order | None = None
        self.total = 0
        self.visible = 0

    def __iter__(self) -> Iterator[Order]:
        order = self.head
        while order is not None:
            yield order
            order = order.after

    def append(self, order: Order) -> None:
        """Put an order at the back of the queue."""
        order.level = self
        order.before = self.tail
        if self.tail is None:
            self.head = order
        else:
            self.tail.after = order
        self.tail = order

    def unlink(self, order: Order) -> None:
        """Take an order out of the queue, wherever it stands."""
        before, after = order.before, order.after
        if before is None:
            self.head = after
        else:
            before.after = after
        if after is None:
            self.tail = before
        else:
            after.before = before
        order.level = order.before = order.after = None


class BookSide:
    """The bids or the asks. The best price stands last in `keys` (negated prices on the ask side).

    Owner: the engine's thread.
    """

    __slots__ = ("_sign", "keys", "levels")

    def __init__(self, *, is_bid: bool) -> None:
        self._sign = 1 if is_bid else -1
        self.keys: list[int] = []
        self.levels: dict[int, Level] = {}

    def walk(self) -> Iterator[Level]:
        """Yield the levels, best first."""
        levels = self.levels
        for key in reversed(self.keys):
            yield levels[key]

    def within(self, limit: int) -> Iterator[Level]:
        """Yield the levels that an order of the other side with this limit price (0: none) may take from."""
        sign = self._sign
        for level in self.walk():
            if limit and (level.price - limit) * sign < 0:
                return
            yield level

    def crosses(self, limit: int) -> bool:
        """Whether an order of the other side with this limit price would match at once."""
        return bool(self.keys) and self.keys[-1] >= limit * self._sign

    def add(self, order: Order) -> None:
        """Rest an order at its price, behind those that are there."""
        key = order.price * self._sign
        level = self.levels.get(key)
        if level is None:
            level = self.levels[key] = Level(order.price)
            insort(self.keys, key)
        open_quantity = order.open_quantity
        order.visible = (
            min(order.iceberg_quantity, open_quantity) if order.iceberg_quantity else open_quantity
        )
        level.total += open_quantity
        level.visible += order.visible
        level.append(order)

    def remove(self, order: Order) -> None:
        """Take a resting order out; its open quantity must still be what the level counts."""
        level = order.level
        assert level is not None
        level.total -= order.open_quantity
        level.visible -= order.visible
        self._leave(level, order)

    def execute(self, order: Order, quantity: int) -> None:
        """Take `quantity` of an order's visible part, before the order itself counts it as executed.

        An iceberg whose visible part is used up shows the next one at the back of the queue.
        """
        level = order.level
        assert level is not None
        level.total -= quantity
        level.visible -= quantity
        order.visible -= quantity
        if order.visible:
            return
        left = order.open_quantity - quantity
        if not left:
            self._leave(level, order)
            return
        order.visible = min(order.iceberg_quantity, left)
        level.visible += order.visible
        level.unlink(order)
        level.append(order)

    def shrink(self, order: Order, new_open: int) -> None:
        """Lower a resting order's open quantity where it stands; its visible part shrinks only if it must."""
        level = order.level
        assert level is not None
        level.total -= order.open_quantity - new_open
        if order.visible > new_open:
            level.visible -= order.visible - new_open
            order.visible = new_open

    def _leave(self, level: Level, order: Order) -> None:
        level.unlink(order)
        if level.head is None:
            key = level.price * self._sign
            del self.levels[key]
            keys = self.keys
            if keys[-1] == key:
                keys.pop()
            else:
                del keys[bisect_left(keys, key)]
