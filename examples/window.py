"""A Tk window that stays responsive, however slow the exchange is.

Tk's own thread must never wait. So what can be asked without waiting is submitted, and what has to wait, the account's
events, is read by a thread; both put what they find into a queue, which the window empties 20 times a second.

    python examples/window.py
    python examples/window.py --latency 2 --seconds 6      # each answer takes 2 s; ends by itself

Where there is no display, as on a server, it says so and ends; with Xvfb it runs there, too:

    xvfb-run -a python examples/window.py --latency 2 --seconds 6
"""

from __future__ import annotations

import argparse
import queue
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime, timezone
from decimal import Decimal
from functools import partial
from typing import Any

from crypto_ws_sync import CryptoWSError, SessionClosed, StreamGap, UserWSSession
from crypto_ws_sync.simulator import SimulatedExchange

try:
    import tkinter
    from tkinter import ttk
except ImportError:
    sys.exit(
        "this example needs tkinter, which this Python was built without (Debian: apt-get install python3-tk)"
    )

SYMBOL, QUANTITY = "BTCUSDT", "0.01"
TICK_MS, ASK_EVERY_MS = 50, 500
COLUMNS = ("time", "side", "status", "executed", "price")


class Window:
    """Shows a price and the account's orders, and trades at the push of a button.

    Owner: Tk's thread; others only put into `inbox`.
    """

    def __init__(self, root: tkinter.Tk, session: UserWSSession) -> None:
        self.inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self.longest_pause = 0.0
        self._root = root
        self._session = session
        self._last_tick = time.perf_counter()
        root.title(f"{SYMBOL} on the simulated exchange")
        root.geometry("560x320")
        self._price = ttk.Label(root, text="asking for the price", font=("TkDefaultFont", 18))
        self._price.pack(pady=8)
        buttons = ttk.Frame(root)
        buttons.pack()
        for side in ("BUY", "SELL"):
            ttk.Button(buttons, text=f"{side} {QUANTITY}", command=partial(self.trade, side)).pack(
                side="left"
            )
        self._orders = ttk.Treeview(root, columns=COLUMNS, show="headings", height=8)
        for name in COLUMNS:
            self._orders.heading(name, text=name)
            self._orders.column(name, width=105, anchor="center")
        self._orders.pack(fill="both", expand=True, padx=8, pady=8)
        self._state = ttk.Label(root, text="no errors so far")
        self._state.pack(anchor="w", padx=8, pady=(0, 4))
        self._tick()
        self._ask()

    def trade(self, side: str) -> None:
        """Send an order; what became of it comes as events, or as an error."""
        order = {"symbol": SYMBOL, "side": side, "type": "MARKET", "quantity": QUANTITY}
        self._submit("order.place", order, lambda _: None)

    def show_event(self, event: Any) -> None:
        """Add a row for an order's new state, or for events that may be missing."""
        if isinstance(event, StreamGap):
            self._add(datetime.fromtimestamp(event.until, timezone.utc), "", str(event), "", "")
        elif event["e"] == "executionReport":
            when = datetime.fromtimestamp(event["T"] / 1000, timezone.utc)
            price = f"{Decimal(event['L']):.2f}" if Decimal(event["l"]) else ""
            self._add(when, event["S"], event["X"], event["z"], price)

    def say(self, text: str) -> None:
        """Show a line at the bottom."""
        self._state["text"] = text

    def _add(self, when: datetime, *cells: str) -> None:
        self._orders.insert("", 0, values=(f"{when:%H:%M:%S}", *cells))

    def _submit(self, method: str, params: dict[str, Any], show: Callable[[Any], None]) -> None:
        """Ask without waiting; the answer is shown by Tk's thread."""

        def answered(future: Future[Any]) -> None:  # on a thread of the session's
            try:
                self.inbox.put(partial(show, future.result()))
            except SessionClosed:
                pass  # The window is closing.
            except CryptoWSError as error:
                self.inbox.put(partial(self.say, f"{method}: {error}"))

        self._session.submit(method, params, on_limit="raise").add_done_callback(answered)

    def _ask(self) -> None:
        self._submit("ticker.book", {"symbol": SYMBOL}, self._show_price)
        self._root.after(ASK_EVERY_MS, self._ask)

    def _show_price(self, best: dict[str, str]) -> None:
        bid, ask = (f"{Decimal(best[name]):,.2f}" for name in ("bidPrice", "askPrice"))
        self._price["text"] = f"bid {bid}    ask {ask}"

    def _tick(self) -> None:
        now = time.perf_counter()
        self.longest_pause = max(self.longest_pause, now - self._last_tick)
        self._last_tick = now
        while not self.inbox.empty():
            self.inbox.get()()
        self._root.after(TICK_MS, self._tick)


def follow(session: UserWSSession, window: Window) -> None:
    """Hand the account's events to the window until the session stops."""
    try:
        for event in session.user_data():
            window.inbox.put(partial(window.show_event, event))
    except CryptoWSError as error:
        window.inbox.put(partial(window.say, f"no more events: {error}"))


def main(latency: float, seconds: float | None) -> None:
    """Show the window until it is closed, or for so many seconds, with one order bought meanwhile."""
    try:
        root = tkinter.Tk()
    except tkinter.TclError as error:
        sys.exit(
            f"this example needs a display: {error} (on a server: xvfb-run -a python examples/window.py)"
        )
    with (
        SimulatedExchange(latency=latency) as exchange,
        UserWSSession(exchange.api_key, exchange.api_secret, endpoint=exchange.endpoint) as session,
    ):
        window = Window(root, session)
        follower = threading.Thread(target=follow, args=(session, window))
        follower.start()
        if seconds is not None:
            root.after(TICK_MS, partial(window.trade, "BUY"))
            root.after(round(seconds * 1000), root.destroy)
        root.mainloop()
        session.stop()
        follower.join()
        orders = len(exchange.orders())
    print(f"{orders} orders; the window never paused for more than {window.longest_pause * 1000:.0f} ms")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that each answer takes")
    parser.add_argument("--seconds", type=float, help="buy once, and close the window after these")
    arguments = parser.parse_args()
    main(arguments.latency, arguments.seconds)
