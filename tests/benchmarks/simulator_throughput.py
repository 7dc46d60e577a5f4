"""How fast the simulated exchange answers, against a bare echo server of the same library in the same run.

Both servers have a process of their own. Run it from the repository's root:

    python tests/benchmarks/simulator_throughput.py [--rounds 5] [--history 100000]
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import hmac
import json
import multiprocessing
import resource
import statistics
import sys
import time
from multiprocessing.connection import Connection
from typing import Any

import websockets.asyncio.client
import websockets.asyncio.server

from crypto_ws_sync.simulator import SimulatedExchange

IN_FLIGHT = 32
NO_LIMITS = {"REQUEST_WEIGHT": 10**9, "ORDERS": 10**9, "CONNECTIONS": 10**9}
FUNDS = {"BTC": "1000000", "USDT": "100000000000"}


def serve_echo(pipe: Connection) -> None:
    """A server that sends back what it gets."""

    async def echo(socket: websockets.asyncio.server.ServerConnection) -> None:
        async for message in socket:
            await socket.send(message)

    async def main() -> None:
        async with websockets.asyncio.server.serve(
            echo, "127.0.0.1", 0, compression=None, ping_interval=None
        ) as server:
            pipe.send(server.sockets[0].getsockname()[1])
            await asyncio.get_running_loop().run_in_executor(None, pipe.recv)

    asyncio.run(main())


def serve_exchange(pipe: Connection) -> None:
    """The simulated exchange with limits out of the way; tells its memory when asked."""
    with SimulatedExchange(rate_limits=NO_LIMITS, balances=FUNDS) as exchange:
        pipe.send((exchange.endpoint, exchange.api_key, exchange.api_secret))
        while pipe.recv() == "memory":
            pipe.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


class Load:
    """A client that keeps a number of requests in flight on one connection.

    Owner: the event loop it runs on.
    """

    def __init__(self, endpoint: str, api_key: str, api_secret: str) -> None:
        self.endpoint = endpoint
        self.api_key = api_key
        self.secret = api_secret.encode("ascii")
        self.count = 0

    def time(self) -> str:
        """A public request."""
        self.count += 1
        return f'{{"id":{self.count},"method":"time"}}'

    def order(self, price: str, **changes: str) -> str:
        """A signed order of 0.001 BTC."""
        return self.signed(
            "order.place",
            {
                "symbol": "BTCUSDT",
                "side": "BUY",
                "type": "LIMIT",
                "timeInForce": "IOC",
                "quantity": "0.001",
                "price": price,
                **changes,
            },
        )

    def signed(self, method: str, params: dict[str, Any]) -> str:
        """Any signed request."""
        self.count += 1
        params = {**params, "apiKey": self.api_key, "timestamp": time.time_ns() // 1_000_000}
        payload = "&".join(f"{name}={params[name]}" for name in sorted(params))
        params["signature"] = hmac.digest(self.secret, payload.encode(), hashlib.sha256).hex()
        return json.dumps({"id": self.count, "method": method, "params": params}, separators=(",", ":"))

    async def run(self, messages: list[str]) -> float:
        """Send the messages, a window of them in flight; answers per second."""
        async with websockets.asyncio.client.connect(
            self.endpoint, compression=None, ping_interval=None, max_queue=None
        ) as socket:
            waiting = iter(messages)
            began = time.perf_counter()
            for _ in range(IN_FLIGHT):
                await socket.send(next(waiting))
            received = 0
            async for _ in socket:
                received += 1
                message = next(waiting, None)
                if message is not None:
                    await socket.send(message)
                if received == len(messages):
                    break
            return received / (time.perf_counter() - began)


def spawn(target: Any) -> tuple[Connection, Any]:
    """Start a server process; the way to talk to it and what it says first."""
    mine, theirs = multiprocessing.get_context("spawn").Pipe()
    multiprocessing.get_context("spawn").Process(target=target, args=(theirs,), daemon=True).start()
    return mine, mine.recv()


async def measure(rounds: int, history: int) -> None:
    """Print the ratios."""
    echo_pipe, port = spawn(serve_echo)
    exchange_pipe, (endpoint, api_key, api_secret) = spawn(serve_exchange)
    echo = Load(f"ws://127.0.0.1:{port}", api_key, api_secret)
    exchange = Load(endpoint, api_key, api_secret)
    size = 4000
    ratios: dict[str, list[float]] = {"time": [], "order.place": []}
    rates: dict[str, list[float]] = {"echo": [], "time": [], "echo of orders": [], "order.place": []}
    for _ in range(rounds):
        base = await echo.run([echo.time() for _ in range(size)])
        got = await exchange.run([exchange.time() for _ in range(size)])
        ratios["time"].append(got / base)
        order_base = await echo.run([echo.order("1000.00") for _ in range(size)])
        order_got = await exchange.run([exchange.order("20000.00") for _ in range(size)])
        ratios["order.place"].append(order_got / order_base)
        for name, rate in zip(rates, (base, got, order_base, order_got), strict=True):
            rates[name].append(rate)
    for name, values in rates.items():
        print(f"{name:>16}: {statistics.median(values):8.0f} a second")
    for name, wanted in (("time", 0.6), ("order.place", 0.3)):
        print(f"{name:>16}: {statistics.median(ratios[name]):.2f} of the echo server (wanted: {wanted})")
    await measure_history(exchange, exchange_pipe, history)
    await measure_connections(exchange)
    echo_pipe.send("stop")
    exchange_pipe.send("stop")


def memory(pipe: Connection) -> int:
    """The exchange's largest memory so far, in kilobytes."""
    pipe.send("memory")
    return int(pipe.recv())


async def measure_history(load: Load, pipe: Connection, history: int) -> None:
    """Print the cost of an order with a short and a long history, and what a closed order takes in memory."""
    fresh = await latency_of_orders(load)
    before = memory(pipe)
    placed = 0
    while placed < history:
        size = min(5000, history - placed)
        await load.run([load.order("20000.00") for _ in range(size)])
        placed += size
    grown = (memory(pipe) - before) / history
    late = await latency_of_orders(load)
    print(f"cost of an order: {fresh * 1e6:.0f} us, after {history} more {late * 1e6:.0f} us", end=" ")
    print(f"({late / fresh:.2f} times)")
    print(f"memory of a closed order: {grown:.2f} KB")


async def latency_of_orders(load: Load) -> float:
    """Median seconds of an order's round trip, from several batches in flight."""
    rates = [await load.run([load.order("20000.00") for _ in range(1000)]) for _ in range(7)]
    return 1 / statistics.median(rates)


async def measure_connections(load: Load) -> None:
    """Print that a hundred connections are served at a time."""
    began = time.perf_counter()
    await asyncio.gather(*(load.run([load.time() for _ in range(100)]) for _ in range(100)))
    print(f"100 connections with 100 requests each: {time.perf_counter() - began:.2f} s")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--history", type=int, default=100_000)
    options = parser.parse_args()
    asyncio.run(measure(options.rounds, options.history))
    return 0


if __name__ == "__main__":
    sys.exit(main())
