"""The session beside the floor: bare websocket-client in one thread, `json.dumps`, `send`, `recv`, `json.loads`.

    PYTHONPATH=. python -m tests.benchmarks.beside_the_floor [--tls] [--delay MS] [--rounds 5] [--peers]

Both do the same operation against the same server (in a process of its own), in turn, several rounds. Figures are
ratios to the floor's one thread: for round trips smaller is better, for requests a second larger is. The first line
says whether the extra `speed` is installed; never compare rows across that.
"""

from __future__ import annotations

import argparse
import collections
import datetime
import hashlib
import hmac
import importlib.util
import ipaddress
import json
import platform
import ssl
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import websocket

from crypto_ws_sync import UserWSSession
from tests.benchmarks.bare_server import bare_server

KEY = "k" * 64
SECRET = "s" * 64
ORDER = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "10",
    "price": "0.1",
}
OPERATIONS: dict[str, dict[str, Any] | None] = {
    "time": None,
    "order.place": ORDER,
    "depth": {"symbol": "BTCUSDT", "limit": 100},
}


class Floor:
    """What one thread can do with the bare library.

    Owner: its caller's thread.
    """

    def __init__(self, url: str, tls: ssl.SSLContext | None) -> None:
        options = {"sslopt": {"context": tls}} if tls is not None else {}
        self._client = websocket.create_connection(
            url, skip_utf8_validation=True, enable_multithread=False, **options
        )
        self._serial = 0

    def call(self, method: str, params: dict[str, Any] | None) -> Any:
        """Ask once and wait for the answer; signs orders as the session does."""
        self._serial += 1
        request: dict[str, Any] = {"id": self._serial, "method": method}
        if method == "order.place":
            assert params is not None
            signed = {**params, "newClientOrderId": f"floor{self._serial}", "apiKey": KEY}
            signed["timestamp"] = int(time.time() * 1000)
            text = "&".join(f"{name}={signed[name]}" for name in sorted(signed))
            signed["signature"] = hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
            request["params"] = signed
        elif params is not None:
            request["params"] = params
        self._client.send(json.dumps(request))
        return json.loads(self._client.recv())

    def close(self) -> None:
        """End the connection."""
        self._client.close()


def times(call: Callable[[], Any], count: int) -> list[float]:
    """Return the seconds that each of many calls takes."""
    taken = []
    for _ in range(count):
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return taken


