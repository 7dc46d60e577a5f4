"""Symbols and moments that the market's tests share."""

from __future__ import annotations

from datetime import datetime, timezone

from crypto_ws_sync.simulator.market.asset_values import AssetValue
from crypto_ws_sync.simulator.market.listings import DEFAULT_LISTINGS
from crypto_ws_sync.simulator.market.past import Past

LISTINGS = {listing.symbol: listing for listing in DEFAULT_LISTINGS}
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def moment(text: str) -> int:
    """Return an ISO time, UTC, in microseconds since 1970."""
    return int(datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp()) * SECOND


START = moment("2026-03-18T13:47:21") + 123_456


def past_of(symbol: str = "BTCUSDT", seed: int = 0, start_us: int = START) -> Past:
    """Return the past of a default symbol."""
    listing = LISTINGS[symbol]
    return Past(
        seed, listing, AssetValue(seed, listing.base_asset), AssetValue(seed, listing.quote_asset), start_us
    )
