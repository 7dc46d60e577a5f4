"""Sessions that share limits: each gets its turn, nobody waits for one that does not take it, none is forgotten."""

from __future__ import annotations

import gc
import itertools
import os
import threading
import warnings
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto_ws_sync.engine.ledgers import Gate, Hold, LedgerKeys, Ledgers, find_ledgers
from crypto_ws_sync.engine.shared_ledger import PATIENCE, TURN
from crypto_ws_sync.protocol.limits import Bucket, Contended, Full, Limit, Reading
from crypto_ws_sync.protocol.method import Charge

NOON = 1_767_268_800.0
NOW = NOON + 1.0
LIGHT, HEAVY, ORDER = Charge(1), Charge(4), Charge(1, 1)
FREE = Charge(0)
"""What a request is found to have cost that succeeded for nothing."""

_venues = itertools.count()


def ledgers(weight: int = 4, orders: int = 1000, venue: str = "") -> Ledgers:
    """Return ledgers that no other test knows."""
    limits = [Limit(Bucket.WEIGHT, 60, weight), Limit(Bucket.ORDERS, 10, orders)]
    return find_ledgers(LedgerKeys(venue or f"venue {next(_venues)}", "", "key"), limits)


class Session:
    """A session that tries what waits whenever it is woken, as the engine does, and in no other way.

    Owner: the test's thread.
    """

    def __init__(self, shared: Ledgers, headroom: float = 0.0) -> None:
        self.wakes = 0
        self.waiting: list[Charge] = []
        self.in_flight: list[Hold] = []
        self.served = 0
        self.gate: Gate
        self.begin(shared, headroom)

    def begin(self, shared: Ledgers, headroom: float = 0.0) -> None:
        self.gate = shared.gate(headroom, self.wake)
        self.gate.join()

    def wake(self) -> None:
        self.wakes += 1

    def ask(self, charge: Charge = LIGHT, count: int = 1, now: float = NOW) -> int:
        """Let more requests wait, and try; return how many were let through."""
        self.waiting += [charge] * count
        return self.pump(now)

    def pump(self, now: float = NOW) -> int:
        before = self.served
        self.wakes = 0
        self.gate.begin_round()
        while self.waiting:
            verdict = self.gate.reserve(self.waiting[0], now)
            if isinstance(verdict, Contended | Full):
                break
            self.in_flight.append(verdict)
            self.waiting.pop(0)
            self.served += 1
        self.gate.end_round()
        return self.served - before

    def settle(self, spent: Charge | None = FREE, now: float = NOW) -> None:
        self.gate.settle(self.in_flight.pop(0), (), now, spent)


def test_sessions_of_one_venue_and_address_share_its_weight() -> None:
    shared = ledgers(weight=4)
    one, other = Session(shared), Session(shared)
    assert one.ask(count=3) == 3
    assert other.ask(count=3) == 1


@pytest.mark.parametrize(
    ("venue", "egress", "account", "is_shared"),
    [
        ("here", "", "key", True),
        ("here", "", "other key", True),
        ("elsewhere", "", "key", False),
        ("here", "http://proxy", "key", False),
    ],
)
def test_weight_belongs_to_venue_and_address(venue: str, egress: str, account: str, is_shared: bool) -> None:
    limits, number = [Limit(Bucket.WEIGHT, 60, 4)], next(_venues)
    mine = find_ledgers(LedgerKeys(f"here {number}", "", "key"), limits)
    theirs = find_ledgers(LedgerKeys(f"{venue} {number}", egress, account), limits)
    assert Session(mine).ask(count=4) == 4
    assert Session(theirs).ask() == (0 if is_shared else 1)


def test_orders_belong_to_venue_and_account_whatever_the_address() -> None:
    limits = [Limit(Bucket.ORDERS, 10, 2)]
    one = find_ledgers(LedgerKeys("o", "", "key"), limits)
    through_proxy = find_ledgers(LedgerKeys("o", "http://proxy", "key"), limits)
    other_account = find_ledgers(LedgerKeys("o", "", "other"), limits)
    assert Session(one).ask(ORDER, 2) == 2
    assert Session(through_proxy).ask(ORDER) == 0
    assert Session(other_account).ask(ORDER) == 1


def _ban_and_leave(keys: LedgerKeys, *, orders_only: bool) -> None:
    """Have a session that is told of a ban, and let it go with all it holds."""
    shared = find_ledgers(keys, [Limit(Bucket.WEIGHT, 60, 4), Limit(Bucket.ORDERS, 10, 4)])
    session = Session(shared)
    session.gate.ban(NOW + 100, "the exchange said so", orders_only=orders_only)
    session.gate.close()


