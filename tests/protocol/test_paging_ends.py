"""Where paging begins and ends: units, the last page, and moments that hold more than a page."""

from __future__ import annotations

from random import Random

import pytest
from fake_history import SORTINGS, FakeHistory, Held, Sorting, read_all

from crypto_ws_sync.errors import CryptoWSError
from crypto_ws_sync.exchanges.binance.methods import CATALOGUE
from crypto_ws_sync.protocol.method import HistoryRule
from crypto_ws_sync.protocol.paging import MILLISECOND, Paging, epoch_us

ORIGIN = 1_700_000_000_000_000
DAY = 86_400_000_000
FIRST_MOMENT = 1_483_228_800_000_000
"""2017-01-01 in microseconds, before which the exchange refuses a time."""


def rule_of(name: str, page_max: int) -> HistoryRule:
    """Return a documented rule with short pages."""
    rule = CATALOGUE[name].history
    assert rule is not None
    return rule._replace(page_max=page_max, is_time_unique=False)


def bursts(*counts: int) -> list[Held]:
    """Return so many records in the first millisecond, so many in the second, and so on."""
    times = [ORIGIN + n * MILLISECOND for n, count in enumerate(counts) for _ in range(count)]
    return [Held(number, time, time) for number, time in enumerate(times)]


def test_a_time_is_in_microseconds_where_milliseconds_would_be_thousands_of_years_ahead() -> None:
    assert epoch_us(10**14) == 10**14
    assert epoch_us(10**14 - 1) == (10**14 - 1) * 1000


