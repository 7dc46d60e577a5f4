"""Whole programs: Ctrl-C, an exit without stop(), fork. Each runs in a process of its own against a server here."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bytes_server import LIMIT, Wire
from complaints import complaints
from hostile_exchange import HostileExchange

ROOT = Path(__file__).parents[2]

HEAD = """
import os, signal, sys, threading, time
from crypto_ws_sync import *
ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "100"}
session = UserWSSession(sys.argv[2], sys.argv[3], endpoint=sys.argv[1], timeout=30)
def say(*words):
    print(*words, flush=True)
"""


FORKS = "ignore:This process:DeprecationWarning"
"""Python 3.12 and later warn of every fork beside threads."""


class Program:
    """A program that is running, with its outputs."""

    def __init__(self, text: str, exchange: HostileExchange, options: tuple[str, ...]) -> None:
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115  # closed by kill()
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        self.process = subprocess.Popen(
            [sys.executable, *options, "-W", FORKS, "-c", HEAD + text, exchange.url, *exchange.credentials],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": path},
        )

    def line(self) -> str:
        """Return the next line that it writes."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self) -> tuple[str, str]:
        """Return the rest of what it writes, and its errors, once it has ended by itself."""
        assert self.process.stdout is not None
        out = self.process.stdout.read()
        self.process.wait(LIMIT)
        self._errors.seek(0)
        return out, complaints(self._errors)

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def wait_until_blocked(self) -> None:
        """Wait until its main thread waits for a lock, and not only for its turn."""
        deadline = time.monotonic() + LIMIT
        path = Path(f"/proc/{self.process.pid}/syscall")
        since, last = time.monotonic(), [""]
        while time.monotonic() < since + 0.2:
            assert time.monotonic() < deadline
            assert self.process.poll() is None
            # futex is number 202 on x86-64, 98 on arm64; behind it stands which lock.
            call = path.read_text(encoding="ascii").split()[:2]
            if call != last or call[0] not in ("202", "98"):
                since, last = time.monotonic(), call
            select.select([], [], [], 0.005)

    def kill(self) -> None:
        """End it, if it has not ended, and let go of its pipes."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self._errors):
            assert pipe is not None
            pipe.close()


Spawn = Callable[..., Program]


@pytest.fixture
def spawn(exchange: HostileExchange) -> Iterator[Spawn]:
    """Start programs; what still runs at the end is killed."""
    running: list[Program] = []

    def spawn(text: str, *options: str) -> Program:
        running.append(Program(text, exchange, options))
        return running[-1]

    yield spawn
    for program in running:
        program.kill()


INTERRUPTED = """
session.start()
say("ready")
try:
    CALL
except KeyboardInterrupt as error:
    say("interrupted", *getattr(error, "__notes__", ()))
say(session.handle_request("test.echo", {"value": 1}), session.operational_status)
say([each.client_order_id for each in session.unresolved()])
session.stop()
say([thread.name for thread in threading.enumerate()])
"""

CALLS = {
    "a read": ("test.silent", 'session.handle_request("test.silent")'),
    "a typed call": ("avgPrice", 'session.avg_price(symbol="BTCUSDT")'),
    "a batch": ("test.silent", 'session.handle_requests([("test.silent", None)] * 10)'),
    "an order": (
        "order.place",
        'session.handle_request("order.place", {**ORDER, "newClientOrderId": "mine"})',
    ),
    "a future": ("test.silent", 'session.submit("test.silent").result()'),
}


@pytest.mark.parametrize("kind", CALLS)
def test_ctrl_c_in_a_blocked_call(exchange: HostileExchange, spawn: Spawn, kind: str) -> None:
    method, call = CALLS[kind]
    exchange.on(method, lambda call: None)
    program = spawn(INTERRUPTED.replace("CALL", call))
    assert program.line() == "ready"
    exchange.wait_for(method)
    if kind == "a future":
        # That wait is Python's own, which misses a signal in the instant before it begins.
        program.wait_until_blocked()
    begun = time.monotonic()
    program.interrupt()
    said = program.line()
    assert time.monotonic() - begun < 8, "long before the call's own 30 s"
    assert said.startswith("interrupted")
    out, errors = program.end()
    assert out.splitlines()[0] == "{'value': 1} True"
    assert out.splitlines()[2] == "['MainThread']"
    if kind == "an order":
        assert "mine" in said or sys.version_info < (3, 11)
        assert out.splitlines()[1] == "['mine']"
    else:
        assert out.splitlines()[1] == "[]"
    assert errors == ""


def test_ctrl_c_takes_back_what_was_not_sent(exchange: HostileExchange, spawn: Spawn) -> None:
    """A batch of orders that waits for a connection is not sent after its caller has given up."""
    program = spawn(
        """
import logging
gone = threading.Event()
class Listener(logging.Handler):
    def emit(self, record):
        if getattr(record, "event", None) == "lost":
            gone.set()
