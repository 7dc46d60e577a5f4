"""API keys of the simulated exchange: made here, handed to the client, checked by their public halves."""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ..signing.verify import verify_ed25519, verify_hmac, verify_rsa

__all__ = ["Account", "KeyType", "make_account"]

KeyType = Literal["hmac", "rsa", "ed25519"]

_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Account:
    """An account on the simulated exchange and the key to it.

    Attributes:
        key_type: "hmac", "rsa" or "ed25519".
        api_key: What goes along with each signed request.
        api_secret: An HMAC secret, or a private key as PKCS#8 PEM text.
        account_id: The number of the account on this exchange.
    """

    key_type: KeyType
    api_key: str
    api_secret: str = field(repr=False)
    account_id: int
    verify: Callable[[bytes, str], bool] = field(repr=False, compare=False)


def make_account(key_type: KeyType, account_id: int, randomness: random.Random) -> Account:
    """A new account with a key of that kind.

    Names and HMAC secrets follow from `randomness`, Ed25519 keys too; RSA keys come from the system.

    Raises:
        ValueError: No such kind of key.
    """
    api_key = _text(randomness)
    if key_type == "hmac":
        secret = _text(randomness)
        secret_bytes = secret.encode("ascii")
        return Account(
            key_type,
            api_key,
            secret,
            account_id,
            lambda payload, signature: verify_hmac(secret_bytes, payload, signature),
        )
    if key_type == "rsa":
        rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        rsa_public = rsa_key.public_key()
        return Account(
            key_type,
            api_key,
            _pem(rsa_key),
            account_id,
            lambda payload, signature: verify_rsa(rsa_public, payload, signature),
        )
    if key_type == "ed25519":
        ed_key = Ed25519PrivateKey.from_private_bytes(randomness.randbytes(32))
        ed_public = ed_key.public_key()
        return Account(
            key_type,
            api_key,
            _pem(ed_key),
            account_id,
            lambda payload, signature: verify_ed25519(ed_public, payload, signature),
        )
    raise ValueError(f"no such kind of key: {key_type!r}; there are 'hmac', 'rsa' and 'ed25519'")


def _text(randomness: random.Random) -> str:
    return "".join(randomness.choices(_ALPHABET, k=64))


def _pem(key: rsa.RSAPrivateKey | Ed25519PrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode("ascii")
