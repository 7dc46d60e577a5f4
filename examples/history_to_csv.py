"""Candles into a CSV file, which a second run carries on where the first one ended.

    python examples/history_to_csv.py candles.csv 2026-03-01 2026-03-03
    python examples/history_to_csv.py candles.csv 2026-03-01 2026-03-05      # adds two days

Ranges hold their start and not their end, so they join without a candle twice or missing.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from crypto_ws_sync import UserWSSession
from crypto_ws_sync.notebook import columns_of
from crypto_ws_sync.simulator import SimulatedExchange

SYMBOL, INTERVAL, STEP_MS = "BTCUSDT", "1h", 3_600_000


def last_open_time(path: Path) -> int | None:
    """Return when the file's last candle began, in milliseconds; None where there is none yet."""
    if not path.exists():
        return None
    with path.open(encoding="utf-8", newline="") as file:
        times = [int(row["openTime"]) for row in csv.DictReader(file)]
    return times[-1] if times else None


def append(session: UserWSSession, path: Path, start: str, end: str) -> int:
    """Add the candles that the file lacks; return how many."""
    last = last_open_time(path)
    columns = columns_of("klines")
    count = 0
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        if last is None:
            writer.writerow(columns)
        begin = start if last is None else last + STEP_MS
        candles = session.history(
            "klines", symbol=SYMBOL, interval=INTERVAL, start=begin, end=end, progress=sys.stderr.isatty()
        )
        for candle in candles:
            writer.writerow(candle[: len(columns)])
            count += 1
    return count


def main(path: Path, start: str, end: str) -> None:
    """Write the candles of a simulated market; for real ones give the session another endpoint, and no key."""
    with SimulatedExchange() as exchange, UserWSSession(endpoint=exchange.endpoint) as session:
        print(f"{append(session, path, start, end)} candles added to {path}")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(f"usage: python {sys.argv[0]} FILE.csv START END")
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
