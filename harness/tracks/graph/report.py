"""The graphs that methods found side by side with the true one: a tile a method, its name and its score, best first."""

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
from ...report.plots.axis_text import metric_name
from ...report.plots.drawing import Plot, fit, place, save
from ...report.plots.selection import limited
from ...report.plots.sheets import Sheet
from ...report.tables import number as number_text
from ...store.record import Panel
from ...wording import counted

MAX_GRAPHS = 24
PER_BAND = 5
EDGE, GAP, TEXT, HEAD = 0.06, 0.08, 0.36, 0.34
"""Inches: margin, space between tiles, room for two lines of text over a tile, and for the heading."""


def graph_panels(boards: Sequence[Board], most: int, notes: list[str], sheet: Sheet) -> list[Plot]:
    """A plot for each board of which graphs were drawn, those with most methods first, at most `most`."""
    shown = sorted((board for board in boards if _graphs(board)), key=lambda board: -len(board.rows))
    chosen = limited(shown, most, "graphs", notes)
    drawn = [draw_board(board, number, sheet) for number, board in enumerate(chosen, 1)]
    return [plot for plot in drawn if plot is not None]


def _graphs(board: Board) -> list[tuple[Row, Panel]]:
    """Rows with a picture of the one graph that most of them show."""
    graphs = [
        (row, row.panel)
        for row in board.rows
        if row.panel is not None and {"truth", "graph"} <= set(row.panel.parts) and row.inputs == board.inputs
    ]
    count = Counter(panel.item for _, panel in graphs)
    item = min(count, key=lambda name: (-count[name], name), default="")
    return [(row, panel) for row, panel in graphs if panel.item == item]


def draw_board(board: Board, number: int, sheet: Sheet) -> Plot | None:
    """Tiles in bands of five, the true graph first; as many bands as a page has room for. None without a tile."""
    from matplotlib.figure import Figure

    k = sheet.scale
    wide = (sheet.width - 2 * EDGE - (PER_BAND - 1) * GAP) / PER_BAND
    graphs = _graphs(board)
    item = graphs[0][1].item
    true_graph = _decoded(graphs[0][1].parts["truth"])
    found = [(row, tile) for row, panel in graphs if (tile := _decoded(panel.parts["graph"])) is not None]
    if true_graph is None or not found:
        return None
    titled = [("true graph", "", true_graph)]
    titled += [(fit(row.label, wide, sheet.text), _score(board, row, item), tile) for row, tile in found]
    most = max(1, int((sheet.height - HEAD * k - EDGE) / (TEXT * k + wide + GAP))) * PER_BAND
    titled = titled[: min(MAX_GRAPHS, most)]
    height = HEAD * k + math.ceil(len(titled) / PER_BAND) * (TEXT * k + wide + GAP) + EDGE
    figure = Figure(figsize=(sheet.width, height))
    canvas = place(figure, 0, 0, sheet.width, height)
    canvas.set_axis_off()
    for spot, (name, score, tile) in enumerate(titled):
        band, column = divmod(spot, PER_BAND)
        left, top = EDGE + column * (wide + GAP), height - HEAD * k - band * (TEXT * k + wide + GAP) - TEXT * k
        canvas.imshow(tile, extent=(left, left + wide, top - wide, top), aspect="auto")
        title = f"{name}\n{score}"
        canvas.text(left + wide / 2, top + 0.03, title, ha="center", va="bottom", fontsize=sheet.text, linespacing=1.1)
    canvas.set(xlim=(0, sheet.width), ylim=(0, height))
    heading = fit(f"{board.title}, {item}", sheet.width - 0.4, sheet.heading)
    canvas.text(sheet.width / 2, height - 0.16 * k, heading, ha="center", va="center", fontsize=sheet.heading)
    caption = (
        f"{item} on {board.title}: causes by row, effects by column, in the order of the true graph. Blue: edges that "
        "are true; orange: those that are not; grey: those that are missing. Above each its method and its score."
    )
    if len(found) >= len(titled):
        caption += f" {counted(len(found) + 1 - len(titled), 'method is', 'methods are')} left out."
    return save(figure, f"drawing-{number:02d}-{slug(board.title, 48)}", one_line(caption, 600))


def _decoded(png: bytes) -> Any:
    """PNG bytes → (H, W, C) in [0, 1]; None where they are not a picture."""
    from matplotlib.image import imread

    try:
        return imread(io.BytesIO(png), format="png")
    except (OSError, SyntaxError, ValueError):
        return None


def _score(board: Board, row: Row, item: str) -> str:
    """The score on the graph that is shown, in the metric of the ranking."""
    column = board.rank_by
    if column is None or item not in board.items:
        return ""
    value = float(row.scores[column.label].by_item[board.items.index(item)])
    return f"{number_text(value, column.decimals)} {column.unit or metric_name(board.track, column.label)}"
