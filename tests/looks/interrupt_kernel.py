"""Interrupt a real kernel in the middle of blocking calls, and see that it answers and that the session goes on.

    python -m tests.looks.interrupt_kernel

Each call is interrupted once its request has reached the exchange, which never answers it. Needs the extra `dev`.
"""

from __future__ import annotations

import sys
import time
from importlib import import_module, util
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

_START = """
import threading
import time
from crypto_ws_sync import UserWSSession
from crypto_ws_sync.simulator import SimulatedExchange

exchange = SimulatedExchange().start()
session = UserWSSession(exchange.api_key, exchange.api_secret, endpoint=exchange.endpoint, timeout=60).start()

def tell(fault):
    threading.Thread(target=lambda: fault.wait(30) and print("asked", flush=True)).start()
"""

_CALLS = (
    ("a read", "time", "session.time()"),
    (
        "an order",
        "order.place",
        'session.order_place(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01")',
    ),
    (
        "a history",
        "klines",
        'list(session.history("klines", symbol="BTCUSDT", interval="1h", start="2026-03-01"))',
    ),
    ("an event", "ping", 'session.submit("ping"); next(session.user_data())'),
)
_CELL = """
tell(exchange.faults.swallow("before", method="{method}"))
try:
    {call}
except KeyboardInterrupt:
    print("interrupted", time.time(), flush=True)
    raise
"""
_WITHIN = 60.0


class Kernel:
    """A kernel, and what its cells show.

    Owner: caller thread.
    """

    def __init__(self) -> None:
        client = import_module("jupyter_client.manager")
        self.manager: Any
        self.manager, self.client = client.start_new_kernel(kernel_name="python3", cwd=str(ROOT))

    def run(self, code: str, *, interrupt: bool = False) -> tuple[str, float]:
        """Return what a cell shows or raises, and how many seconds it took to notice that it was interrupted."""
        asked = self.client.execute(code)
        shown, interrupted_at, noticed_at = "", 0.0, 0.0
        while True:
            message = self.client.get_iopub_msg(timeout=_WITHIN)
            if message["parent_header"].get("msg_id") != asked:
                continue
            content = message["content"]
            if message["msg_type"] == "stream":
                for line in content["text"].splitlines():
                    if line == "asked" and interrupt:
                        interrupted_at = time.time()
                        self.manager.interrupt_kernel()
                    elif line.startswith("interrupted "):
                        noticed_at = float(line.split()[1])
            elif message["msg_type"] == "execute_result":
                shown = content["data"]["text/plain"]
            elif message["msg_type"] == "error":
                shown = content["ename"]
            elif message["msg_type"] == "status" and content["execution_state"] == "idle":
                return shown, noticed_at - interrupted_at

    def stop(self) -> None:
        """End it."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


def main() -> None:
    """Interrupt each kind of call; exit status 1 if one does not end or the session does not go on."""
    if util.find_spec("ipykernel") is None or util.find_spec("nbclient") is None:
        sys.exit('this needs a kernel: pip install ".[dev]"')
    kernel = Kernel()
    try:
        kernel.run(_START)
        for name, method, call in _CALLS:
            shown, seconds = kernel.run(_CELL.format(method=method, call=call), interrupt=True)
            if shown != "KeyboardInterrupt":
                sys.exit(f"{name} ended with {shown or 'nothing'}, not with KeyboardInterrupt")
            after, _ = kernel.run("session.time()['serverTime'] > 0")
            if after != "True":
                sys.exit(f"after {name} the session answered {after}")
            print(f"{name} ended {seconds * 1000:.0f} ms after the interrupt; the session goes on")
        left, _ = kernel.run("session.stop(); exchange.stop(); threading.active_count()")
        print(f"stopped; {left} threads are left, the kernel's own")
    finally:
        kernel.stop()


if __name__ == "__main__":
    main()
