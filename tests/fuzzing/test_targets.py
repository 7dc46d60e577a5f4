"""Every target with its corpus, with bytes that are nearly right, and with any bytes at all."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from targets import CORPUS, KEY_PARTS, LONGEST, READS_ONLY, TARGETS, WRITES

from crypto_ws_sync.exchanges.binance.methods import CATALOGUE

pytestmark = pytest.mark.timeout(30)  # up to a hundred examples in each test, each a whole run of something

SEEDS = [(path.parent.name, path) for path in sorted(CORPUS.glob("*/*"))]


def test_every_target_has_a_corpus() -> None:
    assert {name for name, _ in SEEDS} == set(TARGETS)


@pytest.mark.parametrize(("target", "path"), SEEDS, ids=lambda value: getattr(value, "name", value))
def test_what_was_found_once_stays_mended(target: str, path: Path) -> None:
    TARGETS[target](path.read_bytes())


def _cut(seed: bytes, at: int, size: int, put: bytes) -> bytes:
    at %= len(seed) + 1
    return seed[:at] + put + seed[at + size :]


@pytest.mark.parametrize("target", sorted(TARGETS))
@settings(max_examples=30)
@given(data=st.data())
def test_bytes_that_are_nearly_right(target: str, data: st.DataObject) -> None:
    """A seed with a piece of it, or of another, put in the place of something."""
    seeds = st.sampled_from([path.read_bytes() for name, path in SEEDS if name == target])
    seed, other = data.draw(seeds), data.draw(seeds)
    at, until = sorted(data.draw(st.tuples(st.integers(0, len(other)), st.integers(0, len(other)))))
    put = data.draw(st.one_of(st.just(other[at:until]), st.binary(max_size=4)))
    TARGETS[target](_cut(seed, data.draw(st.integers(0, 4096)), data.draw(st.integers(0, 40)), put))


@pytest.mark.parametrize("target", sorted(TARGETS))
@settings(max_examples=30)
@given(data=st.binary(max_size=200))
def test_any_bytes_at_all(target: str, data: bytes) -> None:
    TARGETS[target](data)


# -- each in its own words ------------------------------------------------------------------------------------

HEADS = st.builds(
    lambda first, length: bytes((first, length)),
    st.sampled_from([0x81, 0x01, 0x00, 0x80, 0x82, 0x02, 0x88, 0x89, 0x8A, 0x09, 0xC1, 0x83]),
    st.sampled_from([0, 1, 2, 5, 125, 126, 127, 0x80, 0xFE]),
)
LENGTHS = st.sampled_from([0, 1, 125, 126, LONGEST - 1, LONGEST, LONGEST + 1, 65535])
PIECES = st.one_of(
    HEADS,
    st.binary(max_size=8),
    LENGTHS.map(lambda length: length.to_bytes(2, "big")),
    LENGTHS.map(lambda length: length.to_bytes(8, "big")),
    st.integers(0, 2**64 - 1).map(lambda length: length.to_bytes(8, "big")),
    LENGTHS.map(lambda length: b"x" * length),
)


@settings(max_examples=100)
@given(size=st.integers(0, 255), pieces=st.lists(PIECES, max_size=12))
def test_frames(size: int, pieces: list[bytes]) -> None:
    TARGETS["frames"](bytes((size,)) + b"".join(pieces))


TOLD = """
mine other list BTCUSDT SELL LIMIT NEW FILLED CANCELED EXPIRED TRADE REPLACED ALL_DONE EXECUTING SUCCESS
FAILURE 0.01 1e999999999 NaN 52000.00 executionReport listStatus REQUEST_WEIGHT ORDERS MINUTE DAY
"""
FIELD_NAMES = """
id status result error event rateLimits subscriptionId code msg data e E retryAfter cancelResult
newOrderResult cancelResponse newOrderResponse count limit rateLimitType interval intervalNum symbol
orderId orderListId clientOrderId side type origQty executedQty time updateTime price orders
listOrderStatus qty origClientOrderId newClientOrderId newQty c C x X i s S o q T I
"""
NUMBERS = st.one_of(
    st.integers(-(2**80), 2**80),
    st.sampled_from(
        [-2013, -1003, -1015, -1021, -2021, 200, 400, 401, 409, 418, 429, 500, 1_700_000_000_100, 7]
    ),
    st.floats(allow_nan=False),
)
WORDS = st.one_of(
    st.text(max_size=6),
    st.sampled_from([*TOLD.split(), "\ud800"]),
)
NAMES = st.sampled_from(FIELD_NAMES.split())
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, WORDS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(NAMES, inner, max_size=12)),
    max_leaves=20,
)


def _text(value: Any) -> str:
    """Return JSON as nobody should write it: Infinity and all, but no line ends."""
    return json.dumps(value)


@settings(max_examples=100)
@given(value=VALUES, status=st.one_of(NUMBERS, st.none()), key=st.one_of(NUMBERS, WORDS, VALUES))
def test_classify(value: Any, status: Any, key: Any) -> None:
    for said in (
        value,
        {"id": key, "status": status, "result": value},
        {"id": key, "status": status, "error": value},
    ):
        TARGETS["classify"](_text(said).encode())
    TARGETS["classify"](_text({"subscriptionId": key, "event": value}).encode())


DUPLICATED = st.lists(st.tuples(NAMES, st.one_of(NUMBERS, WORDS, VALUES)), max_size=6).map(
    lambda pairs: "{" + ",".join(f"{json.dumps(name)}:{_text(value)}" for name, value in pairs) + "}"
)


@settings(max_examples=50)
@given(text=DUPLICATED)
@example(text='{"id":1,"status":200,"result":' + "[" * 100_000)
@example(text='{"id":1,"status":200,"result":' + "9" * 4300 + "}")
@example(text='{"id":1,"status":200,"result":' + "9" * 4301 + "}")
@example(text='{"apiKey":"' + "\\" * 10_000)
def test_classify_with_names_told_twice(text: str) -> None:
    TARGETS["classify"](text.encode())


@settings(max_examples=100)
@given(
    write=st.integers(0, len(WRITES) - 1),
    results=st.lists(
        st.one_of(VALUES, st.dictionaries(NAMES, st.one_of(NUMBERS, WORDS), min_size=3)), max_size=5
    ),
    event=st.dictionaries(NAMES, st.one_of(NUMBERS, WORDS, VALUES)),
)
def test_settle(write: int, results: list[Any], event: dict[str, Any]) -> None:
    lines = [_text({"id": 1, "status": 200, "result": result}) for result in results]
    lines.append(_text({"event": {"e": "executionReport", **event}}))
    TARGETS["settle"](bytes((write,)) + "\n".join(lines).encode())


TOML = st.recursive(
    st.one_of(
        st.sampled_from(
            ["true", "false", '"demo"', '""', "''", "0x1f", "-inf", "1979-05-27T07:32:00Z", "07:32:00"]
        ),
        st.sampled_from(
            ['"env:NOT_SET"', '"env:"', '"file:nowhere"', '"file:"', '"file:/"', '"***"', '"wss://host/"']
            + [
                '"binance"',
                '"Mine"',
                *(f'"{part}"' for part in KEY_PARTS),
                f'"{KEY_PARTS[0]}',
                '"""',
                '"\\uD800"',
            ]
            + [
                f'"""-----BEGIN {kind}PRIVATE KEY-----\n{KEY_PARTS[1]}\n"""'
                for kind in ("", "ENCRYPTED ", "RSA ")
            ]
        ),
        st.integers().map(str),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: f"[{','.join(parts)}]"),
        inner.map(lambda part: f"{{a = {part}}}"),
    ),
    max_leaves=4,
)
FIELDS = st.sampled_from(
    [
        "name",
        "exchange",
        "test_net",
        "api_key",
        "api_secret",
        "ws_api",
        "ws_api_test",
        "ws_api_demo",
        "accounts",
    ]
)
LINES = st.one_of(
    st.tuples(FIELDS, TOML).map(" = ".join),
    st.sampled_from(
        ["[[accounts]]", "[accounts]", "[endpoint.binance]", "[endpoint]", "[[endpoint]]", "[a.a]"]
    ),
)


