"""Small pictures side by side in bands, each under a title of two lines: one way to draw outputs for any track."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...data.png_files import png_size
from ...text.errors import one_line
from .drawing import Plot, blank_canvas, fit, legend_names, save
from .sheets import Sheet

EDGE, GAP, TEXT, HEAD = 0.06, 0.08, 0.36, 0.34
"""Inches: margin, space between tiles, room for two lines of text over a tile, and for the heading."""
LARGEST = 4096
"""Pixels of a side of what is drawn, at most: files of others may claim any size."""


@dataclass(frozen=True)
class Tile:
    """A PNG with its title, and a second line."""

    title: str
    below: str
    png: bytes


def draw_tiles(
    name: str, heading: str, caption: str, tiles: Sequence[Tile], sheet: Sheet, *, each: int, most: int
) -> tuple[Plot | None, int]:
    """The tiles in bands of `each`, at most `most` and as many bands as a page has room for.

    The plot, None where no tile is a picture, and how many were left out. Tiles have the size of the first one.
    """
    k = sheet.scale
    wide = (sheet.width - 2 * EDGE - (each - 1) * GAP) / each
    shown = [(tile, picture) for tile in tiles if (picture := decoded(tile.png)) is not None]
    if not shown:
        return None, 0
    rise = wide * shown[0][1].shape[0] / shown[0][1].shape[1]
    room = max(1, int((sheet.height - HEAD * k - EDGE) / (TEXT * k + rise + GAP))) * each
    left_out = len(shown) - min(most, room, len(shown))
    shown = shown[: min(most, room)]
    bands = math.ceil(len(shown) / each)
    height = HEAD * k + bands * (TEXT * k + rise + GAP) + EDGE
    canvas = blank_canvas(sheet.width, height)
    names = legend_names([tile.title for tile, _ in shown], wide, sheet.text)
    for spot, (tile, picture) in enumerate(shown):
        band, column = divmod(spot, each)
        x0, top = EDGE + column * (wide + GAP), height - HEAD * k - band * (TEXT * k + rise + GAP) - TEXT * k
        box = (x0, x0 + wide, top - rise, top)
        canvas.imshow(picture, extent=box, aspect="auto", interpolation="nearest", cmap="gray", vmin=0, vmax=1)
        text = f"{names[tile.title]}\n{fit(tile.below, wide, sheet.text)}"
        canvas.text(x0 + wide / 2, top + 0.03, text, ha="center", va="bottom", fontsize=sheet.text, linespacing=1.1)
    canvas.set(xlim=(0, sheet.width), ylim=(0, height))
    head = fit(heading, sheet.width - 0.4, sheet.heading)
    canvas.text(sheet.width / 2, height - 0.16 * k, head, ha="center", va="center", fontsize=sheet.heading)
    return save(canvas.figure, name, one_line(caption, 600)), left_out


def decoded(png: bytes) -> Any:
    """PNG bytes → (H, W) or (H, W, C) in [0, 1]; None where they are not a picture, or one that is too large."""
    from matplotlib.image import imread

    size = png_size(png)
    if size is None or max(size) > LARGEST:
        return None
    try:
        return imread(io.BytesIO(png), format="png")
    except (OSError, SyntaxError, ValueError):
        return None
