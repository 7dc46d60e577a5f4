"""Sessions that keep a journal: what is recorded and when, what cannot be is not sent, and what it costs."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from complaints import complaints
from venue import Venue
from writes import SYMBOL

from crypto_ws_sync import (
    AuthError,
    ConfigError,
    ConnectionLost,
    OrderRejected,
    OutcomeUnknown,
    RequestTimeout,
    UserWSSession,
)
from crypto_ws_sync.session import journal_file
from crypto_ws_sync.session.journal_file import JournalFile, read_journal
from crypto_ws_sync.session.journaled_run import CLOCK_MAY_JUMP
from crypto_ws_sync.session.run import Run
from crypto_ws_sync.simulator import SimulatedExchange

ROOT = Path(__file__).parents[2]


# -- what is recorded ---------------------------------------------------------------------------------------


def test_every_way_to_write_is_recorded_and_no_way_to_read(kept: Venue, path: Path) -> None:
    session, desk = kept.session, kept.desk()
    session.handle_request("order.place", desk.limit())
    session.submit("order.place", desk.limit()).result(5)
    session.handle_requests([("order.place", desk.limit()), ("ping", None), ("order.place", desk.limit())])
    session.order_place(symbol=SYMBOL, side="BUY", type="MARKET", quantity="0.001")
    session.handle_request("openOrders.status", {"symbol": SYMBOL})
    session.open_orders_cancel_all(symbol=SYMBOL)
    contents = read_journal(path)
    methods = [record.question.method for record in contents.records.values()]
    assert methods == ["order.place"] * 5 + ["openOrders.cancelAll"]
    with pytest.raises(OrderRejected):
        session.handle_request("order.place", desk.limit(quantity="900"))
    session.stop()
    settled = read_journal(path).settled.values()
    assert Counter(each.verdict for each in settled) == {"executed": 6, "refused": 1}


def test_it_is_recorded_before_it_is_sent_and_nothing_secret_is(
    kept: Venue, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen_when_recorded = []
    append = JournalFile.append

    def noted(file: JournalFile, data: bytes) -> None:
        append(file, data)
        seen_when_recorded.append(len(kept.seen("order.place")))

    monkeypatch.setattr(JournalFile, "append", noted)
    begun = kept.clock.now()
    params = kept.desk().limit()
    kept.session.handle_request("order.place", params)
    assert seen_when_recorded[0] == 0
    assert len(kept.seen("order.place")) == 1
    text = path.read_text(encoding="utf-8")
    (record,) = read_journal(path).records.values()
    assert record.question.params == {**params, "recvWindow": 1500}
    assert abs(record.question.timestamp - begun) < 0.1
    signature = kept.seen("order.place")[0].params["signature"]
    for hidden in (kept.exchange.api_key, kept.exchange.api_secret, signature):
        assert hidden not in text


@pytest.mark.parametrize("key_type", ["hmac", "rsa", "ed25519"])
def test_with_sync_a_record_has_reached_the_disk_before_its_order_leaves(
    kept: Venue, path: Path, monkeypatch: pytest.MonkeyPatch, key_type: Any
) -> None:
    account = kept.exchange.add_account(key_type)
    flush, seen_when_flushed = journal_file._flush, []

    def noted(handle: int) -> None:
        flush(handle)
        seen_when_flushed.append((len(kept.seen("order.place")), len(read_journal(synced).records)))

    synced = path.with_name("synced")
    session = UserWSSession(
        account.api_key,
        account.api_secret,
        endpoint=kept.exchange.endpoint,
        clock=kept.clock,
        journal=synced,
        journal_sync=True,
    )
    with session:
        monkeypatch.setattr(journal_file, "_flush", noted)
        for count in range(2):
            order = {"symbol": SYMBOL, "side": "BUY", "type": "MARKET", "quantity": "0.001"}
            assert session.handle_request("order.place", order)["status"] == "FILLED"
            assert seen_when_flushed[count] == (count, count + 1)
    assert not read_journal(synced).left_open


def test_a_request_that_carries_its_own_key_and_signature_leaves_neither(kept: Venue, path: Path) -> None:
    signed = {"symbol": SYMBOL, "side": "BUY", "type": "MARKET", "quantity": "1"}
    own = {"apiKey": "k" * 64, "timestamp": int(kept.clock.now() * 1000), "signature": "s" * 64}
    with pytest.raises(AuthError):
        kept.session.handle_request("order.place", {**signed, **own})
    text = path.read_text(encoding="utf-8")
    assert '"quantity":"1"' in text
    assert "k" * 64 not in text
    assert "s" * 64 not in text


def test_real_time_limits_what_may_still_be_sent(path: Path) -> None:
    with SimulatedExchange(symbols=[SYMBOL]) as exchange:
        session = UserWSSession(
            exchange.api_key, exchange.api_secret, endpoint=exchange.endpoint, journal=path
        )
        with session:
            params = {"symbol": SYMBOL, "side": "BUY", "type": "MARKET", "quantity": "0.001"}
            before = time.time()
            session.handle_request("order.place", params, timeout=7)
            (record,) = read_journal(path).records.values()
            assert before + 6 < record.latest - CLOCK_MAY_JUMP < time.time() + 8
            # A refused timestamp is renewed unseen, but not once a restarted program might think it too late for that.
            exchange.faults.skew_clock(60)
            assert session.handle_request("order.place", params, timeout=7)["status"] == "FILLED"
            exchange.faults.skew_clock(1200)
            with pytest.raises(RequestTimeout, match="not sent"):
                session.handle_request("order.place", params, timeout=7)
            assert len(exchange.orders()) == 2
            assert session.handle_request("order.place", params, timeout=7)["status"] == "FILLED"
        assert not read_journal(path).left_open


def test_with_a_clock_that_leaps_nothing_limits_it(kept: Venue, path: Path) -> None:
    kept.session.handle_request("order.place", kept.desk().limit())
    (record,) = read_journal(path).records.values()
    assert record.latest == math.inf


def test_what_is_taken_back_unsent_is_noted_as_not_executed(kept: Venue, path: Path) -> None:
    desk = kept.desk()
    refused = kept.exchange.faults.refuse_handshake(503, times=None)
    kept.exchange.faults.drop_all()
    assert refused.wait(5)
    future = kept.session.submit("order.place", desk.limit())
    assert future.cancel()
    with pytest.raises(ConnectionLost):
        kept.session.handle_request("order.place", desk.limit(), timeout=0.05)
    with pytest.raises(ConnectionLost):
        kept.session.submit("order.place", desk.limit(), timeout=0.05).result(5)
    refused.cancel()
    assert kept.session.wait_operational(8)
    kept.session.stop()
    contents = read_journal(path)
    assert [each.verdict for each in contents.settled.values()] == ["not executed"] * 3
    assert not contents.left_open


def test_an_outcome_that_was_looked_up_is_noted(kept: Venue, path: Path) -> None:
    dropped = kept.exchange.faults.drop("after", method="order.place")
    future = kept.session.submit("order.place", kept.desk().limit())
    assert dropped.wait(5)
    kept.settle(future)
    kept.exchange.faults.swallow("after", method="order.place")
    with pytest.raises(OutcomeUnknown) as unknown:
        kept.session.handle_request("order.place", kept.desk().limit(), timeout=0.1)
    assert unknown.value.resolve(5)["status"] == "NEW"
    kept.session.stop()
    assert [each.verdict for each in read_journal(path).settled.values()] == ["executed"] * 2


# -- what cannot be recorded is not sent --------------------------------------------------------------------

LIMITED = """
import resource, sys
from crypto_ws_sync import *
order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.001"}
path = sys.argv[4]
session = UserWSSession(sys.argv[2], sys.argv[3], endpoint=sys.argv[1], journal=path).start()
import os
resource.setrlimit(resource.RLIMIT_FSIZE, (os.stat(path).st_size + 1000, resource.RLIM_INFINITY))
# Never answered, so that there is always something in the journal that is needed.
session.submit("order.place", {**order, "newClientOrderId": "open"})
placed, failed = 1, 0
for number in range(12):
    try:
        session.handle_request("order.place", {**order, "newClientOrderId": f"one{number}"})
        placed += 1
    except ConfigError as error:
        assert "nothing was sent" in str(error) and "File too large" in str(error), error
        assert error.method == "order.place" and error.client_order_id == f"one{number}"
        failed += 1
