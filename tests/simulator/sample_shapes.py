"""Where a reply or an event differs from a published sample in shape."""

from __future__ import annotations

from typing import Any

CONDITIONAL = {
    "expiryReason",
    "icebergQty",
    "preventedMatchId",
    "preventedQuantity",
    "stopPrice",
    "strategyId",
    "strategyType",
    "trailingDelta",
    "trailingTime",
}
"""Members that the documents call conditional: a sample shows one order, and another has others."""


def differences(sample: Any, ours: Any, path: str = "") -> list[str]:
    """Where two JSON values differ in keys or in types."""
    if isinstance(sample, dict) and isinstance(ours, dict):
        found = [
            f"{path}.{key}: {'only in the sample' if key in sample else 'only in ours'}"
            for key in sorted(set(sample) ^ set(ours))
            if key not in CONDITIONAL
        ]
        for key in sample:
            if key in ours:
                found += differences(sample[key], ours[key], f"{path}.{key}")
        return found
    if isinstance(sample, list) and isinstance(ours, list):
        if sample and not ours:
            return [f"{path}: nothing to compare"]
        found = []
        for place, value in enumerate(sample):
            found += differences(value, ours[min(place, len(ours) - 1)], f"{path}[{place}]")
        return found
    if type(sample) is not type(ours):
        return [f"{path}: {type(sample).__name__} in the sample, {type(ours).__name__} in ours"]
    return []
