"""A second opinion on the engine: what its events alone say, kept by a model that shares no code with it."""

from __future__ import annotations

from dataclasses import dataclass, field

from crypto_ws_sync.simulator.matching import (
    AccountPosition,
    Execution,
    Fill,
    ListStatus,
    MatchingEngine,
    Outcome,
)

SCALE = 10**8
OPEN = {"NEW", "PENDING_NEW", "PARTIALLY_FILLED"}
LIMITS = {"LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"}


@dataclass
class Seen:
    """What the events have told of one order."""

    account_id: int
    side: str
    kind: str
    price: int
    iceberg: int
    mode: str
    group: int
    quantity: int
    status: str = "NEW"
    client_order_id: str = ""
    executed: int = 0
    executed_quote: int = 0
    prevented: int = 0
    working_time: int = -1
    update_time: int = 0
    expiry_reason: str = "NONE"
    place: int = -1
    visible: int | None = None
    fills: list[Fill] = field(default_factory=list)

    @property
    def left(self) -> int:
        return self.quantity - self.executed - self.prevented

    @property
    def rests(self) -> bool:
        return self.place >= 0 and self.status in OPEN and self.kind in LIMITS


class Replay:
    """Follows the events of one symbol and judges every trade by price-time priority."""

    def __init__(self, engine: MatchingEngine, symbol: str, account_ids: tuple[int, ...]) -> None:
        self.engine = engine
        self.symbol = symbol
        self.account_ids = account_ids
        self.orders: dict[int, Seen] = {}
        self.lists: dict[int, ListStatus] = {}
        self.balances = {
            (account_id, balance.asset): (balance.free, balance.locked)
            for account_id in account_ids
            for balance in engine.balances(account_id)
        }
        self.places = 0
        self.taker_fill: Fill | None = None
        self.last_execution = 0

    def follow(self, outcome: Outcome) -> None:
        """Take in what one request did."""
        for event in outcome.events:
            if isinstance(event, Execution):
                self._execution(event)
            elif isinstance(event, ListStatus):
                self.lists[event.order_list.order_list_id] = event
            else:
                assert isinstance(event, AccountPosition)
                for balance in event.balances:
                    self.balances[event.account_id, balance.asset] = (balance.free, balance.locked)
        assert self.taker_fill is None
        self._check_prevention(outcome)
        makers = [f for f in self._fills(outcome) if f.is_maker]
        assert [f.trade_id for f in makers] == [trade.trade_id for trade in outcome.trades]

    def _check_prevention(self, outcome: Outcome) -> None:
        """The taker's mode says who ends."""
        ended: dict[int, set[int]] = {}
        for event in outcome.events:
            if isinstance(event, Execution) and event.prevented_match is not None:
                match = event.prevented_match
                ended.setdefault(match.prevented_match_id, set()).add(event.order.order_id)
                both = {match.taker_order_id, match.maker_order_id}
                assert both == {event.order.order_id, event.counter_order_id}
        matches = {
            match.prevented_match_id: match
            for account_id in self.account_ids
            for match in self.engine.desk(account_id, self.symbol).prevented_matches
        }
        for number, orders in ended.items():
            match = matches[number]
            taker, maker = self.orders[match.taker_order_id], self.orders[match.maker_order_id]
            mode = taker.mode
            if mode == "TRANSFER" and (maker.mode != mode or maker.account_id == taker.account_id):
                mode = "DECREMENT"
            assert match.self_trade_prevention_mode == mode
            expected = set()
            if mode != "EXPIRE_MAKER":
                expected.add(match.taker_order_id)
            if mode != "EXPIRE_TAKER":
                expected.add(match.maker_order_id)
            assert orders == expected

    def _fills(self, outcome: Outcome) -> list[Fill]:
        return [e.fill for e in outcome.events if isinstance(e, Execution) and e.fill is not None]

    def _execution(self, event: Execution) -> None:
        assert event.execution_id > self.last_execution
        self.last_execution = event.execution_id
        order = event.order
        seen = self.orders.get(order.order_id)
        if seen is None:
            assert event.execution_type == "NEW"
            seen = self.orders[order.order_id] = Seen(
                account_id=event.account_id,
                side=order.side,
                kind=order.type,
                price=order.price,
                iceberg=order.iceberg_quantity,
                mode=order.stp_mode,
                # accounts 2 and 3 trade as one group
                group=min(event.account_id, 2),
                quantity=event.quantity,
            )
        else:
            assert seen.status in OPEN, "an event after the end"
        if event.execution_type == "TRADE":
            assert event.fill is not None
            self._trade(event.fill, seen)
        if event.execution_type == "TRADE_PREVENTION":
            self._prevented(event, seen)
        if event.execution_type == "NEW" and event.is_on_book:
            self.places += 1
            seen.place = self.places
            # a pegged order that waited has got its price
            assert event.pegged_price in (0, order.price)
            seen.price = order.price
        if event.execution_type == "REPLACED":
            assert seen.executed + seen.prevented < event.quantity < seen.quantity
            if seen.visible is not None:
                seen.visible = min(seen.visible, event.quantity - seen.executed - seen.prevented)
        assert event.executed_quantity == seen.executed
        assert event.executed_quote == seen.executed_quote
        seen.quantity = event.quantity
        seen.status = event.status
        seen.prevented = event.prevented_quantity
        seen.working_time = event.working_time
        seen.update_time = event.time
        seen.expiry_reason = event.expiry_reason
        seen.client_order_id = event.client_order_id
        if event.execution_type == "CANCELED":
            seen.client_order_id = event.orig_client_order_id
        assert seen.left >= 0
        if seen.status in OPEN:
            assert (seen.status == "PARTIALLY_FILLED") == (seen.executed > 0)
        # one that waits for another's fill has no quantity yet
        is_used_up = seen.left == 0 and seen.quantity > 0
        assert is_used_up == (seen.status in ("FILLED", "EXPIRED_IN_MATCH"))
        if is_used_up:
            assert (seen.status == "FILLED") == (event.execution_type == "TRADE")

    def _trade(self, fill: Fill, seen: Seen) -> None:
        if fill.is_maker:
            taker = self.taker_fill
            assert taker is not None
            assert (taker.trade_id, taker.price, taker.quantity) == (fill.trade_id, fill.price, fill.quantity)
            self._judge(fill, seen, self.orders[taker.order_id])
            self.taker_fill = None
        else:
            assert self.taker_fill is None
            self.taker_fill = fill
        seen.executed += fill.quantity
        seen.executed_quote += fill.quote_quantity
        seen.fills.append(fill)
        assert fill.quote_quantity == fill.price * fill.quantity // SCALE
        assert fill.commission == (fill.quantity if fill.is_buyer else fill.quote_quantity) // 1000
        if fill.is_maker and seen.visible is not None:
            self._shown_less(seen, fill.quantity, seen.left)

    def _prevented(self, event: Execution, seen: Seen) -> None:
        """The maker was the next to be matched, and what both lose is what would have been traded."""
        match = event.prevented_match
        assert match is not None
        assert event.prevented_quantity == seen.prevented + event.last_prevented_quantity
        lowers = match.self_trade_prevention_mode in ("DECREMENT", "TRANSFER")
        if event.order.order_id == match.taker_order_id:
            wanted = seen.left
            assert match.quantity <= wanted
        else:
            assert seen.price == match.price
            assert self._first_in_queue(seen) is seen
            if seen.visible is None:
                seen.visible = min(seen.iceberg or seen.left, seen.left)
            assert match.quantity == min(self.orders[match.taker_order_id].left, seen.visible)
            wanted = seen.left
        assert event.last_prevented_quantity == (match.quantity if lowers else wanted)
        if lowers and seen.visible is not None and event.order.order_id == match.maker_order_id:
            self._shown_less(seen, match.quantity, seen.left - match.quantity)

    def _first_in_queue(self, maker: Seen) -> Seen:
        sign = -1 if maker.side == "BUY" else 1
        queue = [seen for seen in self.orders.values() if seen.rests and seen.side == maker.side]
        return min(queue, key=lambda seen: (sign * seen.price, seen.place))

    def _shown_less(self, maker: Seen, quantity: int, left: int) -> None:
        """An iceberg's next part goes to the back of the queue; every other order keeps its place."""
        assert maker.visible is not None
        maker.visible -= quantity
        if not maker.visible and left:
            maker.visible = min(maker.iceberg or left, left)
            self.places += 1
            maker.place = self.places

    def _judge(self, fill: Fill, maker: Seen, taker: Seen) -> None:
        """The maker is the first in its queue at the best price; the taker accepts that price."""
        assert fill.price == maker.price
        if taker.kind in LIMITS:
            assert fill.price <= taker.price if taker.side == "BUY" else fill.price >= taker.price
        assert taker.mode == "NONE" or taker.group != maker.group
        assert self._first_in_queue(maker) is maker
        if maker.visible is None:
            maker.visible = min(maker.iceberg or maker.left, maker.left)
        taker_left = taker.left + fill.quantity  # the taker's own event came first
        assert fill.quantity == min(taker_left, maker.visible)

    def check(self) -> None:
        """What can be queried is what the events told."""
        for account_id in self.account_ids:
            desk = self.engine.desk(account_id, self.symbol)
            mine = {key: seen for key, seen in self.orders.items() if seen.account_id == account_id}
            assert {order.order_id for order in desk.orders} == set(mine)
            for order in desk.orders:
                seen = mine[order.order_id]
                assert (order.status, order.quantity, order.executed, order.executed_quote) == (
                    seen.status,
                    seen.quantity,
                    seen.executed,
                    seen.executed_quote,
                )
                assert (order.prevented, order.working_time, order.update_time, order.client_order_id) == (
                    seen.prevented,
                    seen.working_time,
                    seen.update_time,
                    seen.client_order_id,
                )
                assert order.expiry_reason == seen.expiry_reason
                assert order.is_open == (seen.status in OPEN) == (order.order_id in desk.open)
            told = [fill for seen in mine.values() for fill in seen.fills]
            assert desk.fills == sorted(told, key=lambda fill: (fill.trade_id, fill.is_maker))
            for balance in self.engine.balances(account_id):
                assert self.balances[account_id, balance.asset] == (balance.free, balance.locked)
            for order_list in self.engine.account(account_id).lists:
                status = self.lists[order_list.order_list_id]
                assert status.list_order_status == order_list.list_order_status
                assert status.list_status_type == order_list.list_status_type
                assert status.legs == order_list.legs()
        self._check_depth()

    def _check_depth(self) -> None:
        """The book shows what the resting orders show."""
        _, bids, asks = self.engine.depth(self.symbol, 10**6)
        for side, levels in (("BUY", bids), ("SELL", asks)):
            expected: dict[int, int] = {}
            for seen in self.orders.values():
                if seen.rests and seen.side == side:
                    visible = (
                        min(seen.iceberg or seen.left, seen.left) if seen.visible is None else seen.visible
                    )
                    expected[seen.price] = expected.get(seen.price, 0) + visible
            assert dict(levels) == expected
            assert [price for price, _ in levels] == sorted(expected, reverse=side == "BUY")
        assert not bids or not asks or bids[0][0] < asks[0][0]
