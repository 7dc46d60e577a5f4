"""Whether an order may be sent to the matching engine at all: its parameters, and the exchange's filters."""

from __future__ import annotations

from . import rejections
from .accounts import SymbolAccount
from .amounts import UNIT
from .market import Market
from .orders import LIMIT_TYPES, PRIMARY_PEG, STOP_TYPES, NewOrder, Order
from .rejections import Rejection, filter_failure, missing, new_order, not_required
from .symbols import ExchangeFilters, LotSize, Notional, PercentPrice, PriceFilter, SymbolRules, TrailingDelta
from .triggers import triggers_when_rising

MIN_STRATEGY_TYPE = 1_000_000

_UNSUPPORTED_TYPE = {
    "MARKET": "Market orders are not supported for this symbol.",
    "STOP_LOSS": "Stop loss orders are not supported for this symbol.",
    "STOP_LOSS_LIMIT": "Stop loss limit orders are not supported for this symbol.",
    "TAKE_PROFIT": "Take profit orders are not supported for this symbol.",
    "TAKE_PROFIT_LIMIT": "Take profit limit orders are not supported for this symbol.",
}


def check_composition(rules: SymbolRules, order: NewOrder, *, awaits_quantity: bool = False) -> None:
    """Raise unless the order's parameters go together and the symbol allows such orders.

    `awaits_quantity` is for an order that another one is to give its quantity.
    """
    order_type = order.type
    if order_type not in rules.order_types:
        if order_type in _UNSUPPORTED_TYPE:
            raise new_order(_UNSUPPORTED_TYPE[order_type])
        raise Rejection(rejections.INVALID_ORDER_TYPE, "Invalid orderType.")
    if order.side != "BUY" and order.side != "SELL":
        raise Rejection(rejections.INVALID_SIDE, "Invalid side.")
    if order.peg_price_type:
        if not rules.peg_instructions_allowed:
            raise new_order("Pegged orders are not supported for this symbol.")
        _check_peg(order)
    if order_type in LIMIT_TYPES:
        _check_limit(order, awaits_quantity)
    else:
        _check_market(rules, order, awaits_quantity)
    if order_type in STOP_TYPES:
        if not order.stop_price and not order.trailing_delta:
            raise missing("stopPrice")
        if order.trailing_delta and not rules.allow_trailing_stop:
            raise new_order("Trailing stop orders are not supported for this symbol.")
    elif order.stop_price:
        raise not_required("stopPrice")
    elif order.trailing_delta:
        raise not_required("trailingDelta")
    if order.iceberg_quantity:
        _check_iceberg(rules, order, awaits_quantity)
    if order.strategy_type is not None and order.strategy_type < MIN_STRATEGY_TYPE:
        raise Rejection(rejections.BAD_STRATEGY_TYPE, "strategyType was less than 1000000.")
    if order.stp_mode and order.stp_mode not in rules.allowed_stp_modes:
        raise Rejection(rejections.INVALID_MESSAGE, rejections.STP_MODE_NOT_ALLOWED)


def _check_limit(order: NewOrder, awaits_quantity: bool) -> None:
    if order.price <= 0 and not (order.peg_price_type and order.price == 0):
        raise missing("price")
    if order.quantity <= 0 and not awaits_quantity:
        raise missing("quantity")
    if order.quote_order_quantity:
        raise not_required("quoteOrderQty")
    if order.type == "LIMIT_MAKER":
        if order.time_in_force:
            raise Rejection(rejections.TIF_NOT_REQUIRED, "TimeInForce parameter sent when not required.")
    elif not order.time_in_force:
        raise missing("timeInForce")
    elif order.time_in_force not in ("GTC", "IOC", "FOK"):
        raise Rejection(rejections.INVALID_TIF, "Invalid timeInForce.")
    if order.price and not awaits_quantity and order.price * order.quantity < UNIT:
        raise new_order("Price * QTY is zero or less.")


