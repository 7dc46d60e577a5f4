"""What both JSON codecs make of a text: the same value or the same refusal, whatever the text."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from typing import Any

import pytest
from both_codecs import CODECS
from hypothesis import example, given
from hypothesis import strategies as st

from crypto_ws_sync.exchanges.binance.envelope import _DEEPEST as DEEPEST
from crypto_ws_sync.exchanges.binance.envelope import _PART as PART

REFUSED = "refused"


def read(name: str, text: str) -> str:
    """What a codec makes of a text, with each number's type and sign."""
    try:
        return repr(CODECS[name].decode(text))
    except ValueError:
        return REFUSED


def agreed(text: str) -> str:
    """What both codecs make of a text."""
    found = {name: read(name, text) for name in CODECS}
    assert len(set(found.values())) == 1, {name: told[:200] for name, told in found.items()}
    return found["json"]


def depth_of(value: Any) -> int:
    """How many lists and objects are in one another."""
    inner = value.values() if type(value) is dict else value if type(value) is list else None
    return 0 if inner is None else 1 + max(map(depth_of, inner), default=0)


def wrapped(kinds: str, inner: str) -> str:
    """A text inside one list or object for each letter, the first outermost."""
    opened = "".join("[" if kind == "l" else '{"a":' for kind in kinds)
    return opened + inner + "".join("]" if kind == "l" else "}" for kind in reversed(kinds))


# -- depth ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pattern", ["l", "o", "lo", "ol", "llo"])
@pytest.mark.parametrize(
    ("depth", "is_read"), [(-1, True), (0, True), (1, False), (700, False), (5000, False)]
)
def test_both_stop_at_the_same_depth(pattern: str, depth: int, is_read: bool) -> None:
    kinds = (pattern * (DEEPEST + depth))[: DEEPEST + depth]
    for inner in ("1", '"[[{"', "[]"):
        text = wrapped(kinds if inner != "[]" else kinds[1:], inner)
        assert (agreed(text) != REFUSED) is is_read


def test_a_refusal_says_that_it_is_the_depth() -> None:
    for codec in CODECS.values():
        with pytest.raises(ValueError, match=f"nested deeper than {DEEPEST} levels"):
            codec.decode("[" * 300 + "]" * 300)


BRACKETS = st.text(st.sampled_from('[]{}"\\a:,é'), max_size=8)
"""Texts of what a look for brackets may stumble over."""

TREES = st.recursive(
    BRACKETS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(BRACKETS, inner, max_size=3), st.just([]), st.just({})
    ),
    max_leaves=12,
)


@given(tree=TREES, beside=TREES, is_ascii=st.booleans(), kinds=st.text("lo", min_size=300, max_size=300))
@example(tree='"[', beside=["]", ["]"]], is_ascii=True, kinds="l" * 300)
@example(tree="\\", beside='\\"[[[', is_ascii=False, kinds="lo" * 150)
def test_depth_is_that_of_the_value_whatever_its_strings_hold(
    tree: Any, beside: Any, is_ascii: bool, kinds: str
) -> None:
    """At the limit both read it, and it is what was written; one level more, and both refuse."""
    inner = [tree, beside, ["["] * 300]
    levels = DEEPEST - depth_of(inner)
    text = json.dumps(inner, ensure_ascii=is_ascii)
    at_the_limit = wrapped(kinds[:levels], text)
    assert agreed(at_the_limit) == repr(json.loads(at_the_limit))
    assert agreed(wrapped(kinds[: levels + 1], text)) == REFUSED


@pytest.mark.parametrize("offset", range(8))
@pytest.mark.parametrize(("depth", "is_read"), [(DEEPEST, True), (DEEPEST + 1, False)])
def test_the_depth_of_a_long_text_is_the_same_wherever_its_parts_meet(
    offset: int, depth: int, is_read: bool
) -> None:
    around = ['"' + "x" * (PART - depth - 8 + offset) + '"', '"]]"', '""', '"[", "\\\\"']
    for before in around:
        for after in ('"]"', '"' + "[" * PART + '"', "1"):
            assert (agreed(wrapped("l" * depth, f"{before},{after},{after}")) != REFUSED) is is_read


