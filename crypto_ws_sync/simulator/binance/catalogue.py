"""What the exchange knows of its methods: parameters, combinations, weights; read from methods.json."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from ..matching.amounts import DECIMALS, parse_amount
from .combinations import Rule, compile_rules, is_pegged
from .refusals import Refusal, illegal_characters, missing, not_valid
from .wire import NumberText

__all__ = ["Arguments", "Method", "load_catalogue"]

Arguments = dict[str, Any]
"""Parameters by their wire names, as values: int (amounts in units of 10**-8), bool, str or list of str."""

_DECIMAL_LEGAL = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
_INTEGER_LEGAL = "^[0-9]{1,20}$"
_SYMBOL_LEGAL = r"^[\w\-._&&[^a-z]]{1,50}$"
_CLIENT_ID_LEGAL = r"^[\.A-Z\:/a-z0-9_-]{1,36}$"
_DECIMAL = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,20})?")
_INTEGER = re.compile("[0-9]{1,20}")
_MOST_PLACES = 30
"""Digits before or after the point, more than any amount has."""
_SYMBOL = re.compile(r"[\w\-.]{1,50}")
_CLIENT_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")

# Stated for the single order alone.
_DEEPEST_PEG = 100
_ENUM_REFUSALS = {
    "type": (-1116, "Invalid orderType."),
    "side": (-1117, "Invalid side."),
    "timeInForce": (-1115, "Invalid timeInForce."),
    "interval": (-1120, "Invalid interval."),
    "symbolStatus": (-1122, "Invalid symbolStatus."),
    "cancelRestrictions": (
        -1145,
        "cancelRestrictions has to be either ONLY_NEW or ONLY_PARTIALLY_FILLED.",
    ),
    "pegPriceType": (-1210, "Invalid pegPriceType."),
    "pegOffsetType": (-1211, "Invalid pegOffsetType."),
}
_ENUM_ENDINGS = (
    ("TimeInForce", "timeInForce"),
    ("Type", "type"),
    ("Side", "side"),
    ("PegPriceType", "pegPriceType"),
    ("PegOffsetType", "pegOffsetType"),
)
_ENVELOPE_NAMES = frozenset({"apiKey", "signature", "timestamp", "recvWindow"})
_CLIENT_ID_NAMES = ("ClientOrderId", "ClientOrderID")


Converter = Callable[[str, Any], Any]


@dataclass(frozen=True, slots=True)
class Method:
    """One method: its security, what it costs, and how its parameters are read."""

    name: str
    security: str
    is_signed: bool
    is_always_signed: bool
    needs_session: bool
    orders: int
    weight: Callable[[Mapping[str, Any]], int]
    weight_on_success: int | None
    amend_weight: bool
    converters: Mapping[str, Converter]
    required: tuple[str, ...]
    unwanted: frozenset[str]
    rules: tuple[Rule, ...]

    def read(self, params: Mapping[str, Any]) -> Arguments:
        """The parameters as values.

        Raises:
            Refusal: The first thing that is wrong with them, with its documented code.
        """
        converters = self.converters
        arguments: Arguments = {}
        for name, value in params.items():
            convert = converters.get(name)
            if convert is None:
                if name in self.unwanted:
                    raise Refusal(400, -1225, f"Pending orders should not include the '{name}' tag.")
                if self._is_of_the_envelope(name):
                    continue
                raise self._unread(params)
            if value is not None:
                arguments[name] = convert(name, value)
        for name in self.required:
            if name not in arguments and not is_pegged(name, arguments):
                raise missing(name)
        for rule in self.rules:
            rule(arguments)
        return arguments

    def _is_of_the_envelope(self, name: str) -> bool:
        # Clients written when old trades needed a key still name one where none is asked for.
        return name == "apiKey" or (name in _ENVELOPE_NAMES and self.is_signed)

    def _unread(self, params: Mapping[str, Any]) -> Refusal:
        read = sum(name in self.converters or self._is_of_the_envelope(name) for name in params)
        return Refusal(
            400,
            -1104,
            f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{len(params)}'.",
        )


@cache
def load_catalogue() -> Mapping[str, Method]:
    """Every method of the WebSocket API by its name; read once, as programs' tests start many exchanges."""
    text = resources.files(__package__).joinpath("methods.json").read_text(encoding="utf-8")
    return MappingProxyType({entry["method"]: _method(entry) for entry in json.loads(text)})


