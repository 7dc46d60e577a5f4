"""Ed25519 signatures over the payload itself (RFC 8032)."""

from __future__ import annotations

from base64 import b64encode
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = ["Ed25519Signer"]


class Ed25519Signer:
    """A signer with an Ed25519 private key.

    Owner: any thread; nothing changes after construction.
    """

    __slots__ = ("_key",)

    key_type: Literal["ed25519"] = "ed25519"
    is_slow = False

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    def sign(self, payload: bytes) -> str:
        """Return the Ed25519 signature of these bytes in base64."""
        return b64encode(self._key.sign(payload)).decode("ascii")

    def __repr__(self) -> str:
        return "Ed25519Signer(***)"
