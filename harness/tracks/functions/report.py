"""The fits of one function side by side: a small tile a method, with its name and its score, best first."""

from __future__ import annotations

import io
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from ...boards.board import Board
from ...boards.rows import Row
from ...report.escape import slug
from ...report.plots.axis_text import metric_name
from ...report.plots.drawing import Plot, fit, place, save
from ...report.plots.selection import limited
from ...report.plots.sheets import Sheet
from ...report.tables import number as number_text
from ...store.record import Panel
from ...text.errors import one_line
from ...text.wording import counted

MAX_FITS = 24
PER_BAND = 4
EDGE, GAP, TEXT, HEAD = 0.06, 0.08, 0.36, 0.34
"""Inches: margin, space between tiles, room for two lines of text over a tile, and for the heading."""


def fit_panels(boards: Sequence[Board], most: int, notes: list[str], sheet: Sheet) -> list[Plot]:
    """A plot for each board of which fits were drawn, those with most methods first, at most `most`."""
    shown = sorted((board for board in boards if _fits(board)), key=lambda board: -len(board.rows))
    chosen = limited(shown, most, "fits", notes)
    drawn = [draw_fits(board, number, sheet) for number, board in enumerate(chosen, 1)]
    return [plot for plot in drawn if plot is not None]


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


def draw_fits(board: Board, number: int, sheet: Sheet) -> Plot | None:
    """Tiles in bands of four: samples as dots, the function in grey, the fit as a line; under name and score.

    As many bands as a page has room for; None without a tile.
    """
    from matplotlib.figure import Figure

    k = sheet.scale
    wide = (sheet.width - 2 * EDGE - (PER_BAND - 1) * GAP) / PER_BAND
    fits = _fits(board)
    item = fits[0][1].item
    tiles = [(row, tile) for row, panel in fits if (tile := _decoded(panel.parts["fit"])) is not None]
    if not tiles:
        return None
    rise = wide * tiles[0][1].shape[0] / tiles[0][1].shape[1]
    most = max(1, int((sheet.height - HEAD * k - EDGE) / (TEXT * k + rise + GAP))) * PER_BAND
    tiles = tiles[: min(MAX_FITS, most)]
    bands = math.ceil(len(tiles) / PER_BAND)
    height = HEAD * k + bands * (TEXT * k + rise + GAP) + EDGE
    figure = Figure(figsize=(sheet.width, height))
    canvas = place(figure, 0, 0, sheet.width, height)
    canvas.set_axis_off()
    for spot, (row, tile) in enumerate(tiles):
        band, column = divmod(spot, PER_BAND)
        left, top = EDGE + column * (wide + GAP), height - HEAD * k - band * (TEXT * k + rise + GAP) - TEXT * k
        canvas.imshow(tile, extent=(left, left + wide, top - rise, top), aspect="auto")
        title = f"{fit(row.label, wide, sheet.text)}\n{_score(board, row, item)}"
        canvas.text(left + wide / 2, top + 0.03, title, ha="center", va="bottom", fontsize=sheet.text, linespacing=1.1)
    canvas.set(xlim=(0, sheet.width), ylim=(0, height))
    heading = fit(f"{board.title}, {item}", sheet.width - 0.4, sheet.heading)
    canvas.text(sheet.width / 2, height - 0.16 * k, heading, ha="center", va="center", fontsize=sheet.heading)
    caption = (
        f"Fits of {item} on {board.title}: noisy samples as dots, the function in grey, the fit as a line; above each "
        "the method and its score on this function."
    )
    if len(fits) > len(tiles):
        caption += f" {counted(len(fits) - len(tiles), 'method is', 'methods are')} left out."
    return save(figure, f"drawing-{number:02d}-{slug(board.title, 48)}", one_line(caption, 600))


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
    value = float(row.scores[column.label].by_item[board.items.index(item)])
    return f"{number_text(value, column.decimals)} {column.unit or metric_name(board.track, column.label)}"
