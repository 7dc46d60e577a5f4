"""Placing, changing and cancelling orders."""

from __future__ import annotations

from crypto_ws_sync.exchanges.binance import replies
from crypto_ws_sync.exchanges.binance.methods.catalogue import TypedCalls, method
from crypto_ws_sync.exchanges.binance.methods.rules import (
    at_least_one,
    market_amount,
    order_type_needs,
    together,
)
from crypto_ws_sync.exchanges.binance.methods.weights import Case, by_param
from crypto_ws_sync.model.enums import (
    CancelReplaceMode,
    CancelRestrictions,
    OrderRateLimitExceededMode,
    OrderType,
    PegOffsetType,
    PegPriceType,
    ResponseType,
    SelfTradePreventionMode,
    Side,
    TimeInForce,
)
from crypto_ws_sync.model.numbers import Number
from crypto_ws_sync.protocol.method import Kind, Security

__all__ = ["TradingMethods"]


class TradingMethods(TypedCalls):
    """Placing, changing and cancelling orders."""

    __slots__ = ()

    @method(
        "order.place",
        security=Security.TRADE,
        weight=1,
        weight_on_success=0,
        orders=1,
        kind=Kind.WRITE,
        settles_by="order.status",
        rules=(
            order_type_needs(has_quantity=True),
            market_amount,
            together("pegOffsetType", "pegOffsetValue"),
        ),
    )
    def order_place(
        self,
        *,
        symbol: str,
        side: Side,
        type: OrderType,
        time_in_force: TimeInForce | None = None,
        price: Number | None = None,
        quantity: Number | None = None,
        quote_order_qty: Number | None = None,
        new_client_order_id: str | None = None,
        new_order_resp_type: ResponseType | None = None,
        stop_price: Number | None = None,
        trailing_delta: int | None = None,
        iceberg_qty: Number | None = None,
        strategy_id: int | None = None,
        strategy_type: int | None = None,
        self_trade_prevention_mode: SelfTradePreventionMode | None = None,
        peg_price_type: PegPriceType | None = None,
        peg_offset_value: int | None = None,
        peg_offset_type: PegOffsetType | None = None,
        recv_window: Number | None = None,
        timeout: float | None = None,
    ) -> replies.PlacedOrder:
        """Place one order and return the exchange's answer.

        An answer is not a fill: a LIMIT order may rest on the book as NEW. Follow it with `user_data()`.

        What the types need besides: LIMIT `time_in_force`, `price`, `quantity`; LIMIT_MAKER `price`,
        `quantity`; MARKET `quantity` or `quote_order_qty`; STOP_LOSS and TAKE_PROFIT `quantity` and a trigger
        (`stop_price`, `trailing_delta` or both); their _LIMIT forms also `time_in_force` and `price`.

        Args:
            symbol: Trading pair in the exchange's spelling, such as "BTCUSDT".
            side: BUY or SELL, from the base asset's point of view.
            type: Kind of order.
            time_in_force: GTC rests until cancelled, IOC fills what it can at once, FOK fills all or nothing.
                Needed with a limit price.
            price: Quote asset per one unit of base asset; a multiple of the tick size. Needed for the LIMIT
                types.
            quantity: Amount in base asset; a multiple of the symbol's lot size.
            quote_order_qty: Amount in quote asset to spend or receive, for MARKET orders instead of
                `quantity`.
            new_client_order_id: Unique among open orders. Chosen for you when omitted, so a lost answer can
                be looked up.
            new_order_resp_type: How much the answer tells: ACK the ids, RESULT the state too, FULL also each
                fill. (FULL by default for MARKET and LIMIT orders, ACK for the rest.)
            stop_price: Price that triggers the order, in quote asset; a multiple of the tick size. For
                STOP_LOSS and TAKE_PROFIT types, this or `trailing_delta`.
            trailing_delta: Distance at which the trigger trails the market, in basis points (1 is 0.01 %).
            iceberg_qty: Part of the quantity that the book shows, in base asset; only with GTC, or for
                LIMIT_MAKER.
            strategy_id: Label of your own.
            strategy_type: Label of your own, 1000000 or more.
            self_trade_prevention_mode: What happens when the order meets one of your own; the symbol's
                default when omitted.
            peg_price_type: Takes the price from the book: PRIMARY_PEG the best of the own side, MARKET_PEG of
                the other. `price` may then be left out.
            peg_offset_value: Price levels deeper than the peg, at most 100; goes with `peg_offset_type`.
            peg_offset_type: Unit of `peg_offset_value`; goes with it.
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
        'order.place'.
        """
        return self._ask(TradingMethods.order_place, locals())

    @method(
        "order.test",
        security=Security.TRADE,
        weight=by_param(1, Case("computeCommissionRates", 20, is_flag=True)),
        rules=(
            order_type_needs(has_quantity=True),
            market_amount,
            together("pegOffsetType", "pegOffsetValue"),
        ),
    )
    def order_test(
        self,
        *,
        symbol: str,
        side: Side,
        type: OrderType,
        time_in_force: TimeInForce | None = None,
        price: Number | None = None,
        quantity: Number | None = None,
        quote_order_qty: Number | None = None,
        new_client_order_id: str | None = None,
        new_order_resp_type: ResponseType | None = None,
        stop_price: Number | None = None,
        trailing_delta: int | None = None,
        iceberg_qty: Number | None = None,
        strategy_id: int | None = None,
        strategy_type: int | None = None,
        self_trade_prevention_mode: SelfTradePreventionMode | None = None,
        peg_price_type: PegPriceType | None = None,
        peg_offset_value: int | None = None,
        peg_offset_type: PegOffsetType | None = None,
        compute_commission_rates: bool | None = None,
        recv_window: Number | None = None,
        timeout: float | None = None,
    ) -> replies.OrderTest:
        """Check one order without placing it.

        It is held against the rules of parameters and the signature, but not against the book or your
        balances.

        Args:
            symbol: Trading pair in the exchange's spelling, such as "BTCUSDT".
            side: BUY or SELL, from the base asset's point of view.
            type: Kind of order.
            time_in_force: GTC rests until cancelled, IOC fills what it can at once, FOK fills all or nothing.
                Needed with a limit price.
            price: Quote asset per one unit of base asset; a multiple of the tick size. Needed for the LIMIT
                types.
            quantity: Amount in base asset; a multiple of the symbol's lot size.
            quote_order_qty: Amount in quote asset to spend or receive, for MARKET orders instead of
                `quantity`.
            new_client_order_id: Your id of the order.
            new_order_resp_type: How much the answer tells: ACK the ids, RESULT the state too, FULL also each
                fill. (FULL by default for MARKET and LIMIT orders, ACK for the rest.)
            stop_price: Price that triggers the order, in quote asset; a multiple of the tick size. For
                STOP_LOSS and TAKE_PROFIT types, this or `trailing_delta`.
            trailing_delta: Distance at which the trigger trails the market, in basis points (1 is 0.01 %).
            iceberg_qty: Part of the quantity that the book shows, in base asset; only with GTC, or for
                LIMIT_MAKER.
            strategy_id: Label of your own.
            strategy_type: Label of your own, 1000000 or more.
            self_trade_prevention_mode: What happens when the order meets one of your own; the symbol's
                default when omitted.
            peg_price_type: Takes the price from the book: PRIMARY_PEG the best of the own side, MARKET_PEG of
                the other. `price` may then be left out.
            peg_offset_value: Price levels deeper than the peg, at most 100; goes with `peg_offset_type`.
            peg_offset_type: Unit of `peg_offset_value`; goes with it.
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

        Cost: weight 1; 20 with `compute_commission_rates`. Source: Binance WS API docs, 'order.test'.
        """
        return self._ask(TradingMethods.order_test, locals())

    @method(
        "order.cancel",
        security=Security.TRADE,
        weight=1,
        weight_on_success=0,
        kind=Kind.WRITE,
        settles_by="order.status",
        rules=(at_least_one("orderId", "origClientOrderId"),),
    )
    def order_cancel(
        self,
        *,
        symbol: str,
        order_id: int | None = None,
        orig_client_order_id: str | None = None,
        new_client_order_id: str | None = None,
        cancel_restrictions: CancelRestrictions | None = None,
        recv_window: Number | None = None,
        timeout: float | None = None,
    ) -> replies.CanceledOrder | replies.CanceledOrderList:
        """Cancel one open order; an order of a list takes its whole list with it.

        Name the order by `order_id`, by `orig_client_order_id`, or by both. For an order of a list the answer
        is the list's: it has `orderReports`.

        Args:
            symbol: Trading pair in the exchange's spelling, such as "BTCUSDT".
            order_id: The exchange's id of the order.
            orig_client_order_id: Your id of the order; with `order_id` it must be that order's.
            new_client_order_id: Id to give to the cancel itself.
            cancel_restrictions: Cancel only if nothing has been filled (ONLY_NEW), or only if something has.
            recv_window: Milliseconds for which the request stays valid, up to 60000; the session's by
                default.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            InvalidParameter: Parameters are missing or contradict each other; nothing was sent.
            AuthError: Key, permission or signature refused; check the key's rights and its addresses.
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            NotFound: No such open order: it has been filled, or has ended. Look with `order_status()`.
            CancelRejected: The exchange refused to cancel; `code` and `msg` tell why.
            OutcomeUnknown: It may be cancelled. Call `resolve()` to learn it.

        Cost: weight 1 if refused, 0 if done. Source: Binance WS API docs, 'order.cancel'.
        """
        return self._ask(TradingMethods.order_cancel, locals())

    @method(
        "order.cancelReplace",
        security=Security.TRADE,
        weight=1,
        weight_on_success=0,
        orders=1,
        kind=Kind.WRITE,
        settles_by="order.status",
        rules=(
            at_least_one("cancelOrderId", "cancelOrigClientOrderId"),
            order_type_needs(has_quantity=True),
            market_amount,
            together("pegOffsetType", "pegOffsetValue"),
        ),
    )
    def order_cancel_replace(
        self,
        *,
        symbol: str,
        cancel_replace_mode: CancelReplaceMode,
        side: Side,
        type: OrderType,
        cancel_order_id: int | None = None,
        cancel_orig_client_order_id: str | None = None,
        cancel_new_client_order_id: str | None = None,
        time_in_force: TimeInForce | None = None,
        price: Number | None = None,
        quantity: Number | None = None,
        quote_order_qty: Number | None = None,
        new_client_order_id: str | None = None,
        new_order_resp_type: ResponseType | None = None,
        stop_price: Number | None = None,
        trailing_delta: int | None = None,
        iceberg_qty: Number | None = None,
        strategy_id: int | None = None,
        strategy_type: int | None = None,
        self_trade_prevention_mode: SelfTradePreventionMode | None = None,
        cancel_restrictions: CancelRestrictions | None = None,
        order_rate_limit_exceeded_mode: OrderRateLimitExceededMode | None = None,
        peg_price_type: PegPriceType | None = None,
        peg_offset_value: int | None = None,
        peg_offset_type: PegOffsetType | None = None,
        recv_window: Number | None = None,
        timeout: float | None = None,
    ) -> replies.CancelReplaceReport:
        """Cancel one order and place another, one after the other.

        The two halves are not one: either may fail alone. Name the order to cancel by `cancel_order_id`, by
        `cancel_orig_client_order_id`, or by both.

        Args:
            symbol: Trading pair in the exchange's spelling, such as "BTCUSDT".
            cancel_replace_mode: STOP_ON_FAILURE places the new order only if the cancel worked, ALLOW_FAILURE
                in any case.
            side: BUY or SELL, from the base asset's point of view.
            type: Kind of order.
            cancel_order_id: The exchange's id of the order to cancel.
            cancel_orig_client_order_id: Your id of the order to cancel; with `cancel_order_id` it must be
                that order's.
            cancel_new_client_order_id: Id to give to the cancel itself.
            time_in_force: GTC rests until cancelled, IOC fills what it can at once, FOK fills all or nothing.
                Needed with a limit price.
            price: Quote asset per one unit of base asset; a multiple of the tick size. Needed for the LIMIT
                types.
            quantity: Amount in base asset; a multiple of the symbol's lot size.
            quote_order_qty: Amount in quote asset to spend or receive, for MARKET orders instead of
                `quantity`.
            new_client_order_id: Unique among open orders. Chosen for you when omitted, so a lost answer can
                be looked up.
            new_order_resp_type: How much the answer tells: ACK the ids, RESULT the state too, FULL also each
                fill. (FULL by default for MARKET and LIMIT orders, ACK for the rest.)
            stop_price: Price that triggers the order, in quote asset; a multiple of the tick size. For
                STOP_LOSS and TAKE_PROFIT types, this or `trailing_delta`.
            trailing_delta: Distance at which the trigger trails the market, in basis points (1 is 0.01 %).
            iceberg_qty: Part of the quantity that the book shows, in base asset; only with GTC, or for
                LIMIT_MAKER.
            strategy_id: Label of your own.
            strategy_type: Label of your own, 1000000 or more.
            self_trade_prevention_mode: What happens when the order meets one of your own; the symbol's
                default when omitted.
            cancel_restrictions: Cancel only if nothing has been filled (ONLY_NEW), or only if something has.
            order_rate_limit_exceeded_mode: With no order count left, DO_NOTHING (default) or CANCEL_ONLY.
            peg_price_type: Takes the price from the book: PRIMARY_PEG the best of the own side, MARKET_PEG of
                the other. `price` may then be left out.
            peg_offset_value: Price levels deeper than the peg, at most 100; goes with `peg_offset_type`.
            peg_offset_type: Unit of `peg_offset_value`; goes with it.
            recv_window: Milliseconds for which the request stays valid, up to 60000; the session's by
                default.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            InvalidParameter: Parameters are missing or contradict each other; nothing was sent.
            AuthError: Key, permission or signature refused; check the key's rights and its addresses.
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            PartialFailure: One half was done and the other was not; `data` has both.
            OrderRejected: Neither half was done; `data` has both.
            OutcomeUnknown: Either half may be done. Call `resolve()`; do not place it again.

        Cost: one unfilled order, even where the new one is not attempted; weight 1 if refused, 0 if done.
        Source: Binance WS API docs, 'order.cancelReplace'.
        """
        return self._ask(TradingMethods.order_cancel_replace, locals())

    @method(
        "order.amend.keepPriority",
        security=Security.TRADE,
        weight=4,
        kind=Kind.WRITE,
        settles_by="order.status",
        rules=(at_least_one("orderId", "origClientOrderId"),),
    )
    def order_amend_keep_priority(
        self,
        *,
        symbol: str,
        new_qty: Number,
        order_id: int | None = None,
        orig_client_order_id: str | None = None,
        new_client_order_id: str | None = None,
        recv_window: Number | None = None,
        timeout: float | None = None,
    ) -> replies.OrderAmendment:
        """Reduce the quantity of an open order, which keeps its place in the queue.

        Name the order by `order_id`, by `orig_client_order_id`, or by both.

        Args:
            symbol: Trading pair in the exchange's spelling, such as "BTCUSDT".
            new_qty: Quantity after the amendment, in base asset: above 0 and below the current one.
            order_id: The exchange's id of the order.
            orig_client_order_id: Your id of the order; with `order_id` it must be that order's.
            new_client_order_id: Id of the order after the amendment; may be the one it has, which is kept
                when omitted.
            recv_window: Milliseconds for which the request stays valid, up to 60000; the session's by
                default.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            InvalidParameter: Parameters are missing or contradict each other; nothing was sent.
            AuthError: Key, permission or signature refused; check the key's rights and its addresses.
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            OrderRejected: The exchange refused; the order is as it was. `code` and `msg` tell why.
            NotFound: No such open order: it has been filled, or has ended.
            OutcomeUnknown: It may be amended. Call `resolve()` to learn it.

        Cost: weight 4; 0 if the order expires by it. Source: Binance WS API docs, 'order.amend.keepPriority'.
        """
        return self._ask(TradingMethods.order_amend_keep_priority, locals())

    @method(
        "openOrders.cancelAll",
        security=Security.TRADE,
        weight=1,
        weight_on_success=0,
        kind=Kind.WRITE,
        settles_by="openOrders.status",
    )
    def open_orders_cancel_all(
        self, *, symbol: str, recv_window: Number | None = None, timeout: float | None = None
    ) -> list[replies.CanceledOrder | replies.CanceledOrderList]:
        """Cancel every open order and order list on a symbol, and return them.

        Orders of a list are reported within their list.

        Args:
            symbol: Trading pair in the exchange's spelling, such as "BTCUSDT".
            recv_window: Milliseconds for which the request stays valid, up to 60000; the session's by
                default.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            AuthError: Key, permission or signature refused; check the key's rights and its addresses.
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            NotFound: Nothing is open on the symbol.
            OutcomeUnknown: It may be cancelled. Call `resolve()` to learn it.

        Cost: weight 1 if refused, 0 if done. Source: Binance WS API docs, 'openOrders.cancelAll'.
        """
        return self._ask(TradingMethods.open_orders_cancel_all, locals())
