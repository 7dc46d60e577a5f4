"""Commissions: three kinds of rates by role and side, and what changes where they are paid in BNB."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matching_venue import SYMBOL, SmallVenue, units

from crypto_ws_sync.simulator.matching import (
    DISCOUNT_ASSET,
    NO_COMMISSION,
    AccountPosition,
    CommissionRates,
    Fill,
    MatchingEngine,
    NewOrder,
    Outcome,
    SymbolRules,
    Tariff,
)


def rates(maker: str, taker: str, buyer: str = "0", seller: str = "0") -> CommissionRates:
    return CommissionRates(units(maker), units(taker), units(buyer), units(seller))


# The rates, price and quantity of the documents' worked example.
STANDARD = rates("0.00000010", "0.00000020", "0.00000030", "0.00000040")
SPECIAL = rates("0.01000000", "0.02000000", "0.03000000", "0.04000000")
TAX = rates("0.00000112", "0.00000114", "0.00000118", "0.00000116")
EXAMPLE = Tariff(STANDARD, SPECIAL, TAX, discount=units("0.25"))
PRICE, QUANTITY = "35000", "0.49975"


def venue_with_bnb(tariff: Tariff, bnb: str = "1000", price_of_bnb: str = "260") -> SmallVenue:
    """BTCUSDT and BNBUSDT; account 1 has the tariff and some BNB, and pays in it."""
    venue = SmallVenue(last_price=PRICE)
    venue.engine.add_symbol(SymbolRules("BNBUSDT", "BNB", "USDT"), last_price=units(price_of_bnb))
    venue.engine.deposit(1, "BNB", units(bnb), venue.now)
    venue.engine.set_tariff(1, tariff)
    venue.engine.pay_in_bnb(1, True)
    return venue


def fill_of(outcome: Outcome, account_id: int = 1) -> Fill:
    """The one fill of an account in an outcome."""
    (fill,) = [
        event.fill
        for event in outcome.events
        if event.account_id == account_id and getattr(event, "fill", None) is not None
    ]
    return fill


def sell(venue: SmallVenue) -> Fill:
    """Let account 1 sell the example's quantity at the market to account 2."""
    venue.limit(2, "BUY", QUANTITY, PRICE)
    return fill_of(venue.place(1, "SELL", "MARKET", quantity=QUANTITY))


def test_three_kinds_are_worked_out_apart_and_summed() -> None:
    venue = SmallVenue(last_price=PRICE)
    venue.engine.set_tariff(1, EXAMPLE)
    fill = sell(venue)
    # 0.01049475 + 0.04022987 (cut) + 1049.475 USDT
    assert fill.commission == units("0.01049475") + units("0.04022987") + units("1049.475")
    assert fill.commission_asset == "USDT"


@pytest.mark.parametrize(
    ("is_buyer", "is_maker", "rate"),
    [
        (True, True, "0.00000040"),
        (True, False, "0.00000050"),
        (False, True, "0.00000050"),
        (False, False, "0.00000060"),
    ],
)
def test_rate_is_that_of_the_role_plus_that_of_the_side(is_buyer: bool, is_maker: bool, rate: str) -> None:
    venue = SmallVenue(last_price="100")
    venue.engine.set_tariff(1, Tariff(STANDARD))
    ours, theirs = ("BUY", "SELL") if is_buyer else ("SELL", "BUY")
    for account_id in (1, 2) if is_maker else (2, 1):
        outcome = venue.place(
            account_id, ours if account_id == 1 else theirs, "LIMIT", quantity="10", price="100"
        )
    fill = fill_of(outcome)
    received = units("10") if is_buyer else units("1000")
    assert fill.is_maker is is_maker
    assert fill.commission == received * units(rate) // 10**8
    assert fill.commission_asset == ("BTC" if is_buyer else "USDT")


def test_paid_in_bnb_the_discount_multiplies_the_standard_commission_alone() -> None:
    venue = venue_with_bnb(EXAMPLE)
    fill = sell(venue)
    # 0.000010091 + 0.00015473 + 4.036442308 = 4.036607129
    assert fill.commission == units("4.03660712")
    assert fill.commission_asset == DISCOUNT_ASSET
    assert venue.balance(1, "BNB") == (units("1000") - fill.commission, 0)
    assert venue.balance(1, "USDT")[0] == units("1000000") + fill.quote_quantity
    assert venue.engine.fees == {"BNB": fill.commission}


def test_without_enough_bnb_the_full_commission_comes_out_of_what_was_received() -> None:
    venue = venue_with_bnb(EXAMPLE, bnb="4.03660711")
    fill = sell(venue)
    assert fill.commission_asset == "USDT"
    assert fill.commission == units("1049.52572462")
    assert venue.balance(1, "BNB") == (units("4.03660711"), 0)


@pytest.mark.parametrize("off", ["account", "symbol", "price"])
def test_discount_needs_the_account_the_symbol_and_a_price(off: str) -> None:
    tariff = Tariff(STANDARD, is_discount_enabled=off != "symbol")
    venue = venue_with_bnb(tariff, price_of_bnb="0" if off == "price" else "260")
    if off == "account":
        venue.engine.pay_in_bnb(1, False)
    assert sell(venue).commission_asset == "USDT"
    assert venue.balance(1, "BNB") == (units("1000"), 0)


