"""Secrets as people keep them, and every way in which they may be wrong."""

from __future__ import annotations

import base64
import logging
import os
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from crypto_ws_sync.errors import ConfigError
from crypto_ws_sync.signing.keys import load_signer, warn_if_others_can_read

PASSPHRASE = "correct horse"


def _pem(
    key: Any,
    format: PrivateFormat = PrivateFormat.PKCS8,
    encryption: KeySerializationEncryption | None = None,
) -> str:
    raw: bytes = key.private_bytes(Encoding.PEM, format, encryption or NoEncryption())
    return raw.decode("ascii")


def _encrypted(key: Any, format: PrivateFormat = PrivateFormat.PKCS8) -> str:
    return _pem(key, format, BestAvailableEncryption(PASSPHRASE.encode()))


@pytest.fixture(scope="module")
def ed_key() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def _oversized_rsa_key() -> rsa.RSAPrivateKey:
    """Return a real RSA key of 4484 bits at once: two Mersenne primes need no search."""
    p, q, e = 2**2281 - 1, 2**2203 - 1, 65537
    d = pow(e, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(e, p * q)
    numbers = rsa.RSAPrivateNumbers(
        p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q), public
    )
    # Their being prime is known, and takes seconds to test.
    return numbers.private_key(unsafe_skip_rsa_key_validation=True)


def _refusal(*args: Any) -> str:
    """Load what must be refused; return the message, after looking for key text in the whole error."""
    with pytest.raises(ConfigError) as caught:
        load_signer(*args)
    error = caught.value
    assert error.__context__ is None
    assert error.__cause__ is None
    told = "".join(traceback.format_exception(error)) + repr(error.__dict__)
    if isinstance(args[0], str):
        for line in args[0].splitlines():
            if len(line) > 20 and not line.startswith("-----"):
                assert line[5:] not in told
    if len(args) > 1 and args[1]:
        assert str(args[1]) not in told
    return str(error)


def test_key_type_is_told_from_the_text(
    ed_key: ed25519.Ed25519PrivateKey, rsa_key: rsa.RSAPrivateKey
) -> None:
    for secret, key_type, is_slow in (
        ("NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j", "hmac", False),
        (_pem(ed_key), "ed25519", False),
        (_pem(rsa_key), "rsa", True),
        (_pem(rsa_key, PrivateFormat.TraditionalOpenSSL), "rsa", True),
        ("\n  " + _pem(ed_key) + "\n\n", "ed25519", False),
        (_pem(ed_key).replace("\n", "\r\n"), "ed25519", False),
        (_pem(ed_key).replace("\n", ""), "ed25519", False),
    ):
        signer = load_signer(secret)
        assert (signer.key_type, signer.is_slow) == (key_type, is_slow)


@pytest.mark.parametrize("passphrase", [PASSPHRASE, PASSPHRASE.encode()])
def test_encrypted_keys_open_with_their_passphrase(
    ed_key: ed25519.Ed25519PrivateKey, rsa_key: rsa.RSAPrivateKey, passphrase: str | bytes
) -> None:
    assert load_signer(_encrypted(ed_key), passphrase).sign(b"x") == load_signer(_pem(ed_key)).sign(b"x")
    for format in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL):
        assert load_signer(_encrypted(rsa_key, format), passphrase).key_type == "rsa"


def test_wrong_and_missing_passphrases(ed_key: ed25519.Ed25519PrivateKey, rsa_key: rsa.RSAPrivateKey) -> None:
    for pem in (
        _encrypted(ed_key),
        _encrypted(rsa_key),
        _encrypted(rsa_key, PrivateFormat.TraditionalOpenSSL),
    ):
        assert "passphrase is wrong" in _refusal(pem, "battery staple")
        assert "private_key_passphrase" in _refusal(pem)
        assert "private_key_passphrase" in _refusal(pem, "")
    assert "not encrypted" in _refusal(_pem(ed_key), PASSPHRASE)
    assert "no passphrase" in _refusal("NhqPtmdSJYdKjVHjA7PZj4Mge3R5", PASSPHRASE)
    assert "pass str or bytes" in _refusal(_encrypted(ed_key), 5_550_123)


def test_passphrase_that_is_not_utf8(ed_key: ed25519.Ed25519PrivateKey) -> None:
    raw = b"\xff\xfe latin"
    pem = _pem(ed_key, encryption=BestAvailableEncryption(raw))
    assert load_signer(pem, raw.decode("utf-8", "surrogateescape")).key_type == "ed25519"
    assert "surrogate" in _refusal(pem, "horse\ud800")


def test_a_public_key_is_refused(ed_key: ed25519.Ed25519PrivateKey, rsa_key: rsa.RSAPrivateKey) -> None:
    for key in (ed_key, rsa_key):
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        assert "public key" in _refusal(public)
    pkcs1 = rsa_key.public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1).decode()
    assert "private key is needed" in _refusal(pkcs1)


def test_unsupported_kinds_are_named(ed_key: ed25519.Ed25519PrivateKey) -> None:
    assert "unsupported kind (" in _refusal(_pem(ec.generate_private_key(ec.SECP256R1())))
    assert "unsupported kind (Ed448)" in _refusal(_pem(ed448.Ed448PrivateKey.generate()))
    assert "OpenSSH" in _refusal(_pem(ed_key, PrivateFormat.OpenSSH))
    der = ed_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    # 1.3.101.112 is Ed25519, and 1.3.101.99 is nothing.
    unheard_of = base64.encodebytes(der.replace(b"\x2b\x65\x70", b"\x2b\x65\x63")).decode("ascii")
    assert "unsupported kind" in _refusal(
        f"-----BEGIN PRIVATE KEY-----\n{unheard_of}-----END PRIVATE KEY-----\n"
    )


