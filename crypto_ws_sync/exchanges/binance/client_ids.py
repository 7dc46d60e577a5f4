"""Client order ids: which requests carry them, and new ones."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["LOOKUP_ID", "PLACED_IDS", "new_client_order_id"]

# No vowels, so that no word can come out: the exchange's firewall refuses what reads like a database command.
_ALPHABET = b"0123456789bcdfghjkmnpqrstvwxyz"
_TABLE = bytes(_ALPHABET[value % len(_ALPHABET)] for value in range(256))

PLACED_IDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "order.place": ("newClientOrderId",),
        "order.cancelReplace": ("newClientOrderId",),
        "sor.order.place": ("newClientOrderId",),
        "orderList.place": ("listClientOrderId", "limitClientOrderId", "stopClientOrderId"),
        "orderList.place.oco": ("listClientOrderId", "aboveClientOrderId", "belowClientOrderId"),
        "orderList.place.oto": ("listClientOrderId", "workingClientOrderId", "pendingClientOrderId"),
        "orderList.place.otoco": (
            "listClientOrderId",
            "workingClientOrderId",
            "pendingAboveClientOrderId",
            "pendingBelowClientOrderId",
        ),
        "orderList.place.opo": ("listClientOrderId", "workingClientOrderId", "pendingClientOrderId"),
        "orderList.place.opoco": (
            "listClientOrderId",
            "workingClientOrderId",
            "pendingAboveClientOrderId",
            "pendingBelowClientOrderId",
        ),
    }
)
"""Parameters in which a placement names what it makes; the first is the one it is looked up by."""

LOOKUP_ID: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "order.cancel": ("origClientOrderId",),
        "order.amend.keepPriority": ("newClientOrderId", "origClientOrderId"),
        "orderList.cancel": ("listClientOrderId",),
    }
)
"""Parameters in which other writes name the order they change; the first that is given is the one."""


def new_client_order_id(entropy: bytes) -> str:
    """Return a client order id made from random bytes, of which 22 or more make it unguessable."""
    return entropy.translate(_TABLE).decode("ascii")
