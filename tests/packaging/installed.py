"""Build the package, install it with each extra alone and with none, and try what has been installed.

    python -m tests.packaging.installed [--extras none,cli]

Source archive and wheel are built in an empty place and looked into; the wheel gets a virtual environment for each
extra, with nothing else in it, and there every command must work, or say which extra it lacks. The types of the
installed package are judged by mypy and by pyright (of basedpyright, which brings all it needs as wheels). Needs a
package index; takes some minutes. Exit status 1 if anything is not as it should be.
"""

from __future__ import annotations

import argparse
import email.message
import email.parser
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from tests.packaging.place import Place, make_place

ROOT = Path(__file__).parents[2]
TYPED_CALLS = ("right_calls.py", "wrong_calls.py")
FRAME = (
    "from crypto_ws_sync.notebook import to_frame; "
    "print(to_frame('ticker.price', [{'symbol': 'A', 'price': '1.5'}]).shape)"
)
FIXTURES = "def test_time(user_session):\n    assert user_session.time()['serverTime'] > 0\n"

wrong: list[str] = []


def expect(is_right: bool, what: str, seen: object = "") -> None:
    """Tell whether something is as it should be."""
    print(f"  {'ok   ' if is_right else 'WRONG'} {what}", flush=True)
    if not is_right:
        wrong.append(what)
        print(f"        {seen!r}"[:3000], flush=True)


# -- what is built ---------------------------------------------------------------------------------------------------


def build(folder: Path) -> tuple[Path, Path, Path]:
    """Return a clone of what is committed, its source archive, and the wheel made from that."""
    source = folder / "source"
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(source)], check=True)
    place = make_place(folder / "builder", "build")
    place.python("-m", "build", "--outdir", str(folder / "built"), str(source))
    (archive,) = (folder / "built").glob("*.tar.gz")
    (wheel,) = (folder / "built").glob("*.whl")
    return source, archive, wheel


