"""Trades for an hour while things go wrong now and then: does anything grow?

    python -m tests.benchmarks.soak --minutes 60

A few threads place, cancel, replace and amend; a stream is read; answers are lost, late and doubled as in
`tests.benchmarks.chaos`; connections are dropped, stalled and replaced, the exchange's clock jumps, addresses are shut
out for a moment; other sessions come and go, some of them forgotten without `stop()`. The exchange has a process of its
own, so that what it remembers does not count. Memory, file descriptors, threads, tasks, tables and clock are sampled;
when the first minutes have filled the tables that have a bound, nothing may grow any more. Exit status 1 if it does,
if an error comes that callers are not promised, or if something is left behind at the end.
"""

from __future__ import annotations

import argparse
import gc
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from crypto_ws_sync import ConnectionFailed, CryptoWSError, OutcomeUnknown, StreamGap, UserWSSession
from tests.benchmarks.chaos import BALANCES, PLENTY, plan_faults
from tests.benchmarks.chaos_trading import SWEPT, TRADED, Call, Sweeper, Tally, Trader
from tests.benchmarks.remote_exchange import RemoteExchange
from tests.benchmarks.soak_gauges import GAUGES, Trend, judge, read_process, read_session

__all__ = ["run"]

RECV_WINDOW = 1500
FILLED = 1000
"""Verdicts after which the session forgets older ones: the warm-up loses so many answers."""
APART = {"drop": 41.0, "notice": 67.0, "stall": 151.0, "skew": 97.0, "ban": 307.0, "visit": 23.0}
"""Seconds between two troubles of a kind, in a run of an hour."""
SKEW_SETTLES = 30.0
END_WITHIN = 60.0


class Pace(Tally):
    """Lets so many writes begin each second, until it is told to end; counts what came of them.

    Owner: shared, guarded by self.lock.
    """

    def __init__(self, rate: float) -> None:
        super().__init__(orders=0)
        self.over = threading.Event()
        self.kinds: Counter[str] = Counter()
        self.resolved = 0
        self._rate = rate
        self._next = time.monotonic()

    def take(self) -> bool:
        """Begin one more when it is time; False when the run is over."""
        with self.lock:
            self.begun += 1
            self._next = max(self._next + 1 / self._rate, time.monotonic() - 1)
            wait = self._next - time.monotonic()
        return not self.over.wait(max(0.0, wait))

    def add(self, call: Call) -> None:
        """Count a call that has ended."""
        with self.lock:
            self.kinds["answered" if call.is_done else type(call.outcome).__name__] += 1
            self.resolved += call.had_to_resolve
            if isinstance(call.outcome, OutcomeUnknown):
                self.wrong.append(f"never resolved: {call.outcome}")

    def fail(self, words: str) -> None:
        """Note what must not have happened."""
        with self.lock:
            self.wrong.append(words)


class Reader:
    """Reads the account's events until its session stops.

    Owner: its own thread, but for what is read of it.
    """

    def __init__(self, session: UserWSSession) -> None:
        self._session = session
        self.events = self.gaps = 0

    def run(self) -> None:
        """Read."""
        with self._session.user_data(timeout=None) as stream:
            for event in stream:
                if isinstance(event, StreamGap):
                    self.gaps += 1
                else:
                    self.events += 1


