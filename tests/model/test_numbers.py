"""Any number a caller may give, as it goes on the wire: exactly, in plain digits, or not at all."""

from __future__ import annotations

import enum
import math
import re
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from crypto_ws_sync.model.numbers import decimal_text, epoch_ms, render
from crypto_ws_sync.model.secret import Secret

PLAIN = re.compile(r"-?\d+(\.\d+)?")
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, places=8) | st.builds(
    lambda digits, exponent, sign: Decimal((sign, digits, exponent)),
    st.lists(st.integers(0, 9), min_size=1, max_size=30).map(tuple),
    st.integers(-40, 40),
    st.integers(0, 1),
)


class Side(str, enum.Enum):
    BUY = "BUY"


class Depth(enum.IntEnum):
    SMALL = 5


class Price(enum.Enum):
    LOW = Decimal("0.10")


class Amount(Decimal):
    """A number of a kind of its own."""


class Label(str):
    def __str__(self) -> str:
        return "something else"


@given(value=DECIMALS)
def test_decimals_go_out_as_plain_text_and_come_back_the_same(value: Decimal) -> None:
    text = render(value)
    assert PLAIN.fullmatch(text)
    assert Decimal(text) == value
    if value.as_tuple().exponent <= 0:  # type: ignore[operator]  # finite, so a number
        assert Decimal(text).as_tuple() == value.as_tuple()


@given(value=st.integers(-(10**15) + 1, 10**15 - 1), places=st.integers(0, 15))
def test_floats_of_up_to_fifteen_digits_go_out_as_the_number_meant(value: int, places: int) -> None:
    meant = Decimal(value).scaleb(-places)
    text = render(float(meant))
    assert PLAIN.fullmatch(text)
    assert Decimal(text) == meant


@given(value=st.floats())
def test_a_float_goes_out_without_loss_or_not_at_all(value: float) -> None:
    try:
        text = render(value)
    except ValueError as error:
        refused = str(error)
        assert not 1e-80 < abs(value) < 1e80 or len(repr(value)) > 15
        assert any(hint in refused for hint in ("round()", "can be sent", "more digits"))
    else:
        assert PLAIN.fullmatch(text)
        assert float(text) == value


@pytest.mark.parametrize("value", [0.1 + 0.2, 1.1 * 3, 0.07 * 100, 1e-7 / 3, 123456789.12345678])
def test_binary_noise_is_refused_with_a_hint(value: float) -> None:
    with pytest.raises(ValueError, match=r"round\(\)"):
        render(value)


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (0.1, "0.1"),
        (1.0, "1"),
        (-0.0, "-0"),
        (1e-8, "0.00000001"),
        (1e16, "10000000000000000"),
        (123.456, "123.456"),
        (Decimal("0.10"), "0.10"),
        (Decimal("1E+3"), "1000"),
        (Decimal("1E-8"), "0.00000001"),
        (Decimal("-0"), "-0"),
        (7, 7),
        (2**70, 2**70),
        (True, True),
        ("0.10", "0.10"),
        ("", ""),
        ("\u5e01\u5b89\u4eba\u751fUSDT", "\u5e01\u5b89\u4eba\u751fUSDT"),
        (Side.BUY, "BUY"),
        (Depth.SMALL, 5),
        (Price.LOW, "0.10"),
        (["BTCUSDT", "ETHUSDT"], ["BTCUSDT", "ETHUSDT"]),
        (("A", 1, Decimal("2.50"), Side.BUY), ["A", 1, "2.50", "BUY"]),
        ([], []),
        (Label("as it is"), "as it is"),
        (Secret("open"), "open"),
        (Amount("1E-8"), "0.00000001"),
    ],
    ids=repr,
)
def test_each_kind_of_value_goes_out_as_its_own(value: Any, sent: Any) -> None:
    rendered = render(value)
    assert rendered == sent
    assert type(rendered) is type(sent)


def scalar(value: Any, *, of: str = "numpy", shape: tuple[int, ...] = ()) -> Any:
    """Something that is to the eye what numpy's scalars and arrays are."""
    told = f"{of}.scalar({value!r})"
    members = {"__module__": of, "item": lambda self: value, "shape": shape, "__repr__": lambda self: told}
    return type("scalar", (), members)()


