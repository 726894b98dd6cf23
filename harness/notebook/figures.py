"""Figures of a result and of a board, in the style of the report; they need no pyplot, and leave it as it is."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ..boards.board import Board
from ..boards.rows import Column, Row
from ..report.plots.axis_text import metric_text
from ..report.plots.drawing import fit, place, styled, text_width
from ..report.plots.looks import COLOURS, GREY, looks_of
from ..report.plots.sheets import HOUSE
from ..report.tables import rank_text
from ..text.errors import UsageError

MAX_NAMED, MAX_METHODS = 40, 40
"""Items up to which each has its name on a figure, and methods that are drawn of a board."""
DPI = 200
LINE, ABOVE, BELOW, GAP = 0.165, 0.34, 0.62, 0.08
"""Inches: a named line, the room above and below the axes, and the gap between a name and the axes."""


class NotebookFigure(Figure):
    """A figure that a notebook shows without pyplot: as a sharp PNG, as wide as it is in print."""

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        out = io.BytesIO()
        with styled(), warnings.catch_warnings():
            # Names may hold characters that the font lacks; a box is drawn in their place.
            warnings.simplefilter("ignore")
            self.savefig(out, format="png", dpi=DPI)
        width, height = (round(float(inches) * 100) for inches in self.get_size_inches())
        return out.getvalue(), {"width": width, "height": height}


def draw_items(board: Board, row: Row, column: Column, interval: tuple[float, float] | None) -> Figure:
    """The score of each item of one method, worst at the top, with the mean and its `interval`.

    Items with an infinite score, or with none, are counted below. Raises `UsageError` where no other is left.
    """
    score = row.scores[column.label]
    shown = [(float(v), item) for item, v in zip(board.items, score.by_item, strict=True) if np.isfinite(v)]
    if not shown:
        raise UsageError(f"{column.label} has no finite score here: there is nothing to draw")
    shown.sort(key=lambda pair: (pair[0] if column.higher else -pair[0], pair[1]))
    named = len(shown) <= MAX_NAMED
    names = [fit(item, 1.6) for _, item in shown] if named else []
    with styled():
        height = max(1.2, LINE * len(shown)) if named else 3.0
        axes = _axes(max((text_width(name, 8) for name in names), default=0.3) + GAP, height)
        axes.plot([v for v, _ in shown], range(len(shown)), "o", color=COLOURS[0], clip_on=False, zorder=3,
                  markersize=4.2 if named else 2.5)  # fmt: skip
        if interval is not None:
            axes.axvspan(*interval, color=COLOURS[0], alpha=0.12, linewidth=0)
        if np.isfinite(score.mean):
            axes.axvline(score.mean, color=COLOURS[0], linewidth=1.1)
        _name_lines(axes, names or [""] * len(shown))
        if not named:
            axes.set_ylabel(f"{len(shown)} {board.words['items']}, worst at the top")
        _name_values(
            axes,
            f"{metric_text(board.track, column)} of each {board.words['item']}",
            _legend(column, score.mean, interval, len(score.by_item) - len(shown)),
        )
        return _finished(axes, f"{row.label} · {board.title}")


def draw_board(board: Board) -> Figure:
    """The mean difference of each ranked method to the best one with its interval, in the order of the board.

    Filled are those that may be first. Raises `UsageError` where no method is ranked.
    """
    column = board.rank_by
    rows = [row for row in board.ranked if row.difference is not None]
    if column is None or not rows:
        raise UsageError(f"no method is ranked on {board.title}: there is nothing to draw")
    left_out = len(rows) - MAX_METHODS
    rows = rows[:MAX_METHODS]
    names = [fit(row.label, 2.2) for row in rows]
    looks = looks_of([board])
    with styled():
        margin = max(text_width(name, 8) for name in names) + GAP
        axes = _axes(margin, max(0.8, 1.25 * LINE * len(rows)), right=0.6)
        axes.axvline(0.0, color="#444444", linewidth=0.7)
        for line, row in enumerate(rows):
            colour = looks[row.label].colour
            first = row.ranks is not None and row.ranks[0] == 1
            if row.interval is not None:
                axes.plot(row.interval, [line, line], "-", color=colour, linewidth=1.4, zorder=2)
            axes.plot([row.difference], [line], "o", color=colour, markersize=5.5, zorder=3, clip_on=False,
                      markerfacecolor=colour if first else "white", markeredgewidth=1.3)  # fmt: skip
            _text_beside(axes, rank_text(row.ranks), line)
        _text_beside(axes, "rank", -0.95, color=GREY)
        _name_lines(axes, names)
        legend = "lines: 95 % intervals; filled: may be first"
        more = f"; {left_out} more methods are not drawn" if left_out > 0 else ""
        _name_values(axes, f"mean difference to the best, {metric_text(board.track, column)}", legend + more)
        return _finished(axes, board.setting)


def _axes(margin: float, height: float, right: float = 0.2) -> Any:
    """Axes `height` inches high between `left` inches of names and `right`, as wide as the figures of a report."""
    figure = NotebookFigure(figsize=(HOUSE.width, height + ABOVE + BELOW))
    edge = 0.12 + margin
    return place(figure, edge, BELOW, HOUSE.width - edge - right, height)


def _name_lines(axes: Any, names: list[str]) -> None:
    axes.set_yticks(range(len(names)) if any(names) else [], names if any(names) else [])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.margins(x=0.06)


def _text_beside(axes: Any, text: str, line: float, **look: Any) -> None:
    """A text on the right of the axes, half an inch away from them."""
    where = {"xycoords": axes.get_yaxis_transform(), "textcoords": "offset points", "annotation_clip": False}
    axes.annotate(text, (1.0, line), (36, 0), ha="right", va="center", **where, **look)


def _legend(column: Column, mean: float, interval: tuple[float, float] | None, missing: int) -> str:
    """What is drawn beside the items, and how many of them are not."""
    parts = [f"line: mean {column.notation.text(mean)}"] if np.isfinite(mean) else []
    parts += ["band: its 95 % interval"] if interval is not None else []
    return "; ".join([*parts, *([f"{missing} without a finite score"] if missing else [])])


def _name_values(axes: Any, name: str, legend: str) -> None:
    """What the values are, and below it how the figure is read."""
    width = axes.get_position().width * HOUSE.width
    axes.set_xlabel("\n".join(fit(text, width) for text in (name, legend)))


def _finished(axes: Any, title: str) -> Figure:
    """The figure with its title; all of its text is made here, in the house style."""
    axes.set_title(fit(title, HOUSE.width - 0.4, 9), loc="left")
    figure: Figure = axes.figure
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        figure.draw_without_rendering()
    return figure