logging.getLogger("crypto_ws_sync").addHandler(Listener())
logging.getLogger("crypto_ws_sync").setLevel(logging.INFO)
session.start()
say("ready")
assert gone.wait(10)
say("lost")
try:
    session.handle_requests([("order.place", ORDER)] * 5)
except KeyboardInterrupt:
    say("interrupted")
say(session.handle_request("test.echo", {"value": 1}))
session.stop()
"""
    )
    assert program.line() == "ready"
    exchange.server.scripts.insert(1, Wire.park)
    exchange.wire(1).cut()
    assert program.line() == "lost"
    # The orders have been handed over once the main thread waits, which the interrupt then ends.
    program.wait_until_blocked()
    program.interrupt()
    assert program.line() == "interrupted"
    exchange.wire(2).cut()
    assert program.end() == ("{'value': 1}\n", "")
    assert not exchange.seen("order.place")


def test_ctrl_c_in_start(exchange: HostileExchange, spawn: Spawn) -> None:
    exchange.server.scripts = [Wire.park]
    program = spawn(
        """
try:
    session.start()
except KeyboardInterrupt:
    say("interrupted")
say(session.operational_status, session.status().state)
"""
    )
    exchange.wire(1)
    begun = time.monotonic()
    program.interrupt()
    assert program.line() == "interrupted"
    assert time.monotonic() - begun < 8
    assert program.end() == ("False idle\n", "")


def test_an_impatient_second_ctrl_c_ends_stop(exchange: HostileExchange, spawn: Spawn) -> None:
    exchange.on("order.place", lambda call: None)
    program = spawn(
        """
session.start()
session.submit("order.place", ORDER)
while not session.status().in_flight: pass
say("ready")
try:
    session.stop(60)
except KeyboardInterrupt:
    say("interrupted")
"""
    )
    assert program.line() == "ready"
    program.wait_until_blocked()
    begun = time.monotonic()
    program.interrupt()
    assert program.line() == "interrupted"
    program.end()
    assert time.monotonic() - begun < 15, "half of stop's limit is for the order"


ENDINGS = {
    "falls off its end": "",
    "leaves a call running in a daemon thread": (
        "threading.Thread(target=session.handle_request, args=('test.silent',), daemon=True).start()\n"
        "session.handle_request('test.echo')"
    ),
    "leaves futures": "futures = [session.submit('test.silent') for _ in range(100)]",
    "leaves an order": "future = session.submit('order.place', ORDER)",
    "drops its session": "del session; import gc; gc.collect()",
    "has lost its connection": "session.submit('test.cut')\nwhile session.operational_status: pass",
    "keeps it in a cycle": "session.me = [session]; session.me.append(session.me)",
}


@pytest.mark.parametrize("kind", ENDINGS)
def test_a_program_that_never_stops_its_session_ends_quietly(
    exchange: HostileExchange, spawn: Spawn, kind: str
) -> None:
    exchange.on("test.silent", lambda call: None)
    exchange.on("order.place", lambda call: None)

    def cut(call: object) -> None:
        exchange.server.scripts = [Wire.park]
        exchange.wire(1).cut()

    exchange.on("test.cut", cut)
    options = ("-W", "error", "-X", "dev")
    program = spawn(f"session.start()\nsay('ready')\n{ENDINGS[kind]}\n", *options)
    assert program.line() == "ready"
    begun = time.monotonic()
    _, errors = program.end()
    assert time.monotonic() - begun < 8, "the calls that are under way have 30 s"
    assert errors == ""
    assert program.process.returncode == 0


HANGING = {
    "in a thread": "threading.Thread(target=session.start, daemon=True).start()\nsys.stdin.readline()",
    "interrupted": "try:\n    session.start(30)\nexcept KeyboardInterrupt:\n    pass",
}


@pytest.mark.parametrize("kind", HANGING)
def test_a_program_ends_quietly_while_a_connect_hangs(
    exchange: HostileExchange, spawn: Spawn, kind: str
) -> None:
    exchange.server.scripts = [Wire.park]
    program = spawn(HANGING[kind], "-W", "error")
    exchange.wire(1).read_handshake()
    if kind == "interrupted":
        # A module whose loading is interrupted leaves its file to the interpreter, which complains.
        program.wait_until_blocked()
    begun = time.monotonic()
    if kind == "interrupted":
        program.interrupt()
    else:
        assert program.process.stdin is not None
        program.process.stdin.write("\n")
        program.process.stdin.flush()
    assert program.end() == ("", "")
    assert time.monotonic() - begun < 8, "the connect has 10 s"
    assert program.process.returncode == 0


FORKED = """
import gc, warnings
session.start()
future = session.submit("test.silent", timeout=5)
lost = session.submit("test.other", timeout=5)
pid = os.fork()
if pid == 0:
    code = 0
    for call in (
        lambda: session.handle_request("test.echo"),
        lambda: session.submit("test.echo"),
        lambda: session.ping(),
        lambda: session.wait_operational(1),
    ):
        try:
            call()
            code |= 1
        except SessionClosed as error:
            code |= 0 if "fork" in str(error) else 2
    code |= 4 if session.operational_status or session.order_handling else 0
    session.status()
    session.stop()
    own = UserWSSession(sys.argv[2], sys.argv[3], endpoint=sys.argv[1])
    with own:
        code |= 0 if own.handle_request("test.echo", {"value": 2}) == {"value": 2} else 8
    del session, future, lost
    gc.collect()
    END
