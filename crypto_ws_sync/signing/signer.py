"""What every signing key can do, whatever its type."""

from __future__ import annotations

from typing import Literal, Protocol, TypeAlias

__all__ = ["KeyType", "Signer"]

KeyType: TypeAlias = Literal["hmac", "rsa", "ed25519"]


class Signer(Protocol):
    """A secret key ready to sign; it shows nothing of the key."""

    @property
    def key_type(self) -> KeyType:
        """The key's type: "hmac", "rsa" or "ed25519"."""

    @property
    def is_slow(self) -> bool:
        """Whether one signature takes long enough to be made on a thread of its own."""

    def sign(self, payload: bytes) -> str:
        """Return the signature of these bytes as text: hex for HMAC, base64 for the others."""
