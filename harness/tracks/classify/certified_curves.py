"""Certified accuracy against the radius: what share of the pictures no change within it takes from its class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...boards.board import Board
from ...boards.rows import Row
from ...report.plots.curve_panels import CurvePanel, draw_curves
from ...report.plots.drawing import Plot
from ...report.plots.looks import Looks, looks_of
from ...report.plots.selection import limited
from ...report.plots.sheets import Sheet
from ...statistics.paired_tests import Floats

RADIUS = "certified_radius"
"""The metric by whose items a curve is drawn."""
_PANEL = CurvePanel("certified", "radius (L2, values in [0, 1])", "certified accuracy", "upper right", steps=True)


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
    words = board.words["items"]
    seeds = f" and seeds {', '.join(map(str, board.seeds))}" if len(board.seeds) > 1 else ""
    caption = (
        f"Certified accuracy against the radius on {board.title}: the share of {words}{seeds} that are put into the "
        "right class and that no change within the radius takes from it."
    )
    curves = [(row, *certified_curve(radii)) for row, radii in methods]
    return draw_curves(_PANEL, board, curves, number, looks, sheet, caption)
