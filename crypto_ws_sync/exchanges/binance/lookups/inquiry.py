"""One round of look-ups as a generator: it yields questions, is sent their answers, and returns what they say."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, TypeAlias

from crypto_ws_sync.protocol.outcome import Finding, FindingKind, Question

__all__ = ["MISSING", "NOTHING", "Answer", "Ask", "Inquiry", "Steps", "run"]

Ask: TypeAlias = tuple[str, dict[str, Any]]
"""Method and parameters of one question."""

Answer: TypeAlias = Any
"""The result of one question; None where the exchange does not know what was asked for."""

Steps: TypeAlias = Generator[Sequence[Ask], Sequence[Answer], Finding]
Inquiry: TypeAlias = Callable[[Question, bool], Steps]
"""Takes the write, and whether it can no longer be accepted, so that what is half done stays so."""

MISSING = Finding(FindingKind.MISSING)
NOTHING = Finding(FindingKind.NOTHING)

_MALFORMED = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What an answer of an unknown shape leads to: it says nothing."""


def run(
    inquiry: Inquiry, question: Question, answers: Sequence[Answer], is_last: bool
) -> Sequence[Ask] | Finding:
    """Return what to ask next after these answers, or what they say in the end."""
    steps = inquiry(question, is_last)
    taken = 0
    try:
        asked = next(steps)
        while taken + len(asked) <= len(answers):
            batch = answers[taken : taken + len(asked)]
            taken += len(asked)
            asked = steps.send(batch)
    except StopIteration as stop:
        finding: Finding = stop.value
        return finding
    except _MALFORMED:
        return NOTHING
    steps.close()
    return asked
