"""A small trading bot, and its tests on the simulated exchange.

The fixtures come with the package: `simulated_exchange` is an exchange of the test's own, `user_session` a session
with it, and `manual_clock` the time of both, which stands still until the test moves it. The market is the same in
every run. No keys, no network, no waiting:

    python -m pytest examples/test_trading_bot.py
"""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal

import pytest

from crypto_ws_sync import OutOfService, UserWSSession
from crypto_ws_sync.simulator import ManualClock, SimulatedExchange

# --- the bot -------------------------------------------------------------------------------------------------


class Rebalancer:
    """Keeps a share of its money in BTC: sells what has grown too much, buys what has shrunk."""

    def __init__(self, session: UserWSSession, share: str = "0.5", tolerance: str = "0.02") -> None:
        self._session = session
        self._share = Decimal(share)
        self._tolerance = Decimal(tolerance)

    def step(self) -> str | None:
        """Trade if the share is off by more than the tolerance; return the side, None where all is well."""
        price = Decimal(self._session.ticker_price(symbol="BTCUSDT")["price"])
        account = self._session.account_status(omit_zero_balances=True)
        held = {row["asset"]: Decimal(row["free"]) for row in account["balances"]}
        coins, cash = held.get("BTC", Decimal(0)), held.get("USDT", Decimal(0))
        worth = coins * price + cash
        off = self._share - coins * price / worth
        if abs(off) <= self._tolerance:
            return None
        quantity = (abs(off) * worth / price).quantize(Decimal("0.00001"), ROUND_DOWN)
        side = "BUY" if off > 0 else "SELL"
        self._session.order_place(symbol="BTCUSDT", side=side, type="MARKET", quantity=quantity)
        return side


# --- its tests -----------------------------------------------------------------------------------------------


def share_in_btc(exchange: SimulatedExchange, session: UserWSSession) -> Decimal:
    """Return the part of the account's worth that is in BTC, by the exchange's own books."""
    price = Decimal(session.ticker_price(symbol="BTCUSDT")["price"])
    balances = exchange.balances()
    coins = balances["BTC"].free * price
    return coins / (coins + balances["USDT"].free)


def test_it_buys_what_is_missing(simulated_exchange: SimulatedExchange, user_session: UserWSSession) -> None:
    simulated_exchange.deposit("USDT", 200_000)
    assert Rebalancer(user_session).step() == "BUY"
    assert abs(share_in_btc(simulated_exchange, user_session) - Decimal("0.5")) < Decimal("0.01")
    (order,) = simulated_exchange.orders()
    assert (order["side"], order["status"]) == ("BUY", "FILLED")


def test_small_differences_are_left_alone(
    simulated_exchange: SimulatedExchange, user_session: UserWSSession
) -> None:
    bot = Rebalancer(user_session)
    bot.step()
    trades = len(simulated_exchange.trades())
    assert bot.step() is None
    assert len(simulated_exchange.trades()) == trades


def test_it_follows_the_market_for_an_hour(
    simulated_exchange: SimulatedExchange, user_session: UserWSSession, manual_clock: ManualClock
) -> None:
    bot = Rebalancer(user_session, tolerance="0.0005")
    for _ in range(12):
        bot.step()
        assert abs(share_in_btc(simulated_exchange, user_session) - Decimal("0.5")) < Decimal("0.01")
        manual_clock.advance(300)
    assert len(simulated_exchange.orders()) > 1


def test_a_connection_that_dies_does_not_make_it_trade_twice(
    simulated_exchange: SimulatedExchange, user_session: UserWSSession
) -> None:
    simulated_exchange.deposit("USDT", 200_000)
    lost = simulated_exchange.faults.drop("after", method="order.place")
    assert Rebalancer(user_session).step() == "BUY"
    assert lost.strikes == 1
    assert len(simulated_exchange.orders()) == 1


def test_it_is_held_back_until_the_limit_counts_anew(
    simulated_exchange: SimulatedExchange, user_session: UserWSSession, manual_clock: ManualClock
) -> None:
    simulated_exchange.deposit("USDT", 200_000)
    while user_session.handle_request("exchangeInfo", {"symbol": "BTCUSDT"}, on_limit="none") is not None:
        pass
    with pytest.raises(OutOfService):
        user_session.handle_request("exchangeInfo", {"symbol": "BTCUSDT"}, on_limit="raise")
    manual_clock.advance(60)
    assert user_session.wait_operational()
    assert Rebalancer(user_session).step() == "BUY"
