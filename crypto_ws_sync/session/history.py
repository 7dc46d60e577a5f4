"""A method's history as an iterator: page after page, each asked for when the one before is used up."""

from __future__ import annotations

import logging
import math
import operator
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from typing import Any
from urllib.parse import parse_qs, urlsplit

from crypto_ws_sync.bridge.loop_thread import wait_done
from crypto_ws_sync.bridge.reply import OneAnswer
from crypto_ws_sync.engine.requests import RAISE, Entry
from crypto_ws_sync.errors import ConnectionLost, CryptoWSError, InvalidParameter, OutOfService, RateLimited
from crypto_ws_sync.exchanges.binance.dialect import BinanceDialect
from crypto_ws_sync.exchanges.binance.methods import CATALOGUE
from crypto_ws_sync.exchanges.binance.methods.catalogue import wire_name
from crypto_ws_sync.protocol.method import HistoryRule, MethodSpec
from crypto_ws_sync.protocol.paging import MILLISECOND, Paging
from crypto_ws_sync.session.moments import moment_us
from crypto_ws_sync.session.progress import Progress, show_progress
from crypto_ws_sync.session.run import Run

__all__ = ["History", "PageDoor", "open_history"]

log = logging.getLogger("crypto_ws_sync.session")

_LOOK_EVERY = 0.2
"""Seconds after which a wait for a limit looks whether the session has been stopped."""
_LOOK_EVERY_BY_HAND = 0.01
"""The same with a manual clock, which may be moved at any moment."""

_TIMES = {"startTime": "start", "endTime": "end"}


