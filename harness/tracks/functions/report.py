"""The fits of one function side by side: a small tile a method, with its name and its score, best first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

from ...boards.board import Board
from ...report.escape import slug
from ...report.plots.drawing import Plot, blank_canvas, fit, save
from ...report.plots.sheets import Sheet
from ...report.plots.side_by_side import RowPanel, plot_boards, rows_with_panels, score_with_unit
from ...report.plots.tiles import decoded
from ...text.errors import one_line
from ...text.wording import counted

MAX_FITS = 24
PER_BAND = 4
EDGE, GAP, TEXT, HEAD = 0.06, 0.08, 0.36, 0.34
"""Inches: margin, space between tiles, room for two lines of text over a tile, and for the heading."""


def fit_panels(boards: Sequence[Board], most: int, notes: list[str], sheet: Sheet) -> list[Plot]:
    """A plot for each board of which fits were drawn, those with most methods first, at most `most`."""
    shown = partial(rows_with_panels, parts=("fit",))
    return plot_boards(boards, shown, partial(_draw_fits, sheet=sheet), "fits", most, notes)


def _draw_fits(board: Board, fits: Sequence[RowPanel], number: int, sheet: Sheet) -> Plot | None:
    """Tiles in bands of four: samples as dots, the function in grey, the fit as a line; under name and score.

    As many bands as a page has room for; None without a tile.
    """
    k = sheet.scale
    wide = (sheet.width - 2 * EDGE - (PER_BAND - 1) * GAP) / PER_BAND
    item = fits[0][1].item
    tiles = [(row, tile) for row, panel in fits if (tile := decoded(panel.parts["fit"])) is not None]
    if not tiles:
        return None
    rise = wide * tiles[0][1].shape[0] / tiles[0][1].shape[1]
    most = max(1, int((sheet.height - HEAD * k - EDGE) / (TEXT * k + rise + GAP))) * PER_BAND
    tiles = tiles[: min(MAX_FITS, most)]
    bands = math.ceil(len(tiles) / PER_BAND)
    height = HEAD * k + bands * (TEXT * k + rise + GAP) + EDGE
    canvas = blank_canvas(sheet.width, height)
    for spot, (row, tile) in enumerate(tiles):
        band, column = divmod(spot, PER_BAND)
        start, top = EDGE + column * (wide + GAP), height - HEAD * k - band * (TEXT * k + rise + GAP) - TEXT * k
        canvas.imshow(tile, extent=(start, start + wide, top - rise, top), aspect="auto")
        title = f"{fit(row.label, wide, sheet.text)}\n{score_with_unit(board, row, item)}"
        canvas.text(start + wide / 2, top + 0.03, title, ha="center", va="bottom", fontsize=sheet.text, linespacing=1.1)
    canvas.set(xlim=(0, sheet.width), ylim=(0, height))
    heading = fit(f"{board.title}, {item}", sheet.width - 0.4, sheet.heading)
    canvas.text(sheet.width / 2, height - 0.16 * k, heading, ha="center", va="center", fontsize=sheet.heading)
    caption = (
        f"Fits of {item} on {board.title}: noisy samples as dots, the function in grey, the fit as a line; above each "
        "the method and its score on this function."
    )
    if len(fits) > len(tiles):
        caption += f" {counted(len(fits) - len(tiles), 'method is', 'methods are')} left out."
    return save(canvas.figure, f"drawing-{number:02d}-{slug(board.title, 48)}", one_line(caption, 600))
