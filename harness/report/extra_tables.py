"""Tables beside the boards, for the page: each under its board, or across boards where it belongs to none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..boards.board import Board
from ..boards.set_metrics import BoardSets
from .section import Section
from .set_metrics import explain_board_sets, set_facts, set_table, wide_set_table
from .tables import TextTable


@dataclass(frozen=True)
class Extra:
    """A table with its title and a sentence on how to read it; `board` is an index, None for the whole report.

    `recipes`: it compares recipes.
    """

    title: str
    table: TextTable
    note: str = ""
    board: int | None = None
    recipes: bool = False


def of_sets(sets: Sequence[BoardSets | None], boards: Sequence[Board]) -> list[Extra]:
    """The set metrics of each board, with how to read them."""
    return [
        Extra(
            "Set metrics",
            set_table(metrics) if _has_notes(metrics) else wide_set_table(metrics),
            " ".join([*explain_board_sets(board, metrics), "; ".join(set_facts(metrics)) + "."]),
            place,
        )
        for place, (metrics, board) in enumerate(zip(sets, boards, strict=True))
        if metrics is not None
    ]


def _has_notes(sets: BoardSets) -> bool:
    """Whether a value has a note, which needs a column of its own."""
    return any(value.note for values in sets.values.values() for value in values.values())


def of_sections(sections: Sequence[Section], boards: Sequence[Board]) -> list[Extra]:
    """The tables of sections; one that is about a board, or has the title of exactly one, belongs to it."""
    titles = [board.title for board in boards]
    tables = []
    for section in sections:
        of = section.board or section.title
        board = titles.index(of) if titles.count(of) == 1 else None
        for place, (caption, table) in enumerate(section.tables):
            title = caption if board is not None else f"{section.title}: {caption}"
            note = " ".join(section.lines) if place == 0 else ""
            tables.append(Extra(title, table, note, board, section.recipes))
    return tables
