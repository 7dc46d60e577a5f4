"""One client in a process of its own, doing what it is told: a line of JSON in, a line of JSON out.

    python -m tests.benchmarks.contender NAME URL [CA_FILE]

It imports nothing but the standard library and its client, so that peers run in environments of their own.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.benchmarks.clients import Client, open_client
from tests.benchmarks.operations import OPERATIONS

__all__ = ["Contender"]

COLD = 4
"""Calls at the beginning of a slice that are not timed: while others ran, the caches were theirs."""


class _Pool:
    """Threads that work for a while when told to.

    Owner: shared; its barriers keep the turns apart.
    """

    def __init__(self, number: int) -> None:
        self._counts = [0] * number
        self._begin = threading.Barrier(number + 1)
        self._end = threading.Barrier(number + 1)
        self._until = 0.0
        self._failure: Exception | None = None
        self._work: Callable[[], object] = int
        for place in range(number):
            threading.Thread(target=self._run, args=(place,), daemon=True).start()

    def _run(self, place: int) -> None:
        while True:
            self._begin.wait()
            work, until, count = self._work, self._until, 0
            try:
                while time.perf_counter() < until:
                    work()
                    count += 1
            except Exception as error:
                self._failure = error
            self._counts[place] = count
            self._end.wait()

    def work(self, work: Callable[[], object], seconds: float) -> int:
        """Have all work for so long; return how often they did."""
        self._work, self._until = work, time.perf_counter() + seconds
        self._begin.wait()
        self._end.wait()
        if self._failure is not None:
            raise self._failure
        return sum(self._counts)


class Contender:
    """A client and what can be measured of it.

    Owner: the main thread.
    """

    def __init__(self, client: Client) -> None:
        self._client: Any = client
        self._pools: dict[int, _Pool] = {}

    def can(self) -> list[str]:
        """Tell which methods of the exchange and which of the optional ways the client has."""
        ways = [name for name in ("batch", "window", "events") if hasattr(self._client, name)]
        return [*getattr(self._client, "methods", OPERATIONS), *ways]

    def latency(
        self,
        method: str,
        count: int,
        params: dict[str, Any] | None = None,
        seconds: float = 0.0,
        settle: float = 0.0,
    ) -> dict[str, Any]:
        """Time single calls: so many, and for as long as that after the first that are not timed."""
        call, params, taken = self._client.call, params or OPERATIONS.get(method), []
        clock = time.perf_counter
        cold = COLD if count > 2 * COLD else 0
        timed_from, timed_until = clock() + settle, clock() + settle + seconds
        while cold > 0 or clock() < timed_from:
            call(method, params)
            cold -= 1
        while len(taken) < count or clock() < timed_until:
            began = clock()
            call(method, params)
            taken.append(clock() - began)
        return {"times": taken}

    def rate(
        self, way: str, method: str, seconds: float, width: int = 1, settle: float = 0.0
    ) -> dict[str, Any]:
        """Ask in one way, for as long as that after a while that does not count.

        Returns:
            Requests a second, and CPU seconds a request.
        """
        client, params = self._client, OPERATIONS[method]
        if way == "batch":
            work, each = partial(client.batch, method, params, width), width
        elif way == "window":
            work, each = partial(client.window, method, params, 8 * width, width), 8 * width
        else:
            work, each = partial(client.call, method, params), 1

        def work_for(seconds: float) -> int:
            if way == "threads":
                pool = self._pools.get(width) or self._pools.setdefault(width, _Pool(width))
                return pool.work(work, seconds)
            count, until = 0, time.perf_counter() + seconds
            while time.perf_counter() < until:
                work()
                count += each
            return count

        work()
        work_for(settle)
        cpu, began = time.process_time(), time.perf_counter()
        count = work_for(seconds)
        taken = time.perf_counter() - began
        return {"per_second": count / taken, "cpu": (time.process_time() - cpu) / count}

    def events(self, count: int) -> dict[str, Any]:
        """Read events; return how many a second."""
        began = time.perf_counter()
        self._client.events(count)
        return {"per_second": count / (time.perf_counter() - began)}


def main() -> None:
    """Serve commands until the input ends."""
    told = os.fdopen(os.dup(1), "w")
    # What a library prints is not for the one who asks.
    os.dup2(2, 1)
    name, url, *rest = sys.argv[1:]
    try:
        client = open_client(name, url, rest[0] if rest else None)
    except ImportError as error:
        print(json.dumps({"missing": str(error)}), file=told, flush=True)
        return
    contender = Contender(client)
    print(json.dumps({"can": contender.can()}), file=told, flush=True)
    for line in sys.stdin:
        what = json.loads(line)
        try:
            answer = getattr(contender, what.pop("do"))(**what)
        except Exception as error:
            answer = {"failed": repr(error)}
        print(json.dumps(answer), file=told, flush=True)
    client.close()
    os._exit(0)


if __name__ == "__main__":
    main()