say("child", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
say(session.handle_request("test.release"))
say(future.result(5))
say(session.handle_request("test.echo", {"value": 3}), len(session.status().reconnects))
session.stop()
"""


@pytest.mark.parametrize("end", ["os._exit(code)", "sys.exit(code)"])
def test_a_forked_child_is_refused_and_the_parent_untouched(
    exchange: HostileExchange, spawn: Spawn, end: str
) -> None:
    exchange.on("test.silent", lambda call: None)
    exchange.on("test.other", lambda call: None)

    def release(call: object) -> None:
        exchange.seen("test.silent")[0].answer()
        exchange.seen("test.release")[0].answer()

    exchange.on("test.release", release)
    program = spawn(FORKED.replace("END", end))
    out, errors = program.end()
    assert errors == ""
    assert out.splitlines() == ["child 0", "{}", "{}", "{'value': 3} 0"]
    assert len(exchange.server.wires) == 2


def test_a_session_that_was_forked_is_not_started_in_the_child_but_a_new_one_is(
    exchange: HostileExchange, spawn: Spawn
) -> None:
    program = spawn(
        """
session.start()
pid = os.fork()
if pid == 0:
    try:
        session.start()
        os._exit(2)
    except SessionClosed as error:
        ok = "fork" in str(error)
    own = UserWSSession(sys.argv[2], sys.argv[3], endpoint=sys.argv[1])
    with own:
        ok = ok and own.handle_request("test.echo", {"value": 2}) == {"value": 2}
    os._exit(0 if ok else 1)
say("child", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
say(session.handle_request("test.echo", {"value": 3}))
session.stop()
"""
    )
    assert program.end() == ("child 0\n{'value': 3}\n", "")


def test_a_session_that_is_started_on_both_sides_of_a_fork_names_no_order_twice(
    exchange: HostileExchange, spawn: Spawn
) -> None:
    program = spawn(
        """
def trade():
    with session:
        for _ in range(20):
            session.handle_request("order.place", ORDER)
trade()
pid = os.fork()
trade()
if pid == 0:
    os._exit(0)
say("child", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
    )
    assert program.end() == ("child 0\n", "")
    names = [call.params["newClientOrderId"] for call in exchange.seen("order.place")]
    assert len(names) == len(set(names)) == 60


def test_a_stream_that_another_thread_was_opening_at_a_fork_is_none_of_the_childs(
    exchange: HostileExchange, spawn: Spawn
) -> None:
    """Its lock is held by a thread that does not exist in the child, and would never be given back."""
    program = spawn(
        """
session.start()
stream = session.user_data()
held, over = threading.Event(), threading.Event()
def hold():
    with stream._lock:
        held.set()
        over.wait(20)
threading.Thread(target=hold).start()
held.wait(10)
pid = os.fork()
if pid == 0:
    signal.alarm(5)
    try:
        stream.open()
        os._exit(1)
    except SessionClosed as error:
        stream.close()
        os._exit(0 if "fork" in str(error) else 2)
say("child", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
over.set()
session.stop()
"""
    )
    assert program.end() == ("child 0\n", "")


FEW_FILES = """
import resource
least, most = resource.getrlimit(resource.RLIMIT_NOFILE)
probe = os.dup(0)
os.close(probe)
resource.setrlimit(resource.RLIMIT_NOFILE, (probe + int(sys.argv[4]), most))
try:
    session.start(1.0)
    session.handle_request("test.echo")
    told = "served"
except CryptoWSError as error:
    told = type(error).__name__
session.stop()
resource.setrlimit(resource.RLIMIT_NOFILE, (least, most))
with session:
    session.handle_request("test.echo")
say(told)
"""


@pytest.mark.timeout(20)  # a try to connect for a second, twice
@pytest.mark.parametrize("spare", [0, 1, 2, 3, 4, 5, 6, 7, 8, 30])
def test_a_process_that_may_open_few_files_has_a_session_or_is_told(
    exchange: HostileExchange, spawn: Spawn, spare: int
) -> None:
    program = spawn(FEW_FILES.replace("sys.argv[4]", repr(spare)))
    out, errors = program.end()
    told = out.strip()
    assert told == "served" if spare == 30 else told in {"served", "ConnectionFailed"}
    assert not errors
