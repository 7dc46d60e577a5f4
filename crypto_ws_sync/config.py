"""The config file: accounts and endpoints in TOML -> credentials.

No message, cause or context of an error raised here holds any part of a key.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

from crypto_ws_sync.errors import ConfigError
from crypto_ws_sync.model.secret import Secret, without_frames
from crypto_ws_sync.signing.keys import (
    is_encrypted_pem,
    load_signer,
    read_secret_file,
    warn_if_others_can_read,
)

__all__ = [
    "CONFIG_VARIABLE",
    "Credentials",
    "accounts_set_up",
    "config_path",
    "get_credentials",
    "is_set_up",
    "write_template",
]

_log = logging.getLogger(__name__)

CONFIG_VARIABLE = "CRYPTO_WS_SYNC_CONFIG"
"""Environment variable that holds the path of another config file."""

_FILE_NAME = "ws_api.toml"
_MAKE_IT = "make it with the command  crypto_ws_sync_init  and put your keys into it"

_MOST_BYTES = 1 << 20

_PLACEHOLDER = "***"
"""What the template's values begin with, and no key does."""

_ENDPOINT_KEYS: dict[bool | str, str] = {False: "ws_api", True: "ws_api_test", "demo": "ws_api_demo"}

TestNet: TypeAlias = bool | Literal["demo"]
"""True: the test network; "demo": demo mode; False: the live exchange."""


class Credentials(NamedTuple):
    """What a session needs to know of one account.

    Attributes:
        exchange: The exchange's name, such as "binance".
        test_net: True for the test network, "demo" for demo mode, False for the live exchange.
        api_key: The key's public name at the exchange.
        api_secret: HMAC secret or PEM; an ordinary text whose `repr` hides it.
        ws_api_endpoint: URL of the WebSocket API.
    """

    exchange: str
    test_net: TestNet
    api_key: str
    api_secret: Secret
    ws_api_endpoint: str


def config_path() -> Path:
    """Return where the config file is, or would be."""
    named = os.environ.get(CONFIG_VARIABLE)
    if named:
        # Unlike the path's own method it leaves a home folder alone that nobody has: then there is no such file.
        return Path(os.path.expanduser(named))
    # Imported here, as a program that takes its keys from elsewhere never needs it.
    from platformdirs import user_config_path

    return user_config_path("crypto_ws_sync", appauthor=False) / _FILE_NAME


def write_template(path: Path | None = None) -> tuple[Path, bool]:
    """Make a config file with guidance and placeholders; return its path and whether it was made.

    A file that is there stays as it is.

    Args:
        path: Where; by default where `get_credentials` looks.

    Raises:
        ConfigError: The file cannot be written there; says why.
    """
    path = config_path() if path is None else path
    from importlib.resources import files

    template = files("crypto_ws_sync").joinpath(_FILE_NAME).read_text(encoding="utf-8")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # O_EXCL: no file that appears meanwhile can be lost; and the mode holds from the first byte on.
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        if os.path.isfile(path):
            return path, False
        problem = "something else is in its place"
    except OSError as error:
        problem = f"{error.strerror} ({error.filename})"
    else:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(template)
        return path, True
    raise ConfigError(f"the config file {path} cannot be written: {problem}")


@without_frames
def get_credentials(account_name: str) -> Credentials:
    """Return key, secret and endpoint of the account of this name in the config file.

    Raises:
        ConfigError: There is no config file (says which command makes it), it cannot be read, or the account
            is not in it, is incomplete, or has keys that cannot be right; says what to change and where.
    """
    path = config_path()
    config = _load(path)
    account = _account(config, account_name, path)
    where = f"account {account_name!r} in {path}"
    exchange = _text(account, "exchange", where)
    test_net = _test_net(account, where)
    api_key = _secret_text(account, "api_key", where, path)
    api_secret = _secret_text(account, "api_secret", where, path)
    endpoint = _endpoint(config, exchange, test_net, path)
    _check_secret(api_secret, where)
    return Credentials(exchange, test_net, api_key, Secret(api_secret), endpoint)


@without_frames
def accounts_set_up() -> list[str]:
    """Return the names of the accounts that have keys: test network first, then demo mode, then live.

    Empty where there is no config file, or placeholders alone.

    Raises:
        ConfigError: The config file cannot be read.
    """
    path = config_path()
    if not os.path.exists(path):
        return []
    accounts = [account for account in _accounts(_load(path), path) if not _has_placeholder(account)]
    rank: dict[bool | str, int] = {True: 0, "demo": 1}
    accounts.sort(key=lambda account: rank.get(_hashable(account.get("test_net")), 2))
    return [account["name"] for account in accounts]


@without_frames
def is_set_up(account_name: str) -> bool:
    """Tell whether this account has keys: not where there is no config file, or placeholders are in place.

    Raises:
        ConfigError: The config file cannot be read, or no account has this name.
    """
    path = config_path()
    return os.path.exists(path) and not _has_placeholder(_account(_load(path), account_name, path))