class Nameless:
    """Something that is no number, and reads the same in every process."""

    def __repr__(self) -> str:
        return "Nameless()"


def numpy_cases() -> list[tuple[Any, Any]]:
    """Numpy's scalars where it is installed: the library itself never needs it."""
    if not find_spec("numpy"):
        return []
    np: Any = import_module("numpy")
    return [
        (np.float64(0.1), "0.1"),
        (np.float32(0.5), "0.5"),
        (np.float16(2.5), "2.5"),
        (np.int64(7), 7),
        (np.uint8(7), 7),
        (np.bool_(True), True),
        (np.str_("BTCUSDT"), "BTCUSDT"),
        (np.array(0.25), "0.25"),
    ]


@pytest.mark.parametrize(("value", "sent"), [(scalar(0.5), "0.5"), (scalar(7), 7), *numpy_cases()], ids=repr)
def test_numpy_scalars_count_as_the_number_they_are(value: Any, sent: Any) -> None:
    rendered = render(value)
    assert rendered == sent
    assert type(rendered) is type(sent)


class _Whole(int):
    """A whole number of a kind of its own."""


class _Longer:
    """Like numpy's long double, of which Python has no equal: its item is one of its own kind."""

    shape = ()

    def item(self) -> _Longer:
        return self


_Longer.__module__ = "numpy"


def _holding_itself() -> list[Any]:
    held: list[Any] = []
    held.append(held)
    return held


def _nested(depth: int, inner: Any = 1) -> list[Any]:
    value = [inner]
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        *(math.nan, math.inf, -math.inf, Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity")),
        *(Decimal("1E+1000"), Decimal("1E-1000"), 1e300, 5e-324),
        *(
            b"bytes",
            {"a": 1},
            {1},
            Nameless(),
            1j,
            Fraction(1, 3),
            date(2026, 1, 1),
            timedelta(1),
            None,
            range(3),
        ),
        *(scalar(math.nan), scalar(0.10000000149011612), scalar(1j), scalar(1.0, shape=(1,))),
        *(scalar(1.0, of="another.library"), scalar("\ud800")),
        *("\ud800", ["fine", "\udfff"], [[Nameless()]]),
        *(pytest.param(sign * 10**size, id=f"{size} digits") for sign in (1, -1) for size in (100, 5000)),
        pytest.param(_Whole(10**5000), id="whole"),
        pytest.param(_holding_itself(), id="itself"),
        pytest.param(_nested(100_000), id="nested"),
        pytest.param(_nested(1, _Longer()), id="longer"),
    ],
    ids=repr,
)
def test_what_cannot_be_sent_exactly_is_refused(value: Any) -> None:
    with pytest.raises(ValueError):
        render(value)


UTC = timezone.utc


@given(
    moment=st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)),
    zone=st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
def test_aware_datetimes_go_out_as_whole_milliseconds(moment: datetime, zone: timezone) -> None:
    aware = moment.replace(tzinfo=zone)
    sent = render(aware)
    assert sent == epoch_ms(aware)
    assert timedelta(0) <= aware - (datetime(1970, 1, 1, tzinfo=UTC) + sent * timedelta(milliseconds=1))
    assert aware - (datetime(1970, 1, 1, tzinfo=UTC) + sent * timedelta(milliseconds=1)) < timedelta(
        milliseconds=1
    )


def test_a_moment_is_the_same_in_every_zone() -> None:
    noon = datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert render(noon) == render(noon.astimezone(timezone(timedelta(hours=9)))) == 1_782_907_200_000


def test_naive_datetimes_are_refused_with_a_hint() -> None:
    with pytest.raises(ValueError, match=r"timezone\.utc"):
        render(datetime(2026, 7, 1))


@given(value=st.text())
def test_texts_are_left_alone_or_refused(value: str) -> None:
    assume(not any("\ud800" <= character <= "\udfff" for character in value))
    assert render(value) == value


@given(value=DECIMALS)
def test_the_number_of_digits_is_bounded(value: Decimal) -> None:
    assert len(decimal_text(value)) <= 110
