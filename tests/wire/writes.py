"""Every kind of write that the simulated exchange executes, each with what must stand before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from crypto_ws_sync import UserWSSession

__all__ = ["SYMBOL", "WRITES", "Desk", "Write", "shape"]

SYMBOL = "BTCUSDT"


class Desk:
    """Makes what a write needs to stand, far from the market, under names of its own.

    Owner: the test's thread.
    """

    def __init__(self, session: UserWSSession, tag: str) -> None:
        self.session = session
        self._tag = tag
        self._count = 0
        self._last = Decimal(session.handle_request("ticker.price", {"symbol": SYMBOL})["price"])

    def name(self) -> str:
        """Return a client order id that was not used before."""
        self._count += 1
        return f"{self._tag}{self._count}"

    def price(self, factor: float) -> str:
        """Return a price in relation to the last one."""
        return str((self._last * Decimal(str(factor))).quantize(Decimal(1)))

    def limit(self, **changes: Any) -> dict[str, Any]:
        """Return the parameters of an order that rests."""
        return {
            "symbol": SYMBOL,
            "side": "BUY",
            "type": "LIMIT",
            "timeInForce": "GTC",
            "quantity": "0.003",
            "price": self.price(0.7),
            "newClientOrderId": self.name(),
            **changes,
        }

    def market(self, **changes: Any) -> dict[str, Any]:
        """Return the parameters of an order that is filled at once."""
        return {
            "symbol": SYMBOL,
            "side": "BUY",
            "type": "MARKET",
            "quantity": "0.002",
            "newClientOrderId": self.name(),
            **changes,
        }

    def oco(self, **changes: Any) -> dict[str, Any]:
        """Return the parameters of a pair that rests."""
        name = self.name()
        return {
            "symbol": SYMBOL,
            "side": "SELL",
            "quantity": "0.003",
            "listClientOrderId": name,
            "aboveType": "LIMIT_MAKER",
            "abovePrice": self.price(1.4),
            "aboveClientOrderId": f"{name}a",
            "belowType": "STOP_LOSS_LIMIT",
            "belowStopPrice": self.price(0.7),
            "belowPrice": self.price(0.69),
            "belowTimeInForce": "GTC",
            "belowClientOrderId": f"{name}b",
            **changes,
        }

    def oto(self, **changes: Any) -> dict[str, Any]:
        """Return the parameters of an order that waits for another."""
        return {
            "symbol": SYMBOL,
            "listClientOrderId": self.name(),
            "workingType": "LIMIT",
            "workingSide": "BUY",
            "workingTimeInForce": "GTC",
            "workingQuantity": "0.003",
            "workingPrice": self.price(0.7),
            "pendingType": "LIMIT_MAKER",
            "pendingSide": "SELL",
            "pendingQuantity": "0.003",
            "pendingPrice": self.price(1.4),
            **changes,
        }

    def otoco(self) -> dict[str, Any]:
        """Return the parameters of a pair that waits for another order."""
        return {
            "symbol": SYMBOL,
            "listClientOrderId": self.name(),
            "workingType": "LIMIT",
            "workingSide": "BUY",
            "workingTimeInForce": "GTC",
            "workingQuantity": "0.003",
            "workingPrice": self.price(0.7),
            "pendingSide": "SELL",
            "pendingQuantity": "0.003",
            "pendingAboveType": "LIMIT_MAKER",
            "pendingAbovePrice": self.price(1.4),
            "pendingBelowType": "STOP_LOSS",
            "pendingBelowStopPrice": self.price(0.65),
        }

    def opo(self) -> dict[str, Any]:
        """Return the parameters of an order that sells what another one buys."""
        return {name: value for name, value in self.oto().items() if name != "pendingQuantity"}

    def opoco(self) -> dict[str, Any]:
        """Return the parameters of a pair that sells what another order buys."""
        return {name: value for name, value in self.otoco().items() if name != "pendingQuantity"}

    def old_pair(self) -> dict[str, Any]:
        """Return the parameters of a pair in the deprecated form."""
        return {
            "symbol": SYMBOL,
            "side": "SELL",
            "quantity": "0.003",
            "listClientOrderId": self.name(),
            "price": self.price(1.4),
            "stopPrice": self.price(0.7),
            "stopLimitPrice": self.price(0.69),
            "stopLimitTimeInForce": "GTC",
        }

    def standing(self) -> str:
        """Place an order that rests; return its name."""
        return str(self.session.handle_request("order.place", self.limit())["clientOrderId"])

    def standing_pair(self) -> str:
        """Place a pair that rests; return its name."""
        return str(self.session.handle_request("orderList.place.oco", self.oco())["listClientOrderId"])

    def replacement(self, new: dict[str, Any], mode: str = "STOP_ON_FAILURE", **old: Any) -> dict[str, Any]:
        """Return the parameters that replace an order, by default one that stands."""
        named = old or {"cancelOrigClientOrderId": self.standing()}
        return {**new, "cancelReplaceMode": mode, **named}


Prepare = Callable[[Desk], dict[str, Any]]


@dataclass(frozen=True)
class Write:
    """One kind of write: its method, and the parameters once all that it needs stands."""

    method: str
    prepare: Prepare


def _cancel(desk: Desk) -> dict[str, Any]:
    return {"symbol": SYMBOL, "origClientOrderId": desk.standing()}


def _named_cancel(desk: Desk) -> dict[str, Any]:
    return {"symbol": SYMBOL, "origClientOrderId": desk.standing(), "newClientOrderId": desk.name()}


def _cancel_by_number(desk: Desk) -> dict[str, Any]:
    placed = desk.session.handle_request("order.place", desk.limit())
    return {"symbol": SYMBOL, "orderId": placed["orderId"]}


def _amend(desk: Desk) -> dict[str, Any]:
    return {"symbol": SYMBOL, "origClientOrderId": desk.standing(), "newQty": "0.002"}


def _renaming_amend(desk: Desk) -> dict[str, Any]:
    return {**_amend(desk), "newClientOrderId": desk.name()}


def _amend_by_number(desk: Desk) -> dict[str, Any]:
    placed = desk.session.handle_request("order.place", desk.limit())
    return {"symbol": SYMBOL, "orderId": placed["orderId"], "newQty": "0.002"}


def _amend_leg(desk: Desk) -> dict[str, Any]:
    name = desk.standing_pair()
    return {"symbol": SYMBOL, "origClientOrderId": f"{name}a", "newQty": "0.002"}


def _everything(desk: Desk) -> dict[str, Any]:
    for _ in range(2):
        desk.standing()
    desk.standing_pair()
    return {"symbol": SYMBOL}


def _list_by_number(desk: Desk) -> dict[str, Any]:
    placed = desk.session.handle_request("orderList.place.oco", desk.oco())
    return {"symbol": SYMBOL, "orderListId": placed["orderListId"]}


WRITES: dict[str, Write] = {
    "a limit order": Write("order.place", Desk.limit),
    "an unnamed order": Write("order.place", lambda desk: desk.limit(newClientOrderId=None)),
    "a limit order, ACK": Write("order.place", lambda desk: desk.limit(newOrderRespType="ACK")),
    "a limit order, RESULT": Write("order.place", lambda desk: desk.limit(newOrderRespType="RESULT")),
    "an iceberg order": Write(
        "order.place", lambda desk: desk.limit(icebergQty="0.001", strategyId=5, strategyType=1_000_000)
    ),
    "a maker order": Write(
        "order.place", lambda desk: desk.limit(type="LIMIT_MAKER", timeInForce=None, newOrderRespType="FULL")
    ),
    "a stop order": Write(
        "order.place",
        lambda desk: desk.limit(
            type="STOP_LOSS_LIMIT", side="SELL", stopPrice=desk.price(0.71), newOrderRespType="RESULT"
        ),
    ),
    # Deep enough in the book not to be met while the clock moves.
    "a pegged order": Write(
        "order.place",
        lambda desk: desk.limit(
            price=None, pegPriceType="PRIMARY_PEG", pegOffsetType="PRICE_LEVEL", pegOffsetValue=60
        ),
    ),
    "a routed order": Write("sor.order.place", Desk.limit),
    "a routed market order": Write("sor.order.place", lambda desk: desk.market(newOrderRespType="RESULT")),
    "an order that expires": Write("order.place", lambda desk: desk.limit(timeInForce="IOC")),
    "a market order": Write("order.place", Desk.market),
    "a market order, RESULT": Write("order.place", lambda desk: desk.market(newOrderRespType="RESULT")),
    "a market order, ACK": Write("order.place", lambda desk: desk.market(newOrderRespType="ACK")),
    "a market order by its worth": Write(
        "order.place", lambda desk: desk.market(quantity=None, quoteOrderQty="300")
    ),
    "a cancel": Write("order.cancel", _cancel),
    "a cancel with a name": Write("order.cancel", _named_cancel),
    "a cancel by number": Write("order.cancel", _cancel_by_number),
    "a cancel of a leg": Write(
        "order.cancel", lambda desk: {"symbol": SYMBOL, "origClientOrderId": f"{desk.standing_pair()}b"}
    ),
    "a replacement": Write("order.cancelReplace", lambda desk: desk.replacement(desk.limit())),
    "a replacement by a market order": Write(
        "order.cancelReplace", lambda desk: desk.replacement(desk.market(), "ALLOW_FAILURE")
    ),
    "a replacement under the same name": Write(
        "order.cancelReplace",
        lambda desk: desk.replacement(
            desk.limit(newClientOrderId=(name := desk.standing())), cancelOrigClientOrderId=name
        ),
    ),
    "a replacement of a leg": Write(
        "order.cancelReplace",
        lambda desk: desk.replacement(desk.limit(), cancelOrigClientOrderId=f"{desk.standing_pair()}a"),
    ),
    "an amendment": Write("order.amend.keepPriority", _amend),
    "an amendment with a name": Write("order.amend.keepPriority", _renaming_amend),
    "an amendment by number": Write("order.amend.keepPriority", _amend_by_number),
    "an amendment of a leg": Write("order.amend.keepPriority", _amend_leg),
    "a cancel of all": Write("openOrders.cancelAll", _everything),
    "a pair": Write("orderList.place.oco", Desk.oco),
    "a pair, ACK": Write("orderList.place.oco", lambda desk: desk.oco(newOrderRespType="ACK")),
    "a pair, FULL": Write("orderList.place.oco", lambda desk: desk.oco(newOrderRespType="FULL")),
    "a pair in the old form": Write("orderList.place", Desk.old_pair),
    "a chain": Write("orderList.place.oto", Desk.oto),
    "a chain that has begun": Write(
        "orderList.place.oto", lambda desk: desk.oto(workingPrice=desk.price(1.01), newOrderRespType="FULL")
    ),
    "a chain with a pair": Write("orderList.place.otoco", Desk.otoco),
    "a chain that sells what it buys": Write("orderList.place.opo", Desk.opo),
    "a pair that sells what was bought": Write("orderList.place.opoco", Desk.opoco),
    "a cancel of a list": Write(
        "orderList.cancel", lambda desk: {"symbol": SYMBOL, "listClientOrderId": desk.standing_pair()}
    ),
    "a cancel of a list by number": Write("orderList.cancel", _list_by_number),
}


def shape(value: Any) -> Any:
    """Return the names that an answer has, at every depth; of a list the shapes that occur in it."""
    if isinstance(value, dict):
        return {name: shape(each) for name, each in sorted(value.items())}
    if isinstance(value, list):
        return sorted({repr(shape(each)) for each in value})
    return None