def look_into(source: Path, archive: Path, wheel: Path) -> email.message.Message:
    """Hold the contents of both against what is committed; return the metadata."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=source, capture_output=True, text=True, check=True
    ).stdout
    package = {name for name in listed.splitlines() if name.startswith("crypto_ws_sync/")}
    with tarfile.open(archive) as tar:
        packed = {name.partition("/")[2] for name in tar.getnames()}
    needed = package | {"setup.cfg", "pyproject.toml", "README.md", "LICENSE"}
    expect(needed <= packed, "the source archive has all that a wheel is made of", sorted(needed - packed))
    with zipfile.ZipFile(wheel) as built:
        files = {name for name in built.namelist() if ".dist-info/" not in name}
        (metadata,) = (name for name in built.namelist() if name.endswith(".dist-info/METADATA"))
        told = email.parser.Parser().parsestr(built.read(metadata).decode("utf-8"))
    expect(files == package, "the wheel has the package and nothing else", sorted(files ^ package))
    for field in ("Name", "Version", "Summary", "Author", "License", "Keywords", "Requires-Python"):
        expect(bool(told[field]), f"the metadata tells {field}: {told[field]}")
    expect("Typing :: Typed" in told.get_all("Classifier", []), "it is told to be typed")
    return told


# -- what is installed -----------------------------------------------------------------------------------------------


def try_commands(place: Place, version: str) -> None:
    """Run what needs no exchange."""
    expect(place.run("crypto_ws_sync", "--version").out.split()[-1] == version, "--version")
    helped = place.run("crypto_ws_sync", "--help").out
    expect(all(name in helped for name in ("init", "demo", "call", "watch", "simulate")), "--help", helped)
    config = place.folder / "new.toml"
    made = place.run("crypto_ws_sync_init", CRYPTO_WS_SYNC_CONFIG=str(config))
    expect(config.is_file() and str(config) in made.out, "crypto_ws_sync_init", made)
    methods = place.run("crypto_ws_sync", "methods").out.splitlines()
    expect(len([json.loads(line)["method"] for line in methods]) > 50, "methods")
    order = ("symbol=BTCUSDT", "side=BUY", "type=MARKET", "quantity=0.01")
    dry = json.loads(place.run("crypto_ws_sync", "call", "order.place", *order, "--dry-run").out)
    expect(dry["method"] == "order.place" and "apiKey" not in dry["params"], "call --dry-run", dry)
    expect(
        '"time"' in place.python("-m", "crypto_ws_sync", "methods", "time").out, "python -m crypto_ws_sync"
    )


def try_account(place: Place) -> None:
    """Run what goes to an account; its network is played by an exchange of another environment."""
    order = ("symbol=BTCUSDT", "side=BUY", "type=MARKET", "quantity=0.01")
    placed = place.run("crypto_ws_sync", "call", "order.place", *order)
    expect(json.loads(placed.out)["status"] == "FILLED", "call order.place", placed)
    status = place.run("crypto_ws_sync", "status")
    expect(json.loads(status.out)["state"] == "ready", "status", status)
    candles = ("klines", "symbol=BTCUSDT", "interval=1h", "start=2026-01-01", "end=2026-02-01")
    place.run("crypto_ws_sync", "history", *candles, "-o", "candles.csv")
    rows = (place.folder / "candles.csv").read_text(encoding="utf-8").splitlines()
    expect(len(rows) == 1 + 31 * 24, "history -o", len(rows))
    tour = place.run("crypto_ws_sync_demo", "Mine").out
    expect(tour.endswith("Operational status: False\n") and "CANCELED" in tour, "crypto_ws_sync_demo", tour)
    shown = place.at_terminal("crypto_ws_sync", "status")
    expect("ready" in shown and ("│" in shown) is place.has("rich"), "a table, with rich in lines", shown)
    shown = place.at_terminal("crypto_ws_sync", "history", *candles, "-o", "again.csv")
    expect(
        "records" in shown and ("records/s" in shown) is place.has("tqdm"), "progress, with tqdm a bar", shown
    )


def try_extras(place: Place) -> None:
    """Run what needs an extra: it works, or says which one."""
    for argv in (("crypto_ws_sync", "call", "time", "--simulated"), ("crypto_ws_sync_demo", "--simulated")):
        if place.has("websockets"):
            expect("erver" in place.run(*argv).out, " ".join(argv))
        else:
            lacking = place.run(*argv, code=1)
            says = 'pip install "crypto_ws_sync[sim]"' in lacking.err
            expect(says, f"{' '.join(argv)} tells what to install", lacking)
    code = 0 if place.has("pandas") else 1
    frame = place.python("-c", FRAME, code=code)
    if code:
        expect('pip install "crypto_ws_sync[data]"' in frame.err, "to_frame tells what to install", frame)
    else:
        expect(frame.out.split() == ["(1,", "2)"], "to_frame", frame)
    if place.has("pytest") and place.has("websockets"):
        (place.folder / "test_mine.py").write_text(FIXTURES, encoding="utf-8")
        ran = place.python("-m", "pytest", "-q", "test_mine.py").out
        expect("1 passed" in ran, "the pytest fixtures", ran)


def try_types(folder: Path, wheel: Path) -> None:
    """Let mypy and pyright judge the calls of `tests/typing/` against the installed package."""
    place = make_place(folder / "types", str(wheel), "mypy", "basedpyright")
    right, wrong_calls = (place.folder / name for name in TYPED_CALLS)
    for file in (right, wrong_calls):
        shutil.copy(ROOT / "tests" / "typing" / file.name, file)
    judged = place.python("-m", "mypy", "--strict", *TYPED_CALLS)
    expect(
        "no issues found in 2 source files" in judged.out, "mypy takes the right calls, no wrong one", judged
    )
    source = wrong_calls.read_text(encoding="utf-8")
    lines = {number for number, text in enumerate(source.splitlines(), 1) if "# type: ignore" in text}
    wrong_calls.write_text(re.sub(r"  # type: ignore.*", "", source), encoding="utf-8")
    (place.folder / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}', encoding="utf-8")
    judged = place.run("basedpyright", right.name)
    expect("0 errors, 0 warnings" in judged.out, "pyright takes the right calls", judged)
    judged = place.run("basedpyright", wrong_calls.name, code=1)
    told = {int(number) for number in re.findall(r"wrong_calls\.py:(\d+):\d+ - error", judged.out)}
    expect(told == lines, "pyright refuses each wrong call", sorted(told ^ lines))
    whole = place.run("basedpyright", "--verifytypes", "crypto_ws_sync", "--ignoreexternal", code=None).out
    expect("With unknown type: 0" in whole, "pyright knows every public type", whole[-800:])


# -- all of it -------------------------------------------------------------------------------------------------------


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Try what the built package installs.")
    parser.add_argument("--extras", help="only these, such as none,sim; by default each and none")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print("what is built", flush=True)
        source, archive, wheel = build(folder)
        told = look_into(source, archive, wheel)
        chosen = (
            arguments.extras.split(",") if arguments.extras else ["none", *told.get_all("Provides-Extra", [])]
        )
        exchange = make_place(folder / "exchange", f"{wheel}[sim]")
        with exchange.serving("crypto_ws_sync", "simulate", "--json") as line:
            config = _config(folder, json.loads(line))
            for extra in chosen:
                print(f"extra {extra}", flush=True)
                wanted = str(wheel) if extra == "none" else f"{wheel}[{extra}]"
                place = make_place(folder / f"with_{extra}", wanted, CRYPTO_WS_SYNC_CONFIG=str(config))
                try_commands(place, str(told["Version"]))
                try_account(place)
                try_extras(place)
                shutil.rmtree(place.home)
        print("types", flush=True)
        try_types(folder, wheel)
    print(f"{len(wrong)} wrong")
    return 1 if wrong else 0


def _config(folder: Path, served: dict[str, object]) -> Path:
    """Write a config file with one account, whose test network is the exchange that serves."""
    accounts = served["accounts"]
    assert isinstance(accounts, list)
    path = folder / "ws_api.toml"
    path.touch(0o600)
    path.write_text(
        f'[endpoint.binance]\nws_api_test = "{served["endpoint"]}"\n'
        '[[accounts]]\nname = "Mine"\nexchange = "binance"\ntest_net = true\n'
        f'api_key = "{accounts[0]["api_key"]}"\napi_secret = "{accounts[0]["api_secret"]}"\n',
        encoding="utf-8",
    )
    return path


if __name__ == "__main__":
    sys.exit(main())