def rate(call: Callable[[], Any], threads: int, count: int) -> float:
    """Return calls a second from many threads together."""
    barrier = threading.Barrier(threads + 1)
    each = max(1, count // threads)

    def work() -> None:
        barrier.wait()
        for _ in range(each):
            call()

    pool = [threading.Thread(target=work) for _ in range(threads)]
    for thread in pool:
        thread.start()
    barrier.wait()
    began = time.perf_counter()
    for thread in pool:
        thread.join()
    return each * threads / (time.perf_counter() - began)


def batch_rate(session: UserWSSession, method: str, params: dict[str, Any] | None, count: int) -> float:
    """Return requests a second from one thread with handle_requests, 32 at a time."""
    began = time.perf_counter()
    for _ in range(count // 32):
        answers = session.handle_requests([(method, params)] * 32)
        assert not any(isinstance(answer, Exception) or answer is None for answer in answers), answers[0]
    return count // 32 * 32 / (time.perf_counter() - began)


def window_rate(session: UserWSSession, method: str, params: dict[str, Any] | None, count: int) -> float:
    """Return requests a second from one thread with submit, 32 in flight."""
    began = time.perf_counter()
    flying: collections.deque[Any] = collections.deque()
    for _ in range(count):
        flying.append(session.submit(method, params))
        if len(flying) >= 32:
            flying.popleft().result()
    while flying:
        flying.popleft().result()
    return count / (time.perf_counter() - began)


def cpu_per_request(call: Callable[[], Any], threads: int, count: int) -> float:
    """Return the process's CPU seconds for one request."""
    began = time.process_time()
    rate(call, threads, count)
    return (time.process_time() - began) / count


def one_round(floor: Floor, session: UserWSSession, count: int, rows: dict[str, list[float]]) -> None:
    """Measure everything once, the floor just before what is compared to it."""
    for method, params in OPERATIONS.items():

        def bare(method: str = method, params: dict[str, Any] | None = params) -> Any:
            return floor.call(method, params)

        def ours(method: str = method, params: dict[str, Any] | None = params) -> Any:
            answer = session.handle_request(method, params)
            assert answer is not None
            return answer

        floor_times, our_times = times(bare, count), times(ours, count)
        floor_again = times(bare, count)
        base = statistics.median(floor_times + floor_again)
        rows[f"{method} p50"].append(statistics.median(our_times) / base)
        rows[f"{method} p99"].append(
            statistics.quantiles(our_times, n=100)[98]
            / statistics.quantiles(floor_times + floor_again, n=100)[98]
        )
        if method == "depth":
            continue
        per_second = 2 * count / (sum(floor_times) + sum(floor_again))
        for threads in (1, 8, 32, 128):
            rows[f"{method} a second, {threads} threads"].append(rate(ours, threads, 2 * count) / per_second)
        rows[f"{method} a second, handle_requests of 32"].append(
            batch_rate(session, method, params, 2 * count) / per_second
        )
        rows[f"{method} a second, submit window of 32"].append(
            window_rate(session, method, params, 2 * count) / per_second
        )
        bare_cpu = cpu_per_request(bare, 1, count)
        rows[f"{method} CPU per request, 32 threads"].append(
            cpu_per_request(ours, 32, 2 * count) / 2 / bare_cpu * 2
        )


def big_rows(floor: Floor, session: UserWSSession, rows: dict[str, list[float]]) -> None:
    """Measure answers of 5 and 20 MB."""
    for size in (5, 20):
        params = {"bytes": size * 10**6}
        bare = min(times(lambda params=params: floor.call("big", params), 3))  # type: ignore[misc]
        ours = min(times(lambda params=params: session.handle_request("big", params), 3))  # type: ignore[misc]
        rows[f"{size} MB answer"].append(ours / bare)


def certificate(folder: Path) -> tuple[str, ssl.SSLContext]:
    """Return a PEM file for the server and a context that trusts it."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "benchmark")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.create_default_context()
    context.load_verify_locations(cadata=made.public_bytes(serialization.Encoding.PEM).decode())
    return str(path), context


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tls", action="store_true", help="wss:// instead of ws://")
    parser.add_argument(
        "--delay", type=float, default=0.0, help="milliseconds the server waits before it answers"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--count", type=int, default=2000, help="calls for one figure of the floor")
    options = parser.parse_args()
    fast = [name for name in ("orjson", "uvloop") if importlib.util.find_spec(name)]
    print(f"CPython {platform.python_version()}, extra speed: {', '.join(fast) or 'not installed'}")
    rows: dict[str, list[float]] = collections.defaultdict(list)
    with ExitStack() as stack:
        pem, context = None, None
        if options.tls:
            pem, context = certificate(Path(stack.enter_context(tempfile.TemporaryDirectory())))
        port = stack.enter_context(bare_server(delay=options.delay / 1000, certificate=pem))
        url = f"{'wss' if options.tls else 'ws'}://127.0.0.1:{port}/ws-api/v3"
        session = stack.enter_context(
            UserWSSession(KEY, SECRET, endpoint=url, ssl_context=context, timeout=60.0)
        )
        floor = Floor(url, context)
        times(lambda: floor.call("time", None), 200)
        times(lambda: session.handle_request("order.place", ORDER), 200)
        for _ in range(options.rounds):
            one_round(floor, session, options.count, rows)
            big_rows(floor, session, rows)
        floor.close()
    print(f"{'what':48} median (of {options.rounds}: least, most), ratio to the floor")
    for name, ratios in rows.items():
        print(f"{name:48} {statistics.median(ratios):6.2f}   ({min(ratios):.2f}, {max(ratios):.2f})")


if __name__ == "__main__":
    main()
