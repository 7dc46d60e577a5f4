"""Lines made with websocket-client and driven by the loop: the one file that knows that library.

The library shakes hands, in a short-lived daemon thread, because that blocks, as does all that comes before it. Then
the socket is non-blocking and read and written by the loop; the library's own send and close would lose half-sent
frames there.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import threading
import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import websocket

from crypto_ws_sync.transport.frames import CLOSE, PING, PONG, TEXT, FrameReader, FrameWriter
from crypto_ws_sync.transport.opening import Attempt, OpeningSocket, default_tls, reach, secure, tunnel
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

MOST_WORDS = 300
"""Characters that are told of an error."""
SIGN_OF_LIFE = 1024
"""Bytes that show, without completing a message, that the other side is still at it."""

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
        self._crumbs = 0

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
            heard = True
            if not self._take(data, handler):
                return
            if self._is_tls and not handler.awaits_more and not sock.pending():
                # Another read would find nothing, and keep whoever was answered from waking.
                break
        else:
            if self._is_tls:
                # Records may wait inside the TLS layer, where the selector does not see them.
                self._loop.call_soon(self._on_readable)
        if heard:
            handler.on_read()

    def _take(self, data: bytes, handler: LineHandler) -> bool:
        now = time.monotonic()
        # Of a long message its parts are signs of life; a byte now and then of one that never ends is none.
        self._crumbs += len(data)
        if self._crumbs >= SIGN_OF_LIFE:
            self._crumbs, self.last_heard = 0, now
        try:
            whole = self._reader.whole(data)
            messages: Iterable[tuple[int, bytes | memoryview]]
            messages = ((TEXT, whole),) if whole is not None else self._reader.feed(data)
            for opcode, payload in messages:
                self._crumbs, self.last_heard = 0, now
                if opcode == TEXT:
                    text = str(payload, "utf-8")
                    try:
                        handler.on_text(text)
                    except Exception:
                        # The messages behind it may be somebody's answers, and would lie in the buffer unread.
                        log.exception("a message could not be dealt with", extra={"event": "engine_failed"})
                elif opcode == PING:
                    # Who floods and does not read gets no more pongs: they would only fill our memory.
                    if not self.is_clogged:
                        self._control(PONG, bytes(payload))
                elif opcode == CLOSE:
                    self._on_close(bytes(payload))
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
            if not reason.isprintable():
                # It goes into the log, where line ends would look like records of somebody else's.
                reason = ascii(reason)
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
        attempt = Attempt(time.monotonic() + timeout)

        def deliver(failed: OpenFailed | None) -> None:
            sock = None if opened.done() else attempt.take()
            if opened.done():
                attempt.give_up()
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

        try:
            threading.Thread(target=work, name="crypto_ws_sync connect", daemon=True).start()
        except RuntimeError as error:
            # The system lets no more threads begin; later it may.
            raise OpenFailed(OpenFailure.NETWORK, f"cannot connect: {_words(error)}") from None
        try:
            sock = await asyncio.wait_for(asyncio.shield(opened), max(0.0, deadline - loop.time()))
        except (asyncio.TimeoutError, asyncio.CancelledError) as error:
            attempt.give_up()
            # It may have come in the very turn in which the wait ended.
            if opened.done() and opened.exception() is None:
                opened.result().close()
            opened.cancel()
            if isinstance(error, asyncio.CancelledError):
                raise
            raise _too_late(target, timeout) from None
        return WebSocketLine(sock, loop, target.max_message)


def _too_late(target: Target, timeout: float) -> OpenFailed:
    return OpenFailed(
        OpenFailure.TIMEOUT, f"no connection with {urlsplit(target.url).hostname} within {timeout:.1f} s"
    )


def _words(error: BaseException) -> str:
    if isinstance(error, socket.gaierror):
        return f"its name is not known ({error.strerror}): is it right, and is there a network?"
    # Some errors quote what the server sent, which may be long.
    return f"{type(error).__name__}: {error}"[:MOST_WORDS]


def _connect(target: Target, timeout: float, attempt: Attempt) -> Any:
    """Return a connected, non-blocking socket that has shaken hands."""
    parts = urlsplit(target.url)
    host = parts.hostname or ""
    is_secure = parts.scheme == "wss"
    port = parts.port or (443 if is_secure else 80)
    client = websocket.WebSocket(skip_utf8_validation=True, enable_multithread=False)
    proxy = None
    try:
        proxy = choose_proxy(target.proxy, host, is_secure)
        line = _opened(target, host, port, proxy, attempt)
        try:
            client.connect(  # type: ignore[no-untyped-call]  # the library has no types
                target.url, socket=line, timeout=timeout, redirect_limit=0, suppress_origin=True
            )
            client.sock = None
            answer = client.handshake_response
            if answer is None or answer.status != 101:
                # Before 1.9.1 the library took a redirection that it did not follow for a connection.
                raise websocket.WebSocketException("no switch of protocols")
            _refuse_extras(answer)
            line.sock.settimeout(0)
        except BaseException:
            line.close()
            raise
        return line.sock
    except OpenFailed:
        raise
    except ssl.SSLCertVerificationError as error:
        raise OpenFailed(
            OpenFailure.CERTIFICATE, f"the certificate of {host} is not trusted: {error.verify_message}"
        ) from None
    except websocket.WebSocketBadStatusException as error:
        raise _refused(host, error.status_code, error.resp_headers) from None
    except Exception as error:
        # Whatever else the library or the system may raise; the thread has no one above it.
        answer = client.handshake_response
        if answer is not None and answer.status != 101:
            # A redirection, which is not followed: an exchange's address does not move while one trades.
            raise _refused(host, answer.status, answer.headers) from None
        if attempt.is_over():
            # The thread may hear of the deadline before the loop does, in the words of whoever it waited for.
            raise _too_late(target, timeout) from None
        via = f" through the proxy {proxy}" if proxy is not None else ""
        raise OpenFailed(
            OpenFailure.NETWORK, f"cannot connect to {host}:{port}{via}: {_words(error)}"
        ) from None


def _opened(target: Target, host: str, port: int, proxy: Proxy | None, attempt: Attempt) -> OpeningSocket:
    """Return the connection on which to shake hands: through the proxy, and inside TLS, where asked."""
    where = (host, port) if proxy is None else (proxy.host, proxy.port)
    line = OpeningSocket(reach(*where, attempt), attempt)
    try:
        line.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        line.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if proxy is not None:
            tunnel(line, proxy, host, port)
        if urlsplit(target.url).scheme == "wss":
            line.sock = secure(line.sock, host, target.ssl_context or default_tls(), attempt)
    except BaseException:
        line.close()
        raise
    return line


def _refuse_extras(answer: Any) -> None:
    """Refuse what the server has switched on though nobody asked for it (RFC 6455, section 4.1)."""
    for name in ("sec-websocket-extensions", "sec-websocket-protocol"):
        if answer.headers.get(name):
            raise OpenFailed(OpenFailure.NETWORK, f"the server answered with {name}, which was not asked for")


def _refused(host: str, status: int, headers: Any) -> OpenFailed:
    return OpenFailed(
        OpenFailure.REFUSED,
        f"{host} refused the WebSocket handshake with HTTP status {status}",
        status=status,
        headers={str(name).lower(): str(value) for name, value in (headers or {}).items()},
    )
