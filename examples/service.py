"""A service: JSON logs on stderr, its status exported every ten seconds, an orderly end on SIGTERM.

    python examples/service.py --status status.json
    python examples/service.py --status status.json --account "Demo - Binance"

`examples/trading.service` runs it under systemd. Exit codes: 0 ended as told; 1 wrongly set up, or an order's
outcome is open at the end (the log names it); 75 could not connect, so trying again later may help.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import signal
import sys
import threading
from datetime import datetime, timezone
from pathlib import Path

from crypto_ws_sync import ConnectionFailed, CryptoWSError, StreamGap, UserWSSession, get_credentials
from crypto_ws_sync.simulator import SimulatedExchange

STOP_WITHIN = 8.0  # Seconds; less than systemd's TimeoutStopSec, which ends it by force.
TEMPORARY_FAILURE = 75

log = logging.getLogger("service")


class JsonLines(logging.Formatter):
    """One JSON object a line; what the library says of its life has an "event" to filter by."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as JSON."""
        line = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        event = getattr(record, "event", None)
        if event is not None:
            line["event"] = event
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def export_status(session: UserWSSession, path: Path) -> None:
    """Replace the file by one with the session's numbers; a reader never sees half of it."""
    scratch = path.with_suffix(".new")
    try:
        scratch.write_text(json.dumps(session.status().as_dict()), encoding="utf-8")
        os.replace(scratch, path)
    except OSError as error:
        # A full disk is no reason to stop trading.
        log.error("the status cannot be exported: %s", error, extra={"event": "status_failed"})
    else:
        log.info("status exported", extra={"event": "status"})


def follow(session: UserWSSession) -> None:
    """Log the account's events until the session stops."""
    try:
        for event in session.user_data():
            if isinstance(event, StreamGap):
                log.warning("%s", event, extra={"event": "gap"})
            else:
                log.info("%s", event["e"], extra={"event": "account"})
    except CryptoWSError as error:
        log.error("no more account events: %s", error, extra={"event": "events_ended"})


def serve(session: UserWSSession, stopping: threading.Event, status: Path, every: float) -> int:
    """Work until told to stop; return the exit code."""
    session.start()
    follower = threading.Thread(target=follow, args=(session,), name="account events")
    follower.start()
    try:
        while True:
            export_status(session, status)
            if stopping.wait(every):
                break
    finally:
        session.stop(STOP_WITHIN)
        follower.join()
    left = [order.client_order_id for order in session.unresolved()]
    if left:
        log.error("the outcome of %s is open", ", ".join(map(str, left)), extra={"event": "left_open"})
        return 1
    log.info("stopped", extra={"event": "stopped"})
    return 0


def main() -> int:
    """Run the service; return the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--account", help="of the config file; a simulated exchange by default")
    parser.add_argument("--status", type=Path, default=Path("status.json"), help="where to export the status")
    parser.add_argument("--every", type=float, default=10.0, help="seconds between two exports")
    arguments = parser.parse_args()
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])

    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())

    with contextlib.ExitStack() as stack:
        try:
            if arguments.account is None:
                exchange = stack.enter_context(SimulatedExchange())
                key, secret, endpoint = exchange.api_key, exchange.api_secret, exchange.endpoint
            else:
                *_, key, secret, endpoint = get_credentials(arguments.account)
            return serve(
                UserWSSession(key, secret, endpoint=endpoint), stopping, arguments.status, arguments.every
            )
        except ConnectionFailed as error:
            log.error("%s", error, extra={"event": "not_connected"})
            return TEMPORARY_FAILURE
        except CryptoWSError as error:
            log.error("%s: %s", type(error).__name__, error, extra={"event": "failed"})
            return 1


if __name__ == "__main__":
    sys.exit(main())
