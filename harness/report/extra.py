"""Tables beside the boards (matrices, sensitivities, set distances …): every report shows what stands here.

Whoever has a table to show adds a function `(boards, records) → list of Extra` to `MAKERS`; the page shows each
under its board, or under "More" where it belongs to none. Plots need nothing: the page shows every plot of `plots/`
that it does not draw itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..analysis.board import Board
from ..store.record import Record
from .tables import Table


@dataclass(frozen=True)
class Extra:
    """A table with its title and a sentence on how to read it; `board` is an index, None for the whole report."""

    title: str
    table: Table
    note: str = ""
    board: int | None = None


Maker = Callable[[Sequence[Board], Sequence[Record]], "list[Extra]"]
MAKERS: list[Maker] = []


def extras(boards: Sequence[Board], records: Sequence[Record]) -> list[Extra]:
    """Every table beside the boards, in the order of their makers."""
    return [extra for make in MAKERS for extra in make(boards, records)]
