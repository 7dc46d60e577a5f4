"""The gap in a stream, as a value and as words."""

from __future__ import annotations

import pickle

import pytest

from crypto_ws_sync.model.stream import StreamGap

GAP = StreamGap(since=1_700_000_000.25, until=1_700_000_001.5)


def test_a_gap_is_a_value() -> None:
    assert StreamGap(1.0, 2.0) == StreamGap(1.0, 2.0, None)
    assert hash(StreamGap(1.0, 2.0, 3)) == hash(StreamGap(1.0, 2.0, 3))
    assert repr(StreamGap(1.0, 2.0, 3)) == "StreamGap(since=1.0, until=2.0, missed=3)"
    assert pickle.loads(pickle.dumps(GAP)) == GAP
    with pytest.raises(AttributeError):
        GAP.missed = 1  # type: ignore[misc]  # it is frozen


def test_a_gap_reads_as_a_sentence() -> None:
    assert str(GAP) == (
        "events may be missing between 2023-11-14 22:13:20.250 and 2023-11-14 22:13:21.500 UTC (1.250 s)"
    )
    assert str(StreamGap(0.0, 0.0, 7)).startswith("7 events were dropped between 1970-01-01 00:00:00.000")
    assert GAP._repr_html_() == f"<b>Gap:</b> {GAP}"
