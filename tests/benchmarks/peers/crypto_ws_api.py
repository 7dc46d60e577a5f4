"""crypto-ws-api: a session for asyncio that logs on with an Ed25519 key, so its orders carry no signature.

It needs exchanges-wrapper without saying so, and writes logs below the home folder: here, a temporary one.
"""

from __future__ import annotations

import importlib
import os
import tempfile
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.benchmarks.operations import KEY
from tests.benchmarks.peers.on_a_loop import OnALoop

__all__ = ["Peer"]


class Peer:
    """The session on a loop of its own.

    Owner: shared, never changed.
    """

    methods = ("time", "order.place", "depth")

    def __init__(self, url: str, ca_file: str | None) -> None:
        key = Ed25519PrivateKey.generate()
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        os.environ["HOME"] = tempfile.mkdtemp()
        Path(importlib.import_module("exchanges_wrapper").LOG_PATH).mkdir(parents=True, exist_ok=True)
        self._loop = OnALoop()
        module = importlib.import_module("crypto_ws_api.ws_session")
        self._session = module.UserWSSession("binance", url, KEY, pem)

    def call(self, method: str, params: dict[str, Any] | None) -> Any:
        """Ask once and wait for the answer."""
        answer = self._loop.run(
            self._session.handle_request("benchmark", method, params, method == "order.place")
        )
        assert answer is not None
        return answer

    def close(self) -> None:
        """End the connection."""
        self._loop.run(self._session.stop("benchmark"))
