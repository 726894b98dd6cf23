"""Panels of crops: clean, noisy, each method with its score, and error maps on one shared scale."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ....boards.board import Board
from ....boards.rows import Row
from ....errors import one_line
from ....report.escape import slug
from ....report.page.previews import PARTS
from ....report.plots.drawing import WIDE, Plot, fit, place, save, text_width
from ....report.plots.selection import limited
from ....report.tables import number as number_text
from ....store.record import Panel
from ....wording import counted

MAX_CROPS = 13
PER_BAND = 5
EDGE, GAP, TEXT, SIZE = 0.06, 0.05, 0.42, 7.5
"""Inches: margin, space between crops, room for three lines of text; and the size of that text in points."""
CELL = (WIDE - 2 * EDGE - PER_BAND * GAP) / (PER_BAND + 1)
Picture = npt.NDArray[np.uint8]


def decode(png: bytes) -> Picture | None:
    """PNG bytes → uint8 (H, W, 3) RGB; None where they are not a picture."""
    import cv2

    if not png:
        return None
    try:
        raw = cv2.imdecode(np.frombuffer(png, dtype=np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        return None
    return None if raw is None else np.ascontiguousarray(raw[:, :, ::-1]).astype(np.uint8)


def panels(boards: Sequence[Board], most: int, notes: list[str]) -> list[Plot]:
    """A plot for each board of which crops were kept, those with most methods first, at most `most`."""
    shown = sorted((board for board in boards if _crops(board)), key=lambda board: -len(board.rows))
    return [draw_panel(board, number) for number, board in enumerate(limited(shown, most, "panels of crops", notes), 1)]


def _crops(board: Board) -> list[tuple[Row, Panel]]:
    """Rows with crops of the one picture that most of them show."""
    crops = [
        (row, row.panel)
        for row in board.rows
        if row.panel is not None and row.inputs == board.inputs and row.panel.parts.keys() >= set(PARTS)
    ]
    count = Counter(panel.item for _, panel in crops)
    if not count:
        return []
    item = min(count, key=lambda name: (-count[name], name))
    return [(row, panel) for row, panel in crops if panel.item == item and row.role != "baseline"]


@dataclass(frozen=True)
class _Grid:
    """Where crops lie on a figure: in bands of six columns, each crop above its error, `rise` inches high."""

    canvas: Any
    height: float
    rise: float
    top: float

    def put(self, picture: Any, band: int, column: int, title: str = "", *, error: bool = False) -> Any:
        """Draw a crop, or an error below its crop on the scale 0 … `top`."""
        left = EDGE + column * (CELL + GAP)
        edge = self.edge(band) - (self.rise + GAP if error else 0.0)
        scaled: dict[str, Any] = {"cmap": "magma", "vmin": 0, "vmax": self.top} if error else {}
        box = (left, left + CELL, edge - self.rise, edge)
        image = self.canvas.imshow(picture, extent=box, aspect="auto", interpolation="none", **scaled)
        self.canvas.text(left + CELL / 2, edge + 0.03, title, ha="center", va="bottom", fontsize=SIZE, linespacing=1.1)
        return image

    def edge(self, band: int) -> float:
        """The upper edge of the crops of a band."""
        return self.height - 0.32 - band * (TEXT + 2 * self.rise + GAP + 0.06) - TEXT


def draw_panel(board: Board, number: int) -> Plot:
    """Crops in bands of six columns, each crop above its absolute error; one scale for all errors."""
    from matplotlib.figure import Figure

    crops = _crops(board)
    clean, noisy = (decode(crops[0][1].parts[name]) for name in ("clean", "noisy"))
    item = crops[0][1].item
    shown: list[tuple[str, Picture]] = []
    if noisy is not None:
        shown.append((f"noisy input\n{_score(board, _noisy_row(board), item)}", noisy))
    for row, panel in crops[:MAX_CROPS]:
        restored = decode(panel.parts["restored"])
        if restored is not None:
            shown.append((f"{_wrap(row.label, CELL)}\n{_score(board, row, item)}", restored))
    errors = [_error(picture, clean) for _, picture in shown]
    rise = CELL * min(max(clean.shape[0] / clean.shape[1] if clean is not None else 1.0, 0.3), 2.5)
    bands = max(1, math.ceil(len(shown) / PER_BAND))
    height = 0.32 + bands * (TEXT + 2 * rise + GAP + 0.06) + 0.55
    figure = Figure(figsize=(WIDE, height))
    canvas = place(figure, 0, 0, WIDE, height)
    canvas.set_axis_off()
    grid = _Grid(canvas, height, rise, _top(errors))
    if clean is not None:
        grid.put(clean, 0, 0, "clean")
        middle = grid.edge(0) - 1.5 * rise - GAP
        canvas.text(EDGE + CELL / 2, middle, "absolute\nerror", ha="center", va="center", fontsize=8)
    scale = None
    for spot, ((title, picture), error) in enumerate(zip(shown, errors, strict=True)):
        band, column = divmod(spot, PER_BAND)
        grid.put(picture, band, column + 1, title)
        if error is not None:
            scale = grid.put(error, band, column + 1, error=True)
    canvas.set(xlim=(0, WIDE), ylim=(0, height))
    if scale is not None:
        bar = figure.colorbar(scale, cax=place(figure, 1.75, 0.42, 3.5, 0.09), orientation="horizontal", extend="max")
        bar.set_label("absolute error, mean over channels (of 255)", labelpad=1)
        bar.ax.grid(False)
    heading = fit(f"{board.title}, picture {item}", WIDE - 0.4, 9)
    canvas.text(WIDE / 2, height - 0.16, heading, ha="center", va="center", fontsize=9)
    caption = (
        f"Crops of picture {item} of {board.title}, with the score of the whole picture, "
        f"above their absolute error on one scale."
    )
    if len(crops) > MAX_CROPS:
        caption += f" Left out: {counted(len(crops) - MAX_CROPS, 'method')} of lower mean."
    name = f"panel-{number:02d}-{slug(board.dataset, 24)}-{slug(board.regime, 24)}"
    return save(figure, name, one_line(caption, 600), dpi=150)


def _top(errors: Sequence[npt.NDArray[np.float64] | None]) -> float:
    """The end of the scale: the middle method sets it, so that one bad method does not hide what tells good apart."""
    percentiles = [float(np.percentile(e, 99.5)) for e in errors[1:] or errors if e is not None]
    return max(1.0, math.ceil(float(np.median(percentiles)))) if percentiles else 1.0


def _wrap(label: str, inches: float) -> str:
    """The label on at most two lines of `inches`, broken after punctuation where that fits."""
    if text_width(label, SIZE) <= inches:
        return label
    short = fit(label, 1.8 * inches, SIZE)
    cuts = [i for i in range(1, len(short)) if short[i - 1] in "( ,_-/=…"] + list(range(1, len(short)))
    fitting = [i for i in cuts if max(text_width(short[:i], SIZE), text_width(short[i:], SIZE)) <= inches]
    if not fitting:
        return fit(label, inches, SIZE)
    cut = fitting[0]
    return f"{short[:cut].rstrip()}\n{short[cut:].lstrip()}"


def _noisy_row(board: Board) -> Row | None:
    return next((r for r in board.rows if r.role == "baseline" and r.inputs == board.inputs), None)


def _score(board: Board, row: Row | None, item: str) -> str:
    if row is None or board.rank_by is None or item not in board.items:
        return ""
    value = float(row.scores[board.rank_by.label].values[board.items.index(item)])
    return f"{number_text(value, board.rank_by.decimals)} {board.rank_by.unit or board.rank_by.label}"


def _error(picture: Picture, clean: Picture | None) -> npt.NDArray[np.float64] | None:
    if clean is None or clean.shape != picture.shape:
        return None
    gap: npt.NDArray[np.float64] = np.abs(picture.astype(np.float64) - clean).mean(axis=2)
    return gap
