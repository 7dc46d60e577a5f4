"""A market on a real engine: the join, the books, the record, and a client among the synthetic traders."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from market_samples import HOUR, LISTINGS, MINUTE, SECOND, START
from test_past import added_up

from crypto_ws_sync.simulator.market.candles import klines
from crypto_ws_sync.simulator.market.listings import DEFAULT_LISTINGS, Listing
from crypto_ws_sync.simulator.market.synthetic_market import BIDDERS, OFFERERS, TAKERS, SyntheticMarket
from crypto_ws_sync.simulator.market.tickers import average_price, ticker_24hr
from crypto_ws_sync.simulator.market.traders import SLOTS
from crypto_ws_sync.simulator.matching import (
    MatchingEngine,
    NewOrder,
    NewOrderList,
    Order,
    Outcome,
    parse_amount,
)

CLIENT = 1


def market_with(
    seed: int = 0, listings: Sequence[Listing] = DEFAULT_LISTINGS, start_us: int = START
) -> tuple[MatchingEngine, SyntheticMarket]:
    engine = MatchingEngine()
    market = SyntheticMarket(engine, listings, seed=seed, start_us=start_us)
    engine.add_account(CLIENT, {"BTC": parse_amount("10"), "USDT": parse_amount("1000000")})
    return engine, market


def run(market: SyntheticMarket, stop_us: int, step_us: int = MINUTE, start_us: int = START) -> list[Outcome]:
    touched: list[Outcome] = []
    for now in range(start_us, stop_us + 1, step_us):
        touched += market.advance(now)
    return touched


def test_the_engine_goes_on_where_the_past_ends() -> None:
    engine, market = market_with()
    assert list(market.records) == list(market.rules) == list(LISTINGS)
    for symbol, record in market.records.items():
        last = record.last
        assert last is not None
        assert engine.next_trade_id(symbol) == record.next_id == last.id + 1
        assert engine.last_price(symbol) == last.price
        assert engine.average_price(symbol, 5, START) == pytest.approx(average_price(record, START), rel=1e-6)
        bid, _, ask, _ = market.top(symbol)
        assert bid < last.price < ask
        assert (ask - bid) / last.price < 0.002
        _, bids, asks = engine.depth(symbol, 5_000)
        assert min(len(bids), len(asks)) >= 50
        assert sum(price * quantity // 10**8 for price, quantity in bids) > 0
        for account_id in (BIDDERS, OFFERERS):
            assert len(engine.open_orders(account_id, symbol)) == SLOTS


def test_books_trades_klines_and_tickers_move() -> None:
    engine, market = market_with()
    before = {symbol: (record.next_id, market.top(symbol)) for symbol, record in market.records.items()}
    now = START + 30 * MINUTE
    assert run(market, now) == []
    assert market.refused == 0
    for symbol, record in market.records.items():
        first, top = before[symbol]
        assert engine.next_trade_id(symbol) == record.next_id > first + 10
        assert market.top(symbol) != top
        trades = record.trades(first, record.next_id)
        assert record.summary(first, record.next_id) == added_up(trades)
        assert engine.last_price(symbol) == trades[-1].price
        assert len({trade.price for trade in trades}) > 5
        assert {trade.is_buyer_maker for trade in trades} == {True, False}
        rows = klines(record, "1m", now - 1, start_us=START + MINUTE - START % MINUTE)
        assert len({row[4] for row in rows}) > 5
        assert ticker_24hr(record, now, market.top(symbol))["lastId"] == record.next_id - 1
        bid, _, ask, _ = market.top(symbol)
        assert 0 < bid < ask
        assert abs(bid - trades[-1].price) / bid < 0.01
        _, bids, asks = engine.depth(symbol, 5_000)
        assert min(len(bids), len(asks)) >= 50


def test_no_order_is_left_behind() -> None:
    engine, market = market_with(listings=DEFAULT_LISTINGS[:1])
    run(market, START + HOUR)
    for account_id in (BIDDERS, OFFERERS):
        assert SLOTS * 0.8 <= len(engine.open_orders(account_id)) <= SLOTS
    assert engine.open_orders(TAKERS) == []
    desk = engine.desk(BIDDERS, "BTCUSDT")
    assert len(desk.by_client_id) <= SLOTS
    assert len(desk.orders) <= SLOTS


def test_the_same_seed_and_requests_give_the_same_market_however_time_is_sliced() -> None:
    records = []
    for step in (7 * SECOND, 10 * MINUTE):
        engine, market = market_with(seed=5)
        run(market, START + 10 * MINUTE, step)
        list(market.advance(START + 10 * MINUTE))
        new = NewOrder("BTCUSDT", "BUY", "MARKET", "mine", quantity=parse_amount("3"))
        market.record(engine.place(CLIENT, new, START + 10 * MINUTE))
        list(market.advance(START + 20 * MINUTE))
        record = market.records["BTCUSDT"]
        records.append((record.trades(record.next_id - 300, record.next_id), engine.depth("BTCUSDT", 100)))
    assert records[0] == records[1]


def test_a_client_trades_with_the_others_and_all_of_it_is_recorded() -> None:
    engine, market = market_with(listings=DEFAULT_LISTINGS[:1])
    list(market.advance(START + MINUTE))
    now = START + MINUTE
    bid, _, ask, _ = market.top("BTCUSDT")
    first = market.records["BTCUSDT"].next_id

    outcome = engine.place(
        CLIENT, NewOrder("BTCUSDT", "BUY", "MARKET", "sweep", quantity=parse_amount("1.5")), now
    )
    market.record(outcome)
    record = market.records["BTCUSDT"]
    assert outcome.order.status == "FILLED"
    assert outcome.trades[0].price == ask
    assert [trade.id for trade in record.trades(first, record.next_id)] == [
        trade.trade_id for trade in outcome.trades
    ]
    assert sum(row.quantity for row in record.aggregates(record.aggregate_at(now), 10**12)) == parse_amount(
        "1.5"
    )

    price, quantity = bid + 10**8, parse_amount("0.5")
    resting = NewOrder("BTCUSDT", "SELL", "LIMIT", "rest", quantity, price, time_in_force="GTC")
    market.record(engine.place(CLIENT, resting, now))
    touched = run(market, now + HOUR, start_us=now)
    assert touched
    assert all(outcome.events for outcome in touched)
    assert engine.find_order(CLIENT, "BTCUSDT", client_order_id="rest").status == "FILLED"
    assert record.next_id == engine.next_trade_id("BTCUSDT")


def test_a_swept_book_fills_up_again() -> None:
    engine, market = market_with(listings=DEFAULT_LISTINGS[:1])
    now = START + MINUTE
    list(market.advance(now))
    _, _, asks = engine.depth("BTCUSDT", 5_000)
    engine.deposit(CLIENT, "USDT", parse_amount("100000000"), now)
    most = sum(quantity for _, quantity in asks) * 9 // 10_000 * 1_000
    sweep = NewOrder("BTCUSDT", "BUY", "MARKET", "sweep", quantity=most)
    market.record(engine.place(CLIENT, sweep, now))
    assert len(engine.depth("BTCUSDT", 5_000)[2]) < len(asks) // 2
    run(market, now + 20 * MINUTE, start_us=now)
    assert len(engine.depth("BTCUSDT", 5_000)[2]) > len(asks) * 4 // 5


def test_nothing_is_made_or_lost_by_trading() -> None:
    engine, market = market_with(listings=DEFAULT_LISTINGS[:1])
    accounts = (CLIENT, BIDDERS, OFFERERS, TAKERS)

    def total(asset: str) -> int:
        held = [each for account in accounts for each in engine.balances(account) if each.asset == asset]
        return sum(each.free + each.locked for each in held) + engine.fees.get(asset, 0)

    before = total("BTC"), total("USDT")
    run(market, START + 20 * MINUTE)
    new = NewOrder("BTCUSDT", "SELL", "MARKET", "mine", quantity=parse_amount("2"))
    market.record(engine.place(CLIENT, new, START + 20 * MINUTE))
    list(market.advance(START + 40 * MINUTE))
    assert (total("BTC"), total("USDT")) == before


@pytest.mark.parametrize("start_us", [0, 10**12])
def test_a_market_without_a_past_opens_at_what_its_assets_are_worth(start_us: int) -> None:
    engine, market = market_with(start_us=start_us)
    assert market.records["BTCUSDT"].next_id == 0
    assert engine.last_price("BTCUSDT") > 0
    assert market.top("BTCUSDT").bid_price < engine.last_price("BTCUSDT") < market.top("BTCUSDT").ask_price
    run(market, start_us + 10 * MINUTE, start_us=start_us)
    assert market.records["BTCUSDT"].next_id == engine.next_trade_id("BTCUSDT") > 0


def test_a_listing_of_ones_own_has_a_market_too() -> None:
    template = LISTINGS["ETHUSDT"]
    own = Listing(
        symbol="SOLUSDT",
        base_asset="SOL",
        quote_asset="USDT",
        **{
            name: getattr(template, name)
            for name in Listing.__dataclass_fields__
            if name not in ("symbol", "base_asset", "quote_asset")
        },
    )
    engine, market = market_with(listings=[own])
    run(market, START + 10 * MINUTE)
    assert market.refused == 0
    assert market.records["SOLUSDT"].next_id == engine.next_trade_id("SOLUSDT")
    assert len(klines(market.records["SOLUSDT"], "1d", START, limit=30)) == 30


def met_by_a_quote(engine: MatchingEngine, market: SyntheticMarket, now: int) -> tuple[Order, int]:
    """Let a quote fill a client's order on which another waits; return what stands of the quote, and when."""
    desk = engine.desk(OFFERERS, "BTCUSDT")
    for turn in range(100):
        bid, _, ask, _ = market.top("BTCUSDT")
        middle = (bid + ask) // 2_000_000 * 1_000_000
        buy, sell = (
            NewOrder(
                "BTCUSDT",
                side,
                "LIMIT",
                f"{side}{turn}",
                quantity=parse_amount("0.001"),
                price=price,
                time_in_force="GTC",
            )
            for side, price in (("BUY", middle), ("SELL", 2 * middle))
        )
        engine.place_list(CLIENT, NewOrderList("OTO", "BTCUSDT", f"list{turn}", (buy, sell)), now)
        for _ in range(20):
            now += SECOND
            for outcome in market.advance(now):
                if outcome.trades and outcome.order.order_id in desk.open:
                    return desk.open[outcome.order.order_id], now
        engine.cancel_all(CLIENT, "BTCUSDT", now, lambda: "end")
    raise AssertionError("no quote ever met the client's order")


def test_quote_that_set_off_a_waiting_order_is_followed_to_its_end() -> None:
    engine, market = market_with(listings=DEFAULT_LISTINGS[:1])
    quote, now = met_by_a_quote(engine, market, START)
    engine.deposit(CLIENT, "USDT", parse_amount("10000000"), now)
    for turn in range(50):
        if quote.is_open:
            sweep = NewOrder("BTCUSDT", "BUY", "MARKET", f"s{turn}", quantity=parse_amount("0.5"))
            market.record(engine.place(CLIENT, sweep, now))
    assert quote.status == "FILLED"
    # Its place is quoted anew, as are those of the others that are gone.
    assert len(engine.open_orders(OFFERERS, "BTCUSDT")) < SLOTS
    run(market, now + 30 * MINUTE, start_us=now)
    assert len(engine.open_orders(OFFERERS, "BTCUSDT")) == SLOTS
