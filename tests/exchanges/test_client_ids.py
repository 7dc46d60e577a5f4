"""Client order ids: never the same twice, whoever asks at the same time."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator

import pytest

from crypto_ws_sync.exchanges.binance.client_ids import FreshIds

THREADS = 8
EACH = 500


@pytest.fixture
def _often() -> Iterator[None]:
    """Have threads take turns as often as the interpreter can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_often")
def test_no_two_threads_get_the_same_id() -> None:
    new_id, found = FreshIds(os.urandom), [list[str]() for _ in range(THREADS)]
    barrier = threading.Barrier(THREADS)

    def draw(mine: list[str]) -> None:
        barrier.wait()
        mine.extend(new_id() for _ in range(EACH))

    threads = [threading.Thread(target=draw, args=(mine,)) for mine in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    drawn = [each for mine in found for each in mine]
    assert len(set(drawn)) == THREADS * EACH
    assert {len(each) for each in drawn} == {24}
    assert all(each.isalnum() and each.isascii() for each in drawn)


def test_each_gives_ids_of_its_own() -> None:
    one, another = FreshIds(os.urandom), FreshIds(os.urandom)
    assert not {one() for _ in range(EACH)} & {another() for _ in range(EACH)}


def test_randomness_is_drawn_for_many_at_a_time() -> None:
    """Each draw lets go of the interpreter, and with many threads costs as much as a tenth of an order."""
    drawn: list[int] = []

    def random(size: int) -> bytes:
        drawn.append(size)
        return os.urandom(size)

    new_id = FreshIds(random)
    assert len({new_id() for _ in range(640)}) == 640
    assert drawn == [64 * 24] * 10
