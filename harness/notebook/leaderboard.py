"""One board of a store: ranked as the report ranks it, shown as text, table, frame and figure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..boards.board import Board
from ..boards.rows import Row
from ..boards.set_metrics import BoardSets
from ..report.leaderboard import row_numbers
from ..report.set_metrics import set_table
from ..report.tables import TextTable, board_table, facts, flags_text, remarks
from ..text.errors import one_line
from .frames import frame_class
from .tables import html_block, html_notes, html_table, text_table

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure


_REST = ("difference", "interval_low", "interval_high", "worst_5_percent", "below_optimum", "below_baseline",
         "latency_p50_ms", "latency_rel", "peak_memory_bytes", "params", "flags", "not_ranked", "spec")  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class Leaderboard:
    """All methods on one dataset under one regime and protocol, best first; `sets` are its set metrics if any.

    For example:

        >>> board = nb.read_results("results/quick.parquet").boards[0]
        >>> board
        Leaderboard(photos · gaussian(sigma=25): 6 methods)
        >>> board.frame[["method", "rank_low", "rank_high"]].values.tolist()[:3]
        [['bm3d', 1, 1], ['trained', 2, 2], ['nlm', 3, 4]]
    """

    board: Board
    sets: BoardSets | None = None

    @property
    def title(self) -> str:
        """Dataset and regime."""
        return self.board.title

    @property
    def frame(self) -> pandas.DataFrame:
        """A row a method, in the order of the board; columns as `leaderboard.csv` has them, numbers in full.

        `method`, `rank_low`, `rank_high`, each metric, `difference` to the best with `interval_low` and
        `interval_high`, `worst_5_percent`, `below_optimum`, `below_baseline`, `latency_p50_ms`, `latency_rel`,
        `peak_memory_bytes`, `params`, `flags`, `not_ranked`, `spec`. A number that is not there is NaN, a rank NA.
        """
        metrics = [column.label for column in self.board.columns]
        columns = ["method", "rank_low", "rank_high", *metrics, *_REST]
        table = frame_class()([self._values(row) for row in self.board.rows], columns=columns)
        return table.astype({"rank_low": "Int64", "rank_high": "Int64"})

    def plot(self) -> Figure:
        """The mean difference of each method to the best with its 95 % interval. Raises `UsageError` without a rank."""
        from .figures import draw_board

        return draw_board(self.board)

    def __repr__(self) -> str:
        n = len(self.board.rows)
        return f"Leaderboard({one_line(self.title)}: {n} method{'' if n == 1 else 's'})"

    def __str__(self) -> str:
        tables = [f"{text_table(table)}\n" for table in self._tables()]
        head = f"{one_line(self.title)}\n{one_line(facts(self.board))}\n"
        return "\n".join([head, *tables, *map(one_line, self._notes()), *self.board.signatures.values()])

    def _repr_html_(self) -> str:
        tables = [html_table(table) for table in self._tables()]
        notes = html_notes(self._notes(), self.board.signatures.values())
        return html_block(self.title, facts(self.board), *tables, notes)

    def _tables(self) -> list[TextTable]:
        return [
            *([board_table(self.board)] if self.board.rows else []),
            *([set_table(self.sets)] if self.sets is not None else []),
        ]

    def _notes(self) -> list[str]:
        none = [] if self.board.rows else ["No method has a result here."]
        return [*none, *(f"Warning: {text}" for text in self.board.warnings), *remarks(self.board)]

    def _values(self, row: Row) -> dict[str, Any]:
        return {
            "method": row.label,
            **{column.label: row.scores[column.label].mean for column in self.board.columns},
            **{name: math.nan if value is None else float(value) for name, value in row_numbers(row).items()},
            "below_baseline": row.below_baseline, "flags": flags_text(row), "not_ranked": row.unranked,
            "spec": row.spec,
        }  # fmt: skip
