"""The matching engine of the simulated exchange: pure, exact and the same for the same input.

How to drive it::

    engine = MatchingEngine()
    rules = SymbolRules.from_json(entry)          # an entry of exchangeInfo's `symbols`
    engine.add_symbol(rules, last_price=parse_amount("60000"))
    engine.add_account(1, {"USDT": parse_amount("10000"), "BTC": parse_amount("1")})
    new = NewOrder("BTCUSDT", "BUY", "LIMIT", "my-id", quantity=parse_amount("0.01"),
                   price=parse_amount("59000"), time_in_force="GTC")
    outcome = engine.place(1, new, now)

Amounts are whole numbers of 10**-8 (`parse_amount`, `format_amount`), commission rates parts of 10**8,
times microseconds in `now`, which must not run backwards. Ids that the exchange would make up are arguments.
A refused request raises `Rejection` (code and message as on the wire) and has changed nothing. Every other
call that changes something returns an `Outcome`: the orders to reply with, the events of every account in
order, the public trades, and the first fills that lower unfilled-order counts.

`Order` and `OrderList` objects are live: read them when composing a reply, do not keep them as history.
An account opened with `is_observed=False` (a synthetic trader) gets no events, and nothing is kept of what
it closed. The wire layer still has to check what the engine never sees: parameters that are not part of an
order, order-count limits, and the form of client order ids.
"""

from .account_filters import AccountFilters
from .accounts import Account, SymbolAccount
from .amounts import DECIMALS, UNIT, format_amount, parse_amount
from .commissions import DISCOUNT_ASSET, NO_COMMISSION, CommissionRates, Tariff
from .engine import CancelReplaced, MatchingEngine
from .orders import NewOrder, NewOrderList, Order, OrderList
from .outcome import Outcome
from .price_range import PriceRange
from .records import (
    AccountPosition,
    Amendment,
    Balance,
    Event,
    Execution,
    Fill,
    FirstFill,
    ListStatus,
    PreventedMatch,
    Trade,
)
from .reference_price import ArithmeticMean, ExternalPrice
from .rejections import Rejection
from .symbols import ExchangeFilters, SymbolFilters, SymbolRules

__all__ = [
    "DECIMALS",
    "DISCOUNT_ASSET",
    "NO_COMMISSION",
    "UNIT",
    "Account",
    "AccountFilters",
    "AccountPosition",
    "Amendment",
    "ArithmeticMean",
    "Balance",
    "CancelReplaced",
    "CommissionRates",
    "Event",
    "ExchangeFilters",
    "Execution",
    "ExternalPrice",
    "Fill",
    "FirstFill",
    "ListStatus",
    "MatchingEngine",
    "NewOrder",
    "NewOrderList",
    "Order",
    "OrderList",
    "Outcome",
    "PreventedMatch",
    "PriceRange",
    "Rejection",
    "SymbolAccount",
    "SymbolFilters",
    "SymbolRules",
    "Tariff",
    "Trade",
    "format_amount",
    "parse_amount",
]