@pytest.mark.parametrize("count", [257, 5000])
def test_many_in_one_another_are_not_deep_but_many_side_by_side_may_be_read(count: int) -> None:
    rows = [["0.1", {"a": "[" * 3}]] * count
    assert agreed(json.dumps({"id": 1, "result": rows})) == repr({"id": 1, "result": rows})


# -- everything else ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "number",
    [
        *(str(2**53 + 1), str(2**63 - 1), str(2**63), str(-(2**63)), str(-(2**63) - 1), str(2**64 - 1)),
        *(str(2**64), str(10**18), str(-(10**18)), str(10**19), "1" * 400, "-" + "9" * 40, "1" * 4301),
        *("0", "-0", "00", "01", "-01", "+1", "1.", ".5", "-", "-.5", "1.e5", "0x10", "1_000", "\uff11"),
        *("-0.0", "0.1", "1.0", "1e5", "1E+5", "1e-5", "1e", "1e+", "1e400", "-1e400", "1e-400", "5e-324"),
        *("2.2250738585072011e-308", "0.30000000000000004", "9007199254740993.0", "1.7976931348623157e308"),
        *("123456789012345678.5", "0." + "1" * 30, "1" * 25 + ".5", "1" * 25 + "e3", "1e22", "1e23"),
        *("NaN", "-NaN", "nan", "Infinity", "-Infinity", "inf", "True", "nul", "undefined"),
    ],
)
@pytest.mark.parametrize("form", ["%s", "[%s]", '{"a": %s }', '[0,{"a":[1,\n%s]}]'])
def test_both_read_a_number_alike(number: str, form: str) -> None:
    told = agreed(form % number)
    if number.lstrip("-").isascii() and number.lstrip("-").isdigit() and told != REFUSED:
        assert repr(int(number)) in told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"a":1,"a":2}', "{'a': 2}"),
        ('{"a":1,"b":2,"a":{"b":1,"b":[]}}', "{'a': {'b': []}, 'b': 2}"),
        ('{"a":1,"\\u0061":2}', "{'a': 2}"),
        ('"\\ud83d\\ude00"', repr("\U0001f600")),
        ('"\\ud83d"', repr("\ud83d")),
        ('"\\ude00\\ud83d"', repr("\ude00\ud83d")),
        ('{"\\udfff":1}', repr({"\udfff": 1})),
        ('"\ud83d"', repr("\ud83d")),
        ('"\\u0000"', repr("\0")),
        ('"a\tb"', REFUSED),
        ('"a\0b"', REFUSED),
        ('"\x7f\x80\u2028"', repr("\x7f\x80\u2028")),
        ('"\\x41"', REFUSED),
        ('"\\u12"', REFUSED),
        ('"\\ud83d\\u12"', REFUSED),
        ("\ufeff{}", REFUSED),
        ("\ufeff", REFUSED),
        ("", REFUSED),
        (" \t\r\n", REFUSED),
        (" \t\r\n1\n", "1"),
        ("\u00a01", REFUSED),
        ("\x0b1", REFUSED),
        ("{} {}", REFUSED),
        ("{}]", REFUSED),
        ("1 2", REFUSED),
        ("1\0", REFUSED),
        ("[1,]", REFUSED),
        ('{"a":1,}', REFUSED),
        ("{1:2}", REFUSED),
        ("['a']", REFUSED),
        ("[1 // one\n]", REFUSED),
        ('"\\ud83d" x', REFUSED),
    ],
)
def test_both_read_what_stands_at_the_edges_alike(text: str, told: str) -> None:
    assert agreed(text) == told