try:
    session.submit("order.place", order)
except ConfigError:
    failed += 1
answers = session.handle_requests([("order.place", order), ("ping", None), ("order.place", order)])
assert [type(answer) for answer in answers] == [ConfigError, dict, ConfigError], answers
assert session.ping() == {}
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
session.handle_request("order.place", order)
print(placed, failed)
session.stop(0.1)
"""


def _run(text: str, *arguments: str) -> str:
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", text, *arguments],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not complaints(done.stderr.splitlines(keepends=True))
    return done.stdout


def test_an_order_whose_record_has_no_room_is_not_sent(path: Path) -> None:
    with SimulatedExchange(symbols=[SYMBOL]) as exchange:
        exchange.faults.swallow("after", method="order.place", times=1)
        exchange.faults.swallow("after", method="order.status", times=None)
        out = _run(LIMITED, exchange.endpoint, exchange.api_key, exchange.api_secret, str(path))
        placed, failed = map(int, out.split())
        assert placed in (2, 3)
        assert failed == 14 - placed
        assert len(exchange.orders()) == placed + 1
    contents = read_journal(path)
    assert contents.skipped == 0
    assert [record.question.client_order_id for record in contents.left_open] == ["open"]


def test_a_program_that_does_not_stop_its_session_leaves_nothing_open(path: Path) -> None:
    text = """