@pytest.mark.parametrize("orders_only", [False, True])
@pytest.mark.parametrize("is_lasting", [True, False])
def test_a_ban_outlives_the_sessions_that_were_told_of_it(is_lasting: bool, orders_only: bool) -> None:
    """Not on a port of this machine, where another server may listen by then."""
    keys = LedgerKeys(f"banned {next(_venues)}", "", "key", is_lasting)
    _ban_and_leave(keys, orders_only=orders_only)
    gc.collect()
    later = Session(find_ledgers(keys, [Limit(Bucket.WEIGHT, 60, 4), Limit(Bucket.ORDERS, 10, 4)]))
    held = later.gate.held_until(ORDER, NOW)
    assert held >= NOW + 100 if is_lasting else held == 0
    assert later.ask(ORDER, now=NOW) == (0 if is_lasting else 1)
    assert later.ask(LIGHT, now=NOW + 200) > 0, "and ends when it ends"


def test_bans_are_not_kept_without_end() -> None:
    number = next(_venues)
    for each in range(200):
        _ban_and_leave(LedgerKeys(f"banned {number} {each}", "", "key"), orders_only=False)
    gc.collect()
    held = [
        bool(
            find_ledgers(LedgerKeys(f"banned {number} {each}", "", "key"), []).address.ledger.banned_until(
                NOW
            )
        )
        for each in range(200)
    ]
    assert held == [False] * 136 + [True] * 64


def test_who_waited_first_goes_first_and_then_the_next_is_woken() -> None:
    shared = ledgers(weight=1)
    holder, first, second = (Session(shared) for _ in range(3))
    holder.ask()
    assert first.ask() == second.ask() == 0
    holder.settle()
    assert (first.wakes, second.wakes) == (1, 0)
    assert second.pump() == 0, "it must not overtake"
    assert first.pump() == 1
    first.settle()
    assert second.wakes == 1
    assert second.pump() == 1


def test_each_session_has_a_turn_of_so_many_requests() -> None:
    shared = ledgers(weight=1)
    one, other = Session(shared), Session(shared)
    one.ask(count=100)
    other.ask(count=100)
    turns = [one, other]
    for _ in range(3 * TURN):
        for session in turns:
            if session.in_flight:
                session.settle()
        for session in turns:
            if session.wakes or session is one:
                session.pump()
    assert abs(one.served - other.served) <= TURN + 1


def test_one_that_waits_for_the_window_holds_nobody_up_and_is_first_in_the_next() -> None:
    shared = ledgers(weight=5)
    heavy, light = Session(shared), Session(shared)
    assert light.ask(count=2) == 2
    light.settle(None)
    light.settle(None)
    assert heavy.ask(HEAVY) == 0
    assert light.ask(count=3) == 3
    for _ in range(3):
        light.settle(None)
    assert light.ask(count=5) == 0
    opens = NOON + 60.01
    assert light.pump(opens) == 0, "the one that waited longer is first now"
    assert heavy.wakes == 1
    assert heavy.pump(opens) == 1
    assert light.pump(opens) == 1


def test_a_session_that_ends_lets_the_next_go() -> None:
    shared = ledgers(weight=1)
    holder, first, second = (Session(shared) for _ in range(3))
    holder.ask()
    first.ask()
    second.ask()
    holder.settle()
    first.gate.close()
    assert second.wakes >= 1
    assert second.pump() == 1


def test_a_session_whose_requests_are_gone_lets_the_next_go() -> None:
    shared = ledgers(weight=1)
    holder, first, second = (Session(shared) for _ in range(3))
    holder.ask()
    first.ask()
    second.ask()
    holder.settle()
    first.waiting.clear()
    first.pump()
    assert second.wakes >= 1
    assert second.pump() == 1


def test_one_that_does_not_take_its_turn_is_passed_by() -> None:
    shared = ledgers(weight=1)
    holder, stuck, other = (Session(shared) for _ in range(3))
    holder.ask()
    stuck.ask()
    other.ask()
    holder.settle()
    assert other.pump(NOW) == 0
    assert other.pump(NOW + PATIENCE / 2) == 0
    assert other.pump(NOW + 2 * PATIENCE) == 1
    other.settle(now=NOW + 2 * PATIENCE)
    assert stuck.pump(NOW + 2 * PATIENCE) == 1, "it has not lost its place for good"


def test_sessions_that_wait_in_each_others_lines_do_not_stop_each_other() -> None:
    shared = ledgers(weight=2, orders=1)
    holder, one, other = (Session(shared) for _ in range(3))
    holder.ask(count=2)
    other.ask(LIGHT)
    other.ask(ORDER)
    one.ask(ORDER)
    holder.settle()
    holder.settle()
    for _ in range(6):
        for session in (one, other):
            session.pump()
            while session.in_flight:
                session.settle()
    assert (one.served, other.served) == (1, 2)


def test_the_largest_headroom_and_clock_error_count_while_their_session_runs() -> None:
    shared = ledgers(weight=100)
    plain, careful = Session(shared), Session(shared, headroom=0.5)
    careful.gate.set_clock(lambda: NOW, 0.0, 2.0)
    assert plain.ask(count=100) == 50
    end = NOON + 60.0
    # Too early in the new window for a clock that may be two seconds wrong.
    assert isinstance(plain.gate.reserve(Charge(51), end + 1.0), Contended | Full)
    careful.gate.close()
    plain.waiting.clear()
    assert plain.ask(count=50, now=end + 1.0) == 50