class Troubles:
    """What goes wrong by the clock, each kind at its own interval.

    Owner: the main thread.
    """

    def __init__(self, exchange: RemoteExchange, seed: int, hurry: float) -> None:
        self._exchange = exchange
        self._random = random.Random(f"troubles {seed}")
        self._apart = {kind: seconds / hurry for kind, seconds in APART.items()}
        self._settles = SKEW_SETTLES / min(hurry, 10.0)
        self._due = {kind: time.monotonic() + seconds for kind, seconds in self._apart.items()}
        self._skew, self._skewed_at = 0.0, float("-inf")
        self.counts: Counter[str] = Counter()

    @property
    def skew(self) -> float | None:
        """Seconds by which the exchange's clock is ahead; None where callers may not have noticed yet."""
        return self._skew if time.monotonic() - self._skewed_at > self._settles else None

    def strike(self) -> None:
        """Have go wrong what is due."""
        deeds: dict[str, Callable[[], None]] = {
            "drop": lambda: self._exchange.fault("drop_all"),
            "notice": lambda: self._exchange.fault("announce_shutdown"),
            "stall": lambda: self._exchange.fault("stall_all"),
            "ban": lambda: self._exchange.fault("ban", 3.0),
            "skew": self._set_clock,
            "visit": self._visit,
        }
        for kind, deed in deeds.items():
            if time.monotonic() >= self._due[kind]:
                deed()
                self.counts[kind] += 1
                self._due[kind] = time.monotonic() + self._apart[kind] * self._random.uniform(0.7, 1.3)

    def _set_clock(self) -> None:
        # Timestamps that go by the old time are refused both ways, so the next order notices.
        self._skew = 0.0 if self._skew else self._random.choice([-4.0, 4.0])
        self._skewed_at = time.monotonic()
        self._exchange.fault("skew_clock", self._skew)

    def _visit(self) -> None:
        """Open another session, use it a little, and stop it or forget it."""
        exchange = self._exchange
        visitor = UserWSSession(
            exchange.api_key, exchange.api_secret, endpoint=exchange.endpoint, timeout=8.0
        )
        try:
            visitor.start()
            with visitor.user_data(timeout=1.0):
                visitor.handle_requests([("time", None)] * 20 + [("account.status", None)])
            visitor.submit("ping")
        except ConnectionFailed:
            self.counts["visits refused"] += 1
        except CryptoWSError as error:
            self.counts[f"visits ended by {type(error).__name__}"] += 1
        if self._random.random() < 0.5:
            visitor.stop()


def _fill(session: UserWSSession, exchange: RemoteExchange, tally: Pace, verdicts: int, seed: int) -> None:
    """Lose answers until the session keeps as many verdicts as it ever will."""
    exchange.faults.unavailable(executed=True, status=504, method="order.*", probability=0.5, seed=seed)
    while sum(session.status().counters[f"verdict_{kind}"] for kind in ("executed", "refused")) < verdicts:
        tally.over.wait(0.2)
    exchange.faults.clear()


def _sample(session: UserWSSession, troubles: Troubles) -> dict[str, float]:
    return {"clock": 0.0, **read_process(), **read_session(session, troubles.skew)}


def run(
    seconds: float,
    *,
    threads: int = 8,
    rate: float = 15.0,
    every: float = 10.0,
    seed: int = 1,
    verdicts: int = FILLED,
    warm_up: float = 180.0,
    slack: float = 1.0,
) -> tuple[list[Trend], list[str]]:
    """Trade; return how each gauge went, and what must not have happened.

    Args:
        seconds: For how long, the warm-up not counted.
        threads: That trade.
        rate: Writes a second.
        every: Seconds between two samples.
        seed: The same one plans the same faults.
        verdicts: So many answers are lost in the warm-up.
        warm_up: Seconds of trading after that before samples count.
        slack: Times as much slack, for a run too short to settle.
    """
    tally = Pace(rate)
    samples: list[dict[str, float]] = []
    with RemoteExchange(
        seed=seed, rate_limits=PLENTY, symbols=[TRADED, SWEPT], balances=BALANCES
    ) as exchange:
        session = UserWSSession(
            exchange.api_key,
            exchange.api_secret,
            endpoint=exchange.endpoint,
            recv_window=RECV_WINDOW,
            on_limit="wait",
        )
        with session:
            # What the first loop of a process opens once for all of them (uvloop does) is no leak.
            session.ping()
        before = read_process()
        with session:
            reader = Reader(session)
            pool = _start(session, tally, threads, seed, reader)
            _fill(session, exchange, tally, verdicts, seed)
            plan_faults(exchange.faults, seed, 0.004)
            # A short run has some of everything, too.
            hurry = min(max(1.0, 600 / seconds), 20.0)
            troubles = Troubles(exchange, seed, hurry)
            began = time.monotonic()
            print(f"{'':18}", " ".join(f"{gauge.name:>8}" for gauge in GAUGES), flush=True)
            while time.monotonic() - began < warm_up + seconds:
                tally.over.wait(min(every, 1.0))
                troubles.strike()
                at = time.monotonic() - began
                if at >= warm_up + every * len(samples):
                    samples.append(_sample(session, troubles))
                    print(_line(at, tally.begun, samples[-1]), flush=True)
            tally.over.set()
            exchange.faults.clear()
            exchange.fault("skew_clock", 0.0)
            for thread in pool:
                thread.join(END_WITHIN)
            _quiet(session, exchange, tally)
            print(session.status())
            print("troubles:", dict(troubles.counts), f"{reader.events} events, {reader.gaps} gaps")
        _look_behind(before, tally)
    print("writes:", dict(tally.kinds), f"{tally.resolved} needed resolve()")
    return judge(samples, slack), tally.wrong


