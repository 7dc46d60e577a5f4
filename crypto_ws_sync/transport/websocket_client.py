"""Lines made with websocket-client and driven by the loop: the one file that knows that library.

The library resolves, connects, wraps in TLS and shakes hands, in a short-lived daemon thread, because all of that
blocks. Then its socket is non-blocking and read and written by the loop; the library's own send and close would lose
half-sent frames there.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
import threading
import time
from typing import Any
from urllib.parse import urlsplit

import websocket

from crypto_ws_sync.transport.frames import CLOSE, PING, PONG, TEXT, FrameReader, FrameWriter
from crypto_ws_sync.transport.port import (
    LineHandler,
    LineLost,
    OpenFailed,
    OpenFailure,
    ProtocolViolation,
    Target,
)
from crypto_ws_sync.transport.proxies import Proxy, choose_proxy

__all__ = ["WebSocketLine", "WebSocketTransport"]

log = logging.getLogger("crypto_ws_sync.transport")

READ_SIZE = 256 * 1024
READS_A_TURN = 16
HIGH_WATER = 1 << 20
"""Bytes in the out-buffer at which new requests wait."""

_AGAIN = (BlockingIOError, InterruptedError, ssl.SSLWantReadError)


class WebSocketLine:
    """One open connection on the loop.

    Owner: loop thread.
    """

    def __init__(self, sock: Any, loop: asyncio.AbstractEventLoop, max_message: int) -> None:
        self._sock = sock
        self._loop = loop
        self._is_tls = isinstance(sock, ssl.SSLSocket)
        self._reader = FrameReader(max_message)
        self._writer = FrameWriter()
        self._out = bytearray()
        self._sent = 0
        self._offered = 0
        self._is_writing = False
        self._handler: LineHandler | None = None
        self._close_timer: asyncio.TimerHandle | None = None
        self._close_sent = False
        self.is_open = True
        self.last_heard = time.monotonic()

    def attach(self, handler: LineHandler) -> None:
        """Begin to read; bytes that came with the handshake are looked at in the next turn."""
        self._handler = handler
        self._loop.add_reader(self._sock, self._on_readable)
        self._loop.call_soon(self._on_readable)

    @property
    def is_clogged(self) -> bool:
        """Tell whether so much waits to be written that new requests should wait, too."""
        return len(self._out) > HIGH_WATER

    def send_text(self, text: str) -> int:
        """Append a text message; return the offset of the end of its last byte."""
        out = self._out
        out += self._writer.frame(TEXT, text.encode("utf-8"))
        return self._sent + len(out)

    def handed_over(self) -> int:
        """Return the offset up to which bytes may have left."""
        return max(self._sent, self._offered)

    def flush(self) -> None:
        """Hand over what has gathered, as far as the kernel takes it."""
        if self._out and self.is_open and not self._is_writing:
            self._write()

    def ping(self) -> None:
        """Send a ping frame."""
        self._control(PING, b"")

    def close(self, code: int, reason: str, wait: float) -> None:
        """Say goodbye, wait for the answer, and end."""
        if not self.is_open:
            return
        self._say_close(code)
        if self._close_timer is None:
            self._close_timer = self._loop.call_later(wait, self._end, 1006, reason)

    def abort(self, reason: str) -> None:
        """End at once, without a goodbye."""
        self._end(1006, reason)

    def forsake(self) -> None:
        """Close this process's copy of the socket and nothing else: after a fork the connection is the parent's."""
        self.is_open = False
        try:
            fd = self._sock.detach()
        except (OSError, ValueError):
            return
        if fd >= 0:
            socket.close(fd)

    def _on_readable(self) -> None:
        if not self.is_open:
            return
        sock, handler = self._sock, self._handler
        assert handler is not None
        heard = False
        for _ in range(READS_A_TURN if self._is_tls else 1):
            try:
                data = sock.recv(READ_SIZE)
            except _AGAIN:
                break
            except ssl.SSLWantWriteError:
                self._want_write()
                break
            except OSError as error:
                self._end(1006, _words(error))
                return
            if not data:
                self._end(1006, "the connection ended without a close")
                return
            if not heard:
                heard = True
                self.last_heard = time.monotonic()
            if not self._take(data, handler):
                return
        else:
            if self._is_tls:
                # Records may wait inside the TLS layer, where the selector does not see them.
                self._loop.call_soon(self._on_readable)
        if heard:
            handler.on_read()

    def _take(self, data: bytes, handler: LineHandler) -> bool:
        try:
            for opcode, payload in self._reader.feed(data):
                if opcode == TEXT:
                    handler.on_text(str(payload, "utf-8"))
                elif opcode == PING:
                    # Who floods and does not read gets no more pongs: they would only fill our memory.
                    if not self.is_clogged:
                        self._control(PONG, payload)
                elif opcode == CLOSE:
                    self._on_close(payload)
                elif opcode != PONG:
                    raise ProtocolViolation(1003, "a binary message came where only text was agreed")
                if not self.is_open:
                    return False
        except ProtocolViolation as error:
            return self._refuse(error.code, str(error))
        except UnicodeDecodeError:
            return self._refuse(1007, "a text message is not UTF-8")
        return True

    def _refuse(self, code: int, reason: str) -> bool:
        log.warning("the server broke the WebSocket protocol: %s", reason, extra={"event": "protocol_broken"})
        self._say_close(code)
        self._end(code, reason)
        return False

    def _on_close(self, payload: bytes) -> None:
        code, reason = 1005, ""
        if len(payload) >= 2:
            code = int.from_bytes(payload[:2], "big")
            reason = str(payload[2:], "utf-8", "replace")
        self._say_close(1000 if code == 1005 else code)
        self._end(code, reason or "closed by the server")

    def _say_close(self, code: int) -> None:
        if not self._close_sent:
            self._close_sent = True
            self._control(CLOSE, code.to_bytes(2, "big"))

    def _control(self, opcode: int, payload: bytes) -> None:
        if self.is_open:
            self._out += self._writer.frame(opcode, payload)
            self.flush()

    def _write(self) -> None:
        out = self._out
        try:
            sent = self._sock.send(out)
        except (BlockingIOError, InterruptedError):
            self._want_write()
            return
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
            # TLS has taken these bytes in and only waits for the wire: from now on they may leave at any time.
            self._offered = self._sent + len(out)
            self._want_write()
            return
        except OSError as error:
            # Told in a turn of its own: whoever flushes is in the middle of its work.
            self._loop.call_soon(self._end, 1006, _words(error))
            return
        self._sent += sent
        del out[:sent]
        if out:
            self._want_write()
        elif self._is_writing:
            self._is_writing = False
            self._loop.remove_writer(self._sock)

    def _want_write(self) -> None:
        if not self._is_writing:
            self._is_writing = True
            self._loop.add_writer(self._sock, self._on_writable)

    def _on_writable(self) -> None:
        if not self.is_open:
            return
        if self._out:
            self._write()
        else:
            self._is_writing = False
            self._loop.remove_writer(self._sock)

    def _end(self, code: int, reason: str) -> None:
        if not self.is_open:
            return
        self.is_open = False
        if self._close_timer is not None:
            self._close_timer.cancel()
        self._loop.remove_reader(self._sock)
        if self._is_writing:
            self._loop.remove_writer(self._sock)
        try:
            self._sock.close()
        except OSError:
            pass
        handler, self._handler = self._handler, None
        if handler is not None:
            handler.on_lost(LineLost(code, reason))


class WebSocketTransport:
    """Opens lines with websocket-client, each in a daemon thread that nothing waits for at exit."""

    async def open(self, target: Target, timeout: float) -> WebSocketLine:
        """Return an open line within `timeout` seconds, all steps together.

        Raises:
            OpenFailed: It could not be had.
        """
        loop = asyncio.get_running_loop()
        opened: asyncio.Future[Any] = loop.create_future()
        deadline = loop.time() + timeout
        attempt = _Attempt()

        def deliver(failed: OpenFailed | None) -> None:
            sock = attempt.take()
            if opened.done():
                _discard(sock)
            elif failed is not None:
                opened.set_exception(failed)
            elif sock is not None:
                opened.set_result(sock)

        def work() -> None:
            failed = None
            try:
                attempt.finish(_connect(target, timeout, attempt))
            except OpenFailed as error:
                failed = error
            try:
                loop.call_soon_threadsafe(deliver, failed)
            except RuntimeError:
                attempt.give_up()

        threading.Thread(target=work, name="crypto_ws_sync connect", daemon=True).start()
        try:
            sock = await asyncio.wait_for(asyncio.shield(opened), max(0.0, deadline - loop.time()))
        except asyncio.TimeoutError:
            opened.cancel()
            attempt.give_up()
            raise OpenFailed(OpenFailure.TIMEOUT, f"no connection within {timeout:.1f} s") from None
        except asyncio.CancelledError:
            if opened.done() and not opened.cancelled() and opened.exception() is None:
                _discard(opened.result())
            opened.cancel()
            attempt.give_up()
            raise
        return WebSocketLine(sock, loop, target.max_message)


class _Attempt:
    """One connection that is being had in a thread of its own.

    The library bounds each step, not the whole: a server that sends a byte now and then would keep the thread,
    and its memory, for as long as it likes.

    Owner: shared, guarded by self._lock.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sock: socket.socket | None = None
        self._ready: Any = None
        self._is_given_up = False

    def hold(self, sock: socket.socket) -> None:
        """Remember the socket that the thread is about to wait on."""
        with self._lock:
            self._sock = sock
            if self._is_given_up:
                self._wake()

    def finish(self, sock: Any) -> None:
        """Keep the connected socket until the loop takes it; close it where nobody will."""
        with self._lock:
            self._sock = None
            if self._is_given_up:
                _discard(sock)
            else:
                self._ready = sock

    def take(self) -> Any:
        """Return the connected socket, once; None where there is none."""
        with self._lock:
            sock, self._ready = self._ready, None
            return sock

    def give_up(self) -> None:
        """Wake the thread, which then closes its socket and ends; close a connected one that was not taken."""
        with self._lock:
            self._is_given_up = True
            ready, self._ready = self._ready, None
            _discard(ready)
            self._wake()

    def _wake(self) -> None:
        if self._sock is not None:
            try:
                # Not the method of a TLS socket, which changes what the thread is working with.
                socket.socket.shutdown(self._sock, socket.SHUT_RDWR)
                self._empty(self._sock)
            except OSError:
                pass

    @staticmethod
    def _empty(sock: socket.socket) -> None:
        """Have nothing more come out of a socket: what it has taken in would keep the thread reading for long.

        Its number goes to the null device, on which the next read fails; closing it here could give the number to
        somebody else while the thread still uses it.
        """
        if os.name == "posix":
            nothing = os.open(os.devnull, os.O_RDWR)
            try:
                os.dup2(nothing, sock.fileno(), inheritable=False)
            finally:
                os.close(nothing)


