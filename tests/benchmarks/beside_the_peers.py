"""The session beside its peers and a matcher written by hand, each as a ratio to the floor's one thread.

    python -m tests.benchmarks.beside_the_peers [--environments FOLDER] [--only PATTERN ...] [--tls] [--rounds 5]
                                                [--settle 0.05]

The floor is bare websocket-client in one thread. A peer is measured where it is installed: in an environment of its own
at FOLDER/<name of the package>, or else in this one; which ones are not is told first. The session, the floor and the
matcher likewise run at FOLDER/crypto_ws_sync, if there is one: what else an environment holds slows every start in it,
so that a start here beside a start in a small one compares environments. All run in short turns against
one server in a process of its own, each client in another, which stands still while the others run. For times smaller
is better, for requests a second larger is. Exit status 1 if a peer is ahead of the session in a row.
"""

from __future__ import annotations

import argparse
import collections
import fnmatch
import statistics
import sys
from pathlib import Path

from tests.benchmarks.beside_the_floor import ask_about
from tests.benchmarks.rig import SETTLE, Failed, Missing, Rig, Spot
from tests.benchmarks.rows import Group, Row, chosen

PEERS = {
    "binance-sdk-spot": "binance_sdk_spot",
    "binance-connector": "binance_connector",
    "python-binance": "python_binance",
    "unicorn-binance-websocket-api": "unicorn",
    "crypto-ws-api": "crypto_ws_api",
    "ccxt": "ccxt_pro",
}
"""Name of the package -> module of its adapter."""

PATTERNS = ("* p50", "* p99", "*/s *threads", "*CPU *threads")


def _first(rig: Rig, base: Spot, spot: Spot) -> dict[str, float]:
    # What was last read minutes ago, while others ran, comes more slowly: the first start does not count.
    rig.first_answer(spot)
    of_base, of_spot = zip(*((rig.first_answer(base), rig.first_answer(spot)) for _ in range(3)), strict=True)
    return {"start to first answer": statistics.median(of_spot) / statistics.median(of_base)}


def _groups(patterns: list[str]) -> list[Group]:
    start = Row("start to first answer")
    groups = [group for group in chosen(patterns or PATTERNS) if group.rows[0].name != start.name]
    if not patterns or any(fnmatch.fnmatch(start.name, pattern) for pattern in patterns):
        # In the same way for all, peers included.
        groups.append(Group(_first, "", [start]))
    return groups


def _python_of(package: str, environments: Path | None) -> str:
    """Return the interpreter of the environment that has a package."""
    if environments is not None and (environments / package).is_dir():
        return str(environments / package / "bin" / "python")
    return sys.executable


def _spots(rig: Rig, environments: Path | None) -> list[Spot]:
    """Return whom to measure, and tell who is not there."""
    python = _python_of("crypto_ws_sync", environments)
    found = [Spot("session", python), Spot("matcher", python)]
    for package, module in PEERS.items():
        spot = Spot(module, _python_of(package, environments))
        try:
            print(f"{module}: {', '.join(rig.can(spot))}", flush=True)
            found.append(spot)
            rig.rest(spot)
        except Missing:
            print(f"{module}: {package} is not installed", flush=True)
        except Failed as error:
            print(f"{module}: cannot be run here: {error}", flush=True)
    return found


def _round(
    rig: Rig,
    base: Spot,
    spots: list[Spot],
    groups: list[Group],
    found: dict[tuple[str, Spot], list[float]],
    failed: set[tuple[str, Spot]],
) -> None:
    rig.renew()
    for group in groups:
        for spot in spots:
            name = group.rows[0].name
            if (name, spot) in failed or (group.needs and group.needs not in rig.can(spot)):
                continue
            try:
                for row, figure in group.measure(rig, base, spot).items():
                    found[row, spot].append(figure)
            except Failed as error:
                print(f"{name}: {spot.name} failed: {error}", file=sys.stderr, flush=True)
                failed.add((name, spot))
                rig.drop(spot)
            rig.rest(spot)


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--environments", type=Path, help="folder of one environment for each peer")
    parser.add_argument("--only", action="append", default=[], help="rows to measure, such as 'time p50'")
    parser.add_argument("--tls", action="store_true", help="wss:// instead of ws://")
    parser.add_argument("--settle", type=float, default=SETTLE, help="seconds of a turn that do not count")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    python = _python_of("crypto_ws_sync", options.environments)
    print(f"{ask_about(python)}; {'wss' if options.tls else 'ws'}")
    base, groups = Spot("floor", python), _groups(options.only)
    found: dict[tuple[str, Spot], list[float]] = collections.defaultdict(list)
    failed: set[tuple[str, Spot]] = set()
    ahead = []
    with Rig(tls=options.tls, settle=options.settle) as rig:
        spots = _spots(rig, options.environments)
        for _ in range(options.rounds):
            _round(rig, base, spots, groups, found, failed)
    print(f"{'':28}" + "".join(f"{spot.name:>18}" for spot in spots))
    for row in (row for group in groups for row in group.rows):
        middles = {spot: statistics.median(found[row.name, spot]) for spot in spots if found[row.name, spot]}
        told = (f"{middles[spot]:18.2f}" if spot in middles else f"{'-':>18}" for spot in spots)
        print(f"{row.name:28}" + "".join(told))
        ours = middles[spots[0]]
        ahead += [
            f"{row.name}: {spot.name} {figure:.2f} against {ours:.2f}"
            for spot, figure in middles.items()
            if (figure > ours if row.is_more_better else figure < ours)
        ]
    print("\n".join(["ahead of the session:", *ahead] if ahead else ["nobody is ahead of the session"]))
    return 1 if ahead else 0


if __name__ == "__main__":
    sys.exit(main())
