"""The config file: what it gives, and every way in which it may be wrong."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path
from typing import Any

import pytest
import tomli
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from crypto_ws_sync.config import (
    CONFIG_VARIABLE,
    Credentials,
    accounts_set_up,
    config_path,
    get_credentials,
    is_set_up,
    write_template,
)
from crypto_ws_sync.errors import ConfigError

SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
ENDPOINTS = """
[endpoint.binance]
ws_api = "wss://live.example/ws"
ws_api_test = "wss://test.example/ws"
ws_api_demo = "wss://demo.example/ws"
"""


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the path of this test's config file, which is not there yet."""
    path = tmp_path / "config" / "ws_api.toml"
    monkeypatch.setenv("CRYPTO_WS_SYNC_CONFIG", str(path))
    return path


def _write(path: Path, text: str | bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.touch(0o600)
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))


def _account(**changes: str | None) -> str:
    """Return a good account as TOML; each change is a value's TOML text, or None to leave it out."""
    values = {
        "name": '"Main"',
        "exchange": '"binance"',
        "test_net": "true",
        "api_key": '"abcKEY"',
        "api_secret": f'"{SECRET}"',
        **changes,
    }
    return "[[accounts]]\n" + "".join(f"{key} = {value}\n" for key, value in values.items() if value) + "\n"


def _refusal(name: str = "Main") -> str:
    """Ask for credentials that must be refused; return the message once no secret is found in it."""
    with pytest.raises(ConfigError) as caught:
        get_credentials(name)
    error = caught.value
    assert error.__context__ is None
    told = "".join(traceback.format_exception(error)) + repr(error.__dict__)
    assert SECRET[4:] not in told
    return str(error)


def _ed25519_pem(passphrase: str | None = None) -> str:
    encryption = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    key = ed25519.Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption).decode()


def test_credentials_are_a_tuple_that_hides_the_secret(config: Path) -> None:
    _write(config, ENDPOINTS + _account())
    credentials = get_credentials("Main")
    exchange, test_net, api_key, api_secret, endpoint = credentials
    assert (exchange, test_net, api_key, endpoint) == ("binance", True, "abcKEY", "wss://test.example/ws")
    assert api_secret == SECRET
    assert SECRET not in repr(credentials)
    assert SECRET not in str(credentials)
    assert Credentials._fields == ("exchange", "test_net", "api_key", "api_secret", "ws_api_endpoint")


@pytest.mark.parametrize(
    ("written", "test_net", "host"),
    [("true", True, "test"), ("false", False, "live"), ('"demo"', "demo", "demo")],
)
def test_test_net_chooses_the_endpoint(config: Path, written: str, test_net: object, host: str) -> None:
    _write(config, ENDPOINTS + _account(test_net=written))
    credentials = get_credentials("Main")
    assert credentials.test_net == test_net
    assert type(credentials.test_net) is type(test_net)
    assert credentials.ws_api_endpoint == f"wss://{host}.example/ws"


def test_a_file_saved_by_an_editor_with_a_byte_order_mark(config: Path) -> None:
    _write(config, b"\xef\xbb\xbf" + (ENDPOINTS + _account()).replace("\n", "\r\n").encode())
    assert get_credentials("Main").api_key == "abcKEY"


def test_pem_over_several_lines(config: Path) -> None:
    pem = _ed25519_pem()
    _write(config, ENDPOINTS + _account(api_secret=f'"""\n{pem}"""'))
    assert get_credentials("Main").api_secret == pem.strip()


def test_an_encrypted_pem_is_left_to_the_session(config: Path) -> None:
    pem = _ed25519_pem("correct horse")
    _write(config, ENDPOINTS + _account(api_secret=f'"""\n{pem}"""'))
    assert get_credentials("Main").api_secret == pem.strip()


