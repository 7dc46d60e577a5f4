"""The default listings: documented shapes, exact money, documented starting balances."""

from __future__ import annotations

from decimal import Decimal

import pytest

from crypto_ws_sync.simulator.market.listings import (
    DEFAULT_LISTINGS,
    STANDARD_COMMISSION,
    STARTING_BALANCES,
    Listing,
)
from crypto_ws_sync.simulator.matching import CommissionRates

by_listing = pytest.mark.parametrize("listing", DEFAULT_LISTINGS, ids=lambda listing: listing.symbol)


def test_the_promised_symbols_and_assets_are_there() -> None:
    assert {"BTCUSDT", "ETHUSDT", "BNBUSDT", "ETHBTC"} <= {listing.symbol for listing in DEFAULT_LISTINGS}
    assert set(STARTING_BALANCES) == {"BTC", "ETH", "BNB", "USDT"}
    assert all(amount > 0 for amount in STARTING_BALANCES.values())
    assert CommissionRates() == STANDARD_COMMISSION


@by_listing
def test_a_trade_never_needs_rounding(listing: Listing) -> None:
    product = listing.tick_size * listing.step_size
    assert product == product.quantize(Decimal("1e-8"))


@by_listing
def test_bounds_lie_on_the_grid(listing: Listing) -> None:
    for price in (listing.min_price, listing.max_price):
        assert price % listing.tick_size == 0
    for quantity in (listing.min_quantity, listing.max_quantity, listing.market_max_quantity):
        assert quantity % listing.step_size == 0


@by_listing
def test_the_entry_has_the_documented_keys_and_kinds(listing: Listing) -> None:
    entry = listing.as_exchange_info()
    assert entry["symbol"] == f"{entry['baseAsset']}{entry['quoteAsset']}"
    filters = entry["filters"]
    assert isinstance(filters, list)
    kinds = [row["filterType"] for row in filters]
    assert len(kinds) == len(set(kinds))
    assert {"PRICE_FILTER", "LOT_SIZE", "NOTIONAL", "PERCENT_PRICE_BY_SIDE"} <= set(kinds)
    price_filter = filters[kinds.index("PRICE_FILTER")]
    assert set(price_filter) == {"filterType", "minPrice", "maxPrice", "tickSize"}
    assert Decimal(price_filter["tickSize"]) == listing.tick_size