@settings(max_examples=100)
@given(lines=st.lists(LINES, max_size=12))
def test_config(lines: list[str]) -> None:
    TARGETS["config"]("\n".join(lines).encode("utf-8", "surrogatepass"))


NAME = "Mine"
ACCOUNT = f'[[accounts]]\nname = "{NAME}"\nexchange = "binance"\ntest_net = true\n'


@settings(max_examples=50)
@given(
    text=st.sampled_from([*KEY_PARTS, *(f"{part}\n" for part in KEY_PARTS)]),
    before=st.text(max_size=3),
    after=st.text(max_size=3),
    quotes=st.sampled_from(['"', "'", '"""', "", '"-----BEGIN ']),
)
def test_config_with_a_broken_key(text: str, before: str, after: str, quotes: str) -> None:
    """What is wrong is told by its place, never by quoting it."""
    for field in ("api_key", "api_secret"):
        line = f"{field} = {quotes}{before}{text}{after}{quotes}"
        TARGETS["config"]((ACCOUNT + line + "\n").encode("utf-8", "surrogatepass"))


RECORD = {
    "n": 1, "account": "0123456789abcdef", "at": 1.7e9, "error": 0.01, "latest": 1.7e9, "window": 5.0,
    "method": "order.place", "id": "mine", "places": True, "after": None, "params": {"symbol": "BTCUSDT"},
}  # fmt: skip
RECORDS = st.one_of(
    st.dictionaries(st.sampled_from(sorted(RECORD)), st.one_of(NUMBERS, WORDS, VALUES), max_size=4).map(
        lambda changes: RECORD | changes
    ),
    st.builds(
        lambda number, verdict, code: {"n": number, "verdict": verdict, "at": 1.7e9, "code": code},
        *(NUMBERS, WORDS, st.one_of(NUMBERS, st.none())),
    ),
    st.builds(lambda pid: {"opened": 1.7e9, "pid": pid}, st.one_of(NUMBERS, VALUES)),
    VALUES,
)


