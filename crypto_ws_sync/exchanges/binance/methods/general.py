"""The exchange's clock and rules."""

from __future__ import annotations

from crypto_ws_sync.exchanges.binance import replies
from crypto_ws_sync.exchanges.binance.methods.catalogue import Names, TypedCalls, method
from crypto_ws_sync.exchanges.binance.methods.rules import at_most_one, excludes
from crypto_ws_sync.exchanges.binance.methods.weights import by_symbols
from crypto_ws_sync.model.enums import Permission, SymbolStatusFilter

__all__ = ["GeneralMethods"]


class GeneralMethods(TypedCalls):
    """The exchange's clock and rules."""

    __slots__ = ()

    @method("ping", weight=1)
    def ping(self, *, timeout: float | None = None) -> replies.NoResult:
        """Check that the API answers.

        Frames keep the connection alive by themselves; this measures the whole way of a request.

        Args:
            timeout: Seconds for all of it; the session's by default.

        Raises:
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            RequestTimeout: No answer within `timeout`; asking again is safe.

        Cost: weight 1. Source: Binance WS API docs, 'ping'.
        """
        return self._ask(GeneralMethods.ping, locals())

    @method("time", weight=1)
    def time(self, *, timeout: float | None = None) -> replies.ServerTime:
        """Return the exchange's clock.

        Args:
            timeout: Seconds for all of it; the session's by default.

        Raises:
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            RequestTimeout: No answer within `timeout`; asking again is safe.

        Cost: weight 1. Source: Binance WS API docs, 'time'.
        """
        return self._ask(GeneralMethods.time, locals())

    @method(
        "exchangeInfo",
        weight=20,
        rules=(
            at_most_one("symbol", "symbols", "permissions"),
            excludes("symbolStatus", "symbol", "symbols"),
        ),
    )
    def exchange_info(
        self,
        *,
        symbol: str | None = None,
        symbols: Names | None = None,
        permissions: Permission | Names | None = None,
        show_permission_sets: bool | None = None,
        symbol_status: SymbolStatusFilter | None = None,
        timeout: float | None = None,
    ) -> replies.ExchangeInfo:
        """Return limits, symbols and their trading rules.

        The whole of it is a message of many megabytes: name the symbols you need.

        Args:
            symbol: Trading pair in the exchange's spelling, such as "BTCUSDT".
            symbols: Several trading pairs, instead of `symbol` or `permissions`.
            permissions: Only symbols for which an account with one of these permissions may trade.
            show_permission_sets: False leaves the permission sets empty, which makes the answer smaller.
            symbol_status: Only symbols in this state; not beside `symbol` or `symbols`.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            InvalidParameter: Parameters are missing or contradict each other; nothing was sent.
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            RequestTimeout: No answer within `timeout`; asking again is safe.
            BadRequest: The exchange refused a parameter, such as an unknown symbol; `msg` tells which.

        Cost: weight 20. Source: Binance WS API docs, 'exchangeInfo'.
        """
        return self._ask(GeneralMethods.exchange_info, locals())

    @method(
        "executionRules",
        weight=by_symbols(2, per=2, cap=40, none=40),
        rules=(at_most_one("symbol", "symbols", "symbolStatus"),),
    )
    def execution_rules(
        self,
        *,
        symbol: str | None = None,
        symbols: Names | None = None,
        symbol_status: SymbolStatusFilter | None = None,
        timeout: float | None = None,
    ) -> replies.ExecutionRules:
        """Return the price ranges that bind takers, symbol by symbol.

        Args:
            symbol: Trading pair in the exchange's spelling, such as "BTCUSDT".
            symbols: Several trading pairs, instead of `symbol`.
            symbol_status: All symbols in this state, instead of `symbol` or `symbols`.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            InvalidParameter: Parameters are missing or contradict each other; nothing was sent.
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            RequestTimeout: No answer within `timeout`; asking again is safe.
            BadRequest: The exchange refused a parameter, such as an unknown symbol; `msg` tells which.

        Cost: weight 2 a symbol, at most 40; 40 for all. Source: Binance WS API docs, 'executionRules'.
        """
        return self._ask(GeneralMethods.execution_rules, locals())
