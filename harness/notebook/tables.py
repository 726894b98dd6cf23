"""Tables as a notebook and a terminal show them: small, escaped, and legible in light and in dark."""

from __future__ import annotations

from collections.abc import Iterable

from ..report.escape import page as esc
from ..report.tables import TextTable
from ..text.errors import one_line

MAX_ROWS = 40
"""Rows that are shown of a table; a frame has them all."""
_SOFT = 'style="opacity: 0.75; margin: 0.2em 0"'


def html_block(heading: str, facts: str, *parts: str) -> str:
    """A heading, one line of facts, and what lies below; `parts` are HTML already."""
    return f'<div><p style="margin: 0.2em 0"><strong>{esc(heading)}</strong></p>{soft(facts)}{"".join(parts)}</div>'


def soft(text: str) -> str:
    """A paragraph that stands back; nothing for an empty text."""
    return f"<p {_SOFT}>{esc(text)}</p>" if text else ""


def html_table(table: TextTable) -> str:
    """A table whose numbers stand on the right, with its first `MAX_ROWS` rows."""
    head = "".join(f"<th{_side(right)}>{esc(text)}</th>" for text, right in _cells(table, table.header))
    body = []
    for place, row in enumerate(table.rows[:MAX_ROWS]):
        weight = "; font-weight: bold" if place < len(table.strong) and table.strong[place] else ""
        body.append("".join(f"<td{_side(right, weight)}>{esc(text)}</td>" for text, right in _cells(table, row)))
    rows = "".join(f"<tr>{cells}</tr>" for cells in body)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{soft(_hidden_rows(table))}"


def html_notes(notes: Iterable[str], signatures: Iterable[str] = ()) -> str:
    """What must be known, a line each, then signatures to be copied."""
    lines = [f"<li>{esc(text)}</li>" for text in notes]
    lines += [f"<li><code>{esc(text)}</code></li>" for text in signatures]
    return f'<ul style="margin: 0.2em 0; font-size: 90%">{"".join(lines)}</ul>' if lines else ""


def text_table(table: TextTable) -> str:
    """The same for a terminal."""
    import tabulate

    shown = [[one_line(cell) for cell in row] for row in table.rows[:MAX_ROWS]]
    sides = ["right" if right else "left" for right in table.numeric]
    text: str = tabulate.tabulate(
        shown, [*map(one_line, table.header)], tablefmt="simple", disable_numparse=True,
        colalign=sides if shown else None,
    )  # fmt: skip
    return "\n".join(filter(None, [text, _hidden_rows(table)]))


def _cells(table: TextTable, texts: Iterable[str]) -> list[tuple[str, bool]]:
    return list(zip(texts, table.numeric, strict=True))


def _side(right: bool, more: str = "") -> str:
    return f' style="text-align: {"right" if right else "left"}{more}"'


def _hidden_rows(table: TextTable) -> str:
    hidden = len(table.rows) - MAX_ROWS
    return f"and {hidden} more: all are in .frame" if hidden > 0 else ""
