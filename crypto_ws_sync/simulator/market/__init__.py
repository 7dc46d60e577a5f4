"""A market that lives: its past, its books and traders, its record; pure, and the same for the same seed.

How to use it::

    engine = MatchingEngine()
    market = SyntheticMarket(engine, DEFAULT_LISTINGS, seed=0, start_us=now_us)   # about 50 ms

    for outcome in market.advance(now_us):      # before each request that reads or changes the market
        ...                                     # publish outcome.events, settle outcome.first_fills
    outcome = engine.place(account_id, new, now_us)
    market.record(outcome)                      # after each of the engine's outcomes

`now_us` must not run backwards (hold it at its highest where a wall clock may step back). `advance` is exact
however time is sliced; a day of the default market takes about ten seconds, so call it on a timer too, or a
request after a quiet night pays for the night. It yields only what touched a client, and its trades are
recorded already. A caller that must not block advances in short steps and lets other work run in between.
Accounts of clients need positive ids.

Each symbol has a `MarketRecord`, `market.records[symbol]`, from which these functions work everything out:

==================== ====================================================================
trades.recent        recent_trades(record, limit=)
trades.historical    historical_trades(record, from_id=, limit=)
trades.aggregate     aggregate_trades(record, from_id=, start_us=, end_us=, limit=)
klines, uiKlines     klines(record, interval, now_us, start_us=, end_us=, limit=, offset_us=)
avgPrice             average_price_row(record, now_us)
ticker.price         price_row(record)
ticker.book          book_row(symbol, market.top(symbol))
ticker.24hr          ticker_24hr(record, now_us, market.top(symbol), is_mini=)
ticker.tradingDay    ticker_trading_day(record, now_us, offset_us=, is_mini=)
ticker               ticker_window(record, now_us, window_length("7d"), is_mini=)
==================== ====================================================================

`blockTrades.historical` comes from `market.block_trades[symbol].rows(from_id, limit, now_us)`.

They return rows ready for JSON; `per_unit=1` writes times in microseconds, the default 1000 in milliseconds.
`start_us` and `end_us` are inclusive microseconds: pass `end_ms * 1000 + 999` for an end in milliseconds.
`zone_offset` reads a `timeZone`, `window_length` a `windowSize` (both raise ValueError), and `INTERVALS` has
the names of the intervals. The rules of a symbol are `market.rules[symbol]`, its entry in `exchangeInfo`
`listing.as_exchange_info()`, and what every account starts with `STARTING_BALANCES`.

The first call for klines over years takes up to 0.4 s for a symbol (its templates are made then), later ones
some tens of milliseconds. Live trades are kept at about 50 bytes each; everything else is bounded.
"""

from crypto_ws_sync.simulator.market.asset_values import INTERCHANGEABLE
from crypto_ws_sync.simulator.market.candles import klines
from crypto_ws_sync.simulator.market.intervals import INTERVALS, zone_offset
from crypto_ws_sync.simulator.market.listings import (
    DEFAULT_LISTINGS,
    STANDARD_COMMISSION,
    STARTING_BALANCES,
    Listing,
)
from crypto_ws_sync.simulator.market.record import MarketRecord
from crypto_ws_sync.simulator.market.rows import (
    BookTop,
    aggregate_trades,
    book_row,
    historical_trades,
    price_row,
    recent_trades,
)
from crypto_ws_sync.simulator.market.synthetic_market import SyntheticMarket
from crypto_ws_sync.simulator.market.tickers import (
    average_price,
    average_price_row,
    ticker_24hr,
    ticker_trading_day,
    ticker_window,
    window_length,
)

__all__ = [
    "DEFAULT_LISTINGS",
    "INTERCHANGEABLE",
    "INTERVALS",
    "STANDARD_COMMISSION",
    "STARTING_BALANCES",
    "BookTop",
    "Listing",
    "MarketRecord",
    "SyntheticMarket",
    "aggregate_trades",
    "average_price",
    "average_price_row",
    "book_row",
    "historical_trades",
    "klines",
    "price_row",
    "recent_trades",
    "ticker_24hr",
    "ticker_trading_day",
    "ticker_window",
    "window_length",
    "zone_offset",
]
