"""Random bytes and numbers that depend on a seed and a name alone, the same on every machine."""

from __future__ import annotations

import struct
from hashlib import shake_128


def seeded_bytes(size: int, *key: object) -> bytes:
    """Return `size` random bytes for a key, such as (seed, "BTC", "hours", 12).

    A hash of the key's text and not a generator with a state: any moment of the past can be asked for
    first, and the answer does not depend on what was asked before, nor on the version of Python.
    """
    return shake_128("|".join(map(str, key)).encode()).digest(size)


def seeded_words(count: int, *key: object) -> tuple[int, ...]:
    """Return `count` random integers from 0 to 65535 for a key."""
    return struct.unpack(f"<{count}H", seeded_bytes(2 * count, *key))


def seeded_steps(count: int, *key: object) -> tuple[int, ...]:
    """Return `count` random integers from -32768 to 32767 for a key."""
    return struct.unpack(f"<{count}h", seeded_bytes(2 * count, *key))


def seeded_longs(count: int, *key: object) -> tuple[int, ...]:
    """Return `count` random integers from 0 to 2**32 - 1 for a key."""
    return struct.unpack(f"<{count}L", seeded_bytes(4 * count, *key))
