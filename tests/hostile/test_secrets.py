"""Keys and signatures stay where they belong: in no log, error, traceback, repr or pickle."""

from __future__ import annotations

import argparse
import hmac
import logging
import pickle
import pprint
import re
import sys
import traceback
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hostile_exchange import Call, HostileExchange, refusal

from crypto_ws_sync import CryptoWSError, OutcomeUnknown, UserWSSession, get_credentials
from crypto_ws_sync.cli.main import COMMANDS, main
from crypto_ws_sync.signing.keys import load_signer
from crypto_ws_sync.signing.verify import verify_hmac
from crypto_ws_sync.simulator import SimulatedExchange

ORDER = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "1",
    "price": "100",
}


@pytest.fixture(scope="module")
def accounts() -> dict[str, tuple[str, str]]:
    with SimulatedExchange() as simulated:
        made = [simulated.add_account(kind) for kind in ("hmac", "rsa", "ed25519")]
        return {account.key_type: (account.api_key, account.api_secret) for account in made}


@pytest.fixture
def told() -> Iterator[list[str]]:
    """Everything that is logged at all, as it would be written, and what a test adds."""
    said: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(logging.Formatter().format(record) + repr(record.args) + repr(record.__dict__))

    listener, root = Listener(0), logging.getLogger()
    level = root.level
    root.addHandler(listener)
    root.setLevel(0)
    yield said
    root.removeHandler(listener)
    root.setLevel(level)


def _trouble(exchange: HostileExchange, session: UserWSSession, said: list[str]) -> None:
    """Have everything go wrong that can, and keep what is told of it."""
    plans: list[tuple[str, dict[str, Any] | None, Any]] = [
        ("order.place", ORDER, Call.answer),
        ("order.place", {**ORDER, "newClientOrderId": "x"}, lambda call: call.refuse(400, -2010, "No.")),
        ("order.place", ORDER, lambda call: call.refuse(400, -1021, "Timestamp.")),
        ("order.place", ORDER, lambda call: call.refuse(400, -1022, "Signature for this request is not valid.")),
        ("order.place", ORDER, lambda call: call.wire.send_text("rubbish " + call.text)),
        ("order.place", ORDER, lambda call: call.wire.send_text({"event": {"e": "echo"}, "request": call.text})),
        ("order.place", ORDER, lambda call: call.wire.send_bytes(b"\xc1\x00")),
        ("account.status", None, lambda call: call.wire.finish()),
        ("account.status", None, lambda call: call.answer({**call.execute(), "result": dict(call.params)})),
        ("test.signed", {"symbol": "BTCUSDT"}, lambda call: call.wire.send_text(refusal(None, 401, -2015, "Gone."))),
        ("order.place", {**ORDER, "quantity": object()}, Call.answer),
        ("order.place", {**ORDER, "signature": "mine"}, Call.answer),
        ("order.cancel", {"symbol": "BTCUSDT", "origClientOrderId": "x"}, lambda call: call.wire.reset()),
    ]  # fmt: skip
    for method, params, hook in plans:
        exchange.once(method, hook)
        try:
            session.handle_request(method, params, signed=True, timeout=0.15)
        except CryptoWSError as error:
            said += ["".join(traceback.format_exception(error)), repr(error), repr(vars(error))]
            said += [repr(pickle.dumps(error)), repr(vars(pickle.loads(pickle.dumps(error))))]
            # What tools that report errors send along; the first frame is this one.
            said.append(repr([frame.f_locals for frame, _ in traceback.walk_tb(error.__traceback__)][1:]))
            if isinstance(error, OutcomeUnknown):
                said.append(repr(error.question) + repr(getattr(error.question, "params", None)))
    said += [
        repr(session),
        repr(session.status()),
        repr(session.status().as_dict()),
        repr(session.unresolved()),
        # What a notebook keeps of a cell.
        str(getattr(session, "_repr_html_", str)()),
        str(session.status()._repr_html_()),
        str(session.status()),
        str(session.unresolved()),
    ]


