"""Which addresses are accepted, and which of them are one venue."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto_ws_sync.errors import ConfigError
from crypto_ws_sync.exchanges.binance.endpoints import ENDPOINTS, is_loopback, venue_key, with_options


@pytest.mark.parametrize("name", ENDPOINTS)
def test_known_names_are_encrypted_addresses_of_their_own(name: str) -> None:
    assert with_options(name, "ms") == ENDPOINTS[name]
    assert ENDPOINTS[name].startswith("wss://")
    assert venue_key(name) == name
    assert sum(address == ENDPOINTS[name] for address in ENDPOINTS.values()) == 1


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("wss://ws-api.binance.com:443/ws-api/v3", "binance"),
        ("wss://ws-api.binance.com:9443/ws-api/v3", "binance"),
        ("wss://WS-API.Binance.com/ws-api/v3?returnRateLimits=false", "binance"),
        ("wss://ws-api.testnet.binance.vision:9443/ws-api/v3", "binance-testnet"),
        ("wss://example.com/a", "example.com:443"),
        ("wss://example.com:9443/a", "example.com:9443"),
        ("ws://127.0.0.1/a", "127.0.0.1:80"),
        ("ws://127.0.0.1:8000", "127.0.0.1:8000"),
        ("ws://[::1]:8000", "::1:8000"),
    ],
)
def test_addresses_of_one_venue_share_its_key(address: str, key: str) -> None:
    assert venue_key(address) == key


@pytest.mark.parametrize(
    "address",
    ["ws://127.0.0.1:8000/x", "ws://127.9.9.9", "ws://localhost:1", "ws://[::1]:8000/", "wss://a.example"],
)
def test_plain_addresses_of_this_machine_and_encrypted_ones_are_used_as_they_are(address: str) -> None:
    assert with_options(address, "ms") == address


@pytest.mark.parametrize("host", ["example.com", "10.0.0.1", "0.0.0.0", "127.0.0.1.example.com", "[::2]"])
def test_nothing_goes_unencrypted_to_another_machine(host: str) -> None:
    with pytest.raises(ConfigError, match="not encrypted"):
        with_options(f"ws://{host}:80/", "ms")


@pytest.mark.parametrize(
    "address",
    [
        *("", "binance.com", "http://127.0.0.1", "https://ws-api.binance.com", "wss://", "wss:///path"),
        *("wss://host:0", "wss://host:99999", "wss://host:port", "wss://[::1", "wss://[zz]/", "wss://a b/"),
        *("wss://host\n.example", "unknown-name"),
    ],
)
def test_what_is_no_address_is_refused_in_words(address: str) -> None:
    with pytest.raises(ConfigError, match="neither a wss:// address nor a known name"):
        with_options(address, "ms")
    with pytest.raises(ConfigError):
        venue_key(address)


@pytest.mark.parametrize("endpoint", [None, 7, b"wss://host"])
def test_an_endpoint_of_another_type_is_refused_by_its_type(endpoint: object) -> None:
    with pytest.raises(ConfigError, match=type(endpoint).__name__):
        with_options(endpoint, "ms")  # type: ignore[arg-type]  # what a caller without types may pass


@pytest.mark.parametrize(
    "address", ["wss://user:hidden@host/", "http://user:hidden@host", "wss://:hidden@[::1"]
)
def test_credentials_in_an_address_are_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(ConfigError, match="leave them out") as caught:
        with_options(address, "ms")
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "asked"),
    [
        ("wss://host/v3", "wss://host/v3?timeUnit=MICROSECOND"),
        ("wss://host/v3?a=&b=1", "wss://host/v3?a=&b=1&timeUnit=MICROSECOND"),
        ("wss://host/v3?timeUnit=MILLISECOND&b=1", "wss://host/v3?b=1&timeUnit=MICROSECOND"),
    ],
)
def test_microseconds_are_asked_for_in_the_query(address: str, asked: str) -> None:
    assert with_options(address, "us") == asked


def test_options_of_the_address_are_kept_and_its_fragment_is_not() -> None:
    address = "wss://host:1/v3?returnRateLimits=false&timeUnit=MICROSECOND"
    assert with_options(address + "#part", "ms") == address


@pytest.mark.parametrize(
    ("host", "is_own"),
    [
        ("localhost", True),
        ("127.0.0.2", True),
        ("::1", True),
        ("::ffff:10.0.0.1", False),
        ("localhost.example", False),
    ],
)
def test_this_machine_is_told_from_others(host: str, is_own: bool) -> None:
    assert is_loopback(host) is is_own


@given(text=st.one_of(st.text(), st.text().map("wss://".__add__), st.text(alphabet="ws:/[]@?#%.1a\n ")))
def test_no_text_whatsoever_raises_anything_else(text: str) -> None:
    try:
        address = with_options(text, "us")
    except ConfigError:
        return
    assert address.startswith(("ws://", "wss://"))
    assert venue_key(text)
