"""`methods`: what can be called."""

from __future__ import annotations

import argparse
import inspect
import re
from collections.abc import Iterator
from typing import Any

from crypto_ws_sync.cli.output import is_at_terminal, json_text, print_json, print_line, print_table
from crypto_ws_sync.cli.words import find_spec
from crypto_ws_sync.exchanges.binance.methods import CATALOGUE, BinanceMethods
from crypto_ws_sync.exchanges.binance.methods.catalogue import known_values
from crypto_ws_sync.protocol.method import Kind, MethodSpec, Security

__all__ = ["SUMMARY", "add_arguments", "run"]

SUMMARY = "List the methods that can be called, or tell all about one."

_ARGUMENT = re.compile(r" {4}(\w+): (.*)")
_NAMED = re.compile(r"`(\w+)`")
"""Another argument in the words on one; at the command line it has the exchange's name."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what `methods` takes."""
    parser.add_argument(
        "method", nargs="?", metavar="METHOD", help="tell its parameters and what it costs; all, by default"
    )
    parser.epilog = "A table at a terminal; in a pipe JSON, a line for each method."


def run(arguments: argparse.Namespace) -> int:
    """Tell; return the exit code."""
    if arguments.method is not None:
        _tell_one(find_spec(arguments.method))
        return 0
    if is_at_terminal():
        rows = [(spec.name, _needs(spec), _summary(spec)) for spec in CATALOGUE.values()]
        print_table(("method", "needs", "what it does"), rows)
        print_line("Parameters and weight of one: crypto_ws_sync methods METHOD")
    else:
        for spec in CATALOGUE.values():
            print_line(json_text(_brief(spec)))
    return 0


def _brief(spec: MethodSpec) -> dict[str, Any]:
    return {
        "method": spec.name,
        "python": spec.python_name,
        "summary": _summary(spec),
        "security": spec.security.value,
        "writes": spec.kind is Kind.WRITE,
        "weight": _weight(spec),
        "has_history": spec.history is not None,
        "is_deprecated": spec.is_deprecated,
    }


def _whole(spec: MethodSpec) -> dict[str, Any]:
    told = dict(_told(spec))
    wire = {parameter.name: parameter.wire for parameter in spec.parameters}
    values = known_values(getattr(BinanceMethods, spec.python_name))
    return {
        **_brief(spec),
        "parameters": [
            {
                "name": parameter.wire,
                "python": parameter.name,
                "type": parameter.annotation.removesuffix(" | None"),
                "is_required": parameter.is_required,
                "values": list(values.get(parameter.wire, ())),
                "what": _NAMED.sub(lambda found: wire.get(found[1], found[1]), told.get(parameter.name, "")),
            }
            for parameter in spec.parameters
        ],
    }


def _tell_one(spec: MethodSpec) -> None:
    whole = _whole(spec)
    if not is_at_terminal():
        print_json(whole)
        return
    print_line(f"{spec.name}: {whole['summary']}")
    print_line(f"In Python: session.{spec.python_name}(...)")
    print_line(f"Needs: {_needs(spec)}. Weight: {whole['weight']}.")
    if spec.is_deprecated:
        print_line("The exchange may withdraw it.")
    if spec.history is not None:
        print_line(f"All of it, page by page: crypto_ws_sync history {spec.name} ...")
    rows = []
    for parameter in whole["parameters"]:
        values = f" ({', '.join(parameter['values'])})" if parameter["values"] else ""
        need = "required" if parameter["is_required"] else ""
        rows.append((parameter["name"], need, f"{parameter['what']}{values}"))
    if rows:
        print_table(("parameter", "", "what it is"), rows)


def _needs(spec: MethodSpec) -> str:
    return {
        Security.NONE: "log-on" if spec.needs_log_on else "nothing",
        Security.TRADE: "key that trades",
    }.get(spec.security, "key")


def _doc(spec: MethodSpec) -> str:
    return inspect.getdoc(getattr(BinanceMethods, spec.python_name)) or ""


def _summary(spec: MethodSpec) -> str:
    return _doc(spec).partition("\n")[0]


def _weight(spec: MethodSpec) -> str:
    """Return the weight in words: where it depends on parameters, only the documentation tells it whole."""
    if isinstance(spec.weight, int):
        spent = spec.weight_on_success
        return str(spec.weight) if spent is None else f"{spec.weight}; {spent} on success"
    cost = _doc(spec).partition("Cost: ")[2].partition(". Source:")[0]
    return " ".join(cost.split()).removeprefix("weight ") or "depends on its parameters"


def _told(spec: MethodSpec) -> Iterator[tuple[str, str]]:
    """Yield each parameter's name with what the documentation says of it."""
    section = _doc(spec).partition("\nArgs:\n")[2].partition("\n\n")[0]
    name, words = "", ""
    for line in section.splitlines():
        found = _ARGUMENT.fullmatch(line)
        if found is None:
            words += f" {line.strip()}"
            continue
        if name:
            yield name, words
        name, words = found[1], found[2]
    if name:
        yield name, words
