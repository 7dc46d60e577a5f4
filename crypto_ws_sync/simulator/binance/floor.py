"""The trading floor: the matching engine, what is listed on it, and who trades there besides the clients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from ..market.asset_values import AssetValue
from ..market.listings import DEFAULT_LISTINGS, STARTING_BALANCES, Listing
from ..market.past import Past
from ..matching import MatchingEngine, NewOrder, Outcome, SymbolRules, parse_amount
from .refusals import Refusal, bad_symbol

__all__ = ["Floor", "read_balances", "read_symbols"]

_HOUSE = 0
_HOUSE_FUNDS = 10**9 * 10**8
_SEED_LEVELS = 40


def read_symbols(symbols: Iterable[str | Listing] | None) -> tuple[Listing, ...]:
    """The listings of an exchange: the usual ones, or those given by name or as listings.

    Raises:
        ValueError: A name that is not among the usual ones, or none at all.
    """
    if symbols is None:
        return DEFAULT_LISTINGS
    known = {listing.symbol: listing for listing in DEFAULT_LISTINGS}
    listings = []
    for each in symbols:
        listing = each if isinstance(each, Listing) else known.get(each)
        if listing is None:
            raise ValueError(f"no such symbol: {each}; there are {', '.join(known)}")
        listings.append(listing)
    if not listings:
        raise ValueError("an exchange needs a symbol at least")
    return tuple(listings)


def read_balances(balances: Mapping[str, object] | None) -> dict[str, int]:
    """What an account starts with, in units of 10**-8: the usual, or what is given as text or numbers.

    Raises:
        ValueError: An amount that is none.
    """
    given: Mapping[str, object] = STARTING_BALANCES if balances is None else balances
    amounts = {asset: parse_amount(f"{Decimal(str(amount)):f}") for asset, amount in given.items()}
    if any(amount < 0 for amount in amounts.values()):
        raise ValueError("a balance cannot be negative")
    return amounts


class Floor:
    """Books, traders and the market's memory.

    Owner: the exchange's loop thread.
    """

    def __init__(self, listings: Sequence[Listing], seed: int, now_us: int) -> None:
        self.listings: dict[str, dict[str, Any]] = {}
        self.exchange_filters: list[dict[str, Any]] = []
        self.engine = MatchingEngine()
        self.pasts: dict[str, Past] = {}
        self._last_trade_us: dict[str, int] = {}
        self._house_orders = 0
        values: dict[str, AssetValue] = {}
        for listing in listings:
            base, quote = (
                values.setdefault(asset, AssetValue(seed, asset))
                for asset in (listing.base_asset, listing.quote_asset)
            )
            self.listings[listing.symbol] = listing.as_exchange_info()
            self.pasts[listing.symbol] = Past(seed, listing, base, quote, now_us)
        self.engine.add_account(
            _HOUSE,
            {asset: _HOUSE_FUNDS for each in listings for asset in (each.base_asset, each.quote_asset)},
            is_observed=False,
        )
        for listing in listings:
            self._open(listing, now_us)

    def _open(self, listing: Listing, now_us: int) -> None:
        symbol, past = listing.symbol, self.pasts[listing.symbol]
        recent = past.trades(past.id_at(now_us - 300_000_000), past.count) or past.trades(
            past.count - 1, past.count
        )
        last = recent[-1]
        self._last_trade_us[symbol] = last.time_us
        self.engine.add_symbol(
            SymbolRules.from_json(self.listings[symbol]), last_price=last.price, first_trade_id=past.count
        )
        self.engine.remember_trades(symbol, ((each.time_us, each.price, each.quantity) for each in recent))
        tick = parse_amount(str(listing.tick_size))
        step = parse_amount(str(listing.step_size))
        gap = max(tick, last.price // 10_000 // tick * tick)
        lot = max(step, 10**8 * 10**8 * 100 // last.price // step * step) if last.price > 10**9 else 10**9
        lot = max(step, lot // step * step)
        for level in range(1, _SEED_LEVELS + 1):
            for side, price in (("BUY", last.price - level * gap), ("SELL", last.price + level * gap)):
                self._house_orders += 1
                order = NewOrder(
                    symbol,
                    side,
                    "LIMIT",
                    f"house{self._house_orders}",
                    quantity=lot * level,
                    price=price,
                    time_in_force="GTC",
                )
                self.engine.place(_HOUSE, order, now_us)

    def open_account(self, account_id: int, balances: Mapping[str, int]) -> None:
        """Open a client's account."""
        self.engine.add_account(account_id, balances)

    def check_symbol(self, symbol: str, status: str | None = None) -> None:
        """Refuse a symbol that is not listed, or not in the state asked for."""
        listing = self.listings.get(symbol)
        if listing is None:
            raise bad_symbol()
        if status is not None and listing["status"] != status:
            raise Refusal(400, -1220, "The symbol's status does not match the requested symbolStatus.")

    def advance(self, now_us: int) -> list[Outcome]:
        """Let the other traders do what they do up to a moment; what that led to."""
        return []

    def record(self, outcome: Outcome) -> None:
        """Remember the trades that a request led to."""
        for trade in outcome.trades:
            self._last_trade_us[trade.symbol] = trade.time

    def last_trade_us(self, symbol: str) -> int:
        """When a symbol was traded last."""
        return self._last_trade_us[symbol]