def test_bnb_received_pays_for_itself_at_the_discount() -> None:
    engine = MatchingEngine()
    engine.add_symbol(SymbolRules("BNBUSDT", "BNB", "USDT"), last_price=units("260"))
    for account_id in (1, 2):
        engine.add_account(
            account_id, {"BNB": units("10"), "USDT": units("10000")}, rates=rates("0.001", "0.001")
        )
    engine.pay_in_bnb(1, True)
    common = {"symbol": "BNBUSDT", "type": "LIMIT", "time_in_force": "GTC", "price": units("260")}
    for account_id, side in ((2, "SELL"), (1, "BUY")):
        outcome = engine.place(
            account_id,
            NewOrder(side=side, client_order_id=side, quantity=units("1"), **common),  # type: ignore[arg-type]
            account_id,
        )
    assert fill_of(outcome).commission == units("0.00075")
    assert engine.account(1).holding("BNB").free == units("10.99925")


def test_balance_in_bnb_is_told_beside_those_traded() -> None:
    venue = venue_with_bnb(EXAMPLE)
    venue.limit(2, "BUY", QUANTITY, PRICE)
    outcome = venue.place(1, "SELL", "MARKET", quantity=QUANTITY)
    positions = [e for e in outcome.events if isinstance(e, AccountPosition) and e.account_id == 1]
    assert [each.asset for each in positions[-1].balances] == ["BTC", "USDT", "BNB"]
    assert positions[-1].balances[2].free == venue.balance(1, "BNB")[0]


def test_worth_in_bnb_is_found_by_way_of_another_asset() -> None:
    engine = MatchingEngine()
    engine.add_symbol(SymbolRules("BTCUSDT", "BTC", "USDT"), last_price=units("60000"))
    engine.add_symbol(SymbolRules("BNBUSDT", "BNB", "USDT"), last_price=units("600"))
    ratio = engine._exchange_rates.ratio
    assert Fraction(*(ratio("BTC", "BNB") or ())) == 100
    assert Fraction(*(ratio("USDT", "BNB") or ())) == Fraction(1, 600)
    assert ratio("BNB", "BNB") == (1, 1)
    assert ratio("DOGE", "BNB") is None


def test_own_rates_of_a_symbol_win_over_those_of_the_account() -> None:
    venue = SmallVenue(last_price=PRICE)
    venue.engine.set_tariff(1, Tariff(rates("0.5", "0.5")))
    venue.engine.set_tariff(1, Tariff(NO_COMMISSION), SYMBOL)
    assert sell(venue).commission == 0


def test_two_sides_of_one_account_never_overdraw_its_bnb() -> None:
    # Each side costs 0.2625 BNB: enough for one of them, not for both.
    venue = venue_with_bnb(Tariff(rates("0.001", "0.001")), bnb="0.3", price_of_bnb="100")
    venue.limit(1, "BUY", "1", PRICE)
    outcome = venue.place(1, "SELL", "LIMIT", quantity="1", price=PRICE, stp_mode="NONE")
    fills = [event.fill for event in outcome.events if getattr(event, "fill", None) is not None]
    assert {fill.commission_asset for fill in fills} == {"BNB", "USDT"}
    assert venue.balance(1, "BNB")[0] == units("0.0375")


amounts = st.integers(0, 30_000_000)
some_rates = st.builds(CommissionRates, amounts, amounts, amounts, amounts).map(
    # at most a tenth each, so that three kinds stay below the whole
    lambda r: CommissionRates(r.maker // 6, r.taker // 6, r.buyer // 6, r.seller // 6)
)


@given(
    tariff=st.builds(
        Tariff,
        some_rates,
        some_rates,
        some_rates,
        st.integers(0, 10**8),
        st.sampled_from((True, True, False)),
    ),
    trades=st.lists(
        st.tuples(st.booleans(), st.booleans(), st.integers(1, 10**9), st.integers(1, 10**6)), max_size=12
    ),
    bnb=st.sampled_from((0, 1, 1_000, 10**6, 10**12)),
)
def test_no_commission_creates_or_loses_anything(
    tariff: Tariff, trades: list[tuple[bool, bool, int, int]], bnb: int
) -> None:
    venue = venue_with_bnb(tariff, bnb="0", price_of_bnb="3.33333333")
    venue.engine.deposit(1, "BNB", bnb, venue.now)
    for account_id in (1, 2):
        # Enough for all of the trades.
        venue.engine.deposit(account_id, "BTC", 12 * 10**9, venue.now)
        venue.engine.deposit(account_id, "USDT", 12 * 10**7 * 10**8, venue.now)
    before = total(venue)
    for buys, makes, quantity, price in trades:
        sides = ("BUY", "SELL") if buys else ("SELL", "BUY")
        for account_id in (1, 2) if makes else (2, 1):
            venue.place(account_id, sides[account_id - 1], "LIMIT", quantity=quantity, price=price * 10**8)
        assert all(venue.balance(1, asset)[0] >= 0 for asset in ("BTC", "USDT", "BNB"))
        assert total(venue) == before


def total(venue: SmallVenue) -> dict[str, int]:
    """All there is of each asset, commissions included."""
    return {
        asset: venue.engine.fees.get(asset, 0)
        + sum(sum(venue.balance(account_id, asset)) for account_id in (1, 2, 3))
        for asset in ("BTC", "USDT", "BNB")
    }
