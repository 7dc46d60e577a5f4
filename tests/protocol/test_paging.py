"""Paging over a fake history: no loss and no double for every rule, whatever happens meanwhile."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from fake_history import SORTINGS, FakeHistory, Held, Sorting, read_all, serial
from hypothesis import given
from hypothesis import strategies as st

from crypto_ws_sync.errors import CryptoWSError
from crypto_ws_sync.exchanges.binance.methods import CATALOGUE
from crypto_ws_sync.protocol.method import HistoryRule
from crypto_ws_sync.protocol.paging import MILLISECOND, Paging, epoch_us

RULES: dict[str, HistoryRule] = {
    name: spec.history for name, spec in CATALOGUE.items() if spec.history is not None
}
ORIGIN = 1_700_000_000_000_000
DAY_MS = 86_400_000
DAY = DAY_MS * 1000

BY_ID = [name for name, rule in RULES.items() if not rule.has_times]
STEADY = [name for name, rule in RULES.items() if rule.has_times and rule.id_param and not rule.open_method]
CHANGING = [name for name, rule in RULES.items() if rule.open_method]
BY_TIME = [name for name, rule in RULES.items() if rule.has_times and not rule.id_param]


def test_every_rule_is_of_a_kind_that_is_tested_here() -> None:
    assert sorted(BY_ID + STEADY + CHANGING + BY_TIME) == sorted(RULES)
    assert len(RULES) == 11
    assert all([BY_ID, STEADY, CHANGING, BY_TIME])


@st.composite
def rules(draw: st.DrawFn, names: list[str]) -> HistoryRule:
    """Return one of the documented rules with short pages and narrow windows."""
    rule = RULES[draw(st.sampled_from(names))]
    window = None if rule.max_window_ms is None else draw(st.sampled_from([2, 3, 10, 50]))
    return rule._replace(page_max=draw(st.integers(1, 6)), max_window_ms=window)


# Moments in microseconds: near to each other, so that bursts and shared milliseconds are common.
moments = st.one_of(
    st.integers(0, 40).map(lambda n: ORIGIN + n * 250), st.integers(0, 300_000).map(lambda n: ORIGIN + n)
)
ticks = st.sampled_from([MILLISECOND, 1])


@st.composite
def steady_records(draw: st.DrawFn, distinct: bool = False) -> list[Held]:
    """Return records whose ids ascend with their times, with holes and bursts."""
    times = sorted(draw(st.lists(moments, max_size=40)))
    number, records = draw(st.integers(0, 50)), []
    for time in times:
        number += draw(st.sampled_from([1, 1, 1, 2, 7, 1000]))
        records.append(Held(number, time, time))
    return records


@st.composite
def orders(draw: st.DrawFn) -> list[Held]:
    """Return records whose time is that of the last update, some still open."""
    made = sorted(draw(st.lists(moments, max_size=30)))
    number, records = draw(st.integers(0, 5)), []
    for time in made:
        number += draw(st.sampled_from([1, 1, 3, 500]))
        updated = max(time, draw(st.one_of(st.just(time), moments)))
        records.append(Held(number, updated, time, draw(st.booleans())))
    return records


def in_range(history: FakeHistory, records: list[Held], start: int | None, end: int | None) -> set[int]:
    """Return which records have a written time in a range."""
    low = -1 if start is None else start
    high = ORIGIN * 2 if end is None else end
    return {record.id for record in records if low <= history.shown(record.time) < high}


def check(found: list[int], wanted: set[int]) -> None:
    assert len(found) == len(set(found)), "twice"
    assert set(found) == wanted


# -- by id ------------------------------------------------------------------------------------------------------


@given(st.data())
def test_by_id_everything_comes_once_while_more_is_added(data: st.DataObject) -> None:
    rule = data.draw(rules(BY_ID))
    records = data.draw(steady_records())
    history = FakeHistory(rule, records)
    first = data.draw(st.one_of(st.none(), st.integers(0, 60)))
    limit = data.draw(st.one_of(st.none(), st.integers(1, 8)))
    added: list[int] = []

    def add() -> None:
        if len(added) < 5 and data.draw(st.booleans()):
            number = max(history.records, default=0) + 1
            added.append(number)
            history.add(Held(number, ORIGIN, ORIGIN))

    found = read_all(Paging("x", rule, first_id=first, limit=limit), history, add)
    assert found == sorted(set(found))
    before = {record.id for record in records if record.id >= (first or 0)}
    assert before <= set(found) <= before | set(added)
    assert all(request[rule.page_param] == (limit or rule.page_max) for request in history.asked)


@given(st.data())
def test_a_page_cut_short_is_not_taken_for_the_end(data: st.DataObject) -> None:
    rule = data.draw(rules(BY_ID + STEADY))
    records = data.draw(steady_records())
    history = FakeHistory(rule, records)
    paging = Paging("x", rule, end=None if not rule.has_times else ORIGIN * 2)
    found: list[int] = []
    is_cut = False
    while (params := paging.ask()) is not None:
        page = history.page(params)
        is_cut = not is_cut and len(page) > 1 and data.draw(st.sampled_from([True, False]))
        found += [serial(record) for record in paging.take(page[: len(page) // 2] if is_cut else page)]
    check(found, {record.id for record in records})


def test_a_busy_market_ends() -> None:
    rule = RULES["trades.historical"]._replace(page_max=5)
    history = FakeHistory(rule, [Held(number, ORIGIN, ORIGIN) for number in range(12)])

    def trade() -> None:
        history.add(Held(max(history.records) + 1, ORIGIN, ORIGIN))

    found = read_all(Paging("x", rule), history, trade)
    assert found == list(range(len(found)))
    assert len(found) >= 12
    assert len(history.asked) <= 6


# -- by time, then by id ----------------------------------------------------------------------------------------


@given(st.data())
def test_records_that_stay_come_once_while_more_is_added(data: st.DataObject) -> None:
    rule, tick = data.draw(rules(STEADY)), data.draw(ticks)
    records = data.draw(steady_records())
    history = FakeHistory(rule, records, tick=tick, compares_shown=data.draw(st.booleans()))
    start = data.draw(st.one_of(st.none(), moments, st.just(ORIGIN - 9 * DAY)))
    end = data.draw(moments) + (data.draw(st.sampled_from([0, 1_000_000])))
    if start is not None and start > end:
        start, end = end, start
    has_times = data.draw(st.booleans())
    limit = data.draw(st.one_of(st.none(), st.integers(1, 8)))
    now = max([end, *(record.time for record in records)])
    added = 0

    def add() -> None:
        nonlocal added
        if added < 5 and data.draw(st.booleans()):
            added += 1
            history.add(Held(max(history.records, default=0) + 1, now + 1000 * added, now))

    paging = Paging("x", rule, start=start, end=end, tick=tick, limit=limit, has_times=has_times)
    found = read_all(paging, history, add)
    assert found == sorted(found), "oldest first"
    check(found, in_range(history, records, start, end))


@given(st.data())
def test_from_an_id_on_up_to_a_time(data: st.DataObject) -> None:
    rule = data.draw(rules(STEADY))
    records = data.draw(steady_records())
    history = FakeHistory(rule, records)
    first, end = data.draw(st.integers(0, 3000)), data.draw(moments)
    found = read_all(Paging("x", rule, first_id=first, end=end), history)
    check(found, {number for number in in_range(history, records, None, end) if number >= first})


@pytest.mark.parametrize("name", STEADY)
@pytest.mark.parametrize("count", [1, 7, 1000, 2500])
@pytest.mark.parametrize("spread", [1, 1_000_000])
def test_years_of_nothing_cost_some_requests_and_not_one_a_day(name: str, count: int, spread: int) -> None:
    rule = RULES[name]
    base = 4_000_000_000
    long_ago = [Held(base + n * spread, ORIGIN - 9 * 365 * DAY + n, 0) for n in range(count)]
    now = [Held(base * 2 + n * spread, ORIGIN + n, 0) for n in range(count)]
    history = FakeHistory(rule, long_ago + now)
    found = read_all(Paging("x", rule, start=ORIGIN - 8 * 365 * DAY, end=ORIGIN + DAY), history)
    assert found == [record.id for record in now]
    assert len(history.asked) < 60


@pytest.mark.parametrize("name", STEADY + CHANGING)
def test_a_range_after_everything_costs_few_requests(name: str) -> None:
    history = FakeHistory(RULES[name], [Held(5_000_000 + n, ORIGIN - 900 * DAY, 0) for n in range(900)])
    assert read_all(Paging("x", RULES[name], start=ORIGIN - 800 * DAY, end=ORIGIN), history) == []
    assert len(history.asked) <= 3


def test_an_exchange_that_ignores_the_id_ends_the_search() -> None:
    rule = RULES["myTrades"]._replace(page_max=2)
    paging = Paging("x", rule, start=ORIGIN, end=ORIGIN + 9 * DAY)
    early = [{"id": n, "time": ORIGIN // 1000 - 5} for n in range(2)]
    for _ in range(200):
        params = paging.ask()
        if params is None:
            break
        assert paging.take(early if "fromId" in params else []) == []
    assert paging.ask() is None


# -- records that change ----------------------------------------------------------------------------------------


@given(st.data())
def test_orders_that_change_meanwhile_come_once_as_they_were(data: st.DataObject) -> None:
    rule, tick = data.draw(rules(CHANGING)), data.draw(ticks)
    records = data.draw(orders())
    history = FakeHistory(
        rule,
        records,
        tick=tick,
        sorting=data.draw(st.sampled_from(SORTINGS)),
        compares_shown=data.draw(st.booleans()),
    )
    now = ORIGIN + 500_000
    start = data.draw(st.one_of(st.none(), moments, st.just(ORIGIN - 400_000)))
    end = data.draw(st.one_of(moments, st.just(now)))
    if start is not None and start > end:
        start, end = end, start
    wanted = in_range(history, records, start, end)
    paging = Paging(
        "x",
        rule,
        start=start,
        end=end,
        tick=tick,
        limit=data.draw(st.one_of(st.none(), st.integers(1, 8))),
        open_records=history.open_records(),
    )
    clock = now + 1000

    def live_on() -> None:
        nonlocal clock
        clock += data.draw(st.sampled_from([0, 1, 1000]))
        still_open = [record.id for record in history.records.values() if record.is_open]
        happens: bool = data.draw(st.booleans())
        if still_open and happens:
            changed: int = data.draw(st.sampled_from(still_open))
            history.change(changed, clock, is_open=data.draw(st.booleans()))
        if len(history.records) < 40 and data.draw(st.booleans()):
            number = max(history.records, default=0) + 1
            history.add(Held(number, clock, clock, data.draw(st.booleans())))

    written = {serial(history.written(record)): history.written(record) for record in records}
    found: list[Any] = []
    while (params := paging.ask()) is not None:
        live_on()
        found.extend(paging.take(history.page(params)))
    check([serial(record) for record in found], wanted)
    assert all(record == written[serial(record)] for record in found)
    if start is not None:
        times = [epoch_us(record[rule.time_field]) for record in found]
        assert times == sorted(times), "oldest first"


@pytest.mark.parametrize("sorting", SORTINGS)
def test_a_dense_day_is_asked_for_in_windows_that_fit(sorting: Sorting) -> None:
    rule = RULES["allOrders"]
    count = 20_000
    made = [ORIGIN + n * (DAY // count) for n in range(count)]
    records = [Held(n, time + (n * 7919 % 61) * 1_000_000, time) for n, time in enumerate(made)]
    history = FakeHistory(rule, records, sorting=sorting)
    found = read_all(Paging("x", rule, start=ORIGIN, end=ORIGIN + 2 * DAY), history)
    check(found, {record.id for record in records})
    assert len(history.asked) < 4 * count / rule.page_max


def test_a_long_empty_stretch_before_the_first_order_is_skipped() -> None:
    rule = RULES["allOrders"]
    records = [Held(n, ORIGIN + n * 1000, ORIGIN + n * 1000) for n in range(1500)]
    history = FakeHistory(rule, records)
    found = read_all(Paging("x", rule, start=ORIGIN - 3000 * DAY, end=ORIGIN + DAY), history)
    assert found == [record.id for record in records]
    assert len(history.asked) < 12


def test_few_orders_are_found_at_once_however_long_ago() -> None:
    rule = RULES["allOrderLists"]
    records = [Held(n, ORIGIN + n * 1000, ORIGIN) for n in range(30)]
    history = FakeHistory(rule, records)
    found = read_all(Paging("x", rule, start=ORIGIN - 3000 * DAY, end=ORIGIN + DAY), history)
    assert found == [record.id for record in records]
    assert len(history.asked) == 3


# -- by time alone ----------------------------------------------------------------------------------------------


@given(st.data())
def test_by_time_alone_nothing_is_lost_or_it_is_said(data: st.DataObject) -> None:
    rule, tick = data.draw(rules(BY_TIME)), data.draw(ticks)
    rule = rule._replace(
        is_time_unique=False, max_window_ms=data.draw(st.sampled_from([None, 2, 10])), page_max=6
    )
    records = data.draw(steady_records())
    history = FakeHistory(rule, records, tick=tick, compares_shown=data.draw(st.booleans()))
    start, end = sorted([data.draw(moments), data.draw(moments)])
    limit = data.draw(st.integers(1, 6))
    paging = Paging("x", rule, start=start, end=end, tick=tick, limit=limit)
    found: list[int] = []
    shown = [history.shown(record.time) for record in records]
    is_stuck = False
    try:
        while (params := paging.ask()) is not None:
            found += [serial(record) for record in paging.take(history.page(params))]
    except CryptoWSError:
        is_stuck = True
    assert found == sorted(found)
    if is_stuck:
        with pytest.raises(CryptoWSError, match="one moment"):
            paging.ask()
        assert max(shown.count(time) for time in shown) >= rule.page_max
        assert len(found) == len(set(found))
    else:
        check(found, in_range(history, records, start, end))


@given(st.data())
def test_candles_come_once_with_pages_of_any_length(data: st.DataObject) -> None:
    rule = data.draw(rules(BY_TIME))
    minute = data.draw(st.sampled_from([60_000_000, 1000]))
    count = data.draw(st.integers(0, 30))
    records = [Held(n, ORIGIN + n * minute, 0) for n in range(count)]
    tick = data.draw(ticks)
    history = FakeHistory(rule, records, tick=tick)
    bound = st.integers(-3, 33).map(lambda n: ORIGIN + n * minute // 2)
    start, end = sorted([data.draw(bound), data.draw(bound)])
    limit = data.draw(st.one_of(st.none(), st.integers(1, 8)))

    def add() -> None:
        number = len(history.records)
        if number < 40 and data.draw(st.booleans()):
            history.add(Held(number, max(end, ORIGIN + count * minute) + number * minute, 0))

    found = read_all(Paging("x", rule, start=start, end=end, tick=tick, limit=limit), history, add)
    assert found == sorted(found)
    check(found, in_range(history, records, start, end))


def test_from_the_first_candle_on() -> None:
    history = FakeHistory(RULES["klines"], [Held(n, ORIGIN + n * DAY, 0) for n in range(2300)])
    found = read_all(Paging("klines", RULES["klines"], end=ORIGIN + 3000 * DAY), history)
    assert found == list(range(2300))
    assert len(history.asked) == 3


# -- ranges -----------------------------------------------------------------------------------------------------


@given(st.data())
def test_adjoining_ranges_join(data: st.DataObject) -> None:
    rule, tick = data.draw(rules(STEADY + CHANGING + BY_TIME)), data.draw(ticks)
    is_unique = rule.is_time_unique
    records = data.draw(orders() if rule.open_method else steady_records())
    if is_unique:
        records = list({history_tick(record, tick): record for record in records}.values())
    history = FakeHistory(rule, records, tick=tick, compares_shown=data.draw(st.booleans()))
    cuts = sorted(data.draw(st.lists(moments, min_size=2, max_size=6)))
    parts: list[int] = []
    for start, end in itertools.pairwise(cuts):
        paging = Paging("x", rule, start=start, end=end, tick=tick, open_records=history.open_records())
        parts += read_all(paging, history)
    # Cuts within a unit of the times written are moved up to the next one, all alike.
    check(parts, in_range(history, records, cuts[0], cuts[-1]))


def history_tick(record: Held, tick: int) -> int:
    """Return the time of a record as written."""
    return record.time // tick


@pytest.mark.parametrize("name", STEADY + CHANGING + BY_TIME)
def test_an_empty_range_asks_nothing(name: str) -> None:
    assert Paging(name, RULES[name], start=ORIGIN, end=ORIGIN).ask() is None


@pytest.mark.parametrize("start", [0, 5_000_000_000, 1_400_000_000_000_000])
def test_times_before_the_exchange_are_not_mistaken(start: int) -> None:
    rule = RULES["klines"]
    for tick in (MILLISECOND, 1):
        asked = Paging("klines", rule, start=start, end=ORIGIN, tick=tick).ask()
        assert asked is not None
        assert asked["startTime"] == start // 1000
        assert epoch_us(asked["endTime"]) in (ORIGIN, ORIGIN - 1)


def test_a_request_stays_until_its_page_is_taken() -> None:
    paging = Paging("klines", RULES["klines"], start=ORIGIN, end=ORIGIN + DAY)
    first = paging.ask()
    assert paging.ask() == first
    wrongs: list[Any] = [None, {}, "text", [1], [[]], [["soon"]], [{}], [[True]]]
    for wrong in wrongs:
        with pytest.raises(CryptoWSError, match="no page of records"):
            paging.take(wrong)
        assert paging.ask() == first
    assert paging.take([[ORIGIN // 1000]]) == [[ORIGIN // 1000]]
    assert paging.ask() is None
    assert paging.take([]) == []


def test_a_moment_that_fills_the_longest_page_of_a_method_without_ids_is_told_after_what_came_before() -> (
    None
):
    rule = RULES[BY_TIME[0]]._replace(is_time_unique=False, max_window_ms=None, page_max=4)
    early = [Held(n, ORIGIN + n * MILLISECOND, ORIGIN) for n in range(2)]
    crowd = [Held(10 + n, ORIGIN + 50 * MILLISECOND, ORIGIN) for n in range(6)]
    history = FakeHistory(rule, early + crowd)
    paging = Paging("x", rule, start=ORIGIN, end=ORIGIN + DAY)
    found: list[int] = []
    while len(found) < 6:
        params = paging.ask()
        assert params is not None
        found += [serial(record) for record in paging.take(history.page(params))]
    assert found == [0, 1, 10, 11, 12, 13]
    assert paging.reached == ORIGIN + 50 * MILLISECOND
    with pytest.raises(CryptoWSError, match="share one moment"):
        paging.ask()


@pytest.mark.parametrize("name", CHANGING)
def test_an_account_that_never_had_an_order_has_an_empty_history(name: str) -> None:
    history = FakeHistory(RULES[name], [])
    assert read_all(Paging(name, RULES[name], start=ORIGIN, end=ORIGIN + 900 * DAY), history) == []
    assert len(history.asked) == 2
