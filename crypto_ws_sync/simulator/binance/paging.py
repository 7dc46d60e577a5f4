"""Pages of history: from an id on, between two times, or the newest."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import TypeVar

from .catalogue import Arguments
from .refusals import Refusal

__all__ = ["page_by_id", "page_by_time", "read_times"]

T = TypeVar("T")

_EARLIEST_US = 1_483_228_800_000_000
_DAY_US = 86400 * 1_000_000


def read_times(args: Arguments, *, is_limited: bool = False) -> tuple[int | None, int | None]:
    """The first and the last microsecond asked for, None where a side is open.

    An end in milliseconds takes in the whole of its last one. Times may be in milliseconds or microseconds,
    told from each other by their size.

    Raises:
        Refusal: The end comes before the start, or, where `is_limited`, more than a day after it.
    """
    start, end = args.get("startTime"), args.get("endTime")
    start_us = None if start is None else start if start >= _EARLIEST_US else start * 1000
    end_us = None if end is None else end if end >= _EARLIEST_US else end * 1000 + 999
    if start_us is not None and end_us is not None:
        if end_us < start_us:
            raise Refusal(400, -1128, "Combination of optional parameters invalid.")
        if is_limited and end_us // 1000 - start_us // 1000 > _DAY_US // 1000:
            raise Refusal(400, -1127, "More than 24 hours between startTime and endTime.")
    return start_us, end_us


def page_by_id(items: Sequence[T], key: Callable[[T], int], first: int | None, limit: int) -> Sequence[T]:
    """Items from an id on, or the newest, of a sequence in order of ids."""
    if first is None:
        return items[-limit:]
    start = bisect_left(items, first, key=key)
    return items[start : start + limit]


def page_by_time(
    items: Sequence[T],
    key: Callable[[T], tuple[int, int]],
    start_us: int | None,
    end_us: int | None,
    limit: int,
) -> Sequence[T]:
    """The oldest items from a start on, or the newest up to an end, by (time, id)."""
    found = sorted(
        (
            each
            for each in items
            if (start_us is None or key(each)[0] >= start_us) and (end_us is None or key(each)[0] <= end_us)
        ),
        key=key,
    )
    return found[:limit] if start_us is not None else found[-limit:]
