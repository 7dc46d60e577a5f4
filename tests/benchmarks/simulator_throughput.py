"""How fast the simulated exchange answers, against a bare echo server of the same library in the same run.

Both servers have a process of their own. Run it from the repository's root:

    python tests/benchmarks/simulator_throughput.py [--rounds 9] [--history 100000]
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
BATCH = 1000
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

    async def run(self, messages: list[str], in_flight: int = IN_FLIGHT) -> float:
        """Send the messages, so many of them in flight at a time; answers per second."""
        async with websockets.asyncio.client.connect(
            self.endpoint, compression=None, ping_interval=None, max_queue=None
        ) as socket:
            waiting = iter(messages)
            began = time.perf_counter()
            for _ in range(in_flight):
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
    for in_flight in (1, IN_FLIGHT):
        await compare(echo, exchange, rounds, in_flight)
    await measure_history(exchange, exchange_pipe, history)
    await measure_connections(exchange)
    echo_pipe.send("stop")
    exchange_pipe.send("stop")


async def compare(echo: Load, exchange: Load, rounds: int, in_flight: int) -> None:
    """Print how the exchange's rates compare with the echo server's, round by round in turn."""
    for name, wanted in (("time", 0.6), ("order.place", 0.3)):
        ratios, rates = [], []
        for _ in range(rounds):
            if name == "time":
                base = await echo.run([echo.time() for _ in range(BATCH)], in_flight)
                rate = await exchange.run([exchange.time() for _ in range(BATCH)], in_flight)
            else:
                base = await echo.run([echo.order("20000.00") for _ in range(BATCH)], in_flight)
                rate = await exchange.run([exchange.order("20000.00") for _ in range(BATCH)], in_flight)
            ratios.append(rate / base)
            rates.append(rate)
        print(
            f"{name:>12}, {in_flight:2} in flight: {statistics.median(rates):6.0f} a second, "
            f"{statistics.median(ratios):.2f} of the echo server (wanted: {wanted}; "
            f"from {min(ratios):.2f} to {max(ratios):.2f})"
        )


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
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--history", type=int, default=100_000)
    options = parser.parse_args()
    asyncio.run(measure(options.rounds, options.history))
    return 0


if __name__ == "__main__":
    sys.exit(main())