def _check_peg(order: NewOrder) -> None:
    """Raise unless the order's type and time in force go with its peg.

    What becomes a MARKET order has no price to peg. PRIMARY_PEG joins the queue, so a LIMIT order with it has
    to be able to rest; a LIMIT_MAKER may not take, so MARKET_PEG is not for it.
    """
    if order.type not in LIMIT_TYPES:
        raise new_order("This order type may not use pegged price.")
    if order.peg_price_type == PRIMARY_PEG:
        is_wrong = order.type == "LIMIT" and order.time_in_force not in ("", "GTC")
    else:
        is_wrong = order.type == "LIMIT_MAKER"
    if is_wrong:
        raise new_order("This price peg cannot be used with this order type.")


def _check_market(rules: SymbolRules, order: NewOrder, awaits_quantity: bool) -> None:
    if order.price:
        raise not_required("price")
    if order.time_in_force:
        raise Rejection(rejections.TIF_NOT_REQUIRED, "TimeInForce parameter sent when not required.")
    if order.quote_order_quantity > 0:
        if order.type != "MARKET" or order.quantity:
            raise not_required("quoteOrderQty")
        if not rules.quote_order_quantity_market_allowed:
            raise new_order("Quote order qty market orders are not support for this symbol.")
    elif order.quantity <= 0 and not awaits_quantity:
        raise missing("quantity")


def _check_iceberg(rules: SymbolRules, order: NewOrder, awaits_quantity: bool) -> None:
    if not rules.iceberg_allowed:
        raise new_order("Iceberg orders are not supported for this symbol.")
    if order.type not in LIMIT_TYPES or order.time_in_force not in ("", "GTC"):
        raise Rejection(rejections.UNKNOWN_ORDER_COMPOSITION, rejections.UNSUPPORTED_COMBINATION)
    if order.iceberg_quantity >= order.quantity and not awaits_quantity:
        raise new_order("IcebergQty exceeds QTY.")


def check_order(market: Market, order: NewOrder | Order, now: int) -> None:
    """Raise unless the order passes the filters that look at its own price and quantity."""
    filters = market.rules.filters
    if filters.price is not None:
        _check_price(filters.price, order)
    if order.price:
        if filters.percent_price is not None:
            _check_percent_price(filters.percent_price, market, order, now)
        if filters.percent_price_by_side is not None:
            _check_percent_price(filters.percent_price_by_side, market, order, now)
    check_quantity(market, order, order.quantity, now)
    if order.trailing_delta and filters.trailing_delta is not None:
        _check_trailing_delta(filters.trailing_delta, order)


def check_again(market: Market, order: Order, now: int) -> None:
    """Raise unless an order that has got its price only now passes with it."""
    check_order(market, order, now)
    check_own(market, order, now)


def check_own(market: Market, order: Order, now: int) -> None:
    """Raise unless an order keeps to what its account may move in one order."""
    own = order.desk.account.filters
    if own is not None:
        own.check_assets(market, order, now)


