"""session.logon, session.status, session.logout."""

from __future__ import annotations

from typing import Any

from .refusals import Refusal
from .request import Request

__all__ = ["HANDLERS"]


def log_on(request: Request) -> dict[str, Any]:
    """Bind an Ed25519 key to the connection; a key bound before gives way."""
    account = request.account
    if account.key_type != "ed25519":
        raise Refusal(401, -1002, "You are not authorized to execute this request.")
    connection = request.connection
    if connection.session is not None and connection.session.api_key != account.api_key:
        request.venue.streams.end_session(connection, request.now_us)
    connection.session = account
    connection.authorized_us = request.now_us
    return status(request)


def log_out(request: Request) -> dict[str, Any]:
    """Forget the key and end the subscription that rests on it; the socket stays."""
    request.connection.session = None
    request.venue.streams.end_session(request.connection, request.now_us)
    return status(request)


def status(request: Request) -> dict[str, Any]:
    """Who is logged on, since when, and whether user data flows."""
    connection = request.connection
    session = connection.session
    return {
        "apiKey": None if session is None else session.api_key,
        "authorizedSince": None if session is None else request.time(connection.authorized_us),
        "connectedSince": request.time(connection.connected_us),
        "returnRateLimits": connection.shows_limits,
        "serverTime": request.time(request.now_us),
        "userDataStream": bool(connection.subscriptions),
    }


HANDLERS = {"session.logon": log_on, "session.status": status, "session.logout": log_out}
