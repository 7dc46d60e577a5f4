"""Calls that a type checker must refuse. Read, never run.

Each line says what is wrong with it; a line that the checker lets through fails, too, since its comment is
then one without use.
"""

from __future__ import annotations

import crypto_ws_sync
from crypto_ws_sync.exchanges.binance.methods import BinanceMethods
from crypto_ws_sync.exchanges.binance.replies.events import UserDataEvent


def begin() -> None:
    """A name that the package does not have."""
    print(crypto_ws_sync.Session)  # type: ignore[attr-defined]  # UserWSSession


def place(session: BinanceMethods) -> None:
    """Missing, misspelt, positional and mistyped arguments."""
    session.order_place(symbol="BTCUSDT", side="BUY")  # type: ignore[call-arg]  # no type
    session.order_place("BTCUSDT", side="BUY", type="MARKET")  # type: ignore[call-arg]  # positional
    session.order_place(symbol="A", side="BUY", type="MARKET", qty=1)  # type: ignore[call-arg]  # misspelt
    session.order_place(symbol="A", side="BUY", type="MARKET", timeInForce="GTC")  # type: ignore[call-arg]  # wire
    session.order_place(symbol="A", side=1, type="MARKET")  # type: ignore[arg-type]  # number for text
    session.order_place(symbol="A", side="BUY", type="MARKET", quantity=[1])  # type: ignore[arg-type]  # list
    session.order_place(symbol="A", side="BUY", type="MARKET", timeout="5")  # type: ignore[arg-type]  # text
    session.order_place(symbol=None, side="BUY", type="MARKET")  # type: ignore[arg-type]  # required
    session.order_place(symbol="A", side="BUY", type="MARKET", signature="x")  # type: ignore[call-arg]  # ours
    session.order_status(symbol="A", order_id="1")  # type: ignore[arg-type]  # ids are int
    session.order_place_oco(symbol="A")  # type: ignore[attr-defined]  # no such method


def ask(session: BinanceMethods) -> None:
    """Contradictory arguments, and results taken for what they are not."""
    session.ticker_book(symbol="A", symbols=["B"])  # type: ignore[call-overload]  # one or the other
    session.ticker(type="MINI")  # type: ignore[call-overload]  # neither
    session.exchange_info(symbols="BTCUSDT")  # type: ignore[arg-type]  # a text is not a list of symbols
    session.klines(symbol="A", interval="1h", start_time="yesterday")  # type: ignore[arg-type]  # no moment
    session.ticker_book(symbols=["A"])["bidPrice"]  # type: ignore[call-overload]  # a list
    session.ticker_book(symbol="A")[0]  # type: ignore[literal-required]  # an object
    session.ticker(symbol="A", type="MINI")["priceChange"]  # type: ignore[typeddict-item]  # MINI leaves it out
    session.time()["server_time"]  # type: ignore[typeddict-item]  # not the exchange's spelling
    number: int = session.ticker_price(symbol="A")["price"]  # type: ignore[assignment]  # money is text
    print(number)


def follow(event: UserDataEvent) -> None:
    """Fields of one kind of event on any kind."""
    event["X"]  # type: ignore[typeddict-item]  # only an execution report has it
