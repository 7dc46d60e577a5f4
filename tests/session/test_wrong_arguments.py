"""What a session says to arguments that cannot be right: before anything is started, and naming the argument."""

from __future__ import annotations

import time
from typing import Any

import pytest

from crypto_ws_sync import ConfigError, UserWSSession

HERE = "ws://127.0.0.1:1/ws-api/v3"


class Numbered:
    """Has a path that is none."""

    def __fspath__(self) -> int:
        return 1

    def __repr__(self) -> str:
        return "a number"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"endpoint": "ws://example.com/ws-api/v3"}, "not encrypted: use wss://"),
        ({"endpoint": "elsewhere"}, "known name"),
        ({"endpoint": 5}, "as str"),
        ({"api_key": "k"}, "api_secret is missing"),
        ({"api_secret": "s"}, "api_key is missing"),
        ({"timeout": 0}, "timeout is 0"),
        ({"on_limit": "sometimes"}, "'none', 'wait', 'raise'"),
        ({"headroom": 1.0}, "headroom is 1.0"),
        ({"recv_window": 60_001}, "recv_window is 60001"),
        ({"recv_window": 5000.1234}, "three decimals"),
        ({"time_unit": "s"}, "'ms', 'us'"),
        ({"max_message": 0}, "max_message is 0"),
        ({"ssl_context": True}, "ssl.SSLContext"),
        ({"proxy": "ftp://127.0.0.1"}, "http://host:port or socks5://host:port"),
        ({"clock": time.time}, "ManualClock"),
        ({"clock": 5.0}, "ManualClock"),
        ({"journal": ""}, "journal is '': pass the path of a file"),
        ({"journal": b"orders"}, "pass the path of a file"),
        ({"journal": 5}, "journal is 5: pass the path of a file"),
        ({"journal": Numbered()}, "journal is a number: pass the path of a file"),
    ],
)
def test_a_wrong_argument_is_refused_in_words_that_help(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        UserWSSession(**{"endpoint": HERE, **wrong})
    assert words in str(caught.value)
