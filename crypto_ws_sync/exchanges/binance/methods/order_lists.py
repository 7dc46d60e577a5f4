"""Placing and cancelling orders that depend on each other."""

from __future__ import annotations

from crypto_ws_sync.exchanges.binance import replies
from crypto_ws_sync.exchanges.binance.methods.catalogue import TypedCalls, method
from crypto_ws_sync.exchanges.binance.methods.rules import at_least_one, order_type_needs, together
from crypto_ws_sync.model.enums import (
    OcoLegType,
    OrderType,
    PegOffsetType,
    PegPriceType,
    ResponseType,
    SelfTradePreventionMode,
    Side,
    TimeInForce,
    WorkingType,
)
from crypto_ws_sync.model.numbers import Number
from crypto_ws_sync.protocol.method import Kind, Security

__all__ = ["OrderListMethods"]


class OrderListMethods(TypedCalls):
    """Placing and cancelling orders that depend on each other."""

    __slots__ = ()

    @method(
        "orderList.place",
        security=Security.TRADE,
        weight=1,
        weight_on_success=0,
        orders=1,
        kind=Kind.WRITE,
        settles_by="orderList.status",
        rules=(at_least_one("stopPrice", "trailingDelta"),),
        is_deprecated=True,
    )
    def order_list_place(
        self,
        *,
        symbol: str,
        side: Side,
        price: Number,
        quantity: Number,
        list_client_order_id: str | None = None,
        limit_client_order_id: str | None = None,
        limit_iceberg_qty: Number | None = None,
        limit_strategy_id: int | None = None,
        limit_strategy_type: int | None = None,
        stop_price: Number | None = None,
        trailing_delta: int | None = None,
        stop_client_order_id: str | None = None,
        stop_limit_price: Number | None = None,
        stop_limit_time_in_force: TimeInForce | None = None,
        stop_iceberg_qty: Number | None = None,
        stop_strategy_id: int | None = None,
        stop_strategy_type: int | None = None,
        new_order_resp_type: ResponseType | None = None,
        self_trade_prevention_mode: SelfTradePreventionMode | None = None,
        recv_window: Number | None = None,
        timeout: float | None = None,
    ) -> replies.PlacedOrderList:
        """Place an OCO pair in the old form: a limit order and a stop order, of which one fills.

        Deprecated by the exchange: use `order_list_place_oco()`. SELL: price above the market, stop price
        below it; BUY the other way round. One of `stop_price` and `trailing_delta` is needed.

        Args:
            symbol: Trading pair in the exchange's spelling, such as "BTCUSDT".
            side: BUY or SELL, from the base asset's point of view.
            price: Price of the limit leg: quote asset per one unit of base asset.
            quantity: Amount of either leg in base asset; a multiple of the lot size.
            list_client_order_id: Your id of the list, unique among open lists. Chosen for you when omitted.
            limit_client_order_id: Your id of the limit leg, unique among open orders. Chosen for you when
                omitted.
            limit_iceberg_qty: Part of the limit leg that the book shows, in base asset; only with GTC, or for
                LIMIT_MAKER.
            limit_strategy_id: Label of your own for the limit leg.
            limit_strategy_type: Label of your own for the limit leg, 1000000 or more.
            stop_price: Price that triggers the stop leg, in quote asset.
            trailing_delta: Distance at which the trigger trails the market, in basis points (1 is 0.01 %).
            stop_client_order_id: Your id of the stop leg, unique among open orders. Chosen for you when
                omitted.
            stop_limit_price: Limit price of the stop leg once triggered, in quote asset; makes it a
                STOP_LOSS_LIMIT.
            stop_limit_time_in_force: How long the stop leg stands once triggered; goes with
                `stop_limit_price`.
            stop_iceberg_qty: Part of the stop leg that the book shows, in base asset; only with
                `stop_limit_time_in_force` GTC.
            stop_strategy_id: Label of your own for the stop leg.
            stop_strategy_type: Label of your own for the stop leg, 1000000 or more.
            new_order_resp_type: How much the answer tells of each order: ACK, RESULT or FULL (default).
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
            OutcomeUnknown: The list may be live. Call `resolve()`; do not place it again.

        Cost: counts as one unfilled order by the documents; weight 1 if refused, 0 if accepted. Source:
        Binance WS API docs, 'orderList.place'.
        """
        return self._ask(OrderListMethods.order_list_place, locals())

    @method(
        "orderList.place.oco",
        security=Security.TRADE,
        weight=1,
        weight_on_success=0,
        orders=2,
        kind=Kind.WRITE,
        settles_by="orderList.status",
        rules=(
            order_type_needs("above"),
            order_type_needs("below"),
            together("abovePegOffsetType", "abovePegOffsetValue"),
            together("belowPegOffsetType", "belowPegOffsetValue"),
        ),
    )
    def order_list_place_oco(
        self,
        *,
        symbol: str,
        side: Side,
        quantity: Number,
        above_type: OcoLegType,
        below_type: OcoLegType,
        list_client_order_id: str | None = None,
        above_client_order_id: str | None = None,
        above_iceberg_qty: Number | None = None,
        above_price: Number | None = None,
        above_stop_price: Number | None = None,
        above_trailing_delta: int | None = None,
        above_time_in_force: TimeInForce | None = None,
        above_strategy_id: int | None = None,
        above_strategy_type: int | None = None,
        above_peg_price_type: PegPriceType | None = None,
        above_peg_offset_type: PegOffsetType | None = None,
        above_peg_offset_value: int | None = None,
        below_client_order_id: str | None = None,
        below_iceberg_qty: Number | None = None,
        below_price: Number | None = None,
        below_stop_price: Number | None = None,
        below_trailing_delta: int | None = None,
        below_time_in_force: TimeInForce | None = None,
        below_strategy_id: int | None = None,
        below_strategy_type: int | None = None,
        below_peg_price_type: PegPriceType | None = None,
        below_peg_offset_type: PegOffsetType | None = None,
        below_peg_offset_value: int | None = None,
        new_order_resp_type: ResponseType | None = None,
        self_trade_prevention_mode: SelfTradePreventionMode | None = None,
        recv_window: Number | None = None,
        timeout: float | None = None,
    ) -> replies.PlacedOrderList:
        """Place an OCO pair: two orders, one above the market and one below, of which one fills.

        One is a LIMIT_MAKER or takes profit, the other stops a loss. SELL: limit or take-profit above,
        stop-loss below; BUY the other way round. When one is filled or triggered, the other ends.

        Args:
            symbol: Trading pair in the exchange's spelling, such as "BTCUSDT".
            side: BUY or SELL, from the base asset's point of view.
            quantity: Amount of either order in base asset; a multiple of the lot size.
            above_type: Kind of the upper order.
            below_type: Kind of the lower order.
            list_client_order_id: Your id of the list, unique among open lists. Chosen for you when omitted.
            above_client_order_id: Your id of the upper order, unique among open orders. Chosen for you when
                omitted.
            above_iceberg_qty: Part of the upper order that the book shows, in base asset; only with GTC, or
                for LIMIT_MAKER.
            above_price: Limit price of the upper order: quote asset per one unit of base asset. Needed for
                its LIMIT types.
            above_stop_price: Price that triggers the upper order, in quote asset. For its STOP_LOSS and
                TAKE_PROFIT types, this or the trailing delta.
            above_trailing_delta: Distance at which the trigger of the upper order trails the market, in basis
                points.
            above_time_in_force: How long the upper order stands: GTC, IOC or FOK. Needed for its types with a
                limit price, save LIMIT_MAKER.
            above_strategy_id: Label of your own for the upper order.
            above_strategy_type: Label of your own for the upper order, 1000000 or more.
            above_peg_price_type: Takes the price of the upper order from the book: PRIMARY_PEG own side,
                MARKET_PEG the other.
            above_peg_offset_type: Unit of the offset's value; goes with it.
            above_peg_offset_value: Price levels deeper than the peg, at most 100; goes with its type.
            below_client_order_id: Your id of the lower order, unique among open orders. Chosen for you when
                omitted.
            below_iceberg_qty: Part of the lower order that the book shows, in base asset; only with GTC, or
                for LIMIT_MAKER.
            below_price: Limit price of the lower order: quote asset per one unit of base asset. Needed for
                its LIMIT types.
            below_stop_price: Price that triggers the lower order, in quote asset. For its STOP_LOSS and
                TAKE_PROFIT types, this or the trailing delta.
            below_trailing_delta: Distance at which the trigger of the lower order trails the market, in basis
                points.
            below_time_in_force: How long the lower order stands: GTC, IOC or FOK. Needed for its types with a
                limit price, save LIMIT_MAKER.
            below_strategy_id: Label of your own for the lower order.
            below_strategy_type: Label of your own for the lower order, 1000000 or more.
            below_peg_price_type: Takes the price of the lower order from the book: PRIMARY_PEG own side,
                MARKET_PEG the other.
            below_peg_offset_type: Unit of the offset's value; goes with it.
            below_peg_offset_value: Price levels deeper than the peg, at most 100; goes with its type.
            new_order_resp_type: How much the answer tells of each order: ACK, RESULT or FULL.
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
            OutcomeUnknown: The list may be live. Call `resolve()`; do not place it again.

        Cost: two unfilled orders; weight 1 if refused, 0 if accepted. Source: Binance WS API docs,
        'orderList.place.oco'.
        """
        return self._ask(OrderListMethods.order_list_place_oco, locals())

    @method(
        "orderList.place.oto",
        security=Security.TRADE,
        weight=1,
        weight_on_success=0,
        orders=2,
        kind=Kind.WRITE,
        settles_by="orderList.status",
        rules=(
            order_type_needs("working", only=("LIMIT",)),
            order_type_needs("pending"),
            together("workingPegOffsetType", "workingPegOffsetValue"),
            together("pendingPegOffsetType", "pendingPegOffsetValue"),
        ),
        waived_by={"workingPrice": "workingPegPriceType"},
    )
    def order_list_place_oto(
        self,
        *,
        symbol: str,
        working_type: WorkingType,
        working_side: Side,
        working_price: Number,
        working_quantity: Number,
        pending_type: OrderType,
        pending_side: Side,
        pending_quantity: Number,
        list_client_order_id: str | None = None,
        new_order_resp_type: ResponseType | None = None,
        self_trade_prevention_mode: SelfTradePreventionMode | None = None,
        working_client_order_id: str | None = None,
        working_iceberg_qty: Number | None = None,
        working_time_in_force: TimeInForce | None = None,
        working_strategy_id: int | None = None,
        working_strategy_type: int | None = None,
        working_peg_price_type: PegPriceType | None = None,
        working_peg_offset_type: PegOffsetType | None = None,
        working_peg_offset_value: int | None = None,
        pending_client_order_id: str | None = None,
        pending_price: Number | None = None,
        pending_stop_price: Number | None = None,
        pending_trailing_delta: int | None = None,
        pending_iceberg_qty: Number | None = None,
        pending_time_in_force: TimeInForce | None = None,
        pending_strategy_id: int | None = None,
        pending_strategy_type: int | None = None,
        pending_peg_offset_type: PegOffsetType | None = None,
        pending_peg_price_type: PegPriceType | None = None,
        pending_peg_offset_value: int | None = None,
        recv_window: Number | None = None,
        timeout: float | None = None,
    ) -> replies.PlacedOrderList:
        """Place a working order, and one that is placed when it has been filled.

        The pending order is PENDING_NEW until the working one is filled whole. Cancelling either ends both.

        Args:
            symbol: Trading pair in the exchange's spelling, such as "BTCUSDT".
            working_type: Kind of the working order.
            working_side: Side of the working order.
            working_price: Price of the working order: quote asset per one unit of base asset; a multiple of
                the tick size.
            working_quantity: Amount of the working order in base asset; a multiple of the lot size.
            pending_type: Kind of the pending order.
            pending_side: Side of the pending order.
            pending_quantity: Amount of the pending order in base asset; a multiple of the lot size.
            list_client_order_id: Your id of the list, unique among open lists. Chosen for you when omitted.
            new_order_resp_type: How much the answer tells of each order: ACK, RESULT or FULL.
            self_trade_prevention_mode: What happens when the order meets one of your own; the symbol's
                default when omitted.
            working_client_order_id: Your id of the working order, unique among open orders. Chosen for you
                when omitted.
            working_iceberg_qty: Part of the working order that the book shows, in base asset; only with GTC,
                or for LIMIT_MAKER.
            working_time_in_force: How long the working order stands: GTC, IOC or FOK. Needed for its types
                with a limit price, save LIMIT_MAKER.
            working_strategy_id: Label of your own for the working order.
            working_strategy_type: Label of your own for the working order, 1000000 or more.
            working_peg_price_type: Takes the price of the working order from the book: PRIMARY_PEG own side,
                MARKET_PEG the other.
            working_peg_offset_type: Unit of the offset's value; goes with it.
            working_peg_offset_value: Price levels deeper than the peg, at most 100; goes with its type.
            pending_client_order_id: Your id of the pending order, unique among open orders. Chosen for you
                when omitted.
            pending_price: Limit price of the pending order: quote asset per one unit of base asset. Needed
                for its LIMIT types.
            pending_stop_price: Price that triggers the pending order, in quote asset. For its STOP_LOSS and
                TAKE_PROFIT types, this or the trailing delta.
            pending_trailing_delta: Distance at which the trigger of the pending order trails the market, in
                basis points.
            pending_iceberg_qty: Part of the pending order that the book shows, in base asset; only with GTC,
                or for LIMIT_MAKER.
            pending_time_in_force: How long the pending order stands: GTC, IOC or FOK. Needed for its types
                with a limit price, save LIMIT_MAKER.
            pending_strategy_id: Label of your own for the pending order.
            pending_strategy_type: Label of your own for the pending order, 1000000 or more.
            pending_peg_offset_type: Unit of the offset's value; goes with it.
            pending_peg_price_type: Takes the price of the pending order from the book: PRIMARY_PEG own side,
                MARKET_PEG the other.
            pending_peg_offset_value: Price levels deeper than the peg, at most 100; goes with its type.
            recv_window: Milliseconds for which the request stays valid, up to 60000; the session's by
                default.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            InvalidParameter: Parameters are missing or contradict each other; nothing was sent.
            AuthError: Key, permission or signature refused; check the key's rights and its addresses.
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            OrderRejected: The exchange refused; `code` and `msg` tell why. Nothing was executed.
            OutcomeUnknown: The list may be live. Call `resolve()`; do not place it again.

        Cost: two unfilled orders; weight 1 if refused, 0 if accepted. Source: Binance WS API docs,
        'orderList.place.oto'.
        """
        return self._ask(OrderListMethods.order_list_place_oto, locals())

    @method(
        "orderList.place.otoco",
        security=Security.TRADE,
        weight=1,
        weight_on_success=0,
        orders=3,
        kind=Kind.WRITE,
        settles_by="orderList.status",
        rules=(
            order_type_needs("working", only=("LIMIT",)),
            order_type_needs("pendingAbove"),
            order_type_needs("pendingBelow"),
            together("workingPegOffsetType", "workingPegOffsetValue"),
            together("pendingAbovePegOffsetType", "pendingAbovePegOffsetValue"),
            together("pendingBelowPegOffsetType", "pendingBelowPegOffsetValue"),
        ),
        waived_by={"workingPrice": "workingPegPriceType"},
    )
    def order_list_place_otoco(
        self,
        *,
        symbol: str,
        working_type: WorkingType,
        working_side: Side,
        working_price: Number,
        working_quantity: Number,
        pending_side: Side,
        pending_quantity: Number,
        pending_above_type: OcoLegType,
        list_client_order_id: str | None = None,
        new_order_resp_type: ResponseType | None = None,
        self_trade_prevention_mode: SelfTradePreventionMode | None = None,
        working_client_order_id: str | None = None,
        working_iceberg_qty: Number | None = None,
        working_time_in_force: TimeInForce | None = None,
        working_strategy_id: int | None = None,
        working_strategy_type: int | None = None,
        working_peg_price_type: PegPriceType | None = None,
        working_peg_offset_type: PegOffsetType | None = None,
        working_peg_offset_value: int | None = None,
        pending_above_client_order_id: str | None = None,
        pending_above_price: Number | None = None,
        pending_above_stop_price: Number | None = None,
        pending_above_trailing_delta: int | None = None,
        pending_above_iceberg_qty: Number | None = None,
        pending_above_time_in_force: TimeInForce | None = None,
        pending_above_strategy_id: int | None = None,
        pending_above_strategy_type: int | None = None,
        pending_above_peg_price_type: PegPriceType | None = None,
        pending_above_peg_offset_type: PegOffsetType | None = None,
        pending_above_peg_offset_value: int | None = None,
        pending_below_type: OcoLegType | None = None,
        pending_below_client_order_id: str | None = None,
        pending_below_price: Number | None = None,
        pending_below_stop_price: Number | None = None,
        pending_below_trailing_delta: int | None = None,
        pending_below_iceberg_qty: Number | None = None,
        pending_below_time_in_force: TimeInForce | None = None,
        pending_below_strategy_id: int | None = None,
        pending_below_strategy_type: int | None = None,
        pending_below_peg_price_type: PegPriceType | None = None,
        pending_below_peg_offset_type: PegOffsetType | None = None,
        pending_below_peg_offset_value: int | None = None,
        recv_window: Number | None = None,
        timeout: float | None = None,
    ) -> replies.PlacedOrderList:
        """Place a working order, and an OCO pair that is placed when it has been filled.

        The pending orders are PENDING_NEW until the working one is filled whole. Cancelling any ends all.

        Args:
            symbol: Trading pair in the exchange's spelling, such as "BTCUSDT".
            working_type: Kind of the working order.
            working_side: Side of the working order.
            working_price: Price of the working order: quote asset per one unit of base asset; a multiple of
                the tick size.
            working_quantity: Amount of the working order in base asset; a multiple of the lot size.
            pending_side: Side of both pending orders.
            pending_quantity: Amount of either pending order in base asset; a multiple of the lot size.
            pending_above_type: Kind of the upper pending order.
            list_client_order_id: Your id of the list, unique among open lists. Chosen for you when omitted.
            new_order_resp_type: How much the answer tells of each order: ACK, RESULT or FULL.
            self_trade_prevention_mode: What happens when the order meets one of your own; the symbol's
                default when omitted.
            working_client_order_id: Your id of the working order, unique among open orders. Chosen for you
                when omitted.
            working_iceberg_qty: Part of the working order that the book shows, in base asset; only with GTC,
                or for LIMIT_MAKER.
            working_time_in_force: How long the working order stands: GTC, IOC or FOK. Needed for its types
                with a limit price, save LIMIT_MAKER.
            working_strategy_id: Label of your own for the working order.
            working_strategy_type: Label of your own for the working order, 1000000 or more.
            working_peg_price_type: Takes the price of the working order from the book: PRIMARY_PEG own side,
                MARKET_PEG the other.
            working_peg_offset_type: Unit of the offset's value; goes with it.
            working_peg_offset_value: Price levels deeper than the peg, at most 100; goes with its type.
            pending_above_client_order_id: Your id of the upper pending order, unique among open orders.
                Chosen for you when omitted.
            pending_above_price: Limit price of the upper pending order: quote asset per one unit of base
                asset. Needed for its LIMIT types.
            pending_above_stop_price: Price that triggers the upper pending order, in quote asset. For its
                STOP_LOSS and TAKE_PROFIT types, this or the trailing delta.
            pending_above_trailing_delta: Distance at which the trigger of the upper pending order trails the
                market, in basis points.
            pending_above_iceberg_qty: Part of the upper pending order that the book shows, in base asset;
                only with GTC, or for LIMIT_MAKER.
            pending_above_time_in_force: How long the upper pending order stands: GTC, IOC or FOK. Needed for
                its types with a limit price, save LIMIT_MAKER.
            pending_above_strategy_id: Label of your own for the upper pending order.
            pending_above_strategy_type: Label of your own for the upper pending order, 1000000 or more.
            pending_above_peg_price_type: Takes the price of the upper pending order from the book:
                PRIMARY_PEG own side, MARKET_PEG the other.
            pending_above_peg_offset_type: Unit of the offset's value; goes with it.
            pending_above_peg_offset_value: Price levels deeper than the peg, at most 100; goes with its type.
            pending_below_type: Kind of the lower pending order.
            pending_below_client_order_id: Your id of the lower pending order, unique among open orders.
                Chosen for you when omitted.
            pending_below_price: Limit price of the lower pending order: quote asset per one unit of base
                asset. Needed for its LIMIT types.
            pending_below_stop_price: Price that triggers the lower pending order, in quote asset. For its
                STOP_LOSS and TAKE_PROFIT types, this or the trailing delta.
            pending_below_trailing_delta: Distance at which the trigger of the lower pending order trails the
                market, in basis points.
            pending_below_iceberg_qty: Part of the lower pending order that the book shows, in base asset;
                only with GTC, or for LIMIT_MAKER.
            pending_below_time_in_force: How long the lower pending order stands: GTC, IOC or FOK. Needed for
                its types with a limit price, save LIMIT_MAKER.
            pending_below_strategy_id: Label of your own for the lower pending order.
            pending_below_strategy_type: Label of your own for the lower pending order, 1000000 or more.
            pending_below_peg_price_type: Takes the price of the lower pending order from the book:
                PRIMARY_PEG own side, MARKET_PEG the other.
            pending_below_peg_offset_type: Unit of the offset's value; goes with it.
            pending_below_peg_offset_value: Price levels deeper than the peg, at most 100; goes with its type.
            recv_window: Milliseconds for which the request stays valid, up to 60000; the session's by
                default.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            InvalidParameter: Parameters are missing or contradict each other; nothing was sent.
            AuthError: Key, permission or signature refused; check the key's rights and its addresses.
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            OrderRejected: The exchange refused; `code` and `msg` tell why. Nothing was executed.
            OutcomeUnknown: The list may be live. Call `resolve()`; do not place it again.

        Cost: three unfilled orders; weight 1 if refused, 0 if accepted. Source: Binance WS API docs,
        'orderList.place.otoco'.
        """
        return self._ask(OrderListMethods.order_list_place_otoco, locals())

    @method(
        "orderList.place.opo",
        security=Security.TRADE,
        weight=1,
        weight_on_success=0,
        orders=2,
        kind=Kind.WRITE,
        settles_by="orderList.status",
        rules=(
            order_type_needs("working", only=("LIMIT",)),
            order_type_needs("pending"),
            together("workingPegOffsetType", "workingPegOffsetValue"),
            together("pendingPegOffsetType", "pendingPegOffsetValue"),
        ),
        waived_by={"workingPrice": "workingPegPriceType"},
    )
    def order_list_place_opo(
        self,
        *,
        symbol: str,
        working_type: WorkingType,
        working_side: Side,
        working_price: Number,
        working_quantity: Number,
        pending_type: OrderType,
        pending_side: Side,
        list_client_order_id: str | None = None,
        new_order_resp_type: ResponseType | None = None,
        self_trade_prevention_mode: SelfTradePreventionMode | None = None,
        working_client_order_id: str | None = None,
        working_iceberg_qty: Number | None = None,
        working_time_in_force: TimeInForce | None = None,
        working_strategy_id: int | None = None,
        working_strategy_type: int | None = None,
        working_peg_price_type: PegPriceType | None = None,
        working_peg_offset_type: PegOffsetType | None = None,
        working_peg_offset_value: int | None = None,
        pending_client_order_id: str | None = None,
        pending_price: Number | None = None,
        pending_stop_price: Number | None = None,
        pending_trailing_delta: int | None = None,
        pending_iceberg_qty: Number | None = None,
        pending_time_in_force: TimeInForce | None = None,
        pending_strategy_id: int | None = None,
        pending_strategy_type: int | None = None,
        pending_peg_price_type: PegPriceType | None = None,
        pending_peg_offset_type: PegOffsetType | None = None,
        pending_peg_offset_value: int | None = None,
        recv_window: Number | None = None,
        timeout: float | None = None,
    ) -> replies.PlacedOrderList:
        """Place a buying order, and one that sells what it bought.

        The pending quantity is what the working order bought, less commission, rounded to the lot size: so
        the working side is BUY and the pending side SELL.

        Args:
            symbol: Trading pair in the exchange's spelling, such as "BTCUSDT".
            working_type: Kind of the working order.
            working_side: BUY.
            working_price: Price of the working order: quote asset per one unit of base asset; a multiple of
                the tick size.
            working_quantity: Amount of the working order in base asset; a multiple of the lot size.
            pending_type: Kind of the pending order.
            pending_side: SELL.
            list_client_order_id: Your id of the list, unique among open lists. Chosen for you when omitted.
            new_order_resp_type: How much the answer tells of each order: ACK, RESULT or FULL.
            self_trade_prevention_mode: What happens when the order meets one of your own; the symbol's
                default when omitted.
            working_client_order_id: Your id of the working order, unique among open orders. Chosen for you
                when omitted.
            working_iceberg_qty: Part of the working order that the book shows, in base asset; only with GTC,
                or for LIMIT_MAKER.
            working_time_in_force: How long the working order stands: GTC, IOC or FOK. Needed for its types
                with a limit price, save LIMIT_MAKER.
            working_strategy_id: Label of your own for the working order.
            working_strategy_type: Label of your own for the working order, 1000000 or more.
            working_peg_price_type: Takes the price of the working order from the book: PRIMARY_PEG own side,
                MARKET_PEG the other.
            working_peg_offset_type: Unit of the offset's value; goes with it.
            working_peg_offset_value: Price levels deeper than the peg, at most 100; goes with its type.
            pending_client_order_id: Your id of the pending order, unique among open orders. Chosen for you
                when omitted.
            pending_price: Limit price of the pending order: quote asset per one unit of base asset. Needed
                for its LIMIT types.
            pending_stop_price: Price that triggers the pending order, in quote asset. For its STOP_LOSS and
                TAKE_PROFIT types, this or the trailing delta.
            pending_trailing_delta: Distance at which the trigger of the pending order trails the market, in
                basis points.
            pending_iceberg_qty: Part of the pending order that the book shows, in base asset; only with GTC,
                or for LIMIT_MAKER.
            pending_time_in_force: How long the pending order stands: GTC, IOC or FOK. Needed for its types
                with a limit price, save LIMIT_MAKER.
            pending_strategy_id: Label of your own for the pending order.
            pending_strategy_type: Label of your own for the pending order, 1000000 or more.
            pending_peg_price_type: Takes the price of the pending order from the book: PRIMARY_PEG own side,
                MARKET_PEG the other.
            pending_peg_offset_type: Unit of the offset's value; goes with it.
            pending_peg_offset_value: Price levels deeper than the peg, at most 100; goes with its type.
            recv_window: Milliseconds for which the request stays valid, up to 60000; the session's by
                default.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            InvalidParameter: Parameters are missing or contradict each other; nothing was sent.
            AuthError: Key, permission or signature refused; check the key's rights and its addresses.
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            OrderRejected: The exchange refused; `code` and `msg` tell why. Nothing was executed.
            OutcomeUnknown: The list may be live. Call `resolve()`; do not place it again.

        Cost: two unfilled orders; weight 1 if refused, 0 if accepted. Source: Binance WS API docs,
        'orderList.place.opo'.
        """
        return self._ask(OrderListMethods.order_list_place_opo, locals())

    @method(
        "orderList.place.opoco",
        security=Security.TRADE,
        weight=1,
        weight_on_success=0,
        orders=3,
        kind=Kind.WRITE,
        settles_by="orderList.status",
        rules=(
            order_type_needs("working", only=("LIMIT",)),
            order_type_needs("pendingAbove"),
            order_type_needs("pendingBelow"),
            together("workingPegOffsetType", "workingPegOffsetValue"),
            together("pendingAbovePegOffsetType", "pendingAbovePegOffsetValue"),
            together("pendingBelowPegOffsetType", "pendingBelowPegOffsetValue"),
        ),
        waived_by={"workingPrice": "workingPegPriceType"},
    )
    def order_list_place_opoco(
        self,
        *,
        symbol: str,
        working_type: WorkingType,
        working_side: Side,
        working_price: Number,
        working_quantity: Number,
        pending_side: Side,
        pending_above_type: OcoLegType,
        list_client_order_id: str | None = None,
        new_order_resp_type: ResponseType | None = None,
        self_trade_prevention_mode: SelfTradePreventionMode | None = None,
        working_client_order_id: str | None = None,
        working_iceberg_qty: Number | None = None,
        working_time_in_force: TimeInForce | None = None,
        working_strategy_id: int | None = None,
        working_strategy_type: int | None = None,
        working_peg_price_type: PegPriceType | None = None,
        working_peg_offset_type: PegOffsetType | None = None,
        working_peg_offset_value: int | None = None,
        pending_above_client_order_id: str | None = None,
        pending_above_price: Number | None = None,
        pending_above_stop_price: Number | None = None,
        pending_above_trailing_delta: int | None = None,
        pending_above_iceberg_qty: Number | None = None,
        pending_above_time_in_force: TimeInForce | None = None,
        pending_above_strategy_id: int | None = None,
        pending_above_strategy_type: int | None = None,
        pending_above_peg_price_type: PegPriceType | None = None,
        pending_above_peg_offset_type: PegOffsetType | None = None,
        pending_above_peg_offset_value: int | None = None,
        pending_below_type: OcoLegType | None = None,
        pending_below_client_order_id: str | None = None,
        pending_below_price: Number | None = None,
        pending_below_stop_price: Number | None = None,
        pending_below_trailing_delta: int | None = None,
        pending_below_iceberg_qty: Number | None = None,
        pending_below_time_in_force: TimeInForce | None = None,
        pending_below_strategy_id: int | None = None,
        pending_below_strategy_type: int | None = None,
        pending_below_peg_price_type: PegPriceType | None = None,
        pending_below_peg_offset_type: PegOffsetType | None = None,
        pending_below_peg_offset_value: int | None = None,
        recv_window: Number | None = None,
        timeout: float | None = None,
    ) -> replies.PlacedOrderList:
        """Place a buying order, and an OCO pair that sells what it bought.

        The pending quantity is what the working order bought, less commission, rounded to the lot size: so
        the working side is BUY and the pending side SELL.

        Args:
            symbol: Trading pair in the exchange's spelling, such as "BTCUSDT".
            working_type: Kind of the working order.
            working_side: BUY.
            working_price: Price of the working order: quote asset per one unit of base asset; a multiple of
                the tick size.
            working_quantity: Amount of the working order in base asset; a multiple of the lot size.
            pending_side: SELL, for both pending orders.
            pending_above_type: Kind of the upper pending order.
            list_client_order_id: Your id of the list, unique among open lists. Chosen for you when omitted.
            new_order_resp_type: How much the answer tells of each order: ACK, RESULT or FULL.
            self_trade_prevention_mode: What happens when the order meets one of your own; the symbol's
                default when omitted.
            working_client_order_id: Your id of the working order, unique among open orders. Chosen for you
                when omitted.
            working_iceberg_qty: Part of the working order that the book shows, in base asset; only with GTC,
                or for LIMIT_MAKER.
            working_time_in_force: How long the working order stands: GTC, IOC or FOK. Needed for its types
                with a limit price, save LIMIT_MAKER.
            working_strategy_id: Label of your own for the working order.
            working_strategy_type: Label of your own for the working order, 1000000 or more.
            working_peg_price_type: Takes the price of the working order from the book: PRIMARY_PEG own side,
                MARKET_PEG the other.
            working_peg_offset_type: Unit of the offset's value; goes with it.
            working_peg_offset_value: Price levels deeper than the peg, at most 100; goes with its type.
            pending_above_client_order_id: Your id of the upper pending order, unique among open orders.
                Chosen for you when omitted.
            pending_above_price: Limit price of the upper pending order: quote asset per one unit of base
                asset. Needed for its LIMIT types.
            pending_above_stop_price: Price that triggers the upper pending order, in quote asset. For its
                STOP_LOSS and TAKE_PROFIT types, this or the trailing delta.
            pending_above_trailing_delta: Distance at which the trigger of the upper pending order trails the
                market, in basis points.
            pending_above_iceberg_qty: Part of the upper pending order that the book shows, in base asset;
                only with GTC, or for LIMIT_MAKER.
            pending_above_time_in_force: How long the upper pending order stands: GTC, IOC or FOK. Needed for
                its types with a limit price, save LIMIT_MAKER.
            pending_above_strategy_id: Label of your own for the upper pending order.
            pending_above_strategy_type: Label of your own for the upper pending order, 1000000 or more.
            pending_above_peg_price_type: Takes the price of the upper pending order from the book:
                PRIMARY_PEG own side, MARKET_PEG the other.
            pending_above_peg_offset_type: Unit of the offset's value; goes with it.
            pending_above_peg_offset_value: Price levels deeper than the peg, at most 100; goes with its type.
            pending_below_type: Kind of the lower pending order.
            pending_below_client_order_id: Your id of the lower pending order, unique among open orders.
                Chosen for you when omitted.
            pending_below_price: Limit price of the lower pending order: quote asset per one unit of base
                asset. Needed for its LIMIT types.
            pending_below_stop_price: Price that triggers the lower pending order, in quote asset. For its
                STOP_LOSS and TAKE_PROFIT types, this or the trailing delta.
            pending_below_trailing_delta: Distance at which the trigger of the lower pending order trails the
                market, in basis points.
            pending_below_iceberg_qty: Part of the lower pending order that the book shows, in base asset;
                only with GTC, or for LIMIT_MAKER.
            pending_below_time_in_force: How long the lower pending order stands: GTC, IOC or FOK. Needed for
                its types with a limit price, save LIMIT_MAKER.
            pending_below_strategy_id: Label of your own for the lower pending order.
            pending_below_strategy_type: Label of your own for the lower pending order, 1000000 or more.
            pending_below_peg_price_type: Takes the price of the lower pending order from the book:
                PRIMARY_PEG own side, MARKET_PEG the other.
            pending_below_peg_offset_type: Unit of the offset's value; goes with it.
            pending_below_peg_offset_value: Price levels deeper than the peg, at most 100; goes with its type.
            recv_window: Milliseconds for which the request stays valid, up to 60000; the session's by
                default.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            InvalidParameter: Parameters are missing or contradict each other; nothing was sent.
            AuthError: Key, permission or signature refused; check the key's rights and its addresses.
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            OrderRejected: The exchange refused; `code` and `msg` tell why. Nothing was executed.
            OutcomeUnknown: The list may be live. Call `resolve()`; do not place it again.

        Cost: three unfilled orders; weight 1 if refused, 0 if accepted. Source: Binance WS API docs,
        'orderList.place.opoco'.
        """
        return self._ask(OrderListMethods.order_list_place_opoco, locals())

    @method(
        "orderList.cancel",
        security=Security.TRADE,
        weight=1,
        weight_on_success=0,
        kind=Kind.WRITE,
        settles_by="orderList.status",
        rules=(at_least_one("orderListId", "listClientOrderId"),),
    )
    def order_list_cancel(
        self,
        *,
        symbol: str,
        order_list_id: int | None = None,
        list_client_order_id: str | None = None,
        new_client_order_id: str | None = None,
        recv_window: Number | None = None,
        timeout: float | None = None,
    ) -> replies.CanceledOrderList:
        """Cancel an order list with all its orders.

        Name the list by `order_list_id`, by `list_client_order_id`, or by both.

        Args:
            symbol: Trading pair in the exchange's spelling, such as "BTCUSDT".
            order_list_id: The exchange's id of the list.
            list_client_order_id: Your id of the list; with `order_list_id` it must be that list's.
            new_client_order_id: Id to give to the cancel itself.
            recv_window: Milliseconds for which the request stays valid, up to 60000; the session's by
                default.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            InvalidParameter: Parameters are missing or contradict each other; nothing was sent.
            AuthError: Key, permission or signature refused; check the key's rights and its addresses.
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            NotFound: No such open list: it is done, or has ended. Look with `order_list_status()`.
            CancelRejected: The exchange refused to cancel; `code` and `msg` tell why.
            OutcomeUnknown: It may be cancelled. Call `resolve()` to learn it.

        Cost: weight 1 if refused, 0 if done. Source: Binance WS API docs, 'orderList.cancel'.
        """
        return self._ask(OrderListMethods.order_list_cancel, locals())
