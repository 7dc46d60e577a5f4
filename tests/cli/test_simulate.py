"""`simulate` as a program of its own, spoken to by clients that know nothing of this package."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import websocket
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from websockets.sync.client import connect

from crypto_ws_sync.cli.main import main
from crypto_ws_sync.simulator import SimulatedExchange

ROOT = Path(__file__).parents[2]

# Each starts a process, and makes an RSA key in it.
pytestmark = pytest.mark.timeout(30)


@contextmanager
def _running(*options: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "crypto_ws_sync", "simulate", *options],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def _told(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    told: dict[str, Any] = json.loads(process.stdout.readline())
    return told


def _end(process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, str, str]:
    process.send_signal(number)
    shown, errors = process.communicate(timeout=15)
    return process.returncode, shown, errors


def _signature(account: dict[str, str], payload: bytes) -> str:
    secret = account["api_secret"].encode("ascii")
    if account["key_type"] == "hmac":
        return hmac.new(secret, payload, hashlib.sha256).hexdigest()
    key = serialization.load_pem_private_key(secret, password=None)
    if isinstance(key, rsa.RSAPrivateKey):
        return base64.b64encode(key.sign(payload, padding.PKCS1v15(), hashes.SHA256())).decode("ascii")
    assert isinstance(key, Ed25519PrivateKey)
    return base64.b64encode(key.sign(payload)).decode("ascii")


def _order(account: dict[str, str]) -> str:
    """Return a market order, signed by this account."""
    params = {
        "apiKey": account["api_key"],
        "quantity": "0.01",
        "side": "BUY",
        "symbol": "BTCUSDT",
        "timestamp": int(time.time() * 1000),
        "type": "MARKET",
    }
    payload = "&".join(f"{name}={params[name]}" for name in sorted(params))
    signed = {**params, "signature": _signature(account, payload.encode("ascii"))}
    return json.dumps({"id": "one", "method": "order.place", "params": signed})


def test_every_kind_of_key_trades_through_websockets() -> None:
    with _running("--json") as process:
        told = _told(process)
        assert told["ca_file"] is None
        assert [account["key_type"] for account in told["accounts"]] == ["hmac", "rsa", "ed25519"]
        with connect(told["endpoint"], proxy=None) as client:
            for account in told["accounts"]:
                client.send(_order(account))
                answer = json.loads(client.recv(timeout=5))
                assert answer["status"] == 200, answer
                assert answer["result"]["status"] == "FILLED"
            # The connection is still open when the exchange is told to end.
            assert _end(process, signal.SIGTERM) == (0, "", "")


def test_websocket_client_trades_over_tls() -> None:
    with _running("--json", "--tls") as process:
        told = _told(process)
        assert told["endpoint"].startswith("wss://127.0.0.1:")
        assert "BEGIN CERTIFICATE" in Path(told["ca_file"]).read_text(encoding="ascii")
        client = websocket.create_connection(
            told["endpoint"], timeout=5, sslopt={"ca_certs": told["ca_file"], "cert_reqs": ssl.CERT_REQUIRED}
        )
        client.send(_order(told["accounts"][2]))
        answer = json.loads(client.recv())
        client.close(timeout=1)
        client.shutdown()
        assert answer["result"]["executedQty"] == "0.01000000"
        assert _end(process, signal.SIGINT) == (0, "", "")
        assert not Path(told["ca_file"]).exists()


def test_over_tls_it_says_in_words_what_clients_have_to_trust() -> None:
    with _running("--host", "localhost", "--tls", "--latency", "0.001") as process:
        assert process.stdout is not None
        first, second = process.stdout.readline(), process.stdout.readline()
        assert first.startswith("The simulated exchange listens at wss://localhost:")
        assert second.startswith("Clients trust it by the certificate in ")
        context = ssl.create_default_context(cafile=second.rpartition(" in ")[2].strip())
        with connect(first.rpartition(" ")[2].strip(), ssl=context, proxy=None) as client:
            client.send(json.dumps({"id": 1, "method": "ping"}))
            assert json.loads(client.recv(timeout=5))["status"] == 200
        assert _end(process, signal.SIGTERM)[::2] == (0, "")


@pytest.mark.parametrize("latency", ["soon", "-1", "nan", "1e9"])
def test_a_latency_that_is_none_is_refused(latency: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["simulate", f"--latency={latency}"])
    assert caught.value.code == 2
    assert "seconds" in capsys.readouterr().err


def test_it_says_in_words_where_it_listens_before_it_serves() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with _running("--port", str(port), "--seed", "7") as process:
        assert process.stdout is not None
        lines = []
        while not lines or not lines[-1].startswith("Serving"):
            lines.append(process.stdout.readline())
            assert lines[-1], "it ended before it served"
        assert lines[0] == f"The simulated exchange listens at ws://127.0.0.1:{port}/ws-api/v3\n"
        assert "10 BTC" in lines[1]
        assert [line.strip() for line in lines if line.strip() in ("hmac", "rsa", "ed25519")] == [
            "hmac",
            "rsa",
            "ed25519",
        ]
        keys = [line.split()[1] for line in lines if line.startswith("  api_key ")]
        assert len(keys) == 3
        assert lines.count("-----BEGIN PRIVATE KEY-----\n") == 2
        with connect(f"ws://127.0.0.1:{port}/ws-api/v3", proxy=None) as client:
            client.send('{"id": 1, "method": "ping"}')
            assert json.loads(client.recv(timeout=5))["status"] == 200
        assert _end(process, signal.SIGINT) == (0, "", "")


def test_every_address_is_listened_on_only_when_told_to() -> None:
    with _running("--json", "--host", "0.0.0.0") as process:
        told = _told(process)
        assert told["endpoint"].startswith("ws://127.0.0.1:")
        with connect(told["endpoint"], proxy=None) as client:
            client.send('{"id": 1, "method": "time"}')
            assert json.loads(client.recv(timeout=5))["result"]["serverTime"] > 0
        assert _end(process, signal.SIGTERM) == (0, "", "")


def test_the_same_seed_gives_the_same_api_keys() -> None:
    with _running("--json", "--seed", "11") as process:
        first, *_ = _told(process)["accounts"]
    twin = SimulatedExchange(seed=11)
    assert (first["api_key"], first["api_secret"]) == (twin.api_key, twin.api_secret)
    assert first["api_key"] != SimulatedExchange(seed=12).api_key


def test_a_latency_is_what_a_round_trip_takes() -> None:
    with _running("--json", "--latency", "0.2") as process:
        told = _told(process)
        with connect(told["endpoint"], proxy=None) as client:
            began = time.perf_counter()
            client.send('{"id": 1, "method": "ping"}')
            client.recv(timeout=5)
            assert time.perf_counter() - began >= 0.2


def test_a_taken_port_is_one_line_and_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["simulate", "--port", str(port)]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines() == [
        f"ConfigError: port {port} of 127.0.0.1 is taken by another program: "
        "pass another --port, or 0 for a free one"
    ]


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("no such host", "is not the name or address of a machine"),
        ("192.0.2.1", "is not an address of this machine"),
    ],
)
def test_a_bad_host_is_one_line_and_exit_code_1(
    capsys: pytest.CaptureFixture[str], host: str, why: str
) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    assert main(["simulate", "--host", host]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert why in line
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


@pytest.mark.parametrize(
    "option", [("--port", "65536"), ("--port", "-1"), ("--port", "x"), ("--latency", "nan"), ("--seed", "x")]
)
def test_numbers_that_cannot_be_are_wrong_usage(
    capsys: pytest.CaptureFixture[str], option: tuple[str, str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["simulate", *option])
    assert ended.value.code == 2
    assert option[0] in capsys.readouterr().err
