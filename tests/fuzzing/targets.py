"""What is fed with bytes of anybody's making: each takes any, and fails where more than our own errors comes out.

A target reads some bytes as the thing itself, and judges what comes of them: pieces read as the whole does, both JSON
codecs agree, nothing of a secret is told.
"""

from __future__ import annotations

import io
import logging
import os
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from both_codecs import CODECS, shown

from crypto_ws_sync.cli.main import main
from crypto_ws_sync.config import CONFIG_VARIABLE, accounts_set_up, get_credentials
from crypto_ws_sync.errors import ConfigError, CryptoWSError
from crypto_ws_sync.exchanges.binance.dialect import BinanceDialect
from crypto_ws_sync.protocol.dialect import Event, Fault, Ignored, Notice, Outcome, Reply
from crypto_ws_sync.protocol.outcome import Finding, Question
from crypto_ws_sync.session.journal_lines import read_lines
from crypto_ws_sync.signing.keys import load_signer
from crypto_ws_sync.transport.frames import FrameReader
from crypto_ws_sync.transport.port import ProtocolViolation

__all__ = ["CORPUS", "TARGETS", "WRITES", "Target"]

Target = Callable[[bytes], None]

CORPUS = Path(__file__).parent / "corpus"
LONGEST = 1000
"""Bytes that a message may have here."""
NOON = 1_700_000_000.0


# -- frames ---------------------------------------------------------------------------------------------------


def frames(data: bytes) -> None:
    """Read a stream in one piece and in pieces of a size that its first byte tells."""
    if not data:
        return
    size, stream = data[0] + 1, data[1:]
    whole = _messages([stream])
    assert _messages([stream[at : at + size] for at in range(0, len(stream), size)]) == whole
    messages, code = whole
    assert code in (0, 1002, 1009)
    assert sum(len(payload) for _, payload in messages) <= len(stream)
    assert all(len(payload) <= LONGEST for _, payload in messages)


def _messages(pieces: list[bytes]) -> tuple[list[tuple[int, bytes]], int]:
    reader, found = FrameReader(LONGEST), []
    try:
        for piece in pieces:
            for message in reader.feed(piece):
                found.append(message)
    except ProtocolViolation as violation:
        return found, violation.code
    return found, 0


# -- what the exchange says -----------------------------------------------------------------------------------


DIALECTS: Mapping[str, Any] = {
    name: module.BinanceDialect("key", load_signer("secret")) for name, module in CODECS.items()
}


def classify(data: bytes) -> None:
    """Sort a text with either JSON codec."""
    text = data.decode("utf-8", "replace")
    found = {name: dialect.classify(text) for name, dialect in DIALECTS.items()}
    for said in found.values():
        assert len(said) == 1
        assert isinstance(said[0], Reply | Event | Notice | Fault | Ignored)
    first, *others = ([shown(each) for each in said] for said in found.values())
    assert all(other == first for other in others)
    for dialect in DIALECTS.values():
        dialect.redact(text)


ORDER = {
    "symbol": "BTCUSDT",
    "side": "SELL",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.01",
    "price": "52000.00",
}
_LEGS = {
    "aboveType": "LIMIT_MAKER",
    "abovePrice": "60000",
    "belowType": "STOP_LOSS",
    "belowStopPrice": "40000",
}
WRITES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("order.place", {**ORDER, "newClientOrderId": "mine"}),
    ("order.cancel", {"symbol": "BTCUSDT", "origClientOrderId": "mine"}),
    (
        "order.cancelReplace",
        {
            **ORDER,
            "cancelReplaceMode": "STOP_ON_FAILURE",
            "cancelOrigClientOrderId": "mine",
            "newClientOrderId": "other",
        },
    ),
    ("order.amend.keepPriority", {"symbol": "BTCUSDT", "origClientOrderId": "mine", "newQty": "0.005"}),
    ("openOrders.cancelAll", {"symbol": "BTCUSDT"}),
    (
        "orderList.place.oco",
        {"symbol": "BTCUSDT", "side": "SELL", "quantity": "1", **_LEGS, "listClientOrderId": "list"},
    ),
    ("orderList.cancel", {"symbol": "BTCUSDT", "listClientOrderId": "list"}),
    ("sor.order.place", {**ORDER, "newClientOrderId": "mine"}),
)
"""Writes whose outcome is looked up, of every kind."""

STAGES = 12
"""More questions than any look-up has."""


def settle(data: bytes) -> None:
    """Look up a write, chosen by the first byte, where the exchange answers with the lines of the rest, in turn."""
    if not data:
        return
    dialect = BinanceDialect("key", load_signer("secret"))
    method, params = WRITES[data[0] % len(WRITES)]
    request = dialect.request(method, params, False, False, lambda: "given")
    question = dialect.question(request, NOON, 0.001, 1)
    replies = []
    for line in data[1:].decode("utf-8", "replace").splitlines()[:STAGES]:
        for said in dialect.classify(line):
            if isinstance(said, Reply):
                replies.append(said)
            elif isinstance(said, Event):
                assert isinstance(dialect.settles(question, said.body), Finding | None)
    for is_last in (False, True):
        _look_up(dialect, question, replies, is_last)


