"""Signatures against published vectors, and against the public half of the key."""

from __future__ import annotations

import base64
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from crypto_ws_sync.signing.keys import load_signer

_VECTORS = json.loads((Path(__file__).parents[1] / "data" / "signing.json").read_text(encoding="utf-8"))
VERIFIED = [vector for vector in _VECTORS if vector["verified"]]
SHAPE_ONLY = [vector for vector in _VECTORS if not vector["verified"]]


def _secret(vector: dict[str, Any]) -> str:
    return str(vector.get("secret_key") or vector["private_key"])


def _id(vector: dict[str, Any]) -> str:
    return str(vector["id"])


def test_every_key_type_has_a_verified_vector() -> None:
    assert {vector["key_type"].lower() for vector in VERIFIED} == {"hmac", "rsa", "ed25519"}


@pytest.mark.parametrize("vector", VERIFIED, ids=_id)
def test_signature_matches_the_published_vector(vector: dict[str, Any]) -> None:
    signer = load_signer(_secret(vector))
    assert signer.key_type == vector["key_type"].lower()
    assert signer.sign(vector["payload"].encode("utf-8")) == vector["signature"]


@pytest.mark.parametrize("vector", SHAPE_ONLY, ids=_id)
def test_signature_has_the_shape_of_the_unverifiable_examples(vector: dict[str, Any]) -> None:
    same_type = next(other for other in VERIFIED if other["key_type"] == vector["key_type"])
    ours = load_signer(_secret(same_type)).sign(vector["payload"].encode("utf-8"))
    assert vector["encoding"] == same_type["encoding"] == "base64"
    assert len(base64.b64decode(ours, validate=True)) == len(
        base64.b64decode(vector["signature"], validate=True)
    )


@pytest.mark.parametrize(
    "payload", [b"", b"a=1", "symbol=\u5e01\u5b89\u4eba\u751fUSDT".encode(), b"x" * 100_000]
)
@pytest.mark.parametrize("vector", [v for v in VERIFIED if "public_key" in v], ids=_id)
def test_signature_verifies_with_the_public_key(vector: dict[str, Any], payload: bytes) -> None:
    signature = base64.b64decode(load_signer(_secret(vector)).sign(payload), validate=True)
    public = load_pem_public_key(vector["public_key"].encode())
    if isinstance(public, RSAPublicKey):
        public.verify(signature, payload, PKCS1v15(), SHA256())
    else:
        assert isinstance(public, Ed25519PublicKey)
        public.verify(signature, payload)


def test_hmac_signer_keeps_no_state_between_signatures() -> None:
    signer = load_signer("NhqPtmdSJYdKjVHjA7PZj4Mge3R5")
    first = signer.sign(b"one")
    assert signer.sign(b"two") != first
    assert signer.sign(b"one") == first


@pytest.mark.parametrize("vector", VERIFIED, ids=_id)
def test_a_signer_shows_nothing_of_its_key(vector: dict[str, Any]) -> None:
    secret = _secret(vector)
    signer = load_signer(secret)
    assert {repr(signer), str(signer), f"{signer}"} == {f"{type(signer).__name__}(***)"}
    with pytest.raises(TypeError):
        pickle.dumps(signer)
