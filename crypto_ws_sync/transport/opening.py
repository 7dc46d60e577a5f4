"""The way to a server, before any frame: TCP, a proxy's tunnel, TLS, each within what is left of one time and size.

Whoever sits at the other end may trickle, pour or fall silent in any of these steps: no more is read than a greeting
can take, and no longer waited than the whole may last.
"""

from __future__ import annotations

import base64
import ipaddress
import socket
import ssl
import threading
import time
import traceback

from crypto_ws_sync.transport.port import OpenFailed, OpenFailure
from crypto_ws_sync.transport.proxies import Proxy

__all__ = ["Attempt", "OpeningSocket", "default_tls", "reach", "secure", "tunnel"]

MOST_BYTES = 1 << 18
"""What a server and its proxy may say in all before the first frame: a refusal may bring a whole page along."""
MOST_OF_A_PROXY = 1 << 16

_SOCKS_REFUSALS = (
    "", "a general failure", "not allowed", "the network is unreachable", "the host is unreachable",
    "the connection was refused", "it took too long", "the command is not supported",
    "the kind of address is not supported",
)  # fmt: skip
"""Source: RFC 1928, section 6."""


class Attempt:
    """One connection that is being had in a thread of its own, until a deadline or until it is given up.

    Owner: shared, guarded by self._lock.
    """

    def __init__(self, deadline: float) -> None:
        self._lock = threading.Lock()
        self._deadline = deadline
        self._sock: socket.socket | None = None
        self._ready: socket.socket | None = None
        self._is_given_up = False

    def left(self) -> float:
        """Return the seconds that the thread still has.

        Raises:
            TimeoutError: None are left, or nobody waits for it any more.
        """
        left = self._deadline - time.monotonic()
        if left <= 0 or self._is_given_up:
            raise TimeoutError("it took too long")
        return left

    def is_over(self) -> bool:
        """Tell whether the thread has no time left."""
        return self._is_given_up or time.monotonic() >= self._deadline

    def hold(self, sock: socket.socket) -> None:
        """Remember the socket that the thread is about to wait on."""
        with self._lock:
            self._sock = sock
            if self._is_given_up:
                self._wake()

    def drop(self, sock: socket.socket | None) -> None:
        """Close a socket of the thread; from now on nobody else touches its number."""
        with self._lock:
            self._sock = None
        if sock is not None:
            sock.close()

    def finish(self, sock: socket.socket) -> None:
        """Keep the connected socket until the loop takes it; close it where nobody will."""
        with self._lock:
            self._sock = None
            if self._is_given_up:
                sock.close()
            else:
                self._ready = sock

    def take(self) -> socket.socket | None:
        """Return the connected socket, once; None where there is none."""
        with self._lock:
            sock, self._ready = self._ready, None
            return sock

    def give_up(self) -> None:
        """Wake the thread, which then closes its socket and ends; close a connected one that was not taken."""
        with self._lock:
            self._is_given_up = True
            ready, self._ready = self._ready, None
            if ready is not None:
                ready.close()
            self._wake()

    def _wake(self) -> None:
        if self._sock is not None:
            try:
                # Not the method of a TLS socket, which changes what the thread is working with.
                socket.socket.shutdown(self._sock, socket.SHUT_RDWR)
            except OSError:
                pass


class OpeningSocket:
    """Stands in for a socket until frames begin: reads end with the attempt, and at a number of bytes.

    Owner: the thread of the attempt.
    """

    def __init__(self, sock: socket.socket, attempt: Attempt) -> None:
        self.sock = sock
        self._attempt = attempt
        self._left = MOST_BYTES

    def recv(self, size: int) -> bytes:
        """Return up to so many bytes; none where the other side has ended."""
        if self._left <= 0:
            raise OpenFailed(OpenFailure.NETWORK, f"over {MOST_BYTES} bytes came before the first frame")
        self.sock.settimeout(self._attempt.left())
        found = self.sock.recv(min(size, self._left))
        self._left -= len(found)
        return found

    def send(self, data: bytes) -> int:
        """Send all of it; return its length."""
        self.sock.settimeout(self._attempt.left())
        self.sock.sendall(data)
        return len(data)

    def read(self, size: int) -> bytes:
        """Return exactly so many bytes.

        Raises:
            OSError: The other side ended before.
        """
        found = b""
        while len(found) < size:
            more = self.recv(size - len(found))
            if not more:
                raise OSError("the connection ended in the middle of the answer")
            found += more
        return found

    def gettimeout(self) -> float | None:
        """Return the seconds that the next step may take."""
        return self.sock.gettimeout()

    def fileno(self) -> int:
        """Return the socket's number."""
        return self.sock.fileno()

    def close(self) -> None:
        """Close the socket."""
        self._attempt.drop(self.sock)


