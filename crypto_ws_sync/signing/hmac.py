"""HMAC-SHA-256 signatures with a shared secret (RFC 2104)."""

from __future__ import annotations

import hmac
from typing import Literal

__all__ = ["HmacSigner"]


class HmacSigner:
    """A signer with an HMAC secret, prepared once.

    Owner: any thread; nothing changes after construction.
    """

    __slots__ = ("_prepared",)

    key_type: Literal["hmac"] = "hmac"
    is_slow = False

    def __init__(self, secret: bytes) -> None:
        # Copying the keyed state is faster than hmac.digest, which keys two hashes anew each time,
        # and leaves no copy of the secret in an attribute.
        self._prepared = hmac.new(secret, digestmod="sha256")

    def sign(self, payload: bytes) -> str:
        """Return the HMAC-SHA-256 of these bytes in hex."""
        state = self._prepared.copy()
        state.update(payload)
        return state.hexdigest()

    def __repr__(self) -> str:
        return "HmacSigner(***)"
