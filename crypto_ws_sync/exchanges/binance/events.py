"""The account's events: how to have them told, and how that ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crypto_ws_sync.errors import ApiError

__all__ = [
    "ends_subscription",
    "is_subscribed_already",
    "subscribe_method",
    "subscription_id",
    "unsubscribe_params",
]

_ALREADY_ACTIVE = -2035


def subscribe_method(is_logged_on: bool) -> str:
    """Return the method that begins a subscription.

    On a connection that is not (or no longer) logged on, the request brings key and signature itself.
    """
    return "userDataStream.subscribe" if is_logged_on else "userDataStream.subscribe.signature"


def unsubscribe_params(subscription: str | int | None) -> dict[str, Any]:
    """Return the parameters that end one subscription; all of the connection where its id is not known."""
    return {} if subscription is None else {"subscriptionId": subscription}


def subscription_id(result: Any) -> str | int | None:
    """Return the id in the answer to a subscription; None where there is none."""
    found = result.get("subscriptionId") if isinstance(result, dict) else None
    return found if type(found) is int or type(found) is str else None


def is_subscribed_already(error: ApiError) -> bool:
    """Tell whether a refusal says that the account's events are being told on this connection already."""
    return error.code == _ALREADY_ACTIVE


def ends_subscription(body: Mapping[str, Any]) -> bool:
    """Tell whether an event is the last one of its subscription: after log-out, unsubscribing or a key's end."""
    return body.get("e") == "eventStreamTerminated"