def test_keys_from_the_environment(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(config, ENDPOINTS + _account(api_key='"env:MY_KEY"', api_secret='"env:MY_SECRET"'))
    monkeypatch.delenv("MY_KEY", raising=False)
    assert "environment variable MY_KEY is not set" in _refusal()
    monkeypatch.setenv("MY_KEY", "fromENV\n")
    monkeypatch.setenv("MY_SECRET", "  ")
    assert "environment variable MY_SECRET is empty" in _refusal()
    monkeypatch.setenv("MY_SECRET", SECRET)
    credentials = get_credentials("Main")
    assert (credentials.api_key, credentials.api_secret) == ("fromENV", SECRET)


def test_keys_from_files(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    pem = _ed25519_pem()
    _write(config.parent / "beside.pem", pem)
    _write(tmp_path / "key.txt", "fromFILE\n")
    _write(config, ENDPOINTS + _account(api_key='"file:~/key.txt"', api_secret='"file:beside.pem"'))
    credentials = get_credentials("Main")
    assert (credentials.api_key, credentials.api_secret) == ("fromFILE", pem.strip())
    absolute = (config.parent / "beside.pem").as_posix()
    _write(config, ENDPOINTS + _account(api_secret=f'"file:{absolute}"'))
    assert get_credentials("Main").api_secret == pem.strip()
    _write(config, ENDPOINTS + _account(api_secret='"file:gone.pem"'))
    message = _refusal()
    assert "does not exist" in message
    assert str(config.parent / "gone.pem") in message


def test_no_file_says_which_command_makes_it(config: Path) -> None:
    message = _refusal()
    assert str(config) in message
    assert "crypto_ws_sync_init" in message


@pytest.mark.parametrize("name", ["x" * 300, "~no such user/ws_api.toml"])
def test_a_name_that_no_file_has(
    config: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(CONFIG_VARIABLE, name)
    assert name in _refusal()
    assert not is_set_up("Main")
    assert accounts_set_up() == []
    monkeypatch.setenv(CONFIG_VARIABLE, str(config))
    _write(config, ENDPOINTS + _account(api_secret=f'"file:{name}"'))
    assert name in _refusal()


def test_a_folder_in_its_place(config: Path) -> None:
    config.mkdir(parents=True)
    assert "is a folder" in _refusal()
    with pytest.raises(ConfigError, match="something else is in its place"):
        write_template()


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("[endpoint.binance]\nws_api = wss://x\n", 2, 10),
        ("[[accounts]]\nname = 'Main'\n\napi_key = \"a\nb\"", 4, 13),
        ("[[accounts]]\napi_key = 1\napi_key", 3, 8),
        (b"[[accounts]]\nname = 'M\xfcller'\n", 2, 10),
        (f"api_secret = '{SECRET}\n", 2, 1),
    ],
)
def test_broken_toml_tells_line_and_column(config: Path, text: str | bytes, line: int, column: int) -> None:
    _write(config, text)
    message = _refusal()
    assert f"line {line}, column {column}" in message
    assert str(config) in message


def test_a_file_that_is_nested_too_deep_or_too_large(config: Path) -> None:
    _write(config, "a = " + "[" * 100_000)
    assert "nested too deep" in _refusal()
    with config.open("wb") as file:
        file.truncate(1 << 34)  # no memory is taken for it, and on most systems no room on the disk
    assert "too large" in _refusal()


@pytest.mark.parametrize(
    "text",
    [
        f"{SECRET} = = =",
        f'a = "{SECRET}',
        f'[[accounts]]\nname = "Main"\napi_key = "{SECRET}"\n',
        f'[[accounts]]\nname = 5\napi_secret = "{SECRET}"\n',
        f'[[accounts]]\nname = "Other"\napi_secret = "{SECRET}"\n',
        ENDPOINTS + _account(api_secret=f'"-----BEGIN PRIVATE KEY-----{SECRET}"'),
        f'a = "{SECRET} \u00e9"'.encode("latin-1"),
    ],
)
def test_no_variable_on_the_way_of_an_error_holds_a_key(config: Path, text: str | bytes) -> None:
    """Tools that report errors show the values of local variables, too."""
    _write(config, text)
    errors = []
    for work in (lambda: get_credentials("Main"), lambda: is_set_up("Main"), accounts_set_up):
        try:
            work()
        except ConfigError as error:
            errors.append(error)
    assert errors
    for error in errors:
        # The first frame is this one, which knows what it has written.
        frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)][1:]
        assert frames
        assert SECRET not in repr([frame.f_locals for frame in frames])
        assert error.__cause__ is None
        assert error.__context__ is None


def test_an_unknown_account_lists_the_names_there_are(config: Path) -> None:
    _write(config, ENDPOINTS + _account() + _account(name='"Second"'))
    assert "the accounts there: 'Main', 'Second'" in _refusal("Mian")
    _write(config, ENDPOINTS)
    assert "the accounts there: none" in _refusal()


def test_two_accounts_of_one_name(config: Path) -> None:
    _write(config, ENDPOINTS + _account() + _account())
    assert "2 accounts" in _refusal()


@pytest.mark.parametrize("key", ["name", "exchange", "test_net", "api_key", "api_secret"])
def test_missing_keys_are_named(config: Path, key: str) -> None:
    _write(config, ENDPOINTS + _account(**{key: None}))
    assert f"has no {key}" in _refusal()


@pytest.mark.parametrize("key", ["name", "exchange", "api_key", "api_secret"])
@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("5", "a number"),
        ("true", "true or false"),
        ("[]", "a list"),
        ("{}", "a table"),
        ("2026-01-01", "a date"),
        ('" "', "empty"),
    ],
)
def test_wrong_types_are_named(config: Path, key: str, value: str, told: str) -> None:
    _write(config, ENDPOINTS + _account(**{key: value}))
    message = _refusal()
    assert key in message
    assert told in message


@pytest.mark.parametrize("value", ['"true"', "1", "0", "[]", '"test"'])
def test_test_net_takes_three_values_only(config: Path, value: str) -> None:
    _write(config, ENDPOINTS + _account(test_net=value))
    assert 'must be true, false or "demo"' in _refusal()


@pytest.mark.parametrize("text", ["accounts = 5\n", "accounts = [1]\n", "[accounts]\nname = 'Main'\n"])
def test_accounts_must_be_a_list_of_tables(config: Path, text: str) -> None:
    _write(config, text)
    assert "[[accounts]]" in _refusal()