def _start(
    session: UserWSSession, tally: Pace, threads: int, seed: int, reader: Reader
) -> list[threading.Thread]:
    """Begin to trade, and to read the stream; return the threads that trade."""
    session.handle_request("exchangeInfo")
    prices = [
        int(float(session.handle_request("ticker.price", {"symbol": symbol})["price"]))
        for symbol in (TRADED, SWEPT)
    ]
    callers: list[Trader | Sweeper] = [Sweeper(0, session, tally, seed, prices[1])]
    callers += [Trader(number, session, tally, seed, prices[0]) for number in range(1, threads)]

    def trade(caller: Trader | Sweeper) -> None:
        try:
            caller.run()
        except Exception as error:
            tally.fail(f"a trading thread ended: {error!r}")

    pool = [threading.Thread(target=trade, args=(caller,), daemon=True) for caller in callers]
    for thread in [*pool, threading.Thread(target=reader.run, daemon=True)]:
        thread.start()
    return pool


def _quiet(session: UserWSSession, exchange: RemoteExchange, tally: Pace) -> None:
    """Let everything end; what is in flight or reserved after that was forgotten."""
    for order in session.unresolved():
        try:
            order.resolve(timeout=END_WITHIN)
        except OutcomeUnknown:
            tally.fail(f"never resolved: {order}")
        except CryptoWSError:
            continue
    exchange.fault("drop_all")
    deadline = time.monotonic() + END_WITHIN
    left: dict[str, float] = {}
    while time.monotonic() < deadline:
        found = read_session(session, None)
        left = {name: found[name] for name in ("pending", "waiting", "open", "reserved") if found[name]}
        if not left and found["lines"] == 1:
            return
        threading.Event().wait(0.05)
    tally.fail(f"left when all had ended: {left}")


def _look_behind(before: Mapping[str, float], tally: Pace) -> None:
    """See that no thread and no file descriptor is left when the session has stopped."""
    deadline = time.monotonic() + END_WITHIN
    while True:
        gc.collect()
        after = read_process()
        left = {
            name: after[name] - before[name] for name in ("threads", "files") if after[name] > before[name]
        }
        if not left:
            return
        if time.monotonic() >= deadline:
            tally.fail(f"left after stop(): {left}")
            return
        threading.Event().wait(0.05)


def _line(at: float, begun: int, sample: Mapping[str, float]) -> str:
    return f"{at:7.0f} s {begun:8}  " + " ".join(f"{sample[gauge.name]:8.1f}" for gauge in GAUGES)


def report(trends: Sequence[Trend], wrong: Sequence[str]) -> int:
    """Print the verdict; return the exit status."""
    for trend in trends:
        verdict = "flat" if trend.is_flat else "GROWS"
        print(
            f"{verdict:6} {trend.gauge.name:9} {trend.first:9.2f} -> {trend.last:9.2f}  "
            f"({trend.least:.2f} to {trend.most:.2f})  {trend.gauge.what}"
        )
    for problem in wrong[:50]:
        print("WRONG", problem)
    growing = [trend.gauge.name for trend in trends if not trend.is_flat]
    print(f"{len(growing)} grow, {len(wrong)} wrong")
    return 1 if growing or wrong else 0


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="after the warm-up")
    parser.add_argument("--warm-up", type=float, default=180.0, help="seconds that do not count")
    parser.add_argument("--verdicts", type=int, default=FILLED, help="answers lost in the warm-up")
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--rate", type=float, default=15.0, help="writes a second")
    parser.add_argument("--every", type=float, default=10.0, help="seconds between two samples")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--slack", type=float, default=1.0, help="times as much, for a run too short to settle"
    )
    options = parser.parse_args()
    trends, wrong = run(
        options.minutes * 60,
        threads=options.threads,
        rate=options.rate,
        every=options.every,
        seed=options.seed,
        verdicts=options.verdicts,
        warm_up=options.warm_up,
        slack=options.slack,
    )
    return report(trends, wrong)


if __name__ == "__main__":
    sys.exit(main())
