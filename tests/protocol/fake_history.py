"""A history as an exchange keeps it: answers requests for pages by the documented rules, and lives on meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from crypto_ws_sync.protocol.method import HistoryRule
from crypto_ws_sync.protocol.paging import MILLISECOND, Paging, epoch_us

Sorting = Literal["time", "id", "time backwards"]
SORTINGS: tuple[Sorting, ...] = get_args(Sorting)

MOST_REQUESTS = 5000
"""More than any history here needs: whoever asks that often is caught in a loop."""


@dataclass(frozen=True)
class Held:
    """One record as the exchange keeps it: times in microseconds."""

    id: int
    time: int
    made: int
    is_open: bool = False


class FakeHistory:
    """One method's records, and how the exchange pages them.

    Args:
        rule: The method's rule.
        records: What there is at the beginning.
        tick: Microseconds in one unit of the times written: 1000 or 1.
        sorting: How a window lists its records: by time, by id, or by time with equal ones backwards.
        compares_shown: Times are compared as they are written, instead of to the microsecond.

    Owner: caller thread.
    """

    def __init__(
        self,
        rule: HistoryRule,
        records: list[Held],
        *,
        tick: int = MILLISECOND,
        sorting: Sorting = "time",
        compares_shown: bool = False,
    ) -> None:
        self.rule = rule
        self.records = {record.id: record for record in records}
        self.tick = tick
        self.asked: list[dict[str, Any]] = []
        self._sorting = sorting
        self._compares_shown = compares_shown

    def shown(self, time: int) -> int:
        """Return a time as it is written, in microseconds."""
        return time // self.tick * self.tick

    def written(self, record: Held) -> Any:
        """Return a record in the exchange's words."""
        rule = self.rule
        if rule.time_field is not None and rule.time_field.startswith("["):
            return [record.time // self.tick, "1.0", record.id]
        said: dict[str, Any] = {"serial": record.id}
        for field, value in (
            (rule.id_field, record.id),
            (rule.time_field, record.time // self.tick),
            (rule.created_field, record.made // self.tick),
        ):
            if field is not None:
                said[field] = value
        return said

    def open_records(self) -> list[Any]:
        """Return what may still change."""
        return [self.written(record) for record in self.records.values() if record.is_open]

    def page(self, params: Mapping[str, int]) -> list[Any]:
        """Return the page that a request asks for.

        Raises:
            AssertionError: The exchange would refuse the request, or it is one of too many.
        """
        self.asked.append(dict(params))
        assert len(self.asked) <= MOST_REQUESTS, "paging does not come to an end"
        rule, rest = self.rule, dict(params)
        length = min(rest.pop(rule.page_param, rule.page_default), rule.page_max)
        first = rest.pop(rule.id_param, None) if rule.id_param is not None else None
        start, end = rest.pop("startTime", None), rest.pop("endTime", None)
        assert not rest, f"unknown parameters: {rest}"
        if start is None and end is None:
            return [self.written(record) for record in self._by_id(first, length)]
        assert rule.has_times, "times are not taken"
        assert first is None or rule.open_method is not None, "id and times do not combine"
        assert start is not None, "paging forwards needs a start"
        assert end is not None, "an open end might be long after the range"
        return [self.written(record) for record in self._between(epoch_us(start), epoch_us(end), length)]

    def _by_id(self, first: int | None, length: int) -> list[Held]:
        found = sorted(self.records.values(), key=lambda record: record.id)
        if first is None:
            return found[-length:]
        return [record for record in found if record.id >= first][:length]

    def _between(self, start: int, end: int, length: int) -> list[Held]:
        window = self.rule.max_window_ms
        assert start <= end
        assert window is None or end - start <= window * MILLISECOND, "the window is too wide"
        found = []
        for record in self.records.values():
            time = self.shown(record.time) if self._compares_shown else record.time
            if start <= time <= end:
                found.append(record)
        if self._sorting == "id":
            found.sort(key=lambda record: record.id)
        else:
            sign = 1 if self._sorting == "time" else -1
            found.sort(key=lambda record: (record.time, sign * record.id))
        return found[:length]

    # -- life ---------------------------------------------------------------------------------------------------

    def add(self, record: Held) -> None:
        """Take in a new record."""
        self.records[record.id] = record

    def change(self, number: int, time: int, *, is_open: bool) -> None:
        """Have an open record change at a moment."""
        assert self.records[number].is_open
        self.records[number] = replace(self.records[number], time=time, is_open=is_open)


def serial(record: Any) -> int:
    """Return which record this is."""
    found = record[2] if isinstance(record, list) else record["serial"]
    assert type(found) is int
    return found


def read_all(paging: Paging, history: FakeHistory, between: Callable[[], None] = lambda: None) -> list[int]:
    """Page to the end and return the serials handed on; `between` happens before each page."""
    found: list[int] = []
    while (params := paging.ask()) is not None:
        between()
        found.extend(serial(record) for record in paging.take(history.page(params)))
    return found
