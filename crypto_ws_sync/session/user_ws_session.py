"""The session: what a user's program holds to talk with the exchange."""

from __future__ import annotations

import itertools
import os
import ssl
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from crypto_ws_sync import model, session
from crypto_ws_sync.bridge.loop_thread import LONGEST_WAIT, wait_done
from crypto_ws_sync.bridge.reply import OneAnswer, ReplyFuture
from crypto_ws_sync.engine.context import Context, ManualTime, TimeSource
from crypto_ws_sync.engine.ledgers import LedgerKeys, find_ledgers
from crypto_ws_sync.engine.outcome_book import OutcomeBook
from crypto_ws_sync.engine.requests import NONE, RAISE, WAIT, Entry
from crypto_ws_sync.errors import (
    ConfigError,
    ConnectionFailed,
    ConnectionLost,
    CryptoWSError,
    OutcomeUnknown,
    SessionClosed,
)
from crypto_ws_sync.exchanges.binance.dialect import DEFAULT_RECV_WINDOW, BinanceDialect
from crypto_ws_sync.exchanges.binance.endpoints import is_loopback, venue_key, with_options
from crypto_ws_sync.exchanges.binance.methods import BinanceMethods
from crypto_ws_sync.model.counters import Counters
from crypto_ws_sync.protocol.lifecycle import State
from crypto_ws_sync.protocol.method import MethodSpec
from crypto_ws_sync.protocol.outcome import Question
from crypto_ws_sync.protocol.server_clock import ServerClock
from crypto_ws_sync.session.arguments import (
    Moment,
    check_choice,
    check_number,
    check_path,
    check_proxy,
    check_timeout,
    make_signer,
)
from crypto_ws_sync.session.left_open import LeftOpen
from crypto_ws_sync.session.run import Run
from crypto_ws_sync.session.unresolved import Resolver, UnresolvedOrder
from crypto_ws_sync.transport.port import Target
from crypto_ws_sync.transport.websocket_client import WebSocketTransport

__all__ = ["UserWSSession"]

_ON_LIMIT = (NONE, WAIT, RAISE)
_BATCH = 1024
_numbers = itertools.count(1)


