"""The fits of one function side by side: a small tile a method, with its name and its score, best first."""

from __future__ import annotations

import io
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from ...boards.board import Board
from ...boards.rows import Row
from ...errors import one_line
from ...report.escape import slug
from ...report.plots.drawing import WIDE, Plot, fit, place, save
from ...report.plots.selection import limited
from ...report.tables import number as number_text
from ...store.record import Panel
from ...wording import counted

MAX_FITS = 24
PER_BAND = 4
EDGE, GAP, TEXT, HEAD = 0.06, 0.08, 0.36, 0.34
"""Inches: margin, space between tiles, room for two lines of text over a tile, and for the heading."""
TILE = (WIDE - 2 * EDGE - (PER_BAND - 1) * GAP) / PER_BAND


def fit_panels(boards: Sequence[Board], most: int, notes: list[str]) -> list[Plot]:
    """A plot for each board of which fits were drawn, those with most methods first, at most `most`."""
    shown = sorted((board for board in boards if _fits(board)), key=lambda board: -len(board.rows))
    return [draw_fits(board, number) for number, board in enumerate(limited(shown, most, "fits", notes), 1)]


def _fits(board: Board) -> list[tuple[Row, Panel]]:
    """Rows with a fit of the one function that most of them show."""
    fits = [
        (row, row.panel)
        for row in board.rows
        if row.panel is not None and "fit" in row.panel.parts and row.inputs == board.inputs
    ]
    count = Counter(panel.item for _, panel in fits)
    item = min(count, key=lambda name: (-count[name], name), default="")
    return [(row, panel) for row, panel in fits if panel.item == item]


def draw_fits(board: Board, number: int) -> Plot:
    """Tiles in bands of four: samples as dots, the function in grey, the fit as a line; under name and score."""
    from matplotlib.figure import Figure

    fits = _fits(board)
    item = fits[0][1].item
    tiles = [(row, tile) for row, panel in fits[:MAX_FITS] if (tile := _decoded(panel.parts["fit"])) is not None]
    rise = TILE * tiles[0][1].shape[0] / tiles[0][1].shape[1] if tiles else 0.0
    bands = math.ceil(len(tiles) / PER_BAND)
    height = HEAD + bands * (TEXT + rise + GAP) + EDGE
    figure = Figure(figsize=(WIDE, height))
    canvas = place(figure, 0, 0, WIDE, height)
    canvas.set_axis_off()
    for spot, (row, tile) in enumerate(tiles):
        band, column = divmod(spot, PER_BAND)
        left, top = EDGE + column * (TILE + GAP), height - HEAD - band * (TEXT + rise + GAP) - TEXT
        canvas.imshow(tile, extent=(left, left + TILE, top - rise, top), aspect="auto")
        title = f"{fit(row.label, TILE)}\n{_score(board, row, item)}"
        canvas.text(left + TILE / 2, top + 0.03, title, ha="center", va="bottom", fontsize=8, linespacing=1.1)
    canvas.set(xlim=(0, WIDE), ylim=(0, height))
    heading = fit(f"{board.title}, {item}", WIDE - 0.4, 9)
    canvas.text(WIDE / 2, height - 0.16, heading, ha="center", va="center", fontsize=9)
    caption = (
        f"Fits of {item} on {board.title}: noisy samples as dots, the function in grey, the fit as a line; above each "
        "the method and its score on this function."
    )
    if len(fits) > len(tiles):
        caption += f" {counted(len(fits) - len(tiles), 'method is', 'methods are')} left out."
    return save(figure, f"drawing-{number:02d}-{slug(board.title, 48)}", one_line(caption, 600), dpi=150)


def _decoded(png: bytes) -> Any:
    """PNG bytes → (H, W, C) in [0, 1]; None where they are not a picture."""
    from matplotlib.image import imread

    try:
        return imread(io.BytesIO(png), format="png")
    except (OSError, SyntaxError, ValueError):
        return None


def _score(board: Board, row: Row, item: str) -> str:
    """The score on the function that is shown, in the metric of the ranking."""
    column = board.rank_by
    if column is None or item not in board.items:
        return ""
    value = float(row.scores[column.label].values[board.items.index(item)])
    return f"{number_text(value, column.decimals)} {column.unit or column.label}"
