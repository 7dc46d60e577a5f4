"""A client of a few lines on websocket-client alone, to look at the simulated exchange from outside."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import websocket
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from crypto_ws_sync.simulator import Account, SimulatedExchange

NOON = 1_767_268_800.0
"""2026-01-01 12:00:00 UTC, where every window begins."""


def signature_of(account: Account, payload: str) -> str:
    """What the account's key makes of a payload."""
    data = payload.encode("utf-8")
    if account.key_type == "hmac":
        return hmac.new(account.api_secret.encode("ascii"), data, hashlib.sha256).hexdigest()
    key = serialization.load_pem_private_key(account.api_secret.encode("ascii"), password=None)
    if isinstance(key, rsa.RSAPrivateKey):
        return base64.b64encode(key.sign(data, padding.PKCS1v15(), hashes.SHA256())).decode("ascii")
    return base64.b64encode(key.sign(data)).decode("ascii")  # type: ignore[union-attr,call-arg]


class Closed(Exception):
    """The connection has ended: with a code, or broken off (`code` is None)."""

    def __init__(self, code: int | None) -> None:
        super().__init__(code)
        self.code = code


class BareClient:
    """One connection; every reply and event comes back whole."""

    def __init__(
        self, exchange: SimulatedExchange, account: Account | None = None, query: str = "", **options: Any
    ) -> None:
        self.exchange = exchange
        self.account = account or exchange.accounts[0]
        sslopt = {"context": exchange.ssl_context} if exchange.ssl_context else None
        self.socket = websocket.create_connection(
            exchange.endpoint + query, timeout=5, sslopt=sslopt, enable_multithread=True, **options
        )
        self.events: list[dict[str, Any]] = []
        self._last_id = 0

    def __enter__(self) -> BareClient:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def close(self) -> None:
        """Close properly where that is still possible, and let go of the socket in any case."""
        self.socket.close(timeout=1)
        self.socket.shutdown()

    def signed(self, params: dict[str, Any] | None = None, account: Account | None = None) -> dict[str, Any]:
        """Parameters with a key, a timestamp and a signature."""
        owner = account or self.account
        whole = {"apiKey": owner.api_key, "timestamp": round(self.exchange.now() * 1000), **(params or {})}
        payload = "&".join(f"{name}={_text(whole[name])}" for name in sorted(whole))
        return {**whole, "signature": signature_of(owner, payload)}

    def send(self, method: str, params: dict[str, Any] | None = None, *, signed: bool = False) -> int:
        """Send a request; returns its id."""
        self._last_id += 1
        message: dict[str, Any] = {"id": self._last_id, "method": method}
        if signed:
            params = self.signed(params)
        if params:
            message["params"] = params
        self.socket.send(json.dumps(message))
        return self._last_id

    def receive(self) -> Any:
        """The next text frame's content; `Closed` where the connection ends instead."""
        try:
            opcode, data = self.socket.recv_data()
        except (websocket.WebSocketConnectionClosedException, ConnectionError) as error:
            raise Closed(None) from error
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            raise Closed(int.from_bytes(data[:2], "big") if data else None)
        return json.loads(data)

    def reply_to(self, request_id: int) -> Any:
        """The reply to a request; events on the way are kept in `events`."""
        while True:
            frame = self.receive()
            if "event" in frame:
                self.events.append(frame)
            elif frame["id"] == request_id:
                return frame
            else:
                raise AssertionError(f"not the reply to {request_id}: {frame}")

    def call(self, method: str, params: dict[str, Any] | None = None, *, signed: bool = False) -> Any:
        """The whole reply to a request."""
        return self.reply_to(self.send(method, params, signed=signed))

    def result(self, method: str, params: dict[str, Any] | None = None, *, signed: bool = False) -> Any:
        """The result of a request that goes well."""
        reply = self.call(method, params, signed=signed)
        assert reply["status"] == 200, reply
        return reply["result"]

    def refusal(
        self, method: str, params: dict[str, Any] | None = None, *, signed: bool = False
    ) -> tuple[int, int, str]:
        """Status, code and words of a request that is refused."""
        reply = self.call(method, params, signed=signed)
        assert "result" not in reply, reply
        return reply["status"], reply["error"]["code"], reply["error"]["msg"]

    def next_event(self) -> dict[str, Any]:
        """The next event frame."""
        if self.events:
            return self.events.pop(0)
        frame = self.receive()
        assert "event" in frame, frame
        return frame  # type: ignore[no-any-return]

    def log_on(self) -> Any:
        """Log the connection on with the account's key."""
        return self.result("session.logon", self.signed())

    def place_limit(self, price: str | None = None, **params: Any) -> Any:
        """A LIMIT order of 0.01 BTC, below the market unless a price is given."""
        if price is None:
            bid = float(self.result("ticker.book", {"symbol": "BTCUSDT"})["bidPrice"])
            price = f"{bid * 0.9:.2f}"
        order = {
            "symbol": "BTCUSDT",
            "side": "BUY",
            "type": "LIMIT",
            "timeInForce": "GTC",
            "quantity": "0.01",
            "price": price,
            **params,
        }
        return self.result("order.place", order, signed=True)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
