"""What a symbol would trade at without anybody's orders: the values of its assets, joined to its past."""

from __future__ import annotations

from crypto_ws_sync.simulator.market.asset_values import E8, HOUR_US, AssetValue

# The last price of the past and the assets' values differ a little; the difference fades over this time.
_FADING_US = 2 * HOUR_US


class FairPrice:
    """The price around which a symbol's traders quote, in 1e-8 quote asset, from the join on.

    Owner: loop thread (of the simulated exchange).
    """

    def __init__(self, base: AssetValue, quote: AssetValue, start_us: int, last_price: int | None) -> None:
        """Begin at the last price of the past, or without a past at what the assets are worth."""
        self._base, self._quote, self._start_us = base, quote, start_us
        self._gap = 0
        if last_price is not None:
            self._gap = last_price - self.at(start_us)

    def at(self, time_us: int) -> int:
        """Return the price at a moment not before the start."""
        price = self._base.at(time_us) * E8 // self._quote.at(time_us)
        left = self._start_us + _FADING_US - time_us
        if self._gap and left > 0:
            price += self._gap * left // _FADING_US
        return price
