"""What a cell got wrong, for reports: `mistakes.json` beside its rows, and the same in an export.

A line an item that was got wrong, in their order: its place, the truth, what was said, how likely that was held to be,
and its picture, of the first alone. The file is there too where nothing was wrong; no seal covers it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..data.disk import read_regular
from ..text.json_values import parsed
from .record import Mistake

PICTURED = 8
"""A cell keeps pictures of so many items that it got wrong, the first."""

Noted = list[Any] | None
"""A mistake as the row of an unfinished cell holds it, None for what is right."""


def noted(mistake: Mistake | None) -> Noted:
    """A mistake as values of JSON."""
    if mistake is None:
        return None
    picture = None if mistake.picture is None else base64.b64encode(mistake.picture).decode()
    return [mistake.truth, mistake.answer, mistake.likely, picture]


def mistakes_text(noted: Mapping[int, Noted]) -> str:
    """`mistakes.json` of a cell, from what is noted of each place; the pictures of the first are kept."""
    kept = set(sorted(pictured_in(noted))[:PICTURED])
    wrong = [[place, *one] for place, one in sorted(noted.items()) if one is not None]
    return json.dumps([line if line[0] in kept else [*line[:-1], None] for line in wrong])


def pictured_in(noted: Mapping[int, Noted]) -> list[int]:
    """The places of mistakes that have a picture."""
    return [place for place, one in noted.items() if one is not None and one[-1] is not None]


def read_mistakes(file: Path, items: Sequence[str]) -> tuple[Mistake, ...] | None:
    """The mistakes of a cell with these items, None where none are kept or they are damaged."""
    try:
        return mistakes_of(parsed(read_regular(file)), items, _decoded)
    except (OSError, ValueError, TypeError):
        return None


def _decoded(text: Any) -> bytes:
    if not isinstance(text, str):
        raise ValueError("a picture is no text")
    return base64.b64decode(text, validate=True)


def mistakes_of(lines: Any, items: Sequence[str], picture: Callable[[Any], bytes]) -> tuple[Mistake, ...]:
    """The mistakes that `lines` tell of; `picture` finds the one that a line names. Raises ValueError."""
    if not isinstance(lines, list):
        raise ValueError("`mistakes` is no list")
    mistakes, texts, last = [], dict[str, str](), -1
    for line in lines:
        if not isinstance(line, list) or len(line) != 5:
            raise ValueError("a mistake has not 5 values")
        place, truth, answer, likely, shown = line
        if type(place) is not int or not last < place < len(items):
            raise ValueError("a mistake is of no item, or out of order")
        if not isinstance(truth, str) or not isinstance(answer, str):
            raise ValueError("a mistake says what is no text")
        if likely is not None and (type(likely) not in (int, float) or not 0 <= likely <= 1):
            raise ValueError("a mistake has what is no probability")
        # Few answers are given of many items: one copy of each.
        truth, answer = texts.setdefault(truth, truth), texts.setdefault(answer, answer)
        mistakes.append(Mistake(items[place], truth, answer, likely, None if shown is None else picture(shown)))
        last = place
    return tuple(mistakes)
