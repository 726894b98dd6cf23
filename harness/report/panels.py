"""Panels of crops: clean, noisy, each method with its score, and error maps on one shared scale."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..analysis.board import Board
from ..analysis.rows import Row
from ..errors import one_line
from ..store.record import Panel
from .drawing import WIDE, Plot, fit, place, save, text_width
from .escape import slug
from .tables import number as number_text

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


def panel_boards(boards: Sequence[Board]) -> list[Board]:
    """Boards with at least one method whose crops were kept, those with most methods first."""
    return sorted((b for b in boards if _chosen(b)), key=lambda b: -len(b.rows))


def _chosen(board: Board) -> list[tuple[Row, Panel]]:
    """Rows with crops of the one picture that most of them show."""
    held = [(row, row.panel) for row in board.rows if row.panel is not None and row.inputs == board.inputs]
    count = Counter(panel.item for _, panel in held)
    if not count:
        return []
    item = min(count, key=lambda name: (-count[name], name))
    return [(row, panel) for row, panel in held if panel.item == item and row.name != "identity"]


def draw_panel(board: Board, number: int) -> Plot:
    """Crops in bands of six columns, each crop above its absolute error; one scale for all errors."""
    from matplotlib.figure import Figure

    chosen = _chosen(board)
    clean, noisy = decode(chosen[0][1].clean), decode(chosen[0][1].noisy)
    shown: list[tuple[str, Picture]] = []
    item = chosen[0][1].item
    if noisy is not None:
        shown.append((f"noisy input\n{_score(board, _noisy_row(board), item)}", noisy))
    for row, panel in chosen[:MAX_CROPS]:
        restored = decode(panel.restored)
        if restored is not None:
            shown.append((f"{_wrap(row.label, CELL)}\n{_score(board, row, item)}", restored))
    errors = [_error(picture, clean) for _, picture in shown]
    found = [float(np.percentile(e, 99.5)) for e in errors[1:] or errors if e is not None]
    # The middle method sets the scale: one bad method must not hide what tells the good ones apart.
    top = max(1.0, math.ceil(float(np.median(found)))) if found else 1.0
    bands = max(1, math.ceil(len(shown) / PER_BAND))
    aspect = clean.shape[0] / clean.shape[1] if clean is not None else 1.0
    cell = CELL
    rise = cell * min(max(aspect, 0.3), 2.5)
    band_height = TEXT + 2 * rise + GAP
    height = 0.32 + bands * (band_height + 0.06) + 0.55
    figure = Figure(figsize=(WIDE, height))
    canvas = place(figure, 0, 0, WIDE, height)
    canvas.set_axis_off()

    def put(picture: Any, band: int, column: int, below: bool, title: str = "") -> Any:
        left = EDGE + column * (cell + GAP)
        top_edge = height - 0.32 - band * (band_height + 0.06) - TEXT - (rise + GAP if below else 0.0)
        box = (left, left + cell, top_edge - rise, top_edge)
        scaled: dict[str, Any] = {"cmap": "magma", "vmin": 0, "vmax": top} if below else {}
        image = canvas.imshow(picture, extent=box, aspect="auto", interpolation="none", **scaled)
        canvas.text(left + cell / 2, top_edge + 0.03, title, ha="center", va="bottom", fontsize=SIZE, linespacing=1.1)
        return image

    if clean is not None:
        put(clean, 0, 0, False, "clean")
        canvas.text(
            EDGE + cell / 2,
            height - 0.32 - TEXT - 1.5 * rise - GAP,
            "absolute\nerror",
            ha="center",
            va="center",
            fontsize=8,
        )
    scale = None
    for spot, ((title, picture), error) in enumerate(zip(shown, errors, strict=True)):
        band, column = divmod(spot, PER_BAND)
        put(picture, band, column + 1, False, title)
        if error is not None:
            scale = put(error, band, column + 1, True)
    canvas.set(xlim=(0, WIDE), ylim=(0, height))
    if scale is not None:
        rail = place(figure, 1.75, 0.42, 3.5, 0.09)
        bar = figure.colorbar(scale, cax=rail, orientation="horizontal", extend="max")
        bar.set_label("absolute error, mean over channels (of 255)", labelpad=1)
        rail.grid(False)
    heading = fit(f"{board.title}, picture {item}", WIDE - 0.4, 9)
    canvas.text(WIDE / 2, height - 0.16, heading, ha="center", va="center", fontsize=9)
    left_out = len(chosen) - min(len(chosen), MAX_CROPS)
    caption = (
        f"Crops of picture {item} of {board.title}, with the score of the whole picture, "
        f"above their absolute error on one scale."
    )
    if left_out:
        caption += f" {left_out} methods of lower mean are left out."
    name = f"panel-{number:02d}-{slug(board.dataset, 24)}-{slug(board.regime, 24)}"
    return save(figure, name, one_line(caption, 600), dpi=150)


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
    return next((r for r in board.rows if r.name == "identity" and r.inputs == board.inputs), None)


def _score(board: Board, row: Row | None, item: str) -> str:
    if row is None or board.rank_by is None or item not in board.items:
        return ""
    value = float(row.scores[board.rank_by.label].values[board.items.index(item)])
    return f"{number_text(value, board.rank_by.unit)} {board.rank_by.unit or board.rank_by.label}"


def _error(picture: Picture, clean: Picture | None) -> npt.NDArray[np.float64] | None:
    if clean is None or clean.shape != picture.shape:
        return None
    gap: npt.NDArray[np.float64] = np.abs(picture.astype(np.float64) - clean).mean(axis=2)
    return gap