def check_quantity(market: Market, order: NewOrder | Order, quantity: int, now: int) -> None:
    """Raise unless the order, with this quantity, passes the filters that look at its quantity."""
    filters = market.rules.filters
    if not quantity and not order.quote_order_quantity:
        # It will have one when another order has filled, and is looked at again then.
        return
    if quantity:
        if filters.lot_size is not None:
            check_lot(filters.lot_size, quantity, "LOT_SIZE")
            if order.iceberg_quantity:
                check_lot(filters.lot_size, order.iceberg_quantity, "LOT_SIZE")
        if order.type == "MARKET" and filters.market_lot_size is not None:
            check_lot(filters.market_lot_size, quantity, "MARKET_LOT_SIZE")
    if filters.min_notional is not None:
        _check_notional(filters.min_notional, market, order, quantity, now)
    if filters.notional is not None:
        _check_notional(filters.notional, market, order, quantity, now)
    if (
        order.iceberg_quantity
        and filters.iceberg_parts is not None
        and -(-quantity // order.iceberg_quantity) > filters.iceberg_parts
    ):
        raise filter_failure("ICEBERG_PARTS")


def check_lot(lot: LotSize, quantity: int, name: str) -> None:
    """Raise unless a quantity keeps to a lot size; the step counts from zero, not from the minimum."""
    if (
        quantity < lot.min_quantity
        or (lot.max_quantity and quantity > lot.max_quantity)
        or (lot.step_size and quantity % lot.step_size)
    ):
        raise filter_failure(name)


def _check_price(rule: PriceFilter, order: NewOrder | Order) -> None:
    for price in (order.price, order.stop_price):
        if price and (
            price < rule.min_price
            or (rule.max_price and price > rule.max_price)
            or (rule.tick_size and price % rule.tick_size)
        ):
            raise filter_failure("PRICE_FILTER")


def _check_percent_price(rule: PercentPrice, market: Market, order: NewOrder | Order, now: int) -> None:
    average = market.price_for_filters(rule.average_minutes, now)
    if not average:
        return
    up, down = (rule.bid_up, rule.bid_down) if order.side == "BUY" else (rule.ask_up, rule.ask_down)
    if not average * down <= order.price * UNIT <= average * up:
        raise filter_failure(rule.name)


def _check_notional(rule: Notional, market: Market, order: NewOrder | Order, quantity: int, now: int) -> None:
    is_market = not order.price
    if is_market and order.peg_price_type:
        # It has no price yet, and is looked at again when the book gives it one.
        return
    if order.price:
        notional = order.price * quantity
    elif order.quote_order_quantity:
        notional = order.quote_order_quantity * UNIT
    else:
        average = market.price_for_filters(rule.average_minutes, now)
        if not average:
            return
        notional = average * quantity
    if (not is_market or rule.min_applies_to_market) and notional < rule.minimum * UNIT:
        raise filter_failure(rule.name)
    if rule.maximum is None or (is_market and not rule.max_applies_to_market):
        return
    if notional > rule.maximum * UNIT:
        raise filter_failure(rule.name)


def _check_trailing_delta(rule: TrailingDelta, order: NewOrder | Order) -> None:
    if triggers_when_rising(order.type, order.side == "BUY"):
        low, high = rule.min_above, rule.max_above
    else:
        low, high = rule.min_below, rule.max_below
    if not low <= order.trailing_delta <= high:
        raise filter_failure("TRAILING_DELTA")


def check_counts(
    market: Market,
    exchange: ExchangeFilters,
    desk: SymbolAccount,
    orders: tuple[NewOrder, ...],
    *,
    is_list: bool,
) -> None:
    """Raise unless the account may have these orders open beside those it has."""
    filters, account = market.rules.filters, desk.account
    if account.filters is not None:
        filters, exchange = account.filters.on_symbol(market.rules), account.filters.on_exchange(exchange)
    added = len(orders)
    _check_count("MAX_NUM_ORDERS", len(desk.open) + added, filters.max_num_orders)
    _check_count("EXCHANGE_MAX_NUM_ORDERS", account.open_count + added, exchange.max_num_orders)
    algos = sum(order.type in STOP_TYPES for order in orders)
    if algos:
        overall = account.algo_count + algos
        _check_count("MAX_NUM_ALGO_ORDERS", desk.algo_count + algos, filters.max_num_algo_orders)
        _check_count("EXCHANGE_MAX_NUM_ALGO_ORDERS", overall, exchange.max_num_algo_orders)
    icebergs = sum(order.iceberg_quantity > 0 for order in orders)
    if icebergs:
        overall = account.iceberg_count + icebergs
        _check_count("MAX_NUM_ICEBERG_ORDERS", desk.iceberg_count + icebergs, filters.max_num_iceberg_orders)
        _check_count("EXCHANGE_MAX_NUM_ICEBERG_ORDERS", overall, exchange.max_num_iceberg_orders)
    if is_list:
        overall = len(account.open_lists) + 1
        _check_count("MAX_NUM_ORDER_LISTS", desk.list_count + 1, filters.max_num_order_lists)
        _check_count("EXCHANGE_MAX_NUM_ORDER_LISTS", overall, exchange.max_num_order_lists)
    if filters.max_position is not None and any(order.side == "BUY" for order in orders):
        bidding = sum(order.open_quantity for order in desk.open.values() if order.is_buy)
        if desk.base.free + desk.base.locked + bidding > filters.max_position:
            raise filter_failure("MAX_POSITION")


def _check_count(name: str, count: int, limit: int | None) -> None:
    if limit is not None and count > limit:
        raise filter_failure(name)
