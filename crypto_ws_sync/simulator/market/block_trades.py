"""Block trades: large ones made off the book, worked out from the seed when asked for."""

from __future__ import annotations

from crypto_ws_sync.simulator.market.asset_values import HOUR_US
from crypto_ws_sync.simulator.market.past import LISTED_SINCE_US, Past
from crypto_ws_sync.simulator.market.record import MarketRecord
from crypto_ws_sync.simulator.market.rows import Row
from crypto_ws_sync.simulator.market.seeded import seeded_words
from crypto_ws_sync.simulator.matching.amounts import format_amount, quote_of

# One in each of these stretches of time since the symbol was listed.
_SPACING_US = 12 * HOUR_US
# Lots of about 20 USDT: from 0.2 to 1.5 million.
_FEWEST_LOTS = 10_000
# As far from the last price on the book, in millionths, to either side.
_REACH = 2_000


class BlockTrades:
    """The block trades of one symbol, with ids from 0 on; they do not touch book, last price or klines.

    Nothing is kept: a trade follows from the seed, its id and the market's record up to its time.

    Owner: loop thread (of the simulated exchange).
    """

    def __init__(self, seed: int, past: Past, record: MarketRecord) -> None:
        self._key = (seed, past.listing.symbol, "block trades")
        self._tick, self._lot = past.tick, past.lot
        self._record = record

    def rows(self, from_id: int, limit: int, now_us: int, per_unit: int = 1_000) -> list[Row]:
        """Return the trades from an id on that have happened, oldest first, as `blockTrades.historical` does."""
        rows: list[Row] = []
        for number in range(from_id, from_id + limit):
            row = self._row(number, now_us, per_unit)
            if row is None:
                break
            rows.append(row)
        return rows

    def _row(self, number: int, now_us: int, per_unit: int) -> Row | None:
        """Return one trade; None if it has not happened yet."""
        jitter, away, lots, side = seeded_words(4, *self._key, number)
        time_us = LISTED_SINCE_US + number * _SPACING_US + (jitter + 1) * _SPACING_US // 65_537
        if time_us > now_us:
            return None
        before = self._record.last_before(self._record.id_at(time_us))
        if before is None:
            return None
        off = before.price * (away - 32_768) * _REACH // (32_768 * 1_000_000)
        price = max(1, (before.price + off) // self._tick) * self._tick
        quantity = (_FEWEST_LOTS + lots) * self._lot
        return {
            "id": number,
            "price": format_amount(price),
            "qty": format_amount(quantity),
            "quoteQty": format_amount(quote_of(price, quantity)),
            "time": time_us // per_unit,
            "isBuyerMaker": side % 2 == 0,
        }
