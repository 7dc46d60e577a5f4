"""RSA signatures: PKCS#1 v1.5 with SHA-256 (RFC 8017, section 8.2)."""

from __future__ import annotations

from base64 import b64encode
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

__all__ = ["RsaSigner"]


class RsaSigner:
    """A signer with an RSA private key.

    Owner: any thread; nothing changes after construction.
    """

    __slots__ = ("_hash", "_key", "_padding")

    key_type: Literal["rsa"] = "rsa"
    is_slow = True

    def __init__(self, key: RSAPrivateKey) -> None:
        self._key = key
        self._padding = PKCS1v15()
        self._hash = SHA256()

    def sign(self, payload: bytes) -> str:
        """Return the RSA signature of these bytes in base64."""
        return b64encode(self._key.sign(payload, self._padding, self._hash)).decode("ascii")

    def __repr__(self) -> str:
        return "RsaSigner(***)"
