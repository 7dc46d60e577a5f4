"""A secret is an ordinary text that does not show itself."""

from __future__ import annotations

import copy
import json
import pickle

from crypto_ws_sync.model.secret import Secret


def test_a_secret_hides_in_every_repr() -> None:
    secret = Secret("hidden")
    shown = f"{secret!r} {[secret]} { ({'key': secret}) } {secret!a}"
    assert "hidden" not in shown
    assert "***" in shown


def test_a_secret_is_the_text_it_holds() -> None:
    secret = Secret("hidden")
    assert secret == "hidden"
    assert hash(secret) == hash("hidden")
    assert secret.encode() == b"hidden"
    assert json.dumps(secret) == '"hidden"'


def test_a_secret_stays_one_when_it_is_copied() -> None:
    secret = Secret("hidden")
    for again in (copy.copy(secret), copy.deepcopy(secret), pickle.loads(pickle.dumps(secret))):
        assert type(again) is Secret
        assert again == secret


def test_a_secret_carries_nothing_else() -> None:
    assert not hasattr(Secret("hidden"), "__dict__")
