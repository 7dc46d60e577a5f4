"""Block trades: the same for the same seed, in order, near the market, and off its book."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from crypto_ws_sync.simulator.market import DEFAULT_LISTINGS, Listing, SyntheticMarket
from crypto_ws_sync.simulator.matching import MatchingEngine

START = 1_767_268_800_000_000
BTC = DEFAULT_LISTINGS[0]


def market(seed: int = 0, listing: Listing = BTC, start_us: int = START) -> SyntheticMarket:
    return SyntheticMarket(MatchingEngine(), [listing], seed=seed, start_us=start_us)


def rows(made: SyntheticMarket, first: int, limit: int, now_us: int, symbol: str = "BTCUSDT") -> list[Any]:
    return made.block_trades[symbol].rows(first, limit, now_us, per_unit=1)


def test_ids_run_from_zero_and_times_with_them() -> None:
    found = rows(market(), 0, 200, START)
    assert [row["id"] for row in found] == list(range(200))
    times = [row["time"] for row in found]
    assert times == sorted(set(times))
    assert rows(market(), 50, 3, START) == found[50:53]


def test_the_same_seed_makes_the_same_trades_and_another_does_not() -> None:
    assert rows(market(3), 700, 20, START) == rows(market(3), 700, 20, START)
    assert rows(market(3), 700, 20, START) != rows(market(4), 700, 20, START)


@pytest.mark.parametrize("listing", DEFAULT_LISTINGS, ids=lambda listing: listing.symbol)
def test_price_is_near_that_of_the_book_and_amounts_fit_the_listing(listing: Listing) -> None:
    made = market(listing=listing)
    record = made.records[listing.symbol]
    for row in rows(made, 1_000, 20, START, listing.symbol):
        before = record.last_before(record.id_at(row["time"]))
        assert before is not None
        price, quantity = Decimal(row["price"]), Decimal(row["qty"])
        last = Decimal(before.price) / 10**8
        assert abs(price - last) <= last * Decimal("0.002") + listing.tick_size
        assert price % listing.tick_size == 0
        assert quantity % listing.step_size == 0
        assert Decimal(row["quoteQty"]) == price * quantity


def test_what_has_not_happened_yet_is_not_told() -> None:
    # When the next one is due does not depend on when the exchange began.
    following, due = next((row["id"], row["time"]) for row in rows(market(), 4_000, 1_000, START)[-1:])
    made = market(start_us=due - 1_000_000)
    assert rows(made, following - 1, 10, due - 1)[-1]["id"] == following - 1
    assert list(made.advance(due)) == []
    (row,) = rows(made, following, 10, due)
    assert row["time"] == due


def test_they_touch_neither_record_nor_price() -> None:
    made = market()
    record = made.records["BTCUSDT"]
    before = record.next_id, record.last
    rows(made, 0, 100, START)
    assert (record.next_id, record.last) == before