@pytest.mark.timeout(20)  # a dozen troubles, some of which are waited for
@pytest.mark.parametrize("kind", ["hmac", "rsa", "ed25519", "ed25519 without log-on"])
def test_no_secret_gets_out(
    exchange: HostileExchange, accounts: dict[str, tuple[str, str]], told: list[str], kind: str
) -> None:
    key, secret = accounts[kind.split()[0]]
    log_on = "without" not in kind
    with UserWSSession(key, secret, endpoint=exchange.url, log_on=log_on) as session:
        _trouble(exchange, session, told)
    told.append(repr(session._dialect) + repr(vars(session)))
    text = "\n".join(told)
    assert "order.place" in text, "nothing was logged"
    signatures = {call.params["signature"] for call in exchange.calls if "signature" in call.params}
    # What the caller passes itself is in the variables of its call; that errors hide it is told below.
    signatures.discard("mine")
    assert signatures
    lines = [line for line in secret.splitlines() if line and not line.startswith("-----")]
    for hidden in [*lines, *signatures]:
        assert hidden not in text
        assert not re.search(re.escape(hidden[:20]), text)
    frames = [line for line in told if line.startswith(("-> ", "<- "))]
    assert frames
    assert not any(key in line for line in frames)


@pytest.mark.parametrize("kind", ["hmac", "rsa", "ed25519"])
def test_a_session_is_not_pickled_with_its_key(accounts: dict[str, tuple[str, str]], kind: str) -> None:
    session = UserWSSession(*accounts[kind], endpoint="ws://127.0.0.1:9/")
    with pytest.raises(TypeError):
        pickle.dumps(session)


def test_a_callers_own_signature_is_hidden_too(exchange: HostileExchange, told: list[str]) -> None:
    own = {"apiKey": "theKeyOfTheCaller", "timestamp": 1, "signature": "theSignatureOfTheCaller"}
    exchange.on("order.place", lambda call: call.wire.finish())
    with UserWSSession(*exchange.credentials, endpoint=exchange.url) as session:
        with pytest.raises(CryptoWSError) as caught:
            session.handle_request("order.place", {**ORDER, **own}, timeout=0.3)
        told.append("".join(traceback.format_exception(caught.value)) + repr(vars(caught.value)))
        told.append(repr(pickle.dumps(caught.value)))
    text = "\n".join(told)
    assert "theSignatureOfTheCaller" not in text
    assert "theKeyOfTheCaller" not in text


def test_credentials_show_no_secret_in_a_notebook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "ws_api.toml"
    path.touch(0o600)
    path.write_text(
        '[endpoint.binance]\nws_api_test = "wss://exchange.example/"\n[[accounts]]\nname = "Mine"\n'
        'exchange = "binance"\ntest_net = true\napi_key = "theKey"\napi_secret = "hiddenSecret"\n',
        encoding="utf-8",
    )
    monkeypatch.setenv("CRYPTO_WS_SYNC_CONFIG", str(path))
    credentials = get_credentials("Mine")
    session = UserWSSession(credentials.api_key, credentials.api_secret, endpoint="ws://127.0.0.1:9/")
    pprint.pprint([credentials, credentials._asdict(), {"secret": credentials.api_secret}, session])
    for value in (credentials, session):
        sys.displayhook(value)
    shown = capsys.readouterr().out
    assert "theKey" in shown
    assert "hidden" not in shown
    assert credentials.api_secret == "hiddenSecret"


def test_no_command_takes_a_key_among_its_arguments() -> None:
    """Arguments are seen by everybody on the machine, and kept in the shell's history."""
    names: set[str] = set()
    for name in COMMANDS:
        parser = argparse.ArgumentParser()
        import_module(f"crypto_ws_sync.cli.commands.{name}").add_arguments(parser)
        for action in parser._actions:
            names |= {action.dest, *action.option_strings}
    assert {"--account", "params"} <= names
    assert not [name for name in names if re.search("key|secret|pass|token|cred", name)]


@pytest.mark.parametrize("given", ["apiKey=theKey", "signature=theSignature"])
def test_a_command_that_is_given_a_key_all_the_same_does_not_repeat_it(
    given: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A dry run shows requests to be copied elsewhere."""
    words = ["call", "brand.new", given, "symbol=BTCUSDT", "--unchecked", "--dry-run"]
    assert main(words) == 0
    shown = capsys.readouterr()
    assert "BTCUSDT" in shown.out
    assert "the" not in shown.out + shown.err


@pytest.mark.parametrize("is_right", [True, False])
def test_signatures_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch, is_right: bool) -> None:
    """How long a comparison takes must not tell how much of a guess was right."""
    compared: list[tuple[bytes, bytes]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return is_right

    right = load_signer("secret").sign(b"payload")
    monkeypatch.setattr(hmac, "compare_digest", compare)
    assert verify_hmac(b"secret", b"payload", right) is is_right
    assert verify_hmac(b"secret", b"payload", "0" * 64) is is_right
    assert compared == [(right.encode(), right.encode()), (right.encode(), b"0" * 64)]
