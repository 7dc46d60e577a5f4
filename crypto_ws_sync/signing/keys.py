"""A secret as people keep it (a text, or a file) -> a signer.

No message, cause or context of an error raised here holds any part of a key.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from crypto_ws_sync.errors import ConfigError
from crypto_ws_sync.model.secret import without_frames
from crypto_ws_sync.signing.hmac import HmacSigner
from crypto_ws_sync.signing.signer import Signer

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

__all__ = [
    "is_encrypted_pem",
    "is_pem",
    "load_signer",
    "path_of",
    "read_secret_file",
    "warn_if_others_can_read",
]

_log = logging.getLogger(__name__.rpartition(".")[0])

_LEAST_RSA_BITS = 2048
_MOST_RSA_BITS = 4096

_MOST_FILE_BYTES = 64 * 1024
"""No key is larger; whatever is, is not a key file."""

_KEY_FILE_ENDINGS = (".pem", ".key", ".txt", ".prv")


@without_frames
def load_signer(api_secret: str | os.PathLike[str], passphrase: str | bytes | None = None) -> Signer:
    """Return a signer of the type that the secret's own text tells.

    Args:
        api_secret: An HMAC secret, or an RSA or Ed25519 private key in PEM (PKCS#8), or a Path to a file
            that holds either.
        passphrase: Of an encrypted PEM; None or empty where there is none.

    Raises:
        ConfigError: The file cannot be read, or what it holds is no key that can sign here; says what to do.
    """
    path = None if isinstance(api_secret, str) else path_of(api_secret)
    if path is not None:
        text = read_secret_file(path, "key file")
        origin = f"the key file {path}"
    elif isinstance(api_secret, str):
        text, origin = api_secret.strip(), "api_secret"
    else:
        raise ConfigError(
            f"api_secret is a {type(api_secret).__name__}: "
            "pass the HMAC secret or PEM as str, or a pathlib.Path to the key file"
        )
    secret_phrase = _passphrase_bytes(passphrase)
    if is_pem(text):
        return _pem_signer(text, secret_phrase, origin)
    _refuse_what_is_no_hmac_secret(text, origin)
    if secret_phrase is not None:
        raise ConfigError(f"{origin} is an HMAC secret, which has no passphrase: leave the passphrase out")
    return HmacSigner(text.encode("utf-8"))


def path_of(named: object) -> Path | None:
    """Return the path that a text or an object stands for; None where that is no text, or an empty one."""
    try:
        name = os.fspath(named) if isinstance(named, str | os.PathLike) else None
    except TypeError:
        return None
    if not isinstance(name, str) or not name:
        return None
    # Slow to load, and only those have it loaded who have a file.
    from pathlib import Path

    return Path(name)


def is_pem(text: str) -> bool:
    """Tell whether a text is meant as PEM rather than as an HMAC secret."""
    return "-----BEGIN" in text


def is_encrypted_pem(text: str) -> bool:
    """Tell whether a PEM needs a passphrase."""
    return "BEGIN ENCRYPTED PRIVATE KEY" in text or "Proc-Type: 4,ENCRYPTED" in text


@without_frames
def read_secret_file(path: Path, what: str) -> str:
    """Return a small text file without the white space around it; warn if others can read it.

    Args:
        path: The file; "~" is the home folder.
        what: What to call it in messages, such as "key file".

    Raises:
        ConfigError: There is no such file, or it is a folder, unreadable, empty, too large or not text.
    """
    try:
        path = path.expanduser()
        with path.open("rb") as file:
            raw = file.read(_MOST_FILE_BYTES + 1)
    except FileNotFoundError:
        reason = "does not exist"
    except IsADirectoryError:
        reason = "is a folder: give the path of the file in it"
    except OSError as error:
        reason = (
            "is a folder: give the path of the file in it"
            if os.path.isdir(path)
            else f"cannot be read: {error.strerror}"
        )
    except (ValueError, RuntimeError):
        # A zero or half a surrogate pair in it; a home folder that nobody has.
        reason = "cannot be the name of a file"
    else:
        reason = (
            "is too large to be one" if len(raw) > _MOST_FILE_BYTES else "" if raw.strip() else "is empty"
        )
    if reason:
        raise ConfigError(f"the {what} {path} {reason}")
    warn_if_others_can_read(path, what)
    text = _utf8(raw)
    if text is None:
        raise ConfigError(f"the {what} {path} is not text: a PEM file is needed (DER is not read)")
    return text.strip()


def warn_if_others_can_read(path: Path, what: str, log: logging.Logger = _log) -> None:
    """Log a warning where the file's mode lets its group or everybody read or change it."""
    if os.name != "posix":
        return
    try:
        mode = path.stat().st_mode & 0o777
    except OSError:
        return
    if mode & 0o066:
        # Who can change a config can have the signed requests go elsewhere.
        log.warning(
            "the %s %s can be read or changed by others (mode %03o): protect it with  chmod 600 '%s'",
            what,
            path,
            mode,
            path,
        )


def _utf8(raw: bytes) -> str | None:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def _passphrase_bytes(passphrase: str | bytes | None) -> bytes | None:
    if not isinstance(passphrase, str | bytes | None):
        raise ConfigError(f"the passphrase is a {type(passphrase).__name__}: pass str or bytes")
    if isinstance(passphrase, str):
        # Environment variables keep bytes that are not UTF-8 as lone surrogates; this gives them back.
        # The other surrogates cannot be encoded, and the error would hold the passphrase.
        if any(
            "\ud800" <= character < "\udc80" or "\udcff" < character <= "\udfff" for character in passphrase
        ):
            raise ConfigError("the passphrase is not text: it holds half of a surrogate pair")
        passphrase = passphrase.encode("utf-8", "surrogateescape")
    return passphrase or None


def _refuse_what_is_no_hmac_secret(text: str, origin: str) -> None:
    if not text:
        raise ConfigError(f"{origin} is empty")
    if text.lower().endswith(_KEY_FILE_ENDINGS):
        raise ConfigError(
            f"{origin} looks like a file name: pass pathlib.Path(...) to read a key from a file"
        )
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ConfigError(
            f"{origin} is neither a PEM private key (which has its -----BEGIN and -----END lines) "
            "nor an HMAC secret (one word of letters and digits)"
        )


def _pem_signer(text: str, passphrase: bytes | None, origin: str) -> Signer:
    key = _private_key(text, passphrase, origin)
    # Imported here, as `cryptography` takes a good part of the start-up time and HMAC users need none of it.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from crypto_ws_sync.signing.ed25519 import Ed25519Signer
    from crypto_ws_sync.signing.rsa import RsaSigner

    if isinstance(key, Ed25519PrivateKey):
        return Ed25519Signer(key)
    if not isinstance(key, RSAPrivateKey):
        kind = type(key).__name__.removesuffix("PrivateKey")
        raise ConfigError(f"{origin} is a key of an unsupported kind ({kind}): use Ed25519 or RSA")
    if not _LEAST_RSA_BITS <= key.key_size <= _MOST_RSA_BITS:
        raise ConfigError(
            f"{origin} is an RSA key of {key.key_size} bits: "
            f"the exchange takes {_LEAST_RSA_BITS} to {_MOST_RSA_BITS} bits"
        )
    return RsaSigner(key)


def _private_key(text: str, passphrase: bytes | None, origin: str) -> PrivateKeyTypes:
    _refuse_other_pem(text, origin)
    if is_encrypted_pem(text) and passphrase is None:
        raise ConfigError(f"{origin} is encrypted: pass its passphrase as private_key_passphrase")
    if passphrase is not None and not is_encrypted_pem(text):
        raise ConfigError(f"{origin} is not encrypted: leave the passphrase out")
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        return load_pem_private_key(text.encode("utf-8"), passphrase)
    except UnsupportedAlgorithm:
        problem = "is a key, or an encryption, of an unsupported kind: use Ed25519 or RSA in PKCS#8"
    except (ValueError, TypeError) as error:
        if passphrase is not None:
            is_certain = "password" in str(error).lower()
            problem = f"cannot be decrypted: the passphrase is wrong{'' if is_certain else ', or the PEM is damaged'}"
        else:
            problem = (
                "is not a readable PEM private key: it must be whole, with its BEGIN and END lines "
                "and its line breaks"
            )
    # Raised out here so that the library's own error, which may quote key text, is not even its context.
    raise ConfigError(f"{origin} {problem}")


def _refuse_other_pem(text: str, origin: str) -> None:
    if not text.isascii():
        raise ConfigError(f"{origin} is not a readable PEM private key: it holds characters that no PEM has")
    label = text.partition("-----BEGIN")[2].partition("-----")[0].strip()
    if label.endswith("PUBLIC KEY") or label == "CERTIFICATE":
        raise ConfigError(
            f"{origin} holds a public key ({label.lower()}): the private key is needed, "
            "the one that was not given to the exchange"
        )
    if label == "OPENSSH PRIVATE KEY":
        raise ConfigError(
            f"{origin} is in OpenSSH's own format: make one in PKCS#8, "
            "for example with  openssl genpkey -algorithm ed25519 -out key.pem"
        )
