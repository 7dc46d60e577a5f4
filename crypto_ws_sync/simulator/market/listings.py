"""The symbols a new exchange lists, with their filters, fees and starting balances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from types import MappingProxyType

from crypto_ws_sync.simulator.matching import CommissionRates


@dataclass(frozen=True, slots=True)
class Listing:
    """One symbol as it is listed: its two assets and the figures its filters are made of.

    Prices are in quote asset per unit of base asset, quantities in base asset, notionals in quote asset.
    The product of tick and step size has at most eight decimals, so no trade needs rounding.

    An account may trade the symbol if it has a permission of each of the `permission_sets`. `price_range` is
    how many times the reference price a taker may trade at, at most and at least, and `mean_buckets` how many
    buckets of how many milliseconds that price is the mean of; None leaves the symbol without.
    """

    symbol: str
    base_asset: str
    quote_asset: str
    tick_size: Decimal
    min_price: Decimal
    max_price: Decimal
    step_size: Decimal
    min_quantity: Decimal
    max_quantity: Decimal
    market_max_quantity: Decimal
    min_notional: Decimal
    max_notional: Decimal
    permission_sets: tuple[tuple[str, ...], ...] = field(default=(("SPOT",),), kw_only=True)
    price_range: tuple[Decimal, Decimal] | None = field(default=None, kw_only=True)
    mean_buckets: tuple[int, int] | None = field(default=None, kw_only=True)
    opo_allowed: bool = field(default=True, kw_only=True)
    peg_instructions_allowed: bool = field(default=True, kw_only=True)

    def filters(self) -> tuple[dict[str, object], ...]:
        """Return the symbol's filters in the form and order of `exchangeInfo`."""
        return (
            {
                "filterType": "PRICE_FILTER",
                "minPrice": _text(self.min_price),
                "maxPrice": _text(self.max_price),
                "tickSize": _text(self.tick_size),
            },
            {
                "filterType": "LOT_SIZE",
                "minQty": _text(self.min_quantity),
                "maxQty": _text(self.max_quantity),
                "stepSize": _text(self.step_size),
            },
            {"filterType": "ICEBERG_PARTS", "limit": 100},
            {
                "filterType": "MARKET_LOT_SIZE",
                "minQty": "0.00000000",
                "maxQty": _text(self.market_max_quantity),
                "stepSize": "0.00000000",
            },
            {
                "filterType": "TRAILING_DELTA",
                "minTrailingAboveDelta": 10,
                "maxTrailingAboveDelta": 2000,
                "minTrailingBelowDelta": 10,
                "maxTrailingBelowDelta": 2000,
            },
            {
                "filterType": "PERCENT_PRICE_BY_SIDE",
                "bidMultiplierUp": "5",
                "bidMultiplierDown": "0.2",
                "askMultiplierUp": "5",
                "askMultiplierDown": "0.2",
                "avgPriceMins": 5,
            },
            {
                "filterType": "NOTIONAL",
                "minNotional": _text(self.min_notional),
                "applyMinToMarket": True,
                "maxNotional": _text(self.max_notional),
                "applyMaxToMarket": False,
                "avgPriceMins": 5,
            },
            {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
            {"filterType": "MAX_NUM_ORDER_LISTS", "maxNumOrderLists": 20},
            {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5},
            {"filterType": "MAX_NUM_ORDER_AMENDS", "maxNumOrderAmends": 10},
        )

    def as_exchange_info(self) -> dict[str, object]:
        """Return the symbol's whole entry in `exchangeInfo`."""
        return {
            "symbol": self.symbol,
            "status": "TRADING",
            "baseAsset": self.base_asset,
            "baseAssetPrecision": 8,
            "quoteAsset": self.quote_asset,
            "quotePrecision": 8,
            "quoteAssetPrecision": 8,
            "baseCommissionPrecision": 8,
            "quoteCommissionPrecision": 8,
            "orderTypes": [
                "LIMIT",
                "LIMIT_MAKER",
                "MARKET",
                "STOP_LOSS",
                "STOP_LOSS_LIMIT",
                "TAKE_PROFIT",
                "TAKE_PROFIT_LIMIT",
            ],
            "icebergAllowed": True,
            "ocoAllowed": True,
            "otoAllowed": True,
            "opoAllowed": self.opo_allowed,
            "quoteOrderQtyMarketAllowed": True,
            "allowTrailingStop": True,
            "cancelReplaceAllowed": True,
            "amendAllowed": True,
            "pegInstructionsAllowed": self.peg_instructions_allowed,
            "isSpotTradingAllowed": True,
            "isMarginTradingAllowed": False,
            "filters": list(self.filters()),
            "permissions": [],
            "permissionSets": [list(each) for each in self.permission_sets],
            "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
            "allowedSelfTradePreventionModes": [
                "NONE",
                "EXPIRE_TAKER",
                "EXPIRE_MAKER",
                "EXPIRE_BOTH",
                "DECREMENT",
                "TRANSFER",
            ],
        }


def _text(value: Decimal) -> str:
    """Return a figure as the exchange writes it: plain, with eight decimals."""
    return f"{value:.8f}"


def _listing(symbol: str, base: str, quote: str, figures: str) -> Listing:
    """Build a listing from its nine figures, in the order of the fields."""
    return Listing(symbol, base, quote, *(Decimal(figure) for figure in figures.split()))


# The columns: tick, lowest and highest price; step, smallest, largest, largest market quantity; notionals.
DEFAULT_LISTINGS: tuple[Listing, ...] = (
    _listing("BTCUSDT", "BTC", "USDT", "0.01 0.01 1000000 0.00001 0.00001 9000 100 5 9000000"),
    _listing("ETHUSDT", "ETH", "USDT", "0.01 0.01 1000000 0.0001 0.0001 9000 2000 5 9000000"),
    replace(
        _listing("BNBUSDT", "BNB", "USDT", "0.01 0.01 100000 0.001 0.001 900000 5000 5 9000000"),
        price_range=(Decimal("2"), Decimal("0.5")),
        mean_buckets=(300, 1000),
    ),
    _listing("BTCUSDC", "BTC", "USDC", "0.01 0.01 1000000 0.00001 0.00001 9000 100 5 9000000"),
    _listing("ETHBTC", "ETH", "BTC", "0.00001 0.00001 922327 0.001 0.001 100000 1000 0.0001 900"),
    _listing("BNBBTC", "BNB", "BTC", "0.000001 0.000001 100000 0.01 0.01 100000 2500 0.0001 900"),
)

# What every account starts with.
STARTING_BALANCES: Mapping[str, Decimal] = MappingProxyType(
    {
        "BTC": Decimal("10"),
        "ETH": Decimal("100"),
        "BNB": Decimal("500"),
        "USDT": Decimal("1000000"),
    }
)

# Every account pays 0.1 % of what it receives, as maker and as taker.
STANDARD_COMMISSION = CommissionRates(maker=100_000, taker=100_000, buyer=0, seller=0)