def _load(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            raw = file.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        problem = f"there is no config file {path}: {_MAKE_IT}"
    except OSError as error:
        reason = "it is a folder" if os.path.isdir(path) else error.strerror
        problem = f"the config file {path} cannot be read: {reason}"
    else:
        warn_if_others_can_read(path, "config file", _log)
        if len(raw) <= _MOST_BYTES:
            return _parse(raw, path)
        problem = f"the config file {path} is too large to be one"
    raise ConfigError(problem)


def _parse(raw: bytes, path: Path) -> dict[str, Any]:
    import tomli

    text = ""
    try:
        text = raw.decode("utf-8-sig")
        return tomli.loads(text)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        problem = f"is not UTF-8 text (at line {line}, column {column})"
    except tomli.TOMLDecodeError as error:
        line, column = text.count("\n") + 1, len(text) - text.rfind("\n")
        told = str(error).replace(
            "at end of document", f"at line {line}, column {column}, the end of the file"
        )
        problem = f"is not valid TOML: {told}"
    except RecursionError:
        problem = "is not valid TOML: it is nested too deep"
    # Raised out here because the parser's error keeps the whole text of the file.
    raise ConfigError(f"the config file {path} {problem}")


def _accounts(config: dict[str, Any], path: Path) -> list[dict[str, Any]]:
    accounts = config.get("accounts", [])
    if not isinstance(accounts, list) or not all(isinstance(account, dict) for account in accounts):
        raise ConfigError(
            f"accounts in {path} must be a list of tables, each under its own line  [[accounts]]"
        )
    for number, account in enumerate(accounts, 1):
        _text(account, "name", f"account number {number} in {path}")
    return accounts


def _account(config: dict[str, Any], name: str, path: Path) -> dict[str, Any]:
    accounts = _accounts(config, path)
    found = [account for account in accounts if account["name"] == name]
    if len(found) == 1:
        return found[0]
    if found:
        raise ConfigError(f"{len(found)} accounts in {path} are called {name!r}: give each its own name")
    names = ", ".join(repr(account["name"]) for account in accounts) or "none"
    raise ConfigError(f"there is no account {name!r} in {path}; the accounts there: {names}")


def _text(table: dict[str, Any], key: str, where: str) -> str:
    value = table.get(key)
    if value is None:
        raise ConfigError(f"{where} has no {key}")
    if not isinstance(value, str):
        raise ConfigError(f"{key} of {where} must be text in quotes, not {_toml_type(value)}")
    if not value.strip():
        raise ConfigError(f"{key} of {where} is empty")
    return value.strip()


def _test_net(account: dict[str, Any], where: str) -> TestNet:
    value = account.get("test_net")
    if value is None:
        raise ConfigError(f'{where} has no test_net: true (test network), "demo" (demo mode) or false (live)')
    if value is True or value is False:
        return value
    if value == "demo":
        return "demo"
    raise ConfigError(f'test_net of {where} must be true, false or "demo"')


def _endpoint(config: dict[str, Any], exchange: str, test_net: TestNet, path: Path) -> str:
    tables = config.get("endpoint", {})
    table = tables.get(exchange) if isinstance(tables, dict) else None
    if not isinstance(table, dict):
        raise ConfigError(f"the config file {path} has no table [endpoint.{exchange}]")
    key = _ENDPOINT_KEYS[test_net]
    url = _text(table, key, f"[endpoint.{exchange}] in {path}")
    if not url.startswith(("wss://", "ws://")):
        raise ConfigError(f"{key} of [endpoint.{exchange}] in {path} must begin with wss://")
    return url


def _secret_text(account: dict[str, Any], key: str, where: str, path: Path) -> str:
    value = _text(account, key, where)
    if value.startswith(_PLACEHOLDER):
        raise ConfigError(f"{key} of {where} is still the placeholder: put your own in its place")
    kind, _, rest = value.partition(":")
    if kind == "env":
        found = os.environ.get(rest, "").strip()
        if not found:
            state = "empty" if rest in os.environ else "not set"
            raise ConfigError(f"the environment variable {rest} is {state}; it is the {key} of {where}")
        return found
    if kind == "file":
        return read_secret_file(path.parent / os.path.expanduser(rest), f"{key} file")
    return value


def _check_secret(api_secret: str, where: str) -> None:
    # The passphrase of an encrypted key is the session's argument: it is opened there.
    if is_encrypted_pem(api_secret):
        return
    try:
        load_signer(api_secret)
    except ConfigError as error:
        problem = f"{where}: {error}"
    else:
        return
    raise ConfigError(problem)


def _has_placeholder(account: dict[str, Any]) -> bool:
    return any(
        str(account.get(key, "")).strip().startswith(_PLACEHOLDER) for key in ("api_key", "api_secret")
    )


def _hashable(value: Any) -> bool | str:
    return value if isinstance(value, bool | str) else False


def _toml_type(value: Any) -> str:
    names = {bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "a table"}
    return names.get(type(value), "a date or time")
