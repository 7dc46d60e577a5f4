"""Results as typed tables: frames of pandas, or tables that a notebook shows.

Results themselves stay the plain dicts and lists that the exchange sends. Here they get what a reader of data wants:
a row for each record, prices and quantities as `Decimal`, times as aware datetimes.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, get_args, get_origin, is_typeddict

from crypto_ws_sync.errors import ConfigError, InvalidParameter
from crypto_ws_sync.exchanges.binance.methods import CATALOGUE, BinanceMethods
from crypto_ws_sync.model.html import html_table
from crypto_ws_sync.protocol.paging import epoch_us

if TYPE_CHECKING:
    import pandas  # type: ignore[import-not-found,import-untyped,unused-ignore]  # an extra; may be untyped

__all__ = ["Table", "columns_of", "records", "table", "to_frame"]

_KLINE = (
    "openTime",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "closeTime",
    "quoteVolume",
    "count",
    "takerBuyVolume",
    "takerBuyQuoteVolume",
)
"""What stands where in a candle; the field behind these has no use."""

_TIMES = frozenset({
    "time", "updateTime", "workingTime", "transactTime", "transactionTime", "trailingTime", "openTime",
    "closeTime", "serverTime", "timestamp", "authorizedSince", "connectedSince", "T", "E", "O", "W", "u",
})  # fmt: skip
_DECIMALS = frozenset({
    "askLimitMultDown", "askLimitMultUp", "askPrice", "askQty", "bidLimitMultDown", "bidLimitMultUp",
    "bidPrice", "bidQty", "buyer", "close", "commission", "cummulativeQuoteQty", "cumulativeQuoteQty",
    "discount", "executedQty", "free", "high", "highPrice", "icebergQty", "lastPrice", "lastQty", "locked",
    "low", "lowPrice", "maker", "makerPreventedQuantity", "newQty", "open", "openPrice", "origQty",
    "origQuoteOrderQty", "p", "peggedPrice", "prevClosePrice", "preventedQty", "preventedQuantity", "price",
    "priceChange", "priceChangePercent", "q", "qty", "quantity", "quoteOrderQty", "quoteQty", "quoteVolume",
    "referencePrice", "seller", "stopPrice", "taker", "takerBuyQuoteVolume", "takerBuyVolume",
    "takerPreventedQuantity", "volume", "weightedAvgPrice",
})  # fmt: skip
"""Fields whose text is a number; by name, since a name means the same in every result."""

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_SHOWN = 100
_MOST_PLACES = 100
"""Rows that a notebook shows of a table."""


@dataclass(frozen=True, slots=True)
class Table:
    """Typed rows under their columns; a notebook shows them as a table.

    Attributes:
        title: The method.
        columns: Names of the fields.
        rows: A value for each column; None where a record lacks the field.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self.rows)

    def __str__(self) -> str:
        texts = [self.columns, *([_shown(value) for value in row] for row in self.rows[:_SHOWN])]
        widths = [max(map(len, cells)) for cells in zip(*texts, strict=True)]
        lines = [
            "  ".join(text.ljust(width) for text, width in zip(cells, widths, strict=True)).rstrip()
            for cells in texts
        ]
        return "\n".join([*lines, *filter(None, [self._note()])])

    def _repr_html_(self) -> str:
        return html_table(
            self.columns,
            [[_shown(value) for value in row] for row in self.rows[:_SHOWN]],
            title=self.title,
            note=self._note(),
            numbers=self._places(Decimal, float, int),
            moments=self._places(datetime),
        )

    def _places(self, *kinds: type) -> list[int]:
        """Return the places of the columns in which nothing else is shown."""
        found = [{type(value) for value in values} for values in zip(*self.rows[:_SHOWN], strict=True)]
        return [place for place, types in enumerate(found) if set() < types - {type(None)} <= set(kinds)]

    def _note(self) -> str:
        return f"{_SHOWN} of {len(self.rows)} rows" if len(self.rows) > _SHOWN else ""


def table(method: str, result: Any, *, floats: bool = False) -> Table:
    """Return a result as typed rows; needs nothing installed.

    Args:
        method: What was asked, such as "klines".
        result: What came back.
        floats: Prices and quantities as `float` instead of `Decimal`: quicker to reckon with, not exact.

    Raises:
        InvalidParameter: There is no result.
    """
    found = records(method, result)
    columns = tuple(dict.fromkeys(name for record in found for name in record)) or _required(method)
    readers = [_reader(name, floats) for name in columns]
    rows = tuple(
        tuple(read(record.get(name)) for name, read in zip(columns, readers, strict=True)) for record in found
    )
    return Table(_name(method), columns, rows)


def to_frame(method: str, result: Any, *, floats: bool = False) -> pandas.DataFrame:
    """Return a result as a frame of pandas.

    Args:
        method: What was asked, such as "klines".
        result: What came back; of `history`, a list of it.
        floats: Prices and quantities as `float64` instead of `Decimal` objects.

    Raises:
        ConfigError: pandas is not installed; says how to install it.
        InvalidParameter: There is no result.
    """
    try:
        pd = importlib.import_module("pandas")
    except ImportError:
        raise ConfigError('frames need pandas: pip install "crypto_ws_sync[data]"') from None
    found = table(method, result, floats=floats)
    columns = list(zip(*found.rows, strict=True)) or [()] * len(found.columns)
    return pd.DataFrame(
        {
            name: _series(pd, name, list(values), floats)
            for name, values in zip(found.columns, columns, strict=True)
        }
    )


