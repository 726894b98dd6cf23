"""Tables and paragraphs that fit the width of a terminal: columns are dropped first, then long texts are cut."""

from __future__ import annotations

import shutil
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .errors import one_line

USUAL = 100
"""The width of a line where no terminal and no COLUMNS says it."""
_GAP = 2
_LONGEST = 400
"""Letters of a text that are looked at: no terminal has room for more."""


@dataclass(frozen=True)
class TextColumn:
    """A column of a table: `drop` says when it goes where there is no room, the largest first, and 0 stays.

    Its texts are cut down to no less than `least` places, at their end or in the `middle`; without `least` they stay.
    """

    title: str
    right: bool = False
    drop: int = 0
    least: int = 0
    middle: bool = False


def terminal_width() -> int:
    """How many places a line has."""
    return max(20, shutil.get_terminal_size((USUAL, 24)).columns)


def places(text: str) -> int:
    """How many places of a terminal a text takes: ideographs two, accents that join the letter before them none."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return len(text) + wide - sum(unicodedata.combining(letter) > 0 for letter in text)


def cut(text: str, most: int) -> str:
    """A text, or as much of its beginning as takes `most` places."""
    if places(text) <= most:
        return text
    while text and places(text) >= most:
        text = text[:-1]
    return text.rstrip() + "…"


def cut_middle(text: str, most: int) -> str:
    """A text, or as much of both its ends as takes `most` places: what tells sweeps apart stands at the end."""
    if places(text) <= most:
        return text
    head = cut(text, most - (most - 1) // 2)
    tail = text
    while tail and places(head) + places(tail) > most:
        tail = tail[1:]
    return head + tail


def fitted(columns: Sequence[TextColumn], rows: Iterable[Sequence[str]], width: int) -> list[str]:
    """The lines of an aligned table, its head first, none wider than `width`. A column without any text is left out."""
    texts = [[one_line(column.title, _LONGEST)] for column in columns]
    for row in rows:
        for cells, text in zip(texts, row, strict=True):
            cells.append(one_line(text, _LONGEST))
    shown = [(column, cells) for column, cells in zip(columns, texts, strict=True) if any(cells[1:]) or not cells[1:]]
    while _least_width(shown) > width and (droppable := [column for column, _ in shown if column.drop]):
        last = max(droppable, key=lambda column: column.drop)
        shown = [pair for pair in shown if pair[0] is not last]
    widths = _widths(shown, width)
    lines = []
    for place in range(len(shown[0][1]) if shown else 0):
        parts = []
        for (column, cells), most in zip(shown, widths, strict=True):
            text = (cut_middle if column.middle and place else cut)(cells[place], most)
            pad = " " * (most - places(text))
            parts.append(pad + text if column.right else text + pad)
        lines.append(cut((" " * _GAP).join(parts).rstrip(), width))
    return lines


def _natural(cells: Sequence[str]) -> int:
    return max(map(places, cells))


def _least_width(shown: Sequence[tuple[TextColumn, Sequence[str]]]) -> int:
    """How wide a table is with its texts cut as far as they may be."""
    widths = [min(_natural(cells), column.least or _natural(cells)) for column, cells in shown]
    return sum(widths) + _GAP * (len(widths) - 1)


def _widths(shown: Sequence[tuple[TextColumn, Sequence[str]]], width: int) -> list[int]:
    """The width of each column: those that may be cut share what the others leave, the widest gives first."""
    widths = [_natural(cells) for _, cells in shown]
    excess = sum(widths) + _GAP * (len(widths) - 1) - width
    while excess > 0:
        room = [(size, at) for at, size in enumerate(widths) if 0 < shown[at][0].least < size]
        if not room:
            break
        widths[max(room)[1]] -= 1
        excess -= 1
    return widths


def wrapped(text: str, width: int, indent: str = "", first: str = "") -> list[str]:
    """A text in lines of at most `width`, behind `first` and then `indent`; a word that is longer is broken."""
    return textwrap.wrap(
        one_line(text, 10_000), width, initial_indent=first, subsequent_indent=indent, break_on_hyphens=False
    )


def listed(parts: Iterable[str], width: int, between: str = " · ", indent: str = "  ") -> list[str]:
    """Parts in lines of at most `width`, broken between two of them, and inside of one that is longer than a line."""
    lines: list[str] = []
    for part in parts:
        if lines and places(joined := f"{lines[-1]}{between}{part}") <= width:
            lines[-1] = joined
        else:
            lines += wrapped(part, width, indent, indent if lines else "")
    return lines
