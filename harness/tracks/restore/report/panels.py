"""Panels of crops: clean, noisy, each method with its score and that of the crop, and errors on one shared scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from ....boards.board import Board
from ....boards.rows import Row
from ....report.escape import slug
from ....report.page.previews import PARTS
from ....report.plots.axis_text import metric_name
from ....report.plots.drawing import Plot, blank_canvas, fit, place, save, text_width
from ....report.plots.sheets import Sheet
from ....report.plots.side_by_side import RowPanel, plot_boards, rows_with_panels, score_with_unit
from ....store.record import Panel
from ....text.errors import one_line
from ....text.wording import counted
from .crop_scores import crop_score
from .stored_crops import Picture, decode

MAX_CROPS = 13
MOST_IN_BAND, LEAST_IN_BAND = 6, 3
EDGE, GAP, HEAD, FOOT = 0.06, 0.05, 0.32, 0.55
"""Inches: margin, space between crops, room for the heading and for the scale of errors."""


def panels(boards: Sequence[Board], most: int, notes: list[str], sheet: Sheet) -> list[Plot]:
    """A plot for each board of which crops were kept, those with most methods first, at most `most`."""
    return plot_boards(boards, _crops, partial(_draw_panel, sheet=sheet), "panels of crops", most, notes)


def _crops(board: Board) -> list[RowPanel]:
    """Methods with crops of the one picture that most rows show."""
    return [(row, panel) for row, panel in rows_with_panels(board, PARTS) if row.role != "baseline"]


@dataclass(frozen=True)
class _Grid:
    """Where crops lie on a figure: in bands of `columns`, each crop above its error, `rise` inches high.

    `words` is the room over each band in inches, `top` the error that is brightest.
    """

    canvas: Any
    sheet: Sheet
    columns: int
    height: float
    rise: float
    words: float
    top: float

    def put(self, picture: Any, band: int, column: int, title: str = "", *, error: bool = False) -> Any:
        """Draw a crop, or an error below its crop on the scale 0 … `top`."""
        cell = cell_of(self.sheet, self.columns)
        start = EDGE + column * (cell + GAP)
        edge = self.edge(band) - (self.rise + GAP if error else 0.0)
        scaled: dict[str, Any] = {"cmap": "magma", "vmin": 0, "vmax": self.top} if error else {}
        box = (start, start + cell, edge - self.rise, edge)
        image = self.canvas.imshow(picture, extent=box, aspect="auto", interpolation="none", **scaled)
        self.canvas.text(start + cell / 2, edge + 0.03, title, ha="center", va="bottom", fontsize=text_of(self.sheet),
                         linespacing=1.1)  # fmt: skip
        return image

    def edge(self, band: int) -> float:
        """The upper edge of the crops of a band."""
        return self.height - HEAD * self.sheet.scale - band * _band(self.rise, self.words) - self.words


def cell_of(sheet: Sheet, columns: int) -> float:
    """How wide a crop is."""
    return (sheet.width - 2 * EDGE - (columns - 1) * GAP) / columns


def rise_of(clean: Picture | None, cell: float) -> float:
    """How high a crop is that is `cell` wide."""
    return cell * min(max(clean.shape[0] / clean.shape[1] if clean is not None else 1.0, 0.3), 2.5)


def text_of(sheet: Sheet) -> float:
    """The size of the text over crops, a little smaller than elsewhere."""
    return max(6.0, 0.9 * sheet.text)


def _band(rise: float, words: float) -> float:
    return words + 2 * rise + GAP + 0.08


def _room(lines: int, sheet: Sheet) -> float:
    return 1.15 * lines * text_of(sheet) / 72 + 0.05


def _draw_panel(board: Board, crops: Sequence[RowPanel], number: int, sheet: Sheet) -> Plot | None:
    """Crops in full bands, each crop above its absolute error, one scale for all; None without a crop.

    As many bands as a page has room for.
    """
    k = sheet.scale
    first = crops[0][1]
    clean, noisy = (decode(first.parts[name]) for name in ("clean", "noisy"))
    least = rise_of(clean, cell_of(sheet, MOST_IN_BAND))
    room = sheet.height - (HEAD + FOOT) * k
    most = max(1, int(room / _band(least, _room(4, sheet)))) * MOST_IN_BAND - 2
    shown: list[tuple[str, tuple[str, str], Picture]] = []
    if noisy is not None:
        given = _score(board, _noisy_row(board), first, "noisy")
        shown.append((board.words["given"], given, noisy))
    drawn = [(row, panel, picture) for row, panel in crops if (picture := decode(panel.parts["restored"])) is not None]
    drawn = drawn[: min(MAX_CROPS, most)]
    bands = math.ceil((len(drawn) + 2) / MOST_IN_BAND)
    columns = max(LEAST_IN_BAND, math.ceil((len(drawn) + 2) / bands))
    while columns < MOST_IN_BAND and bands * _band(rise_of(clean, cell_of(sheet, columns)), _room(4, sheet)) > room:
        columns += 1
    cell = cell_of(sheet, columns)
    rise = rise_of(clean, cell)
    for row, panel, picture in drawn:
        shown.append((_wrap(row.label, cell, text_of(sheet)), _score(board, row, panel, "restored"), picture))
    if not shown:
        return None
    together = all(text_width(", ".join(filter(None, score)), text_of(sheet)) <= cell for _, score, _ in shown)
    errors = [_error(picture, clean) for _, _, picture in shown]
    joint = ", " if together else ",\n"
    titles = ["\n".join(filter(None, (name, joint.join(filter(None, score))))) for name, score, _ in shown]
    words = _room(max(title.count("\n") for title in titles) + 1, sheet)
    height = bands * _band(rise, words) + (HEAD + FOOT) * k
    canvas = blank_canvas(sheet.width, height)
    grid = _Grid(canvas, sheet, columns, height, rise, words, _top(errors))
    if clean is not None:
        grid.put(clean, 0, 0, "clean")
        middle = grid.edge(0) - 1.5 * rise - GAP
        canvas.text(EDGE + cell / 2, middle, "absolute\nerror", ha="center", va="center", fontsize=text_of(sheet))
    scale = None
    for spot, (title, (_, _, picture), error) in enumerate(zip(titles, shown, errors, strict=True), 1):
        band, column = divmod(spot, columns)
        grid.put(picture, band, column, title)
        if error is not None:
            scale = grid.put(error, band, column, error=True)
    canvas.set(xlim=(0, sheet.width), ylim=(0, height))
    if scale is not None:
        across = sheet.width / 2
        under = place(canvas.figure, across / 2, 0.42 * k, across, 0.09 * k)
        bar = canvas.figure.colorbar(scale, cax=under, orientation="horizontal", extend="max")
        bar.set_label("absolute error, mean over channels (of 255)", labelpad=1)
        bar.ax.grid(False)
    heading = fit(f"{board.title}, {board.words['item']} {first.item}", sheet.width - 0.4, sheet.heading)
    canvas.text(sheet.width / 2, height - 0.16 * k, heading, ha="center", va="center", fontsize=sheet.heading)
    caption = f"Crops of {board.words['item']} {first.item} of {board.title}, above their absolute error on one scale."
    if board.rank_by is not None and any(score[0] for _, score, _ in shown):
        caption += f" {metric_name(board.track, board.rank_by.label)} of the whole {board.words['item']}"
        caption += ", then of the 8-bit crop alone." if any(score[1] for _, score, _ in shown) else "."
    if len(crops) > len(drawn):
        caption += f" Left out: {counted(len(crops) - len(drawn), 'method')} of lower mean."
    name = f"panel-{number:02d}-{slug(board.dataset, 24)}-{slug(board.regime, 24)}"
    return save(canvas.figure, name, one_line(caption, 600))


def _top(errors: Sequence[npt.NDArray[np.float64] | None]) -> float:
    """The end of the scale: the middle method sets it, so that one bad method does not hide what tells good apart."""
    percentiles = [float(np.percentile(e, 99.5)) for e in errors[1:] or errors if e is not None]
    return max(1.0, math.ceil(float(np.median(percentiles)))) if percentiles else 1.0


def _wrap(label: str, inches: float, size: float) -> str:
    """The label on at most two lines of `inches`, broken after punctuation where that fits."""
    if text_width(label, size) <= inches:
        return label
    short = fit(label, 1.8 * inches, size)
    cuts = [i for i in range(1, len(short)) if short[i - 1] in "( ,_-/=…"] + list(range(1, len(short)))
    fitting = [i for i in cuts if max(text_width(short[:i], size), text_width(short[i:], size)) <= inches]
    if not fitting:
        return fit(label, inches, size)
    cut = fitting[0]
    return f"{short[:cut].rstrip()}\n{short[cut:].lstrip()}"


def _noisy_row(board: Board) -> Row | None:
    return next((r for r in board.rows if r.role == "baseline" and r.inputs == board.inputs), None)


def _score(board: Board, row: Row | None, panel: Panel, part: str) -> tuple[str, str]:
    """(`28.62 dB`, `crop 27.14`); empty where there is none."""
    column, whole = board.rank_by, score_with_unit(board, row, panel.item) if row is not None else ""
    if column is None or not whole:
        return "", ""
    crop = crop_score(board, panel, part)
    return whole, "" if crop is None else f"crop {column.notation.text(crop)}"


def _error(picture: Picture, clean: Picture | None) -> npt.NDArray[np.float64] | None:
    if clean is None or clean.shape != picture.shape:
        return None
    gap: npt.NDArray[np.float64] = np.abs(picture.astype(np.float64) - clean).mean(axis=2)
    return gap