def _look_up(dialect: BinanceDialect, question: Question, replies: list[Reply], is_last: bool) -> None:
    known: list[Reply] = []
    left: Iterator[Reply] = iter(replies)
    for _ in range(STAGES):
        asked = dialect.lookups(question, known, is_last)
        if not asked:
            break
        known += [next(left, None) or Reply(0, Outcome.OK, None) for _ in asked]
    else:
        raise AssertionError("a look-up has no end")
    assert isinstance(dialect.judge(question, known, is_last), Finding)
    for reply in replies:
        assert isinstance(dialect.judge_survey(question, reply), Finding)
        dialect.limits_told(reply.result)
        dialect.subscription(reply.result)


# -- what the user writes -------------------------------------------------------------------------------------

KEY_PARTS = ("oneSecretKey", "anotherSecret")
"""What stands for keys in a config: no error may repeat any of it."""


@contextmanager
def _config(data: bytes) -> Iterator[None]:
    """Have a config file with these bytes, and nothing told of it."""
    kept = os.environ.get(CONFIG_VARIABLE)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ws_api.toml"
        path.touch(0o600)
        path.write_bytes(data)
        os.environ[CONFIG_VARIABLE] = str(path)
        try:
            yield
        finally:
            if kept is None:
                del os.environ[CONFIG_VARIABLE]
            else:
                os.environ[CONFIG_VARIABLE] = kept


def config(data: bytes) -> None:
    """Read a config file and all accounts that it names."""
    with _config(data):
        names = ["Mine"]
        told = []
        try:
            names += accounts_set_up()
        except ConfigError as error:
            told.append(error)
        for name in names:
            try:
                found = get_credentials(name)
            except ConfigError as error:
                told.append(error)
            else:
                assert found.ws_api_endpoint.startswith(("wss://", "ws://"))
                assert all(
                    type(each) is str for each in (found.exchange, found.api_key, found.ws_api_endpoint)
                )
    for error in told:
        shown = f"{error!r} {error.__cause__!r} {error.__context__!r} {vars(error)!r}"
        assert not any(part in shown for part in KEY_PARTS), shown


READS_ONLY = ("methods", "call", "history", "status", "watch")
"""Commands that end by themselves where no account is set up."""


def command_line(data: bytes) -> None:
    """Run a command, chosen by the first byte, with the words of the rest (divided by zeros) and without an account."""
    if not data:
        return
    command = READS_ONLY[data[0] % len(READS_ONLY)]
    # As the system hands over what is not UTF-8.
    words = data[1:].decode("utf-8", "surrogateescape").split("\0")
    if any(word.startswith("--s") for word in words):
        return  # `--simulated` begins an exchange
    if command == "call":
        words.append("--dry-run")
    if command == "history" and any(word.startswith(("-o", "--o")) for word in words):
        return  # writes a file
    with _config(b""), _captured() as (out, error):
        try:
            code = main([command, *words])
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
    assert code in (0, 1, 2)
    assert out.getvalue() if code == 0 else error.getvalue()


@contextmanager
def _captured() -> Iterator[tuple[io.BytesIO, io.BytesIO]]:
    kept = sys.stdout, sys.stderr
    out, error = io.BytesIO(), io.BytesIO()
    sys.stdout, sys.stderr = (
        io.TextIOWrapper(out, "utf-8"),
        io.TextIOWrapper(error, "utf-8", "backslashreplace"),
    )
    # The command would set up logging for the whole process, with a stream that ends here.
    logging.getLogger().addHandler(quiet := logging.NullHandler())
    try:
        yield out, error
    finally:
        for stream in (sys.stdout, sys.stderr):
            assert isinstance(stream, io.TextIOWrapper)
            stream.detach()  # the bytes stay to be looked at
        logging.getLogger().removeHandler(quiet)
        sys.stdout, sys.stderr = kept


# -- what a crash leaves --------------------------------------------------------------------------------------


def _summed(line: bytes) -> bytes:
    """Return a line's fields with the checksum that belongs to them."""
    body = line[:-1] if line.endswith(b"}") else line
    return b'%b,"crc":"%08x"}' % (body, zlib.crc32(body))


def journal(data: bytes) -> None:
    """Read the rest as a journal: as it is or, where the first byte is odd, with right checksums."""
    if not data:
        return
    is_right, lines = data[0] % 2, data[1:].split(b"\n")
    # A file's lines, the last of which has no end.
    whole = b"\n".join(_summed(line) for line in lines) if is_right else data[1:]
    contents = read_lines(io.BytesIO(whole))
    assert contents.skipped <= len(lines)
    assert len(contents.shown) <= contents.skipped
    assert len(contents.left_open) <= len(contents.records) <= len(lines)
    assert contents.is_whole is whole.endswith(b"\n") or not whole
    dialect = BinanceDialect("key", load_signer("secret"))
    for number, record in contents.records.items():
        # It is what it was read from, and can be written and read again.
        assert read_lines([record.line]).records == {number: record}
        assert record.question.accepted_until <= 3e11
        try:
            _look_up(dialect, record.question, [], is_last=True)
        except CryptoWSError:
            pass  # parameters that could not have been sent


TARGETS: Mapping[str, Target] = {
    "frames": frames,
    "classify": classify,
    "settle": settle,
    "config": config,
    "command_line": command_line,
    "journal": journal,
}