def test_no_time_before_the_exchanges_first_goes_out_in_microseconds() -> None:
    for start, sent in ((FIRST_MOMENT, FIRST_MOMENT), (FIRST_MOMENT - 1, FIRST_MOMENT // 1000 - 1)):
        asked = Paging("klines", rule_of("klines", 2), start=start, end=ORIGIN, tick=1).ask()
        assert asked is not None
        assert asked["startTime"] == sent


@pytest.mark.parametrize("tick", [MILLISECOND, 1])
def test_an_end_that_is_not_given_is_after_everything_and_no_other_unit(tick: int) -> None:
    asked = Paging("klines", rule_of("klines", 2), start=ORIGIN, tick=tick).ask()
    assert asked is not None
    assert epoch_us(asked["endTime"]) // tick == asked["endTime"]
    assert epoch_us(asked["endTime"]) > 9 * 10**16


def test_more_records_in_one_moment_than_a_page_holds_are_an_error_after_what_is_known() -> None:
    rule = rule_of("klines", 2)
    history = FakeHistory(rule, bursts(3))
    paging = Paging("x", rule, start=ORIGIN, end=ORIGIN + DAY)
    params = paging.ask()
    assert params is not None
    assert len(paging.take(history.page(params))) == 2
    for _ in range(2):
        with pytest.raises(CryptoWSError, match="2 records share one moment"):
            paging.ask()


def test_a_page_of_nothing_new_but_one_moment_is_an_error_at_once() -> None:
    rule = rule_of("klines", 2)
    history = FakeHistory(rule, bursts(0, 3))
    paging = Paging("x", rule, start=ORIGIN, end=ORIGIN + DAY)
    first = paging.ask()
    assert first is not None
    assert len(paging.take(history.page(first))) == 2
    second = paging.ask()
    assert second is not None
    with pytest.raises(CryptoWSError, match="share one moment"):
        paging.take(history.page(second))
    with pytest.raises(CryptoWSError, match="share one moment"):
        paging.ask()


def test_a_record_made_at_the_end_itself_is_the_last_to_be_asked_for() -> None:
    rule = rule_of("myTrades", 2)
    history = FakeHistory(rule, bursts(1, 1, 1, 1))
    paging = Paging("x", rule, first_id=0, end=ORIGIN + MILLISECOND)
    assert read_all(paging, history) == [0]
    assert len(history.asked) == 1


@pytest.mark.parametrize(("counts", "wanted"), [((0, 0, 0, 1), 0), ((1, 0, 0, 1), 1), ((2, 0, 0, 1), 2)])
def test_a_range_that_one_page_holds_costs_one_request(counts: tuple[int, ...], wanted: int) -> None:
    rule = rule_of("myTrades", 3)
    history = FakeHistory(rule, bursts(*counts))
    found = read_all(Paging("x", rule, start=ORIGIN, end=ORIGIN + 2 * MILLISECOND), history)
    assert (len(found), len(history.asked)) == (wanted, 1)


def test_a_range_of_orders_without_any_costs_one_request() -> None:
    rule = rule_of("allOrders", 3)
    history = FakeHistory(rule, bursts(0, 0, 0, 1))
    assert read_all(Paging("x", rule, start=ORIGIN, end=ORIGIN + 2 * MILLISECOND), history) == []
    assert len(history.asked) == 1


def test_a_full_page_that_reaches_the_end_costs_one_request() -> None:
    rule = rule_of("myTrades", 2)
    history = FakeHistory(rule, bursts(1, 1, 1))
    assert read_all(Paging("x", rule, start=ORIGIN, end=ORIGIN + MILLISECOND), history) == [0]
    assert len(history.asked) == 1


def test_a_page_cut_short_right_after_the_first_is_not_taken_for_the_end() -> None:
    rule = rule_of("myTrades", 3)
    history = FakeHistory(rule, bursts(*[1] * 12))
    paging = Paging("x", rule, start=ORIGIN, end=ORIGIN + DAY // 2)
    found = 0
    while (params := paging.ask()) is not None:
        page = history.page(params)
        found += len(paging.take(page[:1] if len(history.asked) == 2 else page))
    assert found == 12


# -- the search for the first record, where the range begins with a day of nothing --------------------------------

LONG_BEFORE = ORIGIN - 9 * DAY


def searched(page_max: int, early: int, within: int) -> tuple[Paging, FakeHistory]:
    """Return a way through so many records within a range, after so many before it; ids are without holes."""
    rule = rule_of("myTrades", page_max)
    records = [Held(n, LONG_BEFORE - DAY + n, LONG_BEFORE - DAY + n) for n in range(early)]
    records += [Held(early + n, ORIGIN + n * MILLISECOND, ORIGIN + n * MILLISECOND) for n in range(within)]
    return Paging("x", rule, start=LONG_BEFORE, end=ORIGIN + DAY), FakeHistory(rule, records)


@pytest.mark.parametrize("page_max", [1, 2, 3, 5])
def test_the_search_misses_no_record_next_to_an_id_it_looked_at(page_max: int) -> None:
    for early in range(12):
        for within in (1, 2, 7):
            paging, history = searched(page_max, early, within)
            assert read_all(paging, history) == list(range(early, early + within))


def test_few_records_are_found_at_once() -> None:
    paging, history = searched(10, 0, 3)
    assert read_all(paging, history) == [0, 1, 2]
    # The empty window, all there are, and that there are no more.
    assert len(history.asked) == 3


def test_the_search_halves_and_does_not_walk_through_what_is_too_early() -> None:
    paging, history = searched(2, 3000, 3)
    assert read_all(paging, history) == [3000, 3001, 3002]
    assert len(history.asked) < 40


@pytest.mark.parametrize(
    ("cut", "found"),
    [((3,), 12), ((2, 4), 12), ((2, 3), 2)],
    ids=["the second", "one between", "two in a row"],
)
def test_a_page_cut_short_after_the_search_is_the_end_if_two_are_in_a_row(
    cut: tuple[int, ...], found: int
) -> None:
    paging, history = searched(3, 0, 12)
    handed_on = 0
    while (params := paging.ask()) is not None:
        page = history.page(params)
        handed_on += len(paging.take(page[:1] if len(history.asked) in cut else page))
    assert handed_on == found


@pytest.mark.parametrize("cut", [2, 3, 4])
def test_a_page_of_early_records_cut_short_does_not_end_the_search(cut: int) -> None:
    paging, history = searched(3, 12, 5)
    found = 0
    while (params := paging.ask()) is not None:
        page = history.page(params)
        found += len(paging.take(page[:1] if len(history.asked) == cut else page))
    assert found == 5


# -- windows of records that change -------------------------------------------------------------------------------


def test_a_full_window_is_narrowed_and_not_looked_for_among_all_that_ever_was() -> None:
    rule = rule_of("allOrders", 2)
    early = [Held(n, LONG_BEFORE + n, LONG_BEFORE + n) for n in range(400)]
    within = [Held(400 + n, ORIGIN + n * DAY // 10, ORIGIN + n * DAY // 10) for n in range(6)]
    history = FakeHistory(rule, early + within)
    assert read_all(Paging("x", rule, start=ORIGIN, end=ORIGIN + DAY), history) == list(range(400, 406))
    assert len(history.asked) < 30


def test_longer_pages_are_asked_for_where_one_moment_holds_more_than_was_wished() -> None:
    rule = rule_of("allOrders", 3)
    early = [Held(n, LONG_BEFORE + n, LONG_BEFORE + n) for n in range(400)]
    times = [ORIGIN + MILLISECOND] * 2 + [ORIGIN + 5 * MILLISECOND]
    history = FakeHistory(rule, early + [Held(400 + n, time, time) for n, time in enumerate(times)])
    paging = Paging("x", rule, start=ORIGIN, end=ORIGIN + DAY // 2, limit=1)
    assert read_all(paging, history) == [400, 401, 402]
    assert [asked["limit"] for asked in history.asked][:1] == [1]
    assert max(asked["limit"] for asked in history.asked) == 3
    assert len(history.asked) < 60


def test_windows_widen_again_after_a_dense_moment_also_with_pages_of_one() -> None:
    rule = rule_of("allOrders", 1)
    times = [ORIGIN, ORIGIN + 2 * MILLISECOND, ORIGIN + DAY // 4]
    history = FakeHistory(rule, [Held(n, time, time) for n, time in enumerate(times)])
    assert read_all(Paging("x", rule, start=ORIGIN, end=ORIGIN + DAY // 2), history) == [0, 1, 2]
    assert len(history.asked) < 120


def test_a_page_of_all_orders_cut_short_is_gone_on_from() -> None:
    rule = rule_of("allOrders", 6)
    history = FakeHistory(rule, bursts(1, 1, 1, 1, 1))
    paging = Paging("x", rule, start=LONG_BEFORE, end=ORIGIN + DAY // 2)
    found = 0
    while (params := paging.ask()) is not None:
        page = history.page(params)
        found += len(paging.take(page[:2] if len(history.asked) == 2 else page))
    assert found == 5
    # The empty window, the page cut short, and the rest; two short pages in a row are the end.
    assert len(history.asked) == 3


@pytest.mark.parametrize("sorting", SORTINGS)
@pytest.mark.parametrize("tick", [MILLISECOND, 1])
def test_dense_windows_come_once_however_the_exchange_sorts_them(sorting: Sorting, tick: int) -> None:
    for seed in range(40):
        random = Random(seed)
        rule = rule_of("allOrders", random.randint(2, 5))._replace(max_window_ms=random.choice([10, 50]))
        made = sorted(ORIGIN + random.randrange(30) * 500 for _ in range(25))
        held = [
            Held(n, random.choice([time, ORIGIN + random.randrange(time - ORIGIN, 30_000)]), time)
            for n, time in enumerate(made)
        ]
        history = FakeHistory(rule, held, tick=tick, sorting=sorting)
        paging = Paging("x", rule, start=ORIGIN, end=ORIGIN + 20_000, tick=tick)
        wanted = {each.id for each in held if history.shown(each.time) < ORIGIN + 20_000}
        found = read_all(paging, history)
        assert len(found) == len(set(found))
        assert set(found) == wanted
