"""A trader that asks for whatever the exchange takes, near the market: every kind of order, list and change."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

Ask = Callable[[str, dict[str, Any]], Any]

KINDS = ("LIMIT", "LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT",
         "TAKE_PROFIT_LIMIT")  # fmt: skip
TAKING, STOPPING = ("LIMIT_MAKER", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"), ("STOP_LOSS", "STOP_LOSS_LIMIT")
MODES = ("NONE", "NONE", "EXPIRE_MAKER", "EXPIRE_TAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER")
SYMBOLS = ("BTCUSDT", "BTCUSDT", "BTCUSDT", "BTCUSDC")


class RandomTrader:
    """Makes requests, and remembers what it has placed.

    Owner: the test's thread.
    """

    def __init__(self, seed: int, ask: Ask) -> None:
        self._random = random.Random(seed)
        self._ask = ask
        self._orders: list[tuple[str, int]] = []
        self._lists: list[tuple[str, int]] = []
        self.middle = 0.0
        self.accepted: dict[str, int] = {}

    def look(self) -> None:
        """See where the market is."""
        book = self._ask("ticker.book", {"symbol": "BTCUSDT"})["result"]
        self.middle = (float(book["bidPrice"]) + float(book["askPrice"])) / 2

    def act(self) -> None:
        """Ask for one thing."""
        choice = self._random.choice
        make = choice((self._single, self._single, self._pair, self._chain, self._paying, self._change))
        method, params = make()
        reply = self._ask(method, params)
        if reply["status"] != 200:
            return
        self.accepted[method] = self.accepted.get(method, 0) + 1
        result = reply["result"]
        if method.startswith("orderList.place"):
            self._lists.append((result["symbol"], result["orderListId"]))
            self._orders += [(leg["symbol"], leg["orderId"]) for leg in result["orders"]]
        elif method in ("order.place", "sor.order.place"):
            placed = result[0] if isinstance(result, list) else result
            self._orders.append((placed["symbol"], placed["orderId"]))

    def _price(self, low: float = 0.9985, high: float = 1.0015) -> str:
        return f"{self.middle * self._random.uniform(low, high):.2f}"

    def _quantity(self) -> str:
        return self._random.choice(("0.001", "0.002", "0.05", "0.5", "2.5"))

    def _base(self) -> dict[str, Any]:
        base = {"symbol": self._random.choice(SYMBOLS)}
        if self._random.random() < 0.5:
            base["selfTradePreventionMode"] = self._random.choice(MODES)
        return base

    def _leg(self, prefix: str, side: str, kinds: tuple[str, ...], *, pegs: bool = True) -> dict[str, Any]:
        """The parameters of one order that begin with a prefix; mostly they go together."""
        chance, choice = self._random.random, self._random.choice

        def name(word: str) -> str:
            return f"{prefix}{word}" if prefix else word[0].lower() + word[1:]

        kind = choice(kinds)
        leg: dict[str, Any] = {name("Type"): kind}
        if kind in ("LIMIT", "LIMIT_MAKER") or kind.endswith("_LIMIT"):
            if not pegs or chance() < 0.7:
                leg[name("Price")] = self._price()
            else:
                leg[name("PegPriceType")] = choice(("PRIMARY_PEG", "MARKET_PEG"))
                if chance() < 0.5:
                    offset = {"PegOffsetType": "PRICE_LEVEL", "PegOffsetValue": choice((0, 1, 3, 20))}
                    leg |= {name(word): value for word, value in offset.items()}
                if chance() < 0.4:
                    leg[name("Price")] = self._price()
            if kind != "LIMIT_MAKER":
                leg[name("TimeInForce")] = choice(("GTC", "GTC", "GTC", "IOC", "FOK"))
            if leg.get(name("TimeInForce"), "GTC") == "GTC" and chance() < 0.2:
                leg[name("IcebergQty")] = "0.0005"
        if kind.startswith(("STOP", "TAKE")):
            is_above = (side == "BUY") == kind.startswith("STOP")
            if chance() < 0.8:
                bounds = (1.0001, 1.003) if is_above else (0.997, 0.9999)
                leg[name("StopPrice")] = self._price(*bounds)
            else:
                leg[name("TrailingDelta")] = choice((10, 30))
        return leg

    def _legs(self, above: str, below: str, side: str) -> dict[str, Any]:
        kinds = (STOPPING, TAKING) if side == "BUY" else (TAKING, STOPPING)
        return {**self._leg(above, side, kinds[0]), **self._leg(below, side, kinds[1])}

    def _side(self) -> str:
        return self._random.choice(("BUY", "SELL"))

    def _single(self) -> tuple[str, dict[str, Any]]:
        side = self._side()
        order = {**self._base(), "side": side, "quantity": self._quantity()}
        if self._random.random() < 0.4:
            return "sor.order.place", {**order, **self._leg("", side, ("LIMIT", "MARKET"), pegs=False)}
        return "order.place", {**order, **self._leg("", side, KINDS)}

    def _pair(self) -> tuple[str, dict[str, Any]]:
        side = self._side()
        pair = {**self._base(), "side": side, "quantity": self._quantity()}
        return "orderList.place.oco", {**pair, **self._legs("above", "below", side)}

    def _working(self, side: str) -> dict[str, Any]:
        leg = self._leg("working", side, ("LIMIT", "LIMIT", "LIMIT_MAKER"))
        return {**self._base(), "workingSide": side, "workingQuantity": self._quantity(), **leg}

    def _chain(self) -> tuple[str, dict[str, Any]]:
        side = self._side()
        chain = {**self._working(self._side()), "pendingSide": side, "pendingQuantity": self._quantity()}
        if self._random.random() < 0.5:
            return "orderList.place.oto", {**chain, **self._leg("pending", side, KINDS)}
        return "orderList.place.otoco", {**chain, **self._legs("pendingAbove", "pendingBelow", side)}

    def _paying(self) -> tuple[str, dict[str, Any]]:
        chain = {**self._working("BUY"), "pendingSide": "SELL"}
        if self._random.random() < 0.5:
            return "orderList.place.opo", {**chain, **self._leg("pending", "SELL", KINDS)}
        return "orderList.place.opoco", {**chain, **self._legs("pendingAbove", "pendingBelow", "SELL")}

    def _change(self) -> tuple[str, dict[str, Any]]:
        """Cancel, amend or replace something of late."""
        symbol, number = self._random.choice(self._orders[-20:] or [("BTCUSDT", 1)])
        what = self._random.randrange(4)
        if what == 0:
            return "order.cancel", {"symbol": symbol, "orderId": number}
        if what == 1:
            quantity = self._random.choice(("0.0005", "0.001", "0.01", "0.1"))
            return "order.amend.keepPriority", {"symbol": symbol, "orderId": number, "newQty": quantity}
        if what == 2:
            symbol, number = self._random.choice(self._lists[-8:] or [("BTCUSDT", 1)])
            return "orderList.cancel", {"symbol": symbol, "orderListId": number}
        side = self._side()
        new = {"symbol": symbol, "side": side, "quantity": self._quantity(), **self._leg("", side, KINDS)}
        mode = self._random.choice(("STOP_ON_FAILURE", "ALLOW_FAILURE"))
        return "order.cancelReplace", {**new, "cancelReplaceMode": mode, "cancelOrderId": number}
