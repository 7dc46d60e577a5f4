"""The socket side of the simulated exchange: its thread, its loop, its listening server."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import http
import json
import logging
import ssl
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qs, urlsplit
from weakref import WeakKeyDictionary

from ..errors import ConfigError
from .binance.connection import Options
from .binance.refusals import Refusal
from .clock import Clock, Timers
from .faults import Faults
from .link import Link

if TYPE_CHECKING:
    from websockets.asyncio.server import Server, ServerConnection
    from websockets.http11 import Request, Response

    from .binance.venue import Venue

__all__ = ["ExchangeServer"]

PATH = "/ws-api/v3"
_MAX_REQUEST = 1 << 20
_CLOSE_SECONDS = 0.5

_log = logging.getLogger("crypto_ws_sync.simulator")

T = TypeVar("T")

_TIME_UNITS = {"MICROSECOND": 1, "microsecond": 1, "MILLISECOND": 1000, "millisecond": 1000}


class ExchangeServer:
    """A listening WebSocket server with a daemon thread and an event loop of its own.

    Owner: shared; what it serves belongs to its loop thread, and `call` is the way there.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        tls: ssl.SSLContext | None,
        latency: float,
        clock: Clock,
        make_venue: Callable[[Timers], Venue],
    ) -> None:
        self._host = host
        self._port = port
        self._tls = tls
        self._latency = latency
        self._clock = clock
        self._make_venue = make_venue
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._thread: threading.Thread | None = None
        self._started: concurrent.futures.Future[int] = concurrent.futures.Future()
        self.links: set[Link] = set()
        self._admitted: WeakKeyDictionary[ServerConnection, int] = WeakKeyDictionary()
        self.faults: Faults | None = None

    def start(self, faults: Faults) -> int:
        """Listen; returns the port.

        Raises:
            ConfigError: The websockets library is not installed.
            OSError: The address cannot be listened on.
        """
        try:
            import websockets.asyncio.server  # noqa: F401
        except ImportError:
            raise ConfigError(
                'the simulated exchange needs the websockets library: pip install "crypto_ws_sync[sim]"'
            ) from None
        self.faults = faults
        self._started = concurrent.futures.Future()
        self._thread = threading.Thread(
            target=self._run, name="crypto_ws_sync-simulated-exchange", daemon=True
        )
        self._thread.start()
        try:
            return self._started.result()
        except BaseException:
            self._thread.join(5)
            self._thread = self._loop = self._stopping = None
            raise

    def stop(self, timeout: float = 5.0) -> None:
        """Close every connection and end the thread."""
        loop, stopping, thread = self._loop, self._stopping, self._thread
        if thread is None or loop is None or stopping is None:
            return
        with contextlib.suppress(RuntimeError):  # it has ended by itself
            loop.call_soon_threadsafe(stopping.set)
        thread.join(timeout)
        self._thread = self._loop = self._stopping = None

    def call(self, work: Callable[[], T]) -> T:
        """Do `work` on the exchange's thread and return what it returns; without one, right here."""
        loop, thread = self._loop, self._thread
        if loop is None or thread is None or thread is threading.current_thread() or not thread.is_alive():
            return work()
        future: concurrent.futures.Future[T] = concurrent.futures.Future()

        def run() -> None:
            try:
                future.set_result(work())
            except Exception as error:
                future.set_exception(error)

        loop.call_soon_threadsafe(run)
        return future.result(30)

    # -- on the loop thread ------------------------------------------------------------------------------

    def _run(self) -> None:
        loop = asyncio.SelectorEventLoop()
        try:
            loop.run_until_complete(self._serve())
        except BaseException as error:
            if not self._started.done():
                self._started.set_exception(error)
            else:
                _log.exception("the simulated exchange has ended")
        finally:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    async def _serve(self) -> None:
        from websockets.asyncio.server import broadcast, serve

        self._broadcast = broadcast
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        timers = Timers(self._clock, self._loop)
        self._venue = self._make_venue(timers)
        self._timers = timers
        # A logger outside the tree: the library would else write every frame, signatures and all, at DEBUG.
        quiet = logging.Logger("crypto_ws_sync.simulator.wire", logging.WARNING)
        quiet.parent = _log
        server = await serve(
            self._accept,
            self._host,
            self._port,
            process_request=self._admit,
            compression=None,
            ping_interval=None,
            open_timeout=None,
            close_timeout=_CLOSE_SECONDS,
            max_size=_MAX_REQUEST,
            server_header=None,
            ssl=self._tls,
            logger=quiet,
        )
        try:
            self._started.set_result(server.sockets[0].getsockname()[1])
            await self._stopping.wait()
        finally:
            timers.close()
            await self._close(server)

    async def _close(self, server: Server) -> None:
        server.close()
        try:
            await asyncio.wait_for(asyncio.shield(server.wait_closed()), 2 * _CLOSE_SECONDS)
        except (asyncio.TimeoutError, TimeoutError):
            pass
        for link in list(self.links):
            link.abort()
        current = asyncio.current_task()
        rest = [task for task in asyncio.all_tasks() if task is not current]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        # A transport closes its socket a turn or two of the loop after it was told to.
        for _ in range(3):
            await asyncio.sleep(0)

    async def _admit(self, socket: ServerConnection, request: Request) -> Response | None:
        """Answer a handshake: `None` lets it through."""
        now_us = self._venue.now_us()
        usage = self._venue.usage_of(_address(socket))
        assert self.faults is not None
        if self.faults.planned_handshakes:
            effect = self.faults.strike_handshake()
            if effect is not None:
                if effect.status is None:
                    await asyncio.get_running_loop().create_future()
                return _refuse(socket, effect.status or 503, None, effect.headers)
        if usage.ban.until_us > now_us:
            wait = -(-(usage.ban.until_us - now_us) // 1_000_000)
            return _refuse(socket, 418, usage.refuse_banned(now_us), {"Retry-After": str(wait)})
        overrun = usage.attempt_connection(now_us)
        if overrun is not None:
            limit = overrun.limit
            refusal = Refusal(
                429,
                -1034,
                f"Too many connection attempts from IP; current limit is {limit.limit} per "
                f"'{limit.interval_num} {limit.interval}'.",
            )
            wait = -(-(overrun.end_us - now_us) // 1_000_000)
            return _refuse(socket, 429, refusal, {"Retry-After": str(wait)})
        try:
            read_options(request.path)
        except Refusal as refusal:
            return _refuse(socket, refusal.status, refusal, {})
        # A client may go on before `_accept` runs, so a connection's age counts from here.
        self._admitted[socket] = self._clock.now_us()
        return None

    async def _accept(self, socket: ServerConnection) -> None:
        from websockets.exceptions import ConnectionClosed

        assert socket.request is not None
        assert self.faults is not None
        options = read_options(socket.request.path)
        since_us = self._admitted.pop(socket)
        link = Link(socket, self._venue, self.faults, self._timers, self._broadcast, self._latency, since_us)
        self.links.add(link)
        try:
            link.open(self._venue.connect(_address(socket), options, since_us, link.send, link.close))
            async for message in socket:
                link.receive(message)
        except ConnectionClosed:
            pass
        except Exception:
            _log.exception("a request could not be handled")
            raise
        finally:
            self.links.discard(link)
            link.gone()


def read_options(target: str) -> Options:
    """The options in the address of a handshake.

    Raises:
        Refusal: A path or an option that is not served here; its status is the one of HTTP.
    """
    address = urlsplit(target)
    if address.path.rstrip("/") != PATH:
        raise Refusal(404, -1020, "This operation is not supported.")
    query = parse_qs(address.query, keep_blank_values=True)
    shows_limits = query.get("returnRateLimits", ["true"])[-1]
    if shows_limits not in ("true", "false"):
        raise Refusal(400, -1130, "Data sent for parameter 'returnRateLimits' is not valid.")
    if query.get("responseFormat", ["json"])[-1].lower() != "json" or "sbeSchemaId" in query:
        raise Refusal(400, -1155, "SBE is not enabled.")
    unit = query.get("timeUnit", ["MILLISECOND"])[-1]
    if unit not in _TIME_UNITS:
        raise Refusal(400, -1194, "Invalid value for time unit; expected either MICROSECOND or MILLISECOND.")
    return Options(shows_limits == "true", _TIME_UNITS[unit])


def _address(socket: ServerConnection) -> str:
    peer: Any = socket.remote_address
    return str(peer[0]) if peer else ""


def _refuse(
    socket: ServerConnection, status: int, refusal: Refusal | None, headers: Mapping[str, str]
) -> Response:
    body = ""
    if refusal is not None:
        error: dict[str, Any] = {"code": refusal.code, "msg": refusal.msg}
        if refusal.data is not None:
            error["data"] = refusal.data
        body = json.dumps(error)
    response = socket.respond(http.HTTPStatus(status), body)
    if refusal is not None:
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = "application/json"
    for name, value in headers.items():
        response.headers[name] = value
    return response
