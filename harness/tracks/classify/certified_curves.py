"""Certified accuracy against the radius: what share of the pictures no change within it takes from its class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...boards.board import Board
from ...boards.rows import Row
from ...report.escape import slug
from ...report.plots.drawing import MAX_LINES, Plot, fit, legend_names, new_figure, place, plain_number, save
from ...report.plots.looks import Looks, looks_of
from ...report.plots.selection import limited
from ...report.plots.sheets import Sheet
from ...statistics.paired_tests import Floats
from ...text.errors import one_line

RADIUS = "certified_radius"
"""The metric by whose items a curve is drawn."""


def certified_curves(boards: Sequence[Board], most: int, notes: list[str], sheet: Sheet) -> list[Plot]:
    """A plot for each board of methods that certify, those with most methods first, at most `most`."""
    certified = [(board, radii) for board in boards if (radii := radii_of(board))]
    certified.sort(key=lambda one: -len(one[1]))
    looks = looks_of(boards)
    chosen = limited(certified, most, "certified accuracy against the radius", notes)
    return [_draw(board, radii, number, looks, sheet) for number, (board, radii) in enumerate(chosen, 1)]


def radii_of(board: Board) -> list[tuple[Row, Floats]]:
    """Each method of a board that certifies every picture, with the radii of all pictures and seeds, best first."""
    column = next((column for column in board.columns if column.name == RADIUS), None)
    if column is None:
        return []
    certified = []
    for row in board.rows:
        radii = row.scores[column.label].by_seed
        if row.inputs == board.inputs and radii is not None and radii.size and np.isfinite(radii).all():
            certified.append((row, radii.ravel()))
    return certified


def certified_curve(radii: Floats) -> tuple[Floats, Floats]:
    """The radii at which the share of those that are as large falls, from 0 on, and the share up to each of them."""
    at, count = np.unique(radii[radii > 0], return_counts=True)
    if not len(at):
        return np.zeros(1), np.zeros(1)
    share = count[::-1].cumsum()[::-1] / len(radii)
    return np.concatenate([[0.0], at, at[-1:]]), np.concatenate([share[:1], share, [0.0]])


def _draw(board: Board, methods: Sequence[tuple[Row, Floats]], number: int, looks: Looks, sheet: Sheet) -> Plot:
    k, drawn = sheet.scale, methods[:MAX_LINES]
    head, foot, margin, right = 0.36 * k, 0.46 * k, 0.6 * k, 0.12 * k
    height = sheet.tall(head + foot + 2.4 * k)
    figure = new_figure(sheet.width, height)
    across = sheet.width - margin - right
    axes = place(figure, margin, foot, across, height - head - foot)
    names = legend_names([row.label for row, _ in drawn], 2.2 * k, sheet.text)
    for row, radii in drawn:
        look = looks[row.label]
        at, share = certified_curve(radii)
        axes.plot(at, share, drawstyle="steps-pre", color=look.colour, linestyle=look.dash, label=names[row.label])
    axes.set_xlim(left=0)
    axes.set_ylim(0, 1)
    axes.xaxis.set_major_formatter(plain_number)
    axes.yaxis.set_major_formatter(plain_number)
    axes.set_xlabel(fit("radius (L2, values in [0, 1])", across, sheet.text))
    axes.set_ylabel(fit("certified accuracy", height - head - foot, sheet.text))
    axes.legend(loc="upper right")
    heading = fit(board.title, sheet.width - 0.3, sheet.heading)
    figure.text(0.5, 1 - 0.16 * k / height, heading, ha="center", va="center", fontsize=sheet.heading)
    words = board.words["items"]
    seeds = f" and seeds {', '.join(map(str, board.seeds))}" if len(board.seeds) > 1 else ""
    caption = (
        f"Certified accuracy against the radius on {board.title}: the share of {words}{seeds} that are put into the "
        "right class and that no change within the radius takes from it."
    )
    return save(figure, f"drawing-{number:02d}-certified-{slug(board.title, 48)}", one_line(caption, 900))
