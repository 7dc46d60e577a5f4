"""Secrets as people keep them, and every way in which they may be wrong."""

from __future__ import annotations

import errno
import logging
import os
import subprocess
import sys
import traceback
from pathlib import Path
from types import SimpleNamespace
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
from crypto_ws_sync.signing import keys
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


def _made_up_rsa_key(p: int, q: int) -> rsa.RSAPrivateKey:
    """Return a real RSA key at once, of primes that need no search."""
    e = 65537
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
        assert _refusal(pem, "battery staple") == "api_secret cannot be decrypted: the passphrase is wrong"
        assert "private_key_passphrase" in _refusal(pem)
        assert "private_key_passphrase" in _refusal(pem, "")
    assert "not encrypted" in _refusal(_pem(ed_key), PASSPHRASE)
    assert "no passphrase" in _refusal("NhqPtmdSJYdKjVHjA7PZj4Mge3R5", PASSPHRASE)
    assert "pass str or bytes" in _refusal(_encrypted(ed_key), 5_550_123)


def test_passphrase_that_is_not_utf8(ed_key: ed25519.Ed25519PrivateKey) -> None:
    raw = b"\xff\xfe latin"
    pem = _pem(ed_key, encryption=BestAvailableEncryption(raw))
    assert load_signer(pem, raw.decode("utf-8", "surrogateescape")).key_type == "ed25519"
    for edge in ("\ud800", "\udc7f", "\udd00", "\udfff"):
        assert "surrogate" in _refusal(pem, f"horse{edge}")
    for edge in ("\ud7ff", "\udc80", "\udcff", "\ue000"):
        assert "passphrase is wrong" in _refusal(pem, f"horse{edge}")


def test_a_public_key_is_refused(ed_key: ed25519.Ed25519PrivateKey, rsa_key: rsa.RSAPrivateKey) -> None:
    for key in (ed_key, rsa_key):
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        assert "public key" in _refusal(public)
    certificate = public.replace("PUBLIC KEY", "CERTIFICATE")
    assert "private key is needed" in _refusal(certificate)
    pkcs1 = rsa_key.public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1).decode()
    assert "private key is needed" in _refusal(pkcs1)


def test_unsupported_kinds_are_named(ed_key: ed25519.Ed25519PrivateKey) -> None:
    assert "unsupported kind (EC)" in _refusal(_pem(ec.generate_private_key(ec.SECP256R1())))
    assert "unsupported kind (Ed448)" in _refusal(_pem(ed448.Ed448PrivateKey.generate()))
    assert "OpenSSH" in _refusal(_pem(ed_key, PrivateFormat.OpenSSH))
    # The key 7 on secp160r1, a curve that no library here will have.
    small_curve = "MB8CAQAwEAYHKoZIzj0CAQYFK4EEAAgECDAGAgEBBAEH"
    small_curve = f"-----BEGIN PRIVATE KEY-----\n{small_curve}\n-----END PRIVATE KEY-----\n"
    assert "unsupported kind: use Ed25519 or RSA in PKCS#8" in _refusal(small_curve)


def test_rsa_key_sizes() -> None:
    assert "2047 bits" in _refusal(_pem(rsa.generate_private_key(65537, 2047)))
    largest = _made_up_rsa_key(2**2048 - 1557, 2**2048 - 2543)
    assert largest.key_size == 4096
    assert load_signer(_pem(largest)).key_type == "rsa"
    assert "4097 bits" in _refusal(_pem(_made_up_rsa_key(2**2048 - 1557, 2**2049 - 1449)))


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
        assert "holds characters that no PEM has" in _refusal(pem.replace("M", "\u00fc"))
    assert "wrong, or the PEM is damaged" in _refusal(_encrypted(ed_key)[:120], PASSPHRASE)