def test_endpoints_that_are_missing_or_wrong(config: Path) -> None:
    for endpoints, told in (
        ("", "no table [endpoint.binance]"),
        ("endpoint = 5\n", "no table [endpoint.binance]"),
        ("[endpoint]\nbinance = 5\n", "no table [endpoint.binance]"),
        ("[endpoint.binance]\nws_api = 'wss://x'\n", "has no ws_api_test"),
        ("[endpoint.binance]\nws_api_test = 5\n", "a number"),
        ("[endpoint.binance]\nws_api_test = 'https://x'\n", "must begin with wss://"),
    ):
        _write(config, endpoints + _account())
        assert told in _refusal()


def test_keys_that_cannot_be_right(config: Path) -> None:
    pem = _ed25519_pem()
    for secret, told in (
        (f'"""\n{pem[:80]}"""', "not a readable PEM"),
        ('"two words of secret"', "neither a PEM"),
        ('"/keys/mine.pem"', "looks like a file name"),
    ):
        _write(config, ENDPOINTS + _account(api_secret=secret))
        message = _refusal()
        assert told in message
        assert f"account 'Main' in {config}" in message
        assert pem.splitlines()[1][:20] not in message


def test_the_template_is_whole_but_for_the_keys(config: Path) -> None:
    path, created = write_template()
    assert (path, created) == (config, True)
    parsed: dict[str, Any] = tomli.loads(config.read_text(encoding="utf-8"))
    assert parsed["endpoint"]["binance"] == {
        "ws_api": "wss://ws-api.binance.com:443/ws-api/v3",
        "ws_api_test": "wss://ws-api.testnet.binance.vision/ws-api/v3",
        "ws_api_demo": "wss://demo-ws-api.binance.com/ws-api/v3",
    }
    assert {account["test_net"] for account in parsed["accounts"]} == {True, False, "demo"}
    for account in parsed["accounts"]:
        assert "still the placeholder" in _refusal(account["name"])
    assert accounts_set_up() == []
    assert not is_set_up("Demo - Binance")


def test_the_filled_in_template_works(config: Path) -> None:
    write_template()
    text = config.read_text(encoding="utf-8")
    text = text.replace("*** the API key of the test network ***", "abcKEY", 1)
    text = text.replace("*** its secret, or file:PATH of its private key ***", SECRET, 1)
    _write(config, text)
    assert (
        get_credentials("Demo - Binance").ws_api_endpoint == "wss://ws-api.testnet.binance.vision/ws-api/v3"
    )
    assert accounts_set_up() == ["Demo - Binance"]


def test_the_template_is_private_and_never_overwrites(config: Path) -> None:
    assert write_template()[1]
    assert config.stat().st_mode & 0o777 == 0o600
    _write(config, "# mine\n")
    assert write_template() == (config, False)
    assert config.read_text(encoding="utf-8") == "# mine\n"
    other = config.parent / "deeper" / "other.toml"
    assert write_template(other) == (other, True)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    _write(tmp_path / "file", "")
    with pytest.raises(ConfigError, match="cannot be written"):
        write_template(tmp_path / "file" / "below" / "ws_api.toml")


def test_without_the_variable_it_is_in_the_users_config_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CRYPTO_WS_SYNC_CONFIG")
    for variable in ("HOME", "XDG_CONFIG_HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"):
        monkeypatch.setenv(variable, str(tmp_path))
    assert config_path().name == "ws_api.toml"
    assert config_path().parent.name == "crypto_ws_sync"
    monkeypatch.setenv("CRYPTO_WS_SYNC_CONFIG", "~/elsewhere.toml")
    assert config_path() == Path("~/elsewhere.toml").expanduser()


def test_which_accounts_are_set_up(config: Path) -> None:
    assert accounts_set_up() == []
    assert not is_set_up("Main")
    _write(
        config,
        ENDPOINTS
        + _account(name='"Live"', test_net="false")
        + _account(name='"Odd"', test_net="[]")
        + _account(name='"Play"', test_net='"demo"')
        + _account(name='"Half"', api_secret='"*** your secret ***"')
        + _account(name='"Test"', api_secret='"env:NOT_SET"'),
    )
    assert accounts_set_up() == ["Test", "Play", "Live", "Odd"]
    assert is_set_up("Live")
    assert not is_set_up("Half")
    with pytest.raises(ConfigError, match="no account"):
        is_set_up("Nobody")


@pytest.mark.parametrize(("mode", "is_warned"), [(0o600, False), (0o644, True), (0o620, True), (0o602, True)])
def test_a_config_file_that_others_can_read_is_a_warning(
    config: Path, caplog: pytest.LogCaptureFixture, mode: int, is_warned: bool
) -> None:
    _write(config, ENDPOINTS + _account())
    config.chmod(mode)
    get_credentials("Main")
    warned = [record for record in caplog.records if record.name == "crypto_ws_sync.config"]
    assert [record.levelno for record in warned] == [logging.WARNING] * is_warned
    assert SECRET not in caplog.text
