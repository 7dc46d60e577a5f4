"""Calls that a type checker must accept, with the types that they must give. Read, never run."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal

from crypto_ws_sync import Credentials, StreamGap, UserWSSession, get_credentials
from crypto_ws_sync.exchanges.binance.methods import BinanceMethods
from crypto_ws_sync.exchanges.binance.replies.account import AccountStatus, Balance, OwnTrade
from crypto_ws_sync.exchanges.binance.replies.events import ExecutionReport, UserDataEvent
from crypto_ws_sync.exchanges.binance.replies.market_data import (
    BookTicker,
    ExchangeInfo,
    Kline,
    MiniTicker,
    Ticker24hr,
)
from crypto_ws_sync.exchanges.binance.replies.orders import CancelReplaceReport, OrderState, PlacedOrder


def begin(account: str) -> BookTicker:
    """Names that the package itself gives, only when they are asked for."""
    credentials: Credentials = get_credentials(account)
    _, _, api_key, api_secret, endpoint = credentials
    with UserWSSession(api_key, api_secret, endpoint=endpoint) as session, session.user_data() as events:
        for item in events:
            if isinstance(item, StreamGap):
                missed: int | None = item.missed
                print(missed)
        best: BookTicker = session.ticker_book(symbol="BTCUSDT")
        return best


def place(session: BinanceMethods, side: str) -> None:
    """Numbers of every kind, known values and any other text, and a timeout."""
    order: PlacedOrder = session.order_place(
        symbol="BTCUSDT",
        side="BUY",
        type="LIMIT",
        time_in_force="GTC",
        quantity=Decimal("0.001"),
        price=20000.5,
        recv_window="5000.125",
        timeout=5,
    )
    number: int = order["orderId"]
    session.order_place(symbol="BTCUSDT", side=side, type="KIND_OF_NEXT_YEAR", quantity=1, timeout=None)
    session.order_place(symbol="BTCUSDT", side="SELL", type="MARKET", quote_order_qty="100")
    session.order_place(symbol="BTCUSDT", side="SELL", type="MARKET", quantity=None)
    for fill in order.get("fills", []):
        price: str = fill["price"]
        Decimal(price)
    state: OrderState = session.order_status(symbol="BTCUSDT", order_id=number)
    open_since: int = state["time"]
    session.my_trades(symbol="BTCUSDT", start_time=open_since)


def replace(session: BinanceMethods) -> str:
    """Both ways in which an answer may come are told apart by their fields."""
    canceled = session.order_cancel(symbol="BTCUSDT", orig_client_order_id="mine")
    if "orderReports" in canceled:
        return canceled["listClientOrderId"]
    status: str = canceled["status"]
    report: CancelReplaceReport = session.order_cancel_replace(
        symbol="BTCUSDT",
        cancel_replace_mode="STOP_ON_FAILURE",
        cancel_order_id=1,
        side="BUY",
        type="LIMIT_MAKER",
        quantity=1,
        price="1",
    )
    half = report["newOrderResponse"]
    if half is None:
        return status
    return half["msg"] if "code" in half else half["clientOrderId"]


def ask(session: BinanceMethods) -> None:
    """One symbol gives one object, several or none a list."""
    bid: str = session.ticker_book(symbol="BTCUSDT")["bidPrice"]
    books: list[BookTicker] = session.ticker_book(symbols=["BTCUSDT", "BNBBTC"])
    every: list[BookTicker] = session.ticker_book()
    day: Ticker24hr = session.ticker_24hr(symbol="BTCUSDT", symbol_status="TRADING")
    brief: MiniTicker = session.ticker_trading_day(symbol="BTCUSDT", type="MINI")
    briefs: list[MiniTicker] = session.ticker_24hr(type="MINI")
    last: list[str] = [ticker["price"] for ticker in session.ticker_price(symbols=("A", "B"))]
    change: str = session.ticker(symbols=["A"], window_size="7d")[0]["priceChange"]
    since = datetime(2026, 1, 1, tzinfo=timezone.utc)
    candles: list[Kline] = session.klines(symbol="BTCUSDT", interval="1h", start_time=since, limit=10)
    info: ExchangeInfo = session.exchange_info(permissions="SPOT")
    info = session.exchange_info(permissions=["SPOT", "MARGIN"], symbol_status="TRADING")
    trades: list[OwnTrade] = session.my_trades(symbol="BTCUSDT", order_id=1)
    status: AccountStatus = session.account_status(omit_zero_balances=True)
    balances: list[Balance] = status["balances"]
    print(bid, books, every, day, last, change, brief, briefs, candles, info, trades, balances)


def follow(event: UserDataEvent) -> str:
    """An event is narrowed by its kind."""
    if event["e"] == "executionReport":
        report: ExecutionReport = event
        return report["X"]
    if event["e"] == "outboundAccountPosition":
        return event["B"][0]["f"]
    return event["e"]
