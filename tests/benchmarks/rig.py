"""The rig: a server and each client in processes of their own, of which one works at a time, in short turns.

Turns of a tenth of a second alternate between the base and who is measured, so that whatever else the machine does hits
both alike. Each begins with a while that does not count: who has just been woken is moved between processors for some
hundred calls, and what these take tells how the system does that.
"""

from __future__ import annotations

import datetime
import ipaddress
import json
import os
import signal
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.benchmarks.bare_server import bare_server
from tests.benchmarks.operations import OPERATIONS

__all__ = ["Failed", "Missing", "Rig", "Spot", "ratio_of_rates", "ratios_of_times"]

ROOT = Path(__file__).parents[2]
WARM_UP = 150
SETTLE = 0.05
"""Seconds of a turn that do not count. On two cores `time` takes the floor 48 us in the first 0.02 s, in which its two
processes share one, then 75 us; it takes the session 105 us, then 92 us."""


class Missing(Exception):
    """A client is not installed where it was looked for."""


class Failed(Exception):
    """A client could not do what it was told."""


class Spot:
    """Where a client runs: its name, the interpreter, and the tree whose package it uses."""

    def __init__(self, name: str, python: str = sys.executable, tree: Path = ROOT) -> None:
        self.name = name
        self.python = python
        self.tree = tree

    def begin(self, module: str, compiled: Path, *arguments: str) -> subprocess.Popen[str]:
        """Run a module of this folder there; `compiled`: where its bytecode is kept, as an installation would."""
        # Nothing else of the tree: whoever is compared is measured by one and the same program.
        home = compiled.with_name(str(self.tree).replace(os.sep, "_"))
        home.mkdir(exist_ok=True)
        package = home / "crypto_ws_sync"
        if not package.is_symlink():
            package.symlink_to(self.tree / "crypto_ws_sync")
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join((str(home), str(ROOT))),
            "PYTHONPYCACHEPREFIX": str(compiled),
        }
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        return subprocess.Popen(
            [self.python, "-m", f"tests.benchmarks.{module}", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=home,
            env=environment,
        )


class _Process:
    """One contender's process.

    Owner: caller thread.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._is_resting = False
        told = self._read()
        if "missing" in told:
            self.end()
            raise Missing(told["missing"])
        self.can: list[str] = told["can"]

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise Failed("its process ended")
        told: dict[str, Any] = json.loads(line)
        return told

    def ask(self, what: dict[str, Any]) -> dict[str, Any]:
        """Have it do something, and return what it tells."""
        assert self._process.stdin is not None
        self._resume()
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        told = self._read()
        if "failed" in told:
            raise Failed(told["failed"])
        return told

    def rest(self) -> None:
        """Have it do nothing until it is asked again."""
        if not self._is_resting:
            self._is_resting = True
            self._process.send_signal(signal.SIGSTOP)

    def _resume(self) -> None:
        if self._is_resting:
            self._is_resting = False
            self._process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        """Let it end."""
        self._resume()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


class Rig:
    """A server and contenders.

    Args:
        tls: Over `wss`.
        delay: Seconds before each answer.
        settle: Seconds of each turn that do not count.

    Owner: caller thread.
    """

    def __init__(self, *, tls: bool = False, delay: float = 0.0, settle: float = SETTLE) -> None:
        self.is_tls = tls
        self.delay = delay
        self.settle = settle
        self.url = ""
        self.ca_file: str | None = None
        self._compiled = Path()
        self._has_compiled: set[Spot] = set()
        self._held: dict[Spot, dict[str, Any]] = {}
        self._stack = ExitStack()
        self._processes: dict[Spot, _Process] = {}

    def __enter__(self) -> Rig:
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        self._compiled = folder / "compiled"
        pem = None
        if self.is_tls:
            pem, self.ca_file = certificate(folder)
        port = self._stack.enter_context(bare_server(delay=self.delay, certificate=pem))
        self.url = f"{'wss' if self.is_tls else 'ws'}://127.0.0.1:{port}/ws-api/v3"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.renew()
        self._stack.close()

    def renew(self) -> None:
        """Have contenders begin again, in new processes."""
        for process in self._processes.values():
            process.end()
        self._processes.clear()

    def _process(self, spot: Spot) -> _Process:
        process = self._processes.get(spot)
        if process is None:
            process = self._processes[spot] = _Process(self._begin(spot, "contender"))
            warm_up = WARM_UP if not self.delay else 5
            for method in OPERATIONS:
                if method in process.can:
                    process.ask({"do": "latency", "method": method, "count": warm_up})
        return process

    def held(self, spot: Spot) -> dict[str, Any]:
        """Return what a request in flight holds, by method; counted, and so only once."""
        if spot not in self._held:
            with spot.begin("held_memory", self._compiled, "--json") as process:
                assert process.stdout is not None
                self._held[spot] = json.loads(process.stdout.read())
        return self._held[spot]

    def _begin(self, spot: Spot, module: str) -> subprocess.Popen[str]:
        trusted = [self.ca_file] if self.ca_file else []
        return spot.begin(module, self._compiled, spot.name, self.url, *trusted)

    def _compile(self, spot: Spot) -> None:
        """Have a first run compile what later ones only load."""
        if spot not in self._has_compiled:
            self._has_compiled.add(spot)
            _Process(self._begin(spot, "contender")).end()

    def can(self, spot: Spot) -> list[str]:
        """Return which methods of the exchange and which of the optional ways a contender has."""
        return self._process(spot).can

    def first_answer(self, spot: Spot) -> float:
        """Return the seconds from the start of a process to its first answer."""
        self._compile(spot)
        began = time.perf_counter()
        process = _Process(self._begin(spot, "contender"))
        try:
            method = next(each for each in OPERATIONS if each in process.can)
            process.ask({"do": "latency", "method": method, "count": 1})
            return time.perf_counter() - began
        finally:
            process.end()

    def rest(self, spot: Spot) -> None:
        """Have a contender do nothing until it is asked again: some are busy when nobody asks them anything."""
        if spot in self._processes:
            self._processes[spot].rest()

    def drop(self, spot: Spot) -> None:
        """End a contender that has failed; it begins again when it is asked next."""
        process = self._processes.pop(spot, None)
        if process is not None:
            process.end()

    def ask(self, spot: Spot, do: str, **options: Any) -> dict[str, Any]:
        """Have a contender do something."""
        return self._process(spot).ask({"do": do, **options})

    def fresh(self, spot: Spot) -> dict[str, float]:
        """Start a process, wait for its first answer, and return what it took and holds."""
        self._compile(spot)
        began = time.perf_counter()
        with self._begin(spot, "fresh") as process:
            assert process.stdin is not None
            assert process.stdout is not None
            answered = process.stdout.readline()
            taken = time.perf_counter() - began
            assert answered == "answered\n"
            process.stdin.write("\n")
            process.stdin.flush()
            told = json.loads(process.stdout.readline())
        return {"first": taken, **told}


def ratios_of_times(
    rig: Rig,
    base: Spot,
    spot: Spot,
    method: str,
    *,
    count: int,
    turns: int,
    seconds: float = 0.0,
    params: Any = None,
) -> dict[int, float]:
    """Return by how much single calls take longer than the base's, at the 10th, 50th and 99th percentile.

    The 10th tells of calls that nothing else on the machine came between. A turn has at least `count` calls, and as
    many more as `seconds` have room for.
    """

    def of(spot: Spot) -> list[float]:
        settle = rig.settle if seconds else 0.0
        turn = {"count": count, "params": params, "seconds": seconds, "settle": settle}
        times: list[float] = rig.ask(spot, "latency", method=method, **turn)["times"]
        return times

    of_base: list[float] = []
    times: list[float] = []
    for _ in range(turns):
        of_base += of(base)
        times += of(spot)
    times.sort()
    of_base.sort()
    return {
        share: times[share * len(times) // 100] / of_base[share * len(of_base) // 100]
        for share in (10, 50, 99)
    }


def ratio_of_rates(
    rig: Rig, base: Spot, spot: Spot, way: str, method: str, width: int, *, seconds: float, turns: int
) -> tuple[float, float]:
    """Return requests a second, and CPU seconds a request, as ratios to the base: to the floor's one thread."""

    def of(spot: Spot, seconds: float, way: str) -> dict[str, Any]:
        turn = {"width": width, "seconds": seconds, "settle": rig.settle}
        return rig.ask(spot, "rate", way=way, method=method, **turn)

    base_way = "alone" if base.name == "floor" else way
    of_base, told = [], []
    for _ in range(turns):
        of_base.append(of(base, seconds, base_way))
        told.append(of(spot, seconds, way))

    def ratio(name: str) -> float:
        ours, theirs = ([float(each[name]) for each in some] for some in (told, of_base))
        return statistics.median(ours) / statistics.median(theirs)

    return ratio("per_second"), ratio("cpu")


def certificate(folder: Path) -> tuple[str, str]:
    """Return a PEM file for the server, and one that clients trust."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "benchmark")])
    now = datetime.datetime.now(datetime.timezone.utc)
    loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .add_extension(x509.SubjectAlternativeName([loopback]), False)
        .sign(key, hashes.SHA256())
    )
    of_server, trusted = folder / "server.pem", folder / "trusted.pem"
    public = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    of_server.write_bytes(private + public)
    trusted.write_bytes(public)
    assert ssl.create_default_context(cafile=str(trusted))
    return str(of_server), str(trusted)