class UserWSSession(BinanceMethods):
    """One logical session with the exchange, to be shared between any number of threads.

    Args:
        api_key: The public part of the key; None for public methods alone.
        api_secret: An HMAC secret, or an RSA or Ed25519 private key in PEM as text, or a Path to it.
        endpoint: A `wss://` address, or "binance", "binance-testnet", "binance-demo". Plain `ws://` to this
            machine only.
        private_key_passphrase: Of an encrypted PEM.
        timeout: Seconds one call may take, all of it: waiting for a connection, a limit window, the answer.
        on_limit: What `handle_request` does while out of service: "none" returns None, "wait" waits for the
            window if it ends within the timeout and else raises OutOfService, "raise" raises it at once.
        headroom: Fraction of every limit left unused, for other programs behind the same address.
        recv_window: Milliseconds for which a signed request stays valid, up to 60000.
        time_unit: "ms" or "us": timestamps in answers.
        log_on: With an Ed25519 key, log the connection on once and leave out per-request signatures.
        ssl_context: For `wss`; `ssl.create_default_context()` by default.
        proxy: `http://…` or `socks5://…`; by default the usual environment variables are asked; "" for none.
        max_message: Bytes; a larger message ends the connection instead of filling memory.
        journal: Path of a file, made if it is not there, for this program alone: each write is recorded in it before
            it is sent. What a crash leaves open is looked up by the next `start()` with the same file, and listed by
            `unresolved()`. A write that cannot be recorded is not sent, and raises ConfigError.
        journal_sync: Wait until each record has reached the disk, so that it outlives a power cut, too.
        clock: A manual clock for tests: timestamps, limit windows and waits follow it; timeouts stay real.

    Raises:
        ConfigError: An argument cannot be right; says which and what to do.

    Owner: shared, guarded by self._lock.
    """

    _dialect_kind = BinanceDialect

    def __init__(
        self,
        api_key: str | None = None,
        api_secret: str | os.PathLike[str] | None = None,
        *,
        endpoint: str = "binance",
        private_key_passphrase: str | bytes | None = None,
        timeout: float = 10.0,
        on_limit: str = "none",
        headroom: float = 0.0,
        recv_window: float = DEFAULT_RECV_WINDOW,
        time_unit: str = "ms",
        log_on: bool = True,
        ssl_context: ssl.SSLContext | None = None,
        proxy: str | None = None,
        max_message: int = 64 * 2**20,
        journal: str | os.PathLike[str] | None = None,
        journal_sync: bool = False,
        clock: ManualTime | None = None,
    ) -> None:
        self._timeout = check_timeout(timeout, 10.0)
        self._on_limit = check_choice("on_limit", on_limit, _ON_LIMIT)
        self._headroom = check_number("headroom", headroom, 0.0, 0.99, "parts of one")
        check_number("recv_window", recv_window, 0.001, 60000, "milliseconds")
        if round(recv_window, 3) != recv_window:
            raise ConfigError(f"recv_window is {recv_window!r}: at most three decimals are allowed")
        check_choice("time_unit", time_unit, ("ms", "us"))
        check_number("max_message", max_message, 1024, 2**62, "bytes")
        if ssl_context is not None and not isinstance(ssl_context, ssl.SSLContext):
            raise ConfigError("ssl_context must be an ssl.SSLContext")
        check_proxy(proxy)
        if clock is not None and not callable(getattr(clock, "now", None)):
            raise ConfigError(
                "clock must have a now() of epoch seconds, as ManualClock has; None for the real time"
            )
        url = with_options(endpoint, time_unit)
        signer = make_signer(api_key, api_secret, private_key_passphrase)
        self._dialect = self._dialect_kind(
            str(api_key) if api_key is not None else None,
            signer,
            recv_window=recv_window,
            log_on=bool(log_on),
        )
        self._target = Target(url, ssl_context, proxy, int(max_message))
        self._time = TimeSource(clock)
        self._ledgers = find_ledgers(
            LedgerKeys(
                venue_key(endpoint),
                proxy or "",
                str(api_key or ""),
                is_lasting=not is_loopback(urlsplit(url).hostname or ""),
            ),
            self._dialect.limits,
        )
        self._counters = Counters()
        self._book = OutcomeBook()
        self._journal = check_path("journal", journal)
        self._journal_sync = bool(journal_sync)
        self._account = venue_key(endpoint), api_key
        self._left_open = LeftOpen()
        self._resolver = Resolver(self)
        self._lock = threading.RLock()
        self._run: Run | None = None
        self._starting: Run | None = None
        self._was_started = False
        self._finalizer: weakref.finalize[Any, Any] | None = None
        self._name = f"crypto_ws_sync session {next(_numbers)}"

    def __repr__(self) -> str:
        run = self._run
        state = "running" if run is not None and not run.door.is_closed else "not running"
        return f"<UserWSSession {self._target.url.split('?')[0]} {state}>"

    def _repr_html_(self) -> str:
        """Return the session's status as a table, for a notebook."""
        return self.status()._repr_html_()

    # -- life ---------------------------------------------------------------------------------------------------

    def start(self, timeout: float | None = None) -> UserWSSession:
        """Return this session once requests can be served; a running one at once.

        Args:
            timeout: Seconds; the session's by default.

        Raises:
            ConnectionFailed: No connection could be had; says why and what to do.
            AuthError: The exchange refused the log-on.
            ConfigError: The journal cannot be had, or another program has it; says why.
            SessionClosed: Called on the session's own thread, or stopped meanwhile.

        Cost: weight 5 with an Ed25519 key, else 3; one connection attempt.
        """
        deadline = time.monotonic() + check_timeout(timeout, self._timeout)
        current = self._run or self._starting
        if current is not None and threading.get_ident() == current.door.ident:
            raise SessionClosed("start() on the session's own thread would wait for itself")
        if current is not None and current.door.is_forked:
            current.check()
        starting = None if current is self._run else current
        if starting is not None and not wait_done(starting.begun, max(0.0, deadline - time.monotonic())):
            raise ConnectionFailed("another thread's start() did not connect within the time of this one")
        with self._lock:
            running = self._run
            if running is not None and not running.door.is_closed:
                if not running.is_stopping:
                    return self
                # Its stop was cut short, or is under way in another thread.
                running.stop(max(0.5, deadline - time.monotonic()))
            run: Run | None = None
            try:
                run = self._starting = self._new_run()
                run.start(max(0.0, deadline - time.monotonic()))
                self._run = run
                self._was_started = True
                self._finalizer = weakref.finalize(self, run.abandon)
            except BaseException:
                # Also a Ctrl-C after it had begun to serve: nobody would know that it runs.
                self._run = None
                if run is not None:
                    run.stop(1.0)
                raise
            finally:
                self._starting = None
                if run is not None:
                    run.begun.set_result(None)
        return self

    def stop(self, timeout: float = 5.0) -> None:
        """End the session; a stopped one stays so.

        Waiting reads and unsent requests end at once with SessionClosed; sent writes have half of `timeout`
        to be answered and then end with OutcomeUnknown.

        Args:
            timeout: Seconds.
        """
        seconds = check_timeout(timeout, 5.0)
        run = self._run or self._starting
        if run is None:
            return
        if threading.get_ident() == run.door.ident:
            raise SessionClosed("stop() on the session's own thread would wait for itself")
        finalizer = self._finalizer
        if finalizer is not None and run.abandon in (finalizer.peek() or ()):
            # Not that of a run which another thread has started meanwhile.
            finalizer.detach()
        run.stop(seconds)
        if self._run is run:
            self._run = None
        if self._starting is run:
            self._starting = None  # a start that was interrupted at its very end may have left it

    def __enter__(self) -> UserWSSession:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def wait_operational(self, timeout: float | None = None, *, orders: bool = False) -> bool:
        """Wait until requests would be served; return whether they are.

        Args:
            timeout: Seconds; the session's by default.
            orders: Wait until orders would be served.

        Raises:
            SessionClosed: The session is not running.
        """
        seconds = check_timeout(timeout, self._timeout)
        deadline = time.monotonic() + seconds
        try:
            run = self._ready_run(deadline)
        except ConnectionLost:
            return False
        engine = run.engine
        assert engine is not None
        if engine.is_operational(orders=orders):
            return True
        seconds = max(0.0, deadline - time.monotonic())
        served = run.ask(lambda: engine.wait_operational(orders, deadline), seconds + 1.0)
        return bool(served)

    @property
    def operational_status(self) -> bool:
        """Whether a request would be sent now."""
        return self._is_operational(False)

    @property
    def order_handling(self) -> bool:
        """Whether an order would be sent now."""
        return self._is_operational(True)

    def status(self) -> model.status.SessionStatus:
        """Return one look at the session: connection, limits, clock, counters."""
        # Loaded here, and so not on the loop.
        from crypto_ws_sync.engine.report import report_not_running

        run = self._run
        if run is None or run.door.is_forked or run.door.is_closed or run.engine is None:
            return report_not_running(
                self._time.wall(),
                State.STOPPED if self._was_started else State.IDLE,
                self._target.url.split("?")[0],
                self._counters,
                open_writes=len(self._book),
            )
        run.check()
        found = run.ask(run.engine.status, self._timeout)
        assert isinstance(found, model.status.SessionStatus)
        return found

    # -- requests -----------------------------------------------------------------------------------------------

    def handle_request(
        self,
        method: str,
        params: Mapping[str, Any] | None = None,
        api_key: bool = False,
        signed: bool = False,
        *,
        timeout: float | None = None,
        on_limit: str | None = None,
    ) -> Any:
        """Send one request and return the result of its answer.

        Args:
            method: Any method of the exchange, such as "order.place"; one that this version does not know, too.
            params: Parameters under the exchange's own names.
            api_key: Send the key; needed only for a method that this version does not know.
            signed: Sign it; likewise.
            timeout: Seconds for all of it; the session's by default.
            on_limit: "none", "wait" or "raise"; the session's by default.

        Returns:
            The answer's `result`; None while out of service, with on_limit="none".

        Raises:
            InvalidParameter: It certainly cannot be right; nothing was sent.
            ConfigError: The journal, where one is kept, cannot take its record; nothing was sent.
            OutOfService: Held back by a limit or a ban; nothing was sent.
            ApiError: The exchange refused; its kinds tell why.
            RequestTimeout, ConnectionLost: Certainly no effect, or a read: safe to repeat.
            OutcomeUnknown: A write that may have been executed: `resolve()` it, never repeat it.
            SessionClosed: The session is not running.
        """
        deadline = time.monotonic() + check_timeout(timeout, self._timeout)
        run = self._ready_run(deadline)
        request = self._dialect.request(method, params, api_key, signed, run.new_id)
        limit = self._on_limit if on_limit is None else check_choice("on_limit", on_limit, _ON_LIMIT)
        reply = OneAnswer(run.wakes, run.seats)
        return run.call(Entry(request, reply, deadline, limit), reply)

    def _call_typed(self, spec: MethodSpec, params: dict[str, Any], timeout: float | None) -> Any:
        deadline = time.monotonic() + check_timeout(timeout, self._timeout)
        run = self._ready_run(deadline)
        request = self._dialect.typed_request(spec, spec.name, params, False, run.new_id)
        reply = OneAnswer(run.wakes, run.seats)
        return run.call(Entry(request, reply, deadline, WAIT), reply)

    def submit(
        self,
        method: str,
        params: Mapping[str, Any] | None = None,
        api_key: bool = False,
        signed: bool = False,
        *,
        timeout: float | None = None,
        on_limit: str | None = None,
    ) -> Future[Any]:
        """Send one request without waiting; arguments as in `handle_request`.

        Returns:
            A future of what `handle_request` would have returned or raised. `cancel()` succeeds only while the
            request is unsent; callbacks run on a helper thread and may call the session.

        Raises:
            InvalidParameter, ConfigError, SessionClosed: As `handle_request` does, at once.
        """
        deadline = time.monotonic() + check_timeout(timeout, self._timeout)
        run = self._ready_run(deadline)
        request = self._dialect.request(method, params, api_key, signed, run.new_id)
        reply = ReplyFuture(run.callbacks)
        limit = self._on_limit if on_limit is None else check_choice("on_limit", on_limit, _ON_LIMIT)
        run.hand_over(Entry(request, reply, deadline, limit))
        return reply

    def handle_requests(
        self,
        requests: Iterable[tuple[str, Mapping[str, Any] | None]],
        *,
        timeout: float | None = None,
        on_limit: str | None = None,
    ) -> list[Any]:
        """Send many requests in one hand-over, all in flight together.

        Args:
            requests: Pairs of method and parameters.
            timeout: Seconds for all of them; the session's by default.
            on_limit: As in `handle_request`.

        Returns:
            In each place what `handle_request` would have returned, or the exception it would have raised.

        Raises:
            SessionClosed: The session is not running.
        """
        deadline = time.monotonic() + check_timeout(timeout, self._timeout)
        limit = self._on_limit if on_limit is None else check_choice("on_limit", on_limit, _ON_LIMIT)
        try:
            run = self._ready_run(deadline)
        except ConnectionLost as error:
            return [error for _ in requests]
        places: list[Any] = []
        for pair in requests:
            try:
                method, params = pair
            except (TypeError, ValueError):
                raise ConfigError("handle_requests takes pairs of a method and its parameters") from None
            try:
                request = self._dialect.request(method, params, False, False, run.new_id)
            except CryptoWSError as error:
                places.append(error)
            else:
                places.append(Entry(request, OneAnswer(run.wakes), deadline, limit))
        entries = [place for place in places if isinstance(place, Entry)]
        try:
            for start in range(0, len(entries), _BATCH):
                run.hand_over_many(entries[start : start + _BATCH])
            # The last answer comes last, most likely: whoever waits for that need not wake for the others.
            found = [
                self._outcome_of(run, place) if isinstance(place, Entry) else place
                for place in reversed(places)
            ]
            found.reverse()
            return found
        except BaseException as interrupt:
            # A Ctrl-C ends the wait for all of them: what has not been sent must not be sent later.
            run.give_up_all(entries, interrupt)
            raise

    def _outcome_of(self, run: Run, entry: Entry) -> Any:
        reply = entry.reply
        assert isinstance(reply, OneAnswer)
        if reply.done() and reply.error is None:
            return reply.value
        try:
            return run.call(entry, reply, is_handed_over=True)
        except CryptoWSError as error:
            return error

    def history(
        self,
        method: str,
        *,
        start: Moment | None = None,
        end: Moment | None = None,
        progress: bool = False,
        timeout: float | None = None,
        **params: Any,
    ) -> Iterator[Any]:
        """Return all records of a method that tells a history, oldest first: nothing twice, nothing missing.

        Pages are asked for one by one, each when the records before are used up. After an error the iterator stands
        where it was: `next()` asks for the same page again. ::

            for trade in session.history("myTrades", symbol="BTCUSDT", start="2026-01-01", end="2026-02-01"):
                print(trade["time"], trade["price"], trade["qty"])

        Orders and order lists are found by the time of their last update, and told as they were at the call: one that
        changes while you read comes once, with its state at the call. (For that the call itself asks for the open
        ones.) With a `start` they come by that time, else by id.

        Args:
            method: Such as "klines", "trades.aggregate", "myTrades", "allOrders"; any other says which there are.
            start: First moment, inclusive: an aware datetime, ISO text with a zone (a bare date is its midnight,
                UTC), or milliseconds. By default the very first record.
            end: First moment beyond, so that adjoining ranges join; by default the moment of the call on the
                exchange's clock. For orders and lists a later one counts as that moment.
            progress: Show on stderr how far it has come: a bar where tqdm is installed, lines without it.
            timeout: Seconds for each page; the session's by default. Waits for limits are not counted.
            params: The method's other parameters, in snake_case or as the exchange spells them. `limit` is the length
                of a page, by default the longest. `from_id` (or the method's own name for it) is the first id to
                return, in place of `start`; methods without times know only this.

        Raises:
            InvalidParameter: The method has no history, or the arguments cannot be right; nothing was sent.
            RequestTimeout, ConnectionLost: No page within the timeout; `next()` goes on where it was.
            ApiError: The exchange refused; its kinds tell why.
            SessionClosed: The session is not running.

        Cost: the method's weight for each page. It waits for limits however long they hold, and may use all that they
        leave: give the session some `headroom` if other requests must not wait. A `start` long before the first record
        costs a few requests, at worst some dozens, and not one for each day, where ids ascend with time. Those of
        orders and lists do not: their histories cost one request (weight 20) for each day of the range, less the days
        before the first order, or two or three in all where there is no more than a page of them.
        """
        self._ready_run()
        # Loaded for those who ask for one.
        from crypto_ws_sync.session.history import PageDoor, open_history

        return open_history(
            PageDoor(self._ready_run, self._dialect, self._target.url),
            method,
            start=start,
            end=end,
            progress=progress,
            timeout=check_timeout(timeout, self._timeout),
            given=params,
        )

    def user_data(
        self, *, timeout: float | None = None, maxsize: int = 10_000
    ) -> session.user_data.UserDataStream:
        """Return the account's events as a context manager and blocking iterator.

        Works with any kind of key, survives reconnects, and tells of every gap; see `UserDataStream`. Streams of one
        session share one subscription on the exchange: the first one opened makes it, the last one closed ends it.

        Args:
            timeout: Seconds to wait for each event before TimeoutError; None: for ever.
            maxsize: Events that may wait to be read; beyond that the oldest are dropped, and a gap tells how many.

        Raises:
            InvalidParameter: The session has no key.
            ConfigError: An argument cannot be right.

        Cost: weight 2 when the first stream opens, when the last closes, and for each reconnect between.
        """
        seconds = None if timeout is None else check_timeout(timeout, self._timeout)
        # Loaded for those who listen.
        from crypto_ws_sync.session.user_data import UserDataStream, check_maxsize

        size = check_maxsize(maxsize)
        self._dialect.subscribe(False)  # refuses where there is no key
        return UserDataStream(self._ready_run, open_within=self._timeout, timeout=seconds, maxsize=size)

    # -- open outcomes ------------------------------------------------------------------------------------------

    def unresolved(self) -> list[UnresolvedOrder]:
        """Return the writes whose outcome is being looked up, oldest first.

        With a journal, first those that an earlier program left open, each until its `resolve()` has told its end: many
        are settled in the background before anybody can ask.
        """
        run = self._run
        if run is not None and run.engine is not None and not run.door.is_closed and not run.door.is_forked:
            run.check()
            questions = run.ask(run.engine.open_questions, self._timeout)
        else:
            questions = [write.question for write in self._book.open_writes()]
        orders = [self._unknown(question) for question in self._left_open.with_others(questions)]
        orders += [self._never_known(question) for question in self._left_open.aside()]
        return [UnresolvedOrder(order) for order in orders]

    def resolve_outcome(self, error: OutcomeUnknown, timeout: float | None = None) -> Any:
        """Return or raise what the call would have that ended with this error.

        Args:
            error: What the call raised, maybe in another process.
            timeout: Seconds to wait; the session's by default.

        Raises:
            OutcomeUnknown: The timeout ended first, or no look-up exists.
            SessionClosed: The session is not running.
        """
        deadline = time.monotonic() + check_timeout(timeout, self._timeout)
        try:
            run = self._ready_run(deadline)
        except ConnectionLost:
            raise error from None
        if not isinstance(error.question, Question):
            raise error
        waiter = OneAnswer(run.wakes)
        engine = run.engine
        assert engine is not None
        run.door.submit(engine.resolve(error.question, waiter))
        if not waiter.wait(deadline, LONGEST_WAIT):
            raise self._unknown(error.question)
        told = waiter.exception()
        if not isinstance(told, OutcomeUnknown) or told.__cause__ is None:
            # Its end, or that nothing can tell it: not that the session was stopped meanwhile.
            self._left_open.told(error.question)
        return waiter.take()

    def _unknown(self, question: Question) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"{question.method} may have been executed: do not repeat it, call resolve()",
            method=question.method,
            client_order_id=question.client_order_id,
            question=question,
            resolver=self._resolver,
        )

    def _never_known(self, question: Question) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"{question.method} may have been executed; its record is of another key or endpoint: settle it with a "
            "session that has those",
            method=question.method,
            client_order_id=question.client_order_id,
            resolver=self._resolver,
        )

    # -- small steps --------------------------------------------------------------------------------------------

    def _new_run(self) -> Run:
        if self._journal is None:
            return Run(self._new_context, self._book, self._name)
        # Loaded for those who keep one.
        from crypto_ws_sync.session.journal import Journal, account_mark
        from crypto_ws_sync.session.journaled_run import JournaledRun

        journal = Journal(
            self._journal,
            account_mark(*self._account),
            is_synced=self._journal_sync,
            name=f"{self._name} journal",
        )
        try:
            return JournaledRun(self._new_context, self._book, self._name, journal, self._left_open)
        except BaseException:
            journal.stop(0.5)
            raise

    def _ready_run(self, deadline: float | None = None) -> Run:
        run = self._run
        if run is None:
            run = self._run_after_start(deadline)
        run.check()
        return run

    def _run_after_start(self, deadline: float | None) -> Run:
        """Wait for a `start` that is under way in another thread; refuse where there is none.

        Raises:
            ConnectionLost: It took longer than the call has time.
        """
        starting = self._starting
        if starting is not None:
            if threading.get_ident() == starting.door.ident:
                starting.check()
            left = self._timeout if deadline is None else max(0.0, deadline - time.monotonic())
            if not wait_done(starting.begun, left):
                raise ConnectionLost(
                    "nothing was sent: another thread's start() did not connect within the time of this call"
                )
        run = self._run
        if run is not None:
            return run
        if self._was_started:
            raise SessionClosed("the session was stopped: start() it again")
        raise SessionClosed("the session is not started: call start(), or use it in a with statement")

    def _is_operational(self, orders: bool) -> bool:
        run = self._run
        if run is None or run.engine is None or run.door.is_forked or run.door.is_closed:
            return False
        return run.engine.is_operational(orders=orders)

    def _new_context(self, wake: Callable[[], None]) -> Context:
        moment = self._time
        monotonic = moment.monotonic()
        offset = self._ledgers.clock_offset(moment.monotonic)
        return Context(
            dialect=self._dialect,
            transport=WebSocketTransport(),
            target=self._target,
            time=moment,
            ledger=self._ledgers.gate(self._headroom, wake),
            clock=ServerClock(moment.wall() if offset is None else monotonic + offset, monotonic),
            counters=self._counters,
            resolver=self._resolver,
        )