def test_rsa_key_sizes() -> None:
    assert "1024 bits" in _refusal(_pem(rsa.generate_private_key(65537, 1024)))
    assert "4484 bits" in _refusal(_pem(_oversized_rsa_key()))


def test_damaged_pems(ed_key: ed25519.Ed25519PrivateKey, rsa_key: rsa.RSAPrivateKey) -> None:
    for pem in (_pem(ed_key), _pem(rsa_key)):
        lines = pem.splitlines()
        for damaged in (
            pem[: len(pem) // 2],
            "\n".join([lines[0], lines[1][:-8], *lines[2:]]),
            "\n".join([lines[0], "A" + lines[1][1:], *lines[2:]]),
            pem.replace("\n", "\\n"),
            pem.replace("M", "\u00fc"),
            pem.replace("-----END", "-----ENDE"),
        ):
            assert "not a readable PEM" in _refusal(damaged)
    assert "wrong, or the PEM is damaged" in _refusal(_encrypted(ed_key)[:120], PASSPHRASE)


def test_what_is_no_secret_at_all() -> None:
    assert "is empty" in _refusal("")
    assert "is empty" in _refusal(" \n")
    assert "neither a PEM" in _refusal("MC4CAQAwBQYDK2VwBCIEIIJEYWtG\nBrhACmb9Dvy+qa8WEf0lQOl1s4CLIAB9m89u")
    assert "neither a PEM" in _refusal("twowords twowordstwowords")
    assert "neither a PEM" in _refusal("secret\udcff-secret-secret")
    assert "pathlib.Path" in _refusal("/keys/binance.pem")
    assert "is a bytes" in _refusal(b"NhqPtmdSJYdKjVHjA7PZj4Mge3R5")
    assert "is a NoneType" in _refusal(None)


def test_key_files(tmp_path: Path, ed_key: ed25519.Ed25519PrivateKey) -> None:
    path = tmp_path / "key.pem"
    path.write_text(_pem(ed_key), encoding="utf-8")
    path.chmod(0o600)
    assert load_signer(path).sign(b"x") == load_signer(_pem(ed_key)).sign(b"x")
    path.write_text("\ufeff" + _encrypted(ed_key), encoding="utf-8")
    assert load_signer(path, PASSPHRASE).key_type == "ed25519"
    path.write_text("NhqPtmdSJYdKjVHjA7PZj4Mge3R5\n", encoding="utf-8")
    assert load_signer(path).sign(b"x") == load_signer("NhqPtmdSJYdKjVHjA7PZj4Mge3R5").sign(b"x")


def test_key_file_in_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ed_key: ed25519.Ed25519PrivateKey
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    path = tmp_path / "key.pem"
    path.write_text(_pem(ed_key), encoding="utf-8")
    path.chmod(0o600)
    assert load_signer(Path("~/key.pem")).key_type == "ed25519"


def test_key_files_that_cannot_be_read(tmp_path: Path, ed_key: ed25519.Ed25519PrivateKey) -> None:
    missing = tmp_path / "gone.pem"
    assert f"{missing} does not exist" in _refusal(missing)
    assert "is a folder" in _refusal(tmp_path)
    assert "cannot be read: " in _refusal(tmp_path / ("x" * 300))
    for name in ("zero\0", "half a pair \ud800", "~no such user/key.pem"):
        assert "cannot be the name of a file" in _refusal(Path(name))
    path = tmp_path / "key.pem"
    path.touch(0o600)
    assert "is empty" in _refusal(path)
    path.write_bytes(b"A" * 70_000)
    assert "too large" in _refusal(path)
    path.write_bytes(ed_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()) + b"\xff")
    assert "DER is not read" in _refusal(path)
    path.write_text(_pem(ed_key)[:60], encoding="utf-8")
    assert f"the key file {path} is not a readable PEM" in _refusal(path)


@pytest.mark.parametrize(
    ("mode", "is_warned"), [(0o600, False), (0o400, False), (0o640, True), (0o604, True)]
)
def test_a_key_file_that_others_can_read_is_a_warning(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    ed_key: ed25519.Ed25519PrivateKey,
    mode: int,
    is_warned: bool,
) -> None:
    path = tmp_path / "key.pem"
    path.write_text(_pem(ed_key), encoding="utf-8")
    path.chmod(mode)
    load_signer(path)
    warned = [
        record
        for record in caplog.records
        if record.name == "crypto_ws_sync.signing" and record.levelno == logging.WARNING
    ]
    assert len(warned) == is_warned
    if is_warned:
        assert f"mode {mode:03o}" in warned[0].getMessage()
        assert "chmod 600" in warned[0].getMessage()


def test_a_file_that_has_gone_meanwhile_is_no_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    warn_if_others_can_read(tmp_path / "gone.pem", "key file")
    assert not caplog.records


def test_hmac_keys_do_without_the_cryptography_package() -> None:
    program = (
        "import sys; from crypto_ws_sync.signing.keys import load_signer; "
        "load_signer('NhqPtmdSJYdKjVHjA7PZj4Mge3R5').sign(b'x'); "
        "print([name for name in sys.modules if name.startswith('cryptography')])"
    )
    folder = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(folder)},
    )
    assert done.stdout.strip() == "[]"
