"""What the port allows and no dialect of ours does: handshakes of several texts or of none, and slow composing."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from bench import Bench
from bytes_server import LIMIT
from hostile_exchange import Call
from toy_dialect import ToyDialect
from toy_exchange import TOKEN

from crypto_ws_sync import InvalidParameter, RequestTimeout
from crypto_ws_sync.protocol.dialect import Reply, Stamp
from crypto_ws_sync.protocol.method import Request


class _Challenge:
    """Says its name first, and the token when it is asked for it; or has nothing to say.

    Owner: loop thread.
    """

    charge_weight = 1
    answer: Reply | None = None

    def __init__(self, first: str | None) -> None:
        self._first = first
        self.is_done = False

    def begin(self, timestamp: float) -> str | None:
        return self._first

    def feed(self, text: str, timestamp: float) -> str | None:
        (said,) = json.loads(text)
        if said[0] == "who":
            return json.dumps(["hello", TOKEN])
        self.is_done = said[0] == "welcome"
        return None


class _Challenged(ToyDialect):
    """Logs on in several steps.

    Owner: loop thread.
    """

    def __init__(self, first: str | None) -> None:
        super().__init__(TOKEN)
        self._first = first

    def handshake(self) -> Any:
        return _Challenge(self._first)


def test_a_handshake_may_take_several_texts(toy: Bench) -> None:
    toy.exchange.once("hello", lambda call: call.wire.send_text([["who"]]))
    toy.dialect = _Challenged(json.dumps(["hello", "me"]))
    toy.restart()
    assert [call.params["token"] for call in toy.exchange.seen("hello")[1:]] == ["me", TOKEN]
    assert toy.status().logged_on
    assert toy.call("buy", {"name": "mine"})["name"] == "mine"
    assert "token" not in toy.exchange.seen("buy")[0].params


def test_a_text_in_between_is_not_the_end_of_a_handshake(toy: Bench) -> None:
    def answer_twice(call: Call) -> None:
        call.wire.send_text([["wait"]])
        call.answer()

    toy.exchange.once("hello", answer_twice)
    toy.dialect = _Challenged(json.dumps(["hello", TOKEN]))
    toy.restart()
    assert toy.status().logged_on


def test_a_handshake_that_has_nothing_to_say_holds_nothing(toy: Bench) -> None:
    toy.dialect = _Challenged(None)
    toy.restart()
    assert len(toy.exchange.seen("hello")) == 1, "that of the run before"
    assert toy.call("buy", {"name": "mine"})["name"] == "mine"
    assert toy.exchange.seen("buy")[0].params["token"] == TOKEN
    assert toy.status().in_flight == 0


class _Slow(ToyDialect):
    """Composes some requests on the thread for slow keys, for as long as the test wants.

    Owner: loop thread, but for what composes.
    """

    signs_slowly = True

    def __init__(self) -> None:
        super().__init__(TOKEN)
        self.begun = threading.Event()
        self.may_go_on = threading.Event()

    def composes_slowly(self, request: Request, stamp: Stamp) -> bool:
        return "slow" in request.params

    def compose(self, request: Request, stamp: Stamp) -> tuple[int | str, str]:
        if "slow" in request.params:
            self.begun.set()
            assert self.may_go_on.wait(LIMIT)
        return super().compose(request, stamp)


def test_what_is_given_up_while_it_is_signed_is_not_sent(toy: Bench) -> None:
    toy.dialect = slow = _Slow()
    toy.restart()
    given_up = toy.submit("buy", {"name": "one", "slow": 1}, timeout=1)
    assert slow.begun.wait(LIMIT)
    with pytest.raises(RequestTimeout):
        given_up.result(LIMIT)
    slow.may_go_on.set()
    assert toy.call("buy", {"name": "two", "slow": 1})["number"] == 1
    assert [call.params["name"] for call in toy.exchange.seen("buy")] == ["two"]
    assert toy.status().in_flight == 0


def test_what_cannot_be_composed_on_that_thread_is_told_as_on_any(toy: Bench) -> None:
    toy.dialect = slow = _Slow()
    slow.may_go_on.set()
    toy.restart()
    with pytest.raises(InvalidParameter, match="not sent"):
        toy.call("buy", {"name": "odd", "slow": {1, 2}})  # JSON has no sets
    assert toy.call("buy", {"name": "two", "slow": 1})["number"] == 1
    assert toy.status().in_flight == 0
