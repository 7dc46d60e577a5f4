"""The trading floor: the matching engine, what is listed on it, and the market that lives there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from ..market import (
    DEFAULT_LISTINGS,
    INTERCHANGEABLE,
    STARTING_BALANCES,
    Listing,
    MarketRecord,
    SyntheticMarket,
)
from ..matching import Account, MatchingEngine, Outcome, SymbolRules, parse_amount
from .refusals import Refusal, bad_symbol

_WITHOUT_KLINES = ("BREAK", "CANCEL_ONLY")

__all__ = ["Floor", "read_balances", "read_symbols"]


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
    try:
        amounts = {asset: parse_amount(f"{Decimal(str(amount)):f}") for asset, amount in given.items()}
    except InvalidOperation:
        raise ValueError(f"balances are amounts by asset, such as {{'BTC': '1.5'}}, not {given!r}") from None
    if any(amount < 0 for amount in amounts.values()):
        raise ValueError("a balance cannot be negative")
    return amounts


def _pools(listings: Sequence[Listing]) -> list[dict[str, Any]]:
    """The entries of exchangeInfo's `sors`: the symbols of one base asset whose quote assets are one for one."""
    by_base: dict[str, list[str]] = {}
    for listing in listings:
        if listing.quote_asset in INTERCHANGEABLE:
            by_base.setdefault(listing.base_asset, []).append(listing.symbol)
    return [{"baseAsset": base, "symbols": symbols} for base, symbols in by_base.items() if len(symbols) > 1]


class Floor:
    """Books, traders and the market's memory.

    Its time never runs backwards: where the exchange's clock is set back, it stands still until caught up.

    Owner: the exchange's loop thread.
    """

    def __init__(self, listings: Sequence[Listing], seed: int, now_us: int) -> None:
        self.exchange_filters: list[dict[str, Any]] = []
        self.listings: dict[str, dict[str, Any]] = {each.symbol: each.as_exchange_info() for each in listings}
        self.engine = MatchingEngine()
        self.pools = _pools(listings)
        self.market = SyntheticMarket(self.engine, listings, seed=seed, start_us=now_us)
        for pool in self.pools:
            self.engine.add_pool(pool["symbols"])
        self.now_us = now_us
        self._clients: list[Account] = []

    def open_account(self, account_id: int, balances: Mapping[str, int], trade_group_id: int = -1) -> None:
        """Open a client's account, which has the permission SPOT."""
        self.engine.add_account(account_id, balances, trade_group_id=trade_group_id)
        account = self.engine.account(account_id)
        account.permissions = frozenset({"SPOT"})
        self._clients.append(account)

    def change_listing(self, symbol: str, **changes: Any) -> None:
        """Let other entries hold for a symbol in exchangeInfo, and for orders from now on.

        Raises:
            ValueError: No such symbol, or no entry that could hold.
        """
        if symbol not in self.listings:
            raise ValueError(f"no such symbol: {symbol}")
        entry = {**self.listings[symbol], **changes}
        self.engine.set_rules(SymbolRules.from_json(entry))
        self.listings[symbol] = entry

    def set_status(self, symbol: str, status: str) -> Iterable[Outcome]:
        """Let a symbol trade or not from now on; what that led to, to be gone through whole.

        Raises:
            ValueError: No such symbol or status.
        """
        was_trading = symbol in self.listings and self.listings[symbol]["status"] == "TRADING"
        self.change_listing(symbol, status=status)
        record = self.market.records[symbol]
        if status in _WITHOUT_KLINES:
            record.fall_silent(self.now_us)
        else:
            record.resume(self.now_us)
        if status == "TRADING" and not was_trading:
            return self.market.reopen(symbol, self.now_us)
        return ()

    def has_open_orders(self) -> bool:
        """Whether any client has an order that others could trade with, or that waits for a price."""
        return any(account.open_count for account in self._clients)

    def check_symbol(self, symbol: str, status: str | None = None) -> None:
        """Refuse a symbol that is not listed, or not in the state asked for."""
        listing = self.listings.get(symbol)
        if listing is None:
            raise bad_symbol()
        if status is not None and listing["status"] != status:
            raise Refusal(400, -1220, "The symbol's status does not match the requested symbolStatus.")

    def record_of(self, symbol: str) -> MarketRecord:
        """Everything that was ever traded of a symbol.

        Raises:
            Refusal: No such symbol.
        """
        record = self.market.records.get(symbol)
        if record is None:
            raise bad_symbol()
        return record

    def advance(self, now_us: int) -> Iterable[Outcome]:
        """Let the other traders act up to a moment; what that led to, to be gone through whole."""
        if now_us > self.now_us:
            self.now_us = now_us
        return self.market.advance(self.now_us) if self.market.next_us <= self.now_us else ()
