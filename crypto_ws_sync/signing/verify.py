"""Whether a signature belongs to a payload, for each kind of key that the exchange accepts.

Only these primitives are shared with the simulated exchange; the text that is signed is put together
elsewhere, once on each side.
"""

from __future__ import annotations

import base64
import binascii
import hmac

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

__all__ = ["verify_ed25519", "verify_hmac", "verify_rsa"]


def verify_hmac(secret: bytes, payload: bytes, signature: str) -> bool:
    """Whether `signature` is the hexadecimal HMAC-SHA-256 of `payload`; upper and lower case count as one."""
    expected = hmac.digest(secret, payload, "sha256").hex()
    return hmac.compare_digest(expected.encode("ascii"), signature.lower().encode("utf-8", "surrogatepass"))


def verify_rsa(public_key: RSAPublicKey, payload: bytes, signature: str) -> bool:
    """Whether `signature` is base64 of an RSA signature (PKCS#1 v1.5 with SHA-256, RFC 8017) of `payload`."""
    raw = _decode_base64(signature)
    if raw is None:
        return False
    try:
        public_key.verify(raw, payload, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def verify_ed25519(public_key: Ed25519PublicKey, payload: bytes, signature: str) -> bool:
    """Whether `signature` is base64 of an Ed25519 signature (RFC 8032) of `payload`."""
    raw = _decode_base64(signature)
    if raw is None:
        return False
    try:
        public_key.verify(raw, payload)
    except InvalidSignature:
        return False
    return True


def _decode_base64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        return None
