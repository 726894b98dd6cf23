"""What the table of a paper is: methods by levels, each cell a mean of each metric with its mark."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ...boards.board import Board
from ...boards.rows import Column
from ..latex_table import USUAL, Width
from .marks import Mark


@dataclass(frozen=True)
class TableOptions:
    """What an author chooses; empty: the first metrics, their own digits, the way that fits, all methods, no costs."""

    metrics: tuple[str, ...] = ()
    digits: tuple[int, ...] = ()
    rows: Literal["", "methods", "levels"] = ""
    methods: tuple[str, ...] = ()
    costs: tuple[str, ...] = ()
    width: Width = USUAL


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean with its mark, or a cost: `value` is None where there is none; `note` says why, or what it leaves out.

    `letter` is that of the note among the footnotes of the table.
    """

    value: float | None
    mark: Mark = ""
    note: str = ""
    ranks: tuple[int, int] | None = None
    identical: int = 0
    letter: str = ""


@dataclass(frozen=True)
class Level:
    """One dataset under one regime: a column, or a row where methods run across."""

    board: Board
    title: str
    dataset: str


@dataclass(frozen=True)
class Line:
    """One method at every level: a `Mean` for each metric. `apart` stands before the others: not there to win.

    `costs` are those of the table, in its order, measured at the input that `setting` says; empty where none was.
    """

    label: str
    specs: tuple[str, ...]
    apart: bool
    cells: tuple[tuple[Mean, ...], ...]
    costs: tuple[Mean, ...] = ()
    setting: str = ""


@dataclass(frozen=True, eq=False)
class PaperTable:
    """Methods × levels under one protocol; `columns` are the metrics of a cell, printed with so many `digits`.

    `costs` are the names of those that stand before the levels.
    `footnotes` are what cells refer to, by their letter; `remarks` what else must be known; `down` what the rows are.
    """

    columns: tuple[Column, ...]
    digits: tuple[int, ...]
    levels: tuple[Level, ...]
    lines: tuple[Line, ...]
    down: Literal["methods", "levels"]
    caption: str
    remarks: tuple[str, ...]
    signatures: tuple[str, ...]
    footnotes: Mapping[str, str] = field(default_factory=dict)
    costs: tuple[str, ...] = ()

    @property
    def groups(self) -> list[tuple[str, int]]:
        """Each dataset and how many levels it has, in their order."""
        sizes: dict[str, int] = {}
        for level in self.levels:
            sizes[level.dataset] = sizes.get(level.dataset, 0) + 1
        return list(sizes.items())