def _method(entry: Mapping[str, Any]) -> Method:
    converters: dict[str, Converter] = {"returnRateLimits": _read_boolean}
    required = []
    for param in entry["params"]:
        name = param["name"]
        if name in _ENVELOPE_NAMES:
            continue
        converters[name] = _converter(entry["method"], param)
        if param["required"] is True:
            required.append(name)
    on_success = entry.get("weight_on_success")
    return Method(
        name=entry["method"],
        security=entry["security"],
        is_signed=entry["security"] != "NONE" and not entry["requires_session"],
        is_always_signed=entry["always_signed"],
        needs_session=entry["requires_session"],
        orders=entry["unfilled_order_count"],
        weight=_weight(entry["weight"]),
        weight_on_success=on_success if isinstance(on_success, int) else None,
        amend_weight=isinstance(on_success, dict),
        converters=converters,
        required=tuple(required),
        # The quantity of what is pending comes from the working order.
        unwanted=frozenset({"pendingQuantity"}) if ".opo" in entry["method"] else frozenset(),
        rules=compile_rules(entry),
    )


def _converter(method: str, param: Mapping[str, Any]) -> Converter:
    kind, name = param["type"], param["name"]
    # The documents mix up two types for some order lists: an iceberg quantity is an amount, and a trailing
    # delta is a whole number.
    if name.lower().endswith("trailingdelta"):
        return _read_integer
    if kind == "DECIMAL" or name.endswith("IcebergQty"):
        return _read_decimal
    if kind in ("INT", "LONG"):
        limit = param.get("max", _DEEPEST_PEG if name.endswith("PegOffsetValue") else None)
        # A page size beyond the largest is cut down to it; any other number too large is refused.
        if limit is None or name == "limit":
            return _read_limit(limit) if name == "limit" else _read_integer
        return _read_bounded(limit)
    if kind == "BOOLEAN":
        return _read_boolean
    if kind == "ENUM":
        return _read_enum(method, name, frozenset(param["enum"]))
    if kind.startswith("ARRAY"):
        return _read_list
    if name == "symbol":
        return _read_symbol
    if name.endswith(_CLIENT_ID_NAMES):
        return _read_client_id
    return _read_text


def _read_text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise not_valid(name)
    if not value:
        raise Refusal(400, -1105, f"Parameter '{name}' was empty.")
    return value