import sys
from crypto_ws_sync import *
session = UserWSSession(sys.argv[2], sys.argv[3], endpoint=sys.argv[1], journal=sys.argv[4]).start()
session.order_place(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.001")
ENDING
"""
    with SimulatedExchange(symbols=[SYMBOL]) as exchange:
        for count, ending in enumerate(["", "del session; import gc; gc.collect()"], 1):
            _run(
                text.replace("ENDING", ending),
                exchange.endpoint,
                exchange.api_key,
                exchange.api_secret,
                str(path),
            )
            assert not read_journal(path).left_open
            assert len(exchange.orders()) == count


# -- processes ----------------------------------------------------------------------------------------------

FORKING = """
import os, subprocess, sys
from crypto_ws_sync import *
session = UserWSSession(sys.argv[2], sys.argv[3], endpoint=sys.argv[1], journal=sys.argv[4]).start()
session.order_place(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.001")
CHILD
session.order_place(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.001")
os.write(1, b"ready\\n")
sys.stdin.read()
"""
CHILDREN = {
    "forked": """
if os.fork() == 0:
    held = [name for name in os.listdir("/proc/self/fd") if ".journal" in os.path.realpath(f"/proc/self/fd/{name}")]
    os.write(1, f"child {held}\\n".encode())
    sys.stdin.read()
    os._exit(0)
""",
    "another program": """
code = "import os, sys; os.write(1, b'child []' + bytes([10])); sys.stdin.read()"
child = subprocess.Popen([sys.executable, "-c", code], close_fds=False)
""",
}


@pytest.mark.timeout(20)  # two interpreters start one after the other
@pytest.mark.parametrize("kind", CHILDREN)
def test_a_child_that_outlives_its_killed_parent_does_not_hold_the_journal(path: Path, kind: str) -> None:
    with SimulatedExchange(symbols=[SYMBOL]) as exchange:
        arguments = [exchange.endpoint, exchange.api_key, exchange.api_secret, str(path)]
        program = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", FORKING.replace("CHILD", CHILDREN[kind]), *arguments],
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert program.stdout is not None
        assert program.stdin is not None
        try:
            assert {program.stdout.readline(), program.stdout.readline()} == {"ready\n", "child []\n"}
            settings: dict[str, Any] = {"endpoint": exchange.endpoint, "journal": path}
            with pytest.raises(ConfigError, match=rf"in use by another program \(process {program.pid}\)"):
                UserWSSession(exchange.api_key, exchange.api_secret, **settings).start()
            program.kill()
            program.wait()
            # The child lives on: it has the other end of the pipe.
            with UserWSSession(exchange.api_key, exchange.api_secret, **settings) as session:
                for left in session.unresolved():
                    assert left.resolve()["status"] == "FILLED"
                assert len(exchange.orders()) == 2
        finally:
            program.kill()
            program.stdin.close()
            program.stdout.close()
            program.wait()


def test_ctrl_c_between_record_and_hand_over_sends_nothing(
    kept: Venue, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = JournalFile.append

    def interrupted(file: JournalFile, data: bytes) -> None:
        append(file, data)
        if threading.current_thread() is threading.main_thread():
            signal.raise_signal(signal.SIGINT)

    session, params = kept.session, kept.desk().limit(newClientOrderId=None)
    with monkeypatch.context() as patched:
        patched.setattr(JournalFile, "append", interrupted)
        for call in (
            lambda: session.handle_request("order.place", params),
            lambda: session.submit("order.place", params),
            lambda: session.handle_requests([("order.place", params)]),
        ):
            with pytest.raises(KeyboardInterrupt):
                call()
    assert kept.session.ping() == {}
    assert not kept.seen("order.place")
    kept.session.stop()
    assert len(read_journal(path).records) == 3


# -- what it costs ------------------------------------------------------------------------------------------


def _calls_of_orders(exchange: SimulatedExchange, **options: Any) -> tuple[Counter[str], type[Run]]:
    """Return which Python functions of the package run in the caller's thread for ten orders, and the kind of run."""
    calls: Counter[str] = Counter()

    def count(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call" and "crypto_ws_sync" in frame.f_code.co_filename:
            calls[f"{Path(frame.f_code.co_filename).name}:{frame.f_code.co_name}"] += 1

    order = {"symbol": SYMBOL, "side": "BUY", "type": "MARKET", "quantity": "0.001"}
    session = UserWSSession(exchange.api_key, exchange.api_secret, endpoint=exchange.endpoint, **options)
    with session:
        session.handle_request("order.place", order)
        before = sys.getprofile()
        sys.setprofile(count)
        try:
            for _ in range(10):
                session.handle_request("order.place", order)
        finally:
            sys.setprofile(before)
        kind = type(session._run)
    assert kind is not None
    return calls, kind  # type: ignore[return-value]  # a started session has a run


def test_without_a_journal_none_of_it_runs(path: Path) -> None:
    with SimulatedExchange(symbols=[SYMBOL]) as exchange:
        without, kind = _calls_of_orders(exchange)
        kept, _ = _calls_of_orders(exchange, journal=path)
    assert kind is Run
    journals = {"journal.py", "journal_file.py", "journal_lines.py", "journaled_run.py", "writer_thread.py"}
    assert not [name for name in without if name.partition(":")[0] in journals]
    # Beside the journal's own there is what makes the record: a question as a look-up would need it, as text.
    added = {name for name in kept - without if name.partition(":")[0] not in journals}
    assert "dialect.py:question" in added
    assert {name.partition(":")[0] for name in added} <= {
        "dialect.py",
        "envelope.py",
        "latest_orders.py",
        "method.py",
        "outcome.py",
        "server_clock.py",
    }
    assert not without - kept