def test_the_exchange_s_clock_is_known_to_sessions_that_start_later() -> None:
    shared = ledgers()
    session = Session(shared)

    def ours() -> float:
        return 5.0

    assert shared.clock_offset(ours) is None
    session.gate.set_clock(ours, NOON, 0.01)
    assert shared.clock_offset(ours) == NOON
    assert shared.clock_offset(lambda: 6.0) is None


def test_counts_that_an_answer_tells_go_to_the_ledgers_they_belong_to() -> None:
    shared = ledgers(weight=100, orders=10)
    session = Session(shared)
    hold = session.gate.reserve(Charge(40), NOW, tells_orders=True)
    assert not isinstance(hold, Contended | Full)
    told = [Reading(Bucket.WEIGHT, 60, 100, 90), Reading(Bucket.ORDERS, 10, 10, 9)]
    session.gate.settle(hold, told, NOW)
    used = {usage.bucket: usage.used for usage in session.gate.usage(NOW)}
    assert used == {"weight": 90, "orders": 9}
    assert session.ask(ORDER, 2) == 1


def test_ledgers_go_with_their_last_session_and_not_with_its_last_run() -> None:
    venue = f"venue {next(_venues)}"
    shared = ledgers(weight=4, venue=venue)
    run = Session(shared)
    run.ask(count=4)
    run.gate.close()
    assert run.gate.held_until(LIGHT, NOW) == 0.0
    run.settle(None)
    again = Session(ledgers(weight=4, venue=venue))
    assert again.ask() == 0
    again.gate.close()
    del shared
    assert Session(ledgers(weight=4, venue=venue)).ask(count=4) == 4


def test_a_ban_stops_every_session_of_the_address_and_orders_alone_those_of_the_account() -> None:
    shared = ledgers(weight=100)
    one, other = Session(shared), Session(shared)
    one.gate.ban(NOW + 5.0, "too many orders", orders_only=True)
    assert other.ask(ORDER) == 0
    other.waiting.clear()
    assert other.ask(LIGHT) == 1
    one.gate.ban(NOW + 5.0, "too many requests")
    assert other.ask(LIGHT) == 0
    assert other.gate.banned_until(NOW) == pytest.approx(NOW + 5.0, abs=0.01)
    assert other.pump(NOW + 5.1) == 1


@given(
    weight=st.integers(1, 5),
    orders=st.integers(1, 3),
    steps=st.lists(
        st.tuples(
            st.sampled_from(["ask", "order", "settle", "release", "forget", "close"]), st.integers(0, 2)
        ),
        max_size=60,
    ),
)
def test_nothing_that_waits_is_forgotten_or_served_beyond_the_limit(
    weight: int, orders: int, steps: list[tuple[str, int]]
) -> None:
    """Sessions try only when something of their own happens or they are woken, and time stands still."""
    shared = ledgers(weight, orders)
    sessions = [Session(shared) for _ in range(3)]

    def under_way() -> int:
        return sum(len(session.in_flight) for session in sessions)

    def let_woken_try() -> None:
        while any(session.wakes for session in sessions):
            for session in sessions:
                if session.wakes:
                    session.pump()
        assert under_way() <= weight

    def act(action: str, session: Session) -> None:
        if action in ("ask", "order"):
            session.ask(ORDER if action == "order" else LIGHT)
        elif action == "forget":
            session.waiting.clear()
            session.pump()
        elif action == "close":
            session.waiting.clear()
            while session.in_flight:
                session.settle()
            session.gate.close()
            session.begin(shared)
        elif session.in_flight:
            session.settle() if action == "settle" else session.gate.release(session.in_flight.pop(0))
            session.pump()

    for action, number in steps:
        act(action, sessions[number])
        let_woken_try()
    while under_way():
        for session in sessions:
            act("settle", session)
            let_woken_try()
    assert not any(session.waiting for session in sessions)


def _in_child(check: Callable[[], bool]) -> bool:
    """Return what a check says in a forked child."""
    with warnings.catch_warnings():
        # Newer Pythons warn of forking while threads run, which is what is tested.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            os._exit(0 if check() else 1)
        except BaseException:
            os._exit(2)
    return os.waitpid(child, 0)[1] == 0


def test_a_forked_child_begins_anew_and_still_obeys_bans() -> None:
    shared = ledgers(weight=4, venue="forked")
    parent = Session(shared)
    parent.ask(count=4)
    parent.gate.ban(NOW + 60.0, "too many requests")
    held, go_on = threading.Event(), threading.Event()

    def hold_the_lock() -> None:
        with shared.address.lock:
            held.set()
            go_on.wait()

    def child() -> bool:
        session = Session(find_ledgers(LedgerKeys("forked", "", "key"), []))
        return session.ask(count=4) == 0 and session.pump(NOW + 60.1) == 4

    holder = threading.Thread(target=hold_the_lock)
    holder.start()
    held.wait()
    try:
        assert _in_child(child)
    finally:
        go_on.set()
        holder.join()
    assert parent.ask(now=NOW + 61.0) == 0
