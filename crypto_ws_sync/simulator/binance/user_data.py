"""userDataStream.* and session.subscriptions."""

from __future__ import annotations

from typing import Any

from .refusals import Refusal, rejected_key
from .request import Request

__all__ = ["HANDLERS"]


def subscribe(request: Request) -> dict[str, int]:
    """Stream the events of the account that the connection is logged on to."""
    session = request.connection.session
    if session is None:
        raise Refusal(401, -1002, "You are not authorized to execute this request.")
    if session.api_key not in request.venue.keys:
        raise rejected_key()
    assert request.method is not None
    request.venue.check_permission(session, request.method)
    streams = request.venue.streams
    return {"subscriptionId": streams.subscribe(request.connection, session, is_by_session=True)}


def subscribe_signature(request: Request) -> dict[str, int]:
    """Stream the events of the account whose key signed the request."""
    streams = request.venue.streams
    return {"subscriptionId": streams.subscribe(request.connection, request.account, is_by_session=False)}


def unsubscribe(request: Request) -> dict[str, Any]:
    """End one stream, or all of them."""
    streams, connection = request.venue.streams, request.connection
    number = request.args.get("subscriptionId")
    if number is not None:
        streams.unsubscribe(connection, number, request.now_us)
    else:
        for each in list(connection.subscriptions):
            streams.unsubscribe(connection, each, request.now_us)
    return {}


def subscriptions(request: Request) -> list[dict[str, int]]:
    """The streams that are open on this connection."""
    return [{"subscriptionId": number} for number in request.connection.subscriptions]


HANDLERS = {
    "userDataStream.subscribe": subscribe,
    "userDataStream.subscribe.signature": subscribe_signature,
    "userDataStream.unsubscribe": unsubscribe,
    "session.subscriptions": subscriptions,
}
