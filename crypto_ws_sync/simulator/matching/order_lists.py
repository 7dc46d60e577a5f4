"""Placing order lists: which legs go together, and how they start."""

from __future__ import annotations

from . import contingencies, funds, pegging, rejections
from .accounts import SymbolAccount
from .action import Action
from .market import Market
from .orders import OPO_KINDS, NewOrder, NewOrderList, Order, OrderList
from .rejections import Rejection, new_order
from .symbols import SymbolRules

OCO_ORDER_TYPE_REJECTED = -1158
OCO_ICEBERG_TIME_IN_FORCE = -1160
BUY_LIMIT_MUST_BE_BELOW = -1165
SELL_LIMIT_MUST_BE_ABOVE = -1166
BOTH_CANNOT_BE_LIMIT = -1168
BUY_STOP_LOSS_MUST_BE_ABOVE = -1196
SELL_STOP_LOSS_MUST_BE_BELOW = -1197
BUY_TAKE_PROFIT_MUST_BE_BELOW = -1198
SELL_TAKE_PROFIT_MUST_BE_ABOVE = -1199
OPO_WORKING_MUST_BE_BUY = -1222
OPO_PENDING_MUST_BE_SELL = -1223

_PAIR_TYPES = ("LIMIT_MAKER", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")
_ICEBERG_NOT_GTC = "Parameter '%s' is not supported if aboveTimeInForce/belowTimeInForce is not GTC."
_MISPLACED = {
    ("BUY", "LIMIT"): (BUY_LIMIT_MUST_BE_BELOW, "A limit order in a buy OCO must be below."),
    ("SELL", "LIMIT"): (SELL_LIMIT_MUST_BE_ABOVE, "A limit order in a sell OCO must be above."),
    ("BUY", "STOP"): (BUY_STOP_LOSS_MUST_BE_ABOVE, "A stop loss order in a buy OCO must be above."),
    ("SELL", "STOP"): (SELL_STOP_LOSS_MUST_BE_BELOW, "A stop loss order in a sell OCO must be below."),
    ("BUY", "TAKE"): (BUY_TAKE_PROFIT_MUST_BE_BELOW, "A take profit order in a buy OCO must be below."),
    ("SELL", "TAKE"): (SELL_TAKE_PROFIT_MUST_BE_ABOVE, "A take profit order in a sell OCO must be above."),
}


def check_composition(rules: SymbolRules, new: NewOrderList) -> None:
    """Raise unless the legs make a list of their kind and the symbol allows such lists."""
    kind = new.kind
    if kind in OPO_KINDS:
        _check_one_pays_the_other(rules, new)
    if kind != "OCO" and not rules.oto_allowed:
        raise new_order("OTO orders are not supported for this symbol.")
    if kind not in ("OTO", "OPO"):
        if not rules.oco_allowed:
            raise new_order("OCO orders are not supported for this symbol")
        first, second = new.orders[-2:]
        above, below = (first, second) if new.is_above_first else (second, first)
        _check_pair(above, below)
    if kind != "OCO" and (
        new.orders[0].type not in ("LIMIT", "LIMIT_MAKER") or new.orders[-1].quote_order_quantity
    ):
        raise Rejection(rejections.UNKNOWN_ORDER_COMPOSITION, rejections.UNSUPPORTED_COMBINATION)
    for order in new.orders:
        if order.symbol != new.symbol:
            raise ValueError("the legs of an order list are of one symbol")


def _check_one_pays_the_other(rules: SymbolRules, new: NewOrderList) -> None:
    working, *pending = new.orders
    if working.side != "BUY":
        raise Rejection(OPO_WORKING_MUST_BE_BUY, "Working order in an OPO list must be a bid.")
    if any(leg.side != "SELL" for leg in pending):
        raise Rejection(OPO_PENDING_MUST_BE_SELL, "Pending orders in an OPO list must be asks.")
    if any(leg.quantity for leg in pending):
        raise ValueError("the pending orders of an OPO list get their quantity from the working order")
    if not rules.opo_allowed:
        raise new_order("OPO orders are not supported for this symbol.")


def _check_pair(above: NewOrder, below: NewOrder) -> None:
    if above.side != below.side or above.quantity != below.quantity:
        raise ValueError("the legs of a pair have one side and one quantity")
    for leg, name in ((above, "above"), (below, "below")):
        if leg.type not in _PAIR_TYPES:
            raise Rejection(OCO_ORDER_TYPE_REJECTED, "Order type not supported in OCO.")
        if leg.iceberg_quantity and leg.time_in_force not in ("", "GTC"):
            raise Rejection(OCO_ICEBERG_TIME_IN_FORCE, _ICEBERG_NOT_GTC % f"{name}IcebergQty")
    if above.type == below.type == "LIMIT_MAKER":
        raise Rejection(BOTH_CANNOT_BE_LIMIT, "At least one OCO order must be contingent.")
    for leg, is_above in ((above, True), (below, False)):
        is_stop_loss = leg.type.startswith("STOP_LOSS")
        if is_stop_loss != (is_above == (leg.side == "BUY")):
            raise Rejection(*_MISPLACED[leg.side, leg.type.partition("_")[0]])


def place(market: Market, desk: SymbolAccount, new: NewOrderList, order_list_id: int, now: int) -> Action:
    """Place a list whose legs passed the filters.

    Raises:
        Rejection: The list was refused whole; nothing has changed.
    """
    _check_ids(desk, new)
    action = Action(market, now)
    order_list = OrderList(order_list_id, desk, new.kind, new.list_client_order_id, now)
    mode = market.rules.default_stp_mode
    order_list.orders = tuple(
        Order(market.order_id + place, desk, leg, leg.quantity, leg.stp_mode or mode, now)
        for place, leg in enumerate(new.orders)
    )
    for order, leg in zip(order_list.orders, new.orders, strict=True):
        if pegging.is_due(leg) and order not in order_list.pending:
            pegging.fix(market, order)
    _check_at_engine(market, order_list)
    amounts = _needs(market, order_list)
    market.order_id += len(order_list.orders)
    for order in order_list.orders:
        order.order_list = order_list
        desk.opened(order)
    desk.account.opened_list(order_list)
    for order, amount in amounts:
        if order in order_list.pair:
            funds.share(order_list, amount)
        else:
            funds.lock(order, amount)
    action.outcome.order_list = order_list
    action.outcome.orders.extend(order_list.orders)
    _start(action, order_list)
    return action


def _check_ids(desk: SymbolAccount, new: NewOrderList) -> None:
    known_list = desk.account.lists_by_client_id.get(new.list_client_order_id)
    if known_list is not None and known_list.is_open:
        raise new_order(rejections.DUPLICATE_ORDER)
    if len({leg.client_order_id for leg in new.orders}) < len(new.orders):
        raise new_order(rejections.DUPLICATE_ORDER)
    for leg in new.orders:
        known = desk.by_client_id.get(leg.client_order_id)
        if known is not None and known.is_open:
            raise new_order(rejections.DUPLICATE_ORDER)


def _check_at_engine(market: Market, order_list: OrderList) -> None:
    """Check what goes to market now; what waits for the working order is checked when that has filled."""
    pair = order_list.pair
    if order_list.kind == "OCO":
        if not contingencies.prices_relate(pair, market.last_price):
            raise new_order(rejections.BAD_PRICES)
    elif pair and not contingencies.prices_relate(pair, 0):
        raise new_order(rejections.BAD_PRICES)
    for order in pair if order_list.kind == "OCO" else order_list.orders[:1]:
        if order.type == "LIMIT_MAKER" and market.side(not order.is_buy).crosses(order.price):
            raise new_order(rejections.WOULD_MATCH)


def _needs(market: Market, order_list: OrderList) -> list[tuple[Order, int]]:
    """Return what each order, or the pair as a whole, must set aside.

    Pending orders set theirs aside from the start: what the working order brings in is not theirs to spend,
    save in an OPO list, where they need nothing else.
    """
    pair = order_list.pair
    amounts = [
        (order, funds.need(order, market.last_price)) for order in order_list.orders if order not in pair
    ]
    if pair:
        amounts.append((pair[0], max(funds.need(order, market.last_price) for order in pair)))
    wanted: dict[str, int] = {}
    for order, amount in amounts:
        holding = funds.holding_of(order)
        wanted[holding.asset] = wanted.get(holding.asset, 0) + amount
        if wanted[holding.asset] > holding.free:
            raise new_order(rejections.INSUFFICIENT_BALANCE)
    return amounts


def _start(action: Action, order_list: OrderList) -> None:
    working = order_list.working
    if working is None:
        for order in order_list.orders:
            action.start(order)
        action.report_list(order_list)
        return
    working.working_time = action.now
    action.report(working, "NEW", is_on_book=True)
    for order in order_list.pending:
        order.status = "PENDING_NEW"
        action.report(order, "NEW")
    action.report_list(order_list)
    action.work(working)
