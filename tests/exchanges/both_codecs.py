"""The dialect with either JSON codec, and what it makes of a text in a form that compares."""

from __future__ import annotations

import importlib
import sys
from importlib.util import find_spec
from typing import Any

from crypto_ws_sync.exchanges.binance import dialect as dialects
from crypto_ws_sync.protocol.dialect import Fault, Reply

__all__ = ["CODECS", "MODULES", "PLAIN", "shown"]

MODULES = ("crypto_ws_sync.exchanges.binance.envelope", "crypto_ws_sync.exchanges.binance.dialect")


def _without_orjson() -> Any:
    """Return the dialect's module as it is where only the standard library can be had."""
    kept = {name: sys.modules.pop(name) for name in MODULES}
    real = sys.modules.get("orjson")
    sys.modules["orjson"] = None  # type: ignore[assignment]  # this is how an import is made to fail
    try:
        return importlib.import_module(MODULES[1])
    finally:
        del sys.modules["orjson"]
        if real is not None:
            sys.modules["orjson"] = real
        sys.modules.update(kept)
        for name in MODULES:
            package, _, last = name.rpartition(".")
            setattr(sys.modules[package], last, kept[name])


PLAIN: Any = _without_orjson()
CODECS = {"json": PLAIN} | ({"orjson": dialects} if find_spec("orjson") else {})


def shown(incoming: Any) -> Any:
    """Everything of what was classified, comparable."""
    if not isinstance(incoming, Reply | Fault):
        return incoming
    error = incoming.error
    told = (type(error), error.args, vars(error)) if error is not None else None
    if isinstance(incoming, Fault):
        return incoming.outcome, told
    return (
        *(incoming.key, type(incoming.key), incoming.outcome, incoming.result, told),
        *(incoming.readings, incoming.retry_at, incoming.is_orders_only, incoming.is_final),
    )
