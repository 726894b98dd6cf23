"""What figures are drawn for: the widths of a journal's columns, or a slide, and the size of their text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...text.errors import UsageError, nearest, one_line

TEXT = 8.0
"""Points of the text that all lengths below are thought for."""


@dataclass(frozen=True)
class Sheet:
    """Room for a figure: `width` and the most `height` in inches, `text` in points.

    `narrow`: of one column of two. `fills`: figures take all of the height, as on a slide.
    """

    width: float = 7.0
    height: float = 9.5
    text: float = TEXT
    narrow: bool = False
    fills: bool = False

    @property
    def scale(self) -> float:
        """How much larger its text is than that of the house: lengths that hold text grow with it."""
        return self.text / TEXT

    @property
    def heading(self) -> float:
        """Points of a heading."""
        return self.text if self.narrow else self.text + 1

    @property
    def line(self) -> float:
        """Inches from one line of text to the next."""
        return 1.25 * self.text / 72

    def tall(self, wanted: float) -> float:
        """The height of a figure that needs `wanted` inches."""
        return self.height if self.fills else wanted


@dataclass(frozen=True)
class Style:
    """The sheet of whole pages, and that of one column where there is such a thing."""

    page: Sheet
    column: Sheet | None = None


HOUSE = Sheet()
MM = 1 / 25.4
STYLES: Mapping[str, Style] = {
    "ieee": Style(Sheet(7.16, 8.8), Sheet(3.5, 8.8, 7.0, narrow=True)),
    "nature": Style(Sheet(183 * MM, 230 * MM, 7.0), Sheet(89 * MM, 230 * MM, 6.5, narrow=True)),
    "slides": Style(Sheet(40 / 3, 7.5, 18.0, fills=True)),
}
"""By the name that `--style` takes: widths as the journals ask for them, and a slide of 16:9."""


def style_of(name: str) -> Style:
    """The style of that name, that of the house where it is empty. Raises `UsageError` with the nearest match."""
    if not name:
        return Style(HOUSE)
    if name not in STYLES:
        raise UsageError(f"unknown style {one_line(name)!r}: {nearest(name, STYLES)}")
    return STYLES[name]
