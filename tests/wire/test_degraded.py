"""A key that is withdrawn: at start it raises, later the session goes on with what needs no key."""

from __future__ import annotations

import time

import pytest

from crypto_ws_sync import AuthError, OutcomeUnknown, UserWSSession
from crypto_ws_sync.simulator import Account, SimulatedExchange

LIMIT = 30.0
ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}


def _session(exchange: SimulatedExchange, account: Account) -> UserWSSession:
    return UserWSSession(account.api_key, account.api_secret, endpoint=exchange.endpoint)


def test_a_refused_log_on_at_start_raises_and_leaves_nothing_running() -> None:
    with SimulatedExchange() as exchange:
        account = exchange.add_account("ed25519")
        exchange.faults.revoke(account.api_key)
        session = _session(exchange, account)
        with pytest.raises(AuthError) as caught:
            session.start()
        assert caught.value.method == "session.logon"
        assert session.status().state == "idle"


@pytest.mark.parametrize("is_lost", [True, False])
def test_a_refused_log_on_later_leaves_the_public_part(is_lost: bool) -> None:
    """Whether the connection is lost, or the exchange says on it that the key has gone."""
    with SimulatedExchange() as exchange:
        account = exchange.add_account("ed25519")
        with _session(exchange, account) as session:
            assert session.handle_request("order.place", ORDER)["status"] == "FILLED"
            exchange.faults.revoke(account.api_key)
            if is_lost:
                exchange.faults.drop_all()
            else:
                with pytest.raises(AuthError):
                    session.handle_request("account.status")
            deadline = time.monotonic() + LIMIT
            while session.status().degraded is None:
                assert time.monotonic() < deadline
            status = session.status()
            assert status.state == "ready"
            assert "session.logon was refused" in str(status.degraded)
            assert not status.logged_on
            assert (session.operational_status, session.order_handling) == (True, False)
            seen = len(exchange.requests())
            began = time.monotonic()
            for method, params in (("order.place", ORDER), ("account.status", {})):
                with pytest.raises(AuthError):
                    session.handle_request(method, params)
            assert time.monotonic() - began < 8.0, "each call could wait for 10 s"
            assert session.handle_request("ticker.price", {"symbol": "BTCUSDT"})["symbol"] == "BTCUSDT"
            methods = [each.method for each in exchange.requests()[seen:]]
            assert methods == ["ticker.price"], "signed requests were not sent"
        assert len(exchange.orders()) == 1


def test_an_order_that_went_through_before_the_key_did_is_told_as_unknown() -> None:
    """Nobody can look it up any more, so nobody may say that it was not executed."""
    with SimulatedExchange() as exchange:
        account = exchange.add_account("ed25519")
        with _session(exchange, account) as session:
            refused = exchange.faults.refuse_handshake(503, times=None)
            dropped = exchange.faults.drop("after", method="order.place")
            future = session.submit("order.place", ORDER, timeout=2.0)
            assert dropped.wait(5)
            exchange.faults.revoke(account.api_key)
            refused.cancel()
            assert isinstance(future.exception(5), OutcomeUnknown)
            assert session.status().degraded
        assert len(exchange.orders()) == 1