def _read_symbol(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise missing(name)
    if not _SYMBOL.fullmatch(value):
        raise illegal_characters(name, _SYMBOL_LEGAL)
    return value


def _read_client_id(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise not_valid(name)
    if not value:
        if name.startswith("new"):
            raise Refusal(400, -1118, "New client order ID was empty.")
        raise Refusal(400, -1119, "Original client order ID was empty.")
    if not _CLIENT_ID.fullmatch(value):
        raise illegal_characters(name, _CLIENT_ID_LEGAL)
    return value


def _read_decimal(name: str, value: Any) -> int:
    """A price or quantity in units of 10**-8."""
    if type(value) is str:
        if not _DECIMAL.fullmatch(value):
            if not value:
                raise missing(name)
            raise illegal_characters(name, _DECIMAL_LEGAL)
        whole, _, fraction = value.partition(".")
        if len(fraction) <= DECIMALS:
            return int(whole + fraction.ljust(DECIMALS, "0"))
    elif isinstance(value, NumberText):
        try:
            number = Decimal(value)
        except InvalidOperation:
            raise missing(name) from None
        # Written out, a number of a few characters may fill the memory.
        value = format(number, "f") if abs(number.adjusted()) <= _MOST_PLACES else str(value)
    elif type(value) is int:
        value = str(value)
    else:
        raise missing(name)
    if value.startswith("-"):
        raise illegal_characters(name, _DECIMAL_LEGAL)
    try:
        return parse_amount(value)
    except ValueError:
        raise Refusal(400, -1111, f"Parameter '{name}' has too much precision.") from None


def _read_integer(name: str, value: Any) -> int:
    if type(value) is int:
        if value < 0:
            raise illegal_characters(name, _INTEGER_LEGAL)
        number = value
    elif type(value) is str:
        if not _INTEGER.fullmatch(value):
            if not value:
                raise missing(name)
            raise illegal_characters(name, _INTEGER_LEGAL)
        number = int(value)
    else:
        raise missing(name)
    if number >= 1 << 63:
        raise Refusal(400, -1108, f"Parameter '{name}' overflowed.")
    return number


def _read_limit(largest: int | None) -> Converter:
    def read(name: str, value: Any) -> int:
        number = _read_integer(name, value)
        if number == 0:
            raise not_valid(name)
        return number if largest is None else min(number, largest)

    return read


def _read_bounded(largest: int) -> Converter:
    def read(name: str, value: Any) -> int:
        number = _read_integer(name, value)
        if number > largest:
            raise Refusal(
                400, -1102, f"'{name}' contains unexpected value. Cannot be greater than {largest}."
            )
        return number

    return read


def _read_boolean(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise not_valid(name)


def _read_list(name: str, value: Any) -> list[str]:
    if isinstance(value, str):
        if not value.startswith("["):
            value = [value]
        else:
            try:
                value = json.loads(value)
            except ValueError:
                raise Refusal(400, -1135, f"JSON sent for parameter '{name}' is not valid") from None
    if not isinstance(value, list) or not value or not all(isinstance(each, str) for each in value):
        raise not_valid(name)
    if len(set(value)) != len(value):
        raise Refusal(400, -1151, "Symbol is present multiple times in the list.")
    return value


def _read_enum(method: str, name: str, values: frozenset[str]) -> Converter:
    refusal = _ENUM_REFUSALS.get(name)
    if name == "type" and method.startswith("ticker"):
        refusal = (-1139, "Invalid ticker type.")
    elif refusal is None and name not in ("newOrderRespType",):
        refusal = next(
            (_ENUM_REFUSALS[plain] for ending, plain in reversed(_ENUM_ENDINGS) if name.endswith(ending)),
            None,
        )

    def read(name: str, value: Any) -> str:
        if isinstance(value, str) and value in values:
            return value
        raise Refusal(400, *refusal) if refusal else not_valid(name)

    return read


def _weight(rule: Any) -> Callable[[Mapping[str, Any]], int]:
    if isinstance(rule, int):
        return lambda params: rule
    if rule["by"] == "limit":
        return _weight_by_limit(rule)
    if rule["by"] == "symbols":
        return _weight_by_symbols(rule)
    return _weight_by_param(rule)


def _weight_by_limit(rule: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], int]:
    steps, default = rule["steps"], rule["default"]

    def weigh(params: Mapping[str, Any]) -> int:
        try:
            limit = int(params.get("limit", default))
        except (TypeError, ValueError):
            limit = default
        return next((int(weight) for top, weight in steps if limit <= top), int(steps[-1][1]))

    return weigh


def _weight_by_symbols(rule: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], int]:
    def weigh(params: Mapping[str, Any]) -> int:
        if params.get("symbol") is not None:
            return int(rule["symbol"])
        symbols = params.get("symbols")
        if symbols is None:
            return int(rule.get("none", rule["symbol"]))
        count = len(symbols) if isinstance(symbols, list) else str(symbols).count(",") + 1
        for top, weight in rule.get("steps", ()):
            if count <= top:
                return int(weight)
        if "per" in rule:
            return int(min(rule["per"] * count, rule["cap"]))
        return int(rule["over"])

    return weigh


def _weight_by_param(rule: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], int]:
    def weigh(params: Mapping[str, Any]) -> int:
        for case in rule["cases"]:
            value = params.get(case["param"])
            if value is None:
                continue
            if "equals" not in case or value == case["equals"] or value == str(case["equals"]).lower():
                return int(case["weight"])
        return int(rule["else"])

    return weigh