class PageDoor:
    """The way from a history to its session: asks for pages, however long a limit holds them back.

    Owner: shared, never changed.
    """

    def __init__(self, running: Callable[[], Run], dialect: BinanceDialect, url: str) -> None:
        """Prepare one.

        Args:
            running: Gives the run of a started session; raises SessionClosed.
            dialect: Makes requests.
            url: Where the session connects to, with the unit of the times in answers.
        """
        self._running = running
        self._dialect = dialect
        unit = parse_qs(urlsplit(url).query).get("timeUnit", [""])[-1]
        self.tick = 1 if unit.upper() == "MICROSECOND" else MILLISECOND

    def check(self, method: str, params: Mapping[str, Any]) -> None:
        """Refuse a request that cannot be right, without sending it.

        Raises:
            InvalidParameter: It cannot be right.
        """
        self._dialect.request(method, params, False, False, str)

    def after_now(self) -> int:
        """Return the first tick that has surely not begun yet at the exchange, in microseconds."""
        context = self._running().context
        now = context.server_now() + context.clock.error(context.time.monotonic())
        return (int(now * 1_000_000) // self.tick + 1) * self.tick

    def ask(
        self,
        method: str,
        params: Mapping[str, Any],
        timeout: float,
        on_hold: Callable[[float], object] = lambda seconds: None,
    ) -> Any:
        """Return the result of one request.

        Args:
            method: Its name.
            params: Its parameters.
            timeout: Seconds; a limit that must be waited for is not counted.
            on_hold: Called with the seconds that such a wait will take.

        Raises:
            Whatever becomes of the request, but for limits and bans.
        """
        while True:
            run = self._running()
            request = self._dialect.request(method, params, False, False, str)
            reply = OneAnswer(run.wakes, run.seats)
            # Told of a limit at once, and waiting for it here, leaves the timeout to the answer alone.
            entry = Entry(request, reply, time.monotonic() + timeout, RAISE)
            try:
                return run.call(entry, reply)
            except (OutOfService, RateLimited) as refusal:
                if refusal.retry_at is None:
                    raise
                until = refusal.retry_at
            except ConnectionLost:
                # It may have waited for a connection that a ban forbids, told meanwhile.
                context = run.context
                held = context.ledger.held_until(request.charge, context.server_now())
                if not 0 < held < math.inf:
                    raise
                until = context.local_wall(held)
            left = until - run.context.time.wall()
            if left > 0:
                log.info("%s waits %.1f s for a limit", method, left, extra={"event": "history_held"})
                on_hold(left)
                self._wait_until(until)

    def _wait_until(self, moment: float) -> None:
        """Wait until the local wall clock shows a moment, or the session ends."""
        never: Future[Any] = Future()
        while True:
            clock = self._running().context.time
            left = moment - clock.wall()
            if left <= 0:
                return
            wait_done(never, _LOOK_EVERY_BY_HAND if clock.is_manual else min(left, _LOOK_EVERY))


class History(Iterator[Any]):
    """The records of a history, oldest first.

    An error leaves it where it was: `next()` then asks for the same page again.

    Owner: caller thread; one at a time.
    """

    def __init__(
        self,
        door: PageDoor,
        method: str,
        params: Mapping[str, Any],
        paging: Paging,
        timeout: float,
        progress: Progress | None,
    ) -> None:
        self._door = door
        self._method = method
        self._params = params
        self._paging = paging
        self._timeout = timeout
        self._progress = progress
        self._ready: deque[Any] = deque()
        self._is_torn = False

    def __repr__(self) -> str:
        return f"<History of {self._method}>"

    def __next__(self) -> Any:
        """Return the next record.

        Raises:
            RequestTimeout, ConnectionLost: No page within the timeout; going on is fine.
            ApiError: The exchange refused.
            SessionClosed: The session is not running.
            CryptoWSError: A page has been lost to an interrupt while it was sorted in; going on would leave it out.
        """
        while not self._ready:
            if self._is_torn:
                raise CryptoWSError(
                    f"a page of {self._method} was lost to an interrupt: ask for the history again, "
                    "from the last record on",
                    method=self._method,
                )
            asked = self._paging.ask()
            if asked is None:
                if self._progress is not None:
                    self._progress.close()
                raise StopIteration
            self._turn_page(asked)
        return self._ready.popleft()

    def _turn_page(self, asked: Mapping[str, int]) -> None:
        progress = self._progress
        params = {**self._params, **asked}
        if progress is None:
            page = self._door.ask(self._method, params, self._timeout)
        else:
            page = self._door.ask(self._method, params, self._timeout, progress.hold)
        self._is_torn = True
        try:
            records = self._paging.take(page)
        except CryptoWSError:
            self._is_torn = False
            raise
        self._ready.extend(records)
        self._is_torn = False
        if progress is not None:
            progress.advance(len(records), self._paging.reached)


def open_history(
    door: PageDoor,
    method: str,
    *,
    start: Any,
    end: Any,
    progress: bool,
    timeout: float,
    given: Mapping[str, Any],
) -> History:
    """Return a history, its arguments checked.

    Args:
        door: The way to the exchange.
        method: Any method that has one.
        start: First moment; None for the first record.
        end: First moment beyond; None for this one.
        progress: Show how far it has come.
        timeout: Seconds for each page.
        given: Further parameters, in either spelling.

    Raises:
        InvalidParameter: It cannot be right.
        CryptoWSError: The open records could not be asked for.
    """
    spec, rule = _spec_of(method)
    params, first_id, limit = _sorted_out(spec, rule, given)
    start_us, end_us = _moment_of(spec, rule, "start", start), _moment_of(spec, rule, "end", end)
    if start_us is not None and first_id is not None:
        raise InvalidParameter(
            f"{spec.name}: begin either at a time (start) or at an id ({rule.id_param}), not both",
            method=spec.name,
            parameter=rule.id_param,
        )
    if start_us is not None and end_us is not None and start_us > end_us:
        raise InvalidParameter(f"{spec.name}: start is after end", method=spec.name, parameter="startTime")
    open_records: Any = ()
    if rule.open_method is not None:
        _check_first(door, spec.name, params, rule, limit)
        open_records = door.ask(rule.open_method, _shared(params, rule.open_method), timeout)
    if rule.has_times and (end_us is None or rule.open_method is not None):
        # A record that may change is told as it was at the call, so it cannot be asked for beyond.
        now_us = door.after_now()
        end_us = now_us if end_us is None else min(end_us, now_us)
    paging = Paging(
        spec.name,
        rule,
        start=start_us,
        end=end_us,
        tick=door.tick,
        limit=limit,
        first_id=first_id,
        has_times=_can_carry_times(spec, params),
        open_records=open_records,
    )
    asked = paging.ask()
    if asked is not None:
        door.check(spec.name, {**params, **asked})
    title = " ".join([spec.name, *(str(params[name]) for name in ("symbol", "interval") if name in params)])
    return History(door, spec.name, params, paging, timeout, show_progress(title) if progress else None)


def _spec_of(method: str) -> tuple[MethodSpec, HistoryRule]:
    prefix, _, name = method.rpartition("/") if isinstance(method, str) else ("", "", "")
    spec = CATALOGUE.get(name) if not prefix or (prefix[:1] == "v" and prefix[1:].isdecimal()) else None
    if spec is None or spec.history is None:
        having = ", ".join(sorted(each.name for each in CATALOGUE.values() if each.history is not None))
        raise InvalidParameter(f"{method!r} has no history; these have: {having}", method=str(method))
    return spec, spec.history


def _sorted_out(
    spec: MethodSpec, rule: HistoryRule, given: Mapping[str, Any]
) -> tuple[dict[str, Any], int | None, int | None]:
    """Return the parameters by their wire names, without the first id and the length of a page."""
    names = dict(spec.names)
    if rule.id_param is not None:
        # Everybody's word for the first id, whatever the exchange calls it here.
        names.setdefault("from_id", rule.id_param)
        names.setdefault("fromId", rule.id_param)
    params: dict[str, Any] = {}
    for name, value in given.items():
        if value is None:
            continue
        wire = names.get(name) or (wire_name(name) if "_" in name else name)
        if wire in _TIMES:
            raise InvalidParameter(
                f"{spec.name}: history() takes {_TIMES[wire]}=... in place of {name}",
                method=spec.name,
                parameter=wire,
            )
        if wire in params:
            raise InvalidParameter(f"{spec.name}: {wire} is given twice", method=spec.name, parameter=wire)
        params[wire] = value
    for name in rule.id_needs:
        if name not in params:
            raise InvalidParameter(f"{spec.name}: its history needs {name}", method=spec.name, parameter=name)
    first_id = (
        None if rule.id_param is None else _whole(spec, rule.id_param, params.pop(rule.id_param, None), 0)
    )
    if rule.id_param is None and "fromId" in params:
        raise InvalidParameter(
            f"{spec.name}: its history has no ids, only times: pass start",
            method=spec.name,
            parameter="fromId",
        )
    return params, first_id, _whole(spec, rule.page_param, params.pop(rule.page_param, None), 1)


def _whole(spec: MethodSpec, name: str, value: Any, least: int) -> int | None:
    if value is None:
        return None
    try:
        number = int(value) if isinstance(value, str) and value.isdecimal() else operator.index(value)
    except TypeError:
        number = least - 1
    if number < least or isinstance(value, bool):
        raise InvalidParameter(
            f"{spec.name}: {name} is {value!r}: pass a whole number, {least} or more",
            method=spec.name,
            parameter=name,
        )
    return number


def _moment_of(spec: MethodSpec, rule: HistoryRule, name: str, value: Any) -> int | None:
    if value is None:
        return None
    if not rule.has_times:
        raise InvalidParameter(
            f"{spec.name}: its history cannot be asked for by time: pass {rule.id_param} (or from_id) for where "
            "to begin",
            method=spec.name,
            parameter=name,
        )
    try:
        return moment_us(value)
    except ValueError as error:
        raise InvalidParameter(f"{spec.name}: {name}: {error}", method=spec.name, parameter=name) from None


def _can_carry_times(spec: MethodSpec, params: Mapping[str, Any]) -> bool:
    """Tell whether the exchange takes times beside these parameters."""
    if spec.check is None:
        return True
    try:
        spec.check({**params, "startTime": 1, "endTime": 1})
    except InvalidParameter as refusal:
        return refusal.parameter not in params and refusal.parameter not in _TIMES
    return True


def _shared(params: Mapping[str, Any], method: str) -> dict[str, Any]:
    """Return those of the parameters that another method takes as well."""
    taken = {parameter.wire for parameter in CATALOGUE[method].parameters}
    return {name: value for name, value in params.items() if name in taken}


def _check_first(
    door: PageDoor, method: str, params: Mapping[str, Any], rule: HistoryRule, limit: int | None
) -> None:
    """Refuse what cannot be right before anything is asked."""
    door.check(method, {**params, rule.page_param: rule.page_max if limit is None else limit})
