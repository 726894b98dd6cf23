"""How the numbers of each column of a board are written. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from ..text.notation import Notation, notation_of, telling_apart
from .rows import Column, Row


def noted(columns: Iterable[Column], rows: Sequence[Row], rank_by: Column | None) -> dict[str, Column]:
    """The columns by label, each with the notation of its means; that of `rank_by` shows what the test tells apart."""
    by_label = {}
    for column in columns:
        notation = notation_of((row.scores[column.label].mean for row in rows), column.decimals)
        if column == rank_by:
            notation = telling_apart(notation, alike(notation, column, rows))
        by_label[column.label] = replace(column, chosen=notation)
    return by_label


def alike(notation: Notation, column: Column, rows: Sequence[Row]) -> Iterator[tuple[float, float]]:
    """The means of each two rows that the paired test tells apart, of those that look alike."""
    by_text: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_text[notation.text(row.scores[column.label].mean)].append(row)
    for those in by_text.values():
        for place, one in enumerate(those):
            for other in those[:place]:
                if one.label in other.apart:
                    yield one.scores[column.label].mean, other.scores[column.label].mean
