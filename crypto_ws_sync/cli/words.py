"""What is typed after a command -> a method and its parameters, checked against the catalogue."""

from __future__ import annotations

import difflib
import json
import os
import re
import time
from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from crypto_ws_sync.errors import InvalidParameter
from crypto_ws_sync.exchanges.binance.client_ids import new_client_order_id
from crypto_ws_sync.exchanges.binance.dialect import BinanceDialect
from crypto_ws_sync.exchanges.binance.methods import CATALOGUE
from crypto_ws_sync.model.numbers import decimal_text
from crypto_ws_sync.protocol.dialect import Stamp
from crypto_ws_sync.protocol.method import MethodSpec, Parameter, Request
from crypto_ws_sync.session.moments import moment_us
from crypto_ws_sync.signing.signer import KeyType

__all__ = ["find_spec", "make_request", "read_pairs", "request_text"]

_VERSION = re.compile(r"v\d+/")
_BOOLEANS = {"true": True, "false": False}
_OWN = ("apiKey", "signature")


class _NoKey:
    """Stands in for a key where a request is looked at but not sent.

    Owner: caller thread.
    """

    key_type: KeyType = "hmac"
    is_slow = False

    def sign(self, payload: bytes) -> str:
        """Return no signature."""
        return ""


def find_spec(method: str) -> MethodSpec:
    """Return the facts of a method, by the exchange's name or the one in Python.

    Raises:
        InvalidParameter: There is none; says which may be meant.
    """
    name = _VERSION.sub("", method, count=1)
    for spec in CATALOGUE.values():
        if name in (spec.name, spec.python_name):
            return spec
    known = [spec.python_name if "_" in name else spec.name for spec in CATALOGUE.values()]
    raise InvalidParameter(
        f"there is no method {method!r}.{_meant(name, known)} All of them: crypto_ws_sync methods",
        method=method,
    )


def read_pairs(
    spec: MethodSpec | None, pairs: Sequence[str], *, others: Iterable[str] = (), is_checked: bool = True
) -> dict[str, Any]:
    """Return parameters from `name=value` texts, under the exchange's names.

    Numbers stay text, so that no digit changes; whole numbers, lists, times, true and false become what the
    method takes.

    Args:
        spec: The method; None for one that is not known.
        pairs: As typed; names in the exchange's spelling or in snake_case.
        others: Names that are taken besides the method's own, as they are.
        is_checked: Refuse names that the method does not have.

    Raises:
        InvalidParameter: A pair cannot be read, or its name is not known; says which may be meant.
    """
    method = None if spec is None else spec.name
    known: dict[str, Parameter] = {}
    for parameter in () if spec is None else spec.parameters:
        known[parameter.name] = known[parameter.wire] = parameter
    others = tuple(others)
    params: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        name = name.strip()
        if not equals or not name:
            raise InvalidParameter(f"{pair!r} is no parameter: write name=value", method=method)
        found = known.get(name)
        if found is None and name not in others and spec is not None and is_checked:
            raise InvalidParameter(
                f"{spec.name} has no parameter {name!r}.{_meant(name, [*known, *others])} "
                f"All of them: crypto_ws_sync methods {spec.name}",
                method=method,
                parameter=name,
            )
        wire = name if found is None else found.wire
        if wire in params:
            raise InvalidParameter(f"{wire} is given twice", method=method, parameter=wire)
        try:
            params[wire] = text if name in others else _value(found, text)
        except ValueError as error:
            raise InvalidParameter(f"{name}: {error}", method=method, parameter=wire) from None
    return params


def _meant(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, dict.fromkeys(known), n=3)
    return f" Did you mean {' or '.join(near)}?" if near else ""


def _value(parameter: Parameter | None, text: str) -> Any:
    """Return what a text stands for.

    Raises:
        ValueError: It is not of the parameter's kind.
    """
    kinds = set() if parameter is None else set(parameter.annotation.replace(" ", "").split("|"))
    if "Names" in kinds:
        return _names(text, is_list="Permission" not in kinds)
    if text.startswith("["):
        return _list(text)
    if "bool" in kinds or (parameter is None and text.lower() in _BOOLEANS):
        if text.lower() not in _BOOLEANS:
            raise ValueError(f"{text!r} is neither true nor false")
        return _BOOLEANS[text.lower()]
    if "Time" in kinds:
        return int(text) if text.isdecimal() else moment_us(text) // 1000
    if "int" in kinds:
        if re.fullmatch(r"-?\d+", text, re.ASCII) is None:
            raise ValueError(f"{text!r} is no whole number")
        return int(text)
    if "Number" in kinds:
        return _number(text)
    return text


def _names(text: str, *, is_list: bool) -> Any:
    if text.startswith("["):
        return _list(text)
    if is_list or "," in text:
        return [name.strip() for name in text.split(",")]
    return text


def _list(text: str) -> list[Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, list):
        raise ValueError(f'{text!r} is no JSON list, such as ["BTCUSDT","ETHUSDT"]')
    return found


def _number(text: str) -> str:
    try:
        number = Decimal(text)
        is_number = number.is_finite()
    except InvalidOperation:
        is_number = False
    if not is_number:
        raise ValueError(f"{text!r} is no number")
    # An exponent is fine to read and must not be sent; without one the text stays as it was typed.
    return decimal_text(number) if "e" in text.lower() else text.strip()


def make_request(method: str, params: dict[str, Any], *, is_signed: bool = False) -> Request:
    """Return the request as it would go out but for what is added at the moment of sending; needs no key.

    A write has its client order id in `params`, so that it is known whatever becomes of it.

    Raises:
        InvalidParameter: It certainly cannot be right.
    """
    dialect = BinanceDialect("", _NoKey())
    return dialect.request(method, params, is_signed, is_signed, lambda: new_client_order_id(os.urandom(24)))


def request_text(request: Request) -> dict[str, Any]:
    """Return the frame that would be sent now, without key and signature."""
    dialect = BinanceDialect("", _NoKey())
    _, text = dialect.compose(request, Stamp(time.time(), is_logged_on=True))
    frame: dict[str, Any] = json.loads(text)
    for name in _OWN:
        frame.get("params", {}).pop(name, None)
    return frame