def test_what_is_no_secret_at_all() -> None:
    assert _refusal("") == "api_secret is empty"
    assert "is empty" in _refusal(" \n")
    assert "neither a PEM" in _refusal("MC4CAQAwBQYDK2VwBCIEIIJEYWtG\nBrhACmb9Dvy+qa8WEf0lQOl1s4CLIAB9m89u")
    assert "neither a PEM" in _refusal("twowords twowordstwowords")
    assert "neither a PEM" in _refusal("secret\udcff-secret-secret")
    for name in ("/keys/binance.pem", "binance.KEY", "secret.txt", "C:\\keys\\a.prv"):
        assert "pathlib.Path" in _refusal(name)
    assert "neither a PEM" in _refusal("NhqPtmdSJYdK\x07jVHjA7PZj4Mge3R5")
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


class Named:
    """What has a path, of text or of something else, and is no pathlib.Path."""

    def __init__(self, path: Any) -> None:
        self._path = path

    def __fspath__(self) -> Any:
        return self._path


class NamedText(str):
    """A secret that has a path, too."""

    def __fspath__(self) -> str:
        return str(self)


def test_whatever_has_the_path_of_a_key_file(tmp_path: Path, ed_key: ed25519.Ed25519PrivateKey) -> None:
    path = tmp_path / "key.pem"
    path.write_text(_pem(ed_key), encoding="utf-8")
    path.chmod(0o600)
    named: Any = Named(str(path))
    assert load_signer(named).key_type == "ed25519"
    for what in (bytes(path), 1, None):
        wrong: Any = Named(what)
        with pytest.raises(ConfigError, match="api_secret is a Named: pass the HMAC secret"):
            load_signer(wrong)
    secret = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5"
    assert load_signer(NamedText(secret)).sign(b"x") == load_signer(secret).sign(b"x")


def test_white_space_around_a_secret_is_no_part_of_it() -> None:
    secret = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5"
    assert load_signer(f"\t {secret}\r\n").sign(b"x") == load_signer(secret).sign(b"x")


def test_a_file_of_the_largest_size_is_read(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"A" * 64 * 1024)
    path.chmod(0o600)
    assert load_signer(path).sign(b"x") == load_signer("A" * 64 * 1024).sign(b"x")


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
    path.write_bytes(b" \n")
    assert "is empty" in _refusal(path)
    path.write_bytes(b"A" * (64 * 1024 + 1))
    assert "too large" in _refusal(path)
    path.write_bytes(ed_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()) + b"\xff")
    assert "DER is not read" in _refusal(path)
    path.write_text(_pem(ed_key)[:60], encoding="utf-8")
    assert f"the key file {path} is not a readable PEM" in _refusal(path)
    loop = tmp_path / "loop.pem"
    loop.symlink_to(loop)
    assert f"the key file {loop} cannot be read: {os.strerror(errno.ELOOP)}" in _refusal(loop)


def test_a_folder_is_told_from_a_file_that_may_not_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some systems refuse to open a folder as they refuse a file that is another's."""

    def refuse(path: Path, mode: str) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    file = tmp_path / "key.pem"
    file.touch(0o600)
    monkeypatch.setattr(Path, "open", refuse)
    assert _refusal(tmp_path).endswith("is a folder: give the path of the file in it")
    assert _refusal(file).endswith(f"{file} cannot be read: Permission denied")


@pytest.mark.parametrize(
    ("mode", "is_warned"),
    [(0o600, False), (0o711, False), *((0o600 | others, True) for others in (0o40, 0o20, 0o04, 0o02))],
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
        told = warned[0].getMessage()
        assert told.startswith(f"the key file {path} can be read or changed by others (mode {mode:03o})")
        assert told.endswith(f"chmod 600 '{path}'")


def test_where_a_mode_says_nothing_there_is_no_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "key.pem"
    path.touch()
    path.chmod(0o666)
    with monkeypatch.context() as system:
        system.setattr(keys, "os", SimpleNamespace(name="nt"))
        warn_if_others_can_read(path, "key file")
    assert not caplog.records
    warn_if_others_can_read(path, "key file")
    assert len(caplog.records) == 1


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
