"""Tables for notebooks: whatever is in them, nothing of it is taken for markup.

They bring no colours but shades of what surrounds them, so that they are readable on light and dark pages alike.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

__all__ = ["html_facts", "html_table"]

_TABLE = "border-collapse:collapse;font-variant-numeric:tabular-nums"
_CELL = "padding:0.15em 0.7em;text-align:left;vertical-align:top;border:1px solid rgba(128,128,128,0.35)"
_NUMBER = ";text-align:right;white-space:nowrap"
_MOMENT = ";white-space:nowrap"
_NAME = f"{_CELL};background:rgba(128,128,128,0.12);font-weight:600"
_CAPTION = "caption-side:top;text-align:left;font-weight:600;padding:0.2em 0"


def html_table(
    columns: Sequence[object],
    rows: Iterable[Sequence[object]],
    *,
    title: str = "",
    note: str = "",
    numbers: Collection[int] = (),
    moments: Collection[int] = (),
) -> str:
    """Return rows under their columns as a table.

    Args:
        columns: Their names.
        rows: Cells, shown as text.
        title: What stands above it.
        note: What stands below it.
        numbers: Places of the columns that hold numbers, so that digits of one worth stand below one another.
        moments: Places of the columns that hold times; they stay on one line.
    """
    styles = [
        _NUMBER if place in numbers else _MOMENT if place in moments else "" for place in range(len(columns))
    ]
    head = "".join(
        f'<th style="{_NAME}{style}">{_safe(name)}</th>' for name, style in zip(columns, styles, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f'<td style="{_CELL}{style}">{_safe(cell)}</td>' for cell, style in zip(row, styles, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return _framed(f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>", title, note)


def html_facts(facts: Iterable[tuple[object, object]], *, title: str = "") -> str:
    """Return names with what belongs to them as a table of two columns."""
    body = "".join(
        f'<tr><th style="{_NAME}">{_safe(name)}</th><td style="{_CELL}">{_safe(value)}</td></tr>'
        for name, value in facts
    )
    return _framed(f"<tbody>{body}</tbody>", title, "")


def _framed(inner: str, title: str, note: str) -> str:
    caption = f'<caption style="{_CAPTION}">{_safe(title)}</caption>' if title else ""
    below = f"<p>{_safe(note)}</p>" if note else ""
    return f'<table style="{_TABLE}">{caption}{inner}</table>{below}'


def _safe(value: object) -> str:
    from html import escape  # with the names of all entities, for those who look at tables

    return escape(str(value), quote=True)