NUMBERS = st.one_of(
    st.from_regex(r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,3})?", fullmatch=True),
    st.integers(-(2**66), 2**66).map(str),
    st.floats().map(json.dumps),
)
STRINGS = st.one_of(
    st.text(st.characters(codec=None), max_size=6).map(json.dumps),
    st.text(st.characters(codec=None, exclude_characters='"\\'), max_size=6).map('"{}"'.format),
    st.lists(
        st.sampled_from(["\\ud83d", "\\ude00", "\\n", '\\"', "\\\\", "[", "}", "\\u00e9"]), max_size=5
    ).map(lambda parts: f'"{"".join(parts)}"'),
)
SPACES = st.sampled_from(["", "", "", " ", "\n", "\t\r"])
TEXTS = st.recursive(
    st.one_of(NUMBERS, STRINGS, st.sampled_from(["true", "false", "null", "NaN", "-Infinity"])),
    lambda inner: st.one_of(
        st.tuples(SPACES, st.lists(inner, max_size=4)).map(
            lambda of: f"[{of[0]}{(',' + of[0]).join(of[1])}]"
        ),
        st.tuples(
            SPACES,
            st.lists(st.tuples(st.sampled_from(['"a"', '"\\u0061"', '"b"']) | STRINGS, inner), max_size=4),
        ).map(lambda of: f"{{{(of[0] + ',').join(f'{key}{of[0]}:{value}' for key, value in of[1])}}}"),
    ),
    max_leaves=10,
)
"""JSON with every spelling that it allows, repeated keys among them."""


@given(text=TEXTS)
def test_both_read_whatever_is_json_alike(text: str) -> None:
    agreed(text)


@given(
    text=TEXTS,
    at=st.integers(0),
    end=st.integers(0),
    patch=st.sampled_from([*'[]{}",:\\-e.0\ufeff\0\ud800', ""]),
)
def test_both_read_what_is_nearly_json_alike(text: str, at: int, end: int, patch: str) -> None:
    """A piece cut out anywhere, and something else put there."""
    at %= len(text) + 1
    agreed(text[:at] + patch + text[at + end % 4 :])


@given(data=st.binary(max_size=40))
def test_bytes_that_are_no_text_never_get_as_far_and_all_others_are_read_alike(data: bytes) -> None:
    """Frames are decoded strictly; what a lenient decoder would let through is read alike as well."""
    for errors in ("replace", "surrogateescape", "backslashreplace"):
        agreed(data.decode("utf-8", errors))
        agreed(f'"{data.decode("utf-8", errors)}"')


# -- garbage --------------------------------------------------------------------------------------------------

LONG_ANSWER = f"[{','.join(['[1,2]'] * 60_000)}]"


@pytest.fixture
def collections() -> Iterator[list[str]]:
    """Each time that garbage was collected."""
    seen: list[str] = []

    def note(phase: str, info: object) -> None:
        if phase == "start":
            seen.append(phase)

    gc.callbacks.append(note)
    yield seen
    gc.callbacks.remove(note)
    gc.enable()


@pytest.mark.parametrize("name", list(CODECS))
def test_no_garbage_is_collected_in_the_middle_of_a_long_answer(name: str, collections: list[str]) -> None:
    value = CODECS[name].decode(LONG_ANSWER)
    assert len(collections) <= 2, "some before and after, but none for every 700 lists"
    assert gc.isenabled()
    assert value == json.loads(LONG_ANSWER)


@pytest.mark.parametrize("name", list(CODECS))
def test_a_long_text_that_cannot_be_read_leaves_the_collector_at_work(name: str) -> None:
    assert read(name, LONG_ANSWER[:-1]) == REFUSED
    assert gc.isenabled()


@pytest.mark.parametrize("name", list(CODECS))
@pytest.mark.usefixtures("collections")
def test_who_has_the_collector_stand_still_finds_it_so(name: str) -> None:
    gc.disable()
    CODECS[name].decode(LONG_ANSWER)
    assert not gc.isenabled()
