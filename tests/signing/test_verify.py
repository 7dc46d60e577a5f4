"""Which signatures belong to a payload, and which do not, for each kind of key."""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from crypto_ws_sync.signing.keys import load_signer
from crypto_ws_sync.signing.verify import verify_ed25519, verify_hmac, verify_rsa

PAYLOAD = b"symbol=BTCUSDT&timestamp=1"


@pytest.fixture(scope="module", params=["hmac", "rsa", "ed25519"])
def pair(request: pytest.FixtureRequest) -> tuple[str, Callable[[bytes, str], bool]]:
    """A signature of the payload, and what checks signatures of the same key."""
    if request.param == "hmac":
        return load_signer("secret").sign(PAYLOAD), partial(verify_hmac, b"secret")
    key: Any = (
        rsa.generate_private_key(65537, 2048)
        if request.param == "rsa"
        else ed25519.Ed25519PrivateKey.generate()
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")
    verify: Any = verify_rsa if request.param == "rsa" else verify_ed25519
    return load_signer(pem).sign(PAYLOAD), partial(verify, key.public_key())


def test_a_right_signature_is_right(pair: Any) -> None:
    signature, verify = pair
    assert verify(PAYLOAD, signature) is True


def test_a_signature_of_something_else_is_wrong(pair: Any) -> None:
    signature, verify = pair
    assert verify(PAYLOAD + b"0", signature) is False
    assert verify(b"", signature) is False


NONE = ["", "*", "\u00e4", "\u20ac" * 64, "\ud800", "AAAA", "00" * 32, base64.b64encode(bytes(64)).decode()]


@pytest.mark.parametrize("wrong", NONE, ids=ascii)
def test_what_is_no_signature_is_wrong(pair: Any, wrong: str) -> None:
    _, verify = pair
    assert verify(PAYLOAD, wrong) is False


def test_one_changed_character_makes_it_wrong(pair: Any) -> None:
    signature, verify = pair
    for place in (0, len(signature) // 2):
        other = "1" if signature[place] != "1" else "2"
        assert verify(PAYLOAD, signature[:place] + other + signature[place + 1 :]) is False


@pytest.mark.parametrize("other", ["\n", " ", "*", "=", "\u00e4"], ids=ascii)
def test_a_right_signature_with_anything_else_in_it_is_wrong(pair: Any, other: str) -> None:
    """Base64 is read with what does not belong to it left out by many, and a careless client would go unnoticed."""
    signature, verify = pair
    for place in (0, 10, len(signature)):
        assert verify(PAYLOAD, signature[:place] + other + signature[place:]) is False


def test_case_counts_in_base64_and_not_in_hexadecimal(pair: Any) -> None:
    signature, verify = pair
    is_hexadecimal = len(signature) == 64 and signature == signature.lower()
    assert verify(PAYLOAD, signature.swapcase()) is is_hexadecimal