def _discard(sock: Any) -> None:
    if sock is not None:
        try:
            sock.close()
        except OSError:
            pass


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _connect(target: Target, timeout: float, attempt: _Attempt) -> Any:
    """Return a connected, non-blocking socket that has shaken hands."""
    parts = urlsplit(target.url)
    host = parts.hostname or ""
    is_secure = parts.scheme == "wss"
    port = parts.port or (443 if is_secure else 80)
    client = websocket.WebSocket(
        skip_utf8_validation=True, enable_multithread=False, sslopt=_tls_options(target, is_secure)
    )
    proxy = None
    try:
        proxy = choose_proxy(target.proxy, host, is_secure)
        options: dict[str, Any] = {
            "timeout": timeout,
            "redirect_limit": 0,
            "suppress_origin": True,
            "http_no_proxy": ["*"],
        }
        if proxy is None:
            options["socket"] = _direct(host, port, timeout, target, is_secure, attempt)
        else:
            options.update(_proxy_options(proxy, timeout))
        client.connect(target.url, **options)  # type: ignore[no-untyped-call]  # the library has no types
        return _made_ready(client)
    except OpenFailed:
        raise
    except ssl.SSLCertVerificationError as error:
        raise OpenFailed(
            OpenFailure.CERTIFICATE, f"the certificate of {host} is not trusted: {error.verify_message}"
        ) from None
    except websocket.WebSocketBadStatusException as error:
        raise _refused(host, error.status_code, error.resp_headers) from None
    except Exception as error:
        # Whatever else the library, the proxy package or the system may raise; the thread has no one above it.
        answer = client.handshake_response
        if answer is not None and answer.status != 101:
            # A redirection, which is not followed: an exchange's address does not move while one trades.
            raise _refused(host, answer.status, answer.headers) from None
        via = f" through the proxy {proxy}" if proxy is not None else ""
        hint = "" if proxy is None or "socks" not in str(error).lower() else _socks_hint()
        raise OpenFailed(
            OpenFailure.NETWORK, f"cannot connect to {host}:{port}{via}: {_redacted(error, proxy)}{hint}"
        ) from None


