"""Orders that are routed to the best of several books."""

from __future__ import annotations

from crypto_ws_sync.exchanges.binance import replies
from crypto_ws_sync.exchanges.binance.methods.catalogue import TypedCalls, method
from crypto_ws_sync.exchanges.binance.methods.rules import order_type_needs
from crypto_ws_sync.exchanges.binance.methods.weights import Case, by_param
from crypto_ws_sync.model.enums import ResponseType, SelfTradePreventionMode, Side, SorOrderType, TimeInForce
from crypto_ws_sync.model.numbers import Number
from crypto_ws_sync.protocol.method import Kind, Security

__all__ = ["SorMethods"]


class SorMethods(TypedCalls):
    """Orders that are routed to the best of several books."""

    __slots__ = ()

    @method(
        "sor.order.place",
        security=Security.TRADE,
        weight=1,
        weight_on_success=0,
        orders=1,
        kind=Kind.WRITE,
        settles_by="order.status",
        rules=(order_type_needs(only=("LIMIT",)),),
    )
    def sor_order_place(
        self,
        *,
        symbol: str,
        side: Side,
        type: SorOrderType,
        quantity: Number,
        time_in_force: TimeInForce | None = None,
        price: Number | None = None,
        new_client_order_id: str | None = None,
        new_order_resp_type: ResponseType | None = None,
        iceberg_qty: Number | None = None,
        strategy_id: int | None = None,
        strategy_type: int | None = None,
        self_trade_prevention_mode: SelfTradePreventionMode | None = None,
        recv_window: Number | None = None,
        timeout: float | None = None,
    ) -> list[replies.PlacedOrder]:
        """Place one order that fills on the best of several books; the answer is a list of one.

        Only where the exchange offers routing for the pair (`sors` of `exchange_info()`). Fills from other
        books are allocations: see `my_allocations()`.

        Args:
            symbol: Trading pair in the exchange's spelling, such as "BTCUSDT".
            side: BUY or SELL, from the base asset's point of view.
            type: LIMIT or MARKET.
            quantity: Amount in base asset; a multiple of the symbol's lot size.
            time_in_force: GTC, IOC or FOK; needed for LIMIT.
            price: Quote asset per one unit of base asset; a multiple of the tick size. Needed for LIMIT.
            new_client_order_id: Unique among open orders. Chosen for you when omitted, so a lost answer can
                be looked up.
            new_order_resp_type: How much the answer tells: ACK the ids, RESULT the state too, FULL (default)
                also each fill.
            iceberg_qty: Part of the quantity that the book shows, in base asset; only with GTC.
            strategy_id: Label of your own.
            strategy_type: Label of your own, 1000000 or more.
            self_trade_prevention_mode: What happens when the order meets one of your own; the symbol's
                default when omitted.
            recv_window: Milliseconds for which the request stays valid, up to 60000; the session's by
                default.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            InvalidParameter: Parameters are missing or contradict each other; nothing was sent.
            AuthError: Key, permission or signature refused; check the key's rights and its addresses.
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            OrderRejected: The exchange refused; `code` and `msg` tell why. Nothing was executed.
            OutcomeUnknown: The order may be live. Call `resolve()`; do not place it again.

        Cost: one unfilled order; weight 1 if refused, 0 if accepted. Source: Binance WS API docs,
        'sor.order.place'.
        """
        return self._ask(SorMethods.sor_order_place, locals())

    @method(
        "sor.order.test",
        security=Security.TRADE,
        weight=by_param(1, Case("computeCommissionRates", 20, is_flag=True)),
        rules=(order_type_needs(only=("LIMIT",)),),
    )
    def sor_order_test(
        self,
        *,
        symbol: str,
        side: Side,
        type: SorOrderType,
        quantity: Number,
        time_in_force: TimeInForce | None = None,
        price: Number | None = None,
        new_client_order_id: str | None = None,
        new_order_resp_type: ResponseType | None = None,
        iceberg_qty: Number | None = None,
        strategy_id: int | None = None,
        strategy_type: int | None = None,
        self_trade_prevention_mode: SelfTradePreventionMode | None = None,
        compute_commission_rates: bool | None = None,
        recv_window: Number | None = None,
        timeout: float | None = None,
    ) -> replies.OrderTest:
        """Check one smart-routed order without placing it.

        It is held against the rules of parameters and the signature, but not against books or your balances.

        Args:
            symbol: Trading pair in the exchange's spelling, such as "BTCUSDT".
            side: BUY or SELL, from the base asset's point of view.
            type: LIMIT or MARKET.
            quantity: Amount in base asset; a multiple of the symbol's lot size.
            time_in_force: GTC, IOC or FOK; needed for LIMIT.
            price: Quote asset per one unit of base asset; a multiple of the tick size. Needed for LIMIT.
            new_client_order_id: Your id of the order.
            new_order_resp_type: How much the answer tells: ACK the ids, RESULT the state too, FULL (default)
                also each fill.
            iceberg_qty: Part of the quantity that the book shows, in base asset; only with GTC.
            strategy_id: Label of your own.
            strategy_type: Label of your own, 1000000 or more.
            self_trade_prevention_mode: What happens when the order meets one of your own; the symbol's
                default when omitted.
            compute_commission_rates: True returns the commission rates that the order would have.
            recv_window: Milliseconds for which the request stays valid, up to 60000; the session's by
                default.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            InvalidParameter: Parameters are missing or contradict each other; nothing was sent.
            AuthError: Key, permission or signature refused; check the key's rights and its addresses.
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            RequestTimeout: No answer within `timeout`; asking again is safe.
            OrderRejected: The exchange refused; `code` and `msg` tell why. Nothing was executed.

        Cost: weight 1; 20 with `compute_commission_rates`. Source: Binance WS API docs, 'sor.order.test'.
        """
        return self._ask(SorMethods.sor_order_test, locals())
