"""Who may touch what belongs to one thread: its owner, and nobody before there is one."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from crypto_ws_sync import SessionClosed
from crypto_ws_sync.ownership import Owner


def test_any_thread_but_the_owner_is_refused_and_both_are_named() -> None:
    owner = Owner("the pending table")
    with pytest.raises(SessionClosed, match="belongs to thread 0"):
        owner.check()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(owner.claim).result()
        pool.submit(owner.check).result()
        with pytest.raises(SessionClosed) as caught:
            owner.check()
    assert str(owner.thread_id) in str(caught.value)
    assert str(threading.get_ident()) in str(caught.value)
