"""A picture of the candles that `history_to_csv.py` has written.

    python examples/history_to_csv.py candles.csv 2026-03-01 2026-03-05
    python examples/history_to_chart.py candles.csv candles.png

Needs matplotlib, which the extra `notebook` brings. The file's ending chooses the format: .png, .svg, .pdf.
"""

from __future__ import annotations

import csv
import sys
from datetime import datetime, timezone
from importlib import import_module
from pathlib import Path
from typing import Any

RISING, FALLING = "#2a9d6f", "#cc4b5c"
WIDTH = 0.7  # of the time from one candle to the next


def read(path: Path) -> list[dict[str, float]]:
    """Return the candles of a file; times in milliseconds, the rest as numbers to draw with."""
    with path.open(encoding="utf-8", newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def moments(candles: list[dict[str, float]]) -> list[datetime]:
    """Return when each candle began."""
    return [datetime.fromtimestamp(candle["openTime"] / 1000, timezone.utc) for candle in candles]


def draw(candles: list[dict[str, float]], path: Path) -> None:
    """Write a picture of prices above, of volumes below."""
    try:
        from matplotlib.figure import Figure

        dates: Any = import_module("matplotlib.dates")  # whose functions are not typed
    except ImportError:
        sys.exit('this example needs matplotlib: pip install "crypto_ws_sync[notebook]"')
    step = (candles[0]["closeTime"] + 1 - candles[0]["openTime"]) / 86_400_000 * WIDTH
    figure = Figure(figsize=(10, 5), layout="constrained")
    prices, volumes = figure.subplots(2, sharex=True, height_ratios=[3, 1])
    for colour, is_rising in ((RISING, True), (FALLING, False)):
        chosen = [candle for candle in candles if (candle["close"] >= candle["open"]) is is_rising]
        times: Any = moments(chosen)
        column = {name: [candle[name] for candle in chosen] for name in candles[0]}
        bodies = [candle["close"] - candle["open"] for candle in chosen]
        prices.vlines(times, column["low"], column["high"], color=colour, linewidth=1)
        prices.bar(times, bodies, step, bottom=column["open"], color=colour)
        volumes.bar(times, column["volume"], step, color=colour)
    prices.set_ylabel("price")
    volumes.set_ylabel("volume")
    for axes in (prices, volumes):
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    locator = dates.AutoDateLocator()
    volumes.xaxis.set_major_locator(locator)
    volumes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))
    figure.savefig(path)


def main(source: Path, picture: Path) -> None:
    """Draw a file's candles."""
    candles = read(source)
    if not candles:
        sys.exit(f"there are no candles in {source}")
    draw(candles, picture)
    print(f"{len(candles)} candles in {picture}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(f"usage: python {sys.argv[0]} FILE.csv PICTURE.png")
    main(Path(sys.argv[1]), Path(sys.argv[2]))
