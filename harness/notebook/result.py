"""What `nb.evaluate` gives: the scores of one method on one dataset under one regime, and how they are shown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..boards.board import Board
from ..boards.build import boards
from ..boards.rows import Column, Row
from ..boards.signature import signature
from ..boards.units import overlap_remark
from ..report.set_metrics import part_table
from ..report.tables import TextTable, metric_title
from ..statistics.exact_scores import compared
from ..statistics.paired_tests import MIN_ITEMS, Floats, mean_differences
from ..store.cell_json import plain_values
from ..store.record import Record
from ..text.errors import UsageError, nearest, one_line
from .frames import frame_class
from .tables import html_block, html_notes, html_table, text_table

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """Scores of one method on one dataset under one regime: means are attributes (`.psnr`), as a board has them.

    A mean leaves out items that are exact (an infinite PSNR) as long as others are not; equal items, and those of one
    group, count once. A set metric is an attribute too (`.kid`), NaN where it was refused. `record` is what a run
    would have stored.

        >>> result = nb.evaluate("gaussian_filter", "gaussian_field(n=2, size=32)", "gaussian(sigma=50)")
        >>> [row["item"] for row in result.rows], bool(result.psnr == np.mean([row["psnr"] for row in result.rows]))
        (['gaussian_field_000', 'gaussian_field_001'], True)
        >>> result.signature("psnr").split("|")[:3]
        ['psnr', 'uint8@1', 'gaussian(sigma=50)@1']
    """

    record: Record

    @property
    def track(self) -> str:
        """The field of work, such as `restore`."""
        return self.record.cell.track

    @property
    def method(self) -> str:
        """The spec of the method, or the name of the function."""
        return self.record.cell.method.display

    @property
    def dataset(self) -> str:
        """The spec of the dataset."""
        return self.record.cell.dataset.display

    @property
    def regime(self) -> str:
        """The spec of the regime."""
        return self.record.cell.regime.display

    @property
    def protocol(self) -> str:
        """The spec of the protocol."""
        return self.record.cell.protocol.display

    @property
    def seed(self) -> int:
        """The seed of the noise."""
        return self.record.cell.seed

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """One an item: `item`, `input_sha256`, `output_sha256`, `seconds`, `note`, and each metric as a float.

        A score that is not defined is NaN, with the reason in `note`.
        """
        record = self.record
        columns: dict[str, Sequence[Any]] = {
            "item": record.items, "input_sha256": record.input_sha256, "output_sha256": record.output_sha256,
            "seconds": record.seconds.tolist(), "note": record.notes,
            **{name: values.tolist() for name, values in record.scores.items()},
        }  # fmt: skip
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    @property
    def sets(self) -> dict[str, Any]:
        """The metrics of the whole set by name, each the fields of a `SetPart` (see store/cell.py)."""
        return {name: plain_values(part) for name, part in self.record.cell.sets.items()}

    @property
    def higher(self) -> dict[str, bool]:
        """Of each metric, whether more is better."""
        return {name: part.higher for name, part in self.record.cell.metrics.items()}

    @cached_property
    def board(self) -> Board:
        """The board on which this method stands alone: whence means, units and signatures are."""
        return boards([self.record])[0]

    def mean(self, metric: str) -> float:
        """Mean over items, or the value of a set metric. Raises `UsageError` for one that was not asked for."""
        if metric in self.sets:
            value = self.sets[metric]["value"]
            return math.nan if value is None else float(value)
        return self._row.scores[self._column(metric).label].mean

    def interval(self, metric: str) -> tuple[float, float] | None:
        """The 95 % interval of the mean (low, high), None where there is none: below 6 items, or an undefined score.

        Bootstrap-t over the items that the mean is over, or what a set metric has. Raises `UsageError` as `mean`.
        """
        if metric in self.sets:
            bounds = self.sets[metric]["interval"]
            return None if bounds is None else (float(bounds[0]), float(bounds[1]))
        values = self._averaged(self._column(metric))
        if not np.isfinite(values).all():
            return None
        (judgement,) = mean_differences([values[None]], self.signature(metric))
        low, high = map(float, judgement.interval[0])
        return None if math.isnan(low) else (low, high)

    def signature(self, metric: str) -> str:
        """The line that pins the score down: `psnr|uint8@1|gaussian(sigma=25)@1|photos:…|seed 0|noisebench …`."""
        if metric in self.sets:
            version = self.sets[metric]["version"]
            made_by = ",".join(self.board.environment["noisebench"])
            return signature(self.record.cell, metric, version, (self.seed,), made_by)
        return self.board.signatures[self._column(metric).label]

    @property
    def frame(self) -> pandas.DataFrame:
        """The rows as a frame: `item`, each metric, `seconds`, `input_sha256`, `output_sha256`, `note`."""
        return frame_class()(
            self.rows, columns=["item", *self.record.scores, "seconds", "input_sha256", "output_sha256", "note"]
        )

    def plot(self, metric: str = "") -> Figure:
        """The score of each item, worst to best, with the mean and its interval; of what a board ranks by.

        Raises `UsageError` for a metric that was not asked for, or without a number to draw.
        """
        from .figures import draw_items

        column = self._column(metric) if metric else self.board.rank_by
        if column is None:
            raise UsageError("this result has metrics of the whole set alone: there is nothing to draw of an item")
        return draw_items(self.board, self._row, column, self.interval(column.name))

    def __getattr__(self, name: str) -> float:
        if name.startswith("_") or name == "record":
            raise AttributeError(name)
        try:
            return self.mean(name)
        except UsageError as error:
            raise AttributeError(str(error)) from None

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.record.scores, *self.sets]

    def __repr__(self) -> str:
        named = {column.name: column for column in self.board.columns}
        means = [
            f"{name} {named[name].notation.text(self.mean(name))} {named[name].unit}".rstrip()
            if name in named
            else f"{name} {self.mean(name):.4g}"
            for name in (*named, *self.sets)
        ]
        return f"Result({one_line(self._heading)}: {one_line(', '.join(means))})"

    def __str__(self) -> str:
        tables = [f"{text_table(table)}\n" for table in self._tables()]
        notes = [one_line(note) for note in self._notes()]
        head = f"{one_line(self._heading)}\n{one_line(self._facts)}\n"
        return "\n".join([head, *tables, *notes, *self._signatures()])

    def _repr_html_(self) -> str:
        tables = [html_table(table) for table in self._tables()]
        return html_block(self._heading, self._facts, *tables, html_notes(self._notes(), self._signatures()))

    @property
    def _row(self) -> Row:
        if not self.board.rows:
            raise UsageError(f"this result is incomplete: {self.board.failures[0].reason}")
        return self.board.rows[0]

    def _column(self, metric: str) -> Column:
        chosen = next((column for column in self.board.columns if column.name == metric), None)
        if chosen is None:
            known = [*self.record.scores, *self.sets]
            raise UsageError(f"no metric {one_line(repr(metric), 80)} in this result: name it in metrics=; "
                             f"{nearest(str(metric), known)}")  # fmt: skip
        return chosen

    def _averaged(self, column: Column) -> Floats:
        """The scores (units,) that the mean of a metric is over."""
        values = self._row.scores[column.label].values
        kept: Floats = values[compared(values[None], column.higher)]
        return kept

    @property
    def _heading(self) -> str:
        return f"{self.method} · {self.board.title}"

    @property
    def _facts(self) -> str:
        board = self.board
        return f"protocol {board.protocol} · {board.seeds_text} · {board.units.text(board.words)}"

    def _tables(self) -> list[TextTable]:
        """Means with their intervals, then the set metrics; a table that would be empty is left out."""
        board = self.board
        rows = []
        for column in board.columns:
            interval = self.interval(column.name)
            between = "–" if interval is None else "[{}, {}]".format(*(column.notation.text(v) for v in interval))
            mean = self.mean(column.name)
            count = "–" if math.isnan(mean) else str(len(self._averaged(column)))
            rows.append((metric_title(column), column.notation.text(mean), between, count))
        head = ("metric", "mean", "95 % interval", board.units.words(board.words))
        return [
            *([TextTable(head, (False, True, True, True), tuple(rows))] if rows else []),
            *([part_table(self.sets)] if self.sets else []),
        ]

    def _notes(self) -> list[str]:
        """What is left out and why, and what the numbers rest on."""
        board, notes = self.board, []
        items = board.units.words(board.words)
        for column in board.columns:
            score = self._row.scores[column.label]
            if score.note:
                omitted = ", in no mean" if score.identical and math.isfinite(score.mean) else ""
                notes.append(f"{column.label}: {score.note}{omitted}")
        if board.columns and board.units.count < MIN_ITEMS:
            notes.append(f"no interval: it needs {MIN_ITEMS} {items} at least")
        notes += [board.units.remark(board.words)] if board.units.merged else []
        return [*notes, *filter(None, [overlap_remark(self.record.cell)]), *self._row.notes]

    def _signatures(self) -> list[str]:
        return [self.signature(name) for name in (*self.record.scores, *self.sets)]
