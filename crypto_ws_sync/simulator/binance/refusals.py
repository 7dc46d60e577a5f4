"""What the exchange answers when it refuses, with the documented codes and words."""

from __future__ import annotations

from typing import Any

__all__ = [
    "Refusal",
    "bad_symbol",
    "illegal_characters",
    "missing",
    "missing_either",
    "not_needed",
    "not_supported",
    "not_valid",
    "rejected_key",
]


class Refusal(Exception):
    """A request that gets an error reply: status, code, words, and data where the documents give some.

    `engine_refused` says that the matching engine was reached, which costs an order its place in the count.
    `id_text` is the request's id as JSON where the frame itself was refused.
    """

    def __init__(
        self, status: int, code: int, msg: str, data: Any = None, *, engine_refused: bool = False
    ) -> None:
        super().__init__(status, code, msg)
        self.status = status
        self.code = code
        self.msg = msg
        self.data = data
        self.engine_refused = engine_refused
        self.id_text = "null"


def missing(name: str) -> Refusal:
    """A mandatory parameter was not sent, was empty, or made no sense."""
    return Refusal(400, -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def missing_either(first: str, second: str) -> Refusal:
    """One of two parameters was needed and neither came."""
    return Refusal(400, -1102, f"Param '{first}' or '{second}' must be sent, but both were empty/null!")


def illegal_characters(name: str, legal: str) -> Refusal:
    """A parameter holds characters outside its legal range."""
    return Refusal(400, -1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'.")


def not_valid(name: str) -> Refusal:
    """A parameter has a value that it cannot have."""
    return Refusal(400, -1130, f"Data sent for parameter '{name}' is not valid.")


def not_needed(name: str) -> Refusal:
    """A parameter came along that this kind of request does not take."""
    return Refusal(400, -1106, f"Parameter '{name}' sent when not required.")


def bad_symbol() -> Refusal:
    """No such trading pair."""
    return Refusal(400, -1121, "Invalid symbol.")


def rejected_key() -> Refusal:
    """The key is unknown, withdrawn, or may not do this."""
    return Refusal(401, -2015, "Invalid API-key, IP, or permissions for action.")


def not_supported() -> Refusal:
    """No such operation here."""
    return Refusal(400, -1020, "This operation is not supported.")
