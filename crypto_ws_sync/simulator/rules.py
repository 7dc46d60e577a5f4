"""What the simulated exchange allows, and to whom: switches for tests, thrown while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, Literal

from .binance.venue import Venue
from .keys import Account
from .matching import Account as TradingAccount
from .matching import AccountFilters, ArithmeticMean, ExternalPrice, PriceRange, parse_amount
from .tariffs import changed_tariff

__all__ = ["Rules", "SymbolStatus"]

SymbolStatus = Literal["TRADING", "END_OF_DAY", "HALT", "BREAK", "CANCEL_ONLY"]


class Rules:
    """The rules of a simulated exchange as they are now; every method changes one of them at once.

    Methods about an account mean the first one unless told otherwise. They may be called from any thread,
    before the exchange starts as well as while it runs, and return when the change holds. Each raises
    ValueError for a symbol that is not listed, or a value that cannot be.

    Owner: shared; what it touches belongs to the exchange's loop thread, which does the work.
    """

    def __init__(
        self, venue: Venue, call: Callable[[Callable[[], Any]], Any], first_account: Callable[[], Account]
    ) -> None:
        self._venue = venue
        self._call = call
        self._first_account = first_account

    # -- of symbols --------------------------------------------------------------------------------------

    def set_status(self, symbol: str, status: SymbolStatus) -> None:
        """Let a symbol trade, or stop it.

        Only while TRADING are orders placed, and do the other traders act. In CANCEL_ONLY open orders can be
        cancelled and amended; in HALT, BREAK and END_OF_DAY not even that. Data can be asked for in every
        state, but during BREAK and CANCEL_ONLY no klines come about. Open orders stay open.
        """
        self._call(lambda: self._venue.set_status(symbol, status))

    def set_permission_sets(self, symbol: str, sets: Iterable[Iterable[str]]) -> None:
        """Let only accounts trade a symbol that have a permission of each set."""
        entry = [list(each) for each in sets]
        self._call(lambda: self._change(symbol, permissionSets=entry))

    def set_self_trade_prevention(self, symbol: str, allowed: Iterable[str], default: str) -> None:
        """Choose the modes that orders on a symbol may ask for, and the one of orders that ask for none."""
        modes = list(allowed)
        self._call(
            lambda: self._change(
                symbol, allowedSelfTradePreventionModes=modes, defaultSelfTradePreventionMode=default
            )
        )

    def set_price_range(
        self,
        symbol: str,
        *,
        bid_up: object | None = None,
        bid_down: object | None = None,
        ask_up: object | None = None,
        ask_down: object | None = None,
    ) -> None:
        """Keep takers within multiples of the reference price; with no multiplier at all, lift the rule.

        Args:
            symbol: Which symbol.
            bid_up: The most times the reference price at which an order to buy may trade.
            bid_down: The fewest times, for an order to buy.
            ask_up: The most times, for an order to sell.
            ask_down: The fewest times, for an order to sell.
        """
        given = [None if each is None else _units(each) for each in (bid_up, bid_down, ask_up, ask_down)]
        price_range = None if given == [None] * 4 else PriceRange(*given)

        def change() -> None:
            self._listed(symbol)
            self._venue.floor.engine.set_price_range(symbol, price_range)

        self._call(change)

    def set_reference_price(self, symbol: str, price: object | None, *, calculation_id: int = 0) -> None:
        """Set a symbol's reference price from outside, or with None leave it without one.

        Args:
            symbol: Which symbol.
            price: Quote asset per unit of base asset.
            calculation_id: The exchange's number for how the price was worked out; 0 is by hand.
        """
        units = None if price is None else _units(price)

        def change() -> None:
            self._listed(symbol)
            engine = self._venue.floor.engine
            reference = engine.reference(symbol)
            if not isinstance(reference, ExternalPrice) or reference.calculation_id != calculation_id:
                reference = ExternalPrice(calculation_id)
            reference.set(units)
            engine.set_reference(symbol, reference)

        self._call(change)

    def set_reference_mean(self, symbol: str, *, bucket_count: int, bucket_width_ms: int) -> None:
        """Let a symbol's reference price be the mean of its own trades in a moving window.

        Args:
            symbol: Which symbol.
            bucket_count: How many buckets make the window.
            bucket_width_ms: Milliseconds of one bucket.
        """
        mean = ArithmeticMean(bucket_count, bucket_width_ms * 1000)

        def change() -> None:
            self._listed(symbol)
            self._venue.floor.engine.set_reference(symbol, mean)

        self._call(change)

    # -- of accounts -------------------------------------------------------------------------------------

    def set_permissions(self, permissions: Iterable[str], account: Account | None = None) -> None:
        """Choose the permissions of an account, SPOT alone at first: what it may trade follows from them."""
        chosen = frozenset(permissions)

        def change() -> None:
            self._trading(account).permissions = chosen

        self._call(change)

    def set_key_permissions(
        self,
        permissions: Iterable[Literal["TRADE", "USER_DATA", "USER_STREAM"]],
        account: Account | None = None,
    ) -> None:
        """Choose what an account's key may be used for, by the security types of the methods; all at first."""
        chosen = frozenset(permissions)

        def change() -> None:
            owner = account or self._first_account()
            self._venue.key_permissions[owner.api_key] = chosen

        self._call(change)

    def set_trade_group(self, trade_group_id: int, account: Account | None = None) -> None:
        """Put an account into a trade group, -1 for none: self-trades are prevented within a group."""

        def change() -> None:
            self._trading(account).trade_group_id = trade_group_id

        self._call(change)

    def set_filter(
        self, entry: Mapping[str, Any], *, symbol: str | None = None, account: Account | None = None
    ) -> None:
        """Give an account a filter of its own, which `myFilters` tells.

        Args:
            entry: The filter as the exchange words it: MAX_ASSET, which bounds what one order may move of an
                asset, such as `{"filterType": "MAX_ASSET", "asset": "BTC", "limit": "2"}`; an exchange filter
                such as EXCHANGE_MAX_NUM_ORDERS; or, with `symbol`, MAX_NUM_ORDERS, MAX_NUM_ALGO_ORDERS,
                MAX_NUM_ICEBERG_ORDERS, MAX_NUM_ORDER_LISTS or MAX_POSITION, in place of the symbol's.
            symbol: The symbol that a symbol filter is for.
            account: Whose filter.
        """

        def change() -> None:
            if symbol is not None:
                self._listed(symbol)
            owner = self._trading(account)
            filters = owner.filters or AccountFilters()
            filters.set(entry, symbol)
            owner.filters = filters

        self._call(change)

    def set_commission(
        self,
        *,
        account: Account | None = None,
        symbol: str | None = None,
        standard: Mapping[str, object] | None = None,
        special: Mapping[str, object] | None = None,
        tax: Mapping[str, object] | None = None,
        discount: object | None = None,
        takes_bnb: bool | None = None,
        pay_in_bnb: bool | None = None,
    ) -> None:
        """Let an account pay other commissions from now on; what is not given stays as it is.

        Args:
            account: Whose commissions.
            symbol: On this symbol only; else on every symbol that was not given rates of its own.
            standard: Parts of what is received, by `maker`, `taker`, `buyer` and `seller`, such as
                `{"maker": "0.001", "taker": "0.001"}`; what is not named is 0.
            special: Extra commission, the same way.
            tax: Tax commission, the same way.
            discount: What is left of the standard commission where it is paid in BNB; 0.75 at first.
            takes_bnb: Whether commissions on the symbol can be paid in BNB.
            pay_in_bnb: Whether the account pays in BNB, at the discount, while it has enough of it.
        """

        def change() -> None:
            if symbol is not None:
                self._listed(symbol)
            owner = self._trading(account)
            tariff = changed_tariff(
                owner.tariff if symbol is None else owner.tariff_of(symbol),
                standard=standard,
                special=special,
                tax=tax,
                discount=discount,
                takes_bnb=takes_bnb,
            )
            engine = self._venue.floor.engine
            engine.set_tariff(owner.account_id, tariff, symbol)
            if pay_in_bnb is not None:
                engine.pay_in_bnb(owner.account_id, pay_in_bnb)

        self._call(change)

    def clear_filters(self, account: Account | None = None) -> None:
        """Take all filters of its own from an account."""

        def change() -> None:
            self._trading(account).filters = None

        self._call(change)

    # -- inside ------------------------------------------------------------------------------------------

    def _change(self, symbol: str, **entries: Any) -> None:
        self._catch_up()
        self._venue.floor.change_listing(symbol, **entries)

    def _listed(self, symbol: str) -> None:
        self._catch_up()
        if symbol not in self._venue.floor.listings:
            raise ValueError(f"no such symbol: {symbol}")

    def _trading(self, account: Account | None) -> TradingAccount:
        """The engine's side of an account, with the market caught up so that the change holds from now."""
        self._catch_up()
        owner = account or self._first_account()
        return self._venue.floor.engine.account(owner.account_id)

    def _catch_up(self) -> None:
        self._venue.advance(self._venue.now_us())
        self._venue.flush_events()


def _units(value: object) -> int:
    """A price or multiplier in units of 10**-8."""
    units = parse_amount(f"{Decimal(str(value)):f}")
    if units <= 0:
        raise ValueError(f"not above zero: {value}")
    return units
