"""From one text frame to a request, and from an outcome to one reply."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from .limits import Window
from .refusals import Refusal, illegal_characters, missing
from .wire import decode, encode

__all__ = ["Frame", "error_text", "read_frame", "render_limits", "reply_text"]

_ID = re.compile("[a-zA-Z0-9-_]{1,36}")
_ID_LEGAL = "^[a-zA-Z0-9-_]{1,36}$"


class Frame:
    """A request as it came: its id as JSON, its method without version, its raw parameters."""

    __slots__ = ("id_text", "method", "params")

    def __init__(self, id_text: str, method: str, params: dict[str, Any]) -> None:
        self.id_text = id_text
        self.method = method
        self.params = params


def read_frame(text: str | bytes) -> Frame:
    """The request in a text frame.

    Raises:
        Refusal: It is not one. Its id, where one was found, is in the refusal's `id_text`.
    """
    if not isinstance(text, str):
        raise Refusal(400, -1135, "Invalid JSON Request")
    try:
        message = decode(text)
    except (ValueError, RecursionError):
        raise Refusal(400, -1135, "Invalid JSON Request") from None
    if type(message) is not dict:
        raise Refusal(400, -1135, "Invalid JSON Request")
    id_text = _read_id(message)
    try:
        return _read_rest(id_text, message)
    except Refusal as refusal:
        refusal.id_text = id_text
        raise


def _read_id(message: dict[str, Any]) -> str:
    if "id" not in message:
        raise missing("id")
    value = message["id"]
    if type(value) is str:
        if not _ID.fullmatch(value):
            raise illegal_characters("id", _ID_LEGAL)
        return f'"{value}"'
    if value is None:
        return "null"
    if type(value) is int and -(1 << 63) <= value < 1 << 63:
        return str(value)
    raise illegal_characters("id", _ID_LEGAL)


def _read_rest(id_text: str, message: dict[str, Any]) -> Frame:
    method = message.get("method")
    if type(method) is not str or not method:
        raise missing("method")
    if method.startswith("v3/"):
        method = method[3:]
    params = message.get("params")
    if params is None:
        params = {}
    elif type(params) is not dict:
        raise Refusal(400, -1135, "JSON sent for parameter 'params' is not valid")
    for name in message:
        if name not in ("id", "method", "params"):
            raise Refusal(400, -1103, "An unknown parameter was sent.")
    return Frame(id_text, method, params)


def reply_text(id_text: str, result: Any, limits: str) -> str:
    """The reply to a request that went well."""
    return f'{{"id":{id_text},"status":200,"result":{encode(result)}{limits}}}'


def error_text(id_text: str, refusal: Refusal, limits: str) -> str:
    """The reply to a request that was refused."""
    data = "" if refusal.data is None else f',"data":{encode(refusal.data)}'
    return (
        f'{{"id":{id_text},"status":{refusal.status},"error":{{"code":{refusal.code},'
        f'"msg":{json.dumps(refusal.msg)}{data}}}{limits}}}'
    )


def render_limits(orders: Sequence[Window], weights: Sequence[Window]) -> str:
    """The rateLimits member of a reply, comma in front."""
    if not orders and len(weights) == 1:
        return f',"rateLimits":[{weights[0].as_json()}]'
    return f',"rateLimits":[{",".join([window.as_json() for window in (*orders, *weights)])}]'
