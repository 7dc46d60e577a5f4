"""History pages: which request comes next, and what of its answer is new; nothing twice, nothing missing.

Times are epoch microseconds here, whatever unit the exchange writes. A range holds its start and not its end, so
that adjoining ranges join. Which way is taken depends on what the method allows:

- by id: ask for the last id plus one;
- by time, then by id: a window finds the first record, its id the rest, so bursts of equal times do no harm;
- by windows: where a record's time may change, ids say nothing about times. Each window is asked for until it fits
  into a page, and what was open at the call counts as it was then, wherever it has moved since;
- by time alone: the last moment of a page is asked for again, and what is known of it dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

from crypto_ws_sync.errors import CryptoWSError
from crypto_ws_sync.protocol.method import HistoryRule

__all__ = ["MICROSECONDS_FROM", "MILLISECOND", "Paging", "epoch_us"]

MILLISECOND = 1000
MICROSECONDS_FROM = 10**14
"""A time of this size or more is in microseconds, a smaller one in milliseconds."""

_EARLIEST = 1_483_228_800_000_000
"""2017-01-01, before which the exchange has no records. Microseconds before may be taken for milliseconds there."""

_LAST = MICROSECONDS_FROM * MILLISECOND - MILLISECOND
"""The last moment that cannot be mistaken for another unit."""


class _Row(NamedTuple):
    """One record: its time, its id, and a time that no later record was made before (-1: not known)."""

    time: int
    id: int
    made: int
    record: Any


_Steps: TypeAlias = Generator[dict[str, int], list[_Row], None]
_Rows: TypeAlias = Generator[dict[str, int], list[_Row], list[_Row]]


def epoch_us(time: int) -> int:
    """Return microseconds for a time in either unit."""
    return time if time >= MICROSECONDS_FROM else time * MILLISECOND


class Paging:
    """One way through a history: `ask` says what to request, `take` what of the page is to be handed on.

    Args:
        method: Its name, for errors.
        rule: How its history is paged.
        start: First moment, in microseconds; None for the very first record.
        end: First moment beyond, in microseconds; None where the method knows no times.
        tick: Microseconds in one unit of the times that the exchange writes: 1000 or 1.
        limit: Length of a page; the longest where one moment holds more than that.
        first_id: Where to begin instead of at a time.
        has_times: Requests may carry times, beside the other parameters of this history.
        open_records: What could still change at the moment of the call, for a rule with an `open_method`.

    Owner: caller thread.
    """

    def __init__(
        self,
        method: str,
        rule: HistoryRule,
        *,
        start: int | None = None,
        end: int | None = None,
        tick: int = MILLISECOND,
        limit: int | None = None,
        first_id: int | None = None,
        has_times: bool = True,
        open_records: object = (),
    ) -> None:
        self._method = method
        self._rule = rule
        self._tick = tick
        self._limit = rule.page_max if limit is None else limit
        # A longer page may be asked for, but not hoped for.
        self._full = min(self._limit, rule.page_max)
        self._id_key = _key(rule.id_field)
        self._time_key = _key(rule.time_field)
        self._made_key = _key(rule.created_field)
        self._start = 0 if start is None else max(0, _up(start, tick))
        self._end = _LAST if end is None else min(_up(end, tick), _LAST)
        self._open = {row.id: row for row in self._rows(open_records)} if rule.open_method else {}
        self._found: list[Any] = []
        self._failure: CryptoWSError | None = None
        self.reached = self._start
        self._steps = self._plan(start is not None and has_times, first_id)
        self._asked = next(self._steps, None)

    def ask(self) -> dict[str, int] | None:
        """Return the parameters of the next request, the same until `take`; None: there is no more.

        Raises:
            CryptoWSError: What a page held makes it impossible to go on.
        """
        if self._failure is not None:
            raise self._failure
        return self._asked

    def take(self, page: object) -> list[Any]:
        """Return the records of the page asked for that are in the range and new, oldest first.

        Raises:
            CryptoWSError: It is no page of this method (and may be asked for again), or it holds what makes it
                impossible to go on.
        """
        rows = self._rows(page)
        self._found = []
        try:
            self._asked = self._steps.send(rows)
        except StopIteration:
            self._asked = None
        except CryptoWSError as error:
            self._failure = error
            if not self._found:
                raise
        return self._found

    # -- ways ---------------------------------------------------------------------------------------------------

    def _plan(self, is_by_time: bool, first_id: int | None) -> _Steps:
        rule = self._rule
        if self._start >= self._end:
            return
        if rule.id_param is None:
            yield from self._by_time()
        elif not is_by_time or not rule.has_times:
            yield from self._by_id(first_id or 0, self._hand_on)
        elif rule.open_method is not None:
            yield from self._by_window()
        else:
            yield from self._by_time_then_id()

    def _by_id(
        self,
        first: int,
        keep: Callable[[list[_Row]], object],
        is_short: bool = False,
        until: int | None = None,
    ) -> _Steps:
        """Page by id until records are made at `until` (by default the end) or later; give them to `keep`.

        One short page is no proof of the end: Binance's replicas have been seen to cut a page short. Two in a
        row are, or a busy market would never end.
        """
        end = self._end if until is None else until
        while True:
            rows = [row for row in (yield self._from_id(first)) if row.id >= first]
            if not rows:
                return
            keep([self._open.get(row.id, row) for row in rows])
            was_short, is_short = is_short, len(rows) < self._full
            if rows[-1].made >= end or (is_short and was_short):
                return
            first = max(row.id for row in rows) + 1

    def _by_time_then_id(self) -> _Steps:
        """Find the first record by time, and the others by id."""
        stop = min(self._start + self._widest, self._end)
        rows = yield self._between(self._start, stop)
        if not rows:
            if stop < self._end:
                yield from self._search()
        elif stop < self._end or len(rows) >= self._full:
            yield from self._go_on(rows)
        else:
            self._hand_on(rows)

    def _go_on(self, rows: list[_Row], is_short: bool = False) -> _Steps:
        """Hand on what has been found, and what comes after it."""
        self._hand_on(rows)
        if rows[-1].made < self._end:
            yield from self._by_id(max(row.id for row in rows) + 1, self._hand_on, is_short)

    def _search(self) -> _Steps:
        """Find the first record of the range by halving the ids, which ascend with time.

        All ids below `low` are too early; from `high` on, none is. Walking through years of empty windows would
        cost a request a day.
        """
        low, high, probe = 0, -1, 0
        while True:
            rows = [row for row in (yield self._from_id(probe)) if row.id >= probe]
            early = [row for row in rows if row.time < self._start]
            if len(early) < len(rows):
                if early or probe == low:
                    yield from self._go_on(rows, len(rows) < self._full)
                    return
                high = probe
            elif rows:
                low = max(row.id for row in rows) + 1
                if len(rows) < self._full:
                    probe = low
                    continue
            elif probe == low:
                return
            else:
                high = probe
            probe = 2 * low if high < 0 else (low + high) // 2

    def _by_window(self) -> _Steps:
        """Ask for windows that fit into a page, however the exchange sorts them."""
        cursor, width, is_first, was_full = self._start, self._widest, True, False
        while cursor < self._end:
            stop = min(cursor + width, self._end)
            rows = yield self._between(cursor, stop)
            if len(rows) >= self._full:
                if stop - cursor > self._tick:
                    width, was_full = self._narrower(rows, cursor, stop, was_full), True
                    continue
                if self._lengthen():
                    continue
                rows = yield from self._tick_by_id(cursor, stop)
            self._hand_on_window(rows, cursor, stop)
            # A sparse window lets the next one be wider, an empty one by much.
            width = min(self._widest, width * max(2 if not rows else 1, self._full // (2 * len(rows) + 1)))
            cursor, was_full = stop, False
            if is_first and not rows and cursor < self._end:
                rows = yield self._from_id(0)
                if len(rows) < self._full:
                    everything = list(rows)
                    if rows:
                        yield from self._by_id(max(row.id for row in rows) + 1, everything.extend, True)
                    self._hand_on_window(everything, cursor, self._end)
                    return
                # No order was changed before the first one was made.
                cursor = max(cursor, min(_down(rows[0].made, self._tick), self._end))
            is_first = False

    def _narrower(self, rows: list[_Row], cursor: int, stop: int, was_full: bool) -> int:
        """Return the width of a window that may fit into a page, after one that did not."""
        times = [row.time for row in rows]
        width = (stop - cursor) // 2
        if not was_full and times == sorted(times):
            # Probably sorted by time: all before the last one fits. (A window in milliseconds reaches one beyond.)
            beyond = self._tick if self._tick == MILLISECOND else 0
            width = min(times[-1] - cursor - beyond, stop - cursor - self._tick)
        return max(self._tick, _down(width, self._tick))

    def _tick_by_id(self, start: int, stop: int) -> _Rows:
        """Find by id what does not fit into the longest page of the shortest window."""
        found: list[_Row] = []

        def keep(page: list[_Row]) -> None:
            found.extend(row for row in page if start <= row.time < stop)

        yield from self._by_id(0, keep, until=stop)
        return found

    def _by_time(self) -> _Steps:
        """Page by time alone; `told` counts what has been handed on of the moment at the cursor."""
        cursor, told = self._start, 0
        while cursor < self._end:
            stop = min(cursor + self._widest, self._end)
            rows = yield self._between(cursor, stop)
            at_cursor = sum(row.time == cursor for row in rows)
            fresh = [row for row in rows if cursor < row.time < stop]
            self._hand_on([row for row in rows if row.time == cursor][told:] + fresh)
            last = rows[-1].time if rows else cursor
            if len(rows) < self._full or last >= stop:
                cursor, told = stop, 0
            elif last >= cursor and self._rule.is_time_unique:
                cursor = last + self._tick
            elif last > cursor:
                cursor, told = last, sum(row.time == last for row in rows)
            elif self._lengthen():
                told = at_cursor
            else:
                raise CryptoWSError(
                    f"{self._method}: {at_cursor} records share one moment and fill the longest page, and this "
                    "method has no ids to go on by: begin after that moment",
                    method=self._method,
                )

    # -- small steps --------------------------------------------------------------------------------------------

    @property
    def _widest(self) -> int:
        window = self._rule.max_window_ms
        return self._end - self._start if window is None else window * MILLISECOND - self._tick

    def _lengthen(self) -> bool:
        """Take the longest pages from here on, because one moment holds more; False: they are already."""
        if self._full >= self._rule.page_max:
            return False
        self._limit = self._full = self._rule.page_max
        return True

    def _between(self, start: int, stop: int) -> dict[str, int]:
        """Return the request for a window.

        The exchange's end is inclusive. It may keep microseconds where it writes milliseconds: asked for the
        last millisecond before the end it would leave out what happened within it. So the end is asked for as
        well, and what came in it dropped.
        """
        if self._tick == MILLISECOND:
            start, stop = start // MILLISECOND, stop // MILLISECOND
        else:
            start, stop = _unmistakable(start), _unmistakable(stop - 1)
        return {"startTime": start, "endTime": stop, **self._page}

    def _from_id(self, first: int) -> dict[str, int]:
        assert self._rule.id_param is not None
        return {self._rule.id_param: first, **self._page}

    @property
    def _page(self) -> dict[str, int]:
        return {self._rule.page_param: self._limit}

    def _hand_on(self, rows: Iterable[_Row]) -> None:
        for row in rows:
            if self._start <= row.time < self._end:
                self._found.append(row.record)
            self.reached = max(self.reached, min(row.time, self._end))

    def _hand_on_window(self, rows: Sequence[_Row], start: int, stop: int) -> None:
        """Hand on a window by time: what has been open as it was, anything else as it is."""
        found = {row.id: row for row in rows} | self._open
        inside = [row for row in found.values() if start <= row.time < stop]
        self._hand_on(sorted(inside, key=lambda row: (row.time, row.id)))
        self.reached = max(self.reached, stop)

    def _rows(self, page: object) -> list[_Row]:
        if not isinstance(page, list | tuple):
            raise self._no_page(page)
        return [self._row(record) for record in page]

    def _row(self, record: Any) -> _Row:
        number = self._number(record, self._id_key, 0)
        time = epoch_us(self._number(record, self._time_key, 0))
        if self._rule.open_method is None:
            return _Row(time, number, time if self._time_key is not None else -1, record)
        made = self._number(record, self._made_key, -1)
        return _Row(time, number, epoch_us(made) if made >= 0 else -1, record)

    def _number(self, record: Any, key: str | int | None, default: int) -> int:
        if key is None:
            return default
        try:
            value = record[key]
        except (KeyError, IndexError, TypeError):
            raise self._no_page(record) from None
        if type(value) is not int:
            raise self._no_page(record)
        return value

    def _no_page(self, what: object) -> CryptoWSError:
        return CryptoWSError(
            f"{self._method}: the exchange's answer holds no page of records but {str(what)[:80]!r}",
            method=self._method,
        )


def _key(field: str | None) -> str | int | None:
    """Return what a record is indexed with: a name, or a position where the field is "[n]"."""
    return int(field[1:-1]) if field is not None and field.startswith("[") else field


def _unmistakable(time: int) -> int:
    """Return microseconds, or milliseconds where those could be mistaken."""
    return time if time >= _EARLIEST else time // MILLISECOND


def _up(time: int, tick: int) -> int:
    return -(-time // tick) * tick


def _down(time: int, tick: int) -> int:
    return time // tick * tick
