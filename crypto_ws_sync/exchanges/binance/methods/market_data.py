"""Prices, order books, trades and candles: what anyone may ask for."""

from __future__ import annotations

from typing import Literal, overload

from crypto_ws_sync.exchanges.binance import replies
from crypto_ws_sync.exchanges.binance.methods.catalogue import Names, Time, TypedCalls, method
from crypto_ws_sync.exchanges.binance.methods.rules import at_most_one, exactly_one, excludes
from crypto_ws_sync.exchanges.binance.methods.weights import by_limit, by_symbols
from crypto_ws_sync.model.enums import KlineInterval, SymbolStatusFilter, TickerType, WindowSize
from crypto_ws_sync.protocol.method import HistoryRule

__all__ = ["MarketDataMethods"]


class MarketDataMethods(TypedCalls):
    """Prices, order books, trades and candles: what anyone may ask for."""

    __slots__ = ()

    @method("depth", weight=by_limit(100, (100, 5), (500, 25), (1000, 50), (5000, 250)))
    def depth(
        self,
        *,
        symbol: str,
        limit: int | None = None,
        symbol_status: SymbolStatusFilter | None = None,
        timeout: float | None = None,
    ) -> replies.OrderBook:
        """Return the best bids and asks, prices with quantities.

        Bids come highest first, asks lowest first; prices in quote asset, quantities in base asset.

        Args:
            symbol: Trading pair in the exchange's spelling, such as "BTCUSDT".
            limit: Levels of each side, 100 by default, at most 5000.
            symbol_status: Refuse the symbol in any other state.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            RequestTimeout: No answer within `timeout`; asking again is safe.
            BadRequest: The exchange refused a parameter, such as an unknown symbol; `msg` tells which.

        Cost: weight 5 up to 100 levels, 25 up to 500, 50 up to 1000, 250 up to 5000. Source: Binance WS API
        docs, 'depth'.
        """
        return self._ask(MarketDataMethods.depth, locals())

    @method("trades.recent", weight=25)
    def trades_recent(
        self, *, symbol: str, limit: int | None = None, timeout: float | None = None
    ) -> list[replies.Trade]:
        """Return the latest public trades, oldest first.

        Args:
            symbol: Trading pair in the exchange's spelling, such as "BTCUSDT".
            limit: Length of the page, 500 by default, at most 1000.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            RequestTimeout: No answer within `timeout`; asking again is safe.
            BadRequest: The exchange refused a parameter, such as an unknown symbol; `msg` tells which.

        Cost: weight 25. Source: Binance WS API docs, 'trades.recent'.
        """
        return self._ask(MarketDataMethods.trades_recent, locals())

    @method("trades.historical", weight=25, history=HistoryRule(id_param="fromId", id_field="id"))
    def trades_historical(
        self,
        *,
        symbol: str,
        from_id: int | None = None,
        limit: int | None = None,
        timeout: float | None = None,
    ) -> list[replies.Trade]:
        """Return public trades from an id on, oldest first; without one the latest.

        Args:
            symbol: Trading pair in the exchange's spelling, such as "BTCUSDT".
            from_id: First id to return, inclusive.
            limit: Length of the page, 500 by default, at most 1000.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            RequestTimeout: No answer within `timeout`; asking again is safe.
            BadRequest: The exchange refused a parameter, such as an unknown symbol; `msg` tells which.

        Cost: weight 25. Source: Binance WS API docs, 'trades.historical'.
        """
        return self._ask(MarketDataMethods.trades_historical, locals())

    @method("blockTrades.historical", weight=25, history=HistoryRule(id_param="fromId", id_field="id"))
    def block_trades_historical(
        self, *, symbol: str, from_id: int, limit: int | None = None, timeout: float | None = None
    ) -> list[replies.BlockTrade]:
        """Return trades made off the book from an id on, oldest first.

        Args:
            symbol: Trading pair in the exchange's spelling, such as "BTCUSDT".
            from_id: First id to return, inclusive.
            limit: Length of the page, 500 by default, at most 1000.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            RequestTimeout: No answer within `timeout`; asking again is safe.
            BadRequest: The exchange refused a parameter, such as an unknown symbol; `msg` tells which.

        Cost: weight 25. Source: Binance WS API docs, 'blockTrades.historical'.
        """
        return self._ask(MarketDataMethods.block_trades_historical, locals())

    @method(
        "trades.aggregate",
        weight=4,
        rules=(excludes("fromId", "startTime", "endTime"),),
        history=HistoryRule(id_param="fromId", id_field="a", time_field="T", has_times=True),
    )
    def trades_aggregate(
        self,
        *,
        symbol: str,
        from_id: int | None = None,
        start_time: Time | None = None,
        end_time: Time | None = None,
        limit: int | None = None,
        timeout: float | None = None,
    ) -> list[replies.AggregateTrade]:
        """Return trades joined by taker order and price, oldest first; the latest where nothing is given.

        Args:
            symbol: Trading pair in the exchange's spelling, such as "BTCUSDT".
            from_id: First id to return, inclusive; not beside a time.
            start_time: Oldest moment to return, inclusive: milliseconds, or an aware datetime.
            end_time: Newest moment to return: milliseconds, or an aware datetime.
            limit: Length of the page, 500 by default, at most 1000.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            InvalidParameter: Parameters are missing or contradict each other; nothing was sent.
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            RequestTimeout: No answer within `timeout`; asking again is safe.
            BadRequest: The exchange refused a parameter, such as an unknown symbol; `msg` tells which.

        Cost: weight 4. Source: Binance WS API docs, 'trades.aggregate'.
        """
        return self._ask(MarketDataMethods.trades_aggregate, locals())

    @method("klines", weight=2, history=HistoryRule(time_field="[0]", has_times=True, is_time_unique=True))
    def klines(
        self,
        *,
        symbol: str,
        interval: KlineInterval,
        start_time: Time | None = None,
        end_time: Time | None = None,
        time_zone: str | None = None,
        limit: int | None = None,
        timeout: float | None = None,
    ) -> list[replies.Kline]:
        """Return candles, oldest first.

        Each candle is a list: open time, open, high, low, close, volume in base asset, close time, volume in
        quote asset, number of trades, taker's volume in base and in quote asset. The newest one is still
        open.

        Args:
            symbol: Trading pair in the exchange's spelling, such as "BTCUSDT".
            interval: Width of a candle; "1M" is a month, "1m" a minute.
            start_time: Oldest moment to return, inclusive: milliseconds, or an aware datetime.
            end_time: Newest moment to return: milliseconds, or an aware datetime.
            time_zone: Offset at which days begin, such as "8" or "-3:30"; UTC by default. Times stay in UTC.
            limit: Length of the page, 500 by default, at most 1000.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            RequestTimeout: No answer within `timeout`; asking again is safe.
            BadRequest: The exchange refused a parameter, such as an unknown symbol; `msg` tells which.

        Cost: weight 2. Source: Binance WS API docs, 'klines'.
        """
        return self._ask(MarketDataMethods.klines, locals())

    @method("uiKlines", weight=2, history=HistoryRule(time_field="[0]", has_times=True, is_time_unique=True))
    def ui_klines(
        self,
        *,
        symbol: str,
        interval: KlineInterval,
        start_time: Time | None = None,
        end_time: Time | None = None,
        time_zone: str | None = None,
        limit: int | None = None,
        timeout: float | None = None,
    ) -> list[replies.Kline]:
        """Return candles adjusted for charts, oldest first.

        Each candle is a list: open time, open, high, low, close, volume in base asset, close time, volume in
        quote asset, number of trades, taker's volume in base and in quote asset. The newest one is still
        open.

        Args:
            symbol: Trading pair in the exchange's spelling, such as "BTCUSDT".
            interval: Width of a candle; "1M" is a month, "1m" a minute.
            start_time: Oldest moment to return, inclusive: milliseconds, or an aware datetime.
            end_time: Newest moment to return: milliseconds, or an aware datetime.
            time_zone: Offset at which days begin, such as "8" or "-3:30"; UTC by default. Times stay in UTC.
            limit: Length of the page, 500 by default, at most 1000.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            RequestTimeout: No answer within `timeout`; asking again is safe.
            BadRequest: The exchange refused a parameter, such as an unknown symbol; `msg` tells which.

        Cost: weight 2. Source: Binance WS API docs, 'uiKlines'.
        """
        return self._ask(MarketDataMethods.ui_klines, locals())

    @method("avgPrice", weight=2)
    def avg_price(self, *, symbol: str, timeout: float | None = None) -> replies.AveragePrice:
        """Return the average price over the last minutes.

        Args:
            symbol: Trading pair in the exchange's spelling, such as "BTCUSDT".
            timeout: Seconds for all of it; the session's by default.

        Raises:
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            RequestTimeout: No answer within `timeout`; asking again is safe.
            BadRequest: The exchange refused a parameter, such as an unknown symbol; `msg` tells which.

        Cost: weight 2. Source: Binance WS API docs, 'avgPrice'.
        """
        return self._ask(MarketDataMethods.avg_price, locals())

    @overload
    def ticker_24hr(
        self,
        *,
        symbol: str,
        symbols: None = None,
        type: Literal["FULL"] | None = None,
        symbol_status: SymbolStatusFilter | None = None,
        timeout: float | None = None,
    ) -> replies.Ticker24hr: ...

    @overload
    def ticker_24hr(
        self,
        *,
        symbol: str,
        symbols: None = None,
        type: Literal["MINI"],
        symbol_status: SymbolStatusFilter | None = None,
        timeout: float | None = None,
    ) -> replies.MiniTicker: ...

    @overload
    def ticker_24hr(
        self,
        *,
        symbol: None = None,
        symbols: Names | None = None,
        type: Literal["FULL"] | None = None,
        symbol_status: SymbolStatusFilter | None = None,
        timeout: float | None = None,
    ) -> list[replies.Ticker24hr]: ...

    @overload
    def ticker_24hr(
        self,
        *,
        symbol: None = None,
        symbols: Names | None = None,
        type: Literal["MINI"],
        symbol_status: SymbolStatusFilter | None = None,
        timeout: float | None = None,
    ) -> list[replies.MiniTicker]: ...

    @method(
        "ticker.24hr",
        weight=by_symbols(2, (20, 2), (100, 40), over=80, none=80),
        rules=(at_most_one("symbol", "symbols"),),
    )
    def ticker_24hr(
        self,
        *,
        symbol: str | None = None,
        symbols: Names | None = None,
        type: TickerType | None = None,
        symbol_status: SymbolStatusFilter | None = None,
        timeout: float | None = None,
    ) -> replies.Ticker24hr | replies.MiniTicker | list[replies.Ticker24hr] | list[replies.MiniTicker]:
        """Return price statistics over the last 24 hours.

        With `symbol` one object, else a list.

        Args:
            symbol: Trading pair in the exchange's spelling, such as "BTCUSDT".
            symbols: Several trading pairs, instead of `symbol`.
            type: FULL (default), or MINI for fewer fields.
            symbol_status: Only symbols in this state; a single `symbol` in another one is refused.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            InvalidParameter: Parameters are missing or contradict each other; nothing was sent.
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            RequestTimeout: No answer within `timeout`; asking again is safe.
            BadRequest: The exchange refused a parameter, such as an unknown symbol; `msg` tells which.

        Cost: weight 2 for up to 20 symbols, 40 up to 100, 80 for more or all. Source: Binance WS API docs,
        'ticker.24hr'.
        """
        return self._ask(MarketDataMethods.ticker_24hr, locals())

    @overload
    def ticker_trading_day(
        self,
        *,
        symbol: str,
        symbols: None = None,
        time_zone: str | None = None,
        type: Literal["FULL"] | None = None,
        symbol_status: SymbolStatusFilter | None = None,
        timeout: float | None = None,
    ) -> replies.Ticker: ...

    @overload
    def ticker_trading_day(
        self,
        *,
        symbol: str,
        symbols: None = None,
        time_zone: str | None = None,
        type: Literal["MINI"],
        symbol_status: SymbolStatusFilter | None = None,
        timeout: float | None = None,
    ) -> replies.MiniTicker: ...

    @overload
    def ticker_trading_day(
        self,
        *,
        symbol: None = None,
        symbols: Names,
        time_zone: str | None = None,
        type: Literal["FULL"] | None = None,
        symbol_status: SymbolStatusFilter | None = None,
        timeout: float | None = None,
    ) -> list[replies.Ticker]: ...

    @overload
    def ticker_trading_day(
        self,
        *,
        symbol: None = None,
        symbols: Names,
        time_zone: str | None = None,
        type: Literal["MINI"],
        symbol_status: SymbolStatusFilter | None = None,
        timeout: float | None = None,
    ) -> list[replies.MiniTicker]: ...

    @method(
        "ticker.tradingDay", weight=by_symbols(4, per=4, cap=200), rules=(exactly_one("symbol", "symbols"),)
    )
    def ticker_trading_day(
        self,
        *,
        symbol: str | None = None,
        symbols: Names | None = None,
        time_zone: str | None = None,
        type: TickerType | None = None,
        symbol_status: SymbolStatusFilter | None = None,
        timeout: float | None = None,
    ) -> replies.Ticker | replies.MiniTicker | list[replies.Ticker] | list[replies.MiniTicker]:
        """Return price statistics of the trading day.

        With `symbol` one object, with `symbols` a list.

        Args:
            symbol: Trading pair in the exchange's spelling, such as "BTCUSDT".
            symbols: Several trading pairs, instead of `symbol`.
            time_zone: Offset at which days begin, such as "8" or "-3:30"; UTC by default. Times stay in UTC.
            type: FULL (default), or MINI for fewer fields.
            symbol_status: Only symbols in this state; a single `symbol` in another one is refused.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            InvalidParameter: Parameters are missing or contradict each other; nothing was sent.
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            RequestTimeout: No answer within `timeout`; asking again is safe.
            BadRequest: The exchange refused a parameter, such as an unknown symbol; `msg` tells which.

        Cost: weight 4 a symbol, at most 200. Source: Binance WS API docs, 'ticker.tradingDay'.
        """
        return self._ask(MarketDataMethods.ticker_trading_day, locals())

    @overload
    def ticker(
        self,
        *,
        symbol: str,
        symbols: None = None,
        type: Literal["FULL"] | None = None,
        window_size: WindowSize | None = None,
        symbol_status: SymbolStatusFilter | None = None,
        timeout: float | None = None,
    ) -> replies.Ticker: ...

    @overload
    def ticker(
        self,
        *,
        symbol: str,
        symbols: None = None,
        type: Literal["MINI"],
        window_size: WindowSize | None = None,
        symbol_status: SymbolStatusFilter | None = None,
        timeout: float | None = None,
    ) -> replies.MiniTicker: ...

    @overload
    def ticker(
        self,
        *,
        symbol: None = None,
        symbols: Names,
        type: Literal["FULL"] | None = None,
        window_size: WindowSize | None = None,
        symbol_status: SymbolStatusFilter | None = None,
        timeout: float | None = None,
    ) -> list[replies.Ticker]: ...

    @overload
    def ticker(
        self,
        *,
        symbol: None = None,
        symbols: Names,
        type: Literal["MINI"],
        window_size: WindowSize | None = None,
        symbol_status: SymbolStatusFilter | None = None,
        timeout: float | None = None,
    ) -> list[replies.MiniTicker]: ...

    @method("ticker", weight=by_symbols(4, per=4, cap=200), rules=(exactly_one("symbol", "symbols"),))
    def ticker(
        self,
        *,
        symbol: str | None = None,
        symbols: Names | None = None,
        type: TickerType | None = None,
        window_size: WindowSize | None = None,
        symbol_status: SymbolStatusFilter | None = None,
        timeout: float | None = None,
    ) -> replies.Ticker | replies.MiniTicker | list[replies.Ticker] | list[replies.MiniTicker]:
        """Return price statistics over a window of your choice.

        With `symbol` one object, with `symbols` a list. The window begins at a full minute.

        Args:
            symbol: Trading pair in the exchange's spelling, such as "BTCUSDT".
            symbols: Up to 200 trading pairs, instead of `symbol`.
            type: FULL (default), or MINI for fewer fields.
            window_size: Width of the window: "1m" to "59m", "1h" to "23h", "1d" (default) to "7d".
            symbol_status: Only symbols in this state; a single `symbol` in another one is refused.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            InvalidParameter: Parameters are missing or contradict each other; nothing was sent.
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            RequestTimeout: No answer within `timeout`; asking again is safe.
            BadRequest: The exchange refused a parameter, such as an unknown symbol; `msg` tells which.

        Cost: weight 4 a symbol, at most 200. Source: Binance WS API docs, 'ticker'.
        """
        return self._ask(MarketDataMethods.ticker, locals())

    @overload
    def ticker_price(
        self,
        *,
        symbol: str,
        symbols: None = None,
        symbol_status: SymbolStatusFilter | None = None,
        timeout: float | None = None,
    ) -> replies.PriceTicker: ...

    @overload
    def ticker_price(
        self,
        *,
        symbol: None = None,
        symbols: Names | None = None,
        symbol_status: SymbolStatusFilter | None = None,
        timeout: float | None = None,
    ) -> list[replies.PriceTicker]: ...

    @method("ticker.price", weight=by_symbols(2, over=4, none=4), rules=(at_most_one("symbol", "symbols"),))
    def ticker_price(
        self,
        *,
        symbol: str | None = None,
        symbols: Names | None = None,
        symbol_status: SymbolStatusFilter | None = None,
        timeout: float | None = None,
    ) -> replies.PriceTicker | list[replies.PriceTicker]:
        """Return the last price.

        With `symbol` one object, else a list.

        Args:
            symbol: Trading pair in the exchange's spelling, such as "BTCUSDT".
            symbols: Several trading pairs, instead of `symbol`.
            symbol_status: Only symbols in this state; a single `symbol` in another one is refused.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            InvalidParameter: Parameters are missing or contradict each other; nothing was sent.
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            RequestTimeout: No answer within `timeout`; asking again is safe.
            BadRequest: The exchange refused a parameter, such as an unknown symbol; `msg` tells which.

        Cost: weight 2 for one symbol, 4 for several or all. Source: Binance WS API docs, 'ticker.price'.
        """
        return self._ask(MarketDataMethods.ticker_price, locals())

    @overload
    def ticker_book(
        self,
        *,
        symbol: str,
        symbols: None = None,
        symbol_status: SymbolStatusFilter | None = None,
        timeout: float | None = None,
    ) -> replies.BookTicker: ...

    @overload
    def ticker_book(
        self,
        *,
        symbol: None = None,
        symbols: Names | None = None,
        symbol_status: SymbolStatusFilter | None = None,
        timeout: float | None = None,
    ) -> list[replies.BookTicker]: ...

    @method("ticker.book", weight=by_symbols(2, over=4, none=4), rules=(at_most_one("symbol", "symbols"),))
    def ticker_book(
        self,
        *,
        symbol: str | None = None,
        symbols: Names | None = None,
        symbol_status: SymbolStatusFilter | None = None,
        timeout: float | None = None,
    ) -> replies.BookTicker | list[replies.BookTicker]:
        """Return the best bid and ask.

        With `symbol` one object, else a list. Prices in quote asset, quantities in base asset.

        Args:
            symbol: Trading pair in the exchange's spelling, such as "BTCUSDT".
            symbols: Several trading pairs, instead of `symbol`.
            symbol_status: Only symbols in this state; a single `symbol` in another one is refused.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            InvalidParameter: Parameters are missing or contradict each other; nothing was sent.
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            RequestTimeout: No answer within `timeout`; asking again is safe.
            BadRequest: The exchange refused a parameter, such as an unknown symbol; `msg` tells which.

        Cost: weight 2 for one symbol, 4 for several or all. Source: Binance WS API docs, 'ticker.book'.
        """
        return self._ask(MarketDataMethods.ticker_book, locals())

    @method("referencePrice", weight=2)
    def reference_price(self, *, symbol: str, timeout: float | None = None) -> replies.ReferencePrice:
        """Return the reference price of a symbol.

        It bounds the prices of takers where the symbol has execution rules.

        Args:
            symbol: Trading pair in the exchange's spelling, such as "BTCUSDT".
            timeout: Seconds for all of it; the session's by default.

        Raises:
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            RequestTimeout: No answer within `timeout`; asking again is safe.
            BadRequest: The exchange refused a parameter, such as an unknown symbol; `msg` tells which.
            NotFound: The symbol has no reference price.

        Cost: weight 2. Source: Binance WS API docs, 'referencePrice'.
        """
        return self._ask(MarketDataMethods.reference_price, locals())

    @method("referencePrice.calculation", weight=2)
    def reference_price_calculation(
        self, *, symbol: str, symbol_status: SymbolStatusFilter | None = None, timeout: float | None = None
    ) -> replies.ReferencePriceCalculation:
        """Return how the reference price of a symbol is computed.

        Args:
            symbol: Trading pair in the exchange's spelling, such as "BTCUSDT".
            symbol_status: Refuse the symbol in any other state.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            RequestTimeout: No answer within `timeout`; asking again is safe.
            BadRequest: The exchange refused a parameter, such as an unknown symbol; `msg` tells which.
            NotFound: The symbol has no reference price.

        Cost: weight 2. Source: Binance WS API docs, 'referencePrice.calculation'.
        """
        return self._ask(MarketDataMethods.reference_price_calculation, locals())
