"""What may be traded, and within which bounds: rules read off an `exchangeInfo` entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .amounts import parse_amount

STP_MODES = frozenset({"NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER"})
SYMBOL_STATUSES = ("TRADING", "END_OF_DAY", "HALT", "BREAK", "CANCEL_ONLY")
ORDER_TYPES = frozenset(
    {"LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"}
)


@dataclass(frozen=True, slots=True)
class PriceFilter:
    """Bounds of a price; a zero switches its part off."""

    min_price: int
    max_price: int
    tick_size: int


@dataclass(frozen=True, slots=True)
class LotSize:
    """Bounds of a quantity; a zero step switches the step off, a zero maximum the maximum."""

    min_quantity: int
    max_quantity: int
    step_size: int


@dataclass(frozen=True, slots=True)
class PercentPrice:
    """How far a price may be from the average, by side; multipliers in units of 10**-8."""

    name: str
    bid_up: int
    bid_down: int
    ask_up: int
    ask_down: int
    average_minutes: int


@dataclass(frozen=True, slots=True)
class Notional:
    """Bounds of price times quantity; `maximum` is `None` where the filter has none."""

    name: str
    minimum: int
    maximum: int | None
    min_applies_to_market: bool
    max_applies_to_market: bool
    average_minutes: int


@dataclass(frozen=True, slots=True)
class TrailingDelta:
    """Bounds of a trailing delta in basis points, by the direction in which the order triggers."""

    min_above: int
    max_above: int
    min_below: int
    max_below: int


@dataclass(frozen=True, slots=True)
class SymbolFilters:
    """The filters of one symbol; `None` where the symbol does not have the filter."""

    price: PriceFilter | None = None
    percent_price: PercentPrice | None = None
    percent_price_by_side: PercentPrice | None = None
    lot_size: LotSize | None = None
    market_lot_size: LotSize | None = None
    min_notional: Notional | None = None
    notional: Notional | None = None
    iceberg_parts: int | None = None
    max_position: int | None = None
    trailing_delta: TrailingDelta | None = None
    max_num_orders: int | None = None
    max_num_algo_orders: int | None = None
    max_num_iceberg_orders: int | None = None
    max_num_order_amends: int | None = None
    max_num_order_lists: int | None = None

    @classmethod
    def from_json(cls, entries: Sequence[Mapping[str, Any]]) -> SymbolFilters:
        """Read the `filters` array of an `exchangeInfo` symbol.

        Raises:
            ValueError: A filter that this engine does not keep.
        """
        values: dict[str, Any] = {}
        for entry in entries:
            kind = entry["filterType"]
            if kind in _COUNTS:
                name, key = _COUNTS[kind]
                values[name] = int(entry[key])
            elif kind in _READERS:
                name, read = _READERS[kind]
                values[name] = read(entry)
            else:
                raise ValueError(f"unknown filter {kind}")
        return cls(**values)


@dataclass(frozen=True, slots=True)
class ExchangeFilters:
    """Limits on what one account may have open over all symbols; `None` where there is none."""

    max_num_orders: int | None = None
    max_num_algo_orders: int | None = None
    max_num_iceberg_orders: int | None = None
    max_num_order_lists: int | None = None

    @classmethod
    def from_json(cls, entries: Sequence[Mapping[str, Any]]) -> ExchangeFilters:
        """Read the `exchangeFilters` array of `exchangeInfo`."""
        values: dict[str, int] = {}
        for entry in entries:
            name, key = _COUNTS[entry["filterType"].removeprefix("EXCHANGE_")]
            values[name] = int(entry[key])
        return cls(**values)


@dataclass(frozen=True, slots=True)
class SymbolRules:
    """One symbol: its assets, what it allows, its filters."""

    symbol: str
    base_asset: str
    quote_asset: str
    status: str = "TRADING"
    order_types: frozenset[str] = ORDER_TYPES
    iceberg_allowed: bool = True
    oco_allowed: bool = True
    oto_allowed: bool = True
    opo_allowed: bool = True
    quote_order_quantity_market_allowed: bool = True
    allow_trailing_stop: bool = True
    cancel_replace_allowed: bool = True
    amend_allowed: bool = True
    peg_instructions_allowed: bool = True
    default_stp_mode: str = "NONE"
    allowed_stp_modes: frozenset[str] = STP_MODES
    permission_sets: tuple[frozenset[str], ...] = ()
    filters: SymbolFilters = SymbolFilters()

    def __post_init__(self) -> None:
        if not self.allowed_stp_modes <= STP_MODES:
            raise ValueError(
                f"self-trade prevention modes not kept here: {self.allowed_stp_modes - STP_MODES}"
            )
        if self.status not in SYMBOL_STATUSES:
            raise ValueError(f"no status of a symbol: {self.status}")
        if self.default_stp_mode not in self.allowed_stp_modes:
            raise ValueError(f"default self-trade prevention mode {self.default_stp_mode} is not allowed")
        if not self.order_types <= ORDER_TYPES:
            raise ValueError(f"unknown order types: {self.order_types - ORDER_TYPES}")

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> SymbolRules:
        """Read one entry of the `symbols` array of `exchangeInfo`."""
        return cls(
            symbol=entry["symbol"],
            base_asset=entry["baseAsset"],
            quote_asset=entry["quoteAsset"],
            status=entry["status"],
            order_types=frozenset(entry["orderTypes"]),
            iceberg_allowed=entry["icebergAllowed"],
            oco_allowed=entry["ocoAllowed"],
            oto_allowed=entry["otoAllowed"],
            opo_allowed=entry["opoAllowed"],
            quote_order_quantity_market_allowed=entry["quoteOrderQtyMarketAllowed"],
            allow_trailing_stop=entry["allowTrailingStop"],
            cancel_replace_allowed=entry["cancelReplaceAllowed"],
            amend_allowed=entry["amendAllowed"],
            peg_instructions_allowed=entry["pegInstructionsAllowed"],
            default_stp_mode=entry["defaultSelfTradePreventionMode"],
            allowed_stp_modes=frozenset(entry["allowedSelfTradePreventionModes"]),
            permission_sets=tuple(map(frozenset, entry["permissionSets"])),
            filters=SymbolFilters.from_json(entry["filters"]),
        )


def _price_filter(entry: Mapping[str, Any]) -> PriceFilter:
    return PriceFilter(
        parse_amount(entry["minPrice"]), parse_amount(entry["maxPrice"]), parse_amount(entry["tickSize"])
    )


def _lot_size(entry: Mapping[str, Any]) -> LotSize:
    return LotSize(
        parse_amount(entry["minQty"]), parse_amount(entry["maxQty"]), parse_amount(entry["stepSize"])
    )


def _percent_price(entry: Mapping[str, Any]) -> PercentPrice:
    up, down = parse_amount(entry["multiplierUp"]), parse_amount(entry["multiplierDown"])
    return PercentPrice("PERCENT_PRICE", up, down, up, down, int(entry["avgPriceMins"]))


def _percent_price_by_side(entry: Mapping[str, Any]) -> PercentPrice:
    return PercentPrice(
        "PERCENT_PRICE_BY_SIDE",
        parse_amount(entry["bidMultiplierUp"]),
        parse_amount(entry["bidMultiplierDown"]),
        parse_amount(entry["askMultiplierUp"]),
        parse_amount(entry["askMultiplierDown"]),
        int(entry["avgPriceMins"]),
    )


def _min_notional(entry: Mapping[str, Any]) -> Notional:
    return Notional(
        "MIN_NOTIONAL",
        parse_amount(entry["minNotional"]),
        None,
        bool(entry["applyToMarket"]),
        False,
        int(entry["avgPriceMins"]),
    )


def _notional(entry: Mapping[str, Any]) -> Notional:
    return Notional(
        "NOTIONAL",
        parse_amount(entry["minNotional"]),
        parse_amount(entry["maxNotional"]),
        bool(entry["applyMinToMarket"]),
        bool(entry["applyMaxToMarket"]),
        int(entry["avgPriceMins"]),
    )


def _trailing_delta(entry: Mapping[str, Any]) -> TrailingDelta:
    return TrailingDelta(
        int(entry["minTrailingAboveDelta"]),
        int(entry["maxTrailingAboveDelta"]),
        int(entry["minTrailingBelowDelta"]),
        int(entry["maxTrailingBelowDelta"]),
    )


def _max_position(entry: Mapping[str, Any]) -> int:
    return parse_amount(entry["maxPosition"])


_READERS = {
    "PRICE_FILTER": ("price", _price_filter),
    "PERCENT_PRICE": ("percent_price", _percent_price),
    "PERCENT_PRICE_BY_SIDE": ("percent_price_by_side", _percent_price_by_side),
    "LOT_SIZE": ("lot_size", _lot_size),
    "MARKET_LOT_SIZE": ("market_lot_size", _lot_size),
    "MIN_NOTIONAL": ("min_notional", _min_notional),
    "NOTIONAL": ("notional", _notional),
    "MAX_POSITION": ("max_position", _max_position),
    "TRAILING_DELTA": ("trailing_delta", _trailing_delta),
}
_COUNTS = {
    "ICEBERG_PARTS": ("iceberg_parts", "limit"),
    "MAX_NUM_ORDERS": ("max_num_orders", "maxNumOrders"),
    "MAX_NUM_ALGO_ORDERS": ("max_num_algo_orders", "maxNumAlgoOrders"),
    "MAX_NUM_ICEBERG_ORDERS": ("max_num_iceberg_orders", "maxNumIcebergOrders"),
    "MAX_NUM_ORDER_AMENDS": ("max_num_order_amends", "maxNumOrderAmends"),
    "MAX_NUM_ORDER_LISTS": ("max_num_order_lists", "maxNumOrderLists"),
}
