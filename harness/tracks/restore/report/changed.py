"""Panels of the pictures that moved most between two sides: both restored pictures, their errors, and the change."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ....comparing.comparison import Comparison
from ....comparing.difference import ScoreDifference, columns_of
from ....report.comparison import MORE, notations_of
from ....report.page.previews import PARTS
from ....report.plots.axis_text import metric_name
from ....report.plots.drawing import Plot, blank_canvas, fit, save
from ....report.plots.sheets import HOUSE
from ....report.track_protocols import Previews
from ....store.record import Panel
from ....text.errors import one_line
from .stored_crops import decode

MAX_PANELS, MAX_ROWS = 6, 3
WIDE = HOUSE.width
EDGE, GAP, LINE = 0.06, 0.04, 0.3
COLUMNS = ("clean", "noisy", "A", "B", "error of A", "error of B", "B − A")
CELL = (WIDE - 2 * EDGE - (len(COLUMNS) - 1) * GAP) / len(COLUMNS)


def changed_panels(
    comparison: Comparison, differences: Sequence[ScoreDifference], a: Previews, b: Previews
) -> tuple[list[Plot], str]:
    """Panels of the differences, in their order, that have kept pictures which changed; and a note if there is none."""
    plots: list[Plot] = []
    lacking = 0
    for difference in differences:
        if len(plots) == MAX_PANELS:
            break
        one, other = (_by_item(side(key)) for side, key in ((a, difference.key_a), (b, difference.key_b)))
        changes = dict(difference.moved_most(len(difference.items)))
        shown = [
            item
            for item in changes
            if item in one and item in other and one[item].parts["clean"] == other[item].parts["clean"]
        ]
        if changes and not shown:
            lacking += 1
        if shown:
            plots.append(_draw(comparison, difference, shown[:MAX_ROWS], one, other, len(plots) + 1))
    note = "No picture of what moved was kept on both sides: run with --keep all to see them." if lacking else ""
    return plots, "" if plots else note


def _by_item(panels: Sequence[Panel]) -> dict[str, Panel]:
    return {panel.item: panel for panel in panels if panel.parts.keys() >= set(PARTS)}


def _draw(
    comparison: Comparison, d: ScoreDifference, items: Sequence[str], one: dict[str, Panel], other: dict[str, Panel],
    index: int,
) -> Plot:  # fmt: skip
    rows: list[tuple[str, list[npt.NDArray[Any] | None]]] = []
    for item in items:
        pictures = [decode(one[item].parts[name]) for name in PARTS] + [decode(other[item].parts["restored"])]
        clean, _, first, second = pictures
        maps = [_gap(first, clean), _gap(second, clean), _gap(second, first)]
        rows.append((item, [*pictures, *maps]))
    errors = [m for _, row in rows for m in row[4:6] if m is not None]
    top = max([1.0, *(math.ceil(float(np.percentile(e, 99.5))) for e in errors)])
    changes = [m for _, row in rows for m in row[6:] if m is not None]
    most = max([1.0, *(math.ceil(float(np.percentile(c, 99.5))) for c in changes)])
    rises = [CELL * min(max(_aspect(row), 0.3), 2.5) for _, row in rows]
    height = 0.42 + sum(rise + LINE for rise in rises) + 0.3
    canvas = blank_canvas(WIDE, height)
    canvas.set(xlim=(0, WIDE), ylim=(0, height))
    y = height - 0.42
    for column, title in enumerate(COLUMNS):
        x = EDGE + column * (CELL + GAP) + CELL / 2
        canvas.text(x, height - 0.38, title, ha="center", va="center", fontsize=8)
    for (item, row), rise in zip(rows, rises, strict=True):
        where = d.items.index(item)
        notation = notations_of(columns_of([d]))[d.track, d.metric]
        before, after = (notation.text(float(side[where]), MORE) for side in (d.a, d.b))
        scores = f"{item}: {before} → {after} {d.unit or metric_name(d.track, d.metric)}"
        canvas.text(EDGE, y - LINE / 2, fit(scores, WIDE - 0.2), ha="left", va="center", fontsize=8)
        y -= LINE
        for column, picture in enumerate(row):
            if picture is None:
                continue
            left_edge = EDGE + column * (CELL + GAP)
            scaled = {"cmap": "magma", "vmin": 0, "vmax": most if column == 6 else top} if column > 3 else {}
            canvas.imshow(picture, extent=(left_edge, left_edge + CELL, y - rise, y), aspect="auto",
                          interpolation="none", **scaled)  # fmt: skip
        y -= rise
    canvas.set(xlim=(0, WIDE), ylim=(0, height))
    scale = f"Brightest: an error of {top:.0f}, a change of {most:.0f} (of 255, mean over channels)."
    canvas.text(EDGE, 0.15, scale, ha="left", va="center", fontsize=8)
    names = f"A: {comparison.name_a}, B: {comparison.name_b}"
    canvas.text(WIDE / 2, height - 0.14, fit(f"{d.method} · {d.where}", WIDE - 0.3, 9), ha="center", va="center",
                fontsize=9)  # fmt: skip
    caption = (
        f"Kept pictures of {d.method} · {d.where} that moved most in {metric_name(d.track, d.metric)}. {names}. {scale}"
    )
    return save(canvas.figure, f"moved-{index:02d}", one_line(caption, 600))


def _gap(a: npt.NDArray[Any] | None, b: npt.NDArray[Any] | None) -> npt.NDArray[np.float64] | None:
    if a is None or b is None or a.shape != b.shape:
        return None
    gap: npt.NDArray[np.float64] = np.abs(a.astype(np.float64) - b).mean(axis=2)
    return gap


def _aspect(row: Sequence[npt.NDArray[Any] | None]) -> float:
    shapes = [p.shape for p in row if p is not None]
    return shapes[0][0] / shapes[0][1] if shapes else 1.0
