"""A program that forks while its session runs; prints as JSON what parent and child found.

    python forking_program.py ENDPOINT API_KEY API_SECRET EXIT

EXIT says how the child ends: "exit" (the interpreter is torn down) or "_exit" (as multiprocessing does it).
"""

from __future__ import annotations

import gc
import json
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from crypto_ws_sync import CryptoWSError, UserWSSession

ENDPOINT, API_KEY, API_SECRET, EXIT = sys.argv[1:5]
ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.001"}


def told(call: Callable[[], Any]) -> str:
    """Return what a call raises, and its words."""
    try:
        return repr(call())
    except CryptoWSError as error:
        return f"{type(error).__name__}: {error}"


def wakes_taken(session: UserWSSession) -> int:
    """Return how many wakes come in here, of as many for the callers of the parent."""
    run = session._run
    assert run is not None
    seats = [seat for made in run.seats.made if (seat := made()) is not None]
    taken = 0
    for seat in seats * 50:
        seat()
        taken += len(seat.rung.poll(0))
    return taken


def in_the_child(session: UserWSSession, events: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "wakes taken": wakes_taken(session),
        "request": told(lambda: session.handle_request("ping")),
        "typed": told(session.ping),
        "submit": told(lambda: session.submit("ping")),
        "many": told(lambda: session.handle_requests([("ping", None)])),
        "order": told(lambda: session.handle_request("order.place", ORDER)),
        "start": told(session.start),
        "wait": told(lambda: session.wait_operational(1)),
        "event": told(lambda: next(events)),
        "operational": told(lambda: session.operational_status),
    }
    with UserWSSession(API_KEY, API_SECRET, endpoint=ENDPOINT) as own:
        found["own session"] = own.ping()
    session.stop()
    events.close()
    return found


def main() -> None:
    session = UserWSSession(API_KEY, API_SECRET, endpoint=ENDPOINT).start()
    events = session.user_data(timeout=5)
    events.open()
    over, answered, failed = threading.Event(), [0], [0]

    def read() -> None:
        while not over.is_set():
            try:
                session.ping()
                answered[0] += 1
            except CryptoWSError:
                failed[0] += 1

    # Locks are held and requests are under way while the process is copied.
    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        found = in_the_child(session, events)
        del session, events
        gc.collect()
        with os.fdopen(theirs, "w") as pipe:
            json.dump(found, pipe)
        if EXIT == "_exit":
            os._exit(0)
        sys.exit(0)
    os.close(theirs)
    with os.fdopen(ours) as pipe:
        child_found = json.load(pipe)
    _, status = os.waitpid(child, 0)
    over.set()
    for reader in readers:
        reader.join()
    placed = session.handle_request("order.place", ORDER)
    event = next(events)
    report = session.status()
    parent = {
        "order": placed["status"],
        "event": event["e"] if isinstance(event, dict) else repr(event),
        "reconnects": dict(report.reconnects),
        "answered": answered[0],
        "failed": failed[0],
        "loop": type(asyncio_loop(session)).__module__,
    }
    events.close()
    session.stop()
    print(json.dumps({"child": child_found, "parent": parent, "status": status}))


def asyncio_loop(session: UserWSSession) -> Any:
    """Return the session's loop, to tell which kind it is."""
    run = session._run
    assert run is not None
    return run.door._loop


if __name__ == "__main__":
    main()