def _refused(host: str, status: int, headers: Any) -> OpenFailed:
    return OpenFailed(
        OpenFailure.REFUSED,
        f"{host} refused the WebSocket handshake with HTTP status {status}",
        status=status,
        headers={str(name).lower(): str(value) for name, value in (headers or {}).items()},
    )


def _tls_options(target: Target, is_secure: bool) -> dict[str, Any]:
    if not is_secure:
        return {}
    return {"context": target.ssl_context or ssl.create_default_context()}


def _direct(
    host: str, port: int, timeout: float, target: Target, is_secure: bool, attempt: _Attempt
) -> socket.socket:
    """Connect to the first address of a name that answers, and speak TLS where asked."""
    sock: socket.socket = socket.create_connection((host, port), timeout)
    try:
        _set_options(sock)
        if not is_secure:
            attempt.hold(sock)
            return sock
        context = target.ssl_context or ssl.create_default_context()
        tls = context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
        sock = tls
        attempt.hold(tls)
        tls.do_handshake()
    except BaseException:
        sock.close()
        raise
    return tls


def _proxy_options(proxy: Proxy, timeout: float) -> dict[str, Any]:
    return {
        "http_proxy_host": proxy.host,
        "http_proxy_port": proxy.port,
        "proxy_type": proxy.scheme,
        "http_proxy_auth": (proxy.user, proxy.password or "") if proxy.user else None,
        "http_proxy_timeout": timeout,
        # An empty list would make the library ask the environment once more.
        "http_no_proxy": ["never.invalid"],
    }


def _made_ready(client: Any) -> Any:
    sock = client.sock
    client.sock = None
    if sock is None:
        raise OSError("the connection closed during the handshake")
    _set_options(sock)
    sock.settimeout(0)
    return sock


def _set_options(sock: Any) -> None:
    """Set what the library forgets behind a SOCKS proxy."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if sock.family != getattr(socket, "AF_UNIX", None):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _redacted(error: BaseException, proxy: Proxy | None) -> str:
    words = _words(error)
    for secret in (proxy.user, proxy.password) if proxy is not None else ():
        if secret:
            words = words.replace(secret, "***")
    return words


def _socks_hint() -> str:
    return ' (SOCKS proxies need one more package: pip install "crypto_ws_sync[socks]")'
