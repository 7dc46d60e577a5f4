"""Who waits for which reply, checked against a plain model."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto_ws_sync.protocol.pending import _REMEMBERED, PendingTable

STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "take", "drop", "take all"]), st.integers(0, 6)), max_size=60
)


@given(steps=STEPS)
def test_each_waiter_is_given_once_and_every_other_reply_is_counted(steps: list[tuple[str, int]]) -> None:
    table: PendingTable[str] = PendingTable()
    waiting: dict[int, str] = {}
    settled: set[int] = set()
    duplicate = unknown = 0
    for step, key in steps:
        if step == "add" and key not in waiting:
            waiting[key] = f"waiter {key}"
            table.add(key, f"waiter {key}")
        elif step == "take":
            assert table.take(key) == waiting.get(key)
            if key in waiting:
                settled.add(key)
            elif key in settled:
                duplicate += 1
            else:
                unknown += 1
            waiting.pop(key, None)
        elif step == "drop":
            assert table.drop(key) == waiting.get(key)
            if waiting.pop(key, None) is not None:
                settled.add(key)
        elif step == "take all":
            assert table.take_all() == list(waiting.values())
            settled |= waiting.keys()
            waiting.clear()
        assert len(table) == len(waiting)
        assert [key for key in range(7) if key in table] == sorted(waiting)
        assert [key for key in range(7) if table.has_settled(key)] == sorted(settled)
        assert list(table) == list(waiting.values())
        assert (table.duplicate, table.unknown) == (duplicate, unknown)


def test_a_key_in_use_is_refused() -> None:
    table: PendingTable[str] = PendingTable()
    table.add(1, "first")
    with pytest.raises(ValueError, match="already waiting"):
        table.add(1, "second")
    assert table.take(1) == "first"


def test_whole_numbers_and_texts_are_different_keys() -> None:
    table: PendingTable[str] = PendingTable()
    table.add(1, "number")
    assert table.take("1") is None
    assert table.take(1) == "number"
    assert (table.duplicate, table.unknown) == (0, 1)


@pytest.mark.parametrize("way", ["take", "drop"])
def test_the_memory_of_settled_keys_is_bounded(way: str) -> None:
    table: PendingTable[int] = PendingTable()
    for key in range(_REMEMBERED + 1):
        table.add(key, key)
        assert (table.take(key) if way == "take" else table.drop(key)) == key
    assert [key for key in range(_REMEMBERED + 1) if not table.has_settled(key)] == [0], (
        "the oldest is forgotten"
    )
    assert table.take(_REMEMBERED) is None
    assert table.take(0) is None
    assert (table.duplicate, table.unknown) == (1, 1)


def test_the_table_may_change_while_its_waiters_are_gone_through() -> None:
    table: PendingTable[int] = PendingTable()
    for key in range(5):
        table.add(key, key)
    for key in table:
        table.drop(key)
    assert len(table) == 0


def test_replies_to_what_was_given_up_all_together_are_duplicates() -> None:
    table: PendingTable[str] = PendingTable()
    table.add(1, "first")
    table.add(2, "second")
    assert table.take_all() == ["first", "second"]
    assert 1 not in table
    assert table.has_settled(1)
    assert table.take(2) is None
    assert (table.duplicate, table.unknown) == (1, 0)