def reach(host: str, port: int, attempt: Attempt) -> socket.socket:
    """Return a TCP connection to the first address of a name that answers.

    An address that keeps silent leaves their share of the time to the next ones.

    Raises:
        OSError: No address answers.
    """
    failure = OSError("the name has no address")
    # For every text Python loads the rules of international names, which takes as long as the connecting; an address is
    # none. (Names stay text, as programs expect that put something else in the place of the look-up.)
    is_address = host.isascii() and (":" in host or host.replace(".", "").isdigit())
    name = host.encode("ascii") if is_address else host
    addresses = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    for number, (family, kind, protocol, _, address) in enumerate(addresses):
        seconds = attempt.left() / (len(addresses) - number)
        sock = None
        try:
            sock = socket.socket(family, kind, protocol)
            attempt.hold(sock)
            sock.settimeout(seconds)
            sock.connect(address)
            return sock
        except OSError as error:
            failure = error
            attempt.drop(sock)
    raise failure


def default_tls() -> ssl.SSLContext:
    """Return a context that trusts what the system trusts, checks host names, and speaks TLS 1.2 at least."""
    context = ssl.create_default_context()
    # Python's own builds say so already; those that follow the system's settings may not.
    context.minimum_version = max(context.minimum_version, ssl.TLSVersion.TLSv1_2)
    return context


def secure(sock: socket.socket, host: str, context: ssl.SSLContext, attempt: Attempt) -> ssl.SSLSocket:
    """Return the connection inside TLS; closed where that fails.

    Raises:
        OSError: The other side cannot prove who it is, or speaks no TLS.
    """
    sock.settimeout(attempt.left())
    attempt.drop(None)
    try:
        tls = context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
    except BaseException as error:
        # Where the other side has hung up just before, the half-made socket, which has taken over what `sock`
        # held, is left to the collector: it is known to the frames of the error alone.
        for frame, _ in traceback.walk_tb(error.__traceback__):
            half = frame.f_locals.get("self")
            if isinstance(half, ssl.SSLSocket):
                half.close()
        raise
    try:
        attempt.hold(tls)
        tls.do_handshake()
    except BaseException:
        attempt.drop(tls)
        raise
    return tls


def tunnel(line: OpeningSocket, proxy: Proxy, host: str, port: int) -> None:
    """Have a proxy connect to a host.

    Raises:
        OSError: It does not, or speaks something else; says why.
    """
    if proxy.scheme == "http":
        _ask_http(line, proxy, host, port)
    else:
        _ask_socks(line, proxy, host, port)


def _ask_http(line: OpeningSocket, proxy: Proxy, host: str, port: int) -> None:
    """Source: RFC 9110, section 9.3.6 (CONNECT), and RFC 7617 (Basic)."""
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    head = f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n"
    if proxy.user is not None:
        who = base64.b64encode(f"{proxy.user}:{proxy.password or ''}".encode()).decode("ascii")
        head += f"Proxy-Authorization: Basic {who}\r\n"
    line.send(f"{head}\r\n".encode())
    answer = bytearray()
    # Byte by byte: what follows the answer belongs to the host behind the proxy.
    while not answer.endswith((b"\r\n\r\n", b"\n\n")):
        if len(answer) >= MOST_OF_A_PROXY:
            raise OSError("the proxy's answer has no end")
        answer += line.read(1)
    version, _, rest = bytes(answer).partition(b" ")
    status = rest[:3]
    if not version.startswith(b"HTTP/") or not status.isdigit():
        raise OSError("the proxy's answer is not HTTP")
    if not status.startswith(b"2"):
        raise OSError(f"the proxy refused with HTTP status {status.decode('ascii')}")


def _ask_socks(line: OpeningSocket, proxy: Proxy, host: str, port: int) -> None:
    """Source: RFC 1928, and RFC 1929 for the password."""
    has_password = proxy.user is not None
    line.send(b"\x05\x02\x00\x02" if has_password else b"\x05\x01\x00")
    version, method = line.read(2)
    if version != 5:
        raise OSError("the proxy does not speak SOCKS 5")
    if method == 2 and has_password:
        line.send(b"\x01" + _sized(proxy.user or "") + _sized(proxy.password or ""))
        if line.read(2)[1] != 0:
            raise OSError("the proxy refused the user name or password")
    elif method != 0:
        raise OSError("the proxy takes none of the ways to say who asks")
    line.send(b"\x05\x01\x00" + _socks_address(proxy, host) + port.to_bytes(2, "big"))
    version, refusal, _, kind = line.read(4)
    if version != 5 or refusal:
        known = 0 < refusal < len(_SOCKS_REFUSALS)
        raise OSError(f"the proxy refused: {_SOCKS_REFUSALS[refusal] if known else 'no reason given'}")
    size = {1: 4, 3: -1, 4: 16}.get(kind)
    if size is None:
        raise OSError("the proxy's answer is not SOCKS 5")
    line.read((line.read(1)[0] if size < 0 else size) + 2)


def _socks_address(proxy: Proxy, host: str) -> bytes:
    """Return how a host is named to the proxy: by its address with `socks5`, and with `socks5h` as it is."""
    try:
        known = ipaddress.ip_address(host)
    except ValueError:
        if proxy.scheme == "socks5h":
            return b"\x03" + _sized(host)
        known = ipaddress.ip_address(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])
    return (b"\x01" if known.version == 4 else b"\x04") + known.packed


def _sized(text: str) -> bytes:
    raw = text.encode()
    if len(raw) > 255:
        raise OSError("a name is too long for SOCKS 5")
    return bytes((len(raw),)) + raw
