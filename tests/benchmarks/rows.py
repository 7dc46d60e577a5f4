"""The rows that are measured, and what each must reach."""

from __future__ import annotations

import fnmatch
import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.benchmarks.operations import OPERATIONS
from tests.benchmarks.rig import Rig, Spot, ratio_of_rates, ratios_of_times

__all__ = ["Row", "Target", "chosen", "rows"]

Measure = Callable[[Rig, Spot, Spot], "dict[str, float]"]
"""One round: rig, base, who is measured -> figure by name of the row."""

WIDTH = 32
TIMES_A_TURN = 60
SECONDS_A_TURN = 0.1
"""Which is more, unless the server waits before it answers."""


@dataclass(frozen=True)
class Target:
    """What a figure must reach, and what is aimed at, with the extra `speed` and without."""

    must: float
    aim: float
    aim_with_speed: float | None = None

    def aims(self, with_speed: bool) -> float:
        """Return what is aimed at."""
        return self.aim_with_speed if with_speed and self.aim_with_speed is not None else self.aim


@dataclass(frozen=True)
class Row:
    """One figure: its unit ("" for a ratio to the base), and whether more of it is better."""

    name: str
    target: Target | None = None
    target_tls: Target | None = None
    is_more_better: bool = False
    unit: str = ""

    def targets(self, rig: Rig) -> Target | None:
        """Return what it must reach on a rig; the targets are for a server that answers at once."""
        if rig.delay:
            return None
        return self.target_tls if rig.is_tls and self.target_tls is not None else self.target

    def holds(self, figure: float, wanted: float) -> bool:
        """Tell whether a figure is good enough, as it is printed."""
        figure = round(figure, 2)
        return figure >= wanted if self.is_more_better else figure <= wanted


@dataclass
class Group:
    """Rows that come from one measurement, of clients that have what it needs."""

    measure: Measure
    needs: str
    rows: list[Row] = field(default_factory=list)


def _turns(rig: Rig) -> dict[str, Any]:
    """Return how many calls make a turn, how long it lasts, and how many turns make a round."""
    if rig.delay:
        return {"count": max(3, int(0.04 / rig.delay)), "turns": 2}
    if not rig.settle:
        return {"count": TIMES_A_TURN, "turns": 4}
    return {"count": TIMES_A_TURN, "seconds": SECONDS_A_TURN, "turns": 2}


def _latency(method: str) -> Measure:
    def measure(rig: Rig, base: Spot, spot: Spot) -> dict[str, float]:
        ratios = ratios_of_times(rig, base, spot, method, **_turns(rig))
        return {f"{method} p{share}": ratio for share, ratio in ratios.items()}

    return measure


def _rate(way: str, method: str, width: int, name: str) -> Measure:
    def measure(rig: Rig, base: Spot, spot: Spot) -> dict[str, float]:
        seconds = 0.08 if width <= 32 else 0.15
        per_second, cpu = ratio_of_rates(rig, base, spot, way, method, width, seconds=seconds, turns=3)
        return {f"{method}/s {name}": per_second, f"{method} CPU {name}": cpu}

    return measure


def _big(size: int) -> Measure:
    def measure(rig: Rig, base: Spot, spot: Spot) -> dict[str, float]:
        params = {"bytes": size * 10**6}
        ratios = ratios_of_times(rig, base, spot, "big", count=1, turns=3, params=params)
        return {f"{size} MB answer": ratios[50]}

    return measure


def _events(rig: Rig, base: Spot, spot: Spot) -> dict[str, float]:
    of_base, told = [], []
    for _ in range(3):
        of_base.append(rig.ask(base, "events", count=1000)["per_second"])
        told.append(rig.ask(spot, "events", count=1000)["per_second"])
    return {"events/s user_data": statistics.median(told) / statistics.median(of_base)}


def _fresh(rig: Rig, base: Spot, spot: Spot) -> dict[str, float]:
    of_base, ours = rig.fresh(base), rig.fresh(spot)
    return {
        "start to first answer": ours["first"] / of_base["first"],
        "import": ours["import"] / of_base["import"],
        "import seconds": ours["import"],
        "idle memory, resident": (ours["rss"] - of_base["rss"]) / 1000,
        "idle memory, private": (ours["private"] - of_base["private"]) / 1000,
        "idle threads": ours["threads"] - of_base["threads"],
    }


def _held(rig: Rig, base: Spot, spot: Spot) -> dict[str, float]:
    return {f"held by {method} in flight": held["size"] / 1000 for method, held in rig.held(spot).items()}


def rows() -> list[Group]:
    """Return everything that is measured, in the order of printing."""
    groups = []
    for method, target, target_tls in (
        ("time", Target(2.0, 1.6), Target(1.9, 1.3)),
        ("order.place", Target(2.0, 1.6), None),
        ("depth", Target(1.8, 1.4), None),
    ):
        found = [
            Row(f"{method} p50", target, target_tls),
            Row(f"{method} p10"),
            Row(f"{method} p99"),
        ]
        groups.append(Group(_latency(method), method, found))
    threads: dict[str, dict[int, Target | None]] = {
        "time": {1: None, 8: Target(0.9, 1.2), 32: Target(1.05, 1.5, 1.8), 128: Target(1.0, 1.4, 1.8)},
        "order.place": {1: None, 8: Target(0.7, 1.0), 32: Target(0.85, 1.2), 128: Target(0.85, 1.2)},
    }
    for method, by_number in threads.items():
        for number, wanted in by_number.items():
            name = f"{number} threads"
            cpu = Target(1.7, 1.2) if number == 32 else None
            found = [
                Row(f"{method}/s {name}", wanted, is_more_better=True),
                Row(f"{method} CPU {name}", cpu),
            ]
            groups.append(Group(_rate("threads", method, number, name), method, found))
    for method, way, name, wanted in (
        ("time", "batch", f"handle_requests of {WIDTH}", Target(2.4, 3.0, 4.5)),
        ("order.place", "batch", f"handle_requests of {WIDTH}", Target(1.6, 2.4, 3.0)),
        ("time", "window", f"submit window of {WIDTH}", Target(1.4, 1.8)),
        ("order.place", "window", f"submit window of {WIDTH}", Target(1.05, 1.4)),
    ):
        found = [
            Row(f"{method}/s {name}", wanted, is_more_better=True),
            Row(f"{method} CPU {name}"),
        ]
        groups.append(Group(_rate(way, method, WIDTH, name), way, found))
    groups.append(Group(_events, "events", [Row("events/s user_data", is_more_better=True)]))
    groups.extend(
        Group(_big(size), "batch", [Row(f"{size} MB answer", Target(1.3, 1.1))]) for size in (5, 20)
    )
    fresh = [
        Row("start to first answer", Target(1.9, 1.3)),
        Row("import"),
        Row("import seconds", unit="s"),
        Row("idle memory, resident", Target(15, 6), unit="MB above"),
        Row("idle memory, private", unit="MB above"),
        Row("idle threads", Target(1, 1), unit="above"),
    ]
    groups.append(Group(_fresh, "batch", fresh))
    held = [Row(f"held by {method} in flight", unit="KB") for method in OPERATIONS]
    groups.append(Group(_held, "batch", held))
    return groups


def chosen(patterns: Iterable[str]) -> list[Group]:
    """Return the rows that match one of some patterns, with what measures them."""
    patterns = list(patterns) or ["*"]
    found = []
    for group in rows():
        kept = [row for row in group.rows if any(fnmatch.fnmatch(row.name, each) for each in patterns)]
        if kept:
            found.append(Group(group.measure, group.needs, kept))
    return found
