"""Curves of the methods of a board in one figure: a line a method, named in a legend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...boards.board import Board
from ...boards.rows import Row
from ...statistics.paired_tests import Floats
from ...text.errors import one_line
from ..escape import slug
from .drawing import MAX_LINES, Plot, fit, legend_names, new_figure, place, plain_number, save
from .looks import Looks
from .sheets import Sheet

Curve = tuple[Row, Floats, Floats]
"""A method, and the places and heights of its line."""


@dataclass(frozen=True)
class CurvePanel:
    """How curves are drawn. `steps` draws stairs, `marked` each point; `family` and `kind` name the plot.

    `diagonal`: a grey line from (0, 0) to (1, 1), with both axes from 0 to 1.
    """

    kind: str
    across: str
    up: str
    legend: str
    steps: bool = False
    marked: bool = False
    diagonal: bool = False
    family: str = "drawing"


def draw_curves(
    panel: CurvePanel, board: Board, curves: Sequence[Curve], number: int, looks: Looks, sheet: Sheet, caption: str
) -> Plot:
    """A figure of the first curves, heights from 0 to 1."""
    k, drawn = sheet.scale, curves[:MAX_LINES]
    head, foot, margin, right = 0.36 * k, 0.46 * k, 0.6 * k, 0.12 * k
    height = sheet.tall(head + foot + 2.4 * k)
    figure = new_figure(sheet.width, height)
    across = sheet.width - margin - right
    axes = place(figure, margin, foot, across, height - head - foot)
    names = legend_names([row.label for row, _, _ in drawn], 2.2 * k, sheet.text)
    if panel.diagonal:
        axes.plot([0, 1], [0, 1], color="#c9ced6", linewidth=0.8 * k)
        axes.set_xlim(0, 1)
    for row, x, y in drawn:
        look = looks[row.label]
        style = "steps-pre" if panel.steps else "default"
        marks = (
            {"marker": look.marker, "markersize": 4.0 * k, "markerfacecolor": "white", "clip_on": False}
            if panel.marked
            else {}
        )
        axes.plot(x, y, drawstyle=style, color=look.colour, linestyle=look.dash, label=names[row.label], **marks)
    if not panel.diagonal:
        axes.set_xlim(left=0)
    axes.set_ylim(0, 1)
    axes.xaxis.set_major_formatter(plain_number)
    axes.yaxis.set_major_formatter(plain_number)
    axes.set_xlabel(fit(panel.across, across, sheet.text))
    axes.set_ylabel(fit(panel.up, height - head - foot, sheet.text))
    axes.legend(loc=panel.legend)
    heading = fit(board.title, sheet.width - 0.3, sheet.heading)
    figure.text(0.5, 1 - 0.16 * k / height, heading, ha="center", va="center", fontsize=sheet.heading)
    return save(figure, f"{panel.family}-{number:02d}-{panel.kind}-{slug(board.title, 48)}", one_line(caption, 900))