def _series(pd: Any, name: str, values: list[Any], floats: bool) -> Any:
    """Return one column with the type of what is in it."""
    kind = name.rpartition(".")[2]
    if kind in _TIMES and all(value is None or isinstance(value, datetime) for value in values):
        return pd.Series(pd.to_datetime(values, utc=True)).dt.as_unit("us")
    if kind in _DECIMALS and all(value is None or isinstance(value, Decimal | float) for value in values):
        if floats:
            return pd.Series(values, dtype="float64")
        # A frame shows the zeros of the exchange, which have eight places, as 0E-8.
        return pd.Series([Decimal(0) if value == 0 else value for value in values], dtype=object)
    if any(value is None for value in values) and all(
        value is None or type(value) is int for value in values
    ):
        # With gaps, whole numbers would become floats and lose digits of long ids.
        return pd.Series(values, dtype="Int64")
    return pd.Series(values) if values else pd.Series(values, dtype=object)


def records(method: str, result: Any) -> list[dict[str, Any]]:
    """Return a result as flat records, values as the exchange sent them.

    Candles get names, order books a row for each level, an account a row for each asset, the exchange's rules a row
    for each symbol; any other object is a row, with a dot between the names of objects inside one another.

    Raises:
        InvalidParameter: There is no result.
    """
    if result is None:
        raise InvalidParameter(
            "there is no result to show: the request was held back by a limit (see on_limit)", method=method
        )
    name = _name(method)
    unfold = _UNFOLDED.get(name)
    if unfold is not None and isinstance(result, Mapping):
        result = unfold(result)
    elif isinstance(result, Mapping) and "orderReports" in result:
        result = result["orderReports"]
    if isinstance(result, Mapping):
        result = [result]
    return [_flat(item) for item in result]


def _book(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"side": side, "price": price, "quantity": quantity}
        for side, levels in (("bid", result["bids"]), ("ask", result["asks"]))
        for price, quantity in levels
    ]


def _rules(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"symbol": each["symbol"], **rule} for each in result["symbolRules"] for rule in each["rules"]]


def _balances(result: Mapping[str, Any]) -> Any:
    return result["balances"]


def _symbols(result: Mapping[str, Any]) -> Any:
    return result["symbols"]


_UNFOLDED: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "depth": _book,
    "executionRules": _rules,
    "account.status": _balances,
    "exchangeInfo": _symbols,
}


def _flat(item: Any) -> dict[str, Any]:
    if isinstance(item, Mapping):
        found: dict[str, Any] = {}
        for name, value in item.items():
            if isinstance(value, Mapping):
                found.update({f"{name}.{inner}": deep for inner, deep in _flat(value).items()})
            else:
                found[name] = value
        return found
    if isinstance(item, Sequence) and not isinstance(item, str):
        return dict(zip(_KLINE, item, strict=False))
    return {"value": item}


def columns_of(method: str) -> tuple[str, ...]:
    """Return every field that a record of a method's list may have; nothing where that is not known."""
    return _KLINE if _name(method) in _CANDLES else tuple(_fields(method))


def _required(method: str) -> tuple[str, ...]:
    """Return the fields that every record has, for a table without rows."""
    return (
        _KLINE
        if _name(method) in _CANDLES
        else tuple(name for name, is_sure in _fields(method).items() if is_sure)
    )


_CANDLES = ("klines", "uiKlines")


def _fields(method: str) -> dict[str, bool]:
    """Return the fields of a list's records, and whether each is in every record."""
    spec = CATALOGUE.get(_name(method))
    if spec is None:
        return {}
    function = getattr(BinanceMethods, spec.python_name)
    returned = eval(function.__annotations__["return"], vars(sys.modules[function.__module__]))
    inner: Any = get_args(returned)[0] if get_origin(returned) is list else None
    if not is_typeddict(inner):
        return {}
    return {name: name in inner.__required_keys__ for name in inner.__annotations__}


def _name(method: str) -> str:
    """Return the exchange's name of a method, whichever way it was written."""
    name = method.rpartition("/")[2]
    if name in CATALOGUE:
        return name
    return next((spec.name for spec in CATALOGUE.values() if spec.python_name == name), name)


def _reader(column: str, floats: bool) -> Callable[[Any], Any]:
    name = column.rpartition(".")[2]
    if name in _TIMES:
        return _time
    if name in _DECIMALS:
        return _float if floats else _decimal
    return _same


def _same(value: Any) -> Any:
    return value


def _time(value: Any) -> Any:
    """Return a moment; None for one that has not come, which the exchange writes as -1."""
    if type(value) is not int:
        return value
    try:
        return _EPOCH + timedelta(microseconds=epoch_us(value)) if value > 0 else None
    except OverflowError:
        return value


def _decimal(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return Decimal(value)
    except InvalidOperation:
        return value


def _float(value: Any) -> Any:
    exact = _decimal(value)
    return float(exact) if isinstance(exact, Decimal) else exact


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S.%f}"[:-3]
    # Written out, a number with an absurd exponent would take gigabytes.
    is_plain = isinstance(value, Decimal) and abs(value.adjusted()) <= _MOST_PLACES
    return f"{value:f}" if is_plain else str(value)
