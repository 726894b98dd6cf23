"""Stored results in Python: what a store or an export holds, its rows, and its boards as the report has them."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ..boards.failures import Failure
from ..data.folders import path_of
from ..report.data import ReportData, report_data
from ..report.tables import TextTable, failure_table
from ..store.reading import read_genuine
from ..store.results import Results
from ..text.errors import UsageError, one_line
from ..text.wording import counted
from .frames import frame_of
from .leaderboard import Leaderboard
from .tables import html_block, html_notes, html_table, text_table

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False, repr=False)
class StoredResults:
    """The cells of a store or export as they were when it was read.

    `left_out` names each cell that is damaged or was edited by hand, a line each: it is in no frame and on no board.

        >>> results = nb.read_results("results/quick.parquet")
        >>> results
        StoredResults(results/quick.parquet: 7 cells: 7 ok · 6 methods · 1 dataset · 1 regime · 1 cost)
        >>> results.boards, len(results.failures)
        ((Leaderboard(photos · gaussian(sigma=25): 6 methods),), 0)
    """

    source: str
    records: Results
    left_out: tuple[str, ...] = ()

    @property
    def frame(self) -> pandas.DataFrame:
        """The rows, one a cell and item, as `nb.frame` has them."""
        return frame_of(self.records)

    @cached_property
    def boards(self) -> tuple[Leaderboard, ...]:
        """Every board, in the order of the report; of methods that were edited the newest version."""
        return tuple(map(Leaderboard, self._report.boards, self._report.sets))

    @property
    def failures(self) -> tuple[Failure, ...]:
        """The cells that are on no board: which, what came of them, and why."""
        return tuple(self._report.failures)

    def plot(self, board: int = 0) -> Figure:
        """The figure of one of `boards`, by its place. Raises `UsageError` where there is none."""
        if not 0 <= board < len(self.boards):
            raise UsageError(f"no board {board}: {one_line(self.source)} has {len(self.boards)} boards, counted from 0")
        return self.boards[board].plot()

    def __repr__(self) -> str:
        return f"StoredResults({one_line(self.source)}: {one_line(self._facts)})"

    def __str__(self) -> str:
        tables = [f"{text_table(table)}\n" for _, table in self._tables()]
        return "\n".join([one_line(self.source), one_line(self._facts), "", *tables, *map(one_line, self._notes())])

    def _repr_html_(self) -> str:
        tables = [html_block(title, "", html_table(table)) for title, table in self._tables()]
        return html_block(self.source, self._facts, *tables, html_notes(self._notes()))

    @cached_property
    def _report(self) -> ReportData:
        return report_data(self.records, one_line(self.source))

    @property
    def _facts(self) -> str:
        """`12 cells: 10 ok, 2 failed · 5 methods · 1 dataset · 2 regimes`."""
        cells = [record.cell for record in self.records]
        scored = [cell for cell in cells if cell.kind == "score"]
        outcomes = Counter(cell.outcome for cell in cells)
        counts = ", ".join(f"{n} {outcome}" for outcome, n in sorted(outcomes.items(), key=lambda o: (-o[1], o[0])))
        parts = [counted(len(cells), "cell") + (f": {counts}" if counts else "")]
        parts.append(counted(len({cell.method.spec for cell in cells}), "method"))
        if scored:
            parts.append(counted(len({cell.dataset.fingerprint for cell in scored}), "dataset"))
            parts.append(counted(len({cell.regime.spec for cell in scored}), "regime"))
        if len(scored) < len(cells):
            parts.append(counted(len(cells) - len(scored), "cost"))
        return " · ".join(parts)

    def _tables(self) -> list[tuple[str, TextTable]]:
        """What boards there are, and the cells that are on none."""
        tables = []
        if self.boards:
            rows = tuple(_line(place, one) for place, one in enumerate(self.boards))
            head = ("", "board", "protocol", "seeds", self._report.words["items"], "methods", "best, or tied for it")
            tables.append(("Boards", TextTable(head, (True, False, False, True, True, True, False), rows)))
        if self.failures:
            tables.append(("Failures and skips", failure_table(self.failures, self._report.words["items"])))
        return tables

    def _notes(self) -> list[str]:
        return [f"Left out: {line}" for line in self.left_out]


def read_results(path: str | os.PathLike[str]) -> StoredResults:
    """What a store or an export holds. Raises `UsageError` for what is neither.

    For example:

        >>> results = nb.read_results("results/demo.parquet")
        >>> len(results.boards), len(results.failures)
        (4, 3)
    """
    results, left_out = read_genuine(path_of(path, "a store or export"))
    return StoredResults(os.fspath(path), results, tuple(left_out))


def _line(place: int, one: Leaderboard) -> tuple[str, ...]:
    board = one.board
    seeds = ",".join(map(str, board.seeds))
    first = [row.label for row in board.ranked if row.ranks is not None and row.ranks[0] == 1]
    more = f" and {len(first) - 4} more" if len(first) > 4 else ""
    shown = ", ".join(first[:4]) + more
    return str(place), board.title, board.protocol, seeds, str(len(board.items)), str(len(board.rows)), shown
