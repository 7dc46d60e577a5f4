"""The toy exchange: speaks the toy dialect on plain sockets, and does to each request what the test wants."""

from __future__ import annotations

import json
from typing import Any

from bytes_server import Wire
from hostile_exchange import Call, HostileExchange

__all__ = ["TOKEN", "ToyExchange"]

TOKEN = "lEtMeInPlEaSe0123456789"


class ToyExchange(HostileExchange):
    """Hooks and books are those of the hostile exchange; the language is another.

    Owner: shared, guarded by self._lock.
    """

    def __init__(self) -> None:
        super().__init__()
        self.listeners: set[Wire] = set()
        self.is_welcoming = True

    def take(self, wire: Wire, text: str) -> None:
        said = json.loads(text)
        if said[0] == "ping":
            wire.pings += 1
            wire.send_text([["pong"]])
        elif said[0] == "pong":
            wire.pongs.append(b"")
        else:
            super().take(wire, self._as_request(said))

    @staticmethod
    def _as_request(said: list[Any]) -> str:
        if said[0] == "hello":
            return json.dumps({"id": "hello", "method": "hello", "params": {"token": said[1]}})
        return json.dumps({"id": said[0], "method": said[1], "params": said[2]})

    def execute(self, call: Call) -> Any:
        if call.method == "hello":
            is_known = self.is_welcoming and call.params["token"] == TOKEN
            return [["welcome"]] if is_known else [["no", "hello", "stranger", "go away"]]
        if call.method == "clock":
            return [["ok", call.id, self.now()]]
        if call.method == "buy":
            return self._buy(call)
        if call.method == "find":
            with self._lock:
                return [["ok", call.id, self.orders.get(call.params["name"])]]
        if call.method == "listen":
            self.listeners.add(call.wire)
            return [["ok", call.id, None]]
        return [["ok", call.id, dict(call.params)]]

    def _buy(self, call: Call) -> Any:
        name = call.params["name"]
        if self.now() - call.params["moment"] > 2.0:
            return [["no", call.id, "late", "that was long ago"]]
        with self._lock:
            self.orders[name] = {"name": name, "number": len(self.orders) + 1}
            bought = self.orders[name]
        call.wire.send_text([["heard", call.id]])
        for wire in list(self.listeners):
            wire.send_text([["event", {"bought": name, "order": bought}]])
        return [["ok", call.id, bought]]