@settings(max_examples=100)
@given(records=st.lists(RECORDS, max_size=6), methods=st.lists(st.sampled_from([name for name, _ in WRITES])))
def test_journal(records: list[Any], methods: list[str]) -> None:
    for record, method in zip(records, methods, strict=False):
        if isinstance(record, dict) and "method" in record:
            record["method"] = method
    TARGETS["journal"](b"\x01" + "\n".join(_text(record) for record in records).encode())


KNOWN = [each for spec in CATALOGUE.values() for each in spec.parameters]
PARAMETERS = sorted({name for each in KNOWN for name in (each.wire, each.name)})
ARGUMENTS = st.one_of(
    st.sampled_from(sorted(CATALOGUE)),
    st.builds(
        "{}={}".format,
        st.one_of(st.sampled_from(PARAMETERS), st.text(max_size=4)),
        st.one_of(
            st.text(max_size=8),
            st.sampled_from(
                ["1", "1e999999999", "-1e-5", "NaN", "[", "[[]]", '["BTCUSDT"]', "true", "2026-01-01"]
            ),
            st.sampled_from(
                ["9" * 5000, "1" + "0" * 99, "9999-12-31", "2026-01-01T25:00Z", "[" * 5000, "٣", "²"]
            ),
            st.integers().map(str),
        ),
    ),
    st.sampled_from(
        ["--account", "--timeout", "nan", "1e400", "--unchecked", "--signed", "--yes", "-vv", "--", "-h"]
    ),
    st.text(max_size=6),
).filter(lambda word: "\0" not in word)


@settings(max_examples=100)
@given(command=st.integers(0, len(READS_ONLY) - 1), words=st.lists(ARGUMENTS, max_size=6))
def test_command_line(command: int, words: list[str]) -> None:
    TARGETS["command_line"](bytes((command,)) + "\0".join(words).encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize(
    ("target", "data"),
    [
        ("frames", b"\xff" + b"\x01\x00" + b"\x00\x01x" * 300_000),
        ("frames", b"\xff" + b"\x81\x7f" + (2**62).to_bytes(8, "big")),
        ("classify", b'{"id":1,"status":200,"result":' + b"[" * 1_000_000),
        ("classify", b'{"id":1,"status":200,"result":"' + b"\\" * 1_000_000),
        ("settle", b"\x00" + b"\n" * 1_000_000),
        ("config", b"a = [" + b"[" * 1_000_000),
        ("config", b"#" * 1_000_000),
        ("command_line", b"\x01order.place\0quantity=1e999999999\0symbol=X\0side=BUY\0type=MARKET"),
        ("command_line", b"\x01" + b"a=1\0" * 5_000),
        ("journal", b"\x01" + b"[" * 1_000_000),
        ("journal", b"\x00" + b'{"n":1\n' * 20_000),
        ("journal", b"\x00" + b"x" * 3_000_000),
    ],
    ids=lambda value: None if isinstance(value, bytes) else value,
)
def test_memory_stays_within_a_few_times_what_came(target: str, data: bytes) -> None:
    tracemalloc.start()
    try:
        TARGETS[target](data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 32 * len(data) + (8 << 20)
