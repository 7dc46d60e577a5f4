"""Which proxy a connection goes through, and that its credentials stay hidden."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto_ws_sync.transport.port import OpenFailed, OpenFailure
from crypto_ws_sync.transport.proxies import Proxy, choose_proxy, parse_proxy


@pytest.mark.parametrize(
    ("text", "proxy"),
    [
        ("http://proxy.example:3128", Proxy("http", "proxy.example", 3128)),
        ("proxy.example:3128", Proxy("http", "proxy.example", 3128)),
        ("http://proxy.example", Proxy("http", "proxy.example", 80)),
        ("HTTP://Proxy.example/", Proxy("http", "proxy.example", 80)),
        ("socks5://127.0.0.1", Proxy("socks5", "127.0.0.1", 1080)),
        ("socks5h://[::1]:9", Proxy("socks5h", "::1", 9)),
        ("http://me:p%40ss%3A@host:1", Proxy("http", "host", 1, "me", "p@ss:")),
        ("http://me@host:1", Proxy("http", "host", 1, "me", None)),
    ],
)
def test_addresses_of_proxies_are_read(text: str, proxy: Proxy) -> None:
    assert parse_proxy(text) == proxy


@pytest.mark.parametrize(
    "text",
    ["", "http://", "ftp://host", "socks4://host", "http://host:port", "http://host:99999", "http://[::1"],
)
def test_what_is_no_proxy_is_a_fault_of_the_configuration(text: str) -> None:
    with pytest.raises(OpenFailed) as caught:
        parse_proxy(text)
    assert caught.value.kind is OpenFailure.CONFIG


def outcome(text: str) -> Proxy | OpenFailed:
    """What comes of reading an address."""
    try:
        return parse_proxy(text)
    except OpenFailed as failure:
        return failure


@given(text=st.one_of(st.text(), st.text().map("http://".__add__), st.text(alphabet="htp:/[]@%s5ock.1a\n")))
def test_no_text_whatsoever_raises_anything_else(text: str) -> None:
    found = outcome(text)
    if isinstance(found, OpenFailed):
        assert found.kind is OpenFailure.CONFIG
    else:
        assert found.host
        assert 0 < found.port < 65536


@pytest.mark.parametrize(
    "text", ["http://whoami:hidden@host:1", "ftp://whoami:hidden@host", "http://whoami:hidden@host:port"]
)
def test_credentials_are_shown_nowhere(text: str) -> None:
    found = outcome(text)
    shown = f"{found!r} {found} {getattr(found, '__cause__', None)}"
    assert "hidden" not in shown
    assert "whoami" not in shown


def test_a_proxy_shows_where_it_is() -> None:
    assert str(parse_proxy("http://me:hidden@host:1")) == "http://host:1"
    assert str(parse_proxy("socks5://[::1]:9")) == "socks5://[::1]:9"


HOST = "ws-api.example.com"


@pytest.mark.parametrize(
    ("names", "is_secure", "port"),
    [
        (["https_proxy"], True, 1),
        (["HTTPS_PROXY"], True, 1),
        (["wss_proxy", "https_proxy"], True, 1),
        (["all_proxy"], True, 1),
        (["ALL_PROXY"], False, 1),
        (["http_proxy"], False, 1),
        (["ws_proxy", "http_proxy"], False, 1),
        (["http_proxy"], True, None),
        (["https_proxy"], False, None),
        (["https_proxy", "all_proxy"], True, 1),
    ],
)
def test_the_environments_most_particular_word_counts(
    monkeypatch: pytest.MonkeyPatch, names: list[str], is_secure: bool, port: int | None
) -> None:
    for number, name in enumerate(names, 1):
        monkeypatch.setenv(name, f"http://proxy.example:{number}")
    found = choose_proxy(None, HOST, is_secure)
    assert (found.port if found else None) == port


def test_a_socks_proxy_in_the_environment_is_not_taken_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "socks5://proxy.example:1")
    assert choose_proxy(None, HOST, True) == Proxy("socks5", "proxy.example", 1)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1"])
def test_this_machine_is_reached_without_the_environments_proxy(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example:1")
    assert choose_proxy(None, host, True) is None
    assert choose_proxy("http://own.example:2", host, True) == Proxy("http", "own.example", 2)


def test_exceptions_of_the_environment_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example:1")
    monkeypatch.setenv("no_proxy", "other.example,.example.com")
    assert choose_proxy(None, HOST, True) is None
    assert choose_proxy(None, "elsewhere.org", True) == Proxy("http", "proxy.example", 1)


def test_an_empty_address_means_none_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example:1")
    assert choose_proxy("", HOST, True) is None
